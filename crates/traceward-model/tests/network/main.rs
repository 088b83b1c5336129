//! Whole networks: gradients, batching, files. One binary for all: linking burn takes its time.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod batching;
mod files;
mod gradients;
mod nets;
mod refusals;
mod streaming;
mod weights;
