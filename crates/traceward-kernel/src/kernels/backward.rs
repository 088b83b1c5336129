//! One step back through the cell update; the product with the recurrent weights is
//! [`PanelProduct`](super::PanelProduct)'s.

use super::cell::{CellMath, Gru, Kept, Lstm};
use super::tile::{RowGroup, in_groups};
use crate::Cell;
use crate::layout::{Blocks, LANES, PANEL};
use crate::simd::{Op, Simd};
use std::marker::PhantomData;

/// Where rows with the same input part add up their gradients: `[block][rows][64]`.
pub(crate) struct Scatter<'a> {
    pub(crate) panels: &'a mut [f32],
    pub(crate) rows: usize,
    /// The row of each trace.
    pub(crate) index: &'a [u32],
}

/// Gradients with respect to the sums of one step, from those with respect to its output and state.
pub(crate) struct BackwardStep<'a> {
    pub(crate) blocks: Blocks,
    pub(crate) traces: usize,
    /// As the forward step kept them: panels of `gate_rows` rows, this step's from `gate_first` on.
    pub(crate) gates: &'a [f32],
    pub(crate) gate_rows: usize,
    pub(crate) gate_first: usize,
    /// State before and after the step, `[traces][padded units]`.
    pub(crate) before: &'a [f32],
    pub(crate) after: &'a [f32],
    /// With respect to the output; becomes what reaches the output before without passing the sums.
    /// `[traces][padded units]`.
    pub(crate) d_output: &'a mut [f32],
    /// With respect to the state after; becomes that before. `[traces][padded units]`.
    pub(crate) d_state: &'a mut [f32],
    /// With respect to the sums: panels of `sum_rows` rows, this step's from `sum_first` on.
    pub(crate) d_sums: &'a mut [f32],
    pub(crate) sum_rows: usize,
    pub(crate) sum_first: usize,
    pub(crate) scatter: Option<Scatter<'a>>,
}

impl Op for BackwardStep<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match (self.blocks.shape.cell, self.scatter.is_some()) {
            (Cell::Lstm, true) => step::<S, Lstm, true>(simd, self),
            (Cell::Lstm, false) => step::<S, Lstm, false>(simd, self),
            (Cell::Gru, true) => step::<S, Gru, true>(simd, self),
            (Cell::Gru, false) => step::<S, Gru, false>(simd, self),
        }
    }
}

#[inline(always)]
fn step<S: Simd, C: CellMath, const SCATTER: bool>(simd: S, mut op: BackwardStep) {
    let (traces, units, columns) = (op.traces, op.blocks.units(), op.blocks.columns());
    assert!(op.gate_first + traces <= op.gate_rows && op.gates.len() >= op.gate_rows * columns);
    assert!(op.sum_first + traces <= op.sum_rows && op.d_sums.len() >= op.sum_rows * columns);
    assert!(op.before.len() >= traces * units && op.after.len() >= traces * units);
    assert!(op.d_output.len() >= traces * units && op.d_state.len() >= traces * units);
    let (scatter, scatter_panel, index) = match &mut op.scatter {
        Some(scatter) => {
            assert!(scatter.panels.len() >= scatter.rows * columns);
            let index = &scatter.index[..traces];
            assert!(index.iter().all(|&row| (row as usize) < scatter.rows));
            (scatter.panels.as_mut_ptr(), scatter.rows * PANEL, index.as_ptr())
        }
        None => (std::ptr::null_mut(), 0, std::ptr::null()),
    };
    let d_sums = op.d_sums.as_mut_ptr();
    for block in 0..op.blocks.blocks {
        // SAFETY: `block < blocks`, and every length was just checked for all rows below `traces`.
        unsafe {
            let mut group = Group::<C, SCATTER> {
                traces,
                units,
                unit: block * LANES,
                gates: op.gates.as_ptr().add((block * op.gate_rows + op.gate_first) * PANEL),
                before: op.before.as_ptr(),
                after: op.after.as_ptr(),
                d_output: op.d_output.as_mut_ptr(),
                d_state: op.d_state.as_mut_ptr(),
                d_sums: d_sums.add((block * op.sum_rows + op.sum_first) * PANEL),
                totals: if SCATTER { scatter.add(block * scatter_panel) } else { scatter },
                index,
                cell: PhantomData,
            };
            in_groups(simd, traces, &mut group);
        }
    }
}

/// [`BackwardStep`] as pointers, for one block.
struct Group<C, const SCATTER: bool> {
    traces: usize,
    units: usize,
    unit: usize,
    gates: *const f32,
    before: *const f32,
    after: *const f32,
    d_output: *mut f32,
    d_state: *mut f32,
    d_sums: *mut f32,
    totals: *mut f32,
    index: *const u32,
    cell: PhantomData<C>,
}

impl<S: Simd, C: CellMath, const SCATTER: bool> RowGroup<S> for Group<C, SCATTER> {
    const MOST: usize = 4;

    #[inline(always)]
    unsafe fn work<const R: usize>(&mut self, simd: S, first: usize) {
        for lane in (0..LANES).step_by(S::LANES) {
            // SAFETY: `step` checked all lengths and the index for the rows `first..first + R`; `lane + LANES
            // <= 16`.
            unsafe {
                let (zero, at) = (simd.zero(), first * self.units + self.unit + lane);
                let mut kept = Kept { gates: [[zero; 4]; R], before: [zero; R], after: [zero; R] };
                // The step before comes next, and lies before this one.
                let (gates_before, state_before) = (self.traces * PANEL, 2 * self.traces * self.units);
                for r in 0..R {
                    let gates = self.gates.add((first + r) * PANEL).wrapping_sub(gates_before);
                    for line in (0..PANEL).step_by(LANES) {
                        simd.prefetch(gates.wrapping_add(line));
                    }
                    simd.prefetch(self.after.add(at + r * self.units).wrapping_sub(state_before));
                }
                let (mut d_output, mut d_state) = ([zero; R], [zero; R]);
                for r in 0..R {
                    let gates = self.gates.add((first + r) * PANEL + lane);
                    // No closures here: one passed to a function of std would be compiled without the
                    // features.
                    for (column, gate) in kept.gates[r].iter_mut().enumerate() {
                        *gate = simd.load(gates.add(column * LANES));
                    }
                    let at = at + r * self.units;
                    kept.before[r] = simd.load(self.before.add(at));
                    kept.after[r] = simd.load(self.after.add(at));
                    d_output[r] = simd.load(self.d_output.add(at));
                    d_state[r] = simd.load(self.d_state.add(at));
                }
                let traced = C::backward(simd, &kept, d_output, d_state);
                for r in 0..R {
                    let at = at + r * self.units;
                    simd.store(self.d_state.add(at), traced.state[r]);
                    if C::DIRECT {
                        simd.store(self.d_output.add(at), traced.direct[r]);
                    }
                    let d_sums = self.d_sums.add((first + r) * PANEL + lane);
                    for (column, sum) in traced.sums[r].into_iter().enumerate() {
                        simd.store(d_sums.add(column * LANES), sum);
                    }
                    if SCATTER {
                        let total = self.totals.add(*self.index.add(first + r) as usize * PANEL + lane);
                        for (column, sum) in traced.sums[r].into_iter().enumerate() {
                            let place = total.add(column * LANES);
                            simd.store(place, simd.add(simd.load(place), sum));
                        }
                    }
                }
            }
        }
    }
}
