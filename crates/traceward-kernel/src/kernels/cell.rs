//! The update of a cell and its derivative, on vectors of units.

use crate::math::{sigmoid, tanh};
use crate::simd::Simd;

/// What a cell does with the four columns of its panel.
pub(super) trait CellMath {
    /// Columns that get a product with the state; they come first.
    const STATE_COLUMNS: usize;
    /// Whether the output depends on the state before other than through the columns.
    const DIRECT: bool;

    /// From the sums of the four columns and the state before (LSTM: c; GRU: h): the four values to keep for the way back, the
    /// state after, and the output.
    fn forward<S: Simd>(simd: S, sums: [S::V; 4], before: S::V) -> ([S::V; 4], S::V, S::V);

    /// From what `forward` kept, the states before and after, and the gradients with respect to the output and (LSTM) the state after:
    /// the gradients with respect to the four sums, to the state before, and directly to the output before.
    fn backward<S: Simd>(simd: S, kept: Kept<S>, d_output: S::V, d_state: S::V) -> ([S::V; 4], S::V, S::V);
}

/// `x` rounded to a multiple of 2^-80, so that what is next to nothing becomes nothing.
///
/// A gradient shrinks from step to step, and after some hundred steps it reaches the subnormal numbers, with which processors compute
/// up to a hundred times slower. Rounding it to zero long before changes no gradient that is large enough to train with.
#[inline(always)]
fn without_traces<S: Simd>(simd: S, x: S::V) -> S::V {
    /// Its unit in the last place is 2^-80.
    const ANCHOR: f32 = f32::from_bits((127 - 57) << 23);
    let anchor = simd.splat(ANCHOR);
    simd.sub(simd.add(x, anchor), anchor)
}

/// What a step left for the way back.
#[derive(Clone, Copy)]
pub(super) struct Kept<S: Simd> {
    pub(super) gates: [S::V; 4],
    pub(super) before: S::V,
    pub(super) after: S::V,
}

/// `c' = f c + i g`, `h' = o tanh(c')`.
pub(super) struct Lstm;

impl CellMath for Lstm {
    const STATE_COLUMNS: usize = 4;
    const DIRECT: bool = false;

    #[inline(always)]
    fn forward<S: Simd>(simd: S, sums: [S::V; 4], before: S::V) -> ([S::V; 4], S::V, S::V) {
        let (i, f) = (sigmoid(simd, sums[0]), sigmoid(simd, sums[1]));
        let (g, o) = (tanh(simd, sums[2]), sigmoid(simd, sums[3]));
        let after = simd.mul_add(f, before, simd.mul(i, g));
        ([i, f, g, o], after, simd.mul(o, tanh(simd, after)))
    }

    #[inline(always)]
    fn backward<S: Simd>(simd: S, kept: Kept<S>, d_output: S::V, d_state: S::V) -> ([S::V; 4], S::V, S::V) {
        let one = simd.splat(1.0);
        let [i, f, g, o] = kept.gates;
        let d_output = without_traces(simd, d_output);
        let activated = tanh(simd, kept.after);
        // d c' = d c'(from later) + d h' o (1 - tanh(c')^2)
        let slope = simd.neg_mul_add(activated, activated, one);
        let d_cell = without_traces(simd, simd.mul_add(simd.mul(d_output, o), slope, d_state));
        let di = simd.mul(d_cell, g);
        let df = simd.mul(d_cell, kept.before);
        let dg = simd.mul(d_cell, i);
        let d_o = simd.mul(d_output, activated);
        let sums = [
            simd.mul(di, simd.neg_mul_add(i, i, i)),
            simd.mul(df, simd.neg_mul_add(f, f, f)),
            simd.mul(dg, simd.neg_mul_add(g, g, one)),
            simd.mul(d_o, simd.neg_mul_add(o, o, o)),
        ];
        (sums, simd.mul(d_cell, f), simd.zero())
    }
}

/// `h' = z h + (1 - z) tanh(x_h + r u_h)`, with `u_h` the candidate's part from the state, its bias included (`reset_after`).
pub(super) struct Gru;

impl CellMath for Gru {
    const STATE_COLUMNS: usize = 3;
    const DIRECT: bool = true;

    #[inline(always)]
    fn forward<S: Simd>(simd: S, sums: [S::V; 4], before: S::V) -> ([S::V; 4], S::V, S::V) {
        let (z, r) = (sigmoid(simd, sums[0]), sigmoid(simd, sums[1]));
        let candidate = tanh(simd, simd.mul_add(r, sums[2], sums[3]));
        // z h + (1 - z) g = g + z (h - g)
        let after = simd.mul_add(z, simd.sub(before, candidate), candidate);
        ([z, r, sums[2], candidate], after, after)
    }

    #[inline(always)]
    fn backward<S: Simd>(simd: S, kept: Kept<S>, d_output: S::V, _d_state: S::V) -> ([S::V; 4], S::V, S::V) {
        let one = simd.splat(1.0);
        let [z, r, from_state, candidate] = kept.gates;
        let d_output = without_traces(simd, d_output);
        let direct = simd.mul(d_output, z);
        let d_candidate = simd.mul(simd.sub(d_output, direct), simd.neg_mul_add(candidate, candidate, one));
        let dz = simd.mul(simd.mul(d_output, simd.sub(kept.before, candidate)), simd.neg_mul_add(z, z, z));
        let dr = simd.mul(simd.mul(d_candidate, from_state), simd.neg_mul_add(r, r, r));
        ([dz, dr, simd.mul(d_candidate, r), d_candidate], simd.zero(), direct)
    }
}
