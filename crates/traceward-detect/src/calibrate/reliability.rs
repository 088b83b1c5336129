//! Whether probabilities mean what they say: of what is called 80 % likely, how much comes true?

use serde::{Deserialize, Serialize};

/// Bins of a reliability diagram, as Guo et al. (2017) draw it.
pub const BINS: usize = 15;

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// The probabilities in it are above this (the first bin holds 0, too) …
    pub low: f64,
    /// … and at most this.
    pub high: f64,
    /// How many there are.
    pub count: u64,
    /// Their mean; 0 if there is none.
    pub said: f64,
    /// The share of them that came true; 0 if there is none.
    pub came_true: f64,
}

/// Probabilities against what came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Of equal width, from 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the bins' |said - came true|, weighted by their counts.
    pub ece: f64,
    /// The largest |said - came true| of a bin (maximum calibration error).
    pub mce: f64,
    /// Brier's score: the mean of (probability - outcome)².
    pub brier: f64,
    /// How many probabilities there are.
    pub count: u64,
}

impl Reliability {
    /// Compares probabilities of an event with whether it came true. Probabilities that are no numbers are
    /// left out; `None` if nothing is left.
    pub fn of(said: impl IntoIterator<Item = (f64, bool)>) -> Option<Self> {
        let mut sums = [(0_u64, 0.0, 0_u64); BINS];
        let (mut count, mut brier) = (0_u64, 0.0);
        for (probability, came_true) in said {
            if !(0.0..=1.0).contains(&probability) {
                continue;
            }
            let bin = ((probability * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let (in_bin, sum, hits) = &mut sums[bin];
            *in_bin += 1;
            *sum += probability;
            *hits += u64::from(came_true);
            count += 1;
            brier += (probability - f64::from(u8::from(came_true))).powi(2);
        }
        if count == 0 {
            return None;
        }
        let edge = |place: usize| place as f64 / BINS as f64;
        let bins: Vec<Bin> = sums
            .iter()
            .enumerate()
            .map(|(place, &(in_bin, sum, hits))| {
                let share = |part: f64| if in_bin == 0 { 0.0 } else { part / in_bin as f64 };
                Bin {
                    low: edge(place),
                    high: edge(place + 1),
                    count: in_bin,
                    said: share(sum),
                    came_true: share(hits as f64),
                }
            })
            .collect();
        let gap = |bin: &Bin| (bin.said - bin.came_true).abs();
        Some(Self {
            ece: bins.iter().map(|bin| gap(bin) * bin.count as f64).sum::<f64>() / count as f64,
            mce: bins.iter().map(gap).fold(0.0, f64::max),
            brier: brier / count as f64,
            bins,
            count,
        })
    }

    /// The reliability of P(attack), from rows of probabilities.
    ///
    /// # Panics
    /// If a row is shorter than `normal` asks for.
    pub fn of_attack<'a>(
        rows: impl IntoIterator<Item = &'a [f64]>,
        labels: &[u16],
        normal: u16,
    ) -> Option<Self> {
        Self::of(
            rows.into_iter()
                .zip(labels)
                .map(|(row, &label)| (1.0 - row[usize::from(normal)], label != normal)),
        )
    }

    /// The reliability of the most probable class (what is usually called *the* calibration error).
    pub fn of_confidence<'a>(rows: impl IntoIterator<Item = &'a [f64]>, labels: &[u16]) -> Option<Self> {
        Self::of(rows.into_iter().zip(labels).map(|(row, &label)| {
            let best =
                row.iter().enumerate().fold(0, |best, (place, p)| if *p > row[best] { place } else { best });
            (row.get(best).copied().unwrap_or(f64::NAN), best == usize::from(label))
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn figures_by_hand() {
        // Four at 0.9 of which two came true, one at 0.1 that did not.
        let said = [(0.9, true), (0.9, true), (0.9, false), (0.9, false), (0.1, false)];
        let got = Reliability::of(said).unwrap();
        assert!((got.ece - (4.0 * 0.4 + 0.1) / 5.0).abs() < 1e-12, "{got:?}");
        assert!((got.mce - 0.4).abs() < 1e-12);
        assert!((got.brier - (2.0 * 0.01 + 2.0 * 0.81 + 0.01) / 5.0).abs() < 1e-12);
        assert_eq!((got.bins[13].count, got.bins[1].count), (4, 1));
        assert_eq!(got.bins[13].came_true, 0.5);
    }

    #[test]
    fn edges_belong_below() {
        let got =
            Reliability::of([(0.0, false), (1.0, true), (1.0 / 15.0, false), (f64::NAN, true)]).unwrap();
        assert_eq!((got.count, got.bins[0].count, got.bins[14].count), (3, 2, 1));
        assert_eq!(Reliability::of([(f64::NAN, true)]), None);
    }

    #[test]
    fn attack_and_confidence() {
        let rows: [&[f64]; 2] = [&[0.7, 0.2, 0.1], &[0.1, 0.3, 0.6]];
        let attack = Reliability::of_attack(rows, &[0, 1], 0).unwrap();
        assert!((attack.brier - (0.09 + 0.01) / 2.0).abs() < 1e-12);
        let confidence = Reliability::of_confidence(rows, &[0, 1]).unwrap();
        assert!((confidence.brier - (0.09 + 0.36) / 2.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn figures_are_shares(said in prop::collection::vec((0.0_f64..=1.0, any::<bool>()), 1..200)) {
            let got = Reliability::of(said.iter().copied()).unwrap();
            prop_assert_eq!(got.bins.iter().map(|bin| bin.count).sum::<u64>(), said.len() as u64);
            prop_assert!(0.0 <= got.ece && got.ece <= got.mce + 1e-12 && got.mce <= 1.0);
            prop_assert!((0.0..=1.0).contains(&got.brier));
            prop_assert!(got.bins.iter().all(|bin| bin.count == 0 || bin.low - 1e-12 <= bin.said && bin.said <= bin.high + 1e-12));
        }
    }
}
