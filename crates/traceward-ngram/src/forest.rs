//! Extremely randomised trees over n-gram counts (Geurts, Ernst & Wehenkel, "Extremely randomized trees",
//! 2006): each cut is the best of a few, each at a random place of a random column.
//!
//! What is drawn, and when drawing ends, follows scikit-learn's `ExtraTreesClassifier`: columns that do not
//! vary among a node's rows count as drawn, and at least one that varies is looked at. Trees are grown side
//! by side, each from its own stream of random numbers.

mod grow;

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use traceward_trace::rng::Rng;

use crate::Sparse;
use crate::parts::{LARGEST_INTEGER, PartsError, Reader, Writer};
use crate::trees::{Node, Trees};

pub use crate::trees::{Contributions, TreesError};

use grow::{ByColumn, Grower};

/// How a forest is grown. The names are scikit-learn's, and so is what they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForestConfig {
    /// Trees.
    pub n_estimators: u32,
    /// Columns that are drawn for a cut; without it the square root of their number.
    pub max_features: Option<u32>,
    /// The least rows in a leaf.
    pub min_samples_leaf: u32,
    /// Whether a row counts the more the fewer its class has (scikit-learn's `class_weight="balanced"`).
    pub balanced: bool,
}

impl Default for ForestConfig {
    fn default() -> Self {
        Self { n_estimators: 600, max_features: None, min_samples_leaf: 1, balanced: false }
    }
}

/// Extremely randomised trees of several classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    classes: usize,
    /// The trees; a leaf refers to a row of `shares`, and its threshold is the weight of its training rows.
    trees: Trees,
    /// The different shares of classes that leaves have, row by row.
    shares: Vec<f32>,
}

impl Forest {
    /// Learns to tell the `classes` classes of the rows of `matrix` apart. `weights` says how much each row
    /// counts; without it all count the same, or by their class if the configuration says so.
    ///
    /// # Errors
    /// If there is nothing to learn from, the arguments do not fit together, or the configuration makes no
    /// sense.
    pub fn fit(
        matrix: &Sparse,
        labels: &[u16],
        classes: usize,
        weights: Option<&[f32]>,
        config: &ForestConfig,
        seed: u64,
    ) -> Result<Self, TreesError> {
        crate::trees::check(matrix, labels, classes, weights)?;
        if config.n_estimators == 0 || config.min_samples_leaf == 0 || config.max_features == Some(0) {
            return Err(TreesError::Config(
                "n_estimators, min_samples_leaf and max_features must be positive",
            ));
        }
        let weights = crate::trees::weights(labels, classes, weights, config.balanced);
        let by_column = ByColumn::new(matrix);
        let grower = Grower {
            matrix,
            by_column: &by_column,
            labels,
            classes,
            weights: &weights,
            drawn: config.max_features.unwrap_or_else(|| matrix.columns().isqrt().max(1) as u32),
            min_leaf: config.min_samples_leaf as usize,
        };
        let grown: Vec<(Vec<Node>, Vec<f32>)> = (0..config.n_estimators)
            .into_par_iter()
            .map(|tree| grower.grow(&mut Rng::stream(seed, u64::from(tree))))
            .collect();
        let mut leaves = Leaves::new(classes);
        let trees = grown.into_iter().map(|(mut nodes, shares)| {
            for node in nodes.iter_mut().filter(|node| node.is_leaf()) {
                node.slot = leaves.entry(&shares[node.slot as usize * classes..][..classes]);
            }
            nodes
        });
        let trees = Trees::new(matrix.columns(), trees);
        Ok(Self { classes, trees, shares: leaves.shares })
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// The columns that the trees ask, ascending; no other matters.
    pub fn columns(&self) -> &[u32] {
        self.trees.columns()
    }

    /// The same trees over a matrix that has only the columns [`Forest::columns`].
    #[must_use]
    pub fn narrowed(self) -> Self {
        Self { trees: self.trees.narrowed(), ..self }
    }

    fn shares_of(&self, leaf: Node) -> &[f32] {
        &self.shares[leaf.slot as usize * self.classes..][..self.classes]
    }

    /// Writes the probability of each class into `out`: the mean of what the trees say.
    ///
    /// # Panics
    /// If `out` is not as long as there are classes.
    pub fn predict_into(&self, columns: &[u32], values: &[f32], out: &mut [f32]) {
        assert_eq!(out.len(), self.classes, "one probability a class");
        out.fill(0.0);
        let gathered = self.trees.gather(columns, values);
        for tree in 0..self.trees.len() {
            let leaf = self.trees.node(self.trees.leaf(tree, &gathered));
            out.iter_mut().zip(self.shares_of(leaf)).for_each(|(sum, share)| *sum += share);
        }
        let sum: f32 = out.iter().sum();
        out.iter_mut().for_each(|share| *share /= sum);
    }

    /// What each column adds to the probability of `class`: at every node on the way of a row, the share of
    /// the class among the training rows after it less the share before (Saabas, "Interpreting random
    /// forests", 2014). Every node of every tree is looked at.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn contributions(&self, columns: &[u32], values: &[f32], class: usize) -> Contributions {
        assert!(class < self.classes, "class {class} of {}", self.classes);
        let gathered = self.trees.gather(columns, values);
        let trees = self.trees.len() as f32;
        let (mut bias, mut by_slot) = (0.0, vec![0.0; self.trees.columns().len()]);
        for tree in 0..self.trees.len() {
            let nodes = self.trees.tree(tree);
            // Weight and weight of the class, of all rows below each node.
            let mut below = vec![(0.0f32, 0.0f32); nodes.len()];
            for at in (0..nodes.len()).rev() {
                let node = nodes[at];
                below[at] = if node.is_leaf() {
                    (node.threshold, node.threshold * self.shares_of(node)[class])
                } else {
                    let (left, right) = (below[at + 1], below[at + node.right as usize]);
                    (left.0 + right.0, left.1 + right.1)
                };
            }
            let start = self.trees.span(tree).start;
            let share = |at: usize| below[at - start].1 / below[at - start].0;
            let path: Vec<usize> = self.trees.path(tree, &gathered).collect();
            bias += share(start) / trees;
            for step in path.windows(2) {
                let slot = self.trees.node(step[0]).slot as usize;
                by_slot[slot] += (share(step[1]) - share(step[0])) / trees;
            }
        }
        Contributions::new(bias, self.trees.columns(), &by_slot)
    }

    /// By how much cuts at each column made nodes purer (mean decrease of Gini impurity, a share of 1), the
    /// most important column first.
    pub fn importance(&self) -> Vec<(u32, f64)> {
        let mut by_slot = vec![0.0; self.trees.columns().len()];
        for tree in 0..self.trees.len() {
            self.add_decrease(tree, &mut by_slot);
        }
        let total: f64 = by_slot.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let shares = by_slot.into_iter().map(|decrease| decrease / total);
        let mut shares: Vec<(u32, f64)> = self.trees.columns().iter().copied().zip(shares).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        shares
    }

    /// Adds a tree's decrease of impurity at each column to `by_slot`.
    fn add_decrease(&self, tree: usize, by_slot: &mut [f64]) {
        let nodes = self.trees.tree(tree);
        let mut below = vec![0.0; nodes.len() * self.classes];
        // Gini impurity times weight is the weight less this.
        let purity = |weights: &[f64]| {
            let total: f64 = weights.iter().sum();
            weights.iter().map(|w| w * w).sum::<f64>() / total.max(f64::MIN_POSITIVE)
        };
        for at in (0..nodes.len()).rev() {
            let node = nodes[at];
            let row = |at: usize| at * self.classes..(at + 1) * self.classes;
            if node.is_leaf() {
                for (weight, share) in below[row(at)].iter_mut().zip(self.shares_of(node)) {
                    *weight = f64::from(node.threshold * share);
                }
                continue;
            }
            let (left, right) = (row(at + 1), row(at + node.right as usize));
            let apart = purity(&below[left.clone()]) + purity(&below[right.clone()]);
            for class in 0..self.classes {
                below[at * self.classes + class] = below[left.start + class] + below[right.start + class];
            }
            by_slot[node.slot as usize] += (apart - purity(&below[row(at)])).max(0.0);
        }
    }

    /// Adds its arrays to `into` and says what else it is.
    pub fn write(&self, into: &mut Writer<'_>) -> Value {
        self.trees.write(into);
        into.tensor("shares", &[self.shares.len() / self.classes, self.classes], self.shares.clone());
        json!({})
    }

    /// Back from [`Forest::write`], for rows of `columns` columns.
    ///
    /// # Errors
    /// If the parts are no such model, or a damaged one.
    pub fn read(from: &Reader<'_>, columns: usize, classes: usize) -> Result<Self, PartsError> {
        if classes == 0 || columns > LARGEST_INTEGER as usize {
            return Err(from.damaged("no class, or more columns than a tree can name"));
        }
        let shares = from.matrix("shares", None, classes)?.to_vec();
        let is_share = |row: &[f32]| {
            row.iter().all(|share| (0.0..=1.0).contains(share))
                && (row.iter().sum::<f32>() - 1.0).abs() < 1e-3
        };
        if !shares.chunks_exact(classes).all(is_share) {
            return Err(from.damaged("shares of classes that do not add up to 1"));
        }
        let trees = Trees::read(from, columns, (shares.len() / classes) as u32)?;
        let weighty = |node: &Node| !node.is_leaf() || node.threshold > 0.0;
        if trees.len() == 0 || !(0..trees.len()).all(|tree| trees.tree(tree).iter().all(weighty)) {
            return Err(from.damaged("no trees, or a leaf without weight"));
        }
        Ok(Self { classes, trees, shares })
    }
}

/// The different leaves of a forest. Most are of one class, so that few rows serve many leaves.
struct Leaves {
    shares: Vec<f32>,
    known: HashMap<Vec<u32>, u32>,
    classes: usize,
}

impl Leaves {
    fn new(classes: usize) -> Self {
        Self { shares: Vec::new(), known: HashMap::new(), classes }
    }

    /// The row that has these shares.
    fn entry(&mut self, shares: &[f32]) -> u32 {
        let next = (self.shares.len() / self.classes) as u32;
        let bits = shares.iter().map(|share| share.to_bits()).collect();
        *self.known.entry(bits).or_insert_with(|| {
            self.shares.extend(shares);
            next
        })
    }
}

#[cfg(test)]
mod tests;
