//! Maximum and mean over windows of time, or over all of it, by true lengths.

use std::ops::Range;
use std::sync::Arc;

use traceward_kernel::Ragged;

use super::{Node, Pass, Signal};
use crate::op::{Kept, SliceOp, apply_1};

/// MaxPooling1D, AveragePooling1D (stride = `pool_size`, a rest is left out as Keras does) and the global
/// ones. A trace shorter than one window is pooled over what it has.
#[derive(Debug)]
pub(crate) struct PoolNode {
    kind: Kind,
    /// `None` pools over the whole trace.
    size: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Mean,
    /// The gradient goes to the first of equal maxima, as pooling kernels do.
    FirstMaximum,
    /// The gradient is shared among equal maxima, as the reduction behind Keras' global pooling does.
    AllMaxima,
}

impl PoolNode {
    pub(crate) fn max(size: usize) -> Self {
        Self { kind: Kind::FirstMaximum, size: Some(size) }
    }

    pub(crate) fn average(size: usize) -> Self {
        Self { kind: Kind::Mean, size: Some(size) }
    }

    pub(crate) fn global_max() -> Self {
        Self { kind: Kind::AllMaxima, size: None }
    }

    pub(crate) fn global_average() -> Self {
        Self { kind: Kind::Mean, size: None }
    }
}

impl Node for PoolNode {
    fn run(&self, input: Signal, _: &Pass<'_>) -> Signal {
        let Signal::Sequence { values, ragged } = input else { return input };
        let width = values.dims()[1];
        let mut lengths = Vec::with_capacity(ragged.traces());
        let mut windows = Vec::new();
        for trace in ragged.offsets().windows(2) {
            let (low, high) = (trace[0], trace[1]);
            let size = self.size.unwrap_or(high - low).min(high - low);
            let outputs = (high - low) / size;
            lengths.push(outputs as u32);
            windows.extend((0..outputs).map(|i| low + i * size..low + (i + 1) * size));
        }
        let values = apply_1(PoolOp { kind: self.kind, windows, width }, values);
        match self.size {
            Some(_) => Signal::Sequence { values, ragged: Arc::new(Ragged::new(&lengths)) },
            None => Signal::Vector(values),
        }
    }
}

#[derive(Debug)]
struct PoolOp {
    kind: Kind,
    windows: Vec<Range<usize>>,
    width: usize,
}

impl SliceOp for PoolOp {
    fn shape(&self) -> [usize; 2] {
        [self.windows.len(), self.width]
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], keep: bool) -> Option<Kept> {
        let width = self.width;
        for (out, window) in out.chunks_exact_mut(width).zip(&self.windows) {
            let rows = inputs[0][window.start * width..window.end * width].chunks_exact(width);
            if self.kind == Kind::Mean {
                rows.for_each(|row| out.iter_mut().zip(row).for_each(|(o, x)| *o += x));
                let count = window.len() as f32;
                out.iter_mut().for_each(|o| *o /= count);
            } else {
                out.fill(f32::NEG_INFINITY);
                for row in rows {
                    for (o, &x) in out.iter_mut().zip(row) {
                        *o = if x > *o || x.is_nan() { x } else { *o };
                    }
                }
            }
        }
        (keep && self.kind != Kind::Mean).then(|| Box::new(out.to_vec()) as Kept)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        kept: Option<Kept>,
        d_out: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let width = self.width;
        let x = inputs[0];
        let mut gradient = vec![0.0; x.len()];
        let maxima = kept.and_then(|k| k.downcast::<Vec<f32>>().ok());
        for (place, window) in self.windows.iter().enumerate() {
            for unit in 0..width {
                let d = d_out[place * width + unit];
                let at = |row: usize| row * width + unit;
                let Some(maxima) = &maxima else {
                    window.clone().for_each(|row| gradient[at(row)] += d / window.len() as f32);
                    continue;
                };
                let maximum = maxima[place * width + unit];
                let mut equal = window.clone().filter(|&row| x[at(row)] == maximum);
                if self.kind == Kind::FirstMaximum {
                    if let Some(row) = equal.next() {
                        gradient[at(row)] += d;
                    }
                } else {
                    let count = equal.clone().count() as f32;
                    equal.for_each(|row| gradient[at(row)] += d / count);
                }
            }
        }
        vec![Some(gradient)]
    }
}
