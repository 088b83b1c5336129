//! From margins to probabilities.

use serde::{Deserialize, Serialize};

/// exp(x) / sum of exp(x), in place.
pub(crate) fn softmax(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    row.iter_mut().for_each(|value| *value /= sum);
}

/// What margins are divided by before the softmax.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Temperature(f32);

impl Default for Temperature {
    fn default() -> Self {
        Self(1.0)
    }
}

impl From<Temperature> for f32 {
    fn from(temperature: Temperature) -> Self {
        temperature.0
    }
}

impl TryFrom<f32> for Temperature {
    type Error = String;

    fn try_from(value: f32) -> Result<Self, String> {
        if value.is_finite() && (COLDEST..=HOTTEST).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("a temperature of {value}"))
        }
    }
}

/// Temperatures are looked for between these.
const COLDEST: f32 = 1e-3;
/// See [`COLDEST`].
const HOTTEST: f32 = 1e3;

impl Temperature {
    /// The temperature at which `margins` (rows of `classes`) make `labels` most likely.
    pub fn fit(margins: &[f32], labels: &[u16], classes: usize) -> Self {
        // The loss is convex in 1/temperature, so a golden-section search on its logarithm, where the loss
        // still falls and then rises, ends at the least.
        let (mut low, mut high) = (f64::from(COLDEST).ln(), f64::from(HOTTEST).ln());
        let ratio = (5f64.sqrt() - 1.0) / 2.0;
        let loss = |at: f64| surprise(margins, labels, classes, at.exp());
        let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
        let (mut of_left, mut of_right) = (loss(left), loss(right));
        while high - low > 1e-3 {
            if of_left <= of_right {
                (high, right, of_right) = (right, left, of_left);
                left = high - ratio * (high - low);
                of_left = loss(left);
            } else {
                (low, left, of_left) = (left, right, of_right);
                right = low + ratio * (high - low);
                of_right = loss(right);
            }
        }
        Self((f64::midpoint(low, high).exp() as f32).clamp(COLDEST, HOTTEST))
    }

    /// Divides margins.
    pub fn apply(self, margins: &mut [f32]) {
        margins.iter_mut().for_each(|margin| *margin /= self.0);
    }

    /// What a margin's change is multiplied by.
    pub fn slope(self) -> f32 {
        1.0 / self.0
    }
}

/// The mean negative log-likelihood at a temperature.
fn surprise(margins: &[f32], labels: &[u16], classes: usize, temperature: f64) -> f64 {
    let of_row = |(row, &label): (&[f32], &u16)| {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let scaled = |value: f32| f64::from(value - largest) / temperature;
        row.iter().map(|&v| scaled(v).exp()).sum::<f64>().ln() - scaled(row[usize::from(label)])
    };
    margins.chunks_exact(classes).zip(labels).map(of_row).sum::<f64>() / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes, margin 1 against 0, right three times in four: the best probability is 3/4, so
    /// 1/temperature is ln 3.
    #[test]
    fn the_temperature_makes_the_labels_most_likely() {
        let margins = [1.0, 0.0].repeat(4);
        let temperature = Temperature::fit(&margins, &[0, 0, 1, 0], 2);
        assert!((temperature.slope() - 3f32.ln()).abs() < 2e-3, "{temperature:?}");
        let mut row = [1.0, 0.0];
        temperature.apply(&mut row);
        softmax(&mut row);
        assert!((row[0] - 0.75).abs() < 1e-3);
    }

    #[test]
    fn margins_that_are_never_wrong_make_it_as_cold_as_may_be() {
        let temperature = Temperature::fit(&[1.0, 0.0], &[0], 2);
        assert!(f32::from(temperature) < 0.01 && Temperature::try_from(f32::from(temperature)).is_ok());
        assert!(Temperature::try_from(0.0).is_err() && Temperature::try_from(f32::NAN).is_err());
    }
}
