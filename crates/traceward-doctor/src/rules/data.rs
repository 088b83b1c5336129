//! D: the data, before a step is made.

mod d01_sorted;
mod d02_tail_split;
mod d03_copies_across;
mod d06_imbalance;
mod d08_bad_values;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[
    d01_sorted::RULE,
    d02_tail_split::RULE,
    d03_copies_across::RULE,
    d06_imbalance::RULE,
    d08_bad_values::RULE,
];
