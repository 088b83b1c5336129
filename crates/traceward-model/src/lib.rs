//! From a written spec to a network that runs: burn tensors and autodiff, the recurrent kernel as a burn
//! backend extension, weights in and out.
//!
//! ```text
//! ModelSpec -> plan (layers checked, named, given weights) -> Network
//! traces    -> Batch (packed, no padding) -> Network::gradients -> one training step's gradients
//!                                         -> Network::predict   -> class probabilities
//! ```
//!
//! Batches are ragged: a layer over time works on `[rows, features]` with the traces' true lengths
//! beside it, so nothing is padded, nothing is masked, and no trace's output depends on its neighbours.
//! All randomness is a function of seeds that are passed in; burn's own generator is never used.

mod batch;
mod error;
mod file;
mod init;
mod internals;
mod layers;
mod loss;
mod network;
mod op;
mod parameter;
pub mod random;

pub use batch::Batch;
pub use error::Error;
pub use file::ModelFile;
pub use internals::{GradientStats, Internals, norm};
pub use network::{Gradients, Network, Step};
pub use parameter::Parameter;
