//! G: inside the network while it trains.

use crate::Rule;

pub(super) const RULES: &[Rule] = &[];
