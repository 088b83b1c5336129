//! The update of a cell and its derivative, on vectors of units.

use crate::math::{SIGMOID_SCALE, TANH_SCALE, logistic, sigmoid, tanh, tanh_of_logistic};
use crate::simd::Simd;

/// What a cell does with the four columns of its panel, for `R` rows in step.
pub(super) trait CellMath {
    /// Columns that get a product with the state; they come first.
    const STATE_COLUMNS: usize;
    /// Whether the output depends on the state before other than through the columns.
    const DIRECT: bool;

    /// From the sums of the four columns and the state before (LSTM: c; GRU: h).
    fn forward<S: Simd, const R: usize>(simd: S, sums: [[S::V; 4]; R], before: [S::V; R]) -> Moved<S, R>;

    /// From what the forward step kept, and the gradients with respect to the output and (LSTM) the state
    /// after.
    fn backward<S: Simd, const R: usize>(
        simd: S,
        kept: &Kept<S, R>,
        d_output: [S::V; R],
        d_state: [S::V; R],
    ) -> Traced<S, R>;
}

/// What a step forward makes of `R` rows.
pub(super) struct Moved<S: Simd, const R: usize> {
    /// The four values to keep for the way back.
    pub(super) gates: [[S::V; 4]; R],
    pub(super) after: [S::V; R],
    pub(super) output: [S::V; R],
}

/// What a step left for the way back.
pub(super) struct Kept<S: Simd, const R: usize> {
    pub(super) gates: [[S::V; 4]; R],
    pub(super) before: [S::V; R],
    pub(super) after: [S::V; R],
}

/// What a step back makes of `R` rows: gradients.
pub(super) struct Traced<S: Simd, const R: usize> {
    /// With respect to the four sums.
    pub(super) sums: [[S::V; 4]; R],
    /// With respect to the state before.
    pub(super) state: [S::V; R],
    /// With respect to the output before, directly.
    pub(super) direct: [S::V; R],
}

/// `c' = f c + i g`, `h' = o tanh(c')`.
pub(super) struct Lstm;

impl CellMath for Lstm {
    const STATE_COLUMNS: usize = 4;
    const DIRECT: bool = false;

    #[inline(always)]
    fn forward<S: Simd, const R: usize>(simd: S, sums: [[S::V; 4]; R], before: [S::V; R]) -> Moved<S, R> {
        let scales = [SIGMOID_SCALE, SIGMOID_SCALE, TANH_SCALE, SIGMOID_SCALE];
        let (mut gates, mut after) = (sums, before);
        for (gates, after) in gates.iter_mut().zip(&mut after) {
            for (gate, scale) in gates.iter_mut().zip(scales) {
                *gate = simd.mul(*gate, simd.splat(scale));
            }
            *gates = logistic(simd, *gates);
            gates[2] = tanh_of_logistic(simd, gates[2]);
            *after = simd.mul_add(gates[1], *after, simd.mul(gates[0], gates[2]));
        }
        let mut output = tanh(simd, after);
        for (output, gates) in output.iter_mut().zip(gates) {
            *output = simd.mul(gates[3], *output);
        }
        Moved { gates, after, output }
    }

    #[inline(always)]
    fn backward<S: Simd, const R: usize>(
        simd: S,
        kept: &Kept<S, R>,
        d_output: [S::V; R],
        d_state: [S::V; R],
    ) -> Traced<S, R> {
        let one = simd.splat(1.0);
        let activated = tanh(simd, kept.after);
        let mut traced = Traced { sums: kept.gates, state: d_state, direct: d_output };
        for r in 0..R {
            let [i, f, g, o] = kept.gates[r];
            let d_output = simd.vanish(d_output[r]);
            // d c' = d c'(from later) + d h' o (1 - tanh(c')^2)
            let slope = simd.neg_mul_add(activated[r], activated[r], one);
            let d_cell = simd.vanish(simd.mul_add(simd.mul(d_output, o), slope, d_state[r]));
            let di = simd.mul(d_cell, g);
            let df = simd.mul(d_cell, kept.before[r]);
            let dg = simd.mul(d_cell, i);
            let d_o = simd.mul(d_output, activated[r]);
            traced.sums[r] = [
                simd.mul(di, simd.neg_mul_add(i, i, i)),
                simd.mul(df, simd.neg_mul_add(f, f, f)),
                simd.mul(dg, simd.neg_mul_add(g, g, one)),
                simd.mul(d_o, simd.neg_mul_add(o, o, o)),
            ];
            traced.state[r] = simd.mul(d_cell, f);
        }
        traced
    }
}

/// `h' = z h + (1 - z) tanh(x_h + r u_h)`, with `u_h` the candidate's part from the state, its bias included
/// (`reset_after`).
pub(super) struct Gru;

impl CellMath for Gru {
    const STATE_COLUMNS: usize = 3;
    const DIRECT: bool = true;

    #[inline(always)]
    fn forward<S: Simd, const R: usize>(simd: S, sums: [[S::V; 4]; R], before: [S::V; R]) -> Moved<S, R> {
        let (mut gates, mut candidates) = (sums, before);
        for (gates, candidate) in gates.iter_mut().zip(&mut candidates) {
            let [z, r] = sigmoid(simd, [gates[0], gates[1]]);
            (gates[0], gates[1]) = (z, r);
            *candidate = simd.mul_add(r, gates[2], gates[3]);
        }
        let candidates = tanh(simd, candidates);
        let mut after = before;
        for ((gates, after), candidate) in gates.iter_mut().zip(&mut after).zip(candidates) {
            gates[3] = candidate;
            // z h + (1 - z) g = g + z (h - g)
            *after = simd.mul_add(gates[0], simd.sub(*after, candidate), candidate);
        }
        Moved { gates, after, output: after }
    }

    #[inline(always)]
    fn backward<S: Simd, const R: usize>(
        simd: S,
        kept: &Kept<S, R>,
        d_output: [S::V; R],
        d_state: [S::V; R],
    ) -> Traced<S, R> {
        let one = simd.splat(1.0);
        // The output is the state, so all gradients arrive by the output and none is left for the state.
        let mut traced = Traced { sums: kept.gates, state: d_state, direct: d_output };
        for r in 0..R {
            let [z, reset, from_state, candidate] = kept.gates[r];
            let d_output = simd.vanish(d_output[r]);
            let direct = simd.mul(d_output, z);
            let d_candidate =
                simd.mul(simd.sub(d_output, direct), simd.neg_mul_add(candidate, candidate, one));
            let dz =
                simd.mul(simd.mul(d_output, simd.sub(kept.before[r], candidate)), simd.neg_mul_add(z, z, z));
            let dr = simd.mul(simd.mul(d_candidate, from_state), simd.neg_mul_add(reset, reset, reset));
            traced.sums[r] = [dz, dr, simd.mul(d_candidate, reset), d_candidate];
            traced.direct[r] = direct;
        }
        traced
    }
}
