//! NEON on 64-bit ARM: 4 lanes, 32 registers.

#![allow(unused_unsafe, reason = "most of these intrinsics are safe where NEON is part of the target")]

use super::{EXP2_LIMIT, NOT_VANISHING, Op, Simd, exp2_fraction};
use std::arch::aarch64::*;

/// Proof that the processor has NEON.
#[derive(Clone, Copy)]
pub(super) struct Neon(());

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    pub(super) fn run(self, op: impl Op) {
        #[target_feature(enable = "neon")]
        fn with_features(simd: Neon, op: impl Op) {
            op.run(simd);
        }
        // SAFETY: `self` exists, so the feature was detected.
        unsafe { with_features(self, op) }
    }
}

/// An intrinsic that needs nothing but the feature.
macro_rules! proven {
    ($call:expr) => {{
        // SAFETY: the receiver exists, so `detect` found the feature.
        unsafe { $call }
    }};
}

impl Simd for Neon {
    type V = float32x4_t;
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        proven!(vdupq_n_f32(value))
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: the caller promises 4 readable floats; the feature is proven.
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: float32x4_t) {
        // SAFETY: the caller promises 4 writable floats; the feature is proven.
        unsafe { vst1q_f32(to, vector) }
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        proven!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        proven!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        proven!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        proven!(vfmaq_f32(c, a, b))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        proven!(vfmsq_f32(c, a, b))
    }
    #[inline(always)]
    fn vanish(self, a: float32x4_t) -> float32x4_t {
        let bits = proven!(vreinterpretq_s32_f32(a));
        let kept = proven!(vtstq_s32(bits, vdupq_n_s32(NOT_VANISHING)));
        proven!(vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), kept)))
    }
    #[inline(always)]
    fn reciprocal<const K: usize>(self, mut a: [float32x4_t; K]) -> [float32x4_t; K] {
        for a in &mut a {
            *a = proven!(vdivq_f32(vdupq_n_f32(1.0), *a));
        }
        a
    }
    #[inline(always)]
    fn exp2<const K: usize>(self, mut a: [float32x4_t; K]) -> [float32x4_t; K] {
        // `fmin` and `fmax` return NaN for a NaN, so it passes.
        for a in &mut a {
            *a = proven!(vminq_f32(*a, vdupq_n_f32(EXP2_LIMIT)));
            *a = proven!(vmaxq_f32(*a, vdupq_n_f32(-EXP2_LIMIT)));
        }
        let mut whole = a;
        for (whole, a) in whole.iter_mut().zip(&mut a) {
            *whole = proven!(vrndmq_f32(*whole));
            *a = self.sub(*a, *whole);
        }
        let mut power = exp2_fraction(self, a);
        for (power, whole) in power.iter_mut().zip(whole) {
            // 2^n as the bits of a float: the exponent field holds n + 127.
            let exponent = proven!(vaddq_s32(vcvtq_s32_f32(whole), vdupq_n_s32(127)));
            *power = self.mul(*power, proven!(vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent))));
        }
        power
    }
}
