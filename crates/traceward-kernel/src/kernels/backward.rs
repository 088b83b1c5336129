//! One step back through the cell update; the product with the recurrent weights is [`PanelProduct`](super::PanelProduct)'s.

use super::cell::{CellMath, Gru, Kept, Lstm};
use crate::Cell;
use crate::layout::{Blocks, LANES, PANEL};
use crate::simd::{Op, Simd};

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
    /// With respect to the output; becomes what reaches the output before without passing the sums. `[traces][padded units]`.
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
    let (d_output, d_state) = (op.d_output.as_mut_ptr(), op.d_state.as_mut_ptr());
    for block in 0..op.blocks.blocks {
        for row in 0..traces {
            for lane in (0..LANES).step_by(S::LANES) {
                let at = row * units + block * LANES + lane;
                // SAFETY: `row < traces` and `block < blocks`, for which all lengths and the index were just checked; `lane + LANES <= 16`.
                unsafe {
                    let gates =
                        op.gates.as_ptr().add((block * op.gate_rows + op.gate_first + row) * PANEL + lane);
                    // A plain loop: a closure passed to `array::from_fn` would be compiled without the features.
                    let mut kept_gates = [simd.zero(); 4];
                    for (column, gate) in kept_gates.iter_mut().enumerate() {
                        *gate = simd.load(gates.add(column * LANES));
                    }
                    let kept = Kept {
                        gates: kept_gates,
                        before: simd.load(op.before.as_ptr().add(at)),
                        after: simd.load(op.after.as_ptr().add(at)),
                    };
                    let (sums, state, direct) =
                        C::backward(simd, kept, simd.load(d_output.add(at)), simd.load(d_state.add(at)));
                    simd.store(d_state.add(at), state);
                    if C::DIRECT {
                        simd.store(d_output.add(at), direct);
                    }
                    let d_sums =
                        op.d_sums.as_mut_ptr().add((block * op.sum_rows + op.sum_first + row) * PANEL + lane);
                    for (column, sum) in sums.into_iter().enumerate() {
                        simd.store(d_sums.add(column * LANES), sum);
                    }
                    if SCATTER {
                        let total =
                            scatter.add(block * scatter_panel + *index.add(row) as usize * PANEL + lane);
                        for (column, sum) in sums.into_iter().enumerate() {
                            let place = total.add(column * LANES);
                            simd.store(place, simd.add(simd.load(place), sum));
                        }
                    }
                }
            }
        }
    }
}
