//! Fused recurrent kernels on slices: training forward and backward, carried-state inference.
