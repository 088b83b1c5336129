//! A capture followed: its events cut into traces, with whose they are at hand.

use std::path::PathBuf;

use crate::{Cut, Cutter, Event, Processes};

/// A cutter and what is known of the tasks that it cuts, kept together.
#[derive(Debug)]
pub struct Follower {
    cutter: Cutter,
    processes: Processes,
    threads: u64,
}

impl Follower {
    /// Follows at most `most` tasks at a time, in traces of at most `window` calls.
    pub fn new(window: u32, most: usize) -> Self {
        // Those that have just exited are asked about, too.
        let processes = Processes::new(most.saturating_mul(2), PathBuf::from("/proc"));
        Self { cutter: Cutter::new(window, most), processes, threads: 0 }
    }

    /// The cutter.
    pub fn cutter(&self) -> &Cutter {
        &self.cutter
    }

    /// How many tasks were met.
    pub fn threads(&self) -> u64 {
        self.threads
    }

    /// Takes an event and tells what follows from it.
    pub fn event(&mut self, event: &Event<'_>, each: &mut dyn FnMut(Cut<'_>, &Processes)) {
        let Self { cutter, processes, threads } = self;
        *threads += u64::from(matches!(event, Event::Start(_)));
        processes.event(event);
        cutter.event(event, &mut |cut| {
            each(cut, processes);
            if let Cut::Forget(_, task) = cut {
                processes.forget(task);
            }
        });
    }

    /// Ends the traces of tasks that are gone though nobody said so, `now` by the monotonic clock: their exits
    /// were lost. Asks `/proc` about every task, so not to be called without need.
    pub fn bury(&mut self, now: u64, each: &mut dyn FnMut(Cut<'_>, &Processes)) {
        let Self { cutter, processes, .. } = self;
        let mut gone = Vec::new();
        cutter.bury(now, &mut |task| !processes.alive(task), &mut |cut| {
            each(cut, processes);
            if let Cut::Forget(_, task) = cut {
                gone.push(task);
            }
        });
        for task in gone {
            processes.event(&Event::Exit { task, calls: 0, at: now });
            processes.forget(task);
        }
    }

    /// Ends all traces, `now` by the monotonic clock. What is called afterwards begins others.
    pub fn finish(&mut self, now: u64, each: &mut dyn FnMut(Cut<'_>, &Processes)) {
        let Self { cutter, processes, .. } = self;
        cutter.finish(now, &mut |cut| each(cut, processes));
    }
}
