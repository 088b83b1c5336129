//! C: curves and metrics, of any framework's log.

use crate::Rule;

pub(super) const RULES: &[Rule] = &[];
