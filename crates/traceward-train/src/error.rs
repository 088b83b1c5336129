//! Why a training cannot start, go on or be kept.

use std::path::PathBuf;

use traceward_run::config::ConfigError;
use traceward_run::tensors::FileError;

/// What can go wrong with a training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The network cannot run a trace, or a checkpoint does not read.
    #[error(transparent)]
    Model(#[from] traceward_model::Error),
    /// A checkpoint cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nothing to train on.
    #[error("there is no trace to train on")]
    NoTraces,
    /// A class weight for a class that the data does not have.
    #[error("class_weight names {name:?}, and the classes are {}", known.join(", "))]
    NoSuchClass {
        /// What was named.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Early stopping, or a choice of the best epoch, without validation traces.
    #[error("early stopping watches the validation, and there is no validation trace")]
    NothingToWatch,
    /// A checkpoint of another run.
    #[error("{} belongs to another run: {what} differs", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// The directory of checkpoints could not be listed or made.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// `resume` without a checkpoint to go on from.
    #[error("{} holds no checkpoint to go on from", path.display())]
    NothingToResume {
        /// Where it was looked for.
        path: PathBuf,
    },
}
