//! Whole networks: gradients, batching, files. One binary for all: linking burn takes its time.

mod batching;
mod files;
mod gradients;
mod nets;
mod refusals;
