//! R: the process that ran the training, from its log.

mod r01_ends_early;
mod r02_several_runs;
mod r03_slows_down;
mod r04_stalled;
mod r05_order;
mod r06_running_mean;

#[cfg(test)]
mod tests;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    r01_ends_early::RULE,
    r02_several_runs::RULE,
    r03_slows_down::RULE,
    r04_stalled::RULE,
    r05_order::RULE,
    r06_running_mean::RULE,
];
