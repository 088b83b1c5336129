//! Why a network cannot be read call by call.

use traceward_run::spec::SpecError;
use traceward_run::tensors::FileError;

/// Why there is no [`Stream`](crate::Stream) of a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The layers do not fit together.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A layer needs calls that have not come yet, or what our sessions cannot carry.
    #[error("{name}: {class_name} cannot be read call by call: {why}")]
    Layer {
        /// The layer's name.
        name: String,
        /// Its class.
        class_name: String,
        /// The end of the sentence.
        why: &'static str,
    },
    /// A weight array is missing, or of the wrong shape.
    #[error("weight {name}: {reason}")]
    Weight {
        /// Its name.
        name: String,
        /// A phrase.
        reason: String,
    },
    /// The model file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}
