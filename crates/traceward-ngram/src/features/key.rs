//! N-grams as numbers.

use super::config::{Part, Series};

/// Bits of a key that name the series.
const SERIES_BITS: u32 = 8;
/// Bits of a key that hold tokens.
const TOKEN_BITS: u32 = u64::BITS - SERIES_BITS;

/// N-grams that have no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The tokens of the longest n-gram do not fit into a key.
    #[error("n-grams of {order} calls over {vocabulary} tokens are too long; {most} calls at most")]
    Order {
        /// The order asked for.
        order: u8,
        /// Tokens there are.
        vocabulary: usize,
        /// The longest that fits.
        most: u32,
    },
    /// An n-gram of no calls.
    #[error("n-grams of 0 calls")]
    Empty,
    /// Too many kinds of n-grams, or none.
    #[error("{0} kinds of n-grams; 1 to 256 can be counted at once")]
    Series(usize),
    /// A gap between more or fewer than two calls.
    #[error("n-grams with a gap have two calls, not {0}")]
    Gap(u8),
}

/// An n-gram, read back from its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gram {
    /// The part of the trace in which it is counted.
    pub part: Part,
    /// How many calls are left out between its two; 0 for neighbours.
    pub gap: u8,
    /// Its calls, in order.
    pub tokens: Vec<u32>,
}

/// How n-grams of some series over some vocabulary are written as numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeySpace {
    /// The series, by number; at most 256, no two of the same part and gap.
    series: Vec<Series>,
    vocabulary: usize,
    /// Bits of a token. Tokens are written plus one, so that 0 means "none" and orders do not collide.
    bits: u32,
}

impl KeySpace {
    /// The keys of these series, those that differ in nothing but their order being one.
    pub(crate) fn new(series: impl IntoIterator<Item = Series>, vocabulary: usize) -> Result<Self, KeyError> {
        let mut merged: Vec<Series> = Vec::new();
        for one in series {
            match merged.iter_mut().find(|s| (s.part, s.gap) == (one.part, one.gap)) {
                Some(known) => known.order = known.order.max(one.order),
                None => merged.push(one),
            }
        }
        merged.sort_unstable();
        let bits = (usize::BITS - vocabulary.leading_zeros()).max(1);
        let most = TOKEN_BITS / bits;
        for one in &merged {
            match one {
                Series { order: 0, .. } => return Err(KeyError::Empty),
                Series { gap: 1.., order, .. } if *order != 2 => return Err(KeyError::Gap(*order)),
                Series { order, .. } if u32::from(*order) > most => {
                    return Err(KeyError::Order { order: *order, vocabulary, most });
                }
                _ => {}
            }
        }
        if merged.is_empty() || merged.len() > 1 << SERIES_BITS {
            return Err(KeyError::Series(merged.len()));
        }
        Ok(Self { series: merged, vocabulary, bits })
    }

    pub(crate) fn series(&self) -> &[Series] {
        &self.series
    }

    pub(crate) fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Calls `each` with the key, the first call and the distance between calls of every n-gram of a trace.
    #[inline]
    pub(crate) fn each(&self, trace: &[u32], mut each: impl FnMut(u64, usize, Series)) {
        for (number, &series) in self.series.iter().enumerate() {
            let head = (number as u64) << TOKEN_BITS;
            let span = series.part.span(trace.len());
            let (start, calls) = (span.start, &trace[span]);
            if series.gap == 0 {
                let order = usize::from(series.order);
                let mut window = 0u64;
                for (end, &token) in calls.iter().enumerate() {
                    window = (window << self.bits) | (u64::from(token) + 1);
                    for calls in 1..=order.min(end + 1) {
                        let mask = (1u64 << (calls as u32 * self.bits)) - 1;
                        each(head | (window & mask), start + end + 1 - calls, series);
                    }
                }
            } else {
                let distance = usize::from(series.gap) + 1;
                for (first, pair) in calls.windows(distance + 1).enumerate() {
                    let key = ((u64::from(pair[0]) + 1) << self.bits) | (u64::from(pair[distance]) + 1);
                    each(head | key, start + first, series);
                }
            }
        }
    }

    /// How many calls the n-gram of a key has.
    pub(crate) fn order(&self, key: u64) -> usize {
        let tokens = key & ((1 << TOKEN_BITS) - 1);
        (u64::BITS - tokens.leading_zeros()).div_ceil(self.bits) as usize
    }

    /// The series of a key, if there is one of its number.
    pub(crate) fn series_of(&self, key: u64) -> Option<Series> {
        self.series.get((key >> TOKEN_BITS) as usize).copied()
    }

    /// The key of the same n-gram in another space that has its series.
    pub(crate) fn translate(&self, key: u64, to: &Self) -> Option<u64> {
        debug_assert_eq!(self.bits, to.bits, "one vocabulary");
        let from = self.series_of(key)?;
        let number = to.series.iter().position(|s| (s.part, s.gap) == (from.part, from.gap))?;
        Some((number as u64) << TOKEN_BITS | key & ((1 << TOKEN_BITS) - 1))
    }

    /// The n-gram of a key; `None` if no n-gram of this space has it.
    pub(crate) fn gram(&self, key: u64) -> Option<Gram> {
        let series = self.series_of(key)?;
        let order = self.order(key);
        if order == 0 || order > usize::from(series.order) || series.gap > 0 && order != 2 {
            return None;
        }
        let token = |place: usize| (key >> (place as u32 * self.bits)) & ((1 << self.bits) - 1);
        let tokens: Option<Vec<u32>> = (0..order)
            .rev()
            .map(|place| match token(place) {
                0 => None,
                token if token > self.vocabulary as u64 => None,
                token => Some(token as u32 - 1),
            })
            .collect();
        Some(Gram { part: series.part, gap: series.gap, tokens: tokens? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::features::FeatureConfig;

    fn space(config: &FeatureConfig, vocabulary: usize) -> KeySpace {
        KeySpace::new(config.series.iter().copied(), vocabulary).unwrap()
    }

    /// Every n-gram by definition, without keys.
    fn by_definition(config: &FeatureConfig, trace: &[u32]) -> Vec<(Gram, usize)> {
        let mut all = Vec::new();
        for series in &config.series {
            let span = series.part.span(trace.len());
            for start in span.clone() {
                let orders = if series.gap > 0 { 2..=2 } else { 1..=usize::from(series.order) };
                for order in orders {
                    let step = usize::from(series.gap) + 1;
                    let places: Vec<usize> = (0..order).map(|i| start + i * step).collect();
                    if places.iter().all(|p| span.contains(p)) {
                        let tokens = places.iter().map(|&p| trace[p]).collect();
                        all.push((Gram { part: series.part, gap: series.gap, tokens }, start));
                    }
                }
            }
        }
        all
    }

    proptest! {
        #[test]
        fn keys_are_the_n_grams_by_definition(trace in proptest::collection::vec(0u32..178, 1..40)) {
            let config = FeatureConfig::grams(5).with_skips(3).with_ends(&[4, 20], 3);
            let space = space(&config, 178);
            let mut seen = Vec::new();
            space.each(&trace, |key, first, _| seen.push((space.gram(key).unwrap(), first)));
            let sort = |grams: &mut Vec<(Gram, usize)>| grams.sort_by_key(|(g, s)| (g.part, g.gap, g.tokens.clone(), *s));
            let mut expected = by_definition(&config, &trace);
            sort(&mut expected);
            sort(&mut seen);
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn any_number_is_an_n_gram_or_none(key: u64) {
            let space = space(&FeatureConfig::grams(5).with_skips(3).with_ends(&[4, 20], 3), 178);
            if let Some(gram) = space.gram(key) {
                prop_assert!(gram.tokens.iter().all(|&t| t < 178) && gram.tokens.len() <= 5);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let new = |config: &FeatureConfig, vocabulary| KeySpace::new(config.series.clone(), vocabulary);
        assert!(new(&FeatureConfig::grams(7), 177).is_ok());
        assert_eq!(
            new(&FeatureConfig::grams(8), 177),
            Err(KeyError::Order { order: 8, vocabulary: 177, most: 7 })
        );
        assert_eq!(new(&FeatureConfig::grams(0), 177), Err(KeyError::Empty));
        assert_eq!(new(&FeatureConfig { series: vec![], min_traces: 1 }, 177), Err(KeyError::Series(0)));
        let gapped = Series { part: Part::Whole, gap: 1, order: 3 };
        assert_eq!(KeySpace::new([gapped], 177), Err(KeyError::Gap(3)));
    }
}
