//! Which rows of input a layer has to project, and putting them side by side.
//!
//! Of tokens, the same ones come again and again: a trace of 500 calls holds some twenty different ones, a
//! batch not many more. Without a mask on the input the projection depends on the token alone, so each
//! distinct token is projected once; with one it depends on the trace as well, so each distinct token of each
//! trace is.

use crate::dropout::Site;
use crate::{Dropout, Ragged};

/// The distinct rows of a batch of tokens.
#[derive(Debug, Default)]
pub(crate) struct Distinct {
    /// Trace and token of each distinct row; without an input mask, the first trace that has the token.
    pub(crate) pairs: Vec<(u32, u32)>,
    /// For each token, the place in `pairs` where it was last put.
    last: Vec<u32>,
    /// With an input mask, the place in `pairs` of each row of the batch.
    place: Vec<u32>,
}

impl Distinct {
    /// Finds the tokens of a batch, each once.
    pub(crate) fn find(&mut self, tokens: &[u32], vocabulary: usize) {
        self.start(vocabulary);
        for &token in tokens {
            let last = &mut self.last[token as usize];
            if *last == u32::MAX {
                *last = self.pairs.len() as u32;
                self.pairs.push((0, token));
            }
        }
    }

    /// Finds the tokens of each trace, each once a trace.
    pub(crate) fn find_per_trace(&mut self, batch: &Ragged, tokens: &[u32], vocabulary: usize) {
        self.start(vocabulary);
        for (trace, rows) in batch.offsets().windows(2).enumerate() {
            let first = self.pairs.len() as u32;
            for &token in &tokens[rows[0]..rows[1]] {
                let last = &mut self.last[token as usize];
                if *last == u32::MAX || *last < first {
                    *last = self.pairs.len() as u32;
                    self.pairs.push((trace as u32, token));
                }
                self.place.push(*last);
            }
        }
    }

    fn start(&mut self, vocabulary: usize) {
        self.pairs.clear();
        self.place.clear();
        self.last.clear();
        self.last.resize(vocabulary, u32::MAX);
    }

    /// The place in `pairs` of row `row` of the batch.
    #[inline]
    pub(crate) fn place(&self, tokens: &[u32], row: usize) -> u32 {
        if self.place.is_empty() { self.last[tokens[row] as usize] } else { self.place[row] }
    }

    /// Writes the rows of `table`, masked, `[pairs, inputs]`.
    pub(crate) fn rows(&self, table: &[f32], mask: &InputMask, inputs: usize, rows: &mut Vec<f32>) {
        rows.clear();
        rows.resize(self.pairs.len() * inputs, 0.0);
        for (&(trace, token), row) in self.pairs.iter().zip(rows.chunks_exact_mut(inputs)) {
            row.copy_from_slice(&table[token as usize * inputs..][..inputs]);
            mask.apply(trace as usize, row);
        }
    }
}

/// The masks of a batch's inputs, `[traces, inputs]`, or nothing where nothing is dropped.
#[derive(Debug, Default)]
pub(crate) struct InputMask {
    values: Vec<f32>,
}

impl InputMask {
    /// Draws them.
    pub(crate) fn set(&mut self, dropout: Option<&Dropout>, traces: usize, inputs: usize) {
        self.values.clear();
        let Some(dropout) = dropout.filter(|dropout| dropout.input > 0.0) else {
            return;
        };
        self.values.resize(traces * inputs, 0.0);
        for (trace, mask) in self.values.chunks_exact_mut(inputs).enumerate() {
            dropout.fill(Site::Input, trace, mask);
        }
    }

    pub(crate) fn is_some(&self) -> bool {
        !self.values.is_empty()
    }

    /// Multiplies a row, or a gradient with respect to one, of trace `trace`.
    pub(crate) fn apply(&self, trace: usize, row: &mut [f32]) {
        if self.is_some() {
            let mask = &self.values[trace * row.len()..][..row.len()];
            for (value, mask) in row.iter_mut().zip(mask) {
                *value *= mask;
            }
        }
    }
}
