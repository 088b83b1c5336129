//! A trained network of one direction, read call by call.
//!
//! ```text
//! ModelSpec + weights -> Stream (weights prepared, shared) -> Pool: a state a session
//!                                                          -> Classifier: whole traces, by the same code
//! ```
//!
//! What a session keeps does not grow with its trace: the last calls that a causal convolution looks back to,
//! the states of recurrent layers, the largest, the mean and the attention of what they put out. After any
//! call its scores are those that the network gives for the calls so far. What must see the end of a trace
//! first (a layer that reads backwards, one that looks ahead) is refused by name.
//!
//! The training framework is not known here, so a program that only scores links none of it.

pub mod activation;
mod branch;
mod carries;
mod end;
mod error;
mod plan;
mod pool;
mod row;
pub mod sketch;
mod step;
mod stream;
mod wave;

pub use carries::carries;
pub use error::StreamError;
pub use pool::{Pool, Slot};
pub use stream::{Reading, Stream};
pub use wave::Scratch;
