//! Sums of derivatives by bin, and the best cut that can be read off them.
//!
//! Derivatives are summed as integers (a fixed share of their total each), so that sums are exact: they do
//! not depend on the order of rows or on the number of threads, and what is left of a parent when one child
//! is taken away is the other child, bit for bit. A hessian and a count of rows share one word, which makes
//! a bin two words, and adding a row to it two additions.

use super::bins::{Binned, Column};

/// Bits of [`Sums::hessians`] that hold the sum; the others hold the number of rows.
const HESSIAN_BITS: u32 = 40;
/// What the scaled hessians of all rows may sum up to, with room for rounding.
const HESSIAN_TOTAL: f64 = (1u64 << (HESSIAN_BITS - 1)) as f64;
/// What the scaled gradients of all rows may sum up to: exact in `f64`.
const GRADIENT_TOTAL: f64 = (1u64 << 52) as f64;

/// Rows that a histogram can count.
pub(crate) const MOST_ROWS: usize = 1 << (64 - HESSIAN_BITS);

/// Summed derivatives of some rows, as integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    gradients: i64,
    /// Above [`HESSIAN_BITS`] the number of rows, below it the sum of hessians.
    hessians: u64,
}

impl Sums {
    /// How many rows were summed.
    #[inline]
    pub(crate) fn rows(self) -> u64 {
        self.hessians >> HESSIAN_BITS
    }

    #[inline]
    fn add(&mut self, other: Self) {
        self.gradients += other.gradients;
        self.hessians += other.hessians;
    }

    #[inline]
    fn without(self, other: Self) -> Self {
        Self { gradients: self.gradients - other.gradients, hessians: self.hessians - other.hessians }
    }
}

/// The derivatives of every row that a tree learns from, as integers, and what one unit is.
#[derive(Debug, Default)]
pub(crate) struct Derivatives {
    rows: Vec<Sums>,
    gradient_unit: f64,
    hessian_unit: f64,
}

impl Derivatives {
    /// Takes the first and second derivatives of the loss in each row.
    pub(crate) fn set(&mut self, derivatives: &[(f64, f64)]) {
        let total = derivatives.iter().fold((0.0, 0.0), |(g, h), d| (g + d.0.abs(), h + d.1));
        self.gradient_unit = (total.0 / GRADIENT_TOTAL).max(f64::MIN_POSITIVE);
        self.hessian_unit = (total.1 / HESSIAN_TOTAL).max(f64::MIN_POSITIVE);
        let (per_gradient, per_hessian) = (self.gradient_unit.recip(), self.hessian_unit.recip());
        self.rows.clear();
        self.rows.extend(derivatives.iter().map(|&(gradient, hessian)| Sums {
            gradients: (gradient * per_gradient).round() as i64,
            hessians: (1 << HESSIAN_BITS) + (hessian * per_hessian).round() as u64,
        }));
    }

    /// The sums over `rows`.
    pub(crate) fn sum(&self, rows: &[u32]) -> Sums {
        let mut sums = Sums::default();
        rows.iter().for_each(|&row| sums.add(self.rows[row as usize]));
        sums
    }

    /// The sum of first derivatives.
    #[inline]
    pub(crate) fn gradient(&self, sums: Sums) -> f64 {
        sums.gradients as f64 * self.gradient_unit
    }

    /// The sum of second derivatives.
    #[inline]
    pub(crate) fn hessian(&self, sums: Sums) -> f64 {
        (sums.hessians & ((1 << HESSIAN_BITS) - 1)) as f64 * self.hessian_unit
    }
}

/// The sums of each bin.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    bins: Vec<Sums>,
}

impl Histogram {
    /// Sums up `rows`.
    pub(crate) fn fill(&mut self, binned: &Binned, derivatives: &Derivatives, rows: &[u32]) {
        self.bins.clear();
        self.bins.resize(binned.len(), Sums::default());
        for &row in rows {
            let own = derivatives.rows[row as usize];
            for &bin in binned.row(row) {
                self.bins[bin as usize].add(own);
            }
        }
    }

    /// Takes away what `child` has: what is left is the other child's.
    pub(crate) fn take_away(&mut self, child: &Self) {
        for (own, &gone) in self.bins.iter_mut().zip(&child.bins) {
            *own = own.without(gone);
        }
    }
}

/// What a cut must leave on both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) min_rows: u64,
    pub(crate) min_hessian: f64,
    pub(crate) lambda: f64,
    pub(crate) min_gain: f64,
}

/// A cut: rows of bins beyond `bin` (away from zero, itself with them) part from the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    /// Place in [`Binned::columns`].
    pub(crate) column: u32,
    /// A negative bin, of which the bins up to it go left, or a positive one, from which on they go right.
    pub(crate) bin: u32,
    /// By how much the loss falls, in units of half.
    pub(crate) gain: f64,
}

impl Cut {
    /// Whether a row goes left.
    pub(crate) fn is_left(&self, binned: &Binned, row: u32) -> bool {
        let column = &binned.columns[self.column as usize];
        match binned.bin_of(row, column) {
            Some(bin) if self.bin >= column.positive => bin < self.bin,
            Some(bin) => bin <= self.bin,
            None => self.bin >= column.positive,
        }
    }
}

/// The cut of a leaf that gains most, the first of equals; `columns` are the places that may be asked.
pub(crate) fn best_cut(
    binned: &Binned,
    columns: &[u32],
    histogram: &Histogram,
    derivatives: &Derivatives,
    leaf: Sums,
    limits: Limits,
) -> Option<Cut> {
    let score = |sums: Sums| {
        let (gradient, hessian) = (derivatives.gradient(sums), derivatives.hessian(sums));
        (hessian >= limits.min_hessian).then(|| gradient * gradient / (hessian + limits.lambda))
    };
    let whole = score(leaf)?;
    let mut best: Option<Cut> = None;
    let mut least = whole + limits.min_gain;
    for &place in columns {
        let Column { start, positive, end, .. } = binned.columns[place as usize];
        // From the outermost bin inwards on both sides of zero: zero's own sums are never asked for.
        let mut beyond = |bins: &mut dyn Iterator<Item = u32>| {
            let mut gathered = Sums::default();
            for bin in bins {
                let own = histogram.bins[bin as usize];
                if own.hessians == 0 {
                    continue;
                }
                gathered.add(own);
                if gathered.rows() < limits.min_rows {
                    continue;
                }
                let rest = leaf.without(gathered);
                if rest.rows() < limits.min_rows {
                    break;
                }
                if let (Some(one), Some(other)) = (score(gathered), score(rest))
                    && one + other > least
                {
                    least = one + other;
                    best = Some(Cut { column: place, bin, gain: one + other - whole });
                }
            }
        };
        beyond(&mut (positive..end).rev());
        beyond(&mut (start..positive));
    }
    best
}
