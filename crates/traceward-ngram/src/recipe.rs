//! A model written down before it is trained.

use serde::{Deserialize, Serialize};

/// What to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {}
