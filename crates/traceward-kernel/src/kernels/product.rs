//! Products with weights: rows into panels (the input's part of the gates) and panels into rows (gradients on
//! their way back).

use super::tile::{Left, Right, RowGroup, accumulate, in_groups, most_rows};
use crate::layout::{LANES, PANEL, width};
use crate::simd::{Op, Simd};

/// `panels = bias + left * weights`: `[rows, depth]` into `[block][panel_rows][64]`.
pub(crate) struct Projection<'a> {
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    pub(crate) left: &'a [f32],
    /// `[block][depth][64]`.
    pub(crate) weights: &'a [f32],
    /// `[block][64]`.
    pub(crate) bias: &'a [f32],
    pub(crate) panels: &'a mut [f32],
    pub(crate) panel_rows: usize,
}

impl Op for Projection<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let blocks = self.bias.len() / PANEL;
        assert!(
            self.left.len() >= self.rows * self.depth && self.weights.len() >= blocks * self.depth * PANEL
        );
        assert!(self.rows <= self.panel_rows && self.panels.len() >= blocks * self.panel_rows * PANEL);
        let panels = self.panels.as_mut_ptr();
        for block in 0..blocks {
            for part in (0..PANEL).step_by(columns_at_once::<S>(PANEL)) {
                // SAFETY: `block < blocks` and `part < 64`, for which all lengths were just checked.
                unsafe {
                    let place = Place {
                        start: self.bias.as_ptr().add(block * PANEL + part),
                        right: Right {
                            at: self.weights.as_ptr().add(block * self.depth * PANEL + part),
                            stride: PANEL,
                            apart: S::LANES,
                        },
                        to: panels.add(block * self.panel_rows * PANEL + part),
                    };
                    let (left, depth) = (Left { at: self.left.as_ptr(), stride: self.depth }, self.depth);
                    match columns_at_once::<S>(PANEL) / S::LANES {
                        4 => in_groups(simd, self.rows, &mut Project::<4> { place, left, depth }),
                        _ => in_groups(simd, self.rows, &mut Project::<2> { place, left, depth }),
                    }
                }
            }
        }
    }
}

/// How many of `width` columns a tile takes: four vectors, or two where there are only 16 registers for 8
/// lanes.
const fn columns_at_once<S: Simd>(width: usize) -> usize {
    let most = if S::LANES == 8 { 2 * S::LANES } else { 4 * S::LANES };
    if width < most { width } else { most }
}

#[derive(Clone, Copy)]
struct Place {
    start: *const f32,
    right: Right,
    to: *mut f32,
}

struct Project<const N: usize> {
    place: Place,
    left: Left,
    depth: usize,
}

impl<S: Simd, const N: usize> RowGroup<S> for Project<N> {
    const MOST: usize = most_rows::<S>(N);

    #[inline(always)]
    unsafe fn work<const R: usize>(&mut self, simd: S, first: usize) {
        let Place { start, right, to } = self.place;
        // SAFETY: `Projection::run` checked the lengths for all rows below `rows`, and `N` vectors are the
        // columns of this part.
        unsafe {
            let mut sums = [[simd.zero(); N]; R];
            for n in 0..N {
                let start = simd.load(start.add(n * S::LANES));
                for sums in &mut sums {
                    sums[n] = start;
                }
            }
            let left = Left { at: self.left.at.add(first * self.left.stride), ..self.left };
            accumulate(simd, &mut sums, left, right, self.depth, N);
            for (r, sums) in sums.into_iter().enumerate() {
                for (n, sum) in sums.into_iter().enumerate() {
                    simd.store(to.add((first + r) * PANEL + n * S::LANES), sum);
                }
            }
        }
    }
}

/// `out = (out or 0) + mask * (panels * transposed weights)`: `[block][panel_rows][64]` into `[rows,
/// columns]`.
pub(crate) struct PanelProduct<'a> {
    pub(crate) rows: usize,
    pub(crate) panels: &'a [f32],
    pub(crate) panel_rows: usize,
    /// The first row of the panels that takes part.
    pub(crate) first: usize,
    pub(crate) blocks: usize,
    /// How many of a panel's 64 columns count.
    pub(crate) panel_columns: usize,
    /// `[group][blocks * 64][width]` as [`Blocks::pack_transposed`](crate::layout::Blocks::pack_transposed)
    /// makes it.
    pub(crate) transposed: &'a [f32],
    /// Columns of the result, a multiple of 16.
    pub(crate) columns: usize,
    pub(crate) out: &'a mut [f32],
    /// `[rows, columns]`; without one, nothing is masked.
    pub(crate) mask: Option<&'a [f32]>,
    /// Whether to add to what `out` holds.
    pub(crate) add: bool,
}

impl Op for PanelProduct<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let depth = self.blocks * PANEL;
        assert!(self.first + self.rows <= self.panel_rows && self.panels.len() >= self.panel_rows * depth);
        assert!(self.panel_columns <= PANEL && self.columns.is_multiple_of(LANES));
        assert!(self.transposed.len() >= depth * self.columns && self.out.len() >= self.rows * self.columns);
        assert!(self.mask.is_none_or(|mask| mask.len() >= self.rows * self.columns));
        let (width, out) = (width(self.columns), self.out.as_mut_ptr());
        let part = columns_at_once::<S>(width);
        for column in (0..self.columns).step_by(part) {
            // SAFETY: `column + part <= columns`, for which all lengths were just checked.
            unsafe {
                let back = Back {
                    left: Left { at: self.panels.as_ptr().add(self.first * PANEL), stride: PANEL },
                    panel: self.panel_rows * PANEL,
                    blocks: self.blocks,
                    panel_columns: self.panel_columns,
                    right: Right {
                        at: self.transposed.as_ptr().add((column / width) * depth * width + column % width),
                        stride: width,
                        apart: S::LANES,
                    },
                    to: out.add(column),
                    mask: self.mask.map(
                        #[inline(always)]
                        |mask| mask.as_ptr().add(column),
                    ),
                    columns: self.columns,
                    add: self.add,
                };
                match part / S::LANES {
                    4 => in_groups(simd, self.rows, &mut BackOf::<4>(back)),
                    2 => in_groups(simd, self.rows, &mut BackOf::<2>(back)),
                    _ => in_groups(simd, self.rows, &mut BackOf::<1>(back)),
                }
            }
        }
    }
}

struct Back {
    left: Left,
    panel: usize,
    blocks: usize,
    panel_columns: usize,
    right: Right,
    to: *mut f32,
    mask: Option<*const f32>,
    columns: usize,
    add: bool,
}

struct BackOf<const N: usize>(Back);

impl<S: Simd, const N: usize> RowGroup<S> for BackOf<N> {
    const MOST: usize = most_rows::<S>(N);

    #[inline(always)]
    unsafe fn work<const R: usize>(&mut self, simd: S, first: usize) {
        let back = &self.0;
        // SAFETY: `PanelProduct::run` checked the lengths for all rows below `rows`, and `N` vectors are the
        // columns of this part.
        unsafe {
            let mut sums = [[simd.zero(); N]; R];
            for block in 0..back.blocks {
                let left = Left {
                    at: back.left.at.add(block * back.panel + first * PANEL),
                    stride: back.left.stride,
                };
                let right = Right { at: back.right.at.add(block * PANEL * back.right.stride), ..back.right };
                accumulate(simd, &mut sums, left, right, back.panel_columns, N);
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (n, sum) in sums.into_iter().enumerate() {
                    let at = (first + r) * back.columns + n * S::LANES;
                    let masked = match back.mask {
                        Some(mask) => simd.mul(sum, simd.load(mask.add(at))),
                        None => sum,
                    };
                    let to = back.to.add(at);
                    simd.store(to, if back.add { simd.add(simd.load(to), masked) } else { masked });
                }
            }
        }
    }
}
