//! The training loop: batches, metrics, checkpoints, resume; tells observers what happens.
//!
//! [`fit`] does what Keras' `model.fit` does, on traces of any length. Everything random in it is a
//! function of the run's seed, the epoch, the step and the trace, so a run that was killed goes on from
//! its last checkpoint to the very weights that it would have reached undisturbed, bit for bit.
//!
//! The loop prints nothing and knows no terminal, no report and no doctor: it tells [`Observer`]s.

mod best;
mod checkpoint;
mod class_weight;
mod error;
mod examples;
mod fit;
mod observer;
mod optimizer;
mod order;
mod prefixes;
pub mod probe;
mod schedule;

pub use best::Best;
pub use error::Error;
pub use examples::{Examples, Traces};
pub use fit::{Checkpoints, Control, Outcome, fit};
pub use observer::{Event, Observer, StepEnd, Stopped};
pub use optimizer::{OptimizerState, clip_by_global_norm};
