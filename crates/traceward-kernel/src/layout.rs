//! How the kernels arrange numbers, and the way there from Keras' layout and back.
//!
//! Units come in blocks of 16 lanes. A block has one *panel* of 64 columns: four columns of 16 lanes each, so
//! that all that a block's cell update needs sits in four (AVX-512) to sixteen (NEON) neighbouring vectors. A
//! matrix is stored panel after panel, `[block][row][64]`.
//!
//! | column of a panel | LSTM | GRU |
//! |---|---|---|
//! | 0 | i | z |
//! | 1 | f | r |
//! | 2 | c | h, the part from the state (which r multiplies) |
//! | 3 | o | h, the part from the input |
//!
//! With that the GRU is, to everything but its cell update, an LSTM whose input weights are zero in column 2
//! and whose recurrent weights are zero in column 3. Units past the last one (when `units` is no multiple of
//! 16) have zero weights: their state stays zero and nothing reads it.

use crate::buffer::Buffer;
use crate::{Cell, Shape, Weights};

/// Lanes of a block of units.
pub(crate) const LANES: usize = 16;
/// Columns of a panel.
pub(crate) const PANEL: usize = 4 * LANES;

/// Sizes of a layer, rounded up to whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) shape: Shape,
    /// Blocks of 16 units.
    pub(crate) blocks: usize,
}

/// Which of a layer's two matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Input,
    State,
}

impl Blocks {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape, blocks: shape.units.div_ceil(LANES) }
    }

    /// Units with padding.
    pub(crate) fn units(&self) -> usize {
        self.blocks * LANES
    }

    /// Inputs with padding to whole vectors.
    pub(crate) fn inputs(&self) -> usize {
        self.shape.inputs.next_multiple_of(LANES)
    }

    /// Columns of all panels.
    pub(crate) fn columns(&self) -> usize {
        self.blocks * PANEL
    }

    /// Columns of a panel that recurrent weights reach; they come first.
    pub(crate) fn state_columns(&self) -> usize {
        self.shape.cell.gates() * LANES
    }

    /// The column of a panel that holds Keras' gate `gate`.
    fn column(&self, side: Side, gate: usize) -> usize {
        match (self.shape.cell, side, gate) {
            (Cell::Gru, Side::Input, 2) => 3,
            _ => gate,
        }
    }

    /// Calls `visit` with each stretch of numbers that lie side by side in both layouts of a matrix of `rows`
    /// rows.
    fn stretches(&self, side: Side, rows: usize, mut visit: impl FnMut(Stretch)) {
        let units = self.shape.units;
        for row in 0..rows {
            for gate in 0..self.shape.cell.gates() {
                for block in 0..self.blocks {
                    let (first, column) = (block * LANES, self.column(side, gate) * LANES);
                    visit(Stretch {
                        keras: row * self.shape.columns() + gate * units + first,
                        packed: (block * rows + row) * PANEL + column,
                        row,
                        column: block * PANEL + column,
                        len: LANES.min(units - first),
                    });
                }
            }
        }
    }

    /// Keras' `[rows, gates * units]` into panels.
    pub(crate) fn pack(&self, side: Side, matrix: &[f32], panels: &mut Buffer) {
        let rows = matrix.len() / self.shape.columns();
        panels.clear(rows * self.columns());
        self.stretches(side, rows, |at| {
            panels[at.packed..][..at.len].copy_from_slice(&matrix[at.keras..][..at.len]);
        });
    }

    /// Panels into Keras' `[rows, gates * units]`.
    pub(crate) fn unpack(&self, side: Side, panels: &[f32], matrix: &mut [f32]) {
        let rows = matrix.len() / self.shape.columns();
        self.stretches(side, rows, |at| {
            matrix[at.keras..][..at.len].copy_from_slice(&panels[at.packed..][..at.len]);
        });
    }

    /// The bias as one row of panels. The two biases of a GRU's z and r only ever occur as a sum.
    pub(crate) fn pack_bias(&self, bias: &[f32], panels: &mut Buffer) {
        panels.clear(self.columns());
        let (input, state) = bias.split_at(self.shape.columns());
        for (side, bias) in [(Side::Input, input), (Side::State, state)] {
            if !bias.is_empty() {
                self.stretches(side, 1, |at| {
                    let panels = &mut panels[at.packed..][..at.len];
                    for (sum, value) in panels.iter_mut().zip(&bias[at.keras..]) {
                        *sum += value;
                    }
                });
            }
        }
    }

    /// The gradient with respect to the bias.
    pub(crate) fn unpack_bias(&self, panels: &[f32], bias: &mut [f32]) {
        let (input, state) = bias.split_at_mut(self.shape.columns());
        self.unpack(Side::Input, panels, input);
        if self.shape.cell == Cell::Gru {
            self.unpack(Side::State, panels, state);
        }
    }

    /// The transpose of Keras' `[rows, gates * units]`, for products with gradients of gates: `[group of
    /// rows][columns()][width]`, where [`width`] rows, padded with zeros, form a group.
    pub(crate) fn pack_transposed(&self, side: Side, matrix: &[f32], transposed: &mut Buffer) {
        let rows = matrix.len() / self.shape.columns();
        let padded = rows.next_multiple_of(LANES);
        let width = width(padded);
        transposed.clear(padded * self.columns());
        self.stretches(side, rows, |at| {
            let first = (at.row / width * self.columns() + at.column) * width + at.row % width;
            let places = transposed[first..].iter_mut().step_by(width);
            for (place, value) in places.zip(&matrix[at.keras..][..at.len]) {
                *place = *value;
            }
        });
    }
}

/// Neighbouring numbers of a matrix.
#[derive(Clone, Copy)]
struct Stretch {
    /// Where they begin in Keras' layout and in panels.
    keras: usize,
    packed: usize,
    /// Their row, and the first's column among all panels.
    row: usize,
    column: usize,
    len: usize,
}

/// How many columns of a product of `columns` (a multiple of 16) are computed together: the most of 64, 32
/// and 16 that divides them.
pub(crate) fn width(columns: usize) -> usize {
    [64, 32].into_iter().find(|width| columns.is_multiple_of(*width)).unwrap_or(LANES)
}

/// Packed weights for reading traces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    /// `[block][inputs][64]`.
    pub(crate) kernel: Buffer,
    /// `[block][units][64]`.
    pub(crate) recurrent: Buffer,
    /// `[block][64]`.
    pub(crate) bias: Buffer,
}

impl Packed {
    pub(crate) fn set(&mut self, blocks: &Blocks, weights: &Weights) {
        blocks.pack(Side::Input, weights.kernel, &mut self.kernel);
        blocks.pack(Side::State, weights.recurrent, &mut self.recurrent);
        blocks.pack_bias(weights.bias, &mut self.bias);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(gru: bool, inputs: usize, units: usize) -> Shape {
        Shape { cell: if gru { Cell::Gru } else { Cell::Lstm }, inputs, units }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(gru: bool, rows in 1usize..40, units in 1usize..40) {
            let blocks = Blocks::new(shape(gru, rows, units));
            let matrix: Vec<f32> = (0..blocks.shape.kernel_len()).map(|n| n as f32 + 1.0).collect();
            for side in [Side::Input, Side::State] {
                let (mut panels, mut back) = (Buffer::default(), vec![0.0; matrix.len()]);
                blocks.pack(side, &matrix, &mut panels);
                blocks.unpack(side, &panels, &mut back);
                prop_assert_eq!(&matrix, &back);
                let nonzero = panels.iter().filter(|&&value| value != 0.0).count();
                prop_assert_eq!(nonzero, matrix.len());
            }
        }

        #[test]
        fn the_transpose_holds_the_same_numbers(gru: bool, rows in 1usize..70, units in 1usize..40) {
            let blocks = Blocks::new(shape(gru, rows, units));
            let matrix: Vec<f32> = (0..blocks.shape.kernel_len()).map(|n| n as f32 + 1.0).collect();
            let (mut panels, mut transposed) = (Buffer::default(), Buffer::default());
            blocks.pack(Side::State, &matrix, &mut panels);
            blocks.pack_transposed(Side::State, &matrix, &mut transposed);
            let width = width(rows.next_multiple_of(LANES));
            for row in 0..rows {
                for column in 0..blocks.columns() {
                    let panel = panels[((column / PANEL) * rows + row) * PANEL + column % PANEL];
                    let other = transposed[((row / width) * blocks.columns() + column) * width + row % width];
                    prop_assert_eq!(panel, other);
                }
            }
        }
    }
}
