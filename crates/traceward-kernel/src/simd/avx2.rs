//! AVX2 with FMA: 8 lanes, 16 registers.

use super::{EXP2_LIMIT, NOT_VANISHING, Op, Simd, exp2_fraction};
use std::arch::x86_64::*;

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    pub(super) fn run(self, op: impl Op) {
        #[target_feature(enable = "avx2,fma")]
        fn with_features(simd: Avx2, op: impl Op) {
            op.run(simd);
        }
        // SAFETY: `self` exists, so the features were detected.
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

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        proven!(_mm256_set1_ps(value))
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: the caller promises 8 readable floats; the features are proven.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: __m256) {
        // SAFETY: the caller promises 8 writable floats; the features are proven.
        unsafe { _mm256_storeu_ps(to, vector) }
    }
    #[inline(always)]
    fn prefetch(self, place: *const f32) {
        proven!(_mm_prefetch::<_MM_HINT_T1>(place.cast()));
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        proven!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        proven!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        proven!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        proven!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        proven!(_mm256_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn vanish(self, a: __m256) -> __m256 {
        let bits = proven!(_mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(NOT_VANISHING)));
        let small = proven!(_mm256_cmpeq_epi32(bits, _mm256_setzero_si256()));
        proven!(_mm256_andnot_ps(_mm256_castsi256_ps(small), a))
    }
    #[inline(always)]
    fn reciprocal<const K: usize>(self, mut a: [__m256; K]) -> [__m256; K] {
        for a in &mut a {
            *a = proven!(_mm256_div_ps(_mm256_set1_ps(1.0), *a));
        }
        a
    }
    #[inline(always)]
    fn exp2<const K: usize>(self, mut a: [__m256; K]) -> [__m256; K] {
        // Of a NaN and a number `vminps` and `vmaxps` return the second operand, so a NaN passes.
        for a in &mut a {
            *a = proven!(_mm256_min_ps(self.splat(EXP2_LIMIT), *a));
            *a = proven!(_mm256_max_ps(self.splat(-EXP2_LIMIT), *a));
        }
        let mut whole = a;
        for (whole, a) in whole.iter_mut().zip(&mut a) {
            *whole = proven!(_mm256_floor_ps(*whole));
            *a = self.sub(*a, *whole);
        }
        let mut power = exp2_fraction(self, a);
        for (power, whole) in power.iter_mut().zip(whole) {
            // 2^n as the bits of a float: the exponent field holds n + 127.
            let exponent = proven!(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)));
            *power = self.mul(*power, proven!(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))));
        }
        power
    }
}
