//! Traces that go on, one a slot of the cutter, and what the model makes of them so far.
//!
//! A [`Model::Stream`] keeps a state of fixed size of each trace and is asked at the calibration's moments:
//! after every call from the 20th on. Before that nothing is asked, so a trace has no state yet, only its calls;
//! most processes never need more. Its calls are also kept as long as there is room for them, for reasons.
//! A [`Model::Whole`] is asked after 20, 50, 100, 200, … calls and at the end with all calls so far.
//!
//! Either way what is made of the answers is a [`Course`], by the same code that judges recordings.
//!
//! Calls are kept in memory with an end. When it is reached, traces that were silent longest lose theirs first:
//! under a stream they lose their reasons, under any other model themselves ([`Counts::forgotten`]).

mod log;
mod looks;
mod order;
mod tokens;

use serde::Serialize;
use traceward_capture::{Call, Head, Names};
use traceward_detect::calibrate::{Course, Moments, Watch};
use traceward_run::About;
use traceward_stream::{Pool, Slot};
use traceward_trace::Vocabulary;

use self::log::{Log, Logs};
use self::order::Order;
use self::tokens::Tokens;
use crate::Model;

/// Never: no trace has as many calls.
const NEVER: u32 = u32::MAX;

/// What happened to sessions so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// How often the model was asked.
    pub(crate) looks: u64,
    /// Traces whose calls were thrown away though they went on: no reasons can be given for them.
    pub(crate) unlogged: u64,
    /// Traces that were given up with their calls.
    pub(crate) forgotten: u64,
}

/// What was made of a trace.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) course: Course,
    /// The model's probabilities after the last call looked at.
    pub(crate) probabilities: Vec<f64>,
    /// Calls unknown to the model.
    pub(crate) unknown: u32,
    /// Calls by i386's numbers.
    pub(crate) i386: u32,
}

/// One open trace.
#[derive(Debug)]
struct Session {
    head: Head,
    course: Course,
    log: Log,
    /// Its state, once it has one.
    state: Option<Slot>,
    /// Calls so far.
    calls: u32,
    /// After how many calls it is looked at next.
    due: u32,
    unknown: u32,
    i386: u32,
    open: bool,
    /// It was told of already.
    raised: bool,
    /// Its calls are no longer kept.
    unlogged: bool,
    /// Nothing more will be said of it.
    forgotten: bool,
}

/// All sessions of a model.
#[derive(Debug)]
pub(crate) struct Sessions<'a> {
    model: Model<'a>,
    watch: Following<'a>,
    tokens: Tokens,
    logs: Logs,
    order: Order,
    pool: Option<Pool>,
    table: Vec<Session>,
    open: usize,
    counts: Counts,
    /// Traces that were told of and then given up, with the last that is known of them.
    given_up: Vec<(u32, State)>,
    /// The newest calls, and their tokens.
    codes: Vec<u16>,
    batch: Vec<u32>,
    /// A trace's tokens.
    whole: Vec<u32>,
    row: Vec<f32>,
}

/// A [`Watch`], for `Debug`.
struct Following<'a>(Watch<'a>);

impl std::fmt::Debug for Following<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} above {:?}", self.0.moments, self.0.alarm_above)
    }
}

impl<'a> Sessions<'a> {
    /// Sessions that follow traces as `watch` does; their calls take at most `bytes` bytes.
    pub(crate) fn new(
        model: Model<'a>,
        mut watch: Watch<'a>,
        about: &About,
        names: &Names,
        bytes: usize,
    ) -> Self {
        if matches!(model, Model::Whole(_)) && watch.moments == Moments::EveryCall {
            watch.moments = Moments::Doubling;
        }
        let tokens = Tokens::new(names, &about.vocabulary);
        Self {
            model,
            logs: Logs::new(tokens.width(), bytes),
            tokens,
            order: Order::new(),
            pool: match model {
                Model::Stream(stream) => Some(Pool::new(std::sync::Arc::clone(stream))),
                Model::Whole(_) => None,
            },
            row: vec![0.0; watch.classifier.classes()],
            watch: Following(watch),
            table: Vec::new(),
            open: 0,
            counts: Counts::default(),
            given_up: Vec::new(),
            codes: Vec::new(),
            batch: Vec::new(),
            whole: Vec::new(),
        }
    }

    /// How many traces are open.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes set aside for states, calls and the sessions themselves.
    pub(crate) fn bytes(&self) -> usize {
        let states = self.pool.as_ref().map_or(0, Pool::bytes);
        states + self.logs.bytes().1 + self.table.capacity() * size_of::<Session>()
    }

    /// A trace begins.
    pub(crate) fn begin(&mut self, slot: u32, head: Head) {
        self.close(slot);
        let blank = || Session {
            head,
            course: Course::default(),
            log: Log::EMPTY,
            state: None,
            calls: 0,
            due: self.watch.0.moments.after(0).unwrap_or(NEVER),
            unknown: 0,
            i386: 0,
            open: false,
            raised: false,
            unlogged: false,
            forgotten: false,
        };
        let at = slot as usize;
        if self.table.len() <= at {
            let missing = at + 1 - self.table.len();
            self.table.extend((0..missing).map(|_| blank()));
        }
        self.table[at] = Session { open: true, ..blank() };
        self.open += 1;
    }

    /// How an open trace began.
    pub(crate) fn head(&self, slot: u32) -> Option<Head> {
        self.session(slot).map(|session| session.head)
    }

    /// How many calls an open trace has so far.
    pub(crate) fn calls_of(&self, slot: u32) -> u32 {
        self.session(slot).map_or(0, |session| session.calls)
    }

    /// Whether calls of an open trace are foreign to the model.
    pub(crate) fn foreign(&self, calls: u32, i386: u32) -> bool {
        self.tokens.foreign(calls, i386)
    }

    fn session(&self, slot: u32) -> Option<&Session> {
        self.table.get(slot as usize).filter(|session| session.open)
    }

    /// A trace goes on. Tells what was made of it when `raises` first said yes of it, asked at every look with
    /// the number of unknown calls; not of a trace that was told of before.
    pub(crate) fn calls(
        &mut self,
        slot: u32,
        calls: &[Call],
        raises: impl Fn(&Course, u32) -> bool,
    ) -> Option<State> {
        let session = self.table.get_mut(slot as usize).filter(|session| session.open)?;
        session.i386 += calls.iter().filter(|call| call.is_i386()).count() as u32;
        if session.forgotten {
            session.calls += calls.len() as u32;
            return None;
        }
        self.codes.clear();
        self.codes.extend(calls.iter().map(|&call| self.tokens.code(call)));
        self.batch.clear();
        self.batch.extend(self.codes.iter().map(|&code| self.tokens.token(code)));
        self.keep(slot);
        let session = &mut self.table[slot as usize];
        match self.model {
            Model::Stream(_) => {
                let after = session.calls + calls.len() as u32;
                if session.state.is_none() && after < Moments::FIRST && !session.unlogged {
                    session.unknown += unknown(&self.batch);
                    session.calls = after;
                    return None;
                }
                self.open_state(slot);
                self.advance(slot, raises)
            }
            Model::Whole(_) => {
                session.unknown += unknown(&self.batch);
                session.calls += calls.len() as u32;
                if session.forgotten || session.due > session.calls {
                    return None;
                }
                self.ask(slot, raises)
            }
        }
    }

    /// The last look at a trace, and what was made of it. `None` if it was given up or has no call.
    pub(crate) fn finish(&mut self, slot: u32) -> Option<State> {
        let session = self.session(slot).filter(|session| !session.forgotten && session.calls > 0)?;
        let calls = session.calls;
        let (seen, followed) =
            (session.course.calls, self.watch.0.follow_novelty && self.watch.0.moments != Moments::End);
        let novelty = self.answer(slot, calls, !(followed && seen == calls));
        let course = &mut self.table[slot as usize].course;
        let p_attack = self.watch.0.p_attack(&self.row);
        if seen != calls {
            course.look(p_attack, calls, self.watch.0.alarm_above);
        } else {
            course.settle(p_attack);
        }
        if let Some(novelty) = novelty {
            course.look_novelty(novelty);
        }
        self.counts.looks += u64::from(seen != calls);
        Some(self.state(slot))
    }

    /// What was made of an open trace so far; `None` if that is nothing, or it was given up.
    pub(crate) fn now(&mut self, slot: u32) -> Option<State> {
        let session = self.session(slot).filter(|session| !session.forgotten && session.course.calls > 0)?;
        self.answer(slot, session.course.calls, false);
        self.table[slot as usize].course.settle(self.watch.0.p_attack(&self.row));
        Some(self.state(slot))
    }

    /// Nothing more of the trace is told by [`Sessions::calls`].
    pub(crate) fn quiet(&mut self, slot: u32) {
        if let Some(session) = self.table.get_mut(slot as usize) {
            session.raised = true;
        }
    }

    /// The first `count` calls of a trace as tokens; `None` if they are no longer kept.
    pub(crate) fn tokens(&self, slot: u32, count: u32) -> Option<Vec<u32>> {
        let session = self.session(slot).filter(|session| !session.unlogged)?;
        let mut tokens = Vec::with_capacity(count.min(session.calls) as usize);
        self.logs.read(&session.log, count as usize, |code| tokens.push(self.tokens.token(code)));
        Some(tokens)
    }

    /// The trace is over.
    pub(crate) fn close(&mut self, slot: u32) {
        let Some(session) = self.table.get_mut(slot as usize).filter(|session| session.open) else { return };
        session.open = false;
        self.open -= 1;
        if let (Some(state), Some(pool)) = (session.state.take(), &mut self.pool) {
            pool.close(state);
        }
        self.logs.clear(&mut session.log);
        self.order.remove(slot);
    }

    /// Traces that were told of and have been given up since.
    pub(crate) fn given_up(&mut self) -> Option<(u32, State)> {
        self.given_up.pop()
    }

    /// Notes the newest calls, if need be in the room of the trace silent longest.
    fn keep(&mut self, slot: u32) {
        let more = self.codes.len();
        loop {
            let session = &mut self.table[slot as usize];
            if session.unlogged {
                return;
            }
            if self.logs.fits(&session.log, more) {
                self.logs.append(&mut session.log, &self.codes);
                self.order.touch(slot);
                return;
            }
            let victim = self.order.oldest().unwrap_or(slot);
            self.lose(victim);
        }
    }

    /// A trace loses its calls; its state, where there is one, it keeps.
    fn lose(&mut self, slot: u32) {
        match self.model {
            Model::Stream(_) => {
                self.open_state(slot);
                self.counts.unlogged += 1;
            }
            Model::Whole(_) => {
                let raised = self.session(slot).is_some_and(|session| session.raised);
                if let Some(last) = raised.then(|| self.finish(slot)).flatten() {
                    self.given_up.push((slot, last));
                }
                self.table[slot as usize].forgotten = true;
                self.counts.forgotten += 1;
            }
        }
        let session = &mut self.table[slot as usize];
        session.unlogged = true;
        self.logs.clear(&mut session.log);
        self.order.remove(slot);
    }

    /// Gives a trace its state, if it has none: that of the calls so far.
    fn open_state(&mut self, slot: u32) {
        let (session, Some(pool)) = (&mut self.table[slot as usize], &mut self.pool) else { return };
        if session.state.is_some() {
            return;
        }
        let state = pool.open();
        session.state = Some(state);
        self.whole.clear();
        let tokens = &self.tokens;
        self.logs.read(&session.log, session.calls as usize, |code| self.whole.push(tokens.token(code)));
        pool.read(state, &self.whole, self.whole.len(), &mut |_, _| {});
    }

    /// What was made of a trace, with the probabilities in `row`.
    fn state(&self, slot: u32) -> State {
        let session = &self.table[slot as usize];
        let mut probabilities = vec![0.0; self.row.len()];
        self.watch.0.temperature.apply(&self.row, &mut probabilities);
        State { course: session.course, probabilities, unknown: session.unknown, i386: session.i386 }
    }
}

fn unknown(tokens: &[u32]) -> u32 {
    tokens.iter().filter(|&&token| token == Vocabulary::UNKNOWN).count() as u32
}
