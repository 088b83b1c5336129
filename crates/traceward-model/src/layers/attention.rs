//! Pooling over time in which the network learns which steps matter.
//!
//! The score of a step is `tanh(x W + b) v`; a trace's scores become weights by softmax over its true length,
//! and the output is the weighted mean of its steps. The query `v` is learnt, so no other input is needed.

use std::sync::Arc;

use traceward_kernel::Ragged;
use traceward_run::spec::Activation;

use super::activation::ActivationNode;
use super::plan::Weights;
use super::product::product;
use super::{Node, Pass, Signal};
use crate::Error;
use crate::init::Initializer;
use crate::op::{Kept, SliceOp, apply_2};

/// GlobalAttentionPooling1D.
#[derive(Debug)]
pub(crate) struct AttentionNode {
    kernel: usize,
    bias: usize,
    query: usize,
}

impl AttentionNode {
    pub(crate) fn plan(width: usize, units: usize, weights: &mut Weights<'_>) -> Result<Self, Error> {
        let glorot = |fan_in, fan_out| Initializer::GlorotUniform { fan_in, fan_out };
        Ok(Self {
            kernel: weights.add("kernel", &[width, units], glorot(width, units), true)?,
            bias: weights.add("bias", &[units], Initializer::Zeros, true)?,
            query: weights.add("query", &[units, 1], glorot(units, 1), true)?,
        })
    }
}

impl Node for AttentionNode {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal {
        let Signal::Sequence { values, ragged } = input else { return input };
        let training = pass.training.is_some();
        let hidden =
            product(values.clone(), &pass.weights[self.kernel], training) + pass.weights[self.bias].clone();
        let hidden = ActivationNode(Activation::Tanh).run(Signal::Vector(hidden), pass).expect_values();
        let scores = product(hidden, &pass.weights[self.query], training);
        let width = values.dims()[1];
        Signal::Vector(apply_2(AttendOp { ragged, width }, [values, scores]))
    }
}

/// Inputs: values `[rows, width]`, scores `[rows, 1]`. Output: `[traces, width]`.
#[derive(Debug)]
struct AttendOp {
    ragged: Arc<Ragged>,
    width: usize,
}

impl AttendOp {
    /// Each step's weight.
    fn weights(&self, scores: &[f32]) -> Vec<f32> {
        let mut weights = scores.to_vec();
        for trace in self.ragged.offsets().windows(2) {
            super::activate(Activation::Softmax, &mut weights[trace[0]..trace[1]], trace[1] - trace[0]);
        }
        weights
    }
}

impl SliceOp for AttendOp {
    fn shape(&self) -> [usize; 2] {
        [self.ragged.traces(), self.width]
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], keep: bool) -> Option<Kept> {
        let weights = self.weights(inputs[1]);
        let rows = |trace: &[usize]| {
            inputs[0][trace[0] * self.width..trace[1] * self.width].chunks_exact(self.width)
        };
        for (out, trace) in out.chunks_exact_mut(self.width).zip(self.ragged.offsets().windows(2)) {
            for (row, weight) in rows(trace).zip(&weights[trace[0]..trace[1]]) {
                out.iter_mut().zip(row).for_each(|(o, x)| *o += weight * x);
            }
        }
        keep.then(|| Box::new(weights) as Kept)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        kept: Option<Kept>,
        d_out: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let weights = kept.and_then(|k| k.downcast::<Vec<f32>>().ok()).expect("the forward pass kept it");
        let (width, values) = (self.width, inputs[0]);
        let mut d_values = vec![0.0; values.len()];
        let mut d_scores = vec![0.0; weights.len()];
        for (d, trace) in d_out.chunks_exact(width).zip(self.ragged.offsets().windows(2)) {
            let mut mean = 0.0;
            for row in trace[0]..trace[1] {
                let x = &values[row * width..(row + 1) * width];
                let pull: f32 = x.iter().zip(d).map(|(x, d)| x * d).sum();
                mean += weights[row] * pull;
                d_scores[row] = pull;
                let d_x = &mut d_values[row * width..(row + 1) * width];
                d_x.iter_mut().zip(d).for_each(|(g, d)| *g = weights[row] * d);
            }
            for row in trace[0]..trace[1] {
                d_scores[row] = weights[row] * (d_scores[row] - mean);
            }
        }
        vec![Some(d_values), Some(d_scores)]
    }
}
