//! Logistic regression of all classes at once.
//!
//! The least of ½|W|² + C Σ sᵢ (-ln softmax(W xᵢ + b)\[yᵢ\]), s being the class weights and b not being
//! shrunk: scikit-learn's `LogisticRegression(solver="lbfgs")`.

use rayon::prelude::*;

use super::{LinearConfig, Plane, class_weights, minimise};
use crate::Sparse;

/// Steps; scikit-learn's default is 100, which ends before 1-5-grams of many traces are done.
const MOST_STEPS: usize = 300;
/// Rows that are one piece of work: fixed, so that sums do not depend on the number of threads.
const ROWS_AT_ONCE: usize = 512;

/// The plane of each class; `None` for a class without a trace.
pub fn fit(rows: &Sparse, labels: &[u16], classes: usize, config: &LinearConfig) -> Vec<Option<Plane>> {
    let class_weights = class_weights(labels, classes, config.balance);
    let seen: Vec<usize> = (0..classes).filter(|&c| class_weights[c] > 0.0).collect();
    let place: Vec<usize> =
        (0..classes).map(|c| seen.iter().position(|&s| s == c).unwrap_or(usize::MAX)).collect();
    let problem = Problem {
        rows,
        targets: labels.iter().map(|&l| place[usize::from(l)]).collect(),
        weights: labels.iter().map(|&l| config.c * class_weights[usize::from(l)]).collect(),
        classes: seen.len(),
    };
    let start = vec![0.0; (rows.columns() + 1) * seen.len()];
    let scale = problem.weights.iter().sum::<f64>().max(1.0);
    // Divided by the sum of the weights, so that the tolerance is one of a mean loss.
    let found = minimise(start, config.tolerance, MOST_STEPS, |at, gradient| {
        let loss = problem.loss(at, gradient);
        gradient.iter_mut().for_each(|g| *g /= scale);
        loss / scale
    });
    let mut planes = vec![None; classes];
    for (place, &class) in seen.iter().enumerate() {
        let of = |column: usize| found[column * seen.len() + place];
        planes[class] =
            Some(Plane { weights: (0..rows.columns()).map(of).collect(), bias: of(rows.columns()) });
    }
    planes
}

struct Problem<'a> {
    rows: &'a Sparse,
    targets: Vec<usize>,
    weights: Vec<f64>,
    classes: usize,
}

impl Problem<'_> {
    /// The loss of the planes `at` (`[columns + 1, classes]`, the biases last), and its gradient.
    fn loss(&self, at: &[f64], gradient: &mut [f64]) -> f64 {
        let k = self.classes;
        let biases = self.rows.columns() * k;
        // What each row says, in parallel; the gradient is summed in the order of the rows.
        let blocks: Vec<(f64, Vec<f64>)> = (0..self.rows.rows())
            .collect::<Vec<_>>()
            .par_chunks(ROWS_AT_ONCE)
            .map(|rows| {
                let mut residuals = vec![0.0; rows.len() * k];
                let mut loss = 0.0;
                for (&row, residual) in rows.iter().zip(residuals.chunks_exact_mut(k)) {
                    loss += self.residual(at, row, residual);
                }
                (loss, residuals)
            })
            .collect();
        for (place, g) in gradient.iter_mut().enumerate() {
            *g = if place < biases { at[place] } else { 0.0 };
        }
        let mut loss = 0.5 * at[..biases].iter().map(|w| w * w).sum::<f64>();
        for (block, (of_block, residuals)) in blocks.iter().enumerate() {
            loss += of_block;
            for (row, residual) in residuals.chunks_exact(k).enumerate() {
                let (index, values) = self.rows.row(block * ROWS_AT_ONCE + row);
                for (&column, &value) in index.iter().zip(values) {
                    let place = &mut gradient[column as usize * k..][..k];
                    place.iter_mut().zip(residual).for_each(|(g, r)| *g += f64::from(value) * r);
                }
                gradient[biases..].iter_mut().zip(residual).for_each(|(g, r)| *g += r);
            }
        }
        loss
    }

    /// The weighted loss of a row, and what its classes' margins should have been less.
    fn residual(&self, at: &[f64], row: usize, residual: &mut [f64]) -> f64 {
        let k = self.classes;
        let (index, values) = self.rows.row(row);
        residual.copy_from_slice(&at[self.rows.columns() * k..]);
        for (&column, &value) in index.iter().zip(values) {
            let planes = &at[column as usize * k..][..k];
            residual.iter_mut().zip(planes).for_each(|(m, w)| *m += f64::from(value) * w);
        }
        let largest = residual.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let own = residual[self.targets[row]];
        let sum: f64 = residual.iter().map(|m| (m - largest).exp()).sum();
        let loss = self.weights[row] * (sum.ln() + largest - own);
        residual.iter_mut().for_each(|m| *m = self.weights[row] * (*m - largest).exp() / sum);
        residual[self.targets[row]] -= self.weights[row];
        loss
    }
}
