//! Trainings of toy networks from end to end. One binary for all: linking burn takes its time.

mod learning;
mod resuming;
mod toy;
