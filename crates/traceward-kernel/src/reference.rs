//! The same layers written plainly in `f64`: what the fast kernels are tested against.
//!
//! One trace at a time, one unit at a time, straight from the formulas of Keras 3's `LSTMCell` and `GRUCell`
//! (`keras/src/layers/rnn/lstm.py`, `gru.py`). Slow on purpose: nothing here is clever enough to be wrong in
//! the way that the kernels could be. Use it to check, not to train.

use crate::dropout::Site;
use crate::{Call, Cell, Dropout, Output};

/// Weights of one direction in Keras' layout, as [`Weights`](crate::Weights) but in `f64`.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `[inputs, gates * units]`.
    pub kernel: Vec<f64>,
    /// `[units, gates * units]`.
    pub recurrent: Vec<f64>,
    /// LSTM `[4 * units]`; GRU `[2, 3 * units]`.
    pub bias: Vec<f64>,
}

/// Input in `f64`, as [`Input`](crate::Input).
#[derive(Clone, Debug)]
pub enum Input {
    /// Tokens and the table they index.
    Tokens {
        /// Token of each row.
        tokens: Vec<u32>,
        /// `[vocabulary, inputs]`.
        table: Vec<f64>,
    },
    /// Rows `[rows, inputs]`.
    Rows(Vec<f64>),
}

/// Gradients with respect to a [`Layer`] and its [`Input`].
#[derive(Clone, Debug)]
pub struct Gradients {
    /// As [`Layer::kernel`].
    pub kernel: Vec<f64>,
    /// As [`Layer::recurrent`].
    pub recurrent: Vec<f64>,
    /// As [`Layer::bias`].
    pub bias: Vec<f64>,
    /// As the table or the rows.
    pub input: Vec<f64>,
}

/// What one step leaves for the way back.
struct Moment {
    row: usize,
    /// Masked input.
    x: Vec<f64>,
    /// State before the step (LSTM: c; GRU: h) and masked h before it.
    before: Vec<f64>,
    h_masked: Vec<f64>,
    /// Gate values, `[gates * units]`.
    gates: Vec<f64>,
    /// GRU: the recurrent part of the candidate, before the reset gate.
    recurrent_candidate: Vec<f64>,
    /// LSTM: c after the step.
    after: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn masks(dropout: Option<&Dropout>, site: Site, trace: usize, width: usize) -> Vec<f64> {
    let mut mask = vec![1.0f32; width];
    if let Some(dropout) = dropout {
        dropout.fill(site, trace, &mut mask);
    }
    mask.into_iter().map(f64::from).collect()
}

/// `vector [n]` times `matrix [n, columns]`.
fn times(vector: &[f64], matrix: &[f64], columns: usize) -> Vec<f64> {
    let mut product = vec![0.0; columns];
    for (value, row) in vector.iter().zip(matrix.chunks_exact(columns)) {
        for (sum, weight) in product.iter_mut().zip(row) {
            *sum += value * weight;
        }
    }
    product
}

/// `matrix [n, columns]` times `vector [columns]`.
fn times_transposed(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len()).map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

/// Adds the outer product of `left [n]` and `right [columns]`.
fn add_outer(sum: &mut [f64], left: &[f64], right: &[f64]) {
    for (value, row) in left.iter().zip(sum.chunks_exact_mut(right.len())) {
        for (sum, right) in row.iter_mut().zip(right) {
            *sum += value * right;
        }
    }
}

fn add(sum: &mut [f64], values: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += value;
    }
}

fn product(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(a, b)| a * b).collect()
}

fn input_row(input: &Input, row: usize, inputs: usize) -> &[f64] {
    match input {
        Input::Tokens { tokens, table } => &table[tokens[row] as usize * inputs..][..inputs],
        Input::Rows(rows) => &rows[row * inputs..][..inputs],
    }
}

/// Reads one trace; returns the output after each step and what each step leaves.
fn read_trace(call: &Call, layer: &Layer, input: &Input, trace: usize) -> (Vec<Vec<f64>>, Vec<Moment>) {
    let (units, inputs, columns) = (call.shape.units, call.shape.inputs, call.shape.columns());
    let input_mask = masks(call.dropout.as_ref(), Site::Input, trace, inputs);
    let state_mask = masks(call.dropout.as_ref(), Site::State, trace, units);
    let (mut h, mut state) = (vec![0.0; units], vec![0.0; units]);
    let (mut outputs, mut moments) = (Vec::new(), Vec::new());
    for step in 0..call.batch.length(trace) {
        let row = call.batch.source_row(trace, step, call.reverse);
        let x = product(input_row(input, row, inputs), &input_mask);
        let h_masked = product(&h, &state_mask);
        let mut from_input = times(&x, &layer.kernel, columns);
        let mut from_state = times(&h_masked, &layer.recurrent, columns);
        add(&mut from_input, &layer.bias[..columns]);
        if call.shape.cell == Cell::Gru {
            add(&mut from_state, &layer.bias[columns..]);
        }
        let before = state.clone();
        let mut gates = vec![0.0; columns];
        for unit in 0..units {
            let at = |gate: usize| gate * units + unit;
            match call.shape.cell {
                Cell::Lstm => {
                    let z = |gate: usize| from_input[at(gate)] + from_state[at(gate)];
                    let (i, f, g, o) = (sigmoid(z(0)), sigmoid(z(1)), z(2).tanh(), sigmoid(z(3)));
                    state[unit] = f * state[unit] + i * g;
                    h[unit] = o * state[unit].tanh();
                    for (gate, value) in [i, f, g, o].into_iter().enumerate() {
                        gates[at(gate)] = value;
                    }
                }
                Cell::Gru => {
                    let z = sigmoid(from_input[at(0)] + from_state[at(0)]);
                    let r = sigmoid(from_input[at(1)] + from_state[at(1)]);
                    let candidate = (from_input[at(2)] + r * from_state[at(2)]).tanh();
                    h[unit] = z * h[unit] + (1.0 - z) * candidate;
                    state[unit] = h[unit];
                    for (gate, value) in [z, r, candidate].into_iter().enumerate() {
                        gates[at(gate)] = value;
                    }
                }
            }
        }
        let recurrent_candidate = match call.shape.cell {
            Cell::Lstm => Vec::new(),
            Cell::Gru => from_state[2 * units..].to_vec(),
        };
        outputs.push(h.clone());
        moments.push(Moment { row, x, before, h_masked, gates, recurrent_candidate, after: state.clone() });
    }
    (outputs, moments)
}

/// The output: `[traces, units]` or `[rows, units]`.
#[must_use]
pub fn forward(call: &Call, layer: &Layer, input: &Input) -> Vec<f64> {
    let units = call.shape.units;
    let mut out = vec![0.0; call.shape.output_len(call.batch, call.output)];
    for trace in 0..call.batch.traces() {
        let (outputs, moments) = read_trace(call, layer, input, trace);
        match call.output {
            Output::Last => {
                if let Some(last) = outputs.last() {
                    out[trace * units..][..units].copy_from_slice(last);
                }
            }
            Output::Sequences => {
                for (output, moment) in outputs.iter().zip(&moments) {
                    out[moment.row * units..][..units].copy_from_slice(output);
                }
            }
        }
    }
    out
}

/// The gradients of a loss whose gradient with respect to the output is `d_out`, by backpropagation through
/// time.
#[must_use]
pub fn backward(call: &Call, layer: &Layer, input: &Input, d_out: &[f64]) -> Gradients {
    let (units, inputs, columns) = (call.shape.units, call.shape.inputs, call.shape.columns());
    let input_len = match input {
        Input::Tokens { table, .. } => table.len(),
        Input::Rows(rows) => rows.len(),
    };
    let mut gradients = Gradients {
        kernel: vec![0.0; layer.kernel.len()],
        recurrent: vec![0.0; layer.recurrent.len()],
        bias: vec![0.0; layer.bias.len()],
        input: vec![0.0; input_len],
    };
    for trace in 0..call.batch.traces() {
        let input_mask = masks(call.dropout.as_ref(), Site::Input, trace, inputs);
        let state_mask = masks(call.dropout.as_ref(), Site::State, trace, units);
        let (_, moments) = read_trace(call, layer, input, trace);
        let (mut dh, mut dc) = (vec![0.0; units], vec![0.0; units]);
        for (step, moment) in moments.iter().enumerate().rev() {
            match call.output {
                Output::Last if step + 1 == moments.len() => add(&mut dh, &d_out[trace * units..][..units]),
                Output::Last => {}
                Output::Sequences => add(&mut dh, &d_out[moment.row * units..][..units]),
            }
            // Gradients with respect to the sums that go into the gates, from the input and from the state.
            let (mut d_input, mut d_state) = (vec![0.0; columns], vec![0.0; columns]);
            let mut dh_before = vec![0.0; units];
            for unit in 0..units {
                let at = |gate: usize| gate * units + unit;
                let gate = |index: usize| moment.gates[at(index)];
                match call.shape.cell {
                    Cell::Lstm => {
                        let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
                        let activated = moment.after[unit].tanh();
                        let d_cell = dc[unit] + dh[unit] * o * (1.0 - activated * activated);
                        let d = [
                            d_cell * g * i * (1.0 - i),
                            d_cell * moment.before[unit] * f * (1.0 - f),
                            d_cell * i * (1.0 - g * g),
                            dh[unit] * activated * o * (1.0 - o),
                        ];
                        for (index, value) in d.into_iter().enumerate() {
                            d_input[at(index)] = value;
                            d_state[at(index)] = value;
                        }
                        dc[unit] = d_cell * f;
                    }
                    Cell::Gru => {
                        let (z, r, candidate) = (gate(0), gate(1), gate(2));
                        let d_candidate = dh[unit] * (1.0 - z) * (1.0 - candidate * candidate);
                        let dz = dh[unit] * (moment.before[unit] - candidate) * z * (1.0 - z);
                        let dr = d_candidate * moment.recurrent_candidate[unit] * r * (1.0 - r);
                        for (index, input, state) in
                            [(0, dz, dz), (1, dr, dr), (2, d_candidate, d_candidate * r)]
                        {
                            d_input[at(index)] = input;
                            d_state[at(index)] = state;
                        }
                        dh_before[unit] = dh[unit] * z;
                    }
                }
            }
            add(&mut dh_before, &product(&times_transposed(&layer.recurrent, &d_state), &state_mask));
            dh = dh_before;
            add_outer(&mut gradients.kernel, &moment.x, &d_input);
            add_outer(&mut gradients.recurrent, &moment.h_masked, &d_state);
            add(&mut gradients.bias[..columns], &d_input);
            if call.shape.cell == Cell::Gru {
                add(&mut gradients.bias[columns..], &d_state);
            }
            let dx = product(&times_transposed(&layer.kernel, &d_input), &input_mask);
            let place = match input {
                Input::Tokens { tokens, .. } => tokens[moment.row] as usize,
                Input::Rows(_) => moment.row,
            };
            add(&mut gradients.input[place * inputs..][..inputs], &dx);
        }
    }
    gradients
}
