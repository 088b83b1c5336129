//! Words to a command that was started for a capture.
//!
//! Ask [`Source::exit_code`](crate::Source::exit_code) first: once a command has ended and was waited for, its
//! number may become another's.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Asks a process to end (SIGTERM).
pub fn ask_to_end(pid: u32) {
    send(pid, Signal::SIGTERM);
}

/// Ends a process (SIGKILL).
pub fn end(pid: u32) {
    send(pid, Signal::SIGKILL);
}

fn send(pid: u32, signal: Signal) {
    // 0 and what is negative mean groups of processes. One that is gone needs no signal.
    if let Ok(pid @ 1..) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}
