//! Curves in text: a line of bars beside a finding, a small plot of dots above all findings.
//!
//! Loss and validation loss are drawn on one scale, or the gap between them could not be seen. A scale
//! over more than two decades is logarithmic. Where several rows fall into one column, bars show the
//! largest value and dots the whole range, so that a spike is never lost; a value that is no number is a
//! cross.

use traceward_doctor::curve::{Curve, Curves, figure};

/// A largest value this many times the smallest is drawn on a logarithmic scale.
const LOGARITHMIC_FROM: f64 = 100.0;
/// A scale reaches over at least this share of its middle.
const LEAST_RANGE: f64 = 0.1;
/// Bars, from the lowest to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// What is not a number.
const CROSS: char = '×';

/// The curves that are drawn, with their names: the losses, or else the accuracies.
pub(super) fn drawn(curves: &Curves) -> Vec<(&'static str, &Curve)> {
    let named = |pairs: [(&'static str, &'_ Option<Curve>); 2]| -> Vec<(&'static str, usize)> {
        let there = |curve: &Option<Curve>| curve.as_ref().is_some_and(|curve| !curve.values.is_empty());
        (0..2).filter(|&i| there(pairs[i].1)).map(|i| (pairs[i].0, i)).collect()
    };
    let losses = [&curves.loss, &curves.val_loss];
    let accuracies = [&curves.accuracy, &curves.val_accuracy];
    let chosen = named([("loss", losses[0]), ("val_loss", losses[1])]);
    let (chosen, of) = if chosen.is_empty() {
        (named([("accuracy", accuracies[0]), ("val_accuracy", accuracies[1])]), accuracies)
    } else {
        (chosen, losses)
    };
    chosen.into_iter().filter_map(|(name, i)| Some((name, of[i].as_ref()?))).collect()
}

/// Rows that curves reach over.
pub(super) fn rows(curves: &Curves) -> usize {
    let last = drawn(curves).iter().filter_map(|(_, curve)| curve.rows.last()).max().map_or(0, |row| row + 1);
    curves.rows.max(last)
}

/// The value of a curve in a row.
pub(super) fn value_at(curve: &Curve, row: usize) -> Option<f64> {
    let index = curve.rows.partition_point(|&at| at < row);
    // A long curve was thinned: the value before stands for the rows up to the next.
    let exact = curve.rows.get(index) == Some(&row);
    let index = if exact { index } else { index.checked_sub(1)? };
    let near = exact || curve.rows.len() >= traceward_doctor::curve::MOST_POINTS / 2;
    near.then(|| curve.values.get(index).copied()).flatten()
}

/// Values to heights from 0 to 1.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    logarithmic: bool,
}

impl Scale {
    /// The scale of all these curves; `None` if there is no number in them.
    pub(super) fn of(curves: &[(&str, &Curve)]) -> Option<Self> {
        let values = curves.iter().flat_map(|(_, curve)| &curve.values).copied().filter(|v| v.is_finite());
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            return None;
        }
        // What hardly moves shall not look as if it did.
        let least = (low / 2.0 + high / 2.0).abs() * LEAST_RANGE;
        let wanting = ((least - (high - low)) / 2.0).max(0.0);
        let wanting = if wanting.is_finite() { wanting } else { 0.0 };
        let logarithmic = low > 0.0 && high / low >= LOGARITHMIC_FROM;
        Some(Self { low: low - wanting, high: high + wanting, logarithmic })
    }

    fn place(self, value: f64) -> f64 {
        let (low, high, value) = if self.logarithmic {
            (self.low.ln(), self.high.ln(), value.ln())
        } else {
            // Halved, because the distance of two numbers may be more than any number.
            (self.low / 2.0, self.high / 2.0, value / 2.0)
        };
        let place = (value - low) / (high - low);
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.5 }
    }

    /// What it says beside a plot.
    pub(super) fn ends(self) -> (String, String) {
        (figure(self.low), figure(self.high))
    }

    /// Whether it is logarithmic.
    pub(super) fn is_logarithmic(self) -> bool {
        self.logarithmic
    }
}

/// Which of `width` columns the row falls into, of `rows` in all.
pub(super) fn column_of(row: usize, rows: usize, width: usize) -> usize {
    let width = width.min(rows).max(1);
    (row.min(rows.saturating_sub(1)) * width).checked_div(rows).unwrap_or(0).min(width - 1)
}

/// The curve as bars, one a row or a stretch of rows, in at most `width` columns.
pub(super) fn bars(curve: &Curve, scale: Scale, rows: usize, width: usize) -> String {
    let width = width.min(rows).max(1);
    let mut columns: Vec<Option<f64>> = vec![None; width];
    for (&row, &value) in curve.rows.iter().zip(&curve.values) {
        let column = &mut columns[column_of(row, rows, width)];
        // NaN is larger than anything here: it must not be hidden by its neighbours.
        let value = if value.is_finite() { value } else { f64::NAN };
        *column =
            Some(column.map_or(value, |so_far| if so_far.is_nan() { so_far } else { value.max(so_far) }));
        if value.is_nan() {
            *column = Some(value);
        }
    }
    columns
        .into_iter()
        .map(|value| match value {
            None => ' ',
            Some(value) if value.is_nan() => CROSS,
            Some(value) => BARS[((scale.place(value) * 7.0).round() as usize).min(7)],
        })
        .collect()
}

/// The curve as braille dots: `height` lines of `width` columns, from the top.
pub(super) fn dots(curve: &Curve, scale: Scale, rows: usize, width: usize, height: usize) -> Vec<String> {
    let (across, up) = (width * 2, height * 4);
    let mut cells = vec![0_u32; width * height];
    let mut crosses = vec![false; width];
    let at_x = |row: usize| {
        let span = rows.saturating_sub(1).max(1) as f64;
        ((row as f64 / span * (across - 1) as f64).round() as usize).min(across - 1)
    };
    let at_y = |value: f64| ((scale.place(value) * (up - 1) as f64).round() as usize).min(up - 1);
    let mut before: Option<(usize, usize)> = None;
    for (&row, &value) in curve.rows.iter().zip(&curve.values) {
        if !value.is_finite() {
            crosses[at_x(row) / 2] = true;
            before = None;
            continue;
        }
        let here = (at_x(row), at_y(value));
        for (x, y) in line_between(before.unwrap_or(here), here) {
            cells[(up - 1 - y) / 4 * width + x / 2] |= dot(x % 2, (up - 1 - y) % 4);
        }
        before = Some(here);
    }
    (0..height)
        .map(|line| {
            let cells = cells[line * width..(line + 1) * width].iter().enumerate();
            cells
                .map(|(x, &dots)| match char::from_u32(0x2800 + dots) {
                    _ if crosses[x] && line + 1 == height => CROSS,
                    Some(braille) if dots > 0 => braille,
                    _ => ' ',
                })
                .collect()
        })
        .collect()
}

/// The bit of a dot in its braille cell: `x` of 2 from the left, `y` of 4 from the top.
fn dot(x: usize, y: usize) -> u32 {
    const BITS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[x][y]
}

/// The dots from one to the other, without gaps.
fn line_between(from: (usize, usize), to: (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
    let between = move |a: usize, b: usize, step: usize| {
        (a as f64 + (b as f64 - a as f64) * step as f64 / steps as f64).round() as usize
    };
    (0..=steps).map(move |step| (between(from.0, to.0, step), between(from.1, to.1, step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: &[f64]) -> Curve {
        Curve { rows: (0..values.len()).collect(), values: values.to_vec() }
    }

    fn bars_of(values: &[f64], width: usize) -> String {
        let curve = curve(values);
        bars(&curve, Scale::of(&[("loss", &curve)]).unwrap(), values.len(), width)
    }

    #[test]
    fn bars_rise_with_values_and_keep_spikes() {
        assert_eq!(bars_of(&[0.0, 1.0, 2.0, 3.0, 7.0], 10), "▁▂▃▄█");
        assert_eq!(bars_of(&[0.0, 0.0, 0.0, 7.0, 0.0, 0.0], 3), "▁█▁");
        assert_eq!(bars_of(&[1.0, 1.0], 10), "▅▅", "a constant stands in the middle");
        assert_eq!(bars_of(&[0.460, 0.461, 0.459], 10), "▅▅▄", "what hardly moves looks so");
    }

    #[test]
    fn what_is_not_a_number_is_a_cross() {
        assert_eq!(bars_of(&[0.0, f64::NAN, 1.0, f64::INFINITY], 10), "▁×█×");
        assert_eq!(bars_of(&[0.0, f64::NAN, 1.0, 1.0], 2), "×█");
    }

    #[test]
    fn dots_go_from_corner_to_corner() {
        let curve = curve(&[3.0, 0.0]);
        let scale = Scale::of(&[("loss", &curve)]).unwrap();
        assert_eq!(dots(&curve, scale, 2, 2, 1), ["⠑⢄"]);
        let lines = dots(&curve, scale, 2, 4, 2);
        assert_eq!(lines, ["⠑⢄  ", "  ⠑⢄"]);
    }

    #[test]
    fn a_value_is_found_by_its_row() {
        let curve = Curve { rows: vec![0, 2], values: vec![1.0, 3.0] };
        assert_eq!(
            [value_at(&curve, 0), value_at(&curve, 1), value_at(&curve, 2)],
            [Some(1.0), None, Some(3.0)]
        );
    }
}
