//! G: inside the network while it trains.
//!
//! All of these look at a few sampled steps. One look is an accident; a rule speaks once several in a row
//! agree, and none calls a training ill for what every training that has learned its task does (gradients
//! get small, gates close).

mod g01_vanishing_gradient;
mod g02_exploding_gradient;
mod g03_dead_units;
mod g04_saturated;
mod g05_update_size;
mod g06_not_updated;
mod g07_large_weights;
mod g08_two_modes;
mod g09_equal_units;
mod g10_forget_gate;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    g01_vanishing_gradient::RULE,
    g02_exploding_gradient::RULE,
    g03_dead_units::RULE,
    g04_saturated::RULE,
    g05_update_size::RULE,
    g06_not_updated::RULE,
    g07_large_weights::RULE,
    g08_two_modes::RULE,
    g09_equal_units::RULE,
    g10_forget_gate::RULE,
];

#[cfg(test)]
mod tests;
