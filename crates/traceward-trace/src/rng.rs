//! The random numbers behind every split and shuffle, the same on every machine and in every version.
//!
//! A seed in a run directory must give the same split years later, so the generator is part of the file
//! format: it is written out here instead of borrowed from a crate that may change its stream, it uses
//! integers only, and its tests pin published vectors. It is xoshiro256++ (Blackman & Vigna, "Scrambled
//! linear pseudorandom number generators", 2021), its state filled by SplitMix64 (Steele, Lea & Flood
//! 2014) as its authors advise. It is not for secrets.

/// The increment of SplitMix64: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of random numbers that depends on its seed and on nothing else.
///
/// ```
/// use traceward_trace::rng::Rng;
///
/// let mut rows = [0, 1, 2, 3, 4];
/// Rng::new(7).shuffle(&mut rows);
/// let mut again = [0, 1, 2, 3, 4];
/// Rng::new(7).shuffle(&mut again);
/// assert_eq!(rows, again);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        let mut counter = seed;
        Self {
            state: std::array::from_fn(|_| {
                counter = counter.wrapping_add(GOLDEN);
                mix(counter)
            }),
        }
    }

    /// The stream number `stream` of `seed`: independent of the other streams, so that what is drawn for
    /// one class or epoch does not move what is drawn for the next.
    pub fn stream(seed: u64, stream: u64) -> Self {
        Self::new(mix(seed.wrapping_add(GOLDEN)) ^ mix(stream.wrapping_mul(GOLDEN)))
    }

    /// Sixty-four random bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// A number in `0..bound`, each equally likely (Lemire 2019: multiply, and reject the uneven rest);
    /// 0 for a bound of 0 or 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        let uneven = if bound == 0 { 0 } else { bound.wrapping_neg() % bound };
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= uneven {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number in `[0, 1)`, with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts `items` in random order, every order equally likely (Fisher & Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            items.swap(last, chosen);
        }
    }
}

/// SplitMix64's output function: every input bit moves every output bit.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the authors' C code and `rand_xoshiro` agree on.
    #[test]
    fn xoshiro_gives_its_published_numbers() {
        let mut rng = Rng { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..6).map(|_| rng.next_u64()).collect();
        assert_eq!(
            drawn,
            [
                41_943_041,
                58_720_359,
                3_588_806_011_781_223,
                3_591_011_842_654_386,
                9_228_616_714_210_784_205,
                9_973_669_472_204_895_162,
            ]
        );
    }

    /// SplitMix64 of seed 1234567, as published with the algorithm's C code.
    #[test]
    fn split_mix_fills_the_state_with_its_published_numbers() {
        assert_eq!(
            Rng::new(1_234_567).state,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
            ]
        );
    }

    /// Splits that people have published depend on these orders: this test may never be changed. The
    /// expected orders come from a second implementation, in Python.
    #[test]
    fn orders_are_pinned() {
        let mut rows: Vec<u32> = (0..12).collect();
        Rng::new(0).shuffle(&mut rows);
        assert_eq!(rows, [7, 2, 6, 1, 10, 5, 8, 9, 0, 11, 4, 3]);
        let mut rows: Vec<u32> = (0..12).collect();
        Rng::stream(42, 3).shuffle(&mut rows);
        assert_eq!(rows, [0, 8, 7, 2, 9, 5, 10, 4, 3, 1, 11, 6]);
    }

    #[test]
    fn below_reaches_every_number_about_equally() {
        let mut rng = Rng::new(5);
        let mut seen = [0u32; 7];
        for _ in 0..7_000 {
            seen[rng.below(7) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
        assert_eq!(rng.below(1), 0);
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn uniform_stays_in_its_range_and_fills_it() {
        let mut rng = Rng::new(9);
        let drawn: Vec<f64> = (0..10_000).map(|_| rng.uniform()).collect();
        assert!(drawn.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }

    #[test]
    fn streams_differ() {
        let first: Vec<u64> = (0..100).map(|s| Rng::stream(1, s).next_u64()).collect();
        let mut distinct = first.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), first.len());
        assert_ne!(Rng::stream(1, 0).next_u64(), Rng::stream(2, 0).next_u64());
    }
}
