//! R: the process that ran the training, from its log.

use crate::Rule;

pub(super) const RULES: &[Rule] = &[];
