//! What is known of the process that ran a training: how its log begins, goes on and ends.

use traceward_run::foreign::{Log, LoggedRun};

/// The process behind a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// The rows' own numbers, as they stand in the history.
    pub counters: Vec<u64>,
    /// How many epochs were to be run, if the log says so.
    pub planned_epochs: Option<u64>,
    /// Whether the log says that early stopping ended it.
    pub stopped_early: bool,
    /// What ended it, in the log's words.
    pub interrupted: Option<String>,
    /// How many runs the log holds.
    pub runs: usize,
    /// How long ago the log last grew, in seconds, while it is being followed.
    pub idle_seconds: Option<f64>,
}

impl Process {
    /// The process behind one of a log's runs.
    pub fn of(log: &Log, run: &LoggedRun) -> Self {
        Self {
            counters: run.history.counters().to_vec(),
            planned_epochs: run.planned_epochs,
            stopped_early: run.stopped_early,
            interrupted: run.interrupted.clone(),
            runs: log.runs.len(),
            idle_seconds: None,
        }
    }
}
