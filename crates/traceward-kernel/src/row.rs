//! What a network does to single rows around its recurrent layers, for reading call by call.
//!
//! Training does these through the framework. A session that reads one call at a time has no batch to hand
//! to one, and spends less on the arithmetic than a framework spends on a tensor; so these are few loops on
//! slices. Each [`Isa`] compiles them for itself: the loops without explicit vectors are left to the compiler,
//! which sees them inside the function that carries the instruction set (see `simd`).
//!
//! As everywhere in this crate, a row's arithmetic depends on that row alone.

use crate::Isa;
use crate::buffer::Buffer;
use crate::simd::{Op, Simd};

/// The most outputs of a [`Matrix`] that are computed as products of rows with columns. More of them fill
/// vectors of their own.
const NARROW: usize = 16;
/// Columns that a narrow matrix takes at a time: as many sums that do not wait for each other.
const COLUMNS: usize = 4;
/// Vectors of outputs that a wide matrix takes at a time.
const VECTORS: usize = 4;

/// `x · kernel + bias`, ready to be applied to rows.
#[derive(Clone, Debug)]
pub struct Matrix {
    isa: Isa,
    inputs: usize,
    outputs: usize,
    /// Narrow: transposed, `[outputs][inputs]`. Wide: `[inputs][outputs padded to 16]`.
    kernel: Buffer,
    /// `[outputs padded to 16]`.
    bias: Buffer,
}

impl Matrix {
    /// Packs `kernel` (`[inputs, outputs]`, row-major) and `bias` (`[outputs]`; `None` for none).
    ///
    /// # Panics
    ///
    /// When a slice's length does not fit, or there is no input or output.
    #[must_use]
    pub fn new(isa: Isa, inputs: usize, outputs: usize, kernel: &[f32], bias: Option<&[f32]>) -> Self {
        assert!(inputs > 0 && outputs > 0, "a matrix has inputs and outputs");
        assert_eq!(kernel.len(), inputs * outputs, "length of the kernel");
        let padded = outputs.next_multiple_of(16);
        let mut packed = Buffer::zeros(inputs * if outputs <= NARROW { outputs } else { padded });
        for (input, row) in kernel.chunks_exact(outputs).enumerate() {
            for (output, &weight) in row.iter().enumerate() {
                let at = if outputs <= NARROW { output * inputs + input } else { input * padded + output };
                packed[at] = weight;
            }
        }
        let mut padded_bias = Buffer::zeros(padded);
        if let Some(bias) = bias {
            padded_bias[..outputs].copy_from_slice(bias);
        }
        Self { isa, inputs, outputs, kernel: packed, bias: padded_bias }
    }

    /// Length of a row that goes in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of a row that comes out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Applies it to `rows` (`[n, inputs]`) and writes `out` (`[n, outputs]`).
    ///
    /// # Panics
    ///
    /// When the slices are not whole rows, or not as many.
    pub fn apply(&self, rows: &[f32], out: &mut [f32]) {
        let count = rows.len() / self.inputs;
        assert!(rows.len() == count * self.inputs && out.len() == count * self.outputs, "whole rows");
        self.isa.run(Apply { matrix: self, rows, out });
    }
}

struct Apply<'a> {
    matrix: &'a Matrix,
    rows: &'a [f32],
    out: &'a mut [f32],
}

impl Op for Apply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Matrix { inputs, outputs, ref kernel, ref bias, .. } = *self.matrix;
        for (row, out) in self.rows.chunks_exact(inputs).zip(self.out.chunks_exact_mut(outputs)) {
            if outputs <= NARROW {
                for (first, out) in out.chunks_mut(COLUMNS).enumerate().map(|(n, out)| (n * COLUMNS, out)) {
                    let columns = &kernel[first * inputs..(first + out.len()) * inputs];
                    let bias = &bias[first..];
                    match out.len() {
                        4 => dots::<S, 4>(simd, row, columns, bias, out),
                        3 => dots::<S, 3>(simd, row, columns, bias, out),
                        2 => dots::<S, 2>(simd, row, columns, bias, out),
                        _ => dots::<S, 1>(simd, row, columns, bias, out),
                    }
                }
            } else {
                let padded = bias.len();
                let mut first = 0;
                while first < padded {
                    let left = (padded - first) / S::LANES;
                    let used = if left >= VECTORS {
                        wide::<S, VECTORS>(simd, row, kernel, bias, first, out);
                        VECTORS
                    } else {
                        wide::<S, 1>(simd, row, kernel, bias, first, out);
                        1
                    };
                    first += used * S::LANES;
                }
            }
        }
    }
}

/// `N` columns of a narrow matrix: `columns` is `[N][row.len()]`.
#[inline(always)]
fn dots<S: Simd, const N: usize>(simd: S, row: &[f32], columns: &[f32], bias: &[f32], out: &mut [f32]) {
    let inputs = row.len();
    assert!(columns.len() == N * inputs && bias.len() >= N && out.len() == N);
    let whole = inputs / S::LANES * S::LANES;
    let mut sums = [simd.zero(); N];
    for at in (0..whole).step_by(S::LANES) {
        // SAFETY: `at + LANES <= inputs`, the length of the row and of each of the `N` columns.
        unsafe {
            let values = simd.load(row.as_ptr().add(at));
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = simd.mul_add(values, simd.load(columns.as_ptr().add(n * inputs + at)), *sum);
            }
        }
    }
    for n in 0..N {
        let mut lanes = [0.0; 16];
        // SAFETY: a vector has at most 16 lanes.
        unsafe { simd.store(lanes.as_mut_ptr(), sums[n]) };
        let (mut half, mut sum) = (S::LANES, bias[n]);
        while half > 1 {
            half /= 2;
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        sum += lanes[0];
        for at in whole..inputs {
            sum += row[at] * columns[n * inputs + at];
        }
        out[n] = sum;
    }
}

/// `N` vectors of columns of a wide matrix, from column `first` on.
#[inline(always)]
fn wide<S: Simd, const N: usize>(
    simd: S,
    row: &[f32],
    kernel: &[f32],
    bias: &[f32],
    first: usize,
    out: &mut [f32],
) {
    let (padded, columns) = (bias.len(), N * S::LANES);
    assert!(kernel.len() >= row.len() * padded && first + columns <= padded);
    let mut sums = [simd.zero(); N];
    // SAFETY: `first + N * LANES` columns are there in the bias and in every row of the kernel.
    unsafe {
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = simd.load(bias.as_ptr().add(first + n * S::LANES));
        }
        for (input, &value) in row.iter().enumerate() {
            let (value, weights) = (simd.splat(value), kernel.as_ptr().add(input * padded + first));
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = simd.mul_add(value, simd.load(weights.add(n * S::LANES)), *sum);
            }
        }
    }
    for (n, sum) in sums.into_iter().enumerate() {
        let from = first + n * S::LANES;
        if from + S::LANES <= out.len() {
            // SAFETY: just checked.
            unsafe { simd.store(out.as_mut_ptr().add(from), sum) };
        } else if from < out.len() {
            let mut lanes = [0.0; 16];
            // SAFETY: a vector has at most 16 lanes.
            unsafe { simd.store(lanes.as_mut_ptr(), sum) };
            let present = out.len() - from;
            out[from..].copy_from_slice(&lanes[..present]);
        }
    }
}

/// `out = start + first part + second part ...`, in this order: a convolution over an embedding is this, a
/// part being the row that its tap makes of one call.
///
/// # Panics
///
/// When a part is not as long as `out`.
pub fn sum_rows(isa: Isa, start: &[f32], parts: &[&[f32]], out: &mut [f32]) {
    isa.run(Sum { start, parts, out });
}

struct Sum<'a> {
    start: &'a [f32],
    parts: &'a [&'a [f32]],
    out: &'a mut [f32],
}

impl Op for Sum<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let width = self.out.len();
        assert!(self.start.len() == width && self.parts.iter().all(|part| part.len() == width));
        let whole = width / S::LANES * S::LANES;
        for at in (0..whole).step_by(S::LANES) {
            // SAFETY: `at + LANES <= width`, the length of every slice here.
            unsafe {
                let mut sum = simd.load(self.start.as_ptr().add(at));
                for part in self.parts {
                    sum = simd.add(sum, simd.load(part.as_ptr().add(at)));
                }
                simd.store(self.out.as_mut_ptr().add(at), sum);
            }
        }
        for at in whole..width {
            self.out[at] = self.parts.iter().fold(self.start[at], |sum, part| sum + part[at]);
        }
    }
}

/// `sum += factor * row` for rows of `table`, each given by the place of its first number and its factor.
///
/// `lost` carries what rounding takes from the sums (Kahan 1965), so that millions of rows add up as a few do.
///
/// # Panics
///
/// When a row is outside the table, or `lost` is not as long as `sum`.
pub fn add_rows(isa: Isa, table: &[f32], rows: &[(usize, f32)], sum: &mut [f32], lost: &mut [f32]) {
    assert_eq!(sum.len(), lost.len(), "rows of one length");
    isa.run(Each(
        #[inline(always)]
        || {
            for &(start, factor) in rows {
                let row = &table[start..start + sum.len()];
                for ((sum, lost), &x) in sum.iter_mut().zip(lost.iter_mut()).zip(row) {
                    let term = factor * x - *lost;
                    let next = *sum + term;
                    *lost = (next - *sum) - term;
                    *sum = next;
                }
            }
        },
    ));
}

/// A loop over single numbers that the compiler makes vectors of.
struct Each<F>(F);

impl<F: FnOnce()> Op for Each<F> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        (self.0)();
    }
}

/// Sets what is negative to 0; NaN stays.
pub fn relu(isa: Isa, row: &mut [f32]) {
    isa.run(Each(
        #[inline(always)]
        || {
            for x in row {
                *x = if *x < 0.0 { 0.0 } else { *x };
            }
        },
    ));
}

/// `into = max(into, row)`; NaN wins, so that a broken network does not look sane.
///
/// # Panics
///
/// When the slices are not of one length.
pub fn maximum(isa: Isa, row: &[f32], into: &mut [f32]) {
    assert_eq!(row.len(), into.len(), "rows of one length");
    isa.run(Each(
        #[inline(always)]
        || {
            for (into, &x) in into.iter_mut().zip(row) {
                *into = if x > *into || x.is_nan() { x } else { *into };
            }
        },
    ));
}

/// `into += share * (row - into)`: a running mean, for a share of 1 / n at the n-th row. Unlike a running sum
/// it neither grows nor loses the small numbers beside the great, however long a trace is.
///
/// # Panics
///
/// When the slices are not of one length.
pub fn toward(isa: Isa, row: &[f32], share: f32, into: &mut [f32]) {
    assert_eq!(row.len(), into.len(), "rows of one length");
    isa.run(Each(
        #[inline(always)]
        || {
            for (into, &x) in into.iter_mut().zip(row) {
                *into += share * (x - *into);
            }
        },
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn floats(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    proptest! {
        #[test]
        fn a_matrix_is_its_product(inputs in 1usize..70, outputs in 1usize..100, rows in 0usize..4, seed: u64) {
            let (kernel, bias) = (floats(inputs * outputs, seed), floats(outputs, seed ^ 1));
            let x = floats(rows * inputs, seed ^ 2);
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; rows * outputs];
                Matrix::new(isa, inputs, outputs, &kernel, Some(&bias)).apply(&x, &mut out);
                for (place, &y) in out.iter().enumerate() {
                    let (row, output) = (place / outputs, place % outputs);
                    let wanted: f64 = (0..inputs)
                        .map(|input| f64::from(x[row * inputs + input]) * f64::from(kernel[input * outputs + output]))
                        .sum::<f64>() + f64::from(bias[output]);
                    prop_assert!((f64::from(y) - wanted).abs() < 1e-5, "{isa:?}: {y} against {wanted}");
                }
                // A row's numbers do not depend on the rows beside it.
                if rows > 1 {
                    let mut alone = vec![0.0; outputs];
                    Matrix::new(isa, inputs, outputs, &kernel, Some(&bias)).apply(&x[inputs..2 * inputs], &mut alone);
                    prop_assert_eq!(&alone, &out[outputs..2 * outputs]);
                }
            }
        }

        #[test]
        fn rows_add_up(width in 1usize..70, parts in 0usize..6, seed: u64) {
            let rows: Vec<_> = (0..=parts as u64).map(|part| floats(width, seed ^ part)).collect();
            let slices: Vec<&[f32]> = rows[1..].iter().map(Vec::as_slice).collect();
            let wanted: Vec<f32> =
                (0..width).map(|at| slices.iter().fold(rows[0][at], |sum, row| sum + row[at])).collect();
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; width];
                sum_rows(isa, &rows[0], &slices, &mut out);
                prop_assert_eq!(&out, &wanted);
            }
        }
    }

    #[test]
    fn a_running_mean_is_the_mean() {
        let rows: Vec<_> = (0..50).map(|row| floats(19, row)).collect();
        for isa in Isa::available() {
            let mut mean = vec![0.0; 19];
            for (n, row) in rows.iter().enumerate() {
                toward(isa, row, 1.0 / (n + 1) as f32, &mut mean);
            }
            for (at, mean) in mean.into_iter().enumerate() {
                let wanted = rows.iter().map(|row| f64::from(row[at])).sum::<f64>() / 50.0;
                assert!((f64::from(mean) - wanted).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_million_rows_add_up_as_a_few_do() {
        let table = floats(40, 1);
        for isa in Isa::available() {
            let (mut sum, mut lost) = ([0.0; 5], [0.0; 5]);
            let rows: Vec<(usize, f32)> = (0..1000).map(|n| (n % 8 * 5, 0.1 + n as f32 * 1e-3)).collect();
            (0..1000).for_each(|_| add_rows(isa, &table, &rows, &mut sum, &mut lost));
            for (at, sum) in sum.into_iter().enumerate() {
                let exact: f64 =
                    rows.iter().map(|&(row, factor)| f64::from(factor) * f64::from(table[row + at])).sum();
                assert!((f64::from(sum) / (1000.0 * exact) - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn nan_is_not_hidden() {
        for isa in Isa::available() {
            let mut row = [f32::NAN, -1.0, 2.0];
            relu(isa, &mut row);
            assert!(row[0].is_nan() && row[1..] == [0.0, 2.0]);
            let mut into = [3.0, 3.0, f32::NAN];
            maximum(isa, &[f32::NAN, 4.0, 1.0], &mut into);
            assert!(into[0].is_nan() && into[1] == 4.0 && into[2].is_nan());
        }
    }
}
