//! A host that never was: tasks that call, pause, lose calls, exit; and what a recorder keeps of it.

use std::collections::HashMap;

use traceward_capture::{Call, Cut, Cutter, Event, Head, Tail, TaskId};
use traceward_trace::rng::Rng;
use traceward_trace::{Dataset, ReadReport, Vocabulary};

use crate::models::names;

/// What a host is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host {
    pub(crate) seed: u64,
    pub(crate) window: u32,
    /// Tasks that run, and how many of them are followed at a time.
    pub(crate) tasks: u64,
    pub(crate) followed: usize,
    pub(crate) events: usize,
    /// Whether calls are lost.
    pub(crate) loses: bool,
}

/// A trace as a recording has it.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) head: Head,
    pub(crate) tail: Tail,
    pub(crate) calls: Vec<Call>,
}

impl Host {
    /// Runs and passes on what the cutter tells, with a clock of a second a step.
    pub(crate) fn run(&self, each: &mut dyn FnMut(Cut<'_>, u64)) -> Vec<Recorded> {
        let mut rng = Rng::new(self.seed);
        let mut cutter = Cutter::new(self.window, self.followed);
        let mut recorder = Recorder::default();
        let mut made: HashMap<u64, u64> = HashMap::new();
        let mut ids: Vec<u64> = (0..self.tasks).collect();
        let mut next = self.tasks;
        for step in 1..=self.events as u64 {
            let now = step * 1_000_000_000;
            let mut tell = |cut: Cut<'_>| {
                recorder.cut(cut);
                each(cut, now);
            };
            let place = rng.below(self.tasks) as usize;
            let (task, own) = (ids[place], rng.below(8));
            let first = made.get(&task).copied().unwrap_or_default();
            if rng.below(12) == 0 {
                let lost = if self.loses { rng.below(3) } else { 0 };
                cutter.event(&Event::Exit { task: TaskId(task), calls: first + lost, at: now }, &mut tell);
                (ids[place], next) = (next, next + 1);
                continue;
            }
            let gap = if self.loses && rng.below(8) == 0 { 1 + rng.below(5) } else { 0 };
            let calls: Vec<Call> = (0..1 + rng.below(90))
                .map(|_| match rng.below(40) {
                    0 => Call::new(500),
                    1 => Call::i386(rng.below(8)),
                    _ if rng.below(3) > 0 => Call::new(own),
                    _ => Call::new(rng.below(8)),
                })
                .collect();
            let event = Event::Calls { task: TaskId(task), first: first + gap, at: now, calls: &calls };
            made.insert(task, first + gap + calls.len() as u64);
            cutter.event(&event, &mut tell);
        }
        let now = (self.events as u64 + 1) * 1_000_000_000;
        cutter.finish(now, &mut |cut| {
            recorder.cut(cut);
            each(cut, now);
        });
        recorder.traces
    }
}

/// Keeps traces, in the order in which they end.
#[derive(Default)]
struct Recorder {
    open: HashMap<u32, (Head, Vec<Call>)>,
    traces: Vec<Recorded>,
}

impl Recorder {
    fn cut(&mut self, cut: Cut<'_>) {
        match cut {
            Cut::Begin(slot, head) => assert!(self.open.insert(slot, (head, Vec::new())).is_none()),
            Cut::Calls(slot, calls) => self.open.get_mut(&slot).unwrap().1.extend(calls),
            Cut::End(slot, tail) => {
                let (head, calls) = self.open.remove(&slot).unwrap();
                self.traces.push(Recorded { head, tail, calls });
            }
            Cut::Forget(slot, _) => assert!(!self.open.contains_key(&slot)),
        }
    }
}

/// The recordings as a model reads them, by way of a data set.
pub(crate) fn rows(traces: &[Recorded], vocabulary: &Vocabulary) -> Vec<Vec<u32>> {
    let names = names();
    let data = Dataset {
        name: "recorded".into(),
        abi: names.abi().clone(),
        calls: names.table().clone(),
        classes: Vec::new(),
        traces: Vec::new(),
        report: ReadReport::default(),
    };
    let tokens = vocabulary.encode(&data).tokens;
    let row =
        |trace: &Recorded| trace.calls.iter().map(|&call| tokens[usize::from(names.id(call))]).collect();
    traces.iter().map(row).collect()
}
