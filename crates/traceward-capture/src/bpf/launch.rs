//! A command that waits to be captured before its first instruction.
//!
//! The child tells its number through one pipe and waits at another, between fork and exec. `Command` returns
//! only once the exec has succeeded or failed, so it runs in a thread of its own meanwhile.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::thread;

use crate::CaptureError;

/// The command and how it ended.
#[derive(Debug)]
pub(super) struct Launched {
    child: Child,
    status: Option<ExitStatus>,
}

impl Launched {
    /// Starts a command, whose first word is the program; `ready` is called with its number before anything of
    /// it has run.
    pub(super) fn start(
        words: &[OsString],
        ready: impl FnOnce(u32) -> Result<(), CaptureError>,
    ) -> Result<Self, CaptureError> {
        let failed = |error| CaptureError::Start {
            command: words.join(OsStr::new(" ")).to_string_lossy().into_owned(),
            error,
        };
        let [program, arguments @ ..] = words else {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "no command is given")));
        };
        let (mut number, say) = io::pipe().map_err(failed)?;
        let (wait, mut go) = io::pipe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(arguments);
        let (said, waited, unused) = (say.as_raw_fd(), wait.as_raw_fd(), go.as_raw_fd());
        let hold = move || {
            let pid = std::process::id().to_ne_bytes();
            let mut byte = 0u8;
            // SAFETY: plain calls on pipes that are open until this process executes, with buffers of the length
            // said. The child's copy of the end that it waits for is closed, or it would wait for itself.
            let done = unsafe {
                libc::close(unused);
                libc::write(said, pid.as_ptr().cast(), pid.len()) == 4
                    && libc::read(waited, (&raw mut byte).cast(), 1) == 1
            };
            if done { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
        };
        // SAFETY: between fork and exec only getpid, close, write and read are called, which are
        // async-signal-safe, and nothing is allocated.
        unsafe { command.pre_exec(hold) };
        thread::scope(|scope| {
            let spawned = scope.spawn(move || {
                let child = command.spawn();
                // Gone with the thread, so that a child which never came is read as an end.
                drop((say, wait));
                child
            });
            let mut pid = [0; 4];
            let marked = match number.read_exact(&mut pid) {
                Ok(()) => ready(u32::from_ne_bytes(pid)),
                // No child, or none that got so far: spawn says why.
                Err(_) => Ok(()),
            };
            if marked.is_ok() {
                // If it fails, the child is gone, and spawn says why.
                let _ = go.write_all(&[1]);
            }
            drop(go);
            let spawned = spawned.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            marked?;
            Ok(Self { child: spawned.map_err(failed)?, status: None })
        })
    }

    /// The command's process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended; asks the kernel.
    pub(super) fn ended(&mut self) -> io::Result<bool> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        Ok(self.status.is_some())
    }

    /// How it ended: its exit code, or 128 and the signal's number as shells say it.
    pub(super) fn exit_code(&self) -> Option<i32> {
        let status = self.status?;
        status.code().or_else(|| status.signal().map(|signal| 128 + signal))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn nothing_runs_before_all_is_ready() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        let mut number = 0;
        let mut launched = Launched::start(&words(&["mkdir", made.to_str().unwrap()]), |pid| {
            number = pid;
            assert!(!made.exists());
            assert!(fs::exists(format!("/proc/{pid}")).unwrap());
            Ok(())
        })
        .unwrap();
        assert_eq!(launched.pid(), number);
        assert!(launched.child.wait().unwrap().success());
        assert!(made.exists());
    }

    #[test]
    fn its_end_is_told_as_shells_tell_it() {
        for (script, code) in [("exit 3", 3), ("kill -TERM $$", 143)] {
            let mut launched = Launched::start(&words(&["sh", "-c", script]), |_| Ok(())).unwrap();
            launched.status = Some(launched.child.wait().unwrap());
            assert!(launched.ended().unwrap());
            assert_eq!(launched.exit_code(), Some(code));
        }
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error() {
        let error = Launched::start(&words(&["/no/such program", "-x"]), |_| Ok(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot start /no/such program -x: No such file or directory (os error 2)"
        );
        assert!(matches!(Launched::start(&[], |_| Ok(())), Err(CaptureError::Start { .. })));
    }

    #[test]
    fn a_command_that_cannot_be_captured_never_runs() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        let result = Launched::start(&words(&["mkdir", made.to_str().unwrap()]), |pid| {
            Err(CaptureError::NoProcess(pid))
        });
        assert!(matches!(result, Err(CaptureError::NoProcess(_))));
        assert!(!made.exists());
    }
}
