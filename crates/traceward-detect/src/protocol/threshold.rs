//! A threshold chosen on some normals, for others.

use serde::{Deserialize, Serialize};

/// False-alarm rates at which protocols give detection rates.
pub const FALSE_ALARM_RATES: [f64; 3] = [0.05, 0.01, 0.001];

/// The score beyond which a trace is flagged, and what it was chosen on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Traces that score more than this are flagged; `None` if so few normals allow no flag at all.
    pub above: Option<f64>,
    /// How many normals it was chosen on.
    pub normals: usize,
}

impl Threshold {
    /// Whether a score is flagged. A score that is not a number never is.
    pub fn flags(self, score: f64) -> bool {
        self.above.is_some_and(|above| score > above)
    }
}

/// The threshold that flags at most the share `far` of normals which are exchangeable with `normals`.
///
/// It is the conformal one (Vovk, Gammerman & Shafer 2005): a trace is flagged if its p-value
/// `(1 + normals that score as much or more) / (1 + normals)` is at most `far`; the expected false-alarm
/// rate is then at most `far` whatever the distribution of scores.
pub fn conformal_threshold(normals: &[f64], far: f64) -> Threshold {
    let mut sorted: Vec<f64> = normals.iter().copied().filter(|score| !score.is_nan()).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    // A hair is added so that 0.05 of 20 is 1 in binary, too.
    let rank = (far * (normals.len() + 1) as f64 + 1e-9).floor() as usize;
    let above = match rank {
        0 => None,
        _ => Some(sorted.get(rank - 1).copied().unwrap_or(f64::NEG_INFINITY)),
    };
    Threshold { above, normals: normals.len() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_thousand_normals_allow_one_in_a_thousand() {
        let normals: Vec<f64> = (0..999).map(f64::from).collect();
        let threshold = conformal_threshold(&normals, 0.001);
        assert_eq!(threshold, Threshold { above: Some(998.0), normals: 999 });
        assert!(threshold.flags(998.5) && !threshold.flags(998.0) && !threshold.flags(f64::NAN));
        assert_eq!(conformal_threshold(&normals[..998], 0.001).above, None, "998 are one too few");
        assert_eq!(conformal_threshold(&normals, 0.01).above, Some(989.0));
        assert_eq!(conformal_threshold(&[], 0.5).above, None);
    }

    proptest! {
        /// The definition, trace by trace.
        #[test]
        fn flagged_are_those_of_small_p_value(
            normals in prop::collection::vec(0_u8..20, 0..60), score in 0_u8..21, far in 0.0_f64..0.9,
        ) {
            let normals: Vec<f64> = normals.into_iter().map(f64::from).collect();
            let above = normals.iter().filter(|&&n| n >= f64::from(score)).count();
            let p_value = (1.0 + above as f64) / (1.0 + normals.len() as f64);
            prop_assert_eq!(conformal_threshold(&normals, far).flags(score.into()), p_value <= far + 1e-9);
        }
    }
}
