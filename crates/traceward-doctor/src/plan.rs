//! A plan: all that a training is, short of its data, as the debugger passes it around.
//!
//! A plan is a [`TrainConfig`] and nothing else: how the data is cut and shuffled, how long sequences may
//! be, the network, the step, the schedule. So the plan that a debugging ends with is a file that
//! `traceward train --config` repeats, and the difference between two plans is a difference of two files.

use traceward_run::TrainConfig;
use traceward_trace::split::Method;

use crate::record::unified_diff;

/// A training, written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How the data is handled, the network, the fit.
    pub config: TrainConfig,
}

/// What a change may have to know of the data and the probes. A change that needs what is not known does
/// not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlanFacts {
    /// The learning rate that a range test suggests, if one was made.
    pub suggested_rate: Option<f64>,
}

impl From<TrainConfig> for Plan {
    fn from(config: TrainConfig) -> Self {
        Self { config }
    }
}

impl Plan {
    /// The plan as a file, empty for a plan that TOML cannot say (a seed of 2^63 or more).
    pub fn text(&self) -> String {
        self.config.to_toml().unwrap_or_default()
    }

    /// Whether there will be traces to validate on.
    pub fn validates(&self) -> bool {
        self.config.split.method == Method::Given || self.config.split.validation_share > 0.0
    }

    /// What leads from this plan to `after`, as a unified diff of the two files; empty if nothing does.
    pub fn diff(&self, after: &Self) -> String {
        unified_diff(&self.text(), &after.text(), "before/traceward.toml", "after/traceward.toml")
    }
}

#[cfg(test)]
mod tests {
    use traceward_run::Preset;

    use super::*;

    #[test]
    fn a_changed_number_is_one_line_out_and_one_in() {
        let before = Plan::from(Preset::Article3.config());
        let mut after = before.clone();
        after.config.fit.epochs = 60;
        let diff = before.diff(&after);
        assert!(diff.contains("\n-epochs = 20\n+epochs = 60\n"), "{diff}");
        assert_eq!(before.diff(&before), "");
    }

    #[test]
    fn a_share_of_nothing_validates_nothing() {
        let mut plan = Plan::from(Preset::Article3.config());
        assert!(plan.validates());
        plan.config.split.validation_share = 0.0;
        assert!(!plan.validates());
        plan.config.split.method = Method::Given;
        assert!(plan.validates());
    }
}
