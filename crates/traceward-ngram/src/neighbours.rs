//! The training traces most like a trace: a classifier by itself, and features for others.
