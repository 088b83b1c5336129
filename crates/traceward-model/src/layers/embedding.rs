//! An Embedding that no recurrent layer follows: rows of the table, one a call.
//!
//! Where a recurrent layer does follow, the two are one node (`recurrent`), since the kernel then projects
//! each distinct token once instead of every call.

use std::sync::Arc;

use super::{Node, Pass, Signal};
use crate::op::{Kept, SliceOp, apply_1};

/// Selects the row of each token.
#[derive(Debug)]
pub(crate) struct EmbeddingNode {
    pub(crate) table: usize,
    pub(crate) width: usize,
}

impl Node for EmbeddingNode {
    fn run(&self, _: Signal, pass: &Pass<'_>) -> Signal {
        let op = SelectOp { tokens: Arc::clone(&pass.batch.tokens), width: self.width };
        let values = apply_1(op, pass.weights[self.table].clone());
        Signal::Sequence { values, ragged: Arc::clone(&pass.batch.ragged) }
    }
}

#[derive(Debug)]
struct SelectOp {
    tokens: Arc<[u32]>,
    width: usize,
}

impl SliceOp for SelectOp {
    fn shape(&self) -> [usize; 2] {
        [self.tokens.len(), self.width]
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], _: bool) -> Option<Kept> {
        for (row, &token) in out.chunks_exact_mut(self.width).zip(&*self.tokens) {
            let start = token as usize * self.width;
            row.copy_from_slice(&inputs[0][start..start + self.width]);
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
        let mut gradient = vec![0.0; inputs[0].len()];
        for (row, &token) in d_out.chunks_exact(self.width).zip(&*self.tokens) {
            let start = token as usize * self.width;
            gradient[start..start + self.width].iter_mut().zip(row).for_each(|(g, d)| *g += d);
        }
        vec![Some(gradient)]
    }
}
