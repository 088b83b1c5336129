//! Which traces train and which validate.
//!
//! What a split lets through decides what every later number means. Traces of system calls come in
//! copies and in runs: cut at random, the same trace stands on both sides, and a model that remembers
//! looks like one that has learnt. [`Method::Grouped`] is therefore the honest default wherever a data
//! set has groups; the other methods are there to repeat what others did.
//!
//! A split is indices into the data set, never a copy of it, and depends on the data and its
//! [`SplitConfig`] alone: same data, same seed, same split, on every machine ([`crate::rng`]).
//! [`Split::check`] verifies what each method promises, without looking at how it was made.

mod check;
mod given;
mod grouped;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::{Dataset, Error};

pub use check::{BrokenPromise, check_folds};
pub(crate) use given::Role;
pub use grouped::folds;

/// How a data set is cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The data set's own parts: two files, or rows marked training and validation.
    Given,
    /// Stratified at random: each class keeps its share on both sides. Copies may stand on both sides.
    Random,
    /// One copy of each trace per class; a group is never on both sides; a trace that stands on both
    /// sides under different labels is dropped from the validation side. A trace without a group is a
    /// group of its own.
    Grouped,
    /// The last rows in file order, as Keras' `validation_split` takes them, before any shuffling.
    Tail,
}

impl Method {
    /// All methods, in the order in which help lists them.
    pub const ALL: [Self; 4] = [Self::Given, Self::Random, Self::Grouped, Self::Tail];

    /// What fits `data` if nobody says otherwise: its own two parts, if they are all it has; grouped,
    /// if it has groups to tell apart; random otherwise.
    pub fn default_for(data: &Dataset) -> Self {
        if given::split(data).is_ok_and(|s| !s.train.is_empty() && !s.validation.is_empty()) {
            Self::Given
        } else if grouped::has_groups_to_part(data) {
            Self::Grouped
        } else {
            Self::Random
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Given => "given",
            Self::Random => "random",
            Self::Grouped => "grouped",
            Self::Tail => "tail",
        })
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|m| m.to_string() == name).ok_or_else(|| {
            Error::Split(format!("no method is called {name:?}; there are given, random, grouped and tail"))
        })
    }
}

/// What to cut, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitConfig {
    /// How.
    pub method: Method,
    /// The share of traces (for [`Method::Grouped`], of groups in each class) that validate, less than 1;
    /// 0 trains on every labelled trace. [`Method::Given`] does not look at it.
    pub validation_share: f64,
    /// Seed of the shuffle; [`Method::Given`] does not look at it, nor does [`Method::Tail`] unless
    /// [`SplitConfig::shuffle_first`].
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
    /// Traces on neither side: copies, validation traces that also stand in training, traces without a
    /// label, and the `test` part of a data set that has one beside its validation part.
    pub dropped: Vec<u32>,
}

/// Cuts `data` as `config` says.
///
/// # Errors
/// If a side would be empty, or the data set lacks what the method needs (parts, labels, groups).
pub fn split(data: &Dataset, config: &SplitConfig) -> Result<Split, Error> {
    if config.method != Method::Given && !(0.0..1.0).contains(&config.validation_share) {
        return Err(Error::Split(format!(
            "the validation share must be 0 or more and less than 1, and {} is not",
            config.validation_share
        )));
    }
    let rows = labelled(data)?;
    if config.method != Method::Given && config.validation_share == 0.0 {
        return Ok(Split::by(data, |trace| {
            if rows.binary_search(&trace).is_ok() { Side::Train } else { Side::Neither }
        }));
    }
    let cut = match config.method {
        Method::Given => given::split(data)?,
        Method::Random => random(data, &rows, config),
        Method::Grouped => grouped::split(data, &rows, config),
        Method::Tail => tail(data, rows, config),
    };
    cut.with_two_sides(data, config.method)
}

impl Split {
    /// Sorts the traces of `data` into a split by what `side` says of each, in file order.
    fn by(data: &Dataset, mut side: impl FnMut(u32) -> Side) -> Self {
        let mut cut = Self { train: Vec::new(), validation: Vec::new(), dropped: Vec::new() };
        for trace in all(data) {
            match side(trace) {
                Side::Train => cut.train.push(trace),
                Side::Validation => cut.validation.push(trace),
                Side::Neither => cut.dropped.push(trace),
            }
        }
        cut
    }

    fn with_two_sides(self, data: &Dataset, method: Method) -> Result<Self, Error> {
        let empty = match (self.train.is_empty(), self.validation.is_empty()) {
            (false, false) => return Ok(self),
            (true, _) => "training",
            (_, true) => "validation",
        };
        let why = match method {
            Method::Given => "the data set's own parts leave it none",
            Method::Grouped => {
                "no class has two groups that differ in their traces; the random split looks at no groups"
            }
            Method::Random => "no class has two traces",
            Method::Tail => "the share is too small or too large for so few rows",
        };
        Err(Error::Split(format!("the {empty} side of {} traces would be empty: {why}", data.traces.len())))
    }
}

/// Where a trace goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Train,
    Validation,
    Neither,
}

/// The indices of all traces.
fn all(data: &Dataset) -> impl Iterator<Item = u32> {
    (0u32..).take(data.traces.len())
}

/// The traces that have a label, in file order: there is nothing to learn from, or to check, in others.
fn labelled(data: &Dataset) -> Result<Vec<u32>, Error> {
    let rows: Vec<u32> = all(data).filter(|&i| data.traces[i as usize].class.is_some()).collect();
    if rows.is_empty() {
        return Err(Error::Split(format!("none of its {} traces has a label", data.traces.len())));
    }
    Ok(rows)
}

/// How many of `n` validate: the share, rounded, and at least one on each side where there are two.
fn quota(n: usize, share: f64) -> usize {
    if n < 2 { 0 } else { ((n as f64 * share).round() as usize).clamp(1, n - 1) }
}

/// Each class shuffled by its own stream, its first traces validating.
fn random(data: &Dataset, rows: &[u32], config: &SplitConfig) -> Split {
    let mut sides = vec![Side::Neither; data.traces.len()];
    let mut by_class: Vec<Vec<u32>> = vec![Vec::new(); data.classes.len()];
    for &row in rows {
        if let Some(class) = data.traces[row as usize].class {
            by_class[usize::from(class)].push(row);
        }
    }
    for (stream, members) in (0u64..).zip(&mut by_class) {
        Rng::stream(config.seed, stream).shuffle(members);
        let validating = quota(members.len(), config.validation_share);
        for (place, &row) in members.iter().enumerate() {
            sides[row as usize] = if place < validating { Side::Validation } else { Side::Train };
        }
    }
    Split::by(data, |row| sides[row as usize])
}

/// The rows from `floor(n (1 - share))` on validate, as Keras' `train_validation_split` computes it.
fn tail(data: &Dataset, mut rows: Vec<u32>, config: &SplitConfig) -> Split {
    let dropped = all(data).filter(|&i| data.traces[i as usize].class.is_none()).collect();
    if config.shuffle_first {
        Rng::new(config.seed).shuffle(&mut rows);
    }
    let validation = rows.split_off(tail_start(rows.len(), config.validation_share));
    Split { train: rows, validation, dropped }
}

/// Keras' `split_at`.
fn tail_start(rows: usize, share: f64) -> usize {
    (rows as f64 * (1.0 - share)).floor() as usize
}

#[cfg(test)]
mod tests;
