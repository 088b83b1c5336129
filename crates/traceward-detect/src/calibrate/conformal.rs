//! What share of normals scores as high as this: p-values and thresholds that hold for any distribution.
//!
//! If a new normal process is exchangeable with `n` others, its score's rank among all `n + 1` is uniform,
//! so `p = (1 + how many of them score as much or more) / (n + 1)` is at most `a` with probability at most
//! `a` (Vovk, Gammerman & Shafer, "Algorithmic Learning in a Random World", 2005, proposition 2.4). Flagging
//! what has `p <= a` is flagging what scores more than the `ceil((n + 1)(1 - a))`-th smallest score. Equal
//! scores count against a flag, so ties can only lower the rate.
//!
//! With `n < 1/a - 1` normals no score can have so small a p-value. The threshold is the highest score
//! then: only what scores above every normal is flagged, which a normal does with probability `1/(n + 1)`.
//! [`Threshold::enough`] says so.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// How many of the highest scores are kept each, and how many steps stand for the others.
const KEPT: u64 = 512;

/// The distribution of normals' scores, exact where thresholds are.
///
/// All of the highest 512 scores are kept, those that the asked rates need, and every `n/512`-th of the
/// others. A p-value between two that were kept is rounded up, a threshold likewise: errors can only make
/// fewer alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawTail", into = "RawTail")]
pub struct Tail {
    count: u64,
    /// Scores from the highest down, each with how many of all are higher.
    points: Vec<(f64, u64)>,
}

#[derive(Serialize, Deserialize)]
struct RawTail {
    normals: u64,
    scores: Vec<f64>,
    higher: Vec<u64>,
}

/// A threshold on a score, and what it promises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Threshold {
    /// What scores more than this is flagged.
    pub above: f64,
    /// The false-alarm rate that was asked for.
    pub far: f64,
    /// A normal is flagged with at most this probability.
    pub guaranteed: f64,
    /// How many normals it rests on.
    pub normals: u64,
    /// Whether these are enough for the rate that was asked for.
    pub enough: bool,
}

impl Threshold {
    /// Whether a score is flagged; NaN never is.
    pub fn flags(&self, score: f64) -> bool {
        score > self.above
    }
}

/// The fewest normals that allow a false-alarm rate: `1/far - 1`.
pub fn normals_for(far: f64) -> u64 {
    (1.0 / far - 1.0 - 1e-9).ceil().max(0.0) as u64
}

/// How many of `normals + 1` scores may be flagged. A hair is added so that 0.05 of 20 is 1 in binary, too.
fn allowed(normals: u64, far: f64) -> u64 {
    (far * (normals + 1) as f64 + 1e-9).floor() as u64
}

impl Tail {
    /// The distribution of `scores`; thresholds for the rates `exact` will be exact. `None` without any
    /// score, or if one is not finite.
    pub fn of(mut scores: Vec<f64>, exact: &[f64]) -> Option<Self> {
        if scores.is_empty() || scores.iter().any(|score| !score.is_finite()) {
            return None;
        }
        scores.sort_by(|a, b| b.total_cmp(a));
        let count = scores.len() as u64;
        let step = count.div_ceil(KEPT).max(1);
        let places: Vec<u64> = exact.iter().map(|&far| allowed(count, far).max(1) - 1).collect();
        let mut points: Vec<(f64, u64)> = Vec::new();
        let (mut first_of_equals, mut due) = (0, 0);
        for (place, &score) in scores.iter().enumerate() {
            let place = place as u64;
            // Comparing by value: 0.0 and -0.0 are one score.
            if scores[first_of_equals as usize] != score {
                first_of_equals = place;
            }
            if place < KEPT || place >= due || place + 1 == count || places.contains(&place) {
                if points.last().is_none_or(|last| last.0 != score) {
                    points.push((score, first_of_equals));
                }
                if place >= due {
                    due = place + step;
                }
            }
        }
        Some(Self { count, points })
    }

    /// How many scores there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The highest score.
    pub fn highest(&self) -> f64 {
        self.points[0].0
    }

    /// The threshold that a normal passes with probability at most `far`; see [`Threshold::enough`].
    pub fn threshold(&self, far: f64) -> Threshold {
        let allowed = allowed(self.count, far).min(self.count);
        // The lowest score that has fewer higher ones than may be flagged.
        let kept = self.points.partition_point(|&(_, higher)| higher < allowed.max(1));
        Threshold {
            above: self.points[kept - 1].0,
            far,
            guaranteed: allowed.max(1) as f64 / (self.count + 1) as f64,
            normals: self.count,
            enough: allowed > 0,
        }
    }

    /// The chance that a normal scores as much or more; NaN counts as the lowest score.
    pub fn p_value(&self, score: f64) -> f64 {
        let as_high = self.points.partition_point(|&(kept, _)| kept >= score);
        let higher_or_equal = match self.points.get(as_high) {
            Some(&(_, higher)) if !score.is_nan() => higher,
            _ => self.count,
        };
        (1 + higher_or_equal) as f64 / (1 + self.count) as f64
    }
}

impl From<Tail> for RawTail {
    fn from(tail: Tail) -> Self {
        let (scores, higher) = tail.points.into_iter().unzip();
        Self { normals: tail.count, scores, higher }
    }
}

impl TryFrom<RawTail> for Tail {
    type Error = String;

    fn try_from(raw: RawTail) -> Result<Self, String> {
        let points: Vec<(f64, u64)> = raw.scores.iter().copied().zip(raw.higher.iter().copied()).collect();
        let falls = points.windows(2).all(|pair| pair[0].0 > pair[1].0 && pair[0].1 < pair[1].1);
        let starts = points.first().is_some_and(|first| first.1 == 0);
        let ends = points.last().is_some_and(|last| last.1 < raw.normals);
        let whole = raw.scores.len() == raw.higher.len();
        if !(falls && starts && ends && whole && raw.scores.iter().all(|score| score.is_finite())) {
            return Err("its table of scores contradicts itself".into());
        }
        Ok(Self { count: raw.normals, points })
    }
}

/// How many of `tests` new normals are flagged, with probability at least `confidence`, by a threshold for
/// `far` from `normals` others, if all are exchangeable and no scores are equal.
///
/// The threshold is the `k`-th highest score of `normals`, so the number is Beta-binomial with parameters
/// `k` and `normals + 1 - k` (Vovk, "Conditional validity of inductive conformal predictors", 2012). Each
/// end of the range leaves out at most half of what remains. Without enough normals for `far`, `k` is 1.
pub fn realised(normals: u64, far: f64, tests: u64, confidence: f64) -> RangeInclusive<u64> {
    let flagged = allowed(normals, far).clamp(1, normals.max(1)) as f64;
    let others = (normals + 1) as f64 - flagged;
    let (n, left_out) = (tests as f64, (1.0 - confidence) / 2.0);
    // P(0) = B(k, m + n) / B(k, m), as a product of `tests` factors; then the ratio of neighbours.
    let mut log: f64 = (0..tests).map(|i| ((others + i as f64) / (flagged + others + i as f64)).ln()).sum();
    let (mut below, mut low, mut at) = (0.0, None, 0);
    while at < tests {
        let here = log.exp();
        if low.is_none() && below + here > left_out {
            low = Some(at);
        }
        below += here;
        if below >= 1.0 - left_out {
            break;
        }
        let x = at as f64;
        log += ((n - x) * (flagged + x) / ((x + 1.0) * (others + n - x - 1.0))).ln();
        at += 1;
    }
    low.unwrap_or(at)..=at
}

/// One half of the normals judged by the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Halves {
    /// The false-alarm rate that was asked for.
    pub far: f64,
    /// How many were flagged in the half that is judged, the later one.
    pub flagged: u64,
    /// How many there are in it.
    pub judged: u64,
    /// Between how many are flagged in 99 of 100 cases if both halves are alike.
    pub expected: [u64; 2],
}

impl Halves {
    /// Whether there is no sign that the halves differ in their highest scores. Fewer flags than expected
    /// are one as well: then the earlier half is the stranger one.
    pub fn alike(&self) -> bool {
        (self.expected[0]..=self.expected[1]).contains(&self.flagged)
    }
}

/// Judges the second half of `scores`, in the order in which they were recorded, by the first. A threshold
/// promises nothing for processes unlike those it was chosen on; this shows whether one's own normals
/// are alike from beginning to end. `None` if half of them is too few for `far`.
pub fn halves(scores: &[f64], far: f64) -> Option<Halves> {
    let (first, second) = scores.split_at(scores.len() / 2);
    let threshold = Tail::of(first.to_vec(), &[far])?.threshold(far);
    let judged = second.len() as u64;
    let expected = realised(first.len() as u64, far, judged, 0.99);
    threshold.enough.then(|| Halves {
        far,
        flagged: second.iter().filter(|score| threshold.flags(**score)).count() as u64,
        judged,
        expected: [*expected.start(), *expected.end()],
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use traceward_trace::rng::Rng;

    use super::*;
    use crate::calibrate::FALSE_ALARM_RATES;

    fn tail(scores: &[f64]) -> Tail {
        Tail::of(scores.to_vec(), &FALSE_ALARM_RATES).unwrap()
    }

    #[test]
    fn a_thousand_normals_allow_one_in_a_thousand() {
        let scores: Vec<f64> = (0..999).map(f64::from).collect();
        let threshold = tail(&scores).threshold(0.001);
        assert_eq!((threshold.above, threshold.guaranteed, threshold.enough), (998.0, 0.001, true));
        assert_eq!(tail(&scores).threshold(0.01).above, 989.0);
        assert_eq!((normals_for(0.001), normals_for(0.01), normals_for(0.05)), (999, 99, 19));
    }

    #[test]
    fn too_few_normals_promise_what_they_can() {
        let scores: Vec<f64> = (0..998).map(f64::from).collect();
        let threshold = tail(&scores).threshold(0.001);
        assert!(!threshold.enough);
        assert_eq!((threshold.above, threshold.guaranteed), (997.0, 1.0 / 999.0));
        assert!(!threshold.flags(997.0) && threshold.flags(997.1) && !threshold.flags(f64::NAN));
    }

    #[test]
    fn equal_scores_count_against_a_flag() {
        let scores = [0.0, 0.0, 0.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9];
        let tail = tail(&scores);
        assert_eq!(tail.threshold(0.2).above, 0.9);
        assert_eq!((tail.p_value(0.9), tail.p_value(0.91), tail.p_value(0.5)), (0.7, 0.1, 0.7));
        assert_eq!((tail.p_value(0.0), tail.p_value(-1.0), tail.p_value(f64::NAN)), (1.0, 1.0, 1.0));
        assert_eq!(Tail::of(vec![0.0, -0.0], &[]).unwrap().p_value(0.0), 1.0);
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert_eq!(Tail::of(Vec::new(), &[]), None);
        assert_eq!(Tail::of(vec![1.0, f64::NAN], &[]), None);
        assert_eq!(Tail::of(vec![f64::INFINITY], &[]), None);
    }

    #[test]
    fn a_table_that_contradicts_itself_is_refused() {
        for (normals, scores, higher) in [
            (2, "[]", "[]"),
            (2, "[0.5, 0.5]", "[0, 1]"),
            (2, "[0.5, 0.4]", "[0, 2]"),
            (2, "[0.5, 0.4]", "[1, 2]"),
            (3, "[0.5, 0.4]", "[0]"),
            (3, "[0.4, 0.5]", "[0, 1]"),
        ] {
            let text = format!(r#"{{"normals": {normals}, "scores": {scores}, "higher": {higher}}}"#);
            assert!(serde_json::from_str::<Tail>(&text).is_err(), "{text}");
        }
    }

    /// The theory, held to by chance itself: over many calibrations the numbers of false alarms fall into
    /// the Beta-binomial range as often as they should, and their mean is the promised one.
    #[test]
    fn realised_false_alarms_are_what_the_theory_says() {
        let mut rng = Rng::new(1);
        for (normals, far) in [(999, 0.001), (999, 0.01), (1500, 0.01), (400, 0.05)] {
            let (splits, tests) = (400, 2000);
            let range = realised(normals, far, tests, 0.9);
            let (mut inside, mut alarms) = (0, 0_u64);
            for _ in 0..splits {
                let scores: Vec<f64> = (0..normals).map(|_| rng.uniform()).collect();
                let threshold = tail(&scores).threshold(far);
                let flagged = (0..tests).filter(|_| threshold.flags(rng.uniform())).count() as u64;
                inside += u32::from(range.contains(&flagged));
                alarms += flagged;
            }
            let promised = tail(&vec![0.0; normals as usize]).threshold(far).guaranteed;
            let realised = alarms as f64 / f64::from(splits) / tests as f64;
            // Beta(k, n + 1 - k) spreads by about sqrt(far / n); the mean of 400 by a twentieth of that.
            let spread = (promised / normals as f64 + promised / tests as f64).sqrt() / 20.0;
            assert!((realised - promised).abs() < 4.0 * spread, "{realised} of {promised}");
            // At least nine of ten; more where whole numbers are coarse.
            assert!(inside > 340, "{inside} of {splits} within {range:?} for {far}");
        }
    }

    /// `scipy.stats.betabinom(2000, k, 1000 - k).ppf([0.05, 0.95])` for k = 1, 10, 50.
    #[test]
    fn the_range_is_scipys() {
        assert_eq!(realised(999, 0.001, 2000, 0.9), 0..=7);
        assert_eq!(realised(999, 0.01, 2000, 0.9), 9..=34);
        assert_eq!(realised(999, 0.05, 2000, 0.9), 74..=129);
    }

    #[test]
    fn halves_that_differ_are_told() {
        let mut rng = Rng::new(4);
        let alike: Vec<f64> = (0..1000).map(|_| rng.uniform()).collect();
        let judged = halves(&alike, 0.01).unwrap();
        assert!(judged.alike(), "{judged:?}");
        let drifted: Vec<f64> = alike.iter().enumerate().map(|(at, s)| s + at as f64 / 4000.0).collect();
        assert!(!halves(&drifted, 0.01).unwrap().alike());
        assert_eq!(halves(&alike, 0.001), None, "500 are too few");
        assert_eq!(halves(&[], 0.5), None);
    }

    proptest! {
        /// The definition, score by score, with many equal scores.
        #[test]
        fn p_values_and_thresholds_by_definition(
            scores in prop::collection::vec(0_u8..40, 1..120),
            score in 0_u8..42,
            far in 0.001_f64..0.6,
        ) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let (tail, score) = (tail(&scores), f64::from(score));
            let as_high = scores.iter().filter(|&&s| s >= score).count();
            let p = (1 + as_high) as f64 / (1 + scores.len()) as f64;
            prop_assert_eq!(tail.p_value(score), p);
            let threshold = tail.threshold(far);
            if threshold.enough {
                prop_assert_eq!(threshold.flags(score), p <= far + 1e-12);
                prop_assert!(threshold.guaranteed <= far + 1e-12);
            } else {
                prop_assert_eq!(threshold.flags(score), as_high == 0);
            }
        }

        /// Of many scores not all are kept: what is lost can only make fewer alarms.
        #[test]
        fn a_sketch_errs_to_the_safe_side(seed in 0_u64..50, count in 1000_usize..9000, far in 0.0005_f64..0.4) {
            let mut rng = Rng::new(seed);
            let scores: Vec<f64> = (0..count).map(|_| (rng.uniform() * 3000.0).floor()).collect();
            let tail = Tail::of(scores.clone(), &[far]).unwrap();
            prop_assert!(tail.points.len() < 1100);
            for score in [0.0, 7.5, 1500.0, 2990.0, 2999.0, rng.uniform() * 3000.0] {
                let as_high = scores.iter().filter(|&&s| s >= score).count();
                let p = (1 + as_high) as f64 / (1 + count) as f64;
                let got = tail.p_value(score);
                prop_assert!(got >= p && got <= p + 2.0 / KEPT as f64 + 1.0 / count as f64, "{} of {}", got, p);
                let threshold = tail.threshold(far);
                prop_assert_eq!(threshold.flags(score), threshold.enough && p <= far + 1e-12 || !threshold.enough && as_high == 0);
            }
            let text = serde_json::to_string(&tail).unwrap();
            prop_assert_eq!(serde_json::from_str::<Tail>(&text).unwrap(), tail);
        }
    }
}
