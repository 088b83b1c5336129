//! How long traces are.

use serde::Serialize;

/// Lengths of traces, in calls. Quantiles are by nearest rank: the smallest length that at least that
/// share of the traces does not exceed, so each is the length of a trace that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub min: usize,
    /// The median.
    pub median: usize,
    /// The 95th percentile.
    pub p95: usize,
    /// The longest.
    pub max: usize,
}

impl Lengths {
    /// The figures of `lengths`; zeros if there are none.
    pub(super) fn of(lengths: impl Iterator<Item = usize>) -> Self {
        let mut sorted: Vec<usize> = lengths.collect();
        sorted.sort_unstable();
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Self::default() };
        let rank = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100) - 1];
        Self { min, median: rank(50), p95: rank(95), max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_lengths_that_exist() {
        let of = |lengths: &[usize]| Lengths::of(lengths.iter().copied());
        assert_eq!(of(&[]), Lengths::default());
        assert_eq!(of(&[7]), Lengths { min: 7, median: 7, p95: 7, max: 7 });
        assert_eq!(of(&[9, 1, 4, 2]), Lengths { min: 1, median: 2, p95: 9, max: 9 });
        let hundred: Vec<usize> = (1..=100).collect();
        assert_eq!(of(&hundred), Lengths { min: 1, median: 50, p95: 95, max: 100 });
    }
}
