//! Dropout and SpatialDropout1D, with masks that are functions of (seed, step, layer, trace, element).

use std::sync::Arc;

use traceward_kernel::Ragged;

use super::{Node, Pass, Signal};
use crate::op::{Kept, SliceOp, apply_1};
use crate::random::{Mask, derive};

/// Sets values to 0 while training and scales the others so that the mean stays.
#[derive(Debug)]
pub(crate) struct DropoutNode {
    pub(crate) rate: f32,
    /// One draw a trace and channel, held over all its rows.
    pub(crate) whole_channels: bool,
    /// Which layer: two layers of one network draw different masks.
    pub(crate) layer: usize,
}

impl Node for DropoutNode {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal {
        let Some(seed) = pass.training.filter(|_| self.rate > 0.0) else { return input };
        let ragged = match &input {
            Signal::Sequence { ragged, .. } => Some(Arc::clone(ragged)),
            _ => None,
        };
        input.map(|values| {
            let shape = values.dims();
            let op = DropoutOp {
                seed: derive(seed, self.layer as u64),
                rate: self.rate,
                whole_channels: self.whole_channels,
                keys: Arc::clone(&pass.batch.keys),
                ragged,
                shape,
            };
            apply_1(op, values)
        })
    }
}

#[derive(Debug)]
struct DropoutOp {
    seed: u64,
    rate: f32,
    whole_channels: bool,
    keys: Arc<[u64]>,
    /// Which rows are whose; `None` where every trace has one row.
    ragged: Option<Arc<Ragged>>,
    shape: [usize; 2],
}

impl DropoutOp {
    /// `out = x * mask`: the mask is drawn again for the backward pass rather than kept.
    fn mask(&self, x: &[f32], out: &mut [f32]) {
        let width = self.shape[1];
        let mask = Mask::new(self.seed, self.rate);
        for (trace, &key) in self.keys.iter().enumerate() {
            let rows = match &self.ragged {
                Some(ragged) => ragged.offsets()[trace]..ragged.offsets()[trace + 1],
                None => trace..trace + 1,
            };
            let draw = mask.of(key);
            let (x, out) =
                (&x[rows.start * width..rows.end * width], &mut out[rows.start * width..rows.end * width]);
            for (element, (x, out)) in x.iter().zip(out).enumerate() {
                let element = if self.whole_channels { element % width } else { element };
                *out = x * draw(element as u64);
            }
        }
    }
}

impl SliceOp for DropoutOp {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], _: bool) -> Option<Kept> {
        self.mask(inputs[0], out);
        None
    }

    fn backward(&self, _: &[&[f32]], _: Option<Kept>, d_out: &[f32], _: &[bool]) -> Vec<Option<Vec<f32>>> {
        let mut gradient = vec![0.0; d_out.len()];
        self.mask(d_out, &mut gradient);
        vec![Some(gradient)]
    }
}
