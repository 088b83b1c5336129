//! AVX-512: 16 lanes, 32 registers.
//!
//! `vscalefps` multiplies by `2^floor(t)` and `vreduceps` takes `t - floor(t)`, so `exp2` needs neither a
//! rounding nor integer arithmetic; `vrcp14ps` with one Newton step replaces a division, which is several
//! times slower.

use super::{EXP2_LIMIT, NOT_VANISHING, Op, Simd, exp2_fraction};
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512 F and DQ.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")).then_some(Self(()))
    }

    pub(super) fn run(self, op: impl Op) {
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        fn with_features(simd: Avx512, op: impl Op) {
            op.run(simd);
        }
        // SAFETY: `self` exists, so the features were detected; AVX-512 F implies AVX2 and FMA.
        unsafe { with_features(self, op) }
    }
}

/// An intrinsic that needs nothing but the features.
macro_rules! proven {
    ($call:expr) => {{
        // SAFETY: the receiver exists, so `detect` found the features.
        unsafe { $call }
    }};
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        proven!(_mm512_set1_ps(value))
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: the caller promises 16 readable floats; the features are proven.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: __m512) {
        // SAFETY: the caller promises 16 writable floats; the features are proven.
        unsafe { _mm512_storeu_ps(to, vector) }
    }
    #[inline(always)]
    fn prefetch(self, place: *const f32) {
        proven!(_mm_prefetch::<_MM_HINT_T1>(place.cast()));
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        proven!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        proven!(_mm512_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn vanish(self, a: __m512) -> __m512 {
        let bits = proven!(_mm512_castps_si512(a));
        let kept = proven!(_mm512_test_epi32_mask(bits, _mm512_set1_epi32(NOT_VANISHING)));
        proven!(_mm512_maskz_mov_ps(kept, a))
    }
    #[inline(always)]
    fn reciprocal<const K: usize>(self, mut a: [__m512; K]) -> [__m512; K] {
        let mut guess = a;
        for guess in &mut guess {
            *guess = proven!(_mm512_rcp14_ps(*guess));
        }
        for (a, guess) in a.iter_mut().zip(guess) {
            *a = self.neg_mul_add(*a, guess, self.splat(1.0));
        }
        for (error, guess) in a.iter_mut().zip(guess) {
            *error = self.mul_add(guess, *error, guess);
        }
        a
    }
    #[inline(always)]
    fn exp2<const K: usize>(self, mut a: [__m512; K]) -> [__m512; K] {
        /// Fraction bits 0, round down, no exceptions.
        const FLOOR: i32 = 0x09;
        // Of a NaN and a number `vminps` returns the second operand, so a NaN passes.
        for a in &mut a {
            *a = proven!(_mm512_min_ps(self.splat(EXP2_LIMIT), *a));
        }
        let mut fraction = a;
        for fraction in &mut fraction {
            *fraction = proven!(_mm512_reduce_ps::<FLOOR>(*fraction));
        }
        let mut power = exp2_fraction(self, fraction);
        for (power, a) in power.iter_mut().zip(a) {
            *power = proven!(_mm512_scalef_ps(*power, a));
        }
        power
    }
}
