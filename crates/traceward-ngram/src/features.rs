//! From a trace to its n-gram counts: orders, skip-grams, and n-grams of its beginning and its end.
//!
//! A n-gram's key is exact, not a hash: the tokens side by side in a `u64`, each in as many bits as the
//! vocabulary needs, below the number of the [`Series`] that the n-gram belongs to (the whole trace, its
//! first 60 calls, pairs with two calls left out). So no two n-grams ever share a column, a column can be
//! read back into its calls, and the n-grams of all orders that end at a call are one shift and a few masks.
//!
//! [`Corpus`] counts all traces once and is what models are fitted from: the inner folds of a stack and
//! its members select rows and columns from it. A [`Dictionary`] is what a trained model keeps of it.

mod config;
mod corpus;
mod dictionary;
mod key;
mod table;
mod weighting;

pub use config::{FeatureConfig, Part, Series};
pub use corpus::{Columns, Corpus};
pub(crate) use dictionary::Counter;
pub use dictionary::{Dictionary, Occurrence};
pub use key::{Gram, KeyError};
pub(crate) use table::Table;
pub(crate) use weighting::log;
pub use weighting::{Frequency, TfIdf};
