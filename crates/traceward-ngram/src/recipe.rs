//! A model written down before it is trained.

mod fit;

use serde::{Deserialize, Serialize};

pub use fit::{FitError, Step};

use crate::features::{FeatureConfig, Series};
use crate::linear::{LinearConfig, Loss};

pub(crate) use fit::Ground;

/// What to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Recipe {
    /// Support vector machines or logistic regression on tf-idf weighted n-grams.
    Linear(LinearRecipe),
}

/// A linear classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearRecipe {
    /// The n-grams.
    pub features: FeatureConfig,
    /// How it is trained.
    #[serde(default)]
    pub linear: LinearConfig,
}

/// The recipes that have a name.
const NAMED: &[(&str, fn() -> Recipe)] = &[
    ("svm", || svm(FeatureConfig::grams(5))),
    ("svm-3", || svm(FeatureConfig::grams(3))),
    ("svm-last-200", || svm(FeatureConfig::last(200, 3))),
    ("svm-position", || svm(FeatureConfig::grams(5).with_skips(3).with_ends(&[60], 3))),
    ("svm-positions", || svm(FeatureConfig::grams(5).with_skips(3).with_ends(&[20, 60, 200], 3))),
    ("logistic", || {
        let linear = LinearConfig { loss: Loss::Logistic, c: 10.0, ..LinearConfig::default() };
        Recipe::Linear(LinearRecipe { features: FeatureConfig::grams(5), linear })
    }),
];

fn svm(features: FeatureConfig) -> Recipe {
    Recipe::Linear(LinearRecipe { features, linear: LinearConfig::default() })
}

impl Recipe {
    /// The recipe of a name.
    pub fn named(name: &str) -> Option<Self> {
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, recipe)| recipe())
    }

    /// The names that [`Recipe::named`] knows.
    pub fn names() -> Vec<&'static str> {
        NAMED.iter().map(|(name, _)| *name).collect()
    }

    /// Whether another seed gives a model worth its own row in a table.
    pub fn seeded(&self) -> bool {
        match self {
            // Only the order in which traces are visited, and a convex problem has one least.
            Self::Linear(_) => false,
        }
    }

    /// The n-grams that it counts.
    fn series(&self) -> Vec<Series> {
        match self {
            Self::Linear(recipe) => recipe.features.series.clone(),
        }
    }

    /// The least number of training traces in which an n-gram must stand to count for any part of it.
    fn min_traces(&self) -> u32 {
        match self {
            Self::Linear(recipe) => recipe.features.min_traces,
        }
    }
}
