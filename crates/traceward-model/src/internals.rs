//! What happens inside a network: numbers about layers for those who look for trouble.

use serde::{Deserialize, Serialize};

/// What one layer put out on one batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivationStats {
    /// The layer's name.
    pub layer: String,
    /// Mean over traces, time and units.
    pub mean: f64,
    /// Standard deviation over the same.
    pub deviation: f64,
    /// The smallest value.
    pub min: f32,
    /// The largest value.
    pub max: f32,
    /// The share of exact zeros: dead or dropped units.
    pub zeros: f64,
    /// Whether any value is NaN or infinite.
    pub not_finite: bool,
}

impl ActivationStats {
    pub(crate) fn of(layer: &str, values: &[f32]) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
        Self {
            layer: layer.to_owned(),
            mean,
            deviation: variance.sqrt(),
            min: values.iter().copied().fold(f32::INFINITY, f32::min),
            max: values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            zeros: values.iter().filter(|&&v| v == 0.0).count() as f64 / count,
            not_finite: values.iter().any(|v| !v.is_finite()),
        }
    }
}

/// One weight array in one step: how large it is, how large its gradient, how far it moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightStats {
    /// The weight's name, `dense/kernel`.
    pub name: String,
    /// Euclidean norm of the values after the step.
    pub norm: f64,
    /// Euclidean norm of the gradient, before clipping.
    pub gradient_norm: f64,
    /// Euclidean norm of the change that the step made.
    pub update_norm: f64,
}

/// Everything that can be seen of one step from inside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Internals {
    /// The trainable weights, in the network's order.
    pub weights: Vec<WeightStats>,
    /// The layers' outputs, first to last.
    pub activations: Vec<ActivationStats>,
}

/// Euclidean norm, summed in double precision.
pub fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}
