//! Which n-grams a trace holds, counted in memory that does not grow with it.
//!
//! A linear model on counts of n-grams is hard for a recurrent network to beat, but exact counts grow with the
//! trace. Here a session has a fixed number of small counters; an n-gram counts where its hash says, shares the
//! counter with others that fall there, and a counter stops at `MOST`. When a counter goes from `c` to
//! `c + 1`, the n-gram that moved it gains `w(c + 1) - w(c)`, with `w(c) = 1 + ln c` and `w(0) = 0`: without
//! shared counters that is the sublinear count of text classification (scikit-learn's `sublinear_tf`). An n-gram
//! whose counter is taken gains less than it should, and that is all that is lost.
//!
//! A trace that is much longer than there are counters fills them, and from then on its row stands still: on a
//! host, a session of a process that lives long must begin anew from time to time.
//!
//! Training counts by the same code ([`bag`]).

use traceward_kernel::Isa;
use traceward_kernel::row;
use traceward_run::spec::NgramSketch;

use crate::wave::{States, Wave};

/// Where a counter stops: four bits.
const MOST: u32 = 15;
/// Counters in a number of the state: the bits of an `f32`.
const PER_NUMBER: usize = 8;

/// `w(c)` of each count.
fn weight(count: u32) -> f32 {
    if count == 0 { 0.0 } else { 1.0 + (count as f32).ln() }
}

/// SplitMix64's mixing of 64 bits (Steele, Lea and Flood 2014). A model in a file finds its rows by it.
fn mix(bits: u64) -> u64 {
    let mut x = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Bucket and counter of every n-gram and pair that ends with `token`; `past` gives the call so many calls
/// before it, from 1 on, if there is one.
#[inline]
fn ending(
    spec: &NgramSketch,
    token: u32,
    past: impl Fn(usize) -> Option<u32>,
    mut each: impl FnMut(usize, usize),
) {
    let mut place = |hash: u64| {
        let bucket = (u128::from(hash) * spec.buckets as u128) >> 64;
        let counter = (u64::from(hash as u32) * spec.counters as u64) >> 32;
        each(bucket as usize, counter as usize);
    };
    let mut hash = mix(u64::from(token) + 1);
    place(hash);
    for back in 1..spec.ngrams {
        let Some(call) = past(back) else { break };
        hash = mix(hash ^ (u64::from(call) + 1));
        place(hash);
    }
    for apart in 2..=spec.skips {
        let Some(call) = past(apart) else { break };
        place(mix(mix((apart as u64) << 48 ^ (u64::from(call) + 1)) ^ (u64::from(token) + 1)));
    }
}

/// How many calls back an n-gram or pair reaches.
fn reach(spec: &NgramSketch) -> usize {
    (spec.ngrams - 1).max(if spec.skips >= 2 { spec.skips } else { 0 })
}

/// The buckets of a whole trace, ascending, each with its weight before any inverse document frequency: the row
/// of the layer is the sum of the table's rows, each times its weight.
pub fn bag(spec: &NgramSketch, trace: &[u32]) -> Vec<(u32, f32)> {
    let mut counters = vec![0u8; spec.counters];
    let mut gains = Vec::new();
    let mut norm = 0.0;
    for (at, &token) in trace.iter().enumerate() {
        let past = |back: usize| at.checked_sub(back).map(|earlier| trace[earlier]);
        ending(spec, token, past, |bucket, counter| {
            let count = u32::from(counters[counter]);
            if count < MOST {
                counters[counter] += 1;
                gains.push((bucket as u32, weight(count + 1) - weight(count)));
                norm += growth(count);
            }
        });
    }
    // Stable: the gains of a bucket are added in the order in which they came.
    gains.sort_by_key(|&(bucket, _)| bucket);
    let scale = scale(spec, norm);
    let mut bag: Vec<(u32, f32)> = Vec::new();
    let mut rest = gains.as_slice();
    while let Some(&(bucket, _)) = rest.first() {
        let (own, others) = rest.split_at(rest.partition_point(|&(other, _)| other == bucket));
        let sum: f64 = own.iter().map(|&(_, gain)| f64::from(gain)).sum();
        bag.push((bucket, sum as f32 * scale));
        rest = others;
    }
    bag
}

/// What a counter that moves on from `count` adds to the sum of the squares of all counters' weights.
fn growth(count: u32) -> f32 {
    weight(count + 1).powi(2) - weight(count).powi(2)
}

/// By what the sum of rows is multiplied: the square root of its length, over the length of the counters'
/// weights.
fn scale(spec: &NgramSketch, norm: f32) -> f32 {
    (spec.output_dim as f32 / norm).sqrt()
}

/// The layer in a session.
///
/// Keeps the calls before this one, newest first, each as its token + 1; the sum of the counters' squared
/// weights; the sum of rows and what rounding has taken from it; and the counters, eight in the bits of a number.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    spec: NgramSketch,
    /// The table, each row times its inverse document frequency, `[buckets][output_dim]`.
    rows: Vec<f32>,
    /// By count: what the n-gram gains, and what the sum of squares does.
    gains: [(f32, f32); MOST as usize],
    offset: usize,
}

impl Sketch {
    pub(crate) fn new(spec: &NgramSketch, embeddings: &[f32], idf: &[f32], offset: usize) -> Self {
        let rows = embeddings.chunks_exact(spec.output_dim).zip(idf);
        Self {
            spec: spec.clone(),
            rows: rows.flat_map(|(row, idf)| row.iter().map(move |x| x * idf)).collect(),
            gains: std::array::from_fn(|count| {
                let count = count as u32;
                (weight(count + 1) - weight(count), growth(count))
            }),
            offset,
        }
    }

    /// How many numbers it keeps of a session.
    pub(crate) fn size(spec: &NgramSketch) -> usize {
        reach(spec) + 1 + 2 * spec.output_dim + spec.counters.div_ceil(PER_NUMBER)
    }

    pub(crate) fn advance(&self, isa: Isa, wave: &Wave, states: &mut States<'_>) {
        let (reach, width) = (reach(&self.spec), self.spec.output_dim);
        let mut moved: [(usize, f32); 64] = [(0, 0.0); 64];
        for (&session, &token) in wave.sessions.iter().zip(&wave.tokens) {
            let state = states.of(session, self.offset, Self::size(&self.spec));
            let (past, state) = state.split_at_mut(reach);
            let (norm, state) = state.split_at_mut(1);
            let (sums, counters) = state.split_at_mut(2 * width);
            let mut count = 0;
            let call =
                |back: usize| Some(past[back - 1]).filter(|&kept| kept > 0.0).map(|kept| kept as u32 - 1);
            ending(&self.spec, token, call, |bucket, counter| {
                let (number, shift) = (&mut counters[counter / PER_NUMBER], 4 * (counter % PER_NUMBER));
                let bits = number.to_bits();
                let before = bits >> shift & MOST;
                if before < MOST {
                    *number = f32::from_bits(bits + (1 << shift));
                    let (gain, growth) = self.gains[before as usize];
                    norm[0] += growth;
                    moved[count] = (bucket * width, gain);
                    count += 1;
                }
            });
            let (sum, lost) = sums.split_at_mut(width);
            row::add_rows(isa, &self.rows, &moved[..count], sum, lost);
            if reach > 0 {
                past.copy_within(..reach - 1, 1);
                past[0] = (token + 1) as f32;
            }
        }
    }

    /// Adds the row to `row`.
    pub(crate) fn finish(&self, state: &[f32], row: &mut Vec<f32>) {
        let at = self.offset + reach(&self.spec);
        let scale = scale(&self.spec, state[at]);
        row.extend(state[at + 1..][..self.spec.output_dim].iter().map(|sum| sum * scale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(ngrams: usize, skips: usize, counters: usize) -> NgramSketch {
        NgramSketch { output_dim: 4, buckets: 1 << 20, ngrams, skips, counters }
    }

    fn all(spec: &NgramSketch, trace: &[u32]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (at, &token) in trace.iter().enumerate() {
            let past = |back: usize| at.checked_sub(back).map(|earlier| trace[earlier]);
            ending(spec, token, past, |bucket, counter| found.push((bucket, counter)));
        }
        found
    }

    #[test]
    fn every_ngram_and_pair_counts_once() {
        let trace: Vec<u32> = (0..10).collect();
        for (ngrams, skips, wanted) in [(1, 0, 10), (3, 0, 10 + 9 + 8), (1, 3, 10 + 8 + 7), (2, 1, 10 + 9)] {
            let mut found = all(&spec(ngrams, skips, 1 << 20), &trace);
            assert_eq!(found.len(), wanted);
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), wanted);
        }
    }

    /// A model in a file finds its rows by these numbers: they must stay what they are.
    #[test]
    fn places_never_change() {
        let found = all(&spec(3, 3, 3072), &[5, 0, 9]);
        let wanted = [
            (775_754, 2087),
            (594_082, 1644),
            (199_160, 2830),
            (34_929, 1660),
            (848_751, 1744),
            (691_836, 124),
            (585_610, 435),
        ];
        assert_eq!(found, wanted);
    }

    /// With more counters than n-grams, weights are those of sublinear counts, scaled to length 2 (the root of
    /// the output's 4).
    #[test]
    fn without_shared_counters_it_is_a_sublinear_count() {
        let mut found: Vec<f32> =
            bag(&spec(1, 0, 1 << 20), &[7, 7, 8, 7, 9]).into_iter().map(|(_, weight)| weight).collect();
        found.sort_by(f32::total_cmp);
        let three = 1.0 + 3f32.ln();
        let length = (2.0 + three * three).sqrt();
        for (found, wanted) in found.into_iter().zip([1.0, 1.0, three]) {
            assert!((found - 2.0 * wanted / length).abs() < 1e-6);
        }
    }

    #[test]
    fn counters_stop_and_the_row_with_them() {
        let full = bag(&spec(1, 0, 8), &[3; 15]);
        assert_eq!(bag(&spec(1, 0, 8), &[3; 500]), full);
        assert_ne!(bag(&spec(1, 0, 8), &[3; 14]).len(), 0);
    }
}
