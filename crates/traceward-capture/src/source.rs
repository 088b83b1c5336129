//! Where events come from.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::Event;

/// A capture at work.
pub trait Source {
    /// Waits for events, at most `timeout`, and passes on those there are. After [`State::Ended`] there are no
    /// more.
    ///
    /// # Errors
    /// If the capture broke down.
    fn poll(&mut self, timeout: Duration, each: &mut dyn FnMut(Event<'_>)) -> Result<State, CaptureError>;

    /// Ends the capture and passes on all that is still held back: what tasks have called since they were last
    /// heard of. Nothing is captured afterwards, and [`Source::poll`] says [`State::Ended`].
    ///
    /// # Errors
    /// If the capture broke down.
    fn finish(&mut self, each: &mut dyn FnMut(Event<'_>)) -> Result<(), CaptureError> {
        let _ = each;
        Ok(())
    }

    /// What was lost so far, by cause.
    fn losses(&self) -> Losses;

    /// The calls captured so far, lost ones included, as far as the capture itself counts them.
    fn seen(&self) -> u64;

    /// The exit code of the command that was started for the capture, once it has ended.
    fn exit_code(&self) -> Option<i32> {
        None
    }

    /// The process of that command.
    fn launched_pid(&self) -> Option<u32> {
        None
    }

    /// What it captures with and how wide, for people: `eBPF, the whole system`.
    fn describe(&self) -> String;
}

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There may be.
    Running,
    /// What was captured is over: the command that was started has ended, with all that it started.
    Ended,
}

/// Calls and events that nobody will hear of, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// Calls that found no place in the ring buffer: the reader was too slow.
    pub ring_full: u64,
    /// Starts, executions and exits that found none.
    pub events: u64,
    /// Calls of tasks for which the kernel had no memory.
    pub no_memory: u64,
}

impl Losses {
    /// Calls lost in all.
    pub fn calls(&self) -> u64 {
        self.ring_full + self.no_memory
    }
}

/// Why nothing is captured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The kernel or its rights forbid it.
    #[error("{what} cannot be done: {why}")]
    Refused {
        /// What: `loading the eBPF programs`.
        what: &'static str,
        /// Why, and what is missing.
        why: String,
        /// What to do about it.
        hint: String,
    },
    /// The command could not be started.
    #[error("cannot start {command}: {error}")]
    Start {
        /// As it was typed.
        command: String,
        /// What the kernel said.
        error: io::Error,
    },
    /// There is no such process.
    #[error("there is no process {0}")]
    NoProcess(u32),
    /// A control group or container that is not there.
    #[error("there is no control group or container {0:?}")]
    NoGroup(String),
    /// A call to the kernel failed.
    #[error("{what}: {error}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        error: io::Error,
    },
    /// A recording could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}
