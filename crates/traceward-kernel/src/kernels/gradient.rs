//! Gradients with respect to weights: sums over rows of outer products.
//!
//! A tile of the result stays in registers while the rows stream past. Rows come in stretches short enough
//! for their panels to stay in the first-level cache from tile to tile; each stretch is summed from zero
//! before it is added to the total, which also keeps the rounding error of a sum over a million rows down.

use super::tile::most_rows;
use crate::layout::PANEL;
use crate::simd::{Op, Simd};

/// Rows that are summed before they are added to the total: 32 KiB of panels of two blocks.
const STRETCH: usize = 64;

/// `sum += left^T * panels`: `[rows, depth]` and `[block][panel_rows][64]` into `[block][depth][64]`.
pub(crate) struct OuterProducts<'a> {
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// Rows at a stride of `left_stride >= depth`.
    pub(crate) left: &'a [f32],
    pub(crate) left_stride: usize,
    pub(crate) panels: &'a [f32],
    pub(crate) panel_rows: usize,
    /// The first row of the panels that takes part.
    pub(crate) first: usize,
    pub(crate) blocks: usize,
    pub(crate) sum: &'a mut [f32],
}

impl Op for OuterProducts<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        assert!(self.depth <= self.left_stride && self.left.len() >= self.rows * self.left_stride);
        assert!(self.first + self.rows <= self.panel_rows);
        assert!(self.panels.len() >= self.blocks * self.panel_rows * PANEL);
        assert!(self.sum.len() >= self.blocks * self.depth * PANEL);
        let total = self.sum.as_mut_ptr();
        for first in (0..self.rows).step_by(STRETCH) {
            let rows = STRETCH.min(self.rows - first);
            for block in 0..self.blocks {
                // SAFETY: the rows `first..first + rows` and the block are within what was just checked.
                unsafe {
                    let stretch = Stretch {
                        rows,
                        depth: self.depth,
                        left: self.left.as_ptr().add(first * self.left_stride),
                        left_stride: self.left_stride,
                        panel: self
                            .panels
                            .as_ptr()
                            .add((block * self.panel_rows + self.first + first) * PANEL),
                        total: total.add(block * self.depth * PANEL),
                    };
                    match S::LANES {
                        8 => stretch.add_to_total::<S, 2>(simd),
                        _ => stretch.add_to_total::<S, 4>(simd),
                    }
                }
            }
        }
    }
}

struct Stretch {
    rows: usize,
    depth: usize,
    left: *const f32,
    left_stride: usize,
    panel: *const f32,
    total: *mut f32,
}

impl Stretch {
    /// # Safety
    ///
    /// The pointers are good for `rows` rows and `depth` rows of the total.
    #[inline(always)]
    unsafe fn add_to_total<S: Simd, const N: usize>(&self, simd: S) {
        for column in (0..PANEL).step_by(N * S::LANES) {
            let mut k = 0;
            // SAFETY: `k + K <= depth` in each call, and `column + N * LANES <= 64`.
            unsafe {
                while most_rows::<S>(N) >= 6 && k + 6 <= self.depth && self.depth - k != 8 {
                    self.tile::<S, N, 6>(simd, k, column);
                    k += 6;
                }
                while most_rows::<S>(N) >= 4 && k + 4 <= self.depth {
                    self.tile::<S, N, 4>(simd, k, column);
                    k += 4;
                }
                while k + 2 <= self.depth {
                    self.tile::<S, N, 2>(simd, k, column);
                    k += 2;
                }
                while k < self.depth {
                    self.tile::<S, N, 1>(simd, k, column);
                    k += 1;
                }
            }
        }
    }

    /// # Safety
    ///
    /// As [`Self::add_to_total`], and `k + K <= depth`, `column + N * LANES <= 64`.
    #[inline(always)]
    unsafe fn tile<S: Simd, const N: usize, const K: usize>(&self, simd: S, k: usize, column: usize) {
        let mut sums = [[simd.zero(); N]; K];
        // SAFETY: by the contract.
        unsafe {
            for row in 0..self.rows {
                let mut panel = [simd.zero(); N];
                for (n, vector) in panel.iter_mut().enumerate() {
                    *vector = simd.load(self.panel.add(row * PANEL + column + n * S::LANES));
                }
                let left = self.left.add(row * self.left_stride + k);
                for (place, sums) in sums.iter_mut().enumerate() {
                    let value = simd.splat(*left.add(place));
                    for (sum, vector) in sums.iter_mut().zip(panel) {
                        *sum = simd.mul_add(value, vector, *sum);
                    }
                }
            }
            for (place, sums) in sums.into_iter().enumerate() {
                for (n, sum) in sums.into_iter().enumerate() {
                    let total = self.total.add((k + place) * PANEL + column + n * S::LANES);
                    simd.store(total, simd.add(simd.load(total), sum));
                }
            }
        }
    }
}

/// `sum += ` the rows of panels, added up: `[block][panel_rows][64]` into `[block][64]`.
pub(crate) struct ColumnSums<'a> {
    pub(crate) rows: usize,
    pub(crate) panels: &'a [f32],
    pub(crate) panel_rows: usize,
    /// The first row of the panels that takes part.
    pub(crate) first: usize,
    pub(crate) sum: &'a mut [f32],
}

impl Op for ColumnSums<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let blocks = self.sum.len() / PANEL;
        assert!(self.first + self.rows <= self.panel_rows);
        assert!(self.panels.len() >= blocks * self.panel_rows * PANEL);
        let total = self.sum.as_mut_ptr();
        for block in 0..blocks {
            for column in (0..PANEL).step_by(S::LANES) {
                // SAFETY: `row < rows`, `block < blocks`, `column + LANES <= 64`, for which the lengths were
                // just checked.
                unsafe {
                    let mut sum = simd.zero();
                    for row in 0..self.rows {
                        sum = simd.add(
                            sum,
                            simd.load(
                                self.panels
                                    .as_ptr()
                                    .add((block * self.panel_rows + self.first + row) * PANEL + column),
                            ),
                        );
                    }
                    let total = total.add(block * PANEL + column);
                    simd.store(total, simd.add(simd.load(total), sum));
                }
            }
        }
    }
}
