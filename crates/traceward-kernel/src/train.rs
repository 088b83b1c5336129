//! Training: a forward pass that keeps what the backward pass needs.
//!
//! Both go through the batch step by step, all running traces at once. What is kept for each row is the value
//! of the four gates, the state, and the masked output before (six numbers a unit); inputs are not, since the
//! caller still has them. The backward pass reads the tape and leaves it as it is: gradients with respect to
//! the gates' sums live in a buffer of a few steps, small enough for the first-level cache, until they are
//! added to the weights' gradients.

use crate::buffer::Buffer;
use crate::dropout::Site;
use crate::gather::{Distinct, InputMask};
use crate::infer::Scratch;
use crate::kernels::{
    BackwardStep, ColumnSums, ForwardStep, OuterProducts, PanelProduct, Projected, Projection, Scatter,
    State, TapeRows,
};
use crate::layout::{Blocks, PANEL, Packed, Side};
use crate::ragged::Step;
use crate::shape::check;
use crate::{Call, Gradients, Input, Isa, Output, Ragged, Weights};

/// Rows that are projected, or whose gradients are gathered, at a time; a step of more traces is taken whole.
const CHUNK: usize = 64;

/// What [`forward`] leaves for [`backward`], and the memory both work in.
///
/// Reusable, and without allocation once warm. It holds six numbers per unit and row: a batch of 32 traces of
/// 500 calls takes 12 MB with 32 units. Use one for each layer and direction.
#[derive(Debug, Default)]
pub struct Tape {
    pub(crate) isa: Isa,
    packed: Packed,
    /// Transposed weights for the way back.
    recurrent_back: Buffer,
    kernel_back: Buffer,
    input_mask: InputMask,
    /// By place in [`Ragged::order`], `[traces][padded units]`.
    state_mask: Buffer,
    distinct: Distinct,
    /// Input rows, masked: the distinct ones for tokens, those of a chunk otherwise.
    rows: Vec<f32>,
    projected: Buffer,
    /// Panels of all rows, time-major.
    gates: Buffer,
    /// `[rows][padded units]`, time-major.
    states: Buffer,
    outputs_before: Buffer,
    /// `[traces][padded units]`.
    zeros: Buffer,
    output: Buffer,
    /// The projected row of each trace at a step.
    index: Vec<u32>,
    back: Back,
    pub(crate) scratch: Scratch,
}

/// Buffers of the backward pass.
#[derive(Debug, Default)]
struct Back {
    d_output: Buffer,
    d_state: Buffer,
    /// With respect to the sums of the rows of a chunk, filled from the end.
    d_sums: Buffer,
    /// With respect to the projected distinct rows.
    d_projected: Buffer,
    d_rows: Buffer,
    kernel: Buffer,
    recurrent: Buffer,
    bias: Buffer,
}

impl Tape {
    /// A tape whose kernels use `isa`; [`Tape::default`] takes the best there is.
    #[must_use]
    pub fn new(isa: Isa) -> Self {
        Self { isa, ..Self::default() }
    }

    /// Packs the weights and draws the masks.
    fn prepare(&mut self, call: &Call, blocks: &Blocks, weights: &Weights) {
        let (traces, rows, units) = (call.batch.traces(), call.batch.rows(), blocks.units());
        self.packed.set(blocks, weights);
        self.input_mask.set(call.dropout.as_ref(), traces, call.shape.inputs);
        self.state_mask.clear(traces * units);
        self.state_mask.fill(1.0);
        if let Some(dropout) = &call.dropout {
            for (place, &trace) in call.batch.order().iter().enumerate() {
                let mask = &mut self.state_mask[place * units..][..call.shape.units];
                dropout.fill(Site::State, trace as usize, mask);
            }
        }
        self.gates.grow(rows * blocks.columns());
        self.states.grow(rows * units);
        self.outputs_before.grow(rows * units);
        self.zeros.clear(traces * units);
        self.output.grow(traces * units);
        self.index.resize(traces, 0);
    }

    /// Projects `self.rows`.
    fn project(&mut self, blocks: &Blocks, rows: usize) {
        self.projected.grow(rows * blocks.columns());
        self.isa.run(Projection {
            rows,
            depth: blocks.shape.inputs,
            left: &self.rows,
            weights: &self.packed.kernel,
            bias: &self.packed.bias,
            panels: &mut self.projected,
            panel_rows: rows,
        });
    }

    /// Gathers the input rows of `steps` time-major into `self.rows`, masked.
    fn gather(&mut self, call: &Call, values: &[f32], steps: impl Iterator<Item = Step>) -> usize {
        let inputs = call.shape.inputs;
        self.rows.clear();
        for step in steps {
            for &trace in &call.batch.order()[..step.traces] {
                let row = call.batch.source_row(trace as usize, step.index, call.reverse);
                let start = self.rows.len();
                self.rows.extend_from_slice(&values[row * inputs..][..inputs]);
                self.input_mask.apply(trace as usize, &mut self.rows[start..]);
            }
        }
        self.rows.len() / inputs
    }

    /// Sets the projected row of each trace at a step of a batch of tokens.
    fn look_up(&mut self, call: &Call, tokens: &[u32], step: &Step) {
        for (index, &trace) in self.index.iter_mut().zip(&call.batch.order()[..step.traces]) {
            *index =
                self.distinct.place(tokens, call.batch.source_row(trace as usize, step.index, call.reverse));
        }
    }
}

/// The steps from `from` on that have at most `CHUNK` rows together, or `from` alone.
pub(crate) fn chunk(batch: &Ragged, from: Step) -> impl Iterator<Item = Step> + '_ {
    batch
        .steps_from(from.index)
        .take_while(move |step| step.index == from.index || step.row + step.traces - from.row <= CHUNK)
}

/// Reads a batch and writes `out` (`[traces, units]` or `[rows, units]`), keeping on `tape` what [`backward`]
/// needs.
///
/// # Panics
///
/// When a slice's length does not fit the shape and the batch, a token is outside the table, or a dropout
/// rate is not in `0.0..1.0`.
pub fn forward(tape: &mut Tape, call: &Call, weights: Weights, input: Input, out: &mut [f32]) {
    check(call, &weights, &input);
    assert_eq!(out.len(), call.shape.output_len(call.batch, call.output), "length of the output");
    let blocks = Blocks::new(call.shape);
    let (units, padded, inputs) = (call.shape.units, blocks.units(), call.shape.inputs);
    let total = call.batch.rows();
    tape.prepare(call, &blocks, &weights);
    let mut projected_rows = 0;
    if let Input::Tokens { tokens, table } = input {
        let vocabulary = table.len() / inputs;
        if tape.input_mask.is_some() {
            tape.distinct.find_per_trace(call.batch, tokens, vocabulary);
        } else {
            tape.distinct.find(tokens, vocabulary);
        }
        tape.distinct.rows(table, &tape.input_mask, inputs, &mut tape.rows);
        projected_rows = tape.distinct.pairs.len();
        tape.project(&blocks, projected_rows);
    }
    if call.output == Output::Last {
        out.fill(0.0);
    }
    let (mut row_before, mut chunk_first, mut chunk_end) = (None, 0, 0);
    for step in call.batch.steps() {
        match input {
            Input::Tokens { tokens, .. } => tape.look_up(call, tokens, &step),
            Input::Rows(values) => {
                if step.row == chunk_end {
                    projected_rows = tape.gather(call, values, chunk(call.batch, step));
                    tape.project(&blocks, projected_rows);
                    (chunk_first, chunk_end) = (step.row, step.row + projected_rows);
                }
                for (place, index) in tape.index[..step.traces].iter_mut().enumerate() {
                    *index = (step.row - chunk_first + place) as u32;
                }
            }
        }
        let (states_before, states) = tape.states.split_at_mut(step.row * padded);
        let before = row_before.map_or(&tape.zeros[..], |row: usize| &states_before[row * padded..]);
        let end = step.row + step.traces;
        let (outputs_before, outputs_next) = tape.outputs_before[..total * padded].split_at_mut(end * padded);
        let output_before = &mut outputs_before[step.row * padded..];
        if row_before.is_none() {
            output_before.fill(0.0);
        }
        tape.isa.run(ForwardStep {
            blocks,
            traces: step.traces,
            input: Projected { panels: &tape.projected, rows: projected_rows, index: &tape.index },
            recurrent: &tape.packed.recurrent,
            output_before,
            state: State::Apart { before, after: states },
            output: &mut tape.output,
            tape: Some(TapeRows {
                gates: &mut tape.gates,
                rows: total,
                first: step.row,
                mask: &tape.state_mask,
                next: &mut outputs_next[..step.next_traces * padded],
            }),
        });
        write_output(call, &step, &tape.output, padded, units, out);
        row_before = Some(step.row);
    }
}

/// Copies what the caller wants of a step's output, `[traces][padded]`.
pub(crate) fn write_output(
    call: &Call,
    step: &Step,
    output: &[f32],
    padded: usize,
    units: usize,
    out: &mut [f32],
) {
    let first = match call.output {
        Output::Last => step.next_traces,
        Output::Sequences => 0,
    };
    for (place, &trace) in call.batch.order()[..step.traces].iter().enumerate().skip(first) {
        let row = match call.output {
            Output::Last => trace as usize,
            Output::Sequences => call.batch.source_row(trace as usize, step.index, call.reverse),
        };
        out[row * units..][..units].copy_from_slice(&output[place * padded..][..units]);
    }
}

/// The gradients of the [`forward`] pass that `tape` holds, for `d_out`, the gradient with respect to its
/// output.
///
/// `call`, `weights` and `input` must be those that `forward` was given.
///
/// # Panics
///
/// As [`forward`], and when `tape` holds no pass over as many rows.
pub fn backward(
    tape: &mut Tape,
    call: &Call,
    weights: Weights,
    input: Input,
    d_out: &[f32],
    gradients: Gradients,
) {
    check(call, &weights, &input);
    assert_eq!(
        d_out.len(),
        call.shape.output_len(call.batch, call.output),
        "length of the output's gradient"
    );
    assert_eq!(gradients.kernel.len(), weights.kernel.len(), "length of the kernel's gradient");
    assert_eq!(
        gradients.recurrent.len(),
        weights.recurrent.len(),
        "length of the recurrent kernel's gradient"
    );
    assert_eq!(gradients.bias.len(), weights.bias.len(), "length of the bias's gradient");
    let wanted = gradients.input.as_ref().map(|input| input.len());
    assert!(wanted.is_none_or(|len| len == input.gradient_len()), "length of the input's gradient");
    let blocks = Blocks::new(call.shape);
    let (traces, padded) = (call.batch.traces(), blocks.units());
    assert!(
        tape.gates.len() >= call.batch.rows() * blocks.columns(),
        "the tape holds a forward pass of this call"
    );
    blocks.pack_transposed(Side::State, weights.recurrent, &mut tape.recurrent_back);
    if wanted.is_some() {
        blocks.pack_transposed(Side::Input, weights.kernel, &mut tape.kernel_back);
    }
    let capacity = CHUNK.max(traces);
    let distinct = tape.distinct.pairs.len();
    for (buffer, len) in [
        (&mut tape.back.d_output, traces * padded),
        (&mut tape.back.d_state, traces * padded),
        (&mut tape.back.kernel, blocks.shape.inputs * blocks.columns()),
        (&mut tape.back.recurrent, blocks.shape.units * blocks.columns()),
        (&mut tape.back.bias, blocks.columns()),
    ] {
        buffer.clear(len);
    }
    tape.back.d_sums.grow(capacity * blocks.columns());
    if let Input::Tokens { .. } = input {
        tape.back.d_projected.clear(distinct * blocks.columns());
    }
    let mut pass = Pass { tape, call, blocks, capacity, first: capacity, input, d_input: gradients.input };
    if let Some(d_input) = &mut pass.d_input {
        d_input.fill(0.0);
    }
    pass.run(d_out);
    let back = &tape.back;
    blocks.unpack(Side::Input, &back.kernel, gradients.kernel);
    blocks.unpack(Side::State, &back.recurrent, gradients.recurrent);
    blocks.unpack_bias(&back.bias, gradients.bias);
}

/// A backward pass under way.
struct Pass<'a> {
    tape: &'a mut Tape,
    call: &'a Call<'a>,
    blocks: Blocks,
    /// Rows of `d_sums`, of which those from `first` on are filled: the rows of the tape that were passed
    /// last.
    capacity: usize,
    first: usize,
    input: Input<'a>,
    d_input: Option<&'a mut [f32]>,
}

impl Pass<'_> {
    fn run(&mut self, d_out: &[f32]) {
        let mut steps = self.call.batch.steps().rev().peekable();
        while let Some(step) = steps.next() {
            self.first -= step.traces;
            self.add_output_gradient(&step, d_out);
            let before = steps.peek();
            self.step(&step, before.map(|before| before.row));
            if before.is_none_or(|before| before.traces > self.first) {
                self.flush(&step);
            }
        }
        if let Input::Tokens { .. } = self.input {
            self.finish_tokens();
        }
    }

    /// Adds to `d_output` what comes from the layer's output at this step.
    fn add_output_gradient(&mut self, step: &Step, d_out: &[f32]) {
        let (call, padded, units) = (self.call, self.blocks.units(), self.call.shape.units);
        let first = match call.output {
            Output::Last => step.next_traces,
            Output::Sequences => 0,
        };
        for (place, &trace) in call.batch.order()[..step.traces].iter().enumerate().skip(first) {
            let row = match call.output {
                Output::Last => trace as usize,
                Output::Sequences => call.batch.source_row(trace as usize, step.index, call.reverse),
            };
            let d_output = &mut self.tape.back.d_output[place * padded..][..units];
            for (sum, value) in d_output.iter_mut().zip(&d_out[row * units..]) {
                *sum += value;
            }
        }
    }

    fn step(&mut self, step: &Step, row_before: Option<usize>) {
        let (padded, blocks) = (self.blocks.units(), self.blocks);
        let tokens = matches!(self.input, Input::Tokens { .. });
        if let Input::Tokens { tokens, .. } = self.input {
            self.tape.look_up(self.call, tokens, step);
        }
        let tape = &mut *self.tape;
        tape.isa.run(BackwardStep {
            blocks,
            traces: step.traces,
            gates: &tape.gates,
            gate_rows: self.call.batch.rows(),
            gate_first: step.row,
            before: row_before.map_or(&tape.zeros[..], |row| &tape.states[row * padded..]),
            after: &tape.states[step.row * padded..],
            d_output: &mut tape.back.d_output,
            d_state: &mut tape.back.d_state,
            d_sums: &mut tape.back.d_sums,
            sum_rows: self.capacity,
            sum_first: self.first,
            scatter: tokens.then_some(Scatter {
                rows: tape.distinct.pairs.len(),
                panels: &mut tape.back.d_projected,
                index: &tape.index,
            }),
        });
        if row_before.is_some() {
            tape.isa.run(PanelProduct {
                rows: step.traces,
                panels: &tape.back.d_sums,
                panel_rows: self.capacity,
                first: self.first,
                blocks: blocks.blocks,
                panel_columns: blocks.state_columns(),
                transposed: &tape.recurrent_back,
                columns: padded,
                out: &mut tape.back.d_output,
                mask: Some(&tape.state_mask),
                add: self.call.shape.cell == crate::Cell::Gru,
            });
        }
    }

    /// Adds the rows of `d_sums`, which are those of the tape from step `from` on, to the gradients of the
    /// weights, and empties it.
    fn flush(&mut self, from: &Step) {
        let (blocks, rows, units) = (self.blocks, self.capacity - self.first, self.call.shape.units);
        let tape = &mut *self.tape;
        tape.isa.run(OuterProducts {
            rows,
            depth: units,
            left: &tape.outputs_before[from.row * blocks.units()..],
            left_stride: blocks.units(),
            panels: &tape.back.d_sums,
            panel_rows: self.capacity,
            first: self.first,
            blocks: blocks.blocks,
            sum: &mut tape.back.recurrent,
        });
        if let Input::Rows(values) = self.input {
            self.flush_input(values, from, rows);
        }
        self.first = self.capacity;
    }

    /// [`Self::flush`] for the side of the input.
    fn flush_input(&mut self, values: &[f32], from: &Step, rows: usize) {
        let (call, blocks, inputs) = (self.call, self.blocks, self.call.shape.inputs);
        let end = from.row + rows;
        let within = || call.batch.steps_from(from.index).take_while(move |step| step.row < end);
        let tape = &mut *self.tape;
        tape.gather(call, values, within());
        tape.isa.run(OuterProducts {
            rows,
            depth: inputs,
            left: &tape.rows,
            left_stride: inputs,
            panels: &tape.back.d_sums,
            panel_rows: self.capacity,
            first: self.first,
            blocks: blocks.blocks,
            sum: &mut tape.back.kernel,
        });
        tape.isa.run(ColumnSums {
            rows,
            panels: &tape.back.d_sums,
            panel_rows: self.capacity,
            first: self.first,
            sum: &mut tape.back.bias,
        });
        let Some(d_input) = self.d_input.as_deref_mut() else {
            return;
        };
        tape.back.d_rows.grow(rows * blocks.inputs());
        tape.isa.run(PanelProduct {
            rows,
            panels: &tape.back.d_sums,
            panel_rows: self.capacity,
            first: self.first,
            blocks: blocks.blocks,
            panel_columns: PANEL,
            transposed: &tape.kernel_back,
            columns: blocks.inputs(),
            out: &mut tape.back.d_rows,
            mask: None,
            add: false,
        });
        let sources = within().flat_map(|step| {
            let traces = &call.batch.order()[..step.traces];
            traces.iter().map(move |&trace| (trace as usize, step.index))
        });
        for ((trace, index), d_row) in sources.zip(tape.back.d_rows.chunks_exact(blocks.inputs())) {
            let row = call.batch.source_row(trace, index, call.reverse);
            let place = &mut d_input[row * inputs..][..inputs];
            place.copy_from_slice(&d_row[..inputs]);
            tape.input_mask.apply(trace, place);
        }
    }

    /// From the gradients of the projected distinct rows to those of weights and table.
    fn finish_tokens(&mut self) {
        let (blocks, inputs) = (self.blocks, self.call.shape.inputs);
        let tape = &mut *self.tape;
        let rows = tape.distinct.pairs.len();
        tape.isa.run(OuterProducts {
            rows,
            depth: inputs,
            left: &tape.rows,
            left_stride: inputs,
            panels: &tape.back.d_projected,
            panel_rows: rows,
            first: 0,
            blocks: blocks.blocks,
            sum: &mut tape.back.kernel,
        });
        tape.isa.run(ColumnSums {
            rows,
            panels: &tape.back.d_projected,
            panel_rows: rows,
            first: 0,
            sum: &mut tape.back.bias,
        });
        let Some(d_table) = self.d_input.as_deref_mut() else {
            return;
        };
        tape.back.d_rows.grow(rows * blocks.inputs());
        tape.isa.run(PanelProduct {
            rows,
            panels: &tape.back.d_projected,
            panel_rows: rows,
            first: 0,
            blocks: blocks.blocks,
            panel_columns: PANEL,
            transposed: &tape.kernel_back,
            columns: blocks.inputs(),
            out: &mut tape.back.d_rows,
            mask: None,
            add: false,
        });
        let pairs = tape.distinct.pairs.iter();
        for (&(trace, token), d_row) in pairs.zip(tape.back.d_rows.chunks_exact_mut(blocks.inputs())) {
            let d_row = &mut d_row[..inputs];
            tape.input_mask.apply(trace as usize, d_row);
            for (sum, value) in d_table[token as usize * inputs..].iter_mut().zip(d_row) {
                *sum += *value;
            }
        }
    }
}
