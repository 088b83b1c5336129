//! Layers that look at one row and remember nothing.

use traceward_kernel::Isa;
use traceward_kernel::row::{self, Matrix};
use traceward_run::spec::Activation;

use crate::activation;

/// A function of one row.
#[derive(Clone, Debug)]
pub(crate) enum RowLayer {
    /// A Dense without its activation.
    Matrix(Matrix),
    /// A BatchNormalization with its moving statistics: `(x - mean) * scale + shift`.
    Normalization {
        mean: Vec<f32>,
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    Activation(Activation),
}

impl RowLayer {
    /// Length of a row that comes out for one of `width` that goes in.
    pub(crate) fn width(&self, width: usize) -> usize {
        match self {
            Self::Matrix(matrix) => matrix.outputs(),
            _ => width,
        }
    }

    /// Applies it to `rows` (`[n, width]`), which are replaced; `spare` is memory.
    pub(crate) fn apply(&self, isa: Isa, rows: &mut Vec<f32>, width: usize, spare: &mut Vec<f32>) {
        match self {
            Self::Matrix(matrix) => {
                spare.resize(rows.len() / width * matrix.outputs(), 0.0);
                matrix.apply(rows, spare);
                std::mem::swap(rows, spare);
            }
            Self::Normalization { mean, scale, shift } => {
                for row in rows.chunks_exact_mut(width) {
                    for (((x, mean), scale), shift) in row.iter_mut().zip(mean).zip(scale).zip(shift) {
                        *x = (*x - mean) * scale + shift;
                    }
                }
            }
            Self::Activation(Activation::Relu) => row::relu(isa, rows),
            Self::Activation(other) => activation::apply(*other, rows, width),
        }
    }
}

/// Applies layers one after the other to `rows` of `width`; returns the width that comes out.
pub(crate) fn apply_all(
    layers: &[RowLayer],
    isa: Isa,
    rows: &mut Vec<f32>,
    mut width: usize,
    spare: &mut Vec<f32>,
) -> usize {
    for layer in layers {
        layer.apply(isa, rows, width, spare);
        width = layer.width(width);
    }
    width
}
