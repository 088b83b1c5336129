//! C: curves and metrics, of any framework's log.
//!
//! Each rule looks at the curve by itself; where one symptom contains another (a loss that diverges is not
//! stuck, too) the later rule asks the earlier one's predicate and holds back. A finding carries the word
//! for its shape; which of them is the run's one word is decided in [`label`](crate::label).

mod causes;

pub(crate) mod c01_not_a_number;
pub(crate) mod c02_negative_loss;
pub(crate) mod c03_unmoved_metric;
pub(crate) mod c04_stuck;
pub(crate) mod c05_collapse;
pub(crate) mod c06_diverging;
pub(crate) mod c07_oscillating;
pub(crate) mod c08_spikes;
pub(crate) mod c09_rebound;
mod c10_slow;
pub(crate) mod c11_overfitting;
pub(crate) mod c12_gap;
pub(crate) mod c13_stopped_early;
pub(crate) mod c14_plateau;
mod c15_validation_better;
pub(crate) mod c16_penalty;
mod c17_noisy_validation;
mod c18_metric_apart;
mod c19_schedule;

#[cfg(test)]
mod tests;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    c01_not_a_number::RULE,
    c02_negative_loss::RULE,
    c03_unmoved_metric::RULE,
    c04_stuck::RULE,
    c05_collapse::RULE,
    c06_diverging::RULE,
    c07_oscillating::RULE,
    c08_spikes::RULE,
    c09_rebound::RULE,
    c10_slow::RULE,
    c11_overfitting::RULE,
    c12_gap::RULE,
    c13_stopped_early::RULE,
    c14_plateau::RULE,
    c15_validation_better::RULE,
    c16_penalty::RULE,
    c17_noisy_validation::RULE,
    c18_metric_apart::RULE,
    c19_schedule::RULE,
];
