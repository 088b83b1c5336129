//! What happens inside a network: numbers about layers for those who look for trouble.
//!
//! A look at a large layer reads a sample of its rows and units, so that what it costs does not grow with
//! the layer: the shares it speaks of are far from the thresholds that anyone would set.

use serde::Serialize;
use traceward_run::inside::{OutputLook, WeightLook};
use traceward_run::spec::Activation;

/// The most values of an output that are looked at: rows beyond are passed over evenly.
const VALUES: usize = 1 << 16;
/// The most units of a kernel that are compared with each other.
const UNITS: usize = 48;
/// From which cosine on two units are the same.
const TWIN: f64 = 0.9999;
/// What goes into a saturated sigmoid or tanh is beyond this.
const SATURATED: f32 = 5.0;
/// An LSTM's or GRU's output is a tanh times a gate, or a mean of such: beyond this, both are at their ends.
const SATURATED_STATE: f32 = 0.99;

/// What a layer is, for [`output_look`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerOutput<'a> {
    pub(crate) name: &'a str,
    pub(crate) index: usize,
    pub(crate) activation: Activation,
    /// An LSTM or GRU, or both ways of one.
    pub(crate) recurrent: bool,
    pub(crate) units: usize,
}

/// Looks at what a layer put out: `values`, rows of its width.
pub(crate) fn output_look(layer: LayerOutput<'_>, values: &[f32]) -> OutputLook {
    let units = layer.units.max(1);
    let rows = values.len() / units;
    let every = (values.len() / VALUES).max(1);
    let flat: fn(f32) -> bool = match layer.activation {
        _ if layer.recurrent => |v| v.abs() > SATURATED_STATE,
        Activation::Sigmoid => |v| {
            let end = 1.0 / (1.0 + SATURATED.exp());
            v < end || v > 1.0 - end
        },
        Activation::Tanh => |v| v.abs() > SATURATED.tanh(),
        _ => |_| false,
    };
    let (mut smallest, mut largest) = (vec![f32::INFINITY; units], vec![f32::NEG_INFINITY; units]);
    let (mut sum, mut squares, mut count, mut zeros, mut saturated) = (0.0, 0.0, 0u64, 0u64, 0u64);
    let mut not_finite = false;
    for row in values.chunks_exact(units).step_by(every) {
        let (mut row_sum, mut row_squares) = (0.0f32, 0.0f32);
        for ((&v, low), high) in row.iter().zip(&mut smallest).zip(&mut largest) {
            row_sum += v;
            row_squares += v * v;
            zeros += u64::from(v == 0.0);
            *low = low.min(v);
            *high = high.max(v);
        }
        not_finite |= !row_sum.is_finite() && row.iter().any(|v| !v.is_finite());
        saturated += row.iter().filter(|&&v| flat(v)).count() as u64;
        sum += f64::from(row_sum);
        squares += f64::from(row_squares);
        count += units as u64;
    }
    let count = count.max(1) as f64;
    let mean = sum / count;
    let min = smallest.iter().copied().fold(f32::INFINITY, f32::min);
    let max = largest.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let dead = smallest.iter().zip(&largest).map(|(&low, &high)| low == 0.0 && high == 0.0).collect();
    let same = smallest.iter().zip(&largest).filter(|&(low, high)| high - low <= 1e-6 * (max - min));
    OutputLook {
        name: layer.name.to_owned(),
        layer: layer.index,
        activation: if layer.recurrent { "tanh" } else { layer.activation.name() }.into(),
        rows,
        units,
        mean,
        deviation: (squares / count - mean * mean).max(0.0).sqrt(),
        min: min.into(),
        max: max.into(),
        zeros: zeros as f64 / count,
        constant_units: same.count() as f64 / units as f64,
        dead,
        saturated: saturated as f64 / count,
        not_finite,
    }
}

/// Everything that can be seen of one step from inside.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Internals {
    /// The weights, in the network's order; moving statistics are none.
    pub weights: Vec<WeightLook>,
    /// The layers' outputs, first to last.
    pub activations: Vec<OutputLook>,
    /// The batch's loss by moving statistics, before the step; `None` for a network without any, which
    /// has no other loss than the one it is trained with.
    pub evaluated_loss: Option<f64>,
    /// How long the look took.
    pub seconds: f64,
}

/// A gradient, before it is clipped.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GradientStats {
    /// Euclidean norm.
    pub norm: f64,
    /// The share of entries that are exactly zero.
    pub zeros: f64,
}

impl GradientStats {
    /// Of one weight array.
    pub fn of(gradient: &[f32]) -> Self {
        let zeros = gradient.iter().filter(|&&g| g == 0.0).count();
        Self { norm: norm(gradient), zeros: zeros as f64 / gradient.len().max(1) as f64 }
    }
}

/// Euclidean norm, summed in double precision, in eight sums side by side: one would wait for itself.
pub fn norm(values: &[f32]) -> f64 {
    let square = |v: &f32| f64::from(*v) * f64::from(*v);
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0f64; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, v)| *sum += square(v));
    }
    (sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()).sqrt()
}

/// Euclidean norm of the difference of two arrays of one length.
pub(crate) fn distance(before: &[f32], after: &[f32]) -> f64 {
    let change: Vec<f32> = after.iter().zip(before).map(|(a, b)| a - b).collect();
    norm(&change)
}

/// The share of a kernel's units (columns of `columns`) whose weights point the same way as another
/// unit's. All-zero units are alike. `None` for fewer than two units or a single input, where all
/// directions are one or two.
pub(crate) fn twins(kernel: &[f32], columns: usize) -> Option<f64> {
    let rows = kernel.len().checked_div(columns)?;
    if columns < 2 || rows < 2 {
        return None;
    }
    let every = columns.div_ceil(UNITS);
    let units: Vec<Vec<f32>> = (0..columns)
        .step_by(every)
        .map(|column| {
            let unit: Vec<f32> = kernel.iter().skip(column).step_by(columns).copied().collect();
            let length = norm(&unit) as f32;
            if length > 0.0 { unit.iter().map(|v| v / length).collect() } else { unit }
        })
        .collect();
    let dot = |a: &[f32], b: &[f32]| {
        let (a8, a_rest) = a.as_chunks::<8>();
        let (b8, b_rest) = b.as_chunks::<8>();
        let mut sums = [0f32; 8];
        for (a, b) in a8.iter().zip(b8) {
            (0..8).for_each(|at| sums[at] += a[at] * b[at]);
        }
        f64::from(sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>())
    };
    let is_zero = |unit: &[f32]| unit.iter().all(|&v| v == 0.0);
    let zero: Vec<bool> = units.iter().map(|unit| is_zero(unit)).collect();
    let mut twin = vec![false; units.len()];
    for a in 0..units.len() {
        for b in a + 1..units.len() {
            if zero[a] && zero[b] || dot(&units[a], &units[b]) > TWIN {
                (twin[a], twin[b]) = (true, true);
            }
        }
    }
    Some(twin.iter().filter(|&&t| t).count() as f64 / twin.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(activation: Activation, units: usize) -> LayerOutput<'static> {
        LayerOutput { name: "dense", index: 1, activation, recurrent: false, units }
    }

    #[test]
    fn the_norm_is_that_of_all_values() {
        let values: Vec<f32> = (1..=19).map(|v| v as f32).collect();
        // 19 * 20 * 39 / 6 squares.
        assert!((norm(&values) - 2470f64.sqrt()).abs() < 1e-12);
        assert!(norm(&[]).abs() < 1e-12);
    }

    #[test]
    fn dead_and_constant_units_are_counted_by_column() {
        let stats = output_look(layer(Activation::Relu, 3), &[0.0, 1.0, 5.0, 0.0, 3.0, 5.0]);
        assert_eq!(stats.dead, [true, false, false]);
        assert!((stats.constant_units - 2.0 / 3.0).abs() < 1e-12);
        assert!((stats.zeros - 2.0 / 6.0).abs() < 1e-12);
        assert!((stats.mean - 14.0 / 6.0).abs() < 1e-6);
        assert!((stats.deviation - (60.0 / 6.0 - (14f64 / 6.0).powi(2)).sqrt()).abs() < 1e-6);
        assert_eq!((stats.rows, stats.units), (2, 3));
    }

    #[test]
    fn flat_ends_are_those_of_what_goes_in_beyond_five() {
        let values: Vec<f32> = [-6.0f32, -4.0, 4.0, 6.0].iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        let share = |activation, values: &[f32]| output_look(layer(activation, 1), values).saturated;
        assert!((share(Activation::Sigmoid, &values) - 0.5).abs() < 1e-12);
        let values: Vec<f32> = [-6.0f32, -4.0, 4.0, 4.5].iter().map(|x| x.tanh()).collect();
        assert!((share(Activation::Tanh, &values) - 0.25).abs() < 1e-12);
        assert!(share(Activation::Relu, &values).abs() < 1e-12);
    }

    #[test]
    fn a_value_that_is_no_number_is_seen() {
        let stats = output_look(layer(Activation::Linear, 2), &[1.0, 2.0, f32::NAN, 4.0]);
        assert!(stats.not_finite);
        let huge = output_look(layer(Activation::Linear, 2), &[f32::MAX, f32::MAX]);
        assert!(!huge.not_finite);
    }

    #[test]
    fn units_that_point_the_same_way_are_twins() {
        // Columns: (1, 2), (2, 4), (1, -1), (3, 0).
        let kernel = [1.0, 2.0, 1.0, 3.0, 2.0, 4.0, -1.0, 0.0];
        assert_eq!(twins(&kernel, 4), Some(0.5));
        assert_eq!(twins(&[0.0; 8], 4), Some(1.0));
        assert_eq!(twins(&[1.0, 2.0], 1), None);
        assert_eq!(twins(&[1.0, 2.0], 2), None);
    }
}
