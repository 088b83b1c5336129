//! S: the network and its configuration, before a step is made.

mod s03_softmax_of_one;

use crate::Rule;

pub(super) const RULES: &[Rule] = &[s03_softmax_of_one::RULE];
