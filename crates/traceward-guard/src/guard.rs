//! Follows every trace, says when one is not as it should be, and what became of each.
//!
//! A trace is told of when its verdict first is one of attack or novelty ([`Kind::Alarm`]); then while it goes on,
//! when its family changes or it has doubled, a minute apart at least ([`Kind::Update`]); and when it ends
//! ([`Kind::End`]), so that every alarm is followed by one end. The verdict at the end is the one that `score
//! --life` gives the recorded trace. A trace that lost calls at either end is tainted; an alarm that was raised
//! before the loss could not know, its end does.

mod counts;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use traceward_capture::{Call, Cut, Head, Names, Processes, Tail, Why};
use traceward_detect::calibrate::{Calibration, Threshold};
use traceward_detect::drift::{Drift, Reference};
use traceward_detect::verdict::{How, Judge, Verdict, Word};
use traceward_run::About;

use crate::finding::{Calls, Ended, Finding, Warning};
use crate::session::{Sessions, State};
use crate::{GuardError, Kind, Model, Origin};

pub use counts::Counts;

/// How a guard works.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Bytes for the calls of open traces. Under a [`Model::Stream`] they are for reasons only.
    pub calls: usize,
    /// The least time between two warnings of one trace.
    pub update_every: Duration,
    /// Whether each trace that ends is told of.
    pub ended: bool,
    /// How often it is asked whether the host still looks as it did when the model was calibrated.
    pub drift_every: Duration,
}

impl Options {
    /// What fits a model: 4 MiB of calls under a stream, a byte each, 64 MiB under any other, which needs them.
    pub fn of(model: Model<'_>) -> Self {
        let calls = match model {
            Model::Stream(_) => 4 << 20,
            Model::Whole(_) => 64 << 20,
        };
        Self {
            calls,
            update_every: Duration::from_secs(60),
            ended: false,
            drift_every: Duration::from_secs(3600),
        }
    }
}

/// Calls of a trace of which a stream's verdict is asked again once its update is due.
const LOOK_AGAIN: u32 = 128;

/// A model that watches a host.
pub struct Guard<'a> {
    model: Model<'a>,
    judge: Judge<'a>,
    sessions: Sessions<'a>,
    options: Options,
    usual: Option<&'a Reference>,
    about: &'a About,
    drift: Option<Drift<'a>>,
    drift_since: Option<u64>,
    /// Open traces that were told of.
    told: HashMap<u32, Told>,
    /// The number of the next warning.
    next: u64,
    counts: Counts,
}

/// What was told last of an open trace.
#[derive(Clone, Copy, Debug)]
struct Told {
    alarm: u64,
    at: u64,
    calls: u32,
    word: Word,
    family: Option<u16>,
    /// After how many calls to look again.
    again: u32,
}

impl<'a> Guard<'a> {
    /// A guard that judges as `how` says, on a host whose calls have these names.
    ///
    /// Without a calibration, a P(attack) above one half is an alarm.
    ///
    /// # Errors
    /// If the model has no normal class, cannot be asked as it was calibrated, or `how` names no rate.
    pub fn new(
        model: Model<'a>,
        about: &'a About,
        calibration: Option<&'a Calibration>,
        how: How,
        names: &Names,
        options: Options,
    ) -> Result<Self, GuardError> {
        let classifier = model.classifier();
        crate::model::check(classifier, about)?;
        let judge = Judge::new(classifier, &about.classes, calibration, how)?;
        let watch = judge.watch().ok_or(GuardError::NoNormalClass)?;
        crate::model::check_moments(model, watch.moments)?;
        let usual = calibration.and_then(|calibration| calibration.usual.as_ref());
        Ok(Self {
            model,
            judge,
            sessions: Sessions::new(model, watch, about, names, options.calls),
            options,
            usual,
            about,
            drift: usual.and_then(Drift::new),
            drift_since: None,
            told: HashMap::new(),
            next: 0,
            counts: Counts::default(),
        })
    }

    /// P(attack) above this is an attack.
    pub fn above(&self) -> f64 {
        self.judge.above()
    }

    /// The calibration's threshold of P(attack) and what it promises, if there is one.
    pub fn threshold(&self) -> Option<Threshold> {
        self.judge.attack_threshold()
    }

    /// The model.
    pub fn model(&self) -> Model<'a> {
        self.model
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        let sessions = self.sessions.counts();
        Counts {
            sessions: self.sessions.len() as u64,
            bytes: self.sessions.bytes() as u64,
            looks: sessions.looks,
            calls_dropped: sessions.unlogged,
            evictions: sessions.forgotten,
            ..self.counts
        }
    }

    /// Takes what the cutter tells of a trace, at `now` by the monotonic clock, and passes on what follows.
    pub fn cut(&mut self, cut: Cut<'_>, processes: &Processes, now: u64, each: &mut dyn FnMut(Finding)) {
        let began = Instant::now();
        match cut {
            Cut::Begin(slot, head) => {
                self.counts.traces += 1;
                self.told.remove(&slot);
                self.sessions.begin(slot, head);
            }
            Cut::Calls(slot, calls) => self.calls(slot, calls, processes, now, each),
            Cut::End(slot, tail) => self.end(slot, tail, processes, now, each),
            Cut::Forget(..) => {}
        }
        self.counts.score_nanoseconds += u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    }

    fn calls(
        &mut self,
        slot: u32,
        calls: &[Call],
        processes: &Processes,
        now: u64,
        each: &mut dyn FnMut(Finding),
    ) {
        self.counts.calls += calls.len() as u64;
        let judge = &self.judge;
        let raised = self.sessions.calls(slot, calls, |course, unknown| judge.raises(course, unknown));
        while let Some((lost, last)) = self.sessions.given_up() {
            let tail = Tail { why: Why::Evicted, at: now, lost: 0 };
            if self.told.contains_key(&lost) {
                self.warn(Kind::End, lost, &last, Some(tail), processes, now, each);
            }
        }
        if let Some(state) = raised {
            self.warn(Kind::Alarm, slot, &state, None, processes, now, each);
        } else if !self.told.is_empty() && self.may_update(slot, now) {
            self.update(slot, processes, now, each);
        }
    }

    fn end(&mut self, slot: u32, tail: Tail, processes: &Processes, now: u64, each: &mut dyn FnMut(Finding)) {
        let (Some(head), Some(state)) = (self.sessions.head(slot), self.sessions.finish(slot)) else {
            self.told.remove(&slot);
            return self.sessions.close(slot);
        };
        if !self.told.contains_key(&slot) && self.judge.raises(&state.course, state.unknown) {
            self.warn(Kind::Alarm, slot, &state, Some(tail), processes, now, each);
        }
        let verdict = if self.told.contains_key(&slot) {
            self.warn(Kind::End, slot, &state, Some(tail), processes, now, each)
        } else {
            self.verdict(&state, &head, Some(&tail))
        };
        self.counts.count(&verdict);
        if let Some(drift) = &mut self.drift
            && let Some(tokens) = self.sessions.tokens(slot, u32::MAX)
        {
            let source = processes.task(head.task).and_then(|task| task.process.container.as_deref());
            drift.add(source.unwrap_or(THIS_HOST), &tokens, verdict.p_attack);
        }
        self.sessions.close(slot);
        if self.options.ended {
            each(Finding::Ended(Box::new(Ended { verdict, head, tail })));
        }
    }

    fn verdict(&self, state: &State, head: &Head, tail: Option<&Tail>) -> Verdict {
        let mut verdict = self.judge.conclude(&state.course, state.probabilities.clone(), state.unknown);
        verdict.tainted = head.lost > 0 || tail.is_some_and(|tail| tail.lost > 0);
        verdict
    }

    /// Whether enough time and calls have gone by since the trace was told of last.
    fn may_update(&self, slot: u32, now: u64) -> bool {
        let Some(told) = self.told.get(&slot) else { return false };
        let wait = u64::try_from(self.options.update_every.as_nanos()).unwrap_or(u64::MAX);
        now.saturating_sub(told.at) >= wait && self.sessions.calls_of(slot) >= told.again
    }

    fn update(&mut self, slot: u32, processes: &Processes, now: u64, each: &mut dyn FnMut(Finding)) {
        let (Some(head), Some(state)) = (self.sessions.head(slot), self.sessions.now(slot)) else { return };
        let verdict = self.verdict(&state, &head, None);
        let Some(told) = self.told.get_mut(&slot) else { return };
        if verdict.calls >= told.calls.saturating_mul(2)
            || (verdict.word, verdict.family) != (told.word, told.family)
        {
            self.warn(Kind::Update, slot, &state, None, processes, now, each);
        } else {
            told.again = self.sessions.calls_of(slot).saturating_add(LOOK_AGAIN);
        }
    }

    /// Tells of a trace; at its end for the last time.
    #[expect(clippy::too_many_arguments, reason = "what is told and when, and to whom")]
    fn warn(
        &mut self,
        kind: Kind,
        slot: u32,
        state: &State,
        tail: Option<Tail>,
        processes: &Processes,
        now: u64,
        each: &mut dyn FnMut(Finding),
    ) -> Verdict {
        let head = self.sessions.head(slot).unwrap_or(NOBODY);
        let verdict = self.verdict(state, &head, tail.as_ref());
        let number = self.next;
        self.next += 1;
        let alarm = self.told.get(&slot).map_or(number, |told| told.alarm);
        let calls = verdict.calls;
        // A model that must see whole traces is asked again when that is due anyhow.
        let again = match self.model {
            Model::Stream(_) => calls.saturating_add(LOOK_AGAIN),
            Model::Whole(_) => calls.saturating_mul(2),
        };
        let told = Told { alarm, at: now, calls, word: verdict.word, family: verdict.family, again };
        match kind {
            Kind::Alarm => self.counts.alarms += 1,
            Kind::Update => self.counts.updates += 1,
            Kind::End => self.counts.ends += 1,
        }
        if kind == Kind::End {
            self.told.remove(&slot);
        } else {
            self.told.insert(slot, told);
            self.sessions.quiet(slot);
        }
        each(Finding::Warning(Box::new(Warning {
            kind,
            number,
            alarm,
            at: now,
            verdict: verdict.clone(),
            head,
            tail,
            foreign_abi: self.sessions.foreign(calls, state.i386),
            process: Origin::of(processes, head.task),
            calls: match kind {
                Kind::Update => Calls::Unasked,
                _ => self.sessions.tokens(slot, calls).map_or(Calls::Gone, Calls::Kept),
            },
        })));
        verdict
    }

    /// What to do because the host, or a container on it, no longer looks as it did when the model was
    /// calibrated, in full sentences; `None` while it is not time to look. Looked at once an hour
    /// ([`Options::drift_every`]), over that hour's traces.
    pub fn drift(&mut self, now: u64) -> Option<Vec<String>> {
        let since = *self.drift_since.get_or_insert(now);
        let wait = u64::try_from(self.options.drift_every.as_nanos()).unwrap_or(u64::MAX);
        let drift = self.drift.as_ref().filter(|_| now.saturating_sub(since) >= wait)?;
        let report = drift.report(&self.about.vocabulary);
        self.drift = self.usual.and_then(Drift::new);
        self.drift_since = Some(now);
        Some(report.sources.into_iter().filter_map(|source| source.hint).collect())
    }
}

/// What traces outside of containers are called where drift is told.
const THIS_HOST: &str = "this host";

/// The beginning of a trace of which nothing is known any more.
const NOBODY: Head = Head { task: traceward_capture::TaskId(0), first: 0, at: 0, lost: 0, joined: false };
