//! How trees are boosted: the parameters that matter, under LightGBM's names and with its defaults.

use serde::{Deserialize, Serialize};

/// How trees are boosted. The names are LightGBM's, and so is what they mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoostConfig {
    /// Rounds; each adds one tree a class.
    pub num_iterations: u32,
    /// What each tree's outputs are multiplied by.
    pub learning_rate: f64,
    /// The most leaves a tree has. The leaf whose cut gains most is cut next.
    pub num_leaves: u32,
    /// The most cuts on the way to a leaf.
    pub max_depth: u32,
    /// The least rows in a leaf, taken from its share of its parent's second derivatives as LightGBM does:
    /// it may be fewer or must be more in fact.
    pub min_data_in_leaf: u32,
    /// The least sum of second derivatives in a leaf.
    pub min_sum_hessian_in_leaf: f64,
    /// How much a leaf's output is drawn to 0: added to its sum of second derivatives.
    pub lambda_l2: f64,
    /// What a cut must gain.
    pub min_gain_to_split: f64,
    /// The share of columns that each round's trees may ask, drawn anew.
    pub feature_fraction: f64,
    /// The share of rows that each round's trees learn from, drawn anew.
    pub bagging_fraction: f64,
    /// The most bins of a column.
    pub max_bin: u32,
    /// The least rows in a bin.
    pub min_data_in_bin: u32,
    /// Whether a row counts the more the fewer its class has (scikit-learn's `class_weight="balanced"`).
    pub balanced: bool,
}

impl Default for BoostConfig {
    fn default() -> Self {
        Self {
            num_iterations: 100,
            learning_rate: 0.1,
            num_leaves: 31,
            max_depth: 64,
            min_data_in_leaf: 20,
            min_sum_hessian_in_leaf: 1e-3,
            lambda_l2: 0.0,
            min_gain_to_split: 0.0,
            feature_fraction: 1.0,
            bagging_fraction: 1.0,
            max_bin: 255,
            min_data_in_bin: 3,
            balanced: false,
        }
    }
}

impl BoostConfig {
    /// A phrase that says what of it makes no sense.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            Some("learning_rate must be positive")
        } else if !(2..=1 << 16).contains(&self.num_leaves) {
            Some("num_leaves must be 2 to 65536")
        } else if self.max_depth == 0 || self.min_data_in_leaf == 0 {
            Some("max_depth and min_data_in_leaf must be positive")
        } else if ![self.min_sum_hessian_in_leaf, self.lambda_l2, self.min_gain_to_split]
            .into_iter()
            .all(not_negative)
        {
            Some("min_sum_hessian_in_leaf, lambda_l2 and min_gain_to_split must not be negative")
        } else if !share(self.feature_fraction) || !share(self.bagging_fraction) {
            Some("feature_fraction and bagging_fraction must be above 0 and at most 1")
        } else if !(3..=1 << 16).contains(&self.max_bin) {
            Some("max_bin must be 3 to 65536")
        } else {
            None
        }
    }
}
