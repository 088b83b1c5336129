//! Trainings of toy networks from end to end. One binary for all: linking burn takes its time.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod learning;
mod probing;
mod resuming;
mod toy;
