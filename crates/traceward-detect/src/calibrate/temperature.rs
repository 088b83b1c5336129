//! One number that makes probabilities mean what they say.
//!
//! A network's softmax and a boosted model's are too sure of themselves. Dividing the log-probabilities by a
//! temperature and sharing out again leaves the most probable class as it is and makes the probabilities as
//! good as one number can (Guo et al., "On Calibration of Modern Neural Networks", 2017: better than
//! methods with more parameters, which fit the few held-out traces instead). It is fitted by log loss on
//! labelled traces that the model was not trained on.

use serde::{Deserialize, Serialize};
use traceward_run::Scores;

/// What log-probabilities are divided by; 1 leaves them as they are, more makes them less sure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Temperature(f64);

/// The range that is searched.
const RANGE: (f64, f64) = (0.05, 20.0);

/// The smallest probability that is told from 0, so that one miss cannot decide everything.
const SMALLEST: f32 = 1e-30;

impl Temperature {
    /// Leaves probabilities as they are.
    pub const NONE: Self = Self(1.0);

    /// This temperature.
    ///
    /// # Errors
    /// If it is no positive number.
    pub fn new(value: f64) -> Result<Self, String> {
        if value > 0.0 && value.is_finite() {
            return Ok(Self(value));
        }
        Err(format!("{value} is no temperature: it must be a positive number"))
    }

    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }

    /// The temperature of the least log loss on labelled traces that the model was not trained on; 1 without
    /// any.
    ///
    /// The loss is convex in one over the temperature, so Newton's steps inside a shrinking bracket find it.
    ///
    /// # Panics
    /// If there are not as many labels as rows, or a label is no class.
    pub fn fit(scores: &Scores, labels: &[u16]) -> Self {
        assert_eq!(scores.len(), labels.len(), "one label a row");
        let rows: Vec<Vec<f64>> = scores.rows().map(logs).collect();
        if rows.is_empty() || rows.iter().flatten().any(|log| log.is_nan()) {
            return Self::NONE;
        }
        let (mut low, mut high) = (1.0 / RANGE.1, 1.0 / RANGE.0);
        let mut inverse = 1.0;
        for _ in 0..60 {
            let (mut slope, mut curvature) = (0.0, 0.0);
            for (logs, &label) in rows.iter().zip(labels) {
                let (mean, variance) = moments(logs, inverse);
                slope += mean - logs[usize::from(label)];
                curvature += variance;
            }
            if slope > 0.0 {
                high = inverse;
            } else {
                low = inverse;
            }
            let newton = inverse - slope / curvature;
            let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
            if (next - inverse).abs() < 1e-10 * inverse {
                break;
            }
            inverse = next;
        }
        Self(1.0 / inverse)
    }

    /// Makes a row of a model's outputs into probabilities: shared out by their sum (which only sigmoid
    /// outputs need), and at this temperature. A row without a positive sum becomes NaN.
    pub fn apply(self, row: &[f32], into: &mut [f64]) {
        if self == Self::NONE {
            let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
            for (share, &p) in into.iter_mut().zip(row) {
                *share = if sum > 0.0 { f64::from(p) / sum } else { f64::NAN };
            }
            return;
        }
        let top = row.iter().copied().fold(0.0, f32::max);
        let mut sum = 0.0;
        for (share, &p) in into.iter_mut().zip(row) {
            *share = self.power(p, top);
            sum += *share;
        }
        into.iter_mut().for_each(|share| *share /= sum);
    }
}

impl Temperature {
    /// The probability of one class, as [`Temperature::apply`] has it, to the last bit.
    ///
    /// # Panics
    /// If there is no such class.
    #[inline]
    pub fn share(self, row: &[f32], class: usize) -> f64 {
        if self == Self::NONE {
            let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
            return if sum > 0.0 { f64::from(row[class]) / sum } else { f64::NAN };
        }
        let top = row.iter().copied().fold(0.0, f32::max);
        let mut sum = 0.0;
        let mut own = f64::NAN;
        for (place, &p) in row.iter().enumerate() {
            let share = self.power(p, top);
            if place == class {
                own = share;
            }
            sum += share;
        }
        own / sum
    }

    /// What a probability weighs at this temperature beside the largest.
    #[inline]
    fn power(self, p: f32, top: f32) -> f64 {
        (f64::from(p.max(0.0) / top).ln() / self.0).exp()
    }
}

impl Default for Temperature {
    fn default() -> Self {
        Self::NONE
    }
}

impl TryFrom<f64> for Temperature {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        Self::new(value)
    }
}

impl From<Temperature> for f64 {
    fn from(temperature: Temperature) -> Self {
        temperature.0
    }
}

fn logs(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&p| if p.is_nan() { f64::NAN } else { f64::from(p.max(SMALLEST)).ln() }).collect()
}

/// Mean and variance of the log-probabilities under the probabilities at one over the temperature `inverse`.
fn moments(logs: &[f64], inverse: f64) -> (f64, f64) {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
    for &log in logs {
        let weight = (inverse * (log - top)).exp();
        sum += weight;
        first += weight * log;
        second += weight * log * log;
    }
    let mean = first / sum;
    (mean, (second / sum - mean * mean).max(0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use traceward_trace::rng::Rng;

    use super::*;

    fn loss(scores: &Scores, labels: &[u16], temperature: Temperature) -> f64 {
        let mut row = vec![0.0; scores.classes()];
        let losses = scores.rows().zip(labels).map(|(outputs, &label)| {
            temperature.apply(outputs, &mut row);
            -row[usize::from(label)].ln()
        });
        losses.sum::<f64>() / labels.len() as f64
    }

    /// Rows whose probabilities are right, then made too sure by `sharpness`.
    fn sharpened(sharpness: f64, count: usize) -> (Scores, Vec<u16>) {
        let mut rng = Rng::new(5);
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let logits: Vec<f64> = (0..3).map(|_| 3.0 * rng.uniform()).collect();
            let shares = |sharpness: f64| -> Vec<f64> {
                let powers: Vec<f64> = logits.iter().map(|logit| (sharpness * logit).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.iter().map(|power| power / sum).collect()
            };
            let (right, draw) = (shares(1.0), rng.uniform());
            labels.push(if draw < right[0] { 0 } else { 1 + u16::from(draw >= right[0] + right[1]) });
            values.extend(shares(sharpness).into_iter().map(|share| share as f32));
        }
        (Scores::new(3, values), labels)
    }

    #[test]
    fn what_was_sharpened_is_softened() {
        for sharpness in [0.5, 1.0, 4.0] {
            let (scores, labels) = sharpened(sharpness, 20_000);
            let fitted = Temperature::fit(&scores, &labels).value();
            assert!((fitted / sharpness - 1.0).abs() < 0.05, "{fitted} for {sharpness}");
        }
    }

    /// `scipy.optimize.minimize_scalar` on the same four rows gives 2.6959667 (log loss 1.0331486).
    #[test]
    fn fits_what_scipy_fits() {
        let rows = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.3, 0.3, 0.4, 0.9, 0.05, 0.05];
        let (scores, labels) = (Scores::new(3, rows.to_vec()), [0, 1, 0, 1]);
        let fitted = Temperature::fit(&scores, &labels);
        assert!((fitted.value() - 2.695_966_7).abs() < 1e-5, "{}", fitted.value());
    }

    #[test]
    fn a_perfect_or_broken_model_has_a_temperature_too() {
        let sure = Scores::new(2, vec![1.0, 0.0, 0.0, 1.0]);
        assert!(Temperature::fit(&sure, &[0, 1]).value() >= RANGE.0);
        assert!(Temperature::fit(&sure, &[1, 0]).value() <= RANGE.1 + 1e-6);
        assert_eq!(Temperature::fit(&Scores::new(2, vec![f32::NAN, 1.0]), &[0]), Temperature::NONE);
        assert_eq!(Temperature::fit(&Scores::new(2, Vec::new()), &[]), Temperature::NONE);
    }

    #[test]
    fn sigmoid_rows_are_shared_out() {
        let mut row = [0.0; 3];
        Temperature::NONE.apply(&[0.5, 1.0, 0.5], &mut row);
        assert_eq!(row, [0.25, 0.5, 0.25]);
        Temperature::new(0.5).unwrap().apply(&[0.5, 1.0, 0.5], &mut row);
        assert!((row[1] - 4.0 / 6.0).abs() < 1e-12);
        Temperature::NONE.apply(&[0.0, 0.0, 0.0], &mut row);
        assert!(row[0].is_nan());
    }

    #[test]
    fn only_positive_numbers_are_temperatures() {
        assert!(serde_json::from_str::<Temperature>("1.5").is_ok());
        for text in ["0", "-1", "1e400", "null"] {
            assert!(serde_json::from_str::<Temperature>(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// No temperature of a fine grid does better.
        #[test]
        fn nothing_does_better(draws in prop::collection::vec((prop::array::uniform3(0.01_f32..1.0), 0_u16..3), 2..40)) {
            let values = draws.iter().flat_map(|(row, _)| row.map(|p| p / row.iter().sum::<f32>())).collect();
            let labels: Vec<u16> = draws.iter().map(|draw| draw.1).collect();
            let scores = Scores::new(3, values);
            let fitted = loss(&scores, &labels, Temperature::fit(&scores, &labels));
            for step in 0..100 {
                let other = RANGE.0 * (RANGE.1 / RANGE.0).powf(f64::from(step) / 99.0);
                prop_assert!(fitted <= loss(&scores, &labels, Temperature(other)) + 1e-9);
            }
        }

        #[test]
        fn one_share_is_that_of_all(row in prop::array::uniform3(0.0_f32..1.0), temperature in 0.1_f64..10.0) {
            for temperature in [Temperature::NONE, Temperature(temperature)] {
                let mut shares = [0.0; 3];
                temperature.apply(&row, &mut shares);
                let one: [f64; 3] = std::array::from_fn(|class| temperature.share(&row, class));
                prop_assert_eq!(one.map(f64::to_bits), shares.map(f64::to_bits));
            }
        }

        #[test]
        fn the_most_probable_class_stays(row in prop::array::uniform3(0.001_f32..1.0), temperature in 0.1_f64..10.0) {
            let mut shares = [0.0; 3];
            Temperature(temperature).apply(&row, &mut shares);
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let order = |a: usize, b: usize| row[a] <= row[b] || shares[a] >= shares[b];
            prop_assert!(order(0, 1) && order(1, 2) && order(0, 2));
        }
    }
}
