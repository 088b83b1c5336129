//! Fused recurrent kernels on slices: training forward and backward, carried-state inference.

mod dropout;
mod ragged;
pub mod reference;
mod shape;

pub use dropout::Dropout;
pub use ragged::Ragged;
pub use shape::{Call, Cell, Gradients, Input, Output, Shape, Weights};

/// What [`forward`] leaves for [`backward`], and the memory both work in; reusable, and without allocation once warm.
#[derive(Debug, Default)]
pub struct Tape {}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

fn narrow(values: &[f64], into: &mut [f32]) {
    for (to, &from) in into.iter_mut().zip(values) {
        *to = from as f32;
    }
}

fn reference_of(weights: &Weights, input: &Input) -> (reference::Layer, reference::Input) {
    let layer = reference::Layer {
        kernel: wide(weights.kernel),
        recurrent: wide(weights.recurrent),
        bias: wide(weights.bias),
    };
    let input = match input {
        Input::Tokens { tokens, table } => {
            reference::Input::Tokens { tokens: tokens.to_vec(), table: wide(table) }
        }
        Input::Rows(rows) => reference::Input::Rows(wide(rows)),
    };
    (layer, input)
}

/// Reads a batch and writes `out` (`[traces, units]` or `[rows, units]`), keeping on `tape` what [`backward`] needs.
///
/// # Panics
///
/// When a slice's length does not fit the shape and the batch, a token is outside the table, or a dropout rate is not in `0.0..1.0`.
pub fn forward(_tape: &mut Tape, call: &Call, weights: Weights, input: Input, out: &mut [f32]) {
    shape::check(call, &weights, &input);
    let (layer, input) = reference_of(&weights, &input);
    narrow(&reference::forward(call, &layer, &input), out);
}

/// The gradients of the [`forward`] pass that `tape` holds, for `d_out`, the gradient with respect to its output.
///
/// `call`, `weights` and `input` must be those that `forward` was given.
///
/// # Panics
///
/// As [`forward`].
pub fn backward(
    _tape: &mut Tape,
    call: &Call,
    weights: Weights,
    input: Input,
    d_out: &[f32],
    gradients: Gradients,
) {
    shape::check(call, &weights, &input);
    let (layer, input) = reference_of(&weights, &input);
    let found = reference::backward(call, &layer, &input, &wide(d_out));
    narrow(&found.kernel, gradients.kernel);
    narrow(&found.recurrent, gradients.recurrent);
    narrow(&found.bias, gradients.bias);
    if let Some(into) = gradients.input {
        narrow(&found.input, into);
    }
}

/// As [`forward`] without dropout, keeping nothing: memory does not grow with the length of the traces.
///
/// # Panics
///
/// As [`forward`].
pub fn infer(_tape: &mut Tape, call: &Call, weights: Weights, input: Input, out: &mut [f32]) {
    let call = Call { dropout: None, ..*call };
    shape::check(&call, &weights, &input);
    let (layer, input) = reference_of(&weights, &input);
    narrow(&reference::forward(&call, &layer, &input), out);
}

/// Runs two closures, on two threads where rayon's pool has them: the two directions of a bidirectional layer.
///
/// Neither sees the other, so the result does not depend on the number of threads.
pub fn both<A: Send, B: Send>(left: impl FnOnce() -> A + Send, right: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(left, right)
}
