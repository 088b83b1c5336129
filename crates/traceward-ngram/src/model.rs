//! A trained model of this crate, whatever its kind.

/// A trained model.
#[derive(Clone, Debug)]
pub enum Model {}
