//! Capture of a command without any rights: by ptrace, with a seccomp filter.
//!
//! The command is started with a filter that stops it at every call (`SECCOMP_RET_TRACE`): one stop a call, where
//! `PTRACE_SYSCALL` makes two. Measured, a call so costs the command about 35 times what it costs untraced;
//! nothing is ever lost, since the command waits for whoever reads. A filter may be set without rights only by
//! who gives up gaining any (`PR_SET_NO_NEW_PRIVS`): setuid programs that the command starts stay who they are.
//! And it stays as long as the process does, which without a tracer could call nothing any more; so the kernel
//! is told to kill the command when its tracer goes (`PTRACE_O_EXITKILL`), and dropping a [`Ptrace`] kills it.
//!
//! A process can be asked about only by the thread that traces it, and waiting for its stops has no timeout. So
//! a thread of its own forks, waits and asks, and leaves what it hears in a queue for whoever polls. It waits for
//! its own children alone (`__WNOTHREAD`), so that it takes no child from other parts of the program.

mod child;
mod kernel;
mod queue;
mod tracer;

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{CaptureError, Event, Losses, Source, State};

use child::Command;
use queue::Queue;

/// A command at work, and what it calls.
#[derive(Debug)]
pub struct Ptrace {
    queue: Arc<Queue>,
    pid: u32,
    thread: Option<JoinHandle<()>>,
    name: String,
}

impl Ptrace {
    /// Starts a command, found as a shell finds it, with this process's standard streams, folder and environment.
    /// It runs from here on, as far as it is polled.
    ///
    /// # Errors
    /// If the command cannot be started, or if tracing is forbidden, as it is in some containers.
    pub fn launch(command: &OsStr, args: &[OsString]) -> Result<Self, CaptureError> {
        let name = command.to_string_lossy().into_owned();
        let start = |error| CaptureError::Start { command: name.clone(), error };
        let command = Command::new(command, args).map_err(start)?;
        let queue = Arc::new(Queue::default());
        let (tell, told) = mpsc::channel();
        let theirs = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("ptrace".to_owned())
            .spawn(move || tracer::run(&command, &theirs, &tell))
            .map_err(|error| CaptureError::Kernel { what: "starting a thread", error })?;
        let gone = || io::Error::other("the thread that traces is gone");
        let child = told.recv().map_err(|_| start(gone()))?;
        let launched = child.and_then(|(pid, report)| child::started(report, start).map(|()| pid));
        match launched {
            Ok(pid) => Ok(Self { queue, pid, thread: Some(thread), name }),
            Err(error) => {
                // What is left of the child ends by itself.
                let _ = thread.join();
                Err(error)
            }
        }
    }

    fn end(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Source for Ptrace {
    fn poll(&mut self, timeout: Duration, each: &mut dyn FnMut(Event<'_>)) -> Result<State, CaptureError> {
        let (events, ended) = self.queue.take(timeout);
        events.iter().for_each(|event| each(event.lent()));
        Ok(if ended { State::Ended } else { State::Running })
    }

    /// Kills the command: it cannot go on without its tracer.
    fn finish(&mut self, each: &mut dyn FnMut(Event<'_>)) -> Result<(), CaptureError> {
        self.end();
        self.poll(Duration::ZERO, each).map(drop)
    }

    fn losses(&self) -> Losses {
        Losses::default()
    }

    fn seen(&self) -> u64 {
        self.queue.seen()
    }

    fn exit_code(&self) -> Option<i32> {
        self.queue.exit_code()
    }

    fn launched_pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn describe(&self) -> String {
        format!("ptrace, {} and all that it starts", self.name)
    }
}

impl Drop for Ptrace {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
