//! Gradient boosting of trees over n-gram counts: what networks must beat, and half of the best stack.
//!
//! Softmax over all classes, one tree a class and round, each grown leaf by leaf on histograms, as LightGBM
//! does it (Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", 2017) and under its
//! parameters' names ([`BoostConfig`]). Columns may be counts, which are mostly zero and cost nothing where
//! they are, or any other numbers.
//!
//! The trees of a round are grown side by side. All sums are exact, so the model does not depend on the
//! number of threads.
//!
//! Why our own. What there is, on the first fold of ADFA-LD (3,094 traces, seven classes, 1-3-grams, of which
//! the 3,707 that stand in 20 traces or more; two cores with other work on them, hence processor seconds):
//!
//! | | softmax of all classes | input | fit, s | macro-F1 |
//! |---|---|---|---|---|
//! | `perpetual` 2.3 | no, one against the rest | dense | above 69, stopped | |
//! | `forust-ml` 0.8, 100 rounds of 31 leaves | no, one against the rest | dense | 71 | .637 |
//! | `smartcore` 0.7, random forest of 20 trees; answers with labels only | - | dense | 7 | .619 |
//! | `gbdt` 0.1 | no, two classes | dense | | |
//! | `linfa-ensemble` 0.8 | bagging; answers with labels only | dense | | |
//! | `lightgbm3` 1.0 | yes | | needs CMake and libclang to build | |
//!
//! `perpetual` needs a nightly compiler besides. On all five folds, pooled, with the same columns: LightGBM
//! 4's defaults macro-F1 .669, AUC .982, detection rate .828 at 1 % false alarms and .537 at 0.1 %; ours
//! .674, .981, .820 and .522.

mod bins;
mod config;
mod grow;
mod histogram;
mod round;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use config::BoostConfig;

use crate::Sparse;
use crate::parts::{LARGEST_INTEGER, PartsError, Reader, Writer};
use crate::probability::softmax;
use crate::trees::Trees;

pub use crate::trees::{Contributions, TreesError};

/// Boosted trees of several classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosted {
    classes: usize,
    /// The score of each class before the first tree.
    base: Vec<f32>,
    /// Round by round, a tree a class.
    trees: Trees,
    /// What each node would add to the score if the tree ended there.
    values: Vec<f32>,
    /// What the cut at each node gained; 0 for leaves.
    gains: Vec<f32>,
}

/// What is written down beside the arrays.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rounds: usize,
}

impl Boosted {
    /// Learns to tell the `classes` classes of the rows of `matrix` apart. `weights` says how much each row
    /// counts; without it all count the same, or by their class if the configuration says so. The seed
    /// matters only where rows or columns are drawn.
    ///
    /// # Errors
    /// If there is nothing to learn from, the arguments do not fit together, or the configuration makes no
    /// sense.
    pub fn fit(
        matrix: &Sparse,
        labels: &[u16],
        classes: usize,
        weights: Option<&[f32]>,
        config: &BoostConfig,
        seed: u64,
    ) -> Result<Self, TreesError> {
        crate::trees::check(matrix, labels, classes, weights)?;
        if let Some(flaw) = config.flaw() {
            return Err(TreesError::Config(flaw));
        }
        let weights = crate::trees::weights(labels, classes, weights, config.balanced);
        let (base, rounds) = round::fit(matrix, labels, classes, &weights, config, seed);
        let mut nodes = Vec::new();
        let (mut values, mut gains) = (Vec::new(), Vec::new());
        for grown in rounds {
            nodes.push(grown.nodes);
            values.extend(grown.values);
            gains.extend(grown.gains);
        }
        Ok(Self { classes, base, trees: Trees::new(matrix.columns(), nodes), values, gains })
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many trees each class has.
    pub fn rounds(&self) -> usize {
        self.trees.len() / self.classes
    }

    /// The columns that the trees ask, ascending; no other matters.
    pub fn columns(&self) -> &[u32] {
        self.trees.columns()
    }

    /// The same trees over a matrix that has only the columns [`Boosted::columns`].
    #[must_use]
    pub fn narrowed(self) -> Self {
        Self { trees: self.trees.narrowed(), ..self }
    }

    /// Writes the score of each class, before the softmax, into `out`.
    ///
    /// # Panics
    /// If `out` is not as long as there are classes.
    pub fn scores_into(&self, columns: &[u32], values: &[f32], out: &mut [f32]) {
        out.copy_from_slice(&self.base);
        let gathered = self.trees.gather(columns, values);
        for round in 0..self.rounds() {
            for (class, score) in out.iter_mut().enumerate() {
                *score += self.values[self.trees.leaf(round * self.classes + class, &gathered)];
            }
        }
    }

    /// Writes the probability of each class into `out`.
    ///
    /// # Panics
    /// If `out` is not as long as there are classes.
    pub fn predict_into(&self, columns: &[u32], values: &[f32], out: &mut [f32]) {
        self.scores_into(columns, values, out);
        softmax(out);
    }

    /// What each column adds to the score of `class`: at every node on the way of a row, what the trees
    /// would say after it less what they would say before (Saabas, "Interpreting random forests", 2014).
    ///
    /// # Panics
    /// If there is no such class.
    pub fn contributions(&self, columns: &[u32], values: &[f32], class: usize) -> Contributions {
        let gathered = self.trees.gather(columns, values);
        let mut bias = self.base[class];
        let mut by_slot = vec![0.0; self.trees.columns().len()];
        for round in 0..self.rounds() {
            let mut before = None;
            for at in self.trees.path(round * self.classes + class, &gathered) {
                match before {
                    None => bias += self.values[at],
                    Some(parent) => {
                        let slot = self.trees.node(parent).slot as usize;
                        by_slot[slot] += self.values[at] - self.values[parent];
                    }
                }
                before = Some(at);
            }
        }
        Contributions::new(bias, self.trees.columns(), &by_slot)
    }

    /// What the cuts at each column gained in all, the most important column first.
    pub fn importance(&self) -> Vec<(u32, f64)> {
        let mut by_slot = vec![0.0; self.trees.columns().len()];
        for at in 0..self.trees.nodes() {
            let node = self.trees.node(at);
            if !node.is_leaf() {
                by_slot[node.slot as usize] += f64::from(self.gains[at]);
            }
        }
        let mut gains: Vec<(u32, f64)> = self.trees.columns().iter().copied().zip(by_slot).collect();
        gains.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        gains
    }

    /// Adds its arrays to `into` and says what else it is.
    pub fn write(&self, into: &mut Writer<'_>) -> Value {
        into.tensor("base", &[self.base.len()], self.base.clone());
        self.trees.write(into);
        into.tensor("values", &[self.values.len()], self.values.clone());
        into.tensor("gains", &[self.gains.len()], self.gains.clone());
        json!(Document { rounds: self.rounds() })
    }

    /// Back from [`Boosted::write`], for rows of `columns` columns.
    ///
    /// # Errors
    /// If the parts are no such model, or a damaged one.
    pub fn read(
        document: &Value,
        from: &Reader<'_>,
        columns: usize,
        classes: usize,
    ) -> Result<Self, PartsError> {
        let Document { rounds } = from.document(document)?;
        if columns > LARGEST_INTEGER as usize {
            return Err(from.damaged("more columns than a tree can name"));
        }
        let base = from.vector("base", Some(classes))?.to_vec();
        let trees = Trees::read(from, columns, 1)?;
        if classes == 0 || rounds.checked_mul(classes) != Some(trees.len()) {
            return Err(from.damaged("another number of trees than one a class and round"));
        }
        let values = from.vector("values", Some(trees.nodes()))?.to_vec();
        let gains = from.vector("gains", Some(trees.nodes()))?.to_vec();
        Ok(Self { classes, base, trees, values, gains })
    }
}

#[cfg(test)]
mod tests;
