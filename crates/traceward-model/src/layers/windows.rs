//! Convolution over time, on true lengths: windows of rows side by side, then one matrix product.

use std::sync::Arc;

use traceward_kernel::Ragged;
use traceward_run::spec::{Layer, Padding};

use super::plan::Weights;
use super::product::product;
use super::{Node, Pass, Signal};
use crate::Error;
use crate::init::Initializer;
use crate::op::{Kept, SliceOp, apply_1};

/// Conv1D. A trace shorter than one window under `valid` padding counts as followed by zeros, so that
/// it still has one output.
#[derive(Debug)]
pub(crate) struct ConvNode {
    kernel: usize,
    bias: Option<usize>,
    geometry: Geometry,
}

#[derive(Clone, Copy, Debug)]
struct Geometry {
    size: usize,
    stride: usize,
    padding: Padding,
}

impl Geometry {
    /// How many outputs `length` rows have, and where the first window starts, relative to the first row.
    fn outputs(self, length: usize) -> (usize, isize) {
        let Self { size, stride, padding } = self;
        match padding {
            Padding::Valid => (length.saturating_sub(size) / stride + 1, 0),
            Padding::Causal => ((length - 1) / stride + 1, -(size as isize - 1)),
            Padding::Same => {
                let outputs = length.div_ceil(stride);
                let zeros = ((outputs - 1) * stride + size).saturating_sub(length);
                (outputs, -((zeros / 2) as isize))
            }
        }
    }
}

impl ConvNode {
    /// Plans a Conv1D; of any other layer there is nothing to plan.
    pub(crate) fn plan(
        layer: &Layer,
        width: usize,
        weights: &mut Weights<'_>,
    ) -> Result<Option<Self>, Error> {
        let &Layer::Conv1D { filters, kernel_size: size, strides: stride, padding, use_bias, .. } = layer
        else {
            return Ok(None);
        };
        let init = Initializer::GlorotUniform {
            fan_in: size.saturating_mul(width),
            fan_out: size.saturating_mul(filters),
        };
        let kernel = weights.add("kernel", &[size, width, filters], init, true)?;
        let bias = use_bias.then(|| weights.add("bias", &[filters], Initializer::Zeros, true)).transpose()?;
        Ok(Some(Self { kernel, bias, geometry: Geometry { size, stride, padding } }))
    }
}

impl Node for ConvNode {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal {
        let Signal::Sequence { values, ragged } = input else { return input };
        let width = values.dims()[1];
        let Geometry { size, stride, .. } = self.geometry;
        let mut lengths = Vec::with_capacity(ragged.traces());
        let mut windows = Vec::new();
        for trace in ragged.offsets().windows(2) {
            let (low, high) = (trace[0], trace[1]);
            let (outputs, first) = self.geometry.outputs(high - low);
            lengths.push(outputs as u32);
            windows.extend((0..outputs).map(|i| Window {
                start: low as isize + first + (i * stride) as isize,
                low,
                high,
            }));
        }
        let gathered = apply_1(GatherOp { windows, size, width }, values);
        let mut values = product(gathered, &pass.weights[self.kernel], pass.training.is_some());
        if let Some(bias) = self.bias {
            values = values + pass.weights[bias].clone();
        }
        Signal::Sequence { values, ragged: Arc::new(Ragged::new(&lengths)) }
    }
}

/// `size` rows from `start` on, of which those outside `low..high` count as zeros.
#[derive(Clone, Copy, Debug)]
struct Window {
    start: isize,
    low: usize,
    high: usize,
}

impl Window {
    /// Which of the window's places are inside the trace, and the row of the first.
    fn inside(&self, size: usize) -> (usize, usize, usize) {
        let skip = (self.low as isize - self.start).max(0) as usize;
        let row = (self.start + skip as isize) as usize;
        let count = size.saturating_sub(skip).min(self.high.saturating_sub(row));
        (skip, row, count)
    }
}

/// Puts the rows of every window side by side: `[windows, size * width]`.
#[derive(Debug)]
struct GatherOp {
    windows: Vec<Window>,
    size: usize,
    width: usize,
}

impl SliceOp for GatherOp {
    fn shape(&self) -> [usize; 2] {
        [self.windows.len(), self.size * self.width]
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], _: bool) -> Option<Kept> {
        let width = self.width;
        for (out, window) in out.chunks_exact_mut(self.size * width).zip(&self.windows) {
            let (skip, row, count) = window.inside(self.size);
            out[skip * width..(skip + count) * width]
                .copy_from_slice(&inputs[0][row * width..(row + count) * width]);
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
        let width = self.width;
        let mut gradient = vec![0.0; inputs[0].len()];
        for (d_out, window) in d_out.chunks_exact(self.size * width).zip(&self.windows) {
            let (skip, row, count) = window.inside(self.size);
            let d_out = &d_out[skip * width..(skip + count) * width];
            gradient[row * width..(row + count) * width].iter_mut().zip(d_out).for_each(|(g, d)| *g += d);
        }
        vec![Some(gradient)]
    }
}

/// Turns the rows of every trace round.
pub(crate) fn reverse_rows(values: burn::tensor::Tensor<2>, ragged: &Ragged) -> burn::tensor::Tensor<2> {
    let width = values.dims()[1];
    let mut windows = Vec::with_capacity(ragged.rows());
    for trace in ragged.offsets().windows(2) {
        let (low, high) = (trace[0], trace[1]);
        windows.extend((low..high).rev().map(|row| Window { start: row as isize, low, high }));
    }
    apply_1(GatherOp { windows, size: 1, width }, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_counted_as_keras_counts_them() {
        let outputs = |size, stride, padding, length| Geometry { size, stride, padding }.outputs(length);
        assert_eq!(outputs(3, 1, Padding::Valid, 7), (5, 0));
        assert_eq!(outputs(3, 2, Padding::Valid, 8), (3, 0));
        assert_eq!(outputs(3, 1, Padding::Valid, 2), (1, 0));
        assert_eq!(outputs(3, 1, Padding::Same, 7), (7, -1));
        assert_eq!(outputs(4, 1, Padding::Same, 7), (7, -1));
        assert_eq!(outputs(3, 2, Padding::Same, 8), (4, 0));
        assert_eq!(outputs(3, 2, Padding::Same, 7), (4, -1));
        assert_eq!(outputs(3, 1, Padding::Causal, 7), (7, -2));
        assert_eq!(outputs(3, 2, Padding::Causal, 7), (4, -2));
    }

    #[test]
    fn a_window_never_reads_a_neighbour() {
        let at = |start, low, high| Window { start, low, high }.inside(3);
        assert_eq!(at(4, 5, 9), (1, 5, 2));
        assert_eq!(at(7, 5, 9), (0, 7, 2));
        assert_eq!(at(5, 5, 6), (0, 5, 1));
        assert_eq!(at(1, 5, 6), (4, 5, 0));
    }
}
