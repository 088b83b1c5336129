//! Reading traces without learning from them: nothing is kept but the state.
//!
//! [`Prepared`] does once what does not depend on the traces: it packs the weights and, for tokens, projects
//! the whole table, after which a step is the recurrent product alone. [`Prepared::infer`] reads whole
//! traces; [`Prepared::advance`] reads the next chunk of each of several traces and carries their [`State`]s
//! on. Since a row's arithmetic depends on that row alone, chunks give bit for bit what one pass gives, and
//! so does [`forward`](crate::forward).

use crate::buffer::Buffer;
use crate::gather::Distinct;
use crate::kernels::{self, ForwardStep, Projected, Projection};
use crate::layout::{Blocks, Packed};
use crate::ragged::Step;
use crate::shape::{check, check_weights};
use crate::train::{Tape, chunk, write_output};
use crate::{Call, Input, Isa, Output, Ragged, Shape, Weights};

/// A layer of one direction, ready to read.
#[derive(Clone, Debug)]
pub struct Prepared {
    isa: Isa,
    blocks: Blocks,
    packed: Packed,
    /// Entries of the table, and the table projected, `[block][vocabulary][64]`; `None` for a layer that
    /// reads rows.
    table: Option<(usize, Buffer)>,
}

/// What a [`Prepared`] layer reads.
#[derive(Clone, Copy, Debug)]
pub enum Reads<'a> {
    /// Token of each row, for a layer made by [`Prepared::tokens`].
    Tokens(&'a [u32]),
    /// Rows `[rows, inputs]`, for a layer made by [`Prepared::rows`].
    Rows(&'a [f32]),
}

/// What a layer remembers of a trace: its output and, for an LSTM, its cell.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    units: usize,
    /// `[padded units]`; a GRU's state is its output, and both are kept.
    output: Buffer,
    state: Buffer,
}

impl State {
    /// The state before the first call.
    #[must_use]
    pub fn new(shape: &Shape) -> Self {
        let padded = Blocks::new(*shape).units();
        Self { units: shape.units, output: Buffer::zeros(padded), state: Buffer::zeros(padded) }
    }

    /// A state from what [`State::output`] and [`State::cell`] gave.
    ///
    /// # Panics
    ///
    /// When the slices are not `units` long.
    #[must_use]
    pub fn from_parts(shape: &Shape, output: &[f32], cell: &[f32]) -> Self {
        let mut state = Self::new(shape);
        state.output[..shape.units].copy_from_slice(output);
        state.state[..shape.units].copy_from_slice(cell);
        state
    }

    /// The output after the last call, `[units]`.
    #[must_use]
    pub fn output(&self) -> &[f32] {
        &self.output[..self.units]
    }

    /// An LSTM's cell, `[units]`; a GRU's output again.
    #[must_use]
    pub fn cell(&self) -> &[f32] {
        &self.state[..self.units]
    }

    /// Back to before the first call.
    pub fn reset(&mut self) {
        self.output.fill(0.0);
        self.state.fill(0.0);
    }
}

/// Memory to read in; reusable, and without allocation once warm. It does not grow with the length of traces.
#[derive(Debug, Default)]
pub struct Scratch {
    index: Vec<u32>,
    /// `[traces][padded units]`, before and after a step.
    outputs: [Buffer; 2],
    states: Buffer,
    rows: Vec<f32>,
    projected: Buffer,
    /// What [`infer`] prepares anew each time.
    packed: Packed,
    distinct: Distinct,
}

impl Prepared {
    /// A layer over an embedding `table` (`[vocabulary, inputs]`), which is projected here; [`Isa::detect`]
    /// says with what.
    ///
    /// # Panics
    ///
    /// When a slice's length does not fit the shape.
    #[must_use]
    pub fn tokens(isa: Isa, shape: Shape, weights: Weights, table: &[f32]) -> Self {
        let mut prepared = Self::rows(isa, shape, weights);
        assert_eq!(table.len() % shape.inputs, 0, "the table has rows of {} numbers", shape.inputs);
        let vocabulary = table.len() / shape.inputs;
        let mut projected = Buffer::zeros(vocabulary * prepared.blocks.columns());
        project(isa, &prepared.blocks, &prepared.packed, table, &mut projected);
        prepared.table = Some((vocabulary, projected));
        prepared
    }

    /// A layer over rows of `inputs` numbers.
    ///
    /// # Panics
    ///
    /// When a slice's length does not fit the shape.
    #[must_use]
    pub fn rows(isa: Isa, shape: Shape, weights: Weights) -> Self {
        check_weights(&shape, &weights);
        let blocks = Blocks::new(shape);
        let mut packed = Packed::default();
        packed.set(&blocks, &weights);
        Self { isa, blocks, packed, table: None }
    }

    /// The layer's sizes.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.blocks.shape
    }

    /// Reads whole traces, each from its start or, if `reverse`, from its end, and writes `out` (`[traces,
    /// units]` or `[rows, units]`).
    ///
    /// # Panics
    ///
    /// When a slice's length does not fit, a token is outside the table, or `reads` is not what the layer was
    /// made for.
    pub fn infer(
        &self,
        scratch: &mut Scratch,
        batch: &Ragged,
        reads: Reads,
        reverse: bool,
        output: Output,
        out: &mut [f32],
    ) {
        let call = Call { shape: self.blocks.shape, batch, dropout: None, reverse, output };
        let source = self.source(batch, reads);
        let pass = Pass { isa: self.isa, blocks: &self.blocks, packed: &self.packed, call, source };
        pass.run(scratch, None, out);
    }

    /// Reads the next calls of several traces, `states[b]` being what is remembered of trace `b` of `batch`,
    /// and brings the states up to date. A trace may have no new calls; its [`Output::Last`] is then that of
    /// before.
    ///
    /// # Panics
    ///
    /// As [`Prepared::infer`], and when there is not one state of this layer's shape for each trace.
    pub fn advance(
        &self,
        scratch: &mut Scratch,
        batch: &Ragged,
        reads: Reads,
        states: &mut [State],
        output: Output,
        out: &mut [f32],
    ) {
        assert_eq!(states.len(), batch.traces(), "one state for each trace");
        let padded = self.blocks.units();
        assert!(
            states.iter().all(|state| state.units == self.blocks.shape.units && state.output.len() == padded)
        );
        let call = Call { shape: self.blocks.shape, batch, dropout: None, reverse: false, output };
        let source = self.source(batch, reads);
        let pass = Pass { isa: self.isa, blocks: &self.blocks, packed: &self.packed, call, source };
        pass.run(scratch, Some(states), out);
    }

    /// Length of a row of [`Prepared::step`]: the units, rounded up to whole blocks.
    #[must_use]
    pub fn padded_units(&self) -> usize {
        self.blocks.units()
    }

    /// Reads one call of each of several traces, each of its own state: row `b` of `outputs` and of `cells`
    /// (`[traces, padded units]`, zeros before the first call) holds what is remembered of trace `b` and is
    /// brought up to date. Bit for bit what [`Prepared::advance`] does, for callers that keep their states in
    /// rows of their own and read call by call.
    ///
    /// # Panics
    ///
    /// When there is not one call for each row, a token is outside the table, or `reads` is not what the
    /// layer was made for.
    pub fn step(&self, scratch: &mut Scratch, reads: Reads, outputs: &mut [f32], cells: &mut [f32]) {
        let (blocks, padded) = (&self.blocks, self.blocks.units());
        let traces = outputs.len() / padded;
        assert!(outputs.len() == traces * padded && cells.len() == outputs.len(), "whole rows of state");
        let Scratch { index, outputs: [before, _], projected, .. } = scratch;
        before.grow(outputs.len());
        before[..outputs.len()].copy_from_slice(outputs);
        let input = match (reads, &self.table) {
            (Reads::Tokens(tokens), Some((vocabulary, panels))) => {
                assert_eq!(tokens.len(), traces, "one token for each trace");
                Projected { panels, rows: *vocabulary, index: tokens }
            }
            (Reads::Rows(rows), None) => {
                assert_eq!(rows.len(), traces * blocks.shape.inputs, "one row for each trace");
                projected.grow(traces * blocks.columns());
                project(self.isa, blocks, &self.packed, rows, projected);
                index.clear();
                index.extend(0..traces as u32);
                Projected { panels: projected, rows: traces, index }
            }
            (Reads::Tokens(_), None) => panic!("a layer made by `Prepared::rows` does not read tokens"),
            (Reads::Rows(_), Some(_)) => panic!("a layer made by `Prepared::tokens` does not read rows"),
        };
        self.isa.run(ForwardStep {
            blocks: *blocks,
            traces,
            input,
            recurrent: &self.packed.recurrent,
            output_before: before,
            state: kernels::State::InPlace(cells),
            output: outputs,
            tape: None,
        });
    }

    /// Checks what is to be read.
    fn source<'a>(&'a self, batch: &Ragged, reads: Reads<'a>) -> Source<'a> {
        match (reads, &self.table) {
            (Reads::Tokens(tokens), Some((vocabulary, panels))) => {
                assert_eq!(tokens.len(), batch.rows(), "one token for each row");
                assert!(
                    tokens.iter().all(|&token| (token as usize) < *vocabulary),
                    "a token outside the table"
                );
                Source::Tokens { tokens, panels, rows: *vocabulary, distinct: None }
            }
            (Reads::Rows(values), None) => {
                assert_eq!(values.len(), batch.rows() * self.blocks.shape.inputs, "length of the input rows");
                Source::Rows(values)
            }
            (Reads::Tokens(_), None) => panic!("a layer made by `Prepared::rows` does not read tokens"),
            (Reads::Rows(_), Some(_)) => panic!("a layer made by `Prepared::tokens` does not read rows"),
        }
    }
}

/// As [`forward`](crate::forward) without dropout, keeping nothing: memory does not grow with the length of
/// the traces.
///
/// To read many batches with the same weights, use [`Prepared`].
///
/// # Panics
///
/// As [`forward`](crate::forward).
pub fn infer(tape: &mut Tape, call: &Call, weights: Weights, input: Input, out: &mut [f32]) {
    let call = Call { dropout: None, ..*call };
    check(&call, &weights, &input);
    let blocks = Blocks::new(call.shape);
    let (isa, scratch) = (tape.isa, &mut tape.scratch);
    // Taken out for the time of the pass, which borrows the rest of the scratch.
    let (mut packed, mut distinct) =
        (std::mem::take(&mut scratch.packed), std::mem::take(&mut scratch.distinct));
    let mut panels = Buffer::default();
    packed.set(&blocks, &weights);
    let source = match input {
        Input::Rows(values) => Source::Rows(values),
        Input::Tokens { tokens, table } => {
            distinct.find(tokens, table.len() / call.shape.inputs);
            distinct.rows(table, &crate::gather::InputMask::default(), call.shape.inputs, &mut scratch.rows);
            let rows = distinct.pairs.len();
            panels = std::mem::take(&mut scratch.projected);
            panels.grow(rows * blocks.columns());
            project(isa, &blocks, &packed, &scratch.rows, &mut panels);
            Source::Tokens { tokens, panels: &panels, rows, distinct: Some(&distinct) }
        }
    };
    Pass { isa, blocks: &blocks, packed: &packed, call, source }.run(scratch, None, out);
    (scratch.packed, scratch.distinct) = (packed, distinct);
    if scratch.projected.is_empty() {
        scratch.projected = panels;
    }
}

/// Projects `rows` (`[n, inputs]`) into panels of `n` rows.
fn project(isa: Isa, blocks: &Blocks, packed: &Packed, rows: &[f32], panels: &mut [f32]) {
    let count = rows.len() / blocks.shape.inputs;
    isa.run(Projection {
        rows: count,
        depth: blocks.shape.inputs,
        left: rows,
        weights: &packed.kernel,
        bias: &packed.bias,
        panels,
        panel_rows: count,
    });
}

/// Checked input.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// Tokens whose projections are the rows of `panels`: row `token`, or where `distinct` has put it.
    Tokens {
        tokens: &'a [u32],
        panels: &'a [f32],
        rows: usize,
        distinct: Option<&'a Distinct>,
    },
    Rows(&'a [f32]),
}

/// The pass that all of this file's entries share.
struct Pass<'a> {
    isa: Isa,
    blocks: &'a Blocks,
    packed: &'a Packed,
    call: Call<'a>,
    source: Source<'a>,
}

impl Pass<'_> {
    fn run(&self, scratch: &mut Scratch, mut carried: Option<&mut [State]>, out: &mut [f32]) {
        let &Self { isa, blocks, packed, ref call, source } = self;
        let (traces, padded, units) = (call.batch.traces(), blocks.units(), call.shape.units);
        assert_eq!(out.len(), call.shape.output_len(call.batch, call.output), "length of the output");
        let Scratch { index, outputs: [before, after], states, rows, projected, .. } = scratch;
        index.resize(traces, 0);
        for buffer in [&mut *before, &mut *after, &mut *states] {
            buffer.clear(traces * padded);
        }
        if call.output == Output::Last {
            out.fill(0.0);
        }
        if let Some(carried) = &carried {
            for (place, &trace) in call.batch.order().iter().enumerate() {
                let state = &carried[trace as usize];
                before[place * padded..][..padded].copy_from_slice(&state.output);
                states[place * padded..][..padded].copy_from_slice(&state.state);
                if call.output == Output::Last {
                    out[trace as usize * units..][..units].copy_from_slice(state.output());
                }
            }
        }
        let (mut chunk_first, mut chunk_end) = (0, 0);
        for step in call.batch.steps() {
            let input = match source {
                Source::Tokens { tokens, panels, rows, distinct } => {
                    for (index, &trace) in index.iter_mut().zip(&call.batch.order()[..step.traces]) {
                        let row = call.batch.source_row(trace as usize, step.index, call.reverse);
                        *index = distinct.map_or_else(|| tokens[row], |distinct| distinct.place(tokens, row));
                    }
                    Projected { panels, rows, index }
                }
                Source::Rows(values) => {
                    if step.row == chunk_end {
                        gather(call, values, step, rows);
                        let count = rows.len() / call.shape.inputs;
                        projected.grow(count * blocks.columns());
                        project(isa, blocks, packed, rows, projected);
                        (chunk_first, chunk_end) = (step.row, step.row + count);
                    }
                    for (place, index) in index[..step.traces].iter_mut().enumerate() {
                        *index = (step.row - chunk_first + place) as u32;
                    }
                    Projected { panels: projected, rows: chunk_end - chunk_first, index }
                }
            };
            isa.run(ForwardStep {
                blocks: *blocks,
                traces: step.traces,
                input,
                recurrent: &packed.recurrent,
                output_before: before,
                state: kernels::State::InPlace(states),
                output: after,
                tape: None,
            });
            write_output(call, &step, after, padded, units, out);
            if let Some(carried) = &mut carried {
                for place in step.next_traces..step.traces {
                    let state = &mut carried[call.batch.order()[place] as usize];
                    state.output.copy_from_slice(&after[place * padded..][..padded]);
                    state.state.copy_from_slice(&states[place * padded..][..padded]);
                }
            }
            std::mem::swap(before, after);
        }
    }
}

/// Gathers the rows of the chunk of steps that starts with `from`, time-major.
fn gather(call: &Call, values: &[f32], from: Step, rows: &mut Vec<f32>) {
    let inputs = call.shape.inputs;
    rows.clear();
    for step in chunk(call.batch, from) {
        for &trace in &call.batch.order()[..step.traces] {
            let row = call.batch.source_row(trace as usize, step.index, call.reverse);
            rows.extend_from_slice(&values[row * inputs..][..inputs]);
        }
    }
}
