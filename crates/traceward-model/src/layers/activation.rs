//! Activations, with Keras' definitions and constants.
//!
//! They work on slices rather than through burn's tensor functions: burn's SIMD loops round the last few
//! numbers of an array differently from the others, which would let the place of a trace in its batch
//! show in its output.

use traceward_run::spec::Activation;
pub(crate) use traceward_stream::activation::apply;
use traceward_stream::activation::{SELU_ALPHA, SELU_SCALE, normal_cdf, sigmoid};

use super::{Node, Pass, Signal};
use crate::op::{Kept, SliceOp, apply_1};

/// The gradient of the input, written over that of the output: `gradient` `[rows, width]`, with the
/// activation's `input` and `output` of the same shape.
pub(crate) fn apply_gradient(
    activation: Activation,
    input: &[f32],
    output: &[f32],
    gradient: &mut [f32],
    width: usize,
) {
    if activation == Activation::Softmax {
        let width = width.max(1);
        for (g, p) in gradient.chunks_exact_mut(width).zip(output.chunks_exact(width)) {
            let mean: f32 = g.iter().zip(p).map(|(g, p)| g * p).sum();
            g.iter_mut().zip(p).for_each(|(g, p)| *g = p * (*g - mean));
        }
        return;
    }
    // The slope, from what goes in (x) and what comes out (y).
    let slope: fn(f32, f32) -> f32 = match activation {
        Activation::Linear | Activation::Softmax => return,
        Activation::Relu => |x, _| if x > 0.0 { 1.0 } else { 0.0 },
        Activation::Sigmoid => |_, y| y * (1.0 - y),
        Activation::Tanh => |_, y| 1.0 - y * y,
        Activation::Elu => |x, y| if x > 0.0 { 1.0 } else { y + 1.0 },
        Activation::Selu => |x, y| if x > 0.0 { SELU_SCALE } else { y + SELU_SCALE * SELU_ALPHA },
        Activation::Gelu => |x, _| normal_cdf(x) + x * (-0.5 * x * x).exp() * 0.398_942_3,
        Activation::Softplus => |x, _| sigmoid(x),
    };
    for ((g, &x), &y) in gradient.iter_mut().zip(input).zip(output) {
        *g *= slope(x, y);
    }
}

/// An activation as a node.
#[derive(Debug)]
pub(crate) struct ActivationNode(pub(crate) Activation);

impl Node for ActivationNode {
    fn run(&self, input: Signal, _: &Pass<'_>) -> Signal {
        if self.0 == Activation::Linear {
            return input;
        }
        input.map(|values| {
            let shape = values.dims();
            apply_1(ActivationOp { activation: self.0, shape }, values)
        })
    }

    fn as_activation(&self) -> Option<Activation> {
        Some(self.0)
    }
}

#[derive(Debug)]
struct ActivationOp {
    activation: Activation,
    shape: [usize; 2],
}

impl SliceOp for ActivationOp {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], keep: bool) -> Option<Kept> {
        out.copy_from_slice(inputs[0]);
        apply(self.activation, out, self.shape[1]);
        keep.then(|| Box::new(out.to_vec()) as Kept)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        kept: Option<Kept>,
        d_out: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let output = kept.and_then(|k| k.downcast::<Vec<f32>>().ok()).expect("the forward pass kept it");
        let mut gradient = d_out.to_vec();
        apply_gradient(self.activation, inputs[0], &output, &mut gradient, self.shape[1]);
        vec![Some(gradient)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 9] = [
        Activation::Linear,
        Activation::Relu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softmax,
        Activation::Elu,
        Activation::Selu,
        Activation::Gelu,
        Activation::Softplus,
    ];

    #[test]
    fn gradients_are_the_slopes() {
        let input = [-2.0f32, -0.7, 0.3, 1.1, 0.9, -1.6];
        let direction = [0.5f32, -1.0, 0.25, 2.0, -0.3, 0.8];
        for activation in ALL {
            let value = |shift: f32, at: usize| {
                let mut values = input;
                values[at] += shift;
                apply(activation, &mut values, 3);
                values.iter().zip(direction).map(|(v, d)| f64::from(v * d)).sum::<f64>()
            };
            let mut output = input;
            apply(activation, &mut output, 3);
            let mut gradient = direction;
            apply_gradient(activation, &input, &output, &mut gradient, 3);
            for (at, &g) in gradient.iter().enumerate() {
                let numeric = (value(1e-2, at) - value(-1e-2, at)) / 2e-2;
                assert!((numeric - f64::from(g)).abs() < 2e-4, "{activation:?} {at}: {g} against {numeric}");
            }
        }
    }
}
