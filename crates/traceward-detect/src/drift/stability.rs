//! Counting, and the population stability index.

use traceward_trace::Vocabulary;

use super::{DRIFTED, FEWEST, Level, SHIFTING};

/// The standard normal quantile of 99 %.
const NORMAL_99: f64 = 2.326_347_874;
/// Half an observation more in every bin, so that an empty one is no infinity.
const SMOOTHING: f64 = 0.5;

/// What was found in one source.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) traces: u64,
    pub(super) calls: u64,
    pub(super) unknown_calls: u64,
    unknown_traces: u64,
    /// Sums over traces of each token's share.
    shares: Vec<f64>,
    /// Traces in each bin of scores.
    pub(super) scores: Vec<u64>,
}

impl Found {
    pub(super) fn new(vocabulary: usize, score_bins: usize) -> Self {
        let (shares, scores) = (vec![0.0; vocabulary], vec![0; score_bins]);
        Self { traces: 0, calls: 0, unknown_calls: 0, unknown_traces: 0, shares, scores }
    }

    pub(super) fn add(&mut self, trace: &[u32], score_bin: Option<usize>) {
        if trace.is_empty() {
            return;
        }
        let (mut unknown, one) = (0, 1.0 / trace.len() as f64);
        for &token in trace {
            match self.shares.get_mut(token as usize) {
                Some(share) if token != Vocabulary::UNKNOWN => *share += one,
                _ => unknown += 1,
            }
        }
        self.traces += 1;
        self.calls += trace.len() as u64;
        self.unknown_calls += unknown;
        self.unknown_traces += u64::from(unknown > 0);
        if let Some(count) = score_bin.and_then(|bin| self.scores.get_mut(bin)) {
            *count += 1;
        }
    }

    /// Mean share of each token.
    pub(super) fn call_shares(&self) -> Vec<f64> {
        self.shares.iter().map(|sum| sum / self.traces.max(1) as f64).collect()
    }

    pub(super) fn unknown_trace_share(&self) -> f64 {
        self.unknown_traces as f64 / self.traces.max(1) as f64
    }

    /// Whether more of the traces hold an unknown call than chance makes of `usual` (one-sided, 1 %).
    pub(super) fn more_unknown_than(&self, usual: f64) -> bool {
        let (n, p) = (self.traces as f64, self.unknown_trace_share());
        if n == 0.0 {
            return false;
        }
        // Wilson's lower bound.
        let z2 = NORMAL_99 * NORMAL_99;
        let low = p + z2 / (2.0 * n) - NORMAL_99 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        low / (1.0 + z2 / n) > usual
    }
}

/// The bin of a score: 0 below the first edge.
pub(super) fn bin(edges: &[f64], score: f64) -> usize {
    edges.partition_point(|edge| *edge <= score)
}

/// A stability index, and what luck makes of as many observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Index {
    pub(super) psi: f64,
    /// What it stays below with 99 % where nothing has changed.
    pub(super) luck: f64,
}

impl Index {
    /// Of shares expected (from `m` observations) and found (from `n`), bin by bin.
    pub(super) fn new(expected: &[f64], m: u64, found: &[f64], n: u64) -> Self {
        let bins = expected.len() as f64;
        let smooth = |share: f64, of: u64| (share * of as f64 + SMOOTHING) / (of as f64 + SMOOTHING * bins);
        let terms = expected.iter().zip(found).map(|(&e, &a)| {
            let (e, a) = (smooth(e, m), smooth(a, n));
            (a - e) * (a / e).ln()
        });
        let luck = chi_square_99(bins - 1.0) * (1.0 / n.max(1) as f64 + 1.0 / m.max(1) as f64);
        Self { psi: terms.sum(), luck }
    }

    pub(super) fn level(self, traces: u64) -> Level {
        match self.psi {
            _ if traces < FEWEST => Level::TooFew,
            psi if psi < SHIFTING => Level::Stable,
            psi if psi <= self.luck => Level::TooFew,
            psi if psi < DRIFTED => Level::Shifting,
            _ => Level::Drifted,
        }
    }
}

/// The 99 % quantile of χ² (Wilson & Hilferty 1931: its cube root is nearly normal).
fn chi_square_99(freedom: f64) -> f64 {
    if freedom <= 0.0 {
        return 0.0;
    }
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + NORMAL_99 * part.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_by_hand() {
        // Of so many observations smoothing is nothing: (.5-.3) ln(.5/.3) + (.2-.4) ln(.2/.4) + 0.
        let index = Index::new(&[0.3, 0.4, 0.3], 1 << 40, &[0.5, 0.2, 0.3], 1 << 40);
        assert!((index.psi - 0.240_794).abs() < 1e-5, "{index:?}");
        assert_eq!(Index::new(&[0.5, 0.5], 9, &[0.5, 0.5], 9).psi, 0.0);
        assert!(Index::new(&[1.0, 0.0], 50, &[0.0, 1.0], 50).psi.is_finite());
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        for (freedom, quantile) in [(1.0, 6.635), (4.0, 13.277), (9.0, 21.666), (29.0, 49.588)] {
            assert!((chi_square_99(freedom) / quantile - 1.0).abs() < 0.015, "{freedom}");
        }
        assert_eq!(chi_square_99(0.0), 0.0);
    }

    #[test]
    fn levels_need_traces() {
        let index = |psi| Index { psi, luck: 0.2 };
        assert_eq!(index(9.0).level(FEWEST - 1), Level::TooFew);
        let levels = [0.05, 0.15, 0.22, 0.3].map(|psi| index(psi).level(FEWEST));
        assert_eq!(levels, [Level::Stable, Level::TooFew, Level::Shifting, Level::Drifted]);
    }
}
