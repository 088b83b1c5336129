//! The guard in numbers, for Prometheus.
//!
//! Whoever does the work keeps counts of its own and publishes them here once a round: stores into plain
//! atomics, no locks, nothing per call. What is published is encoded when somebody asks. Names follow
//! Prometheus' rules: `traceward_`, base units, `_total` for what only grows.

mod encode;
mod numbers;
mod own;

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use traceward_capture::Losses;

pub use self::numbers::{Durations, Number};
use crate::ModelId;
use crate::desk::{self, Desk};
use crate::guard::Counts;
use crate::outputs::Status;

/// All that is told about a guard.
#[derive(Debug)]
pub struct Metrics {
    started: SystemTime,
    model: RwLock<Option<ModelId>>,
    guard: Mutex<Counts>,
    losses: Mutex<Losses>,
    desk: Mutex<DeskSays>,
    outputs: RwLock<Vec<Arc<Status>>>,
    /// Events that the capture has told of.
    pub events: Number,
    /// Calls that the capture has counted, lost ones included.
    pub calls: Number,
    /// Threads that are followed now.
    pub threads: Number,
    /// Threads that were forgotten though they lived.
    pub evictions: Number,
    /// Bytes of the ring buffer that are in use, and its size; 0 if it is not known.
    pub ring: [Number; 2],
    /// How long the model takes for an answer.
    pub score: Durations,
    /// From a call to its score.
    pub lag: Durations,
    /// 1 if the threshold is from this host's own normals, or the model's calibration.
    pub calibrated: Number,
    /// 1 while normals are learnt.
    pub calibrating: Number,
    /// How many hints say that the host no longer looks as it did.
    pub drift_hints: Number,
    /// Files of suppressions that were broken when they were read again.
    pub reload_errors: Number,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(SystemTime::now())
    }
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new(started: SystemTime) -> Self {
        Self {
            started,
            model: RwLock::default(),
            guard: Mutex::default(),
            losses: Mutex::default(),
            desk: Mutex::default(),
            outputs: RwLock::default(),
            events: Number::default(),
            calls: Number::default(),
            threads: Number::default(),
            evictions: Number::default(),
            ring: Default::default(),
            score: Durations::default(),
            lag: Durations::default(),
            calibrated: Number::default(),
            calibrating: Number::default(),
            drift_hints: Number::default(),
            reload_errors: Number::default(),
        }
    }

    /// Which model judges.
    pub fn model(&self, model: ModelId) {
        *self.model.write().unwrap_or_else(PoisonError::into_inner) = Some(model);
    }

    /// What the guard has done so far.
    pub fn guard(&self, counts: &Counts) {
        *lock(&self.guard) = *counts;
    }

    /// What was lost so far.
    pub fn losses(&self, losses: Losses) {
        *lock(&self.losses) = losses;
    }

    /// What the desk has done so far.
    pub fn desk(&self, desk: &Desk) {
        let mut reasons: Vec<(String, u64)> = Vec::new();
        for one in desk.rules().uses() {
            // A label names a series: two rules of one reason are one.
            match reasons.iter_mut().find(|(reason, _)| *reason == one.reason) {
                Some((_, used)) => *used += one.used,
                None => reasons.push((one.reason, one.used)),
            }
        }
        *lock(&self.desk) = DeskSays { counts: desk.counts(), pending: desk.pending(), reasons };
    }

    /// Whose fates are told.
    pub fn outputs(&self, statuses: Vec<Arc<Status>>) {
        *self.outputs.write().unwrap_or_else(PoisonError::into_inner) = statuses;
    }

    /// All of it, in OpenMetrics' text.
    pub fn render(self: &Arc<Self>) -> String {
        let mut registry = Registry::with_prefix("traceward");
        registry.register_collector(Box::new(Arc::clone(self)));
        let mut text = String::new();
        // Writing into a string fails only if an encoder is wrong, and then what is there is of no use.
        if text::encode(&mut text, &registry).is_err() {
            text.clear();
        }
        text
    }

    fn started(&self) -> Duration {
        self.started.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// What a desk said of itself last.
#[derive(Clone, Debug, Default)]
struct DeskSays {
    counts: desk::Counts,
    pending: u64,
    /// How often rules of a reason were used.
    reasons: Vec<(String, u64)>,
}

/// Held for a copy only.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
