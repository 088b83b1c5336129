//! Where time ends: what is carried of a whole trace, so that its one row can be had after any call.

use traceward_kernel::Isa;
use traceward_kernel::row::{self, Matrix};

use crate::branch::Branch;
use crate::sketch::Sketch;
use crate::wave::{Scratch, States, Wave};

/// From a row a call to one row a trace.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The last output of the recurrent layer before it, which keeps it at `offset`.
    Last { offset: usize, width: usize },
    /// The largest of each number so far.
    Max { offset: usize, width: usize },
    /// The mean so far, after the count of rows. The count stops at 2^24, where an `f32` takes no more ones:
    /// from there on the mean forgets what is further back than that.
    Mean { offset: usize, width: usize },
    /// The mean weighed by the softmax of scores.
    Attention(Attention),
    /// N-grams counted.
    Sketch(Sketch),
    /// Branches that read the same, their rows side by side.
    Branches(Vec<Branch>),
}

impl End {
    /// Takes in the newest row of each session.
    pub(crate) fn advance(&self, isa: Isa, scratch: &mut Scratch, wave: &Wave, states: &mut States<'_>) {
        match self {
            Self::Last { .. } => {}
            &Self::Max { offset, width } => {
                for (&session, row) in wave.sessions.iter().zip(wave.rows.chunks_exact(width)) {
                    row::maximum(isa, row, states.of(session, offset, width));
                }
            }
            &Self::Mean { offset, width } => {
                for (&session, row) in wave.sessions.iter().zip(wave.rows.chunks_exact(width)) {
                    if let [count, mean @ ..] = states.of(session, offset, width + 1) {
                        *count += 1.0;
                        row::toward(isa, row, 1.0 / *count, mean);
                    }
                }
            }
            Self::Attention(attention) => attention.advance(isa, scratch, wave, states),
            Self::Sketch(sketch) => sketch.advance(isa, wave, states),
            Self::Branches(branches) => {
                let mut own = scratch.lend();
                for branch in branches {
                    own.begin_as(wave);
                    branch.advance(isa, scratch, &mut own, states);
                }
                scratch.give_back(own);
            }
        }
    }

    /// Adds the row of the session whose state this is to `row`.
    pub(crate) fn finish(&self, isa: Isa, state: &[f32], row: &mut Vec<f32>, scratch: &mut Scratch) {
        match self {
            &Self::Last { offset, width } | &Self::Max { offset, width } => {
                row.extend_from_slice(&state[offset..offset + width]);
            }
            &Self::Mean { offset, width } => row.extend_from_slice(&state[offset + 1..][..width]),
            Self::Attention(attention) => row.extend_from_slice(attention.mean(state)),
            Self::Sketch(sketch) => sketch.finish(state, row),
            Self::Branches(branches) => branches.iter().for_each(|b| b.finish(isa, state, row, scratch)),
        }
    }
}

/// `softmax` over the calls so far of `tanh(x W + b) v`, as weights of a mean.
///
/// Keeps the largest score, the sum of the weights relative to it, and the mean: when a larger score comes,
/// the sum is scaled down (Milakov and Gimelshein 2018), so nothing overflows however long the trace.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    /// `x W + b`.
    pub(crate) hidden: Matrix,
    pub(crate) query: Vec<f32>,
    pub(crate) offset: usize,
    pub(crate) width: usize,
}

impl Attention {
    fn advance(&self, isa: Isa, scratch: &mut Scratch, wave: &Wave, states: &mut States<'_>) {
        let hidden = &mut scratch.rows[0];
        hidden.resize(wave.sessions.len() * self.query.len(), 0.0);
        self.hidden.apply(&wave.rows, hidden);
        let rows = wave.rows.chunks_exact(self.width).zip(hidden.chunks_exact(self.query.len()));
        for (&session, (row, hidden)) in wave.sessions.iter().zip(rows) {
            let score: f32 = hidden.iter().zip(&self.query).map(|(x, v)| x.tanh() * v).sum();
            if let [largest, sum, mean @ ..] = states.of(session, self.offset, self.width + 2) {
                let top = largest.max(score);
                let weight = (score - top).exp();
                *sum = *sum * (*largest - top).exp() + weight;
                *largest = top;
                row::toward(isa, row, weight / *sum, mean);
            }
        }
    }

    fn mean<'a>(&self, state: &'a [f32]) -> &'a [f32] {
        &state[self.offset + 2..][..self.width]
    }
}
