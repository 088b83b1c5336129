//! Opens the capture that the command line asks for: `record` and `watch` begin here.

use std::time::Duration;

use traceward_capture::bpf::{self, Bpf};
use traceward_capture::ptrace::Ptrace;
use traceward_capture::{CaptureError, Source};

use crate::cli::{CaptureArgs, CaptureWith};
use crate::error::Failure;
use crate::output::Output;

/// How often the loops look around when nothing happens.
pub const LOOK_AROUND: Duration = Duration::from_millis(100);

/// How often tasks whose exits were lost are looked for, if any were.
pub const BURIALS: Duration = Duration::from_secs(10);

/// Opens it, and starts the command if there is one.
///
/// # Errors
/// If it cannot be opened, with what is missing.
pub fn open(args: &CaptureArgs, output: Output) -> Result<Box<dyn Source>, Failure> {
    let ptrace = |args: &CaptureArgs| -> Result<Box<dyn Source>, Failure> {
        let Some((command, arguments)) = args.command.split_first() else {
            return Err(Failure::new("ptrace captures a command that it starts, and none was given")
                .hint("name one after two dashes: -- COMMAND"));
        };
        Ok(Box::new(Ptrace::launch(command, arguments)?))
    };
    let missing = match args.with {
        CaptureWith::Ptrace => return ptrace(args),
        CaptureWith::Ebpf => return Ok(Box::new(Bpf::open(&options(args))?)),
        CaptureWith::Auto => match Bpf::available().and_then(|()| Bpf::open(&options(args))) {
            Ok(bpf) => return Ok(Box::new(bpf)),
            Err(missing @ CaptureError::Refused { .. }) => missing,
            Err(error) => return Err(error.into()),
        },
    };
    if args.command.is_empty() {
        return Err(Failure::from(missing).hint("one command can be captured without rights: -- COMMAND"));
    }
    output.warning(format_args!(
        "{missing}; capturing by ptrace: every call of the command takes some 35 times as long, and setuid programs run without their owner's rights"
    ));
    ptrace(args)
}

/// What eBPF is asked to capture.
fn options(args: &CaptureArgs) -> bpf::Options {
    let scope = match (&args.pid, &args.container) {
        _ if !args.command.is_empty() => bpf::Scope::Launch(args.command.clone()),
        (Some(pid), _) => bpf::Scope::Tree(vec![*pid]),
        (None, Some(group)) => bpf::Scope::Group(group.clone()),
        (None, None) => bpf::Scope::System,
    };
    let ring_bytes = u32::try_from(args.ring.0).unwrap_or(u32::MAX);
    bpf::Options { scope, ring_bytes, ..bpf::Options::default() }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        let failure = Self::new(&error);
        match error {
            CaptureError::Refused { hint, .. } if !hint.is_empty() => failure.hint(hint),
            _ => failure,
        }
    }
}
