//! The rounds of boosting: where the scores stand, which way they should move, and a tree a class that
//! moves them there.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use traceward_trace::rng::Rng;

use super::BoostConfig;
use super::bins::Binned;
use super::grow::{Grower, Grown, Growth, Room};
use super::histogram::Limits;
use crate::Sparse;
use crate::trees::Node;

/// The least share of a class that its first score is made of (LightGBM's `kEpsilon`).
const LEAST_SHARE: f64 = 1e-15;

/// Streams of random numbers of one round, so that drawing columns moves no drawn row.
const STREAM_OF_ROWS: u64 = 0;

/// The scores before the first tree, and the trees: a tree a class and round.
pub(super) fn fit(
    matrix: &Sparse,
    labels: &[u16],
    classes: usize,
    weights: &[f64],
    config: &BoostConfig,
    seed: u64,
) -> (Vec<f32>, Vec<Grown>) {
    let count = |n: u32| n as usize;
    let binned = Binned::new(
        matrix,
        count(config.max_bin),
        count(config.min_data_in_bin),
        count(config.min_data_in_leaf),
    );
    let growth = Growth {
        limits: Limits {
            min_rows: f64::from(config.min_data_in_leaf),
            min_hessian: config.min_sum_hessian_in_leaf,
            lambda: config.lambda_l2,
            min_gain: config.min_gain_to_split,
        },
        num_leaves: count(config.num_leaves),
        max_depth: config.max_depth,
        learning_rate: config.learning_rate,
    };
    let mut shares = vec![0.0; classes];
    labels.iter().zip(weights).for_each(|(&label, weight)| shares[usize::from(label)] += weight);
    let total: f64 = shares.iter().sum();
    let base: Vec<f64> = shares.iter().map(|share| (share / total).max(LEAST_SHARE).ln()).collect();
    let mut scores = base.repeat(matrix.rows());
    let loss = Loss { labels, classes, weights };
    let rooms: Mutex<Vec<Room>> = Mutex::new(Vec::new());
    let mut trees = Vec::new();
    for round in 0..u64::from(config.num_iterations) {
        let stream = |of: u64| Rng::stream(seed, round * (classes as u64 + 1) + of);
        let rows = draw(matrix.rows(), config.bagging_fraction, &mut stream(STREAM_OF_ROWS));
        let probabilities = loss.probabilities(&scores);
        let grown: Vec<Option<Grown>> = (0..classes)
            .into_par_iter()
            .map(|class| {
                // A class without a trace, or the only one, has nothing to learn.
                if shares[class] == 0.0 || shares[class] == total {
                    return None;
                }
                let mut room = rooms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
                room.derivatives.set(&loss.derivatives(&probabilities, class));
                let columns =
                    draw(binned.columns.len(), config.feature_fraction, &mut stream(class as u64 + 1));
                let grower = Grower { binned: &binned, columns: &columns, growth };
                let grown = grower.grow(&mut room, &mut rows.clone());
                rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
                grown
            })
            .collect();
        if grown.iter().all(Option::is_none) {
            break;
        }
        let grown: Vec<Grown> = grown.into_iter().map(|tree| tree.unwrap_or_else(nothing)).collect();
        scores.par_chunks_exact_mut(classes).enumerate().for_each(|(row, scores)| {
            for (score, tree) in scores.iter_mut().zip(&grown) {
                *score += f64::from(tree.values[leaf(&tree.nodes, matrix.row(row))]);
            }
        });
        trees.extend(grown);
    }
    (base.iter().map(|&score| score as f32).collect(), trees)
}

/// A tree that adds nothing.
fn nothing() -> Grown {
    Grown { nodes: vec![Node::leaf(0)], values: vec![0.0], gains: vec![0.0] }
}

/// The place of a row's leaf in a tree whose nodes name columns.
fn leaf(nodes: &[Node], (columns, values): (&[u32], &[f32])) -> usize {
    let mut at = 0;
    while !nodes[at].is_leaf() {
        let Node { slot, threshold, right } = nodes[at];
        let value = columns.binary_search(&slot).map_or(0.0, |place| values[place]);
        at += if value <= threshold { 1 } else { right as usize };
    }
    at
}

/// A share of the numbers below `count`, at least one, each subset equally likely; ascending.
fn draw(count: usize, share: f64, rng: &mut Rng) -> Vec<u32> {
    let mut drawn: Vec<u32> = (0..count as u32).collect();
    if share < 1.0 {
        rng.shuffle(&mut drawn);
        drawn.truncate(((count as f64 * share).round() as usize).max(1));
        drawn.sort_unstable();
    }
    drawn
}

/// The negative log-likelihood of the softmax.
struct Loss<'a> {
    labels: &'a [u16],
    classes: usize,
    weights: &'a [f64],
}

impl Loss<'_> {
    /// The class probabilities of each row.
    fn probabilities(&self, scores: &[f64]) -> Vec<f64> {
        let mut probabilities = scores.to_vec();
        probabilities.par_chunks_exact_mut(self.classes).for_each(|row| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|score| *score = (*score - largest).exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
        });
        probabilities
    }

    /// First and second derivatives of each row's loss by the score of `class`. The second is larger than
    /// its diagonal by classes/(classes - 1), as in LightGBM, since the scores of all classes move at once
    /// (Friedman, Hastie & Tibshirani, "Additive logistic regression", 2000).
    fn derivatives(&self, probabilities: &[f64], class: usize) -> Vec<(f64, f64)> {
        let factor = self.classes as f64 / (self.classes as f64 - 1.0);
        let of_row = |((row, &label), &weight): ((&[f64], &u16), &f64)| {
            let p = row[class];
            let own = if usize::from(label) == class { 1.0 } else { 0.0 };
            (weight * (p - own), weight * factor * p * (1.0 - p))
        };
        probabilities.chunks_exact(self.classes).zip(self.labels).zip(self.weights).map(of_row).collect()
    }
}
