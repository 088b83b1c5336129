//! How a command fails: one clear message, what to do next, and the exit code.
//!
//! Libraries return precise errors; here they are folded into a [`Failure`], whose kind decides the exit
//! code and whose hints name the next command to try.

use std::fmt;
use std::io;

/// What the process tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: all went well.
    Fine,
    /// 1: the command worked and found something at error level.
    Findings,
    /// 2: wrong use, or input that cannot be read.
    Failure,
    /// 130: ended by Ctrl-C; all that was done is kept.
    Interrupted,
    /// The exit code of a command that was run for the user, passed on.
    Command(u8),
}

impl ExitStatus {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::Failure => 2,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong and where, as one sentence.
    pub message: String,
    /// What to try next.
    pub hints: Vec<String>,
    /// The reader of our output went away: no message is due.
    pub broken_pipe: bool,
}

impl Failure {
    /// A failure with nothing more to say than its message.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), hints: Vec::new(), broken_pipe: false }
    }

    /// Adds what to try next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The result of a command.
pub type Outcome = Result<ExitStatus, Failure>;

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { broken_pipe: error.kind() == io::ErrorKind::BrokenPipe, ..Self::new(error) }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        if error.io_error_kind() == Some(io::ErrorKind::BrokenPipe) {
            return Self { broken_pipe: true, ..Self::new(error) };
        }
        Self::new(error)
    }
}

/// Errors whose own words are all there is to say.
macro_rules! plain {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error)
            }
        }
    )*};
}

plain!(
    traceward_model::Error,
    traceward_run::config::ConfigError,
    traceward_run::run_dir::RunDirError,
    traceward_run::tensors::FileError,
    traceward_train::Error,
);

impl From<traceward_trace::Error> for Failure {
    fn from(error: traceward_trace::Error) -> Self {
        use traceward_trace::Error as E;
        let hint = match &error {
            E::UnknownFormat { .. } => Some(
                "readable are ADFA-LD (folder or zip), UNM, CSV, JSON Lines, Parquet, folders of class/group/file, and logs of strace, auditd, sysdig, perf and others",
            ),
            E::Bad { .. } => Some("without --strict, bad rows are counted and skipped"),
            _ => None,
        };
        let failure = Self::new(&error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
