//! P: probes, short runs before the real one.

mod p01_start_loss;
mod p02_overfit_batch;
mod p03_input_matters;
mod p04_range_test;
mod p05_gradient_check;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    p01_start_loss::RULE,
    p02_overfit_batch::RULE,
    p03_input_matters::RULE,
    p04_range_test::RULE,
    p05_gradient_check::RULE,
];

#[cfg(test)]
mod tests;
