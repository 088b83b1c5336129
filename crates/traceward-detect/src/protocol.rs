//! How traces are told apart into those that train and those that judge, so that the figures can be believed.
//!
//! ```text
//! Dataset + Config -> plan: cases (train, judge) -> run: Trainer x cases x seeds -> Run (scores) -> ProtocolResult
//! ```
//!
//! | protocol | trains on | judged on |
//! |---|---|---|
//! | [`Honest`](Protocol::Honest) | four of five folds | the fifth, in turn. One copy of each trace a class; an attack run is never cut; no trace stands on both sides |
//! | [`Random`](Protocol::Random) | the same, of stratified folds with all copies | what many papers report; it flatters |
//! | [`LeaveOneFamilyOut`](Protocol::LeaveOneFamilyOut) | an honest fold's training side without one family | that family, and the fold's normals: attack or not |
//! | [`NormalOnly`](Protocol::NormalOnly) | normals alone | the other normals and all attacks, by novelty: attack or not. Copies are kept, as in published figures |
//! | [`Given`](Protocol::Given) | the data set's training part | its validation part |
//!
//! Every trace is judged by a model that was not trained on it, with a vocabulary learnt on that model's
//! training side, and the scores of all cases are pooled: a figure rests on all traces, not on a fold's.
//! A seed draws the folds and seeds the training, so that the spread over seeds holds both kinds of luck.
//!
//! **Thresholds** are never chosen on the traces that they judge. What is flagged in one case is decided by
//! the normals that the *other* cases judged: those scores are out of fold as well, so they are what a
//! calibration on fresh normals would see. Where there is one case only, its normals are halved, and each
//! half is judged by the threshold of the other. The rate at the best threshold that the judged normals
//! allow is given beside it and is called *ROC point*: it says what a model's order is worth, not what a
//! deployment gets.

mod bootstrap;
mod cases;
mod family;
mod figures;
mod notes;
mod report;
mod result;
mod run;
mod threshold;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use bootstrap::{Units, interval};
pub use cases::{Case, plan};
pub use family::FamilyRow;
pub use figures::{Figures, Pooled, attack_score};
pub use report::{Inflated, Inflation, ProtocolReport};
pub use result::{NoveltyFigures, ProtocolResult, ReliabilityBin, Spread, Standing, ThresholdRow};
pub use run::{Control, Judgement, Progress, Run, labelled, run};
pub use threshold::{FALSE_ALARM_RATES, Threshold, conformal_threshold};

/// How traces are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Folds by [`traceward_trace::split::folds`]: copies removed, groups whole, no trace on both sides.
    #[default]
    Honest,
    /// Stratified folds of all traces, copies and all.
    Random,
    /// Each attack family in turn left out of training.
    LeaveOneFamilyOut,
    /// Trained on normals alone.
    NormalOnly,
    /// The data set's own parts.
    Given,
}

impl Protocol {
    /// All of them, in the order in which help lists them.
    pub const ALL: [Self; 5] =
        [Self::Honest, Self::Random, Self::LeaveOneFamilyOut, Self::NormalOnly, Self::Given];

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Random => "random",
            Self::LeaveOneFamilyOut => "leave-one-family-out",
            Self::NormalOnly => "normal-only",
            Self::Given => "given",
        }
    }

    /// Whether it asks for the family, not only for attack or not.
    pub fn asks_for_family(self) -> bool {
        matches!(self, Self::Honest | Self::Random | Self::Given)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name).ok_or_else(|| {
            format!("no protocol is called {name:?}; there are {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// What to judge by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How traces are told apart.
    pub protocol: Protocol,
    /// How many folds the data is dealt into; 5 is the reference.
    pub folds: usize,
    /// The first seed: of folds, training, and bootstrap.
    pub seed: u64,
    /// How many seeds, counted upwards from the first.
    pub seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { protocol: Protocol::Honest, folds: 5, seed: 0, seeds: 1 }
    }
}

impl Config {
    /// The seeds, in order.
    pub fn each_seed(&self) -> impl Iterator<Item = u64> + use<> {
        let first = self.seed;
        (0..self.seeds as u64).map(move |more| first.wrapping_add(more))
    }
}

/// Why a protocol cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The data cannot be cut so.
    #[error(transparent)]
    Split(#[from] traceward_trace::Error),
    /// The data lacks what the protocol asks about.
    #[error("the {protocol} protocol needs {needs}, and {data} has none")]
    Lacks {
        /// The protocol.
        protocol: Protocol,
        /// A phrase: what is missing.
        needs: &'static str,
        /// The data set's name.
        data: String,
    },
    /// A model could not be trained.
    #[error("{model} could not be trained: {reason}")]
    Training {
        /// The model.
        model: String,
        /// What it said.
        reason: String,
    },
    /// A model could not read a trace, or says nothing that the protocol can use.
    #[error("{model} could not judge: {reason}")]
    Judging {
        /// The model.
        model: String,
        /// What it said.
        reason: String,
    },
    /// Nothing was judged before the work was stopped.
    #[error("stopped before anything was judged")]
    Stopped,
}

#[cfg(test)]
mod tests;
