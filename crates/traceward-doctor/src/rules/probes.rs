//! P: probes, short runs before the real one.

use crate::Rule;

pub(super) const RULES: &[Rule] = &[];
