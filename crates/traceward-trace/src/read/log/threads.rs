//! A log taken apart into its threads.
//!
//! A trace begins with a thread's first call and ends with its exit: where the format tells of it, or with
//! `exit` or `exit_group`, which nobody comes back from. Where lines may come out of order, the calls of a
//! number are put in order first and parted then. A thread that goes from one ABI to another (a 64-bit shell
//! that starts a 32-bit program) becomes one trace in each: numbers of two tables are not one sequence.

use std::collections::HashMap;

use super::{Attack, Entered, Recording, Who};
use crate::read::calls::{Reason, parse_number};
use crate::read::collect::{Collector, Labels};
use crate::{Abi, Error, Source};

/// The threads of a log.
pub(super) struct Threads {
    file: Source,
    /// Numbers are processes', which go on when one of their threads exits.
    processes: bool,
    /// In order of their first call.
    traces: Vec<Thread>,
    /// Which traces a live thread's calls go to, one an ABI.
    live: HashMap<(u32, u64), Vec<usize>>,
    /// Hosts are told apart by number; 0 is none.
    hosts: HashMap<String, u32>,
    /// Calls and threads held: what bounds memory.
    weight: usize,
    trace_limit: usize,
}

/// The calls of one number and ABI, of several threads where they are put in order only at the end.
struct Thread {
    /// The lines of first calls: of the thread, and of those after an exit.
    lines: Vec<u64>,
    calls: Vec<u16>,
    /// One a call, where the format has an order of its own; empty otherwise.
    order: Vec<u128>,
    /// Which of `calls` are exits from calls, where the format has any; empty otherwise.
    exits: Vec<bool>,
    /// Which places of `calls` end a thread.
    ends: Vec<usize>,
    abi: Option<&'static str>,
    class: Option<String>,
    group: Option<String>,
}

/// From a first call to an exit.
struct Life {
    line: u64,
    calls: Vec<u16>,
    /// When it last called, where the format has an order of its own.
    last: Option<u128>,
}

impl Threads {
    pub(super) fn new(file: &Source, processes: bool, trace_limit: usize) -> Self {
        Self {
            file: file.clone(),
            processes,
            traces: Vec::new(),
            live: HashMap::new(),
            hosts: HashMap::new(),
            weight: 0,
            trace_limit,
        }
    }

    /// Whether there was no call at all.
    pub(super) fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    fn key(&mut self, who: Who<'_>) -> (u32, u64) {
        let host = match who.host {
            None => 0,
            Some(host) => match self.hosts.get(host) {
                Some(&number) => number,
                None => {
                    self.weight += 1;
                    let number = u32::try_from(self.hosts.len() + 1).unwrap_or(u32::MAX);
                    self.hosts.insert(host.to_owned(), number);
                    number
                }
            },
        };
        (host, who.thread)
    }

    /// Takes a call. The outer error ends everything, the inner spoils the line.
    pub(super) fn enter(
        &mut self,
        entered: &Entered<'_>,
        at: &Source,
        into: &mut Collector<'_>,
    ) -> Result<Result<(), Reason>, Error> {
        let call = match into.calls.token(entered.call) {
            Ok(call) => call,
            Err(reason) => return Ok(Err(reason)),
        };
        let ends = self.ends(entered, into.options.abi.as_ref());
        let key = self.key(Who { host: entered.host, thread: entered.thread });
        let places = self.live.entry(key).or_default();
        let place = match places.iter().find(|&&place| self.traces[place].abi == entered.abi) {
            Some(&place) => place,
            None => {
                self.weight += 1;
                self.traces.push(Thread::new(entered));
                places.push(self.traces.len() - 1);
                self.traces.len() - 1
            }
        };
        self.weight += self.traces[place].push(call, entered, ends, at, self.trace_limit);
        // Where lines have no order of their own, the next line is the next call.
        if ends && entered.order == 0 {
            self.live.remove(&key);
        }
        let total = into.options.limits.total_calls;
        if self.weight > total {
            return Err(Error::TooLarge {
                source_at: at.clone(),
                what: "the data set".into(),
                limit: format!("{total} calls and rows"),
            });
        }
        Ok(Ok(()))
    }

    /// Whether nothing can follow a call. A number says so only where it is known whose it is.
    fn ends(&self, entered: &Entered<'_>, named: Option<&Abi>) -> bool {
        let ends = |name: &str| name == "exit_group" || (name == "exit" && !self.processes);
        match parse_number(entered.call) {
            None => std::str::from_utf8(entered.call).is_ok_and(ends),
            Some(number) => {
                let said = entered.abi.and_then(|abi| abi.parse::<Abi>().ok());
                said.as_ref().or(named).and_then(|abi| abi.name_of(number)).is_some_and(ends)
            }
        }
    }

    /// The next call of this number is another thread's.
    pub(super) fn exit(&mut self, who: Who<'_>) {
        let key = self.key(who);
        self.live.remove(&key);
    }

    /// Hands over the traces.
    pub(super) fn finish(self, recording: &Recording<'_>, into: &mut Collector<'_>) -> Result<(), Error> {
        // The ABI of most calls is the data set's, unless one was named or read before.
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for thread in &self.traces {
            let Some(abi) = thread.abi else { continue };
            match counts.iter_mut().find(|(known, _)| *known == abi) {
                Some((_, count)) => *count += thread.calls.len(),
                None => counts.push((abi, thread.calls.len())),
            }
        }
        if let Some((abi, _)) = counts.into_iter().rev().max_by_key(|(_, count)| *count) {
            into.settle_abi(abi)?;
        }
        let first = self.traces.iter().flat_map(|thread| &thread.order).min().copied();
        let attack = recording.attack.map(|attack| match attack {
            Attack::None => None,
            Attack::At(moment) => Some(moment),
            Attack::After(wait) => Some(first.unwrap_or_default().saturating_add(wait)),
        });
        let labels = &recording.labels;
        for thread in self.traces {
            let (abi, class, group) = (thread.abi, thread.class.clone(), thread.group.clone());
            for life in thread.lives() {
                // A thread is of the attack if it called after the attack began.
                let described = attack.map(|begins| match begins {
                    Some(begins) if life.last.is_none_or(|last| last >= begins) => "attack",
                    _ => "normal",
                });
                let at = Source { file: self.file.file.clone(), line: Some(life.line) };
                let labels = Labels {
                    class: class
                        .as_deref()
                        .or(described)
                        .map(|class| class.to_owned().into())
                        .or_else(|| labels.class.clone()),
                    group: group
                        .as_deref()
                        .map(|group| group.to_owned().into())
                        .or_else(|| labels.group.clone()),
                    abi: abi.map(Into::into).or_else(|| labels.abi.clone()),
                    ..labels.clone()
                };
                into.trace(&life.calls, labels, &at)?;
            }
        }
        Ok(())
    }
}

impl Thread {
    fn new(entered: &Entered<'_>) -> Self {
        Self {
            lines: Vec::new(),
            calls: Vec::new(),
            order: Vec::new(),
            exits: Vec::new(),
            ends: Vec::new(),
            abi: entered.abi,
            class: None,
            group: entered.group.map(str::to_owned),
        }
    }

    /// Adds a call, and says how much more is held.
    fn push(&mut self, call: u16, entered: &Entered<'_>, ends: bool, at: &Source, limit: usize) -> usize {
        if self.class.is_none() {
            self.class = entered.class.map(str::to_owned);
        }
        // One call over the limit is kept, so that the trace is refused for its length.
        if self.calls.len() > limit {
            return 0;
        }
        if self.ends.last().map_or(0, |last| last + 1) == self.calls.len() {
            self.lines.push(at.line.unwrap_or_default());
        }
        if ends {
            self.ends.push(self.calls.len());
        }
        self.calls.push(call);
        if entered.order > 0 {
            self.order.push(entered.order);
        }
        if entered.exit {
            self.exits.resize(self.calls.len() - 1, false);
            self.exits.push(true);
        }
        1
    }

    /// Sorts the calls by the format's own order, calls of the same moment as they were written, takes out
    /// the exits from calls whose entries are there, and parts what an exit ends from what follows.
    fn lives(mut self) -> Vec<Life> {
        self.exits.resize(self.calls.len(), false);
        let mut places: Vec<usize> = (0..self.calls.len()).collect();
        let ordered = self.order.len() == self.calls.len();
        if ordered {
            places.sort_by_key(|&place| self.order[place]);
        }
        let mut lines = self.lines.into_iter();
        let mut line = lines.next().unwrap_or_default();
        let mut lives: Vec<Life> = Vec::new();
        let (mut inside, mut ended) = (None, true);
        for place in places {
            let (call, exit) = (self.calls[place], self.exits[place]);
            let entered = exit && inside == Some(call);
            inside = (!exit).then_some(call);
            if entered {
                continue;
            }
            if std::mem::take(&mut ended) {
                lives.push(Life { line, calls: Vec::new(), last: None });
                line = lines.next().unwrap_or(line);
            }
            if let Some(life) = lives.last_mut() {
                life.calls.push(call);
                life.last = ordered.then(|| self.order[place]);
            }
            ended = self.ends.binary_search(&place).is_ok();
        }
        lives
    }
}
