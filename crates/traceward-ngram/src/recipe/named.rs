//! The recipes that have a name.

use super::{BoostedRecipe, ForestRecipe, LinearRecipe, NeighboursRecipe, NoveltyRecipe, Recipe, Similarity};
use crate::boost::BoostConfig;
use crate::features::{FeatureConfig, Frequency};
use crate::forest::ForestConfig;
use crate::linear::{LinearConfig, Loss};
use crate::neighbours::{Damping, Likeness};
use crate::novelty::NoveltyConfig;
use crate::stack::{Member, StackRecipe, Trained};

/// A name and what it makes.
type Named = (&'static str, fn() -> Recipe);

/// All of them, the best first.
pub(super) const NAMED: &[Named] = &[
    ("recommended", recommended),
    ("svm", || svm(FeatureConfig::grams(5))),
    ("svm-3", || svm(FeatureConfig::grams(3))),
    ("svm-last-200", || svm(FeatureConfig::last(200, 3))),
    ("svm-position", || svm(FeatureConfig::grams(5).with_skips(3).with_ends(&[60], 3))),
    ("svm-positions", || svm(positions())),
    ("logistic", || {
        let linear = LinearConfig { loss: Loss::Logistic, c: 10.0, ..LinearConfig::default() };
        Recipe::Linear(LinearRecipe { features: FeatureConfig::grams(5), linear })
    }),
    ("gbdt", || {
        Recipe::Boosted(BoostedRecipe {
            features: FeatureConfig::grams(3),
            similarities: Vec::new(),
            boost: BoostConfig::default(),
        })
    }),
    ("gbdt-similarity", || {
        Recipe::Boosted(BoostedRecipe {
            features: FeatureConfig::grams(4),
            similarities: vec![Similarity { likeness: log5(), nearest: vec![1, 3] }],
            boost: BoostConfig::default(),
        })
    }),
    ("extra-trees", || {
        Recipe::Forest(ForestRecipe {
            features: FeatureConfig::grams(3),
            similarities: Vec::new(),
            forest: ForestConfig::default(),
        })
    }),
    ("knn", || Recipe::Neighbours(NeighboursRecipe { likeness: log5(), nearest: 3 })),
    ("novelty", || Recipe::Novelty(NoveltyRecipe { novelty: NoveltyConfig::default() })),
    ("stide", || Recipe::Novelty(NoveltyRecipe { novelty: NoveltyConfig::stide() })),
    ("markov", || Recipe::Novelty(NoveltyRecipe { novelty: NoveltyConfig::markov() })),
];

fn svm(features: FeatureConfig) -> Recipe {
    Recipe::Linear(LinearRecipe { features, linear: LinearConfig::default() })
}

/// 1-5-grams, pairs with gaps, and 1-3-grams of the beginning and the end in three lengths.
fn positions() -> FeatureConfig {
    FeatureConfig::grams(5).with_skips(3).with_ends(&[20, 60, 200], 3)
}

/// 1-3-grams of the whole, 1-2-grams of the beginning and the end: what trees can use.
fn places(min_traces: u32) -> FeatureConfig {
    FeatureConfig { min_traces, ..FeatureConfig::grams(3).with_ends(&[20, 60], 2) }
}

fn log5() -> Likeness {
    Likeness { features: FeatureConfig::grams(5), damping: Damping::Log }
}

fn presence3() -> Likeness {
    Likeness { features: FeatureConfig::grams(3), damping: Damping::Presence }
}

fn log_positions() -> Likeness {
    let features = FeatureConfig::grams(3).with_skips(3).with_ends(&[20, 60, 200], 3);
    Likeness { features, damping: Damping::Log }
}

/// The best that was found by inner folds on ADFA-LD: whether a trace is an attack is asked of two boosted
/// models, which family it is of two support vector machines and boosted trees, two of the three trained on
/// attacks alone. What tells attacks from normals is not what tells families apart.
fn recommended() -> Recipe {
    let machine = |c, balance| {
        let linear = LinearConfig {
            c,
            balance,
            frequency: Frequency::Root,
            tolerance: 1e-2,
            ..LinearConfig::default()
        };
        Recipe::Linear(LinearRecipe { features: positions(), linear })
    };
    let similar = |likeness, nearest: &[u8]| Similarity { likeness, nearest: nearest.to_vec() };
    let small = BoostConfig {
        num_leaves: 15,
        min_data_in_leaf: 10,
        feature_fraction: 0.1,
        max_bin: 31,
        ..BoostConfig::default()
    };
    let counts = Recipe::Boosted(BoostedRecipe {
        features: places(10),
        similarities: vec![similar(log5(), &[1, 3]), similar(log_positions(), &[1, 3])],
        boost: small.clone(),
    });
    let likeness = Recipe::Boosted(BoostedRecipe {
        features: FeatureConfig { min_traces: 20, ..FeatureConfig::grams(1) },
        similarities: [log5(), presence3(), log_positions()].map(|l| similar(l, &[1, 3, 10])).to_vec(),
        boost: BoostConfig {
            num_iterations: 80,
            feature_fraction: 0.3,
            max_bin: 63,
            lambda_l2: 1.0,
            ..small.clone()
        },
    });
    let families = Recipe::Boosted(BoostedRecipe {
        features: places(8),
        similarities: vec![similar(log5(), &[1, 3]), similar(log_positions(), &[1, 3])],
        boost: BoostConfig { num_iterations: 60, ..small },
    });
    let member = |recipe, trained, detection, families| Member { recipe, trained, detection, families };
    Recipe::Stack(StackRecipe {
        members: vec![
            member(machine(1.5, 0.5), Trained::OnAll, 0.0, true),
            member(machine(3.0, 1.0), Trained::OnAttacks, 0.0, true),
            member(families, Trained::OnAttacks, 0.0, true),
            member(counts, Trained::OnAll, 1.0, false),
            member(likeness, Trained::OnAll, 2.0, false),
        ],
        folds: 4,
        novelty: Some(NoveltyConfig::default()),
    })
}
