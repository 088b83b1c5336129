//! What a call of the kernel is made of: sizes, weights, input, where gradients go.
//!
//! All arrays are row-major `f32` slices in Keras' layout, so that weights go in and out of files
//! unchanged. The kernels' own layout (see `pack`) never leaves this crate.

use crate::{Dropout, Ragged};

/// The recurrent cell, with Keras 3's semantics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Gates in the order i, f, c, o; `tanh` activation, `sigmoid` recurrent activation.
    Lstm,
    /// Gates in the order z, r, h; `reset_after=True`, so the bias has two rows (input, recurrent).
    Gru,
}

impl Cell {
    /// Number of gates: how many times `units` columns the weight matrices have.
    #[must_use]
    pub fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }
}

/// Sizes of a recurrent layer of one direction.
///
/// Any size from 1 works; `units` that are a multiple of 16 waste nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Which cell.
    pub cell: Cell,
    /// Width of an input row (the embedding's width when the input is tokens).
    pub inputs: usize,
    /// Width of the state and of the output.
    pub units: usize,
}

impl Shape {
    /// Length of [`Weights::kernel`]: `inputs * gates * units`.
    #[must_use]
    pub fn kernel_len(&self) -> usize {
        self.inputs * self.columns()
    }

    /// Length of [`Weights::recurrent`]: `units * gates * units`.
    #[must_use]
    pub fn recurrent_len(&self) -> usize {
        self.units * self.columns()
    }

    /// Length of [`Weights::bias`]: `4 * units` for an LSTM, `2 * 3 * units` for a GRU.
    #[must_use]
    pub fn bias_len(&self) -> usize {
        match self.cell {
            Cell::Lstm => self.columns(),
            Cell::Gru => 2 * self.columns(),
        }
    }

    /// Columns of the weight matrices: `gates * units`.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.cell.gates() * self.units
    }

    /// Length of the output of `batch`: `[traces, units]` or `[rows, units]`.
    #[must_use]
    pub fn output_len(&self, batch: &Ragged, output: Output) -> usize {
        self.units
            * match output {
                Output::Last => batch.traces(),
                Output::Sequences => batch.rows(),
            }
    }
}

/// What the layer reads, row `offsets[b]..offsets[b + 1]` belonging to trace `b`.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// An embedding fused into the layer.
    Tokens {
        /// Token of each row; every one must be smaller than the vocabulary.
        tokens: &'a [u32],
        /// The embedding, `[vocabulary, inputs]`.
        table: &'a [f32],
    },
    /// Rows `[rows, inputs]`.
    Rows(&'a [f32]),
}

impl Input<'_> {
    /// Length of the gradient with respect to this input: that of the table, or of the rows.
    #[must_use]
    pub fn gradient_len(&self) -> usize {
        match self {
            Self::Tokens { table, .. } => table.len(),
            Self::Rows(rows) => rows.len(),
        }
    }
}

/// Weights of one direction, in Keras' layout.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[inputs, gates * units]`.
    pub kernel: &'a [f32],
    /// `[units, gates * units]`.
    pub recurrent: &'a [f32],
    /// LSTM `[4 * units]`; GRU `[2, 3 * units]`, the input's bias first.
    pub bias: &'a [f32],
}

/// Where [`backward`](crate::backward) writes. Every slice is overwritten, not added to.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// As [`Weights::kernel`].
    pub kernel: &'a mut [f32],
    /// As [`Weights::recurrent`].
    pub recurrent: &'a mut [f32],
    /// As [`Weights::bias`].
    pub bias: &'a mut [f32],
    /// `[vocabulary, inputs]` for tokens, `[rows, inputs]` for rows. `None` where nobody asks for it.
    pub input: Option<&'a mut [f32]>,
}

/// Which outputs a layer returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// The output after the last call that was read: `[traces, units]`. Zero for a trace without calls.
    Last,
    /// The output after each call: `[rows, units]`. Row `r` of a layer that reads backwards holds the output
    /// after reading row `r`, which is what Keras' `Bidirectional` concatenates.
    Sequences,
}

/// One application of a layer to a batch, apart from the numbers.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Sizes.
    pub shape: Shape,
    /// Which rows belong to which trace.
    pub batch: &'a Ragged,
    /// Masks; `None` for none. [`infer`](crate::infer) never applies them.
    pub dropout: Option<Dropout<'a>>,
    /// Whether each trace is read from its end.
    pub reverse: bool,
    /// Last or all outputs.
    pub output: Output,
}

/// The most rows or table entries a batch may have, so that a row's index fits 32 bits.
const MOST_ROWS: usize = u32::MAX as usize;

/// Checks every length before a kernel trusts it.
///
/// # Panics
///
/// When a slice's length is not what [`Shape`] and the batch ask for, or a token is outside the table: these
/// are mistakes of the calling program, not of its users.
pub(crate) fn check(call: &Call, weights: &Weights, input: &Input) {
    let shape = &call.shape;
    check_weights(shape, weights);
    let rows = call.batch.rows();
    assert!(rows <= MOST_ROWS, "a batch has at most {MOST_ROWS} rows, got {rows}");
    match input {
        Input::Tokens { tokens, table } => {
            assert_eq!(tokens.len(), rows, "one token for each row");
            assert_eq!(table.len() % shape.inputs, 0, "the table has rows of {} numbers", shape.inputs);
            let vocabulary = table.len() / shape.inputs;
            assert!(vocabulary <= MOST_ROWS, "a table has at most {MOST_ROWS} entries, got {vocabulary}");
            let largest = tokens.iter().copied().max();
            assert!(
                largest.is_none_or(|token| (token as usize) < vocabulary),
                "token {largest:?} outside a table of {vocabulary}"
            );
        }
        Input::Rows(values) => assert_eq!(values.len(), rows * shape.inputs, "length of the input rows"),
    }
    if let Some(dropout) = &call.dropout {
        dropout.check(call.batch.traces());
    }
}

/// Checks the lengths of weights.
pub(crate) fn check_weights(shape: &Shape, weights: &Weights) {
    assert!(
        shape.inputs > 0 && shape.units > 0,
        "a layer has at least one input and one unit, got {shape:?}"
    );
    assert_eq!(weights.kernel.len(), shape.kernel_len(), "length of the kernel for {shape:?}");
    assert_eq!(
        weights.recurrent.len(),
        shape.recurrent_len(),
        "length of the recurrent kernel for {shape:?}"
    );
    assert_eq!(weights.bias.len(), shape.bias_len(), "length of the bias for {shape:?}");
}
