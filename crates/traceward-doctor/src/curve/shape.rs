//! The numbers of a curve's shape, in the catalogue's notation, computed once for all rules.
//!
//! `s` is a running median: of 5 values from 20 on, of 3 from 8 on, else the values themselves. Its window
//! shrinks towards both ends, so that the first and last values are the curve's own: a median that reached
//! inwards would lose the first epoch's drop and smooth a rebound of the last two epochs away.

use std::ops::Range;

/// Noise is taken from the last half, but from no fewer values than this where there are so many.
const FEWEST_FOR_NOISE: usize = 10;

/// The shape of a curve without gaps or values that are not finite. It has at least one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    rows: Vec<usize>,
    raw: Vec<f64>,
    smooth: Vec<f64>,
    min_at: usize,
    max_at: usize,
    end: f64,
    noise: f64,
}

/// A straight line through a stretch of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trend {
    /// How far the line climbs over the stretch; negative if it falls.
    pub change: f64,
    /// The change in units of its own standard error: within ±2 it may be chance.
    pub significance: f64,
}

impl Shape {
    pub(super) fn new(rows: Vec<usize>, raw: Vec<f64>) -> Option<Self> {
        if raw.is_empty() {
            return None;
        }
        let smooth = running_median(&raw);
        let n = smooth.len();
        let (min_at, max_at) = (first_least(&smooth, 1.0), first_least(&smooth, -1.0));
        let tail = n.min((n / 10).max(3));
        let end = mean(&smooth[n - tail..]);
        let noise = noise(&raw[(n / 2).min(n.saturating_sub(FEWEST_FOR_NOISE))..]);
        Some(Self { rows, raw, smooth, min_at, max_at, end, noise })
    }

    /// How many values it has.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// The values.
    pub fn raw(&self) -> &[f64] {
        &self.raw
    }

    /// Their running median, `s`.
    pub fn smooth(&self) -> &[f64] {
        &self.smooth
    }

    /// The row of the history that value `index` stands in.
    pub fn row(&self, index: usize) -> usize {
        self.rows[index]
    }

    /// The last value that stands in `row` or before it; the first value if none does.
    pub fn index_at_row(&self, row: usize) -> usize {
        self.rows.partition_point(|&r| r <= row).saturating_sub(1)
    }

    /// The first value.
    pub fn first(&self) -> f64 {
        self.raw[0]
    }

    /// The last value.
    pub fn last(&self) -> f64 {
        self.raw[self.raw.len() - 1]
    }

    /// The least value of `s`.
    pub fn min(&self) -> f64 {
        self.smooth[self.min_at]
    }

    /// Where `s` is least, for the first time.
    pub fn min_at(&self) -> usize {
        self.min_at
    }

    /// The largest value of `s`.
    pub fn max(&self) -> f64 {
        self.smooth[self.max_at]
    }

    /// Where `s` is largest, for the first time.
    pub fn max_at(&self) -> usize {
        self.max_at
    }

    /// The mean of the last tenth of `s`, at least of three values.
    pub fn end(&self) -> f64 {
        self.end
    }

    /// The standard deviation of what is neither trend nor curvature, over the last half. It comes from
    /// second differences and their median, so that neither a steep fall nor single peaks count.
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// How far the end lies above the minimum. Only values after the minimum count: in a short run the mean
    /// of the last ones would reach back before it.
    pub fn climb(&self) -> f64 {
        let after = self.tail(0.1, 3).start.max(self.min_at + 1);
        if after >= self.len() { 0.0 } else { mean(&self.smooth[after..]) - self.min() }
    }

    /// [`Self::climb`] as a share of the minimum.
    pub fn rise(&self) -> f64 {
        self.climb() / self.min().abs().max(f64::MIN_POSITIVE)
    }

    /// How far the minimum lies below the first value, as a share of that.
    pub fn gain(&self) -> f64 {
        (self.first() - self.min()) / self.first().abs().max(f64::MIN_POSITIVE)
    }

    /// The indices of the last `share` of the values, at least `least` of them where there are so many.
    pub fn tail(&self, share: f64, least: usize) -> Range<usize> {
        let n = self.len();
        let take = ((n as f64 * share).ceil() as usize).max(least).min(n);
        n - take..n
    }

    /// The mean of `|s|` over a stretch.
    pub fn level(&self, range: Range<usize>) -> f64 {
        let part = &self.smooth[range];
        part.iter().map(|value| value.abs()).sum::<f64>() / part.len().max(1) as f64
    }

    /// The distance between the largest and the least `s` in a stretch.
    pub fn spread(&self, range: Range<usize>) -> f64 {
        let part = &self.smooth[range];
        let (least, most) = bounds(part);
        (most - least).max(0.0)
    }

    /// A straight line by least squares through `s` over a stretch.
    pub fn trend(&self, range: Range<usize>) -> Trend {
        let part = &self.smooth[range];
        let n = part.len() as f64;
        if part.len() < 3 {
            let change = part.last().zip(part.first()).map_or(0.0, |(last, first)| last - first);
            return Trend { change, significance: 0.0 };
        }
        let middle = (n - 1.0) / 2.0;
        let level = mean(part);
        let xx = n * (n * n - 1.0) / 12.0;
        let xy: f64 = part.iter().enumerate().map(|(i, y)| (i as f64 - middle) * (y - level)).sum();
        let slope = xy / xx;
        let residual: f64 =
            part.iter().enumerate().map(|(i, y)| (y - level - slope * (i as f64 - middle)).powi(2)).sum();
        let error = (residual / (n - 2.0) / xx).sqrt();
        let change = slope * (n - 1.0);
        let significance = if error > 0.0 { slope / error } else { slope.signum() * f64::INFINITY };
        Trend { change, significance: if slope == 0.0 { 0.0 } else { significance } }
    }

    /// The share of steps in a stretch at which the curve turns from rising to falling or back, of the raw
    /// values. A smooth curve has none, noise without trend 2/3.
    pub fn turns(&self, range: Range<usize>) -> f64 {
        let part = &self.raw[range];
        let turns = part.windows(3).filter(|w| (w[1] - w[0]) * (w[2] - w[1]) < 0.0).count();
        turns as f64 / part.len().saturating_sub(2).max(1) as f64
    }
}

/// Where values turn from rising to falling, or back, by more than `amplitude`: the indices at which that is
/// certain. Swings of any length count, wiggles smaller than the amplitude do not.
pub fn swings(values: &[f64], amplitude: f64) -> Vec<usize> {
    let (mut low, mut high, mut rising) = (f64::INFINITY, f64::NEG_INFINITY, None);
    let mut swings = Vec::new();
    for (index, &value) in values.iter().enumerate() {
        (low, high) = (low.min(value), high.max(value));
        let turned = if rising != Some(true) && value - low > amplitude {
            high = value;
            rising.replace(true)
        } else if rising != Some(false) && high - value > amplitude {
            low = value;
            rising.replace(false)
        } else {
            continue;
        };
        if turned.is_some() {
            swings.push(index);
        }
    }
    swings
}

/// The median of the sizes of the steps from one value to the next; 0 of fewer than two.
pub fn median_step(values: &[f64]) -> f64 {
    median(values.windows(2).map(|w| (w[1] - w[0]).abs()).collect())
}

/// The first index of the least value times `sign`.
fn first_least(values: &[f64], sign: f64) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if value * sign < values[best] * sign {
            best = index;
        }
    }
    best
}

fn bounds(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)))
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The median, of an even count the lower one of the middle two; 0 of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

fn running_median(values: &[f64]) -> Vec<f64> {
    let radius = match values.len() {
        20.. => 2,
        8.. => 1,
        _ => return values.to_vec(),
    };
    let last = values.len() - 1;
    let window = |i: usize| {
        let radius = radius.min(i).min(last - i);
        let mut window = [0.0; 5];
        let window = &mut window[..=2 * radius];
        window.copy_from_slice(&values[i - radius..=i + radius]);
        window.sort_unstable_by(f64::total_cmp);
        window[radius]
    };
    (0..values.len()).map(window).collect()
}

/// Of Gaussian noise of deviation 1, second differences have the deviation √6, and the median of their
/// sizes is 0.6745 of that.
fn noise(values: &[f64]) -> f64 {
    const MEDIAN_OF_NOISE: f64 = 1.652;
    median(values.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).collect()) / MEDIAN_OF_NOISE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(values: &[f64]) -> Shape {
        Shape::new((0..values.len()).collect(), values.to_vec()).expect("not empty")
    }

    #[test]
    fn running_median_removes_a_peak_and_keeps_both_ends() {
        let mut values: Vec<f64> = (0..30).map(|i| 30.0 - f64::from(i)).collect();
        values[10] = 1000.0;
        let shape = shape(&values);
        assert_eq!(shape.max(), 30.0);
        assert_eq!((shape.smooth()[0], shape.smooth()[29]), (30.0, 1.0));
        assert_eq!((shape.min_at(), shape.max_at()), (29, 0));
    }

    #[test]
    fn short_curves_are_not_smoothed() {
        assert_eq!(shape(&[1.0, 9.0, 1.0]).smooth(), [1.0, 9.0, 1.0]);
        assert_eq!(shape(&[5.0]).rise(), 0.0);
    }

    #[test]
    fn rise_and_gain_are_shares() {
        let shape = shape(&[2.0, 1.0, 1.5, 1.5, 1.5]);
        assert_eq!(shape.gain(), 0.5);
        assert_eq!(shape.rise(), 0.5);
    }

    #[test]
    fn noise_sees_neither_slope_nor_peak() {
        let line: Vec<f64> = (0..40).map(|i| 100.0 - 2.0 * f64::from(i)).collect();
        assert!(shape(&line).noise() < 1e-9);
        let mut peak = line.clone();
        peak[30] = 500.0;
        assert!(shape(&peak).noise() < 1e-9);
        let jagged: Vec<f64> = (0..40).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert!((shape(&jagged).noise() - 4.0 / 1.652).abs() < 1e-9);
    }

    #[test]
    fn trend_of_a_line_is_its_change() {
        let line: Vec<f64> = (0..7).map(|i| 3.0 - 0.5 * f64::from(i)).collect();
        let trend = shape(&line).trend(0..7);
        assert!((trend.change + 3.0).abs() < 1e-12);
        assert!(trend.significance < -1e6);
        let flat = shape(&[1.0; 9]).trend(0..9);
        assert_eq!(flat, Trend { change: 0.0, significance: 0.0 });
    }

    #[test]
    fn turns_and_steps_are_of_the_raw_values() {
        let jagged: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
        let shape = shape(&jagged);
        assert_eq!(shape.turns(0..40), 1.0);
        assert_eq!(shape.turns(39..40), 0.0);
        assert_eq!((median_step(&jagged), median_step(&[3.0])), (1.0, 0.0));
    }

    #[test]
    fn swings_are_turns_of_a_size() {
        let slow: Vec<f64> = (0..40).map(|i| (f64::from(i) * 0.5).sin()).collect();
        assert_eq!(swings(&slow, 0.5).len(), 6, "turns of a sine of period 4π");
        assert_eq!(swings(&slow, 2.5).len(), 0);
        let line: Vec<f64> = (0..40).map(f64::from).collect();
        assert_eq!(swings(&line, 0.5).len(), 0);
    }

    #[test]
    fn rows_are_found_where_others_have_gaps() {
        let shape = Shape::new(vec![2, 5, 8], vec![3.0, 2.0, 1.0]).expect("not empty");
        assert_eq!([0, 2, 4, 5, 99].map(|row| shape.index_at_row(row)), [0, 0, 0, 1, 2]);
    }
}
