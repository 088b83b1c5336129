//! What the guard finds, before it is written down for others.

use traceward_capture::{Head, Process, Processes, Tail, TaskId};
use traceward_detect::verdict::Verdict;

use crate::{Ancestor, Kind, Origin};

/// Something that the guard found.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A trace is not as it should be: told once when that begins, again when it has changed, and at its end.
    Warning(Box<Warning>),
    /// A trace has ended; told of every trace, if that was asked for.
    Ended(Box<Ended>),
}

/// A trace that is not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// Why it is told.
    pub kind: Kind,
    /// Its number among all of this guard, from 0.
    pub number: u64,
    /// The number of the first warning of the same trace.
    pub alarm: u64,
    /// When, by the monotonic clock.
    pub at: u64,
    /// What is said of the calls so far.
    pub verdict: Verdict,
    /// How the trace began.
    pub head: Head,
    /// How it ended, if it has.
    pub tail: Option<Tail>,
    /// Whether some calls are by another ABI's numbers than the model's.
    pub foreign_abi: bool,
    /// Whose calls they are.
    pub process: Origin,
    /// The calls, for reasons.
    pub calls: Calls,
}

/// The calls that a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Calls {
    /// All of them, as the model's tokens.
    Kept(Vec<u32>),
    /// They are no longer kept: memory for calls was needed for others.
    Gone,
    /// This kind of warning gives no reasons.
    Unasked,
}

/// A trace that has ended, and the last word on it: what `score` says of its recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The verdict.
    pub verdict: Verdict,
    /// How it began.
    pub head: Head,
    /// How it ended.
    pub tail: Tail,
}

impl Origin {
    /// What is known of a task.
    pub fn of(processes: &Processes, task: TaskId) -> Self {
        let Some(task) = processes.task(task) else { return Self::default() };
        let process = &*task.process;
        let ancestors = std::iter::successors(process.parent.as_deref(), |process| process.parent.as_deref());
        Self {
            pid: Some(process.pid),
            tid: Some(task.tid),
            comm: Some(task.comm.to_text()),
            exe: process.exe.clone(),
            cmdline: process.cmdline.clone(),
            uid: process.uid,
            container: process.container.clone(),
            ancestors: ancestors.map(Ancestor::of).collect(),
        }
    }
}

impl Ancestor {
    fn of(process: &Process) -> Self {
        Self { pid: process.pid, comm: process.comm.clone(), exe: process.exe.clone() }
    }
}
