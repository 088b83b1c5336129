//! S: the network and its configuration, before a step is made.

mod ending;
mod s00_syntax;
mod s01_output_activation;
mod s02_outputs;
mod s03_softmax_of_one;
mod s04_output_range;
mod s05_hidden_linear;
mod s06_doubled;
mod s07_unknown_name;
mod s08_regression_loss;
mod s09_learning_rate;
mod s10_equal_weights;
mod s11_saturating_stack;
mod s12_dropout;
mod s13_sequences;
mod s14_size;
mod s15_no_validation;
mod s16_metric;
mod s17_batch_size;
mod s18_epochs;
mod s19_frozen;
mod s20_training_loop;
mod s21_normalised_twice;
#[cfg(test)]
pub(in crate::rules) mod sample;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    s00_syntax::RULE,
    s01_output_activation::RULE,
    s02_outputs::RULE,
    s03_softmax_of_one::RULE,
    s04_output_range::RULE,
    s05_hidden_linear::RULE,
    s06_doubled::RULE,
    s07_unknown_name::RULE,
    s08_regression_loss::RULE,
    s09_learning_rate::RULE,
    s10_equal_weights::RULE,
    s11_saturating_stack::RULE,
    s12_dropout::RULE,
    s13_sequences::RULE,
    s14_size::RULE,
    s15_no_validation::RULE,
    s16_metric::RULE,
    s17_batch_size::RULE,
    s18_epochs::RULE,
    s19_frozen::RULE,
    s20_training_loop::RULE,
    s21_normalised_twice::RULE,
];
