//! A model written down before it is trained.

mod fit;
mod named;
mod site;

use serde::{Deserialize, Serialize};

pub use fit::{FitError, Step};
pub(crate) use site::{Ground, Site};

use crate::boost::BoostConfig;
use crate::features::{FeatureConfig, Series};
use crate::forest::ForestConfig;
use crate::linear::LinearConfig;
use crate::neighbours::Likeness;
use crate::novelty::NoveltyConfig;
use crate::stack::StackRecipe;

/// What to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Recipe {
    /// Support vector machines or logistic regression on tf-idf weighted n-grams.
    Linear(LinearRecipe),
    /// Gradient-boosted trees on n-gram counts.
    Boosted(BoostedRecipe),
    /// Extremely randomised trees on n-gram counts.
    Forest(ForestRecipe),
    /// The training traces most like a trace.
    Neighbours(NeighboursRecipe),
    /// How unlike all normals a trace is; it learns from no attack.
    Novelty(NoveltyRecipe),
    /// Several of them, and how much each is believed.
    Stack(StackRecipe),
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

/// Boosted trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostedRecipe {
    /// The n-grams.
    pub features: FeatureConfig,
    /// How near the nearest training traces of each class are, as columns beside the counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similarities: Vec<Similarity>,
    /// How they are trained.
    #[serde(default)]
    pub boost: BoostConfig,
}

/// Extremely randomised trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestRecipe {
    /// The n-grams.
    pub features: FeatureConfig,
    /// How near the nearest training traces of each class are, as columns beside the counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similarities: Vec<Similarity>,
    /// How they are trained.
    #[serde(default)]
    pub forest: ForestConfig,
}

/// Columns that say how near the nearest training traces of each class are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Similarity {
    /// In what traces are compared.
    pub likeness: Likeness,
    /// For each of these, a column a class: the mean cosine to that many nearest traces, at most
    /// [`crate::neighbours::DEPTH`].
    pub nearest: Vec<u8>,
}

/// A nearest-neighbour classifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeighboursRecipe {
    /// In what traces are compared.
    pub likeness: Likeness,
    /// How many nearest traces of each class are asked, at most [`crate::neighbours::DEPTH`].
    pub nearest: u8,
}

/// A novelty model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoveltyRecipe {
    /// How it is trained.
    #[serde(default)]
    pub novelty: NoveltyConfig,
}

impl Recipe {
    /// The recipe of a name.
    pub fn named(name: &str) -> Option<Self> {
        named::NAMED.iter().find(|(known, _)| *known == name).map(|(_, recipe)| recipe())
    }

    /// The names that [`Recipe::named`] knows.
    pub fn names() -> Vec<&'static str> {
        named::NAMED.iter().map(|(name, _)| *name).collect()
    }

    /// Whether another seed gives a model worth its own row in a table.
    pub fn seeded(&self) -> bool {
        match self {
            // Alone the order in which traces are visited, and where a convex problem is least does not
            // depend on it; inner folds move no decision.
            Self::Linear(_) | Self::Neighbours(_) | Self::Novelty(_) => false,
            Self::Boosted(recipe) => {
                recipe.boost.feature_fraction < 1.0 || recipe.boost.bagging_fraction < 1.0
            }
            Self::Forest(_) | Self::Stack(_) => true,
        }
    }

    /// Calls `each` with every choice of n-grams that it counts.
    fn features<'a>(&'a self, each: &mut dyn FnMut(&'a FeatureConfig)) {
        let trees = |features: &'a FeatureConfig,
                     similarities: &'a [Similarity],
                     each: &mut dyn FnMut(&'a FeatureConfig)| {
            each(features);
            similarities.iter().for_each(|s| each(&s.likeness.features));
        };
        match self {
            Self::Linear(recipe) => each(&recipe.features),
            Self::Boosted(recipe) => trees(&recipe.features, &recipe.similarities, each),
            Self::Forest(recipe) => trees(&recipe.features, &recipe.similarities, each),
            Self::Neighbours(recipe) => each(&recipe.likeness.features),
            Self::Novelty(_) => {}
            Self::Stack(stack) => stack.members.iter().for_each(|member| member.recipe.features(each)),
        }
    }

    /// The n-grams that it counts.
    fn series(&self) -> Vec<Series> {
        let mut series = Vec::new();
        self.features(&mut |config| series.extend_from_slice(&config.series));
        series
    }

    /// The least number of training traces in which an n-gram must stand to count for any part of it.
    fn min_traces(&self) -> u32 {
        let mut least = u32::MAX;
        self.features(&mut |config| least = least.min(config.min_traces));
        least
    }

    /// In what its parts compare traces, each once.
    pub(crate) fn likenesses(&self) -> Vec<Likeness> {
        let mut all: Vec<Likeness> = Vec::new();
        self.each_likeness(&mut |likeness| {
            if !all.contains(likeness) {
                all.push(likeness.clone());
            }
        });
        all
    }

    fn each_likeness(&self, each: &mut dyn FnMut(&Likeness)) {
        match self {
            Self::Linear(_) | Self::Novelty(_) => {}
            Self::Boosted(recipe) => recipe.similarities.iter().for_each(|s| each(&s.likeness)),
            Self::Forest(recipe) => recipe.similarities.iter().for_each(|s| each(&s.likeness)),
            Self::Neighbours(recipe) => each(&recipe.likeness),
            Self::Stack(stack) => stack.members.iter().for_each(|member| member.recipe.each_likeness(each)),
        }
    }
}
