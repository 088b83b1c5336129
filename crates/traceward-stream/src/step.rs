//! Layers over time, one call at a time: what each keeps of a session, and what it makes of the next call.
//!
//! What depends on the call alone is made once for each call of the vocabulary, when the weights are known: an
//! embedding with all that follows it up to the first layer that looks back, and with that layer's product
//! too. So a convolution over an embedding is a sum of as many rows of tables as it has taps ([`Taps`]), and a
//! recurrent layer over one reads its input's part of the gates from a table.

use traceward_kernel::row::{self, Matrix};
use traceward_kernel::{Isa, Prepared, Reads};

use crate::row::RowLayer;
use crate::wave::{Scratch, States, Wave};

/// The most taps that are kept as tables.
pub(crate) const MOST_TAPS: usize = 16;

/// A layer over time.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Taps(Taps),
    Window(Window),
    Recurrent(Recurrent),
    Row(RowLayer),
}

impl Step {
    /// Takes the wave a layer further.
    pub(crate) fn advance(&self, isa: Isa, scratch: &mut Scratch, wave: &mut Wave, states: &mut States<'_>) {
        match self {
            Self::Taps(taps) => taps.advance(isa, wave, states),
            Self::Window(window) => window.advance(wave, states),
            Self::Recurrent(recurrent) => recurrent.advance(scratch, wave, states),
            Self::Row(layer) => {
                layer.apply(isa, &mut wave.rows, wave.width, &mut scratch.rows[0]);
                wave.width = layer.width(wave.width);
            }
        }
    }
}

/// Every `every`-th call only, the first included: the stride of a convolution. Keeps one number, the calls
/// since the last answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stride {
    pub(crate) every: usize,
    pub(crate) offset: usize,
}

impl Stride {
    fn filter(self, wave: &mut Wave, states: &mut States<'_>) {
        if self.every == 1 {
            return;
        }
        wave.keep(|session| {
            let since = &mut states.of(session, self.offset, 1)[0];
            let now = *since == 0.0;
            *since = if *since as usize + 1 == self.every { 0.0 } else { *since + 1.0 };
            now
        });
    }
}

/// A causal convolution over calls, or with one tap an embedding: the sum of one row a tap.
///
/// Keeps the calls before this one, oldest first, each as its token + 1, and 0 where there was none: a token
/// is less than 2^24, so an `f32` holds it.
#[derive(Clone, Debug)]
pub(crate) struct Taps {
    /// `[taps][vocabulary][width]`, the tap of the newest call last.
    pub(crate) tables: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) taps: usize,
    pub(crate) offset: usize,
    pub(crate) stride: Stride,
}

impl Taps {
    fn advance(&self, isa: Isa, wave: &mut Wave, states: &mut States<'_>) {
        let (before, width) = (self.taps - 1, self.bias.len());
        let table = self.tables.len() / self.taps;
        // The calls are noted also where the stride leaves no answer, so the rows come first.
        wave.remake(width, |sessions, tokens, _, rows| {
            for ((&session, &token), out) in sessions.iter().zip(tokens).zip(rows.chunks_exact_mut(width)) {
                let past = states.of(session, self.offset, before);
                let mut parts: [&[f32]; MOST_TAPS] = [&[]; MOST_TAPS];
                let mut count = 0;
                let row = |tap: usize, token: usize| &self.tables[tap * table + token * width..][..width];
                for (tap, &kept) in past.iter().enumerate() {
                    if kept > 0.0 {
                        parts[count] = row(tap, kept as usize - 1);
                        count += 1;
                    }
                }
                parts[count] = row(before, token as usize);
                row::sum_rows(isa, &self.bias, &parts[..=count], out);
                if before > 0 {
                    past.copy_within(1.., 0);
                    past[before - 1] = (token + 1) as f32;
                }
            }
        });
        self.stride.filter(wave, states);
    }
}

/// A causal convolution over rows. Keeps the rows before this one, oldest first, zeros where there was none.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// `[taps * width]` to filters.
    pub(crate) kernel: Matrix,
    pub(crate) taps: usize,
    pub(crate) offset: usize,
    pub(crate) stride: Stride,
}

impl Window {
    fn advance(&self, wave: &mut Wave, states: &mut States<'_>) {
        let width = wave.width;
        let before = (self.taps - 1) * width;
        let whole = before + width;
        wave.remake(whole, |sessions, _, rows, windows| {
            for ((&session, row), window) in
                sessions.iter().zip(rows.chunks_exact(width)).zip(windows.chunks_exact_mut(whole))
            {
                let past = states.of(session, self.offset, before);
                window[..before].copy_from_slice(past);
                window[before..].copy_from_slice(row);
                past.copy_from_slice(&window[width..]);
            }
        });
        self.stride.filter(wave, states);
        wave.remake(self.kernel.outputs(), |_, _, windows, rows| self.kernel.apply(windows, rows));
    }
}

/// An LSTM or GRU. Keeps its output and its cell, padded to whole vectors.
#[derive(Clone, Debug)]
pub(crate) struct Recurrent {
    pub(crate) layer: Prepared,
    /// Whether it reads calls; otherwise rows.
    pub(crate) tokens: bool,
    pub(crate) offset: usize,
}

impl Recurrent {
    /// How many numbers it keeps.
    pub(crate) fn size(&self) -> usize {
        2 * self.layer.padded_units()
    }

    fn advance(&self, scratch: &mut Scratch, wave: &mut Wave, states: &mut States<'_>) {
        let (padded, units) = (self.layer.padded_units(), self.layer.shape().units);
        let Scratch { kernel, outputs, cells, .. } = scratch;
        if let [session] = wave.sessions[..] {
            let (output, cell) = states.of(session, self.offset, 2 * padded).split_at_mut(padded);
            self.layer.step(kernel, self.reads(wave), output, cell);
            wave.remake(units, |_, _, _, rows| rows.copy_from_slice(&output[..units]));
            return;
        }
        outputs.clear();
        cells.clear();
        for &session in &wave.sessions {
            let (output, cell) = states.of(session, self.offset, 2 * padded).split_at(padded);
            outputs.extend_from_slice(output);
            cells.extend_from_slice(cell);
        }
        self.layer.step(kernel, self.reads(wave), outputs, cells);
        wave.remake(units, |sessions, _, _, rows| {
            for (place, (&session, row)) in sessions.iter().zip(rows.chunks_exact_mut(units)).enumerate() {
                let own = place * padded..(place + 1) * padded;
                let (output, cell) = states.of(session, self.offset, 2 * padded).split_at_mut(padded);
                output.copy_from_slice(&outputs[own.clone()]);
                cell.copy_from_slice(&cells[own]);
                row.copy_from_slice(&output[..units]);
            }
        });
    }

    fn reads<'a>(&self, wave: &'a Wave) -> Reads<'a> {
        if self.tokens { Reads::Tokens(&wave.tokens) } else { Reads::Rows(&wave.rows) }
    }
}
