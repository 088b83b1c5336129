//! One small vector interface over AVX-512, AVX2, NEON and plain Rust, chosen at run time.
//!
//! An operation is a struct with [`Op::run`], written once against [`Simd`]; [`Isa::run`] compiles it for
//! each instruction set and calls the right one. Holding a value that implements [`Simd`] proves that the
//! processor has the instructions: such values come only out of detection. So arithmetic on vectors is safe,
//! and only loads and stores, which take pointers, are not.
//!
//! `Op::run` and everything generic below it must be `#[inline(always)]`: instructions are selected in the
//! one function that carries `#[target_feature]`, and code that is not inlined into it would be compiled for
//! the baseline processor.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;

use std::fmt;
use std::sync::OnceLock;

/// Vectors of `LANES` floats, 1 <= `LANES` <= 16 and a divisor of 16.
pub(crate) trait Simd: Copy {
    /// A vector.
    type V: Copy;
    /// Floats in a vector.
    const LANES: usize;
    /// Vector registers of the processor, by which tiles are sized.
    const REGISTERS: usize;

    fn splat(self, value: f32) -> Self::V;
    /// # Safety
    /// `from` points to `LANES` readable floats, aligned as floats.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// # Safety
    /// `to` points to `LANES` writable floats, aligned as floats.
    unsafe fn store(self, to: *mut f32, vector: Self::V);
    /// Asks for the cache line at `place`, which need not be readable: soon it will be wanted.
    #[inline(always)]
    fn prefetch(self, _place: *const f32) {}
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the processor can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a * b`, rounded once where the processor can.
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a`, or 0 where it is smaller than 2^-95 (2.5e-29).
    ///
    /// A gradient shrinks from step to step, and after some hundred steps it reaches the subnormal numbers,
    /// with which processors compute up to a hundred times slower. Nothing that is large enough to train with
    /// is lost.
    fn vanish(self, a: Self::V) -> Self::V;
    /// `1 / a` for `1 <= a <= 2^127`, within 1e-7 relative; NaN for NaN.
    ///
    /// This and [`Simd::exp2`] work on several vectors in step: a chain of dependent instructions leaves the
    /// processor idle, and what would fill the gaps must be near in the program, since its scheduler looks
    /// ahead by about a hundred instructions.
    fn reciprocal<const K: usize>(self, a: [Self::V; K]) -> [Self::V; K];
    /// `2^a`, within 2e-7 relative for `-126 <= a <= 126`; `2^126` above; next to 0 below; NaN for NaN.
    fn exp2<const K: usize>(self, a: [Self::V; K]) -> [Self::V; K];

    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(0.0)
    }
}

/// Something to compute with vectors of any instruction set.
pub(crate) trait Op {
    /// Computes; must be `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S);
}

/// Coefficients of `2^r` for `0 <= r < 1`, from degree 0 to 5: minimax in relative error (8.2e-8) with the
/// first held at 1, by Remez' exchange on 200,001 points in extended precision. Evaluated in `f32`, the
/// relative error is at most 1.5e-7.
pub(crate) const EXP2: [f32; 6] = [1.0, 0.693_151_3, 0.240_164_45, 0.055_799_914, 0.009_017_03, 0.001_867_13];

/// [`EXP2`] by Horner's rule.
#[inline(always)]
pub(crate) fn exp2_fraction<S: Simd, const K: usize>(simd: S, r: [S::V; K]) -> [S::V; K] {
    let mut p = [simd.splat(EXP2[5]); K];
    for coefficient in [EXP2[4], EXP2[3], EXP2[2], EXP2[1], EXP2[0]] {
        let coefficient = simd.splat(coefficient);
        for (p, r) in p.iter_mut().zip(r) {
            *p = simd.mul_add(*p, r, coefficient);
        }
    }
    p
}

/// The bits of a float of which one is set if and only if it is at least 2^-95 (or NaN): the upper three of
/// the exponent, which is 127 more than the power of two.
pub(crate) const NOT_VANISHING: i32 = 0x7000_0000;

/// Where the argument of [`Simd::exp2`] saturates.
pub(crate) const EXP2_LIMIT: f32 = 126.0;

/// An instruction set that this processor has.
#[derive(Clone, Copy)]
pub struct Isa(Kind);

#[derive(Clone, Copy)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    Plain(plain::Plain),
}

/// The environment variable that forces an instruction set by its name.
pub const ISA_VARIABLE: &str = "TRACEWARD_ISA";

impl Isa {
    /// The best that this processor has, or the one that the environment variable [`ISA_VARIABLE`] names
    /// (`avx512`, `avx2`, `neon` or `plain`) if this processor has it; a name it does not have is ignored.
    /// Asked once in the life of the process.
    #[must_use]
    pub fn detect() -> Self {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED
            .get_or_init(|| Self::choose(&Self::available(), std::env::var(ISA_VARIABLE).ok().as_deref()))
    }

    /// The one of `available` with this name, or else the first.
    fn choose(available: &[Self], name: Option<&str>) -> Self {
        *available.iter().find(|isa| Some(isa.name()) == name).unwrap_or(&available[0])
    }

    /// All that this processor has, best first; plain Rust is always the last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            available.extend(avx512::Avx512::detect().map(|isa| Self(Kind::Avx512(isa))));
            available.extend(avx2::Avx2::detect().map(|isa| Self(Kind::Avx2(isa))));
        }
        #[cfg(target_arch = "aarch64")]
        available.extend(neon::Neon::detect().map(|isa| Self(Kind::Neon(isa))));
        available.push(Self(Kind::Plain(plain::Plain)));
        available
    }

    /// `avx512`, `avx2`, `neon` or `plain`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
            Kind::Plain(_) => "plain",
        }
    }

    /// Computes `op` with this instruction set.
    pub(crate) fn run(self, op: impl Op) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(isa) => isa.run(op),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(isa) => isa.run(op),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(isa) => isa.run(op),
            Kind::Plain(isa) => op.run(isa),
        }
    }
}

impl Default for Isa {
    fn default() -> Self {
        Self::detect()
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_forces_an_instruction_set_and_an_unknown_one_does_not() {
        let available = Isa::available();
        for isa in &available {
            assert_eq!(Isa::choose(&available, Some(isa.name())).name(), isa.name());
        }
        for name in [None, Some("mmx"), Some("")] {
            assert_eq!(Isa::choose(&available, name).name(), available[0].name());
        }
        assert_eq!(available.last().map(|isa| isa.name()), Some("plain"));
    }
}
