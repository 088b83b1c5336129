//! The command, from the fork to its first instruction.
//!
//! What the child needs is made ready before the fork. After it, until it executes, the child of a program with
//! threads may do only what is safe in a signal handler, and allocating is not.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::ptr;

use nix::unistd::{AccessFlags, access};

use crate::CaptureError;

/// A command ready to be started.
#[derive(Debug)]
pub(super) struct Command {
    file: CString,
    args: Vec<CString>,
    environment: Vec<CString>,
}

/// A command that waits to be let go.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: u32,
    /// Written to when it is traced, so that it goes on.
    pub(super) gate: PipeWriter,
    /// Where it says why it could not execute; closed when it has executed.
    pub(super) report: PipeReader,
}

/// Where a child failed, as it tells in one byte before the error's number.
#[repr(u8)]
#[derive(Clone, Copy)]
enum Step {
    Filter = 1,
    Exec = 2,
}

impl Command {
    pub(super) fn new(name: &OsStr, args: &[OsString]) -> io::Result<Self> {
        let file = found(name)?;
        let text =
            |text: Vec<u8>| CString::new(text).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
        let args = std::iter::once(name).chain(args.iter().map(OsString::as_os_str));
        let environment = env::vars_os().map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            text(name.into_vec())
        });
        Ok(Self {
            file: text(file.into_os_string().into_vec())?,
            args: args.map(|arg| text(arg.as_bytes().to_vec())).collect::<io::Result<_>>()?,
            environment: environment.collect::<io::Result<_>>()?,
        })
    }

    /// Forks a child that waits at its gate.
    pub(super) fn fork(&self) -> io::Result<Child> {
        let (wait, gate) = io::pipe()?;
        let (report, tell) = io::pipe()?;
        let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
            list.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
        };
        let (args, environment) = (pointers(&self.args), pointers(&self.environment));
        // SAFETY: the child does nothing but `go`, which is safe after a fork of a program with threads.
        let pid = unsafe { libc::fork() };
        match u32::try_from(pid) {
            Err(_) => Err(io::Error::last_os_error()),
            // SAFETY: this is the child; the lists end with a null pointer and point to texts that outlive the
            // call.
            Ok(0) => unsafe {
                self.go(&args, &environment, wait.as_raw_fd(), gate.as_raw_fd(), tell.as_raw_fd())
            },
            Ok(pid) => Ok(Child { pid, gate, report }),
        }
    }

    /// What the child does: never returns, allocates nothing, unwinds nowhere.
    ///
    /// # Safety
    /// To be called in a forked child alone; `args` and `environment` end with a null pointer.
    unsafe fn go(
        &self,
        args: &[*const libc::c_char],
        environment: &[*const libc::c_char],
        wait: RawFd,
        gate: RawFd,
        tell: RawFd,
    ) -> ! {
        let load = libc::BPF_RET as u16;
        let mut all = libc::sock_filter { code: load, jt: 0, jf: 0, k: libc::SECCOMP_RET_TRACE };
        let filter = libc::sock_fprog { len: 1, filter: &raw mut all };
        let mut byte = 0_u8;
        // SAFETY: all are calls that may be made after a fork, with pointers to what lives in this frame or, for
        // `execve`, in the caller's.
        unsafe {
            // With our end of the gate closed, nobody being there to open it ends the wait, too.
            libc::close(gate);
            if libc::read(wait, (&raw mut byte).cast(), 1) != 1 {
                libc::_exit(127);
            }
            // As a shell would start it: Rust's programs ignore SIGPIPE, and a thread may block signals.
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
            let mut step = Step::Filter;
            if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1_u64, 0_u64, 0_u64, 0_u64) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, u64::from(libc::SECCOMP_MODE_FILTER), &raw const filter)
                    == 0
            {
                step = Step::Exec;
                libc::execve(self.file.as_ptr(), args.as_ptr(), environment.as_ptr());
            }
            let [a, b, c, d] = (*libc::__errno_location()).to_ne_bytes();
            let said = [step as u8, a, b, c, d];
            libc::write(tell, said.as_ptr().cast(), said.len());
            libc::_exit(127);
        }
    }
}

/// Waits until a command has been executed, or could not be.
pub(super) fn started(
    mut report: PipeReader,
    start: impl Fn(io::Error) -> CaptureError,
) -> Result<(), CaptureError> {
    let mut said = Vec::new();
    report.read_to_end(&mut said).map_err(&start)?;
    let [step, number @ ..] = said.as_slice() else { return Ok(()) };
    let number = number.try_into().map_or(0, i32::from_ne_bytes);
    let error = io::Error::from_raw_os_error(number);
    Err(if *step == Step::Exec as u8 { start(error) } else { refused(&error) })
}

/// Tracing is forbidden here.
pub(super) fn refused(error: &io::Error) -> CaptureError {
    CaptureError::Refused {
        what: "tracing a command",
        why: error.to_string(),
        hint:
            "containers often forbid ptrace and seccomp; give this one SYS_PTRACE, or capture from the host"
                .to_owned(),
    }
}

/// The file that a shell would execute for a name.
fn found(name: &OsStr) -> io::Result<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Ok(name.into());
    }
    let executable = |path: &Path| {
        fs::metadata(path).is_ok_and(|about| about.is_file()) && access(path, AccessFlags::X_OK).is_ok()
    };
    let path = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let all = env::split_paths(&path).map(|folder| folder.join(name));
    all.into_iter().find(|file| executable(file)).ok_or_else(|| io::ErrorKind::NotFound.into())
}
