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

/// Euclidean norm, summed in double precision, in eight sums side by side: one would wait for itself.
pub fn norm(values: &[f32]) -> f64 {
    let square = |v: &f32| f64::from(*v) * f64::from(*v);
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0f64; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, v)| *sum += square(v));
    }
    (sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_norm_is_that_of_all_values() {
        let values: Vec<f32> = (1..=19).map(|v| v as f32).collect();
        // 19 * 20 * 39 / 6 squares.
        assert!((norm(&values) - 2470f64.sqrt()).abs() < 1e-12);
        assert!(norm(&[]).abs() < 1e-12);
    }
}
