//! Whose traces they are: program, command line, user, container, ancestors.

use std::sync::Arc;

use crate::{Comm, Event, TaskId};

/// A process, as far as it is known. What is not known is `None`, and never a reason for anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// The process (tgid).
    pub pid: u32,
    /// Its first thread's name.
    pub comm: String,
    /// The file that it executes.
    pub exe: Option<String>,
    /// Its arguments, with blanks between them.
    pub cmdline: Option<String>,
    /// Whose it is.
    pub uid: Option<u32>,
    /// The container it runs in: a 64-digit id, or what its control group is called.
    pub container: Option<String>,
    /// The process that made it, as that was then; at most some generations are kept.
    pub parent: Option<Arc<Process>>,
}

/// A task: a thread of a process.
#[derive(Clone, Debug)]
pub struct Task {
    /// The thread.
    pub tid: u32,
    /// Its name.
    pub comm: Comm,
    /// When it was met, by the monotonic clock.
    pub at: u64,
    /// Whether the capture saw it being born.
    pub born: bool,
    /// Who made it, if that one was captured.
    pub parent: Option<TaskId>,
    /// Its process.
    pub process: Arc<Process>,
}

/// The tasks that a capture has met and that live, and those that have just died.
#[derive(Debug, Default)]
pub struct Processes {}

impl Processes {
    /// Takes note of what an event says; asks `/proc` about what was there before the capture.
    pub fn event(&mut self, event: &Event<'_>) {
        let _ = event;
    }

    /// What is known of a task. Answers for a task that has exited until [`Processes::forget`].
    pub fn task(&self, task: TaskId) -> Option<&Task> {
        let _ = task;
        None
    }

    /// Nobody will ask about this task again: its traces are done with.
    pub fn forget(&mut self, task: TaskId) {
        let _ = task;
    }
}
