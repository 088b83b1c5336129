//! Plain Rust on arrays of four floats, which compilers turn into the baseline's vectors where they can.

use super::{EXP2_LIMIT, NOT_VANISHING, Simd, exp2_fraction};

/// Needs nothing of the processor.
#[derive(Clone, Copy)]
pub(super) struct Plain;

const LANES: usize = 4;

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> [f32; LANES] {
    [f(0), f(1), f(2), f(3)]
}

impl Simd for Plain {
    type V = [f32; LANES];
    const LANES: usize = LANES;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; LANES]
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller promises 4 readable floats, and an array of floats is aligned as a float.
        unsafe { from.cast::<Self::V>().read() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, vector: Self::V) {
        // SAFETY: the caller promises 4 writable floats, and an array of floats is aligned as a float.
        unsafe { to.cast::<Self::V>().write(vector) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        each(|lane| a[lane] + b[lane])
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        each(|lane| a[lane] - b[lane])
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        each(|lane| a[lane] * b[lane])
    }
    // Rounded twice: `f32::mul_add` without hardware FMA is a slow library call.
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        each(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        each(|lane| c[lane] - a[lane] * b[lane])
    }
    #[inline(always)]
    fn vanish(self, a: Self::V) -> Self::V {
        each(|lane| if a[lane].to_bits() & NOT_VANISHING as u32 == 0 { 0.0 } else { a[lane] })
    }
    #[inline(always)]
    fn reciprocal<const K: usize>(self, mut a: [Self::V; K]) -> [Self::V; K] {
        for a in &mut a {
            *a = each(|lane| 1.0 / a[lane]);
        }
        a
    }
    #[inline(always)]
    fn exp2<const K: usize>(self, mut a: [Self::V; K]) -> [Self::V; K] {
        let mut whole = a;
        for (whole, a) in whole.iter_mut().zip(&mut a) {
            let limited = each(|lane| a[lane].clamp(-EXP2_LIMIT, EXP2_LIMIT));
            // Shifted above zero, truncation is the floor, without the library call that `floor` is on old
            // processors. The sum may round up to the next whole number; the fraction is then a hair below
            // zero, where the polynomial still holds.
            *whole = each(|lane| ((limited[lane] + 128.0) as i32 - 128) as f32);
            *a = self.sub(limited, *whole);
        }
        let mut power = exp2_fraction(self, a);
        for (power, whole) in power.iter_mut().zip(whole) {
            // 2^n as the bits of a float: the exponent field holds n + 127.
            *power = self.mul(*power, each(|lane| f32::from_bits(((whole[lane] as i32 + 127) << 23) as u32)));
        }
        power
    }
}
