//! Masks as a pure function of (seed, step, layer, trace, element), and seeds derived from seeds.
//!
//! burn's generator is one per process and cannot be saved, so two trainings in one process would
//! disturb each other and a resumed one would not repeat. Here nothing has a state: any mask can be drawn
//! again at any time, whichever batch its trace comes in. Streams (initial weights, shuffles) are
//! [`traceward_trace::rng::Rng`]'s.

/// Mixes 64 bits so that every output bit depends on every input bit (Steele, Lea & Flood 2014:
/// SplitMix64).
pub(crate) fn mix(bits: u64) -> u64 {
    let mut x = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A seed derived from `seed` for one of its uses: a step, a layer, a direction.
pub fn derive(seed: u64, purpose: u64) -> u64 {
    mix(mix(seed) ^ purpose)
}

/// Whether each of `units` elements stays, scaled so that the mean stays: `0` or `1 / (1 - rate)`.
pub(crate) struct Mask {
    seed: u64,
    threshold: u64,
    scale: f32,
}

impl Mask {
    /// The masks of one layer in one step; `rate` is the share that is dropped, in `[0, 1)`.
    pub(crate) fn new(seed: u64, rate: f32) -> Self {
        let threshold = (f64::from(rate) * 2f64.powi(64)) as u64;
        Self { seed, threshold, scale: 1.0 / (1.0 - rate) }
    }

    /// The stream of one trace.
    pub(crate) fn of(&self, key: u64) -> impl Fn(u64) -> f32 {
        let stream = derive(self.seed, key);
        let (threshold, scale) = (self.threshold, self.scale);
        move |element| if mix(stream ^ element) < threshold { 0.0 } else { scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_drops_its_share_and_keeps_the_mean() {
        let mask = Mask::new(11, 0.25);
        for key in 0..4 {
            let draw = mask.of(key);
            let dropped = (0..40_000).filter(|&i| draw(i) == 0.0).count();
            assert!((9_700..10_300).contains(&dropped), "{dropped}");
            let mean = (0..40_000).map(|i| f64::from(draw(i))).sum::<f64>() / 4e4;
            assert!((mean - 1.0).abs() < 0.02, "{mean}");
        }
    }

    #[test]
    fn masks_of_two_traces_and_two_seeds_differ() {
        let bits = |seed, key| (0..64).map(|i| Mask::new(seed, 0.5).of(key)(i) == 0.0).collect::<Vec<_>>();
        assert_ne!(bits(1, 0), bits(1, 1));
        assert_ne!(bits(1, 0), bits(2, 0));
        assert_eq!(bits(1, 0), bits(1, 0));
    }
}
