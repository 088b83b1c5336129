//! Support vector machines, one class against the rest, by dual coordinate descent.
//!
//! LIBLINEAR's default (`L2R_L2LOSS_SVC_DUAL`, scikit-learn's `LinearSVC`): for every class, the least of
//! ½|w|² + C Σ max(0, 1 - yᵢ w·xᵢ)², the bias being the weight of a column of ones. Its dual is solved one
//! trace at a time in random order, traces whose multiplier is stuck at 0 being left out (Hsieh, Chang, Lin,
//! Keerthi & Sundararajan, "A dual coordinate descent method for large-scale linear SVM", ICML 2008,
//! algorithm 3 and its stopping rule).
//! Balanced weights multiply C for the traces of the class itself and leave the rest at C, as there.

use rayon::prelude::*;
use traceward_trace::rng::Rng;

use super::{LinearConfig, Plane, class_weights};
use crate::Sparse;

/// Passes over the traces, scikit-learn's default.
const MOST_PASSES: usize = 1000;

/// The plane of each class; `None` for a class without a trace.
pub fn fit(
    rows: &Sparse,
    labels: &[u16],
    classes: usize,
    config: &LinearConfig,
    seed: u64,
) -> Vec<Option<Plane>> {
    let weights = class_weights(labels, classes, config.balance);
    let lengths: Vec<f64> = (0..rows.rows())
        .map(|row| 1.0 + rows.row(row).1.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>())
        .collect();
    (0..classes)
        .into_par_iter()
        .map(|class| {
            (weights[class] > 0.0).then(|| {
                let problem = Problem {
                    rows,
                    lengths: &lengths,
                    own: labels.iter().map(|&l| usize::from(l) == class).collect(),
                    c: [config.c, config.c * weights[class]],
                    tolerance: config.tolerance,
                };
                problem.solve(&mut Rng::stream(seed, class as u64))
            })
        })
        .collect()
}

/// One class against the rest.
struct Problem<'a> {
    rows: &'a Sparse,
    /// |x|² of each row, its bias column included.
    lengths: &'a [f64],
    /// Whether a row is of the class.
    own: Vec<bool>,
    /// What a row of the rest and of the class costs.
    c: [f64; 2],
    tolerance: f64,
}

impl Problem<'_> {
    fn solve(&self, rng: &mut Rng) -> Plane {
        let mut plane = Plane { weights: vec![0.0; self.rows.columns()], bias: 0.0 };
        let mut multipliers = vec![0.0f64; self.rows.rows()];
        let mut active: Vec<u32> = (0..self.rows.rows() as u32).collect();
        // Gradients beyond this, from the pass before, send a row with multiplier 0 out of the active set.
        let mut stuck_above = f64::INFINITY;
        for _ in 0..MOST_PASSES {
            rng.shuffle(&mut active);
            let (mut largest, mut least) = (f64::NEG_INFINITY, f64::INFINITY);
            active.retain(|&row| {
                let row = row as usize;
                let (index, values) = self.rows.row(row);
                let sign = if self.own[row] { 1.0 } else { -1.0 };
                let softness = 0.5 / self.c[usize::from(self.own[row])];
                let gradient = sign * along(&plane, index, values) - 1.0 + multipliers[row] * softness;
                let mut projected = gradient;
                if multipliers[row] == 0.0 {
                    if gradient > stuck_above {
                        return false;
                    }
                    projected = gradient.min(0.0);
                }
                largest = largest.max(projected);
                least = least.min(projected);
                if projected.abs() > 1e-12 {
                    let before = multipliers[row];
                    multipliers[row] = (before - gradient / (self.lengths[row] + softness)).max(0.0);
                    step(&mut plane, index, values, (multipliers[row] - before) * sign);
                }
                true
            });
            if largest - least <= self.tolerance {
                if active.len() == self.rows.rows() {
                    break;
                }
                active = (0..self.rows.rows() as u32).collect();
                stuck_above = f64::INFINITY;
            } else {
                stuck_above = if largest > 0.0 { largest } else { f64::INFINITY };
            }
        }
        plane
    }
}

/// w·x, the bias included.
fn along(plane: &Plane, index: &[u32], values: &[f32]) -> f64 {
    let products = index.iter().zip(values).map(|(&i, &v)| plane.weights[i as usize] * f64::from(v));
    products.sum::<f64>() + plane.bias
}

/// w += by · x.
fn step(plane: &mut Plane, index: &[u32], values: &[f32], by: f64) {
    for (&i, &v) in index.iter().zip(values) {
        plane.weights[i as usize] += by * f64::from(v);
    }
    plane.bias += by;
}
