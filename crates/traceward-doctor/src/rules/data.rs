//! D: the data, before a step is made.

use crate::Rule;

pub(super) const RULES: &[Rule] = &[];
