//! D: the data, before a step is made.

mod d01_sorted;
mod d02_tail_split;
mod d03_copies_across;
mod d04_conflicts;
mod d05_labels;
mod d06_imbalance;
mod d07_unscaled;
mod d08_bad_values;
mod d09_too_little;
mod d10_shift;
mod d11_leak;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    d01_sorted::RULE,
    d02_tail_split::RULE,
    d03_copies_across::RULE,
    d04_conflicts::RULE,
    d05_labels::RULE,
    d06_imbalance::RULE,
    d07_unscaled::RULE,
    d08_bad_values::RULE,
    d09_too_little::RULE,
    d10_shift::RULE,
    d11_leak::RULE,
];
