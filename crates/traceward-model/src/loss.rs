//! Losses, with Keras' semantics to the letter.
//!
//! A loss gets the values *before* the last activation and the activation's name, because Keras does
//! something else than applying the one to the other: cross-entropy of a softmax is taken from the logits
//! (no clip, as on TensorFlow); any other output is divided by its sum and then clipped to
//! [1e-7, 1 - 1e-7] (as on torch and JAX; on TensorFlow a sigmoid would silently be trained as a softmax).
//! Binary cross-entropy clips alone. Where a value is clipped its gradient is 0: networks do get stuck
//! there, and the doctor wants to see it happen.

use burn::tensor::Tensor;
use traceward_run::config::{Loss, Objective};
use traceward_run::spec::Activation;

use crate::layers::{activate, activation_gradient};
use crate::op::{Kept, SliceOp, apply_1};

/// Keras' `backend.epsilon()`.
const EPSILON: f32 = 1e-7;

/// A batch's outputs, what they cost, and which way is down.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// The network's outputs, `[traces, classes]`.
    pub(crate) outputs: Vec<f32>,
    /// The loss of each trace, unweighted.
    pub(crate) losses: Vec<f32>,
    /// The gradient of each trace's own loss with respect to what goes into the last activation,
    /// unweighted, `[traces, classes]`.
    pub(crate) gradient: Vec<f32>,
}

/// Judges `logits` `[traces, classes]`, the values before `activation`, against class numbers.
pub(crate) fn judge(
    objective: Objective,
    activation: Activation,
    logits: &[f32],
    labels: &[u32],
    classes: usize,
) -> Judged {
    let Objective { loss, label_smoothing } = objective;
    let mut outputs = logits.to_vec();
    activate(activation, &mut outputs, classes);
    let mut gradient = vec![0.0; logits.len()];
    let mut losses = Vec::with_capacity(labels.len());
    let from_logits = activation == Activation::Softmax
        && matches!(loss, Loss::CategoricalCrossentropy | Loss::SparseCategoricalCrossentropy);
    let rows = logits
        .chunks_exact(classes)
        .zip(outputs.chunks_exact(classes))
        .zip(gradient.chunks_exact_mut(classes));
    for (((logits, output), gradient), &label) in rows.zip(labels) {
        let label = label as usize;
        losses.push(match loss {
            _ if from_logits => softmax_crossentropy(logits, output, label, label_smoothing, gradient),
            Loss::CategoricalCrossentropy | Loss::SparseCategoricalCrossentropy => {
                categorical(output, label, label_smoothing, gradient)
            }
            Loss::BinaryCrossentropy => binary(output, label, gradient),
            Loss::MeanSquaredError => squared(output, label, gradient),
        });
    }
    if !from_logits {
        activation_gradient(activation, logits, &outputs, &mut gradient, classes);
    }
    Judged { outputs, losses, gradient }
}

fn softmax_crossentropy(
    logits: &[f32],
    output: &[f32],
    label: usize,
    smoothing: f32,
    gradient: &mut [f32],
) -> f32 {
    let spread = smoothing / logits.len() as f32;
    gradient.iter_mut().zip(output).for_each(|(g, o)| *g = o - spread);
    gradient[label] -= 1.0 - smoothing;
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|z| (z - largest).exp()).sum();
    let log_sum = sum.ln() + largest;
    let mut loss = log_sum - logits[label];
    if smoothing > 0.0 {
        let mean = logits.iter().sum::<f32>() / logits.len() as f32;
        loss = (1.0 - smoothing) * loss + smoothing * (log_sum - mean);
    }
    loss
}

/// `value` within the clip, and whether it was there before.
fn clip(value: f32) -> (f32, bool) {
    (value.clamp(EPSILON, 1.0 - EPSILON), (EPSILON..=1.0 - EPSILON).contains(&value))
}

fn categorical(output: &[f32], label: usize, smoothing: f32, gradient: &mut [f32]) -> f32 {
    let sum: f32 = output.iter().sum();
    let spread = smoothing / output.len() as f32;
    let mut loss = 0.0;
    for class in 0..output.len() {
        let target = spread + if class == label { 1.0 - smoothing } else { 0.0 };
        if target == 0.0 {
            continue;
        }
        let (share, inside) = clip(output[class] / sum);
        loss -= target * share.ln();
        if inside {
            // -ln(o_y / sum): 1 / sum for every output, and -1 / o_y for the class's own.
            gradient.iter_mut().for_each(|g| *g += target / sum);
            gradient[class] -= target / output[class];
        }
    }
    loss
}

fn binary(output: &[f32], label: usize, gradient: &mut [f32]) -> f32 {
    let classes = output.len() as f32;
    let mut loss = 0.0;
    for (at, (gradient, &o)) in gradient.iter_mut().zip(output).enumerate() {
        let (p, inside) = clip(o);
        let (value, slope) =
            if at == label { (-p.ln(), -1.0 / p) } else { (-(1.0 - p).ln(), 1.0 / (1.0 - p)) };
        loss += value;
        if inside {
            *gradient = slope / classes;
        }
    }
    loss / classes
}

fn squared(output: &[f32], label: usize, gradient: &mut [f32]) -> f32 {
    let classes = output.len() as f32;
    let mut loss = 0.0;
    for (at, (gradient, &o)) in gradient.iter_mut().zip(output).enumerate() {
        let difference = o - if at == label { 1.0 } else { 0.0 };
        loss += difference * difference;
        *gradient = 2.0 * difference / classes;
    }
    loss / classes
}

/// Where burn's backward pass starts: a number whose gradient with respect to `logits` is `gradient`.
pub(crate) fn seed(logits: Tensor<2>, gradient: Vec<f32>) -> Tensor<2> {
    apply_1(SeedOp { gradient }, logits)
}

#[derive(Debug)]
struct SeedOp {
    gradient: Vec<f32>,
}

impl SliceOp for SeedOp {
    fn shape(&self) -> [usize; 2] {
        [1, 1]
    }

    fn forward(&self, _: &[&[f32]], _: &mut [f32], _: bool) -> Option<Kept> {
        None
    }

    fn backward(&self, _: &[&[f32]], _: Option<Kept>, _: &[f32], _: &[bool]) -> Vec<Option<Vec<f32>>> {
        vec![Some(self.gradient.clone())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: [Loss; 4] = [
        Loss::CategoricalCrossentropy,
        Loss::SparseCategoricalCrossentropy,
        Loss::BinaryCrossentropy,
        Loss::MeanSquaredError,
    ];

    #[test]
    fn gradients_are_the_slopes() {
        let logits = [0.3f32, -0.8, 1.2, 0.1, 0.7, -0.2];
        let smoothed = LOSSES[..2].iter().map(|&loss| Objective { loss, label_smoothing: 0.2 });
        for loss in LOSSES.map(Objective::from).into_iter().chain(smoothed) {
            for activation in [Activation::Softmax, Activation::Sigmoid, Activation::Softplus] {
                let value = |at: usize, shift: f32| {
                    let mut logits = logits;
                    logits[at] += shift;
                    judge(loss, activation, &logits, &[2, 0], 3)
                        .losses
                        .iter()
                        .map(|&l| f64::from(l))
                        .sum::<f64>()
                };
                let judged = judge(loss, activation, &logits, &[2, 0], 3);
                for (at, &g) in judged.gradient.iter().enumerate() {
                    let numeric = (value(at, 1e-2) - value(at, -1e-2)) / 2e-2;
                    let near = (numeric - f64::from(g)).abs() < 5e-4;
                    assert!(near || at_the_clip(activation), "{loss:?} {activation:?} {at}: {g}, {numeric}");
                }
            }
        }
    }

    /// Keras 3: `CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)` on [[2, -1, 0.5]], class 0:
    /// 0.1 * mean over classes of -ln p + 0.9 * -ln p_0.
    #[test]
    fn smoothed_labels_cost_what_keras_says() {
        let objective = Objective { loss: Loss::CategoricalCrossentropy, label_smoothing: 0.1 };
        let found = judge(objective, Activation::Softmax, &[2.0, -1.0, 0.5], &[0], 3);
        assert!((found.losses[0] - 0.391_311_3).abs() < 1e-6, "{:?}", found.losses);
    }

    /// Softplus leaves [0, 1], where binary and sparse cross-entropy clip.
    fn at_the_clip(activation: Activation) -> bool {
        activation == Activation::Softplus
    }

    #[test]
    fn softmax_crossentropy_does_not_clip_and_sigmoid_does() {
        let logits = [60.0f32, -60.0];
        let far = judge(Loss::CategoricalCrossentropy.into(), Activation::Softmax, &logits, &[1], 2);
        assert_eq!(far.losses, [120.0]);
        assert_eq!(far.gradient, [1.0, -1.0]);
        let clipped = judge(Loss::CategoricalCrossentropy.into(), Activation::Sigmoid, &logits, &[1], 2);
        assert!((clipped.losses[0] - 1e7f32.ln()).abs() < 1e-4, "{:?}", clipped.losses);
        assert_eq!(clipped.gradient, [0.0, 0.0]);
    }
}
