//! The best epoch so far, and whether to go on waiting for a better one.

use traceward_model::Network;
use traceward_run::config::{EarlyStopping, Monitor};
use traceward_run::history;

/// The best epoch of a run.
#[derive(Clone, Debug)]
pub struct Best {
    /// Which, from 0.
    pub epoch: u32,
    /// What was watched, there.
    pub value: f64,
    /// The network after it.
    pub network: Network,
}

/// Follows the watched column as Keras' `EarlyStopping` does.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    monitor: Monitor,
    min_delta: f64,
    patience: Option<u32>,
    pub(crate) waited: u32,
    pub(crate) best: Option<Best>,
}

impl Watch {
    pub(crate) fn new(config: Option<&EarlyStopping>) -> Self {
        Self {
            monitor: config.map(|c| c.monitor).unwrap_or_default(),
            min_delta: config.map_or(0.0, |c| f64::from(c.min_delta)),
            patience: config.map(|c| c.patience),
            waited: 0,
            best: None,
        }
    }

    /// Takes an epoch in; whether to stop after it.
    pub(crate) fn epoch_ended(&mut self, row: &history::Epoch, network: &Network) -> bool {
        let watched = match self.monitor {
            Monitor::ValLoss => row.val_loss,
            Monitor::ValAccuracy => row.val_accuracy,
        };
        let Some(value) = watched else { return false };
        self.waited += 1;
        let better = |best: f64| match self.monitor {
            Monitor::ValLoss => value + self.min_delta < best,
            Monitor::ValAccuracy => value - self.min_delta > best,
        };
        // NaN is never better, not even than nothing.
        if !value.is_nan() && self.best.as_ref().is_none_or(|best| better(best.value)) {
            self.best = Some(Best { epoch: row.epoch, value, network: network.clone() });
            self.waited = 0;
            return false;
        }
        self.patience.is_some_and(|patience| self.waited >= patience && row.epoch > 0)
    }
}
