//! Dropout masks from a counter hash.
//!
//! A mask holds for a whole trace, as Keras' `dropout` and `recurrent_dropout` do, and every element is a
//! pure function of (seed, key of the trace, input or state, unit). So a mask does not depend on the batch a
//! trace is in, on threads, or on what was drawn before, and the backward pass can draw it again. Where Keras
//! draws one recurrent mask for each gate, this draws one for all gates (Gal and Ghahramani's "tied" masks),
//! which leaves one matrix product per step.

/// Rates and seed of the masks of one direction of one layer.
#[derive(Clone, Copy, Debug)]
pub struct Dropout<'a> {
    /// Share of the inputs that is dropped, in `0.0..1.0`.
    pub input: f32,
    /// Share of the state that is dropped on its way into the gates, in `0.0..1.0`.
    pub recurrent: f32,
    /// Must differ between layers, directions and training steps.
    pub seed: u64,
    /// One key per trace of the batch, which stands for the trace wherever in a batch it is.
    pub keys: &'a [u64],
}

/// What a mask is put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Input,
    State,
}

impl Dropout<'_> {
    pub(crate) fn check(&self, traces: usize) {
        for rate in [self.input, self.recurrent] {
            assert!((0.0..1.0).contains(&rate), "a dropout rate is in 0..1, got {rate}");
        }
        assert_eq!(self.keys.len(), traces, "one dropout key for each trace");
    }

    /// Writes the mask of trace `trace`: 0 where dropped, `1 / (1 - rate)` elsewhere.
    pub(crate) fn fill(&self, site: Site, trace: usize, mask: &mut [f32]) {
        let (rate, salt) = match site {
            Site::Input => (self.input, 0x1f83_d9ab_fb41_bd6b),
            Site::State => (self.recurrent, 0x5be0_cd19_137e_2179),
        };
        if rate == 0.0 {
            mask.fill(1.0);
            return;
        }
        let keep = 1.0 / (1.0 - rate);
        // A rate of 24 bits against 24 bits of the hash: exact for every f32 rate above 2^-24.
        let below = (f64::from(rate) * f64::from(1u32 << 24)).round() as u64;
        let base = mix(self.seed ^ mix(self.keys[trace] ^ salt));
        for (unit, value) in mask.iter_mut().enumerate() {
            let drawn = mix(base.wrapping_add((unit as u64).wrapping_mul(GOLDEN))) >> 40;
            *value = if drawn < below { 0.0 } else { keep };
        }
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(rate: f32, seed: u64, site: Site, traces: u64, units: usize) -> Vec<f32> {
        let keys: Vec<u64> = (0..traces).collect();
        let dropout = Dropout { input: rate, recurrent: rate, seed, keys: &keys };
        let mut mask = vec![f32::NAN; traces as usize * units];
        for (trace, row) in mask.chunks_mut(units).enumerate() {
            dropout.fill(site, trace, row);
        }
        mask
    }

    #[test]
    fn the_share_dropped_is_the_rate_and_the_mean_stays_one() {
        for rate in [0.1f32, 0.25, 0.5, 0.9] {
            let mask = masks(rate, 7, Site::State, 4000, 32);
            let count = mask.len() as f64;
            let dropped = mask.iter().filter(|&&value| value == 0.0).count() as f64 / count;
            let expected = f64::from(rate);
            // Six standard deviations of a binomial share.
            let allowed = 6.0 * (expected * (1.0 - expected) / count).sqrt();
            assert!((dropped - expected).abs() < allowed, "{rate}: {dropped} dropped");
            assert!(mask.iter().all(|&value| value == 0.0 || value == 1.0 / (1.0 - rate)));
        }
    }

    #[test]
    fn units_traces_sites_and_seeds_are_independent() {
        let first = masks(0.5, 1, Site::State, 500, 64);
        for other in [masks(0.5, 2, Site::State, 500, 64), masks(0.5, 1, Site::Input, 500, 64)] {
            let equal = first.iter().zip(&other).filter(|(a, b)| a == b).count() as f64 / first.len() as f64;
            assert!((equal - 0.5).abs() < 0.02, "{equal}");
        }
        for unit in 1..64 {
            let equal = (0..500).filter(|row| first[row * 64] == first[row * 64 + unit]).count();
            assert!((180..320).contains(&equal), "unit {unit}: {equal}");
        }
        for row in 1..500 {
            assert_ne!(first[..64], first[row * 64..][..64]);
        }
    }

    #[test]
    fn a_mask_goes_with_the_key_and_not_with_the_place() {
        let mut masks = [[0.0f32; 16]; 2];
        Dropout { input: 0.0, recurrent: 0.5, seed: 3, keys: &[11, 42] }.fill(Site::State, 1, &mut masks[0]);
        Dropout { input: 0.0, recurrent: 0.5, seed: 3, keys: &[42] }.fill(Site::State, 0, &mut masks[1]);
        assert_eq!(masks[0], masks[1]);
    }

    #[test]
    fn rate_zero_is_no_mask() {
        assert!(masks(0.0, 5, Site::Input, 3, 9).iter().all(|&value| value == 1.0));
    }
}
