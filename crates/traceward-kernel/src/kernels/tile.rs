//! The register tile that all products are made of.

use crate::simd::Simd;

/// A matrix of `R` rows that a tile multiplies, at row stride `stride`.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) at: *const f32,
    pub(super) stride: usize,
}

/// A matrix of `N` vectors a row, at row stride `stride`, its vectors `apart` floats from each other.
#[derive(Clone, Copy)]
pub(super) struct Right {
    pub(super) at: *const f32,
    pub(super) stride: usize,
    pub(super) apart: usize,
}

/// Adds to `sums` the product of `left [R, depth]` and the first `used` of the `N` vectors of `right [depth,
/// N]`, one `k` after the other.
///
/// # Safety
///
/// `left` is readable at `r * left.stride + k` and `right` for `LANES` floats from `k * right.stride + n *
/// right.apart`, for all `r < R`, `k < depth`, `n < used`.
#[inline(always)]
pub(super) unsafe fn accumulate<S: Simd, const R: usize, const N: usize>(
    simd: S,
    sums: &mut [[S::V; N]; R],
    left: Left,
    right: Right,
    depth: usize,
    used: usize,
) {
    for k in 0..depth {
        let mut weights = [simd.zero(); N];
        for (n, weights) in weights[..used].iter_mut().enumerate() {
            // SAFETY: within `right`, by the contract.
            *weights = unsafe { simd.load(right.at.add(k * right.stride + n * right.apart)) };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: within `left`, by the contract.
            let value = simd.splat(unsafe { *left.at.add(r * left.stride + k) });
            for (sum, weights) in sums[..used].iter_mut().zip(weights) {
                *sum = simd.mul_add(value, weights, *sum);
            }
        }
    }
}

/// Work on rows that is the same for any number of them that fits the registers.
pub(super) trait RowGroup<S: Simd> {
    /// The most rows at a time: 1, 2, 3, 4, 6 or 8.
    const MOST: usize;

    /// Works on the rows `first..first + R`.
    ///
    /// # Safety
    ///
    /// As the implementation says; [`in_groups`] passes rows below its `rows` only.
    unsafe fn work<const R: usize>(&mut self, simd: S, first: usize);
}

/// The most rows of `vectors` accumulators each that leave registers for a row of weights and a broadcast
/// value.
pub(super) const fn most_rows<S: Simd>(vectors: usize) -> usize {
    match (S::REGISTERS - vectors - 1) / vectors {
        0 | 1 => 1,
        2 => 2,
        3 => 3,
        4 | 5 => 4,
        6 | 7 => 6,
        _ => 8,
    }
}

/// Works on the rows `0..rows` in groups as large as the registers allow.
///
/// # Safety
///
/// `group.work` must be sound for all rows below `rows`.
#[inline(always)]
pub(super) unsafe fn in_groups<S: Simd, G: RowGroup<S>>(simd: S, rows: usize, group: &mut G) {
    let mut first = 0;
    // SAFETY: `first + R <= rows` for every call, so the caller's promise covers it.
    unsafe {
        while G::MOST >= 8 && first + 8 <= rows {
            group.work::<8>(simd, first);
            first += 8;
        }
        while G::MOST >= 6 && first + 6 <= rows {
            group.work::<6>(simd, first);
            first += 6;
        }
        while G::MOST >= 4 && first + 4 <= rows {
            group.work::<4>(simd, first);
            first += 4;
        }
        while G::MOST == 3 && first + 3 <= rows {
            group.work::<3>(simd, first);
            first += 3;
        }
        while G::MOST >= 2 && first + 2 <= rows {
            group.work::<2>(simd, first);
            first += 2;
        }
        while first < rows {
            group.work::<1>(simd, first);
            first += 1;
        }
    }
}
