//! What the loop tells, and whom.

use std::path::Path;

use traceward_model::{Internals, Network};
use traceward_run::history;

/// Someone who wants to know what happens in a training: a writer of histories, a progress bar, the
/// doctor.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);

    /// Whether step `step` (from 0, over the whole run) shall be looked at from inside; it then costs a
    /// few passes over activations and weights, and nothing otherwise.
    fn wants_internals(&self, step: u64) -> bool {
        let _ = step;
        false
    }
}

/// What happens in a training.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins, or goes on.
    RunStarted {
        /// The network before the first step.
        network: &'a Network,
        /// Epochs asked for.
        epochs: u32,
        /// Steps an epoch.
        steps_per_epoch: u64,
        /// Traces trained on.
        train: usize,
        /// Traces validated on.
        validation: usize,
        /// Where a resumed run goes on: the epoch, and the step over the whole run.
        resumed_at: Option<(u32, u64)>,
    },
    /// An epoch begins, or goes on in the middle after a resume.
    EpochStarted {
        /// Which, from 0.
        epoch: u32,
    },
    /// A step was made.
    StepEnded(&'a StepEnd),
    /// An epoch ended, validation included.
    EpochEnded(&'a history::Epoch),
    /// The loss, or the gradient's norm, is NaN or infinite; told once an epoch.
    NotFinite {
        /// In which epoch.
        epoch: u32,
        /// At which step of the run.
        step: u64,
    },
    /// A checkpoint was written.
    Checkpointed {
        /// The file.
        path: &'a Path,
    },
    /// The run ended.
    Stopped(&'a Stopped),
}

/// A step, as it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct StepEnd {
    /// This batch's figures; what `steps.csv` holds.
    pub row: history::Step,
    /// Which batch of the epoch, from 0.
    pub batch: u64,
    /// Batches an epoch.
    pub batches: u64,
    /// Traces in this batch.
    pub traces: usize,
    /// Calls in this batch.
    pub calls: usize,
    /// The epoch's mean loss so far, weighted by traces.
    pub running_loss: f64,
    /// The epoch's accuracy so far.
    pub running_accuracy: f64,
    /// How long the step took.
    pub seconds: f64,
    /// What it looked like from inside, if an observer asked.
    pub internals: Option<Internals>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs are done.
    Finished,
    /// The validation stopped getting better.
    EarlyStopping {
        /// The best epoch, from 0.
        best_epoch: u32,
    },
    /// The stop flag was raised; a checkpoint was written if there is a place for it.
    Interrupted,
    /// The loss was NaN or infinite, and the control said to stop at that.
    NotFinite,
}
