//! `sigmoid` and `tanh` on vectors, in absolute error.
//!
//! Both come from one exponential and one reciprocal, on several vectors in step (see [`Simd::reciprocal`]),
//! so the error near zero is absolute, not relative: at most 1.2e-7 for `sigmoid` and 2.4e-7 for `tanh`,
//! which are one and two units in the last place of 1. Gate values enter products and sums with numbers near
//! one, so that is what counts; the tests hold every instruction set to it. NaN stays NaN (a diverged network
//! must not look sane) and infinities give the limits.

use crate::simd::Simd;
use std::f32::consts::LOG2_E;

/// What [`sigmoid`] multiplies its argument with to get the exponent of 2.
pub(crate) const SIGMOID_SCALE: f32 = -LOG2_E;
/// What [`tanh`] multiplies its argument with to get the exponent of 2.
pub(crate) const TANH_SCALE: f32 = 2.0 * LOG2_E;

/// `1 / (1 + 2^t)`: for `t = SIGMOID_SCALE x`, the sigmoid of `x`.
#[inline(always)]
pub(crate) fn logistic<S: Simd, const K: usize>(simd: S, t: [S::V; K]) -> [S::V; K] {
    let mut e = simd.exp2(t);
    for e in &mut e {
        *e = simd.add(*e, simd.splat(1.0));
    }
    simd.reciprocal(e)
}

/// `tanh(x) = 1 - 2 / (1 + e^2x)` from `logistic(TANH_SCALE x)`.
#[inline(always)]
pub(crate) fn tanh_of_logistic<S: Simd>(simd: S, logistic: S::V) -> S::V {
    simd.neg_mul_add(simd.splat(2.0), logistic, simd.splat(1.0))
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd, const K: usize>(simd: S, mut x: [S::V; K]) -> [S::V; K] {
    for x in &mut x {
        *x = simd.mul(*x, simd.splat(SIGMOID_SCALE));
    }
    logistic(simd, x)
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<S: Simd, const K: usize>(simd: S, mut x: [S::V; K]) -> [S::V; K] {
    for x in &mut x {
        *x = simd.mul(*x, simd.splat(TANH_SCALE));
    }
    let mut logistic = logistic(simd, x);
    for value in &mut logistic {
        *value = tanh_of_logistic(simd, *value);
    }
    logistic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Op};

    /// Largest absolute errors: one and two units in the last place of 1.
    const SIGMOID: f64 = 1.2e-7;
    const TANH: f64 = 2.4e-7;

    struct Each<'a> {
        x: &'a [f32],
        sigmoid: &'a mut [f32],
        tanh: &'a mut [f32],
    }

    impl Op for Each<'_> {
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            for ((x, s), t) in self
                .x
                .chunks_exact(S::LANES)
                .zip(self.sigmoid.chunks_exact_mut(S::LANES))
                .zip(self.tanh.chunks_exact_mut(S::LANES))
            {
                // SAFETY: each chunk has exactly `LANES` floats.
                unsafe {
                    let x = simd.load(x.as_ptr());
                    let ([sigmoid], [tanh]) = (sigmoid(simd, [x]), tanh(simd, [x]));
                    simd.store(s.as_mut_ptr(), sigmoid);
                    simd.store(t.as_mut_ptr(), tanh);
                }
            }
        }
    }

    fn each(isa: Isa, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut sigmoid, mut tanh) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        isa.run(Each { x, sigmoid: &mut sigmoid, tanh: &mut tanh });
        (sigmoid, tanh)
    }

    fn worst(isa: Isa, x: &[f32]) -> (f64, f64) {
        let (sigmoid, tanh) = each(isa, x);
        let mut worst = (0.0f64, 0.0f64);
        for (index, &x) in x.iter().enumerate() {
            let x = f64::from(x);
            worst.0 = worst.0.max((f64::from(sigmoid[index]) - 1.0 / (1.0 + (-x).exp())).abs());
            worst.1 = worst.1.max((f64::from(tanh[index]) - x.tanh()).abs());
        }
        worst
    }

    /// Every `stride`-th float of those whose sigmoid is not yet flat, of both signs.
    fn floats(stride: usize) -> Vec<f32> {
        let last = 100.0f32.to_bits();
        let mut floats: Vec<f32> = (0..last)
            .step_by(stride)
            .flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)])
            .collect();
        floats.resize(floats.len().next_multiple_of(16), 0.0);
        floats
    }

    #[test]
    fn errors_are_within_bounds() {
        for isa in Isa::available() {
            let (sigmoid, tanh) = worst(isa, &floats(997));
            assert!(sigmoid <= SIGMOID && tanh <= TANH, "{isa:?}: sigmoid {sigmoid:e}, tanh {tanh:e}");
        }
    }

    #[test]
    #[ignore = "all floats: a minute"]
    fn errors_are_within_bounds_for_all_floats() {
        for isa in Isa::available() {
            let all = floats(1);
            for part in all.chunks(1 << 20) {
                let (sigmoid, tanh) = worst(isa, part);
                assert!(sigmoid <= SIGMOID && tanh <= TANH, "{isa:?}: sigmoid {sigmoid:e}, tanh {tanh:e}");
            }
        }
    }

    #[test]
    fn limits_and_nan() {
        let mut x = [0.0f32; 16];
        x[..5].copy_from_slice(&[f32::NEG_INFINITY, f32::INFINITY, f32::NAN, -1e30, 1e30]);
        for isa in Isa::available() {
            let (sigmoid, tanh) = each(isa, &x);
            let near = |a: f32, b: f32| (a - b).abs() <= 2.4e-7;
            for (place, limit) in [(0, 0.0), (1, 1.0), (3, 0.0), (4, 1.0)] {
                assert!(near(sigmoid[place], limit), "{isa:?}: {}", sigmoid[place]);
                assert!(near(tanh[place], 2.0 * limit - 1.0), "{isa:?}: {}", tanh[place]);
            }
            assert!(sigmoid[2].is_nan() && tanh[2].is_nan(), "{isa:?}");
            assert_eq!((sigmoid[15], tanh[15]), (0.5, 0.0), "{isa:?}");
        }
    }
}
