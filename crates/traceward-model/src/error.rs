//! Why a network cannot be built, run, kept or read back.

use traceward_run::spec::SpecError;
use traceward_run::tensors::FileError;

/// What can go wrong with a network or a model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The spec cannot be run: a layer that we do not have, or that does not fit.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A trace that the network cannot read.
    #[error("trace {trace}: {reason}")]
    Trace {
        /// Which of the traces that were passed, counted from 0.
        trace: usize,
        /// A phrase: what is wrong with it.
        reason: String,
    },
    /// A file that could not be read or written, or is no sound model of ours.
    #[error(transparent)]
    File(#[from] FileError),
    /// Weights that do not belong to this network.
    #[error("weight {name}: {reason}")]
    Weight {
        /// The weight's name, `dense/kernel`.
        name: String,
        /// A phrase: what is wrong with it.
        reason: String,
    },
}
