//! Fused recurrent kernels on slices: training forward and backward, carried-state inference.
//!
//! An embedding and an LSTM or GRU of one direction, with Keras 3's semantics, as three functions:
//! [`forward`] and [`backward`] for training, [`infer`] (or [`Prepared`], which does once what can be done
//! once) for reading. Slices go in and slices come out; there is no framework, no I/O, no state beyond the
//! buffers that the caller holds. A bidirectional layer is two calls, which [`both`] runs side by side.
//!
//! # Shape of the work
//!
//! A batch is ragged ([`Ragged`]): traces of their true lengths, one after the other, never padded. All
//! traces advance together, one call at a time; a step is one fused operation that multiplies the state with
//! the recurrent weights and updates the cells while the sums are still in registers. What does not depend on
//! time is done outside the steps: the input's part of the gates is computed once for each distinct token.
//!
//! # What holds
//!
//! - A trace's output does not depend on the batch it is in, bit for bit; nor, read in chunks
//!   ([`Prepared::advance`]), on where the chunks end. Gradients are sums
//!   over a batch, in an order that depends on the batch alone, so they are the same in each run.
//! - Instruction sets ([`Isa`]) are chosen at run time and agree within rounding, not in bits.
//! - [`mod@reference`] is the same written plainly in `f64`; the tests hold the kernels to it, and it to
//!   finite differences.
//!
//! ```
//! use traceward_kernel::{Call, Cell, Input, Output, Ragged, Shape, Tape, Weights, forward};
//!
//! let shape = Shape { cell: Cell::Lstm, inputs: 2, units: 3 };
//! let (kernel, recurrent) = (vec![0.1; shape.kernel_len()], vec![0.1; shape.recurrent_len()]);
//! let weights = Weights { kernel: &kernel, recurrent: &recurrent, bias: &vec![0.0; shape.bias_len()] };
//! let batch = Ragged::new(&[2, 1]); // two traces, of two calls and of one
//! let input = Input::Tokens { tokens: &[0, 1, 0], table: &[0.5, -0.5, 1.0, 2.0] };
//! let call = Call { shape, batch: &batch, dropout: None, reverse: false, output: Output::Last };
//! let mut out = vec![0.0; shape.output_len(&batch, Output::Last)];
//! forward(&mut Tape::default(), &call, weights, input, &mut out);
//! assert!(out[0] > out[3]);
//! ```

mod buffer;
mod dropout;
mod gather;
mod infer;
mod kernels;
mod layout;
mod math;
mod ragged;
pub mod reference;
pub mod row;
mod shape;
mod simd;
mod train;

pub use dropout::Dropout;
pub use infer::{Prepared, Reads, Scratch, State, infer};
pub use ragged::Ragged;
pub use shape::{Call, Cell, Gradients, Input, Output, Shape, Weights};
pub use simd::{ISA_VARIABLE, Isa};
pub use train::{Tape, backward, forward};

/// Runs two closures, on two threads where rayon's pool has them: the two directions of a bidirectional
/// layer.
///
/// Neither sees the other, so the result does not depend on the number of threads.
pub fn both<A: Send, B: Send>(left: impl FnOnce() -> A + Send, right: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(left, right)
}
