//! Which traces train and which validate.

use serde::{Deserialize, Serialize};

use crate::{Dataset, Error};

/// How a data set is cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The data set's own parts: two files, or rows marked training and validation.
    Given,
    /// Stratified at random: each class keeps its share on both sides. Copies may stand on both sides.
    Random,
    /// One copy of each trace per class; a group is never on both sides; a trace that stands on both
    /// sides under different labels is dropped from the validation side.
    Grouped,
    /// The last rows in file order, as Keras' `validation_split` takes them, before any shuffling.
    Tail,
}

/// What to cut, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitConfig {
    /// How.
    pub method: Method,
    /// The share of traces (for [`Method::Grouped`], of groups in each class) that validate.
    pub validation_share: f64,
    /// Seed of the shuffle; [`Method::Given`] and [`Method::Tail`] do not look at it.
    pub seed: u64,
    /// Shuffle the rows before the tail is taken, as `df.sample(frac=1)` does ([`Method::Tail`] only).
    #[serde(default)]
    pub shuffle_first: bool,
}

/// A data set cut in two, as indices into [`Dataset::traces`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Traces to train on, in file order unless shuffled on purpose.
    pub train: Vec<u32>,
    /// Traces to validate on.
    pub validation: Vec<u32>,
    /// Traces on neither side: copies, and validation traces that also stand in training.
    pub dropped: Vec<u32>,
}

/// Cuts `data` as `config` says.
///
/// # Errors
/// If a side would be empty, or the data set lacks what the method needs (parts, labels, groups).
pub fn split(data: &Dataset, config: &SplitConfig) -> Result<Split, Error> {
    let _ = (data, config);
    Err(Error::Split("not written yet".into()))
}
