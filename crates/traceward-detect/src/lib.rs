//! Detection that can be believed, whatever model does it.
//!
//! ```text
//! Trainer + data -> protocol (folds, seeds) -> figures with intervals, compared in pairs
//! Classifier + normals -> calibrate -> Calibration -> verdicts, with reasons
//! ```
//!
//! Everything here works on [`traceward_run::Classifier`]s: this crate knows no network and no terminal.

pub mod calibrate;
pub mod compare;
pub mod drift;
pub mod early;
pub mod incident;
pub mod protocol;
pub mod reasons;
#[cfg(test)]
mod sample;
pub mod trainer;
pub mod verdict;

pub use trainer::Trainer;
