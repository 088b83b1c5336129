//! S: the network and its configuration, before a step is made.

mod ending;
mod s01_output_activation;
mod s02_outputs;
mod s03_softmax_of_one;
mod s04_output_range;
mod s05_hidden_linear;
mod s06_doubled;
mod s07_unknown_name;
mod s08_regression_loss;
mod s09_learning_rate;
#[cfg(test)]
pub(in crate::rules) mod sample;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    s01_output_activation::RULE,
    s02_outputs::RULE,
    s03_softmax_of_one::RULE,
    s04_output_range::RULE,
    s05_hidden_linear::RULE,
    s06_doubled::RULE,
    s07_unknown_name::RULE,
    s08_regression_loss::RULE,
    s09_learning_rate::RULE,
];
