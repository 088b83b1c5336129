//! BatchNormalization over rows: all calls of all traces of the batch, none of them padding.

use std::sync::PoisonError;

use super::plan::Weights;
use super::{Node, Pass, Signal};
use crate::Error;
use crate::init::Initializer;
use crate::op::{Kept, SliceOp, apply_3, numbers};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`: the batch's own (biased) statistics while
/// training, the moving ones when predicting. Moving ones follow as Keras has them:
/// `moving * momentum + batch * (1 - momentum)`.
#[derive(Debug)]
pub(crate) struct BatchNormNode {
    gamma: usize,
    beta: usize,
    moving_mean: usize,
    moving_variance: usize,
    momentum: f32,
    epsilon: f32,
}

impl BatchNormNode {
    pub(crate) fn plan(
        width: usize,
        momentum: f32,
        epsilon: f32,
        weights: &mut Weights<'_>,
    ) -> Result<Self, Error> {
        Ok(Self {
            gamma: weights.add("gamma", &[width], Initializer::Ones, true)?,
            beta: weights.add("beta", &[width], Initializer::Zeros, true)?,
            moving_mean: weights.add("moving_mean", &[width], Initializer::Zeros, false)?,
            moving_variance: weights.add("moving_variance", &[width], Initializer::Ones, false)?,
            momentum,
            epsilon,
        })
    }
}

impl Node for BatchNormNode {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal {
        let read = |place: usize| numbers(pass.weights[place].clone());
        let (moving_mean, moving_variance) = (read(self.moving_mean), read(self.moving_variance));
        input.map(|values| {
            let shape = values.dims();
            let (mean, variance) = if pass.training.is_some() {
                let (mean, variance) = statistics(&numbers(values.clone()), shape[1]);
                let follow = |moving: Vec<f32>, batch: &[f32]| -> Vec<f32> {
                    let momentum = self.momentum;
                    moving.iter().zip(batch).map(|(m, b)| m * momentum + b * (1.0 - momentum)).collect()
                };
                pass.updates.lock().unwrap_or_else(PoisonError::into_inner).extend([
                    (self.moving_mean, follow(moving_mean, &mean)),
                    (self.moving_variance, follow(moving_variance, &variance)),
                ]);
                (mean, variance)
            } else {
                (moving_mean, moving_variance)
            };
            let scale = variance.iter().map(|v| 1.0 / (v + self.epsilon).sqrt()).collect();
            let op = NormalizeOp { mean, scale, of_batch: pass.training.is_some(), shape };
            apply_3(op, [values, pass.weights[self.gamma].clone(), pass.weights[self.beta].clone()])
        })
    }
}

/// Mean and biased variance of each column, summed in double precision.
fn statistics(x: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let rows = (x.len() / width.max(1)).max(1) as f64;
    let sums = |value: &dyn Fn(usize, f32) -> f64| {
        let mut sums = vec![0f64; width];
        for row in x.chunks_exact(width) {
            for (unit, (sum, &x)) in sums.iter_mut().zip(row).enumerate() {
                *sum += value(unit, x);
            }
        }
        sums
    };
    let mean: Vec<f64> = sums(&|_, x| f64::from(x)).iter().map(|s| s / rows).collect();
    let variance = sums(&|unit, x| (f64::from(x) - mean[unit]).powi(2));
    (mean.iter().map(|&m| m as f32).collect(), variance.iter().map(|v| (v / rows) as f32).collect())
}

/// Inputs: x `[rows, width]`, gamma, beta `[1, width]`.
#[derive(Debug)]
struct NormalizeOp {
    mean: Vec<f32>,
    /// `1 / sqrt(variance + epsilon)`.
    scale: Vec<f32>,
    /// Whether mean and scale depend on x, so that the gradient goes through them.
    of_batch: bool,
    shape: [usize; 2],
}

impl NormalizeOp {
    fn normalized(&self, unit: usize, x: f32) -> f32 {
        (x - self.mean[unit]) * self.scale[unit]
    }
}

impl SliceOp for NormalizeOp {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], _: bool) -> Option<Kept> {
        let width = self.shape[1];
        for (out, x) in out.chunks_exact_mut(width).zip(inputs[0].chunks_exact(width)) {
            for (unit, (out, &x)) in out.iter_mut().zip(x).enumerate() {
                *out = self.normalized(unit, x) * inputs[1][unit] + inputs[2][unit];
            }
        }
        None
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        _: Option<Kept>,
        d_out: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let width = self.shape[1];
        let (x, gamma) = (inputs[0], inputs[1]);
        let (mut d_gamma, mut d_beta) = (vec![0f64; width], vec![0f64; width]);
        for (x, d) in x.chunks_exact(width).zip(d_out.chunks_exact(width)) {
            for unit in 0..width {
                d_gamma[unit] += f64::from(d[unit] * self.normalized(unit, x[unit]));
                d_beta[unit] += f64::from(d[unit]);
            }
        }
        let rows = self.shape[0].max(1) as f64;
        let mut d_x = vec![0.0; x.len()];
        for ((d_x, x), d) in
            d_x.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(d_out.chunks_exact(width))
        {
            for unit in 0..width {
                let through_statistics = if self.of_batch {
                    let normalized = f64::from(self.normalized(unit, x[unit]));
                    ((d_beta[unit] + normalized * d_gamma[unit]) / rows) as f32
                } else {
                    0.0
                };
                d_x[unit] = gamma[unit] * self.scale[unit] * (d[unit] - through_statistics);
            }
        }
        let single = |sums: Vec<f64>| Some(sums.iter().map(|&s| s as f32).collect());
        vec![Some(d_x), single(d_gamma), single(d_beta)]
    }
}
