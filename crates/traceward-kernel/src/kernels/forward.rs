//! One step of a batch: recurrent product and cell update, without leaving the registers in between.

use super::cell::{CellMath, Gru, Lstm};
use super::tile::{Left, Right, RowGroup, accumulate, in_groups, most_rows};
use crate::Cell;
use crate::layout::{Blocks, LANES, PANEL};
use crate::simd::{Op, Simd};

/// Rows whose input part, bias included, is already there: `[block][rows][64]`.
#[derive(Clone, Copy)]
pub(crate) struct Projected<'a> {
    pub(crate) panels: &'a [f32],
    pub(crate) rows: usize,
    /// The row of each trace.
    pub(crate) index: &'a [u32],
}

/// The state (LSTM: c; GRU: h) of each trace, `[traces][padded units]`.
pub(crate) enum State<'a> {
    /// Kept for the way back.
    Apart {
        before: &'a [f32],
        after: &'a mut [f32],
    },
    InPlace(&'a mut [f32]),
}

/// What a step in training leaves behind.
pub(crate) struct TapeRows<'a> {
    /// Values of the gates: panels of `rows` rows, of which this step writes those from `first` on.
    pub(crate) gates: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) first: usize,
    /// Mask of the state, `[traces][padded units]`.
    pub(crate) mask: &'a [f32],
    /// Masked output for the traces that go on, `[next traces][padded units]`.
    pub(crate) next: &'a mut [f32],
}

/// One step of `traces` traces.
pub(crate) struct ForwardStep<'a> {
    pub(crate) blocks: Blocks,
    pub(crate) traces: usize,
    pub(crate) input: Projected<'a>,
    /// `[block][units][64]`.
    pub(crate) recurrent: &'a [f32],
    /// The output before, masked: what the recurrent weights multiply, `[traces][padded units]`.
    pub(crate) output_before: &'a [f32],
    pub(crate) state: State<'a>,
    /// The output, not masked, `[traces][padded units]`.
    pub(crate) output: &'a mut [f32],
    pub(crate) tape: Option<TapeRows<'a>>,
}

impl Op for ForwardStep<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (traces, units) = (self.traces, self.blocks.units());
        assert!(self.input.panels.len() >= self.input.rows * self.blocks.columns());
        let index = &self.input.index[..traces];
        assert!(index.iter().all(|&row| (row as usize) < self.input.rows));
        assert!(self.recurrent.len() >= self.blocks.shape.units * self.blocks.columns());
        assert!(self.output_before.len() >= traces * units && self.output.len() >= traces * units);
        let (before, after): (*const f32, *mut f32) = match &mut self.state {
            State::Apart { before, after } => {
                assert!(before.len() >= traces * units && after.len() >= traces * units);
                (before.as_ptr(), after.as_mut_ptr())
            }
            State::InPlace(state) => {
                assert!(state.len() >= traces * units);
                let state = state.as_mut_ptr();
                (state, state)
            }
        };
        let keep = self.tape.as_mut().map(|tape| {
            assert!(
                tape.first + traces <= tape.rows && tape.gates.len() >= tape.rows * self.blocks.columns()
            );
            assert!(tape.mask.len() >= traces * units);
            Keep {
                // SAFETY: `first <= rows`, and `gates` holds at least `rows * 64` floats.
                gates: unsafe { tape.gates.as_mut_ptr().add(tape.first * PANEL) },
                panel: tape.rows * PANEL,
                mask: tape.mask.as_ptr(),
                next: tape.next.as_mut_ptr(),
                next_traces: tape.next.len() / units,
            }
        });
        let places = Places {
            units: self.blocks.shape.units,
            padded: units,
            input: self.input.panels.as_ptr(),
            input_panel: self.input.rows * PANEL,
            index: index.as_ptr(),
            recurrent: self.recurrent.as_ptr(),
            output_before: self.output_before.as_ptr(),
            before,
            after,
            output: self.output.as_mut_ptr(),
        };
        // SAFETY: every length was just checked against `traces` and the padded units.
        unsafe {
            let tape = keep.is_some();
            let keep = keep.unwrap_or_else(Keep::none);
            match (self.blocks.shape.cell, tape) {
                (Cell::Lstm, true) => step::<S, Lstm, true>(simd, traces, &self.blocks, &places, &keep),
                (Cell::Lstm, false) => step::<S, Lstm, false>(simd, traces, &self.blocks, &places, &keep),
                (Cell::Gru, true) => step::<S, Gru, true>(simd, traces, &self.blocks, &places, &keep),
                (Cell::Gru, false) => step::<S, Gru, false>(simd, traces, &self.blocks, &places, &keep),
            }
        }
    }
}

/// [`TapeRows`] as pointers, the first row's first column.
struct Keep {
    gates: *mut f32,
    panel: usize,
    mask: *const f32,
    next: *mut f32,
    next_traces: usize,
}

impl Keep {
    /// For a step that keeps nothing; never read.
    fn none() -> Self {
        Self {
            gates: std::ptr::null_mut(),
            panel: 0,
            mask: std::ptr::null(),
            next: std::ptr::null_mut(),
            next_traces: 0,
        }
    }
}

/// [`ForwardStep`] as pointers.
struct Places {
    units: usize,
    padded: usize,
    input: *const f32,
    input_panel: usize,
    index: *const u32,
    recurrent: *const f32,
    output_before: *const f32,
    before: *const f32,
    after: *mut f32,
    output: *mut f32,
}

/// # Safety
///
/// `places` and, if `TAPE`, `keep` hold what [`ForwardStep::run`] checks.
#[inline(always)]
unsafe fn step<S: Simd, C: CellMath, const TAPE: bool>(
    simd: S,
    traces: usize,
    blocks: &Blocks,
    places: &Places,
    keep: &Keep,
) {
    for block in 0..blocks.blocks {
        let mut group = Group::<C, TAPE> { places, keep, block, cell: std::marker::PhantomData };
        // SAFETY: by this function's contract, for all rows below `traces`.
        unsafe { in_groups(simd, traces, &mut group) };
    }
}

struct Group<'a, C, const TAPE: bool> {
    places: &'a Places,
    keep: &'a Keep,
    block: usize,
    cell: std::marker::PhantomData<C>,
}

impl<S: Simd, C: CellMath, const TAPE: bool> RowGroup<S> for Group<'_, C, TAPE> {
    const MOST: usize = if most_rows::<S>(4) > 4 { 4 } else { most_rows::<S>(4) };

    #[inline(always)]
    unsafe fn work<const R: usize>(&mut self, simd: S, first: usize) {
        let (places, keep) = (self.places, self.keep);
        for lane in (0..LANES).step_by(S::LANES) {
            // SAFETY: the rows `first..first + R` are below `traces` and the block below `blocks`, for which
            // `ForwardStep::run` checked every length; `lane + LANES <= 16`.
            unsafe {
                let input = places.input.add(self.block * places.input_panel + lane);
                let mut sums = [[simd.zero(); 4]; R];
                for (r, sums) in sums.iter_mut().enumerate() {
                    let row = input.add(*places.index.add(first + r) as usize * PANEL);
                    for (column, sum) in sums.iter_mut().enumerate() {
                        *sum = simd.load(row.add(column * LANES));
                    }
                }
                let left =
                    Left { at: places.output_before.add(first * places.padded), stride: places.padded };
                let right = Right {
                    at: places.recurrent.add(self.block * places.units * PANEL + lane),
                    stride: PANEL,
                    apart: LANES,
                };
                accumulate(simd, &mut sums, left, right, places.units, C::STATE_COLUMNS);
                let at = first * places.padded + self.block * LANES + lane;
                let mut before = [simd.zero(); R];
                for (r, before) in before.iter_mut().enumerate() {
                    *before = simd.load(places.before.add(at + r * places.padded));
                }
                let moved = C::forward(simd, sums, before);
                for r in 0..R {
                    let at = at + r * places.padded;
                    simd.store(places.after.add(at), moved.after[r]);
                    simd.store(places.output.add(at), moved.output[r]);
                    if TAPE {
                        let row = keep.gates.add(self.block * keep.panel + (first + r) * PANEL + lane);
                        for (column, gate) in moved.gates[r].into_iter().enumerate() {
                            simd.store(row.add(column * LANES), gate);
                        }
                        if first + r < keep.next_traces {
                            let masked = simd.mul(moved.output[r], simd.load(keep.mask.add(at)));
                            simd.store(keep.next.add(at), masked);
                        }
                    }
                }
            }
        }
    }
}
