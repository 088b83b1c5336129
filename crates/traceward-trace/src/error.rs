//! What can go wrong with a data set, each with what the user can do next.

use std::io;
use std::path::PathBuf;

use crate::Source;

/// Why a data set could not be read, cut or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `list`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// Nothing we know how to read.
    #[error("{}: not a format that traceward reads ({reason})", path.display())]
    UnknownFormat {
        /// The file or folder.
        path: PathBuf,
        /// What was looked for and not found.
        reason: String,
    },
    /// A bad row or file, under `--strict`, or a file that is bad as a whole.
    #[error("{source_at}: {reason}")]
    Bad {
        /// Where.
        source_at: Source,
        /// What is wrong.
        reason: String,
    },
    /// The input holds no trace at all.
    #[error("{}: no trace in it ({skipped} rows skipped{first})", path.display())]
    Empty {
        /// The input.
        path: PathBuf,
        /// How many rows were skipped.
        skipped: u64,
        /// The first reason, as `; the first: …`, or nothing.
        first: String,
    },
    /// A limit that keeps memory bounded was reached.
    #[error("{source_at}: {what} is over the limit of {limit}")]
    TooLarge {
        /// Where.
        source_at: Source,
        /// What is too large.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// `--parts` names a part that the data set does not have.
    #[error("the data set has no part {part:?}; it has {}", if known.is_empty() { "none".into() } else { known.join(", ") })]
    NoSuchPart {
        /// What was asked for.
        part: String,
        /// What there is.
        known: Vec<String>,
    },
    /// An ABI name we do not know.
    #[error("unknown ABI {0:?}; known are i386, x86_64, aarch64, or a mapping file for a table of your own")]
    UnknownAbi(String),
    /// A split that this data set cannot give.
    #[error("cannot split: {0}")]
    Split(String),
}

impl Error {
    /// Wraps an I/O error with what was tried on which file.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { action, path, error }
    }
}
