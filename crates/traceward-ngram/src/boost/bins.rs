//! Values in bins: where each column may be cut, and every row as the bins that it is in.
//!
//! A column has at most `max_bin` bins, found as LightGBM finds them: one for each distinct value if there
//! are few, else about as many rows in each. Zero is a bin of its own that is never stored: most n-grams
//! stand in few traces, so what a row stores is short, and what its zeros add up to is the whole less the
//! rest. Bins are numbered through over all columns, so that a histogram is one flat array. A column that
//! cannot be cut with `min_data_in_leaf` rows on both sides is left out (LightGBM's `feature_pre_filter`).

use rayon::prelude::*;

use crate::Sparse;

/// The bins of one column: first the negative ones, ascending, then the positive ones, ascending.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// Its place in the matrix.
    pub(crate) column: u32,
    /// The first of its bins.
    pub(crate) start: u32,
    /// The first of its positive bins.
    pub(crate) positive: u32,
    /// One past the last of its bins.
    pub(crate) end: u32,
}

impl Column {
    /// All of its bins.
    pub(crate) fn bins(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A matrix in bins.
#[derive(Clone, Debug)]
pub(crate) struct Binned {
    /// The columns that can be cut.
    pub(crate) columns: Vec<Column>,
    /// Bin -> where to cut beside it: a negative bin lies up to this value, a positive bin above it.
    pub(crate) cuts: Vec<f32>,
    /// Where each row starts in `bins`; one more than there are rows.
    starts: Vec<usize>,
    /// The bins of each row, ascending; its zeros have none.
    bins: Vec<u32>,
}

impl Binned {
    /// Puts `matrix` into bins.
    pub(crate) fn new(matrix: &Sparse, max_bin: usize, min_data_in_bin: usize, min_leaf: usize) -> Self {
        let by_column = transpose(matrix);
        let cut: Vec<Option<(usize, Vec<f32>)>> = by_column
            .par_iter()
            .map(|values| cut(values, matrix.rows(), max_bin, min_data_in_bin, min_leaf))
            .collect();
        let (mut columns, mut cuts) = (Vec::new(), Vec::new());
        let mut known = vec![None; matrix.columns()];
        for (column, found) in cut.into_iter().enumerate() {
            let Some((negative, own)) = found else { continue };
            let start = cuts.len() as u32;
            cuts.extend(own);
            known[column] = Some(columns.len());
            let positive = start + negative as u32;
            columns.push(Column { column: column as u32, start, positive, end: cuts.len() as u32 });
        }
        let mut binned = Self { columns, cuts, starts: vec![0], bins: Vec::new() };
        for row in 0..matrix.rows() {
            let (row_columns, values) = matrix.row(row);
            for (&column, &value) in row_columns.iter().zip(values) {
                if let Some(known) = known[column as usize] {
                    binned.bins.extend(binned.bin(known, value));
                }
            }
            binned.starts.push(binned.bins.len());
        }
        binned
    }

    /// The bin of a value, `None` for zero's.
    fn bin(&self, column: usize, value: f32) -> Option<u32> {
        let Column { start, positive, end, .. } = self.columns[column];
        let within = |from: u32, to: u32| &self.cuts[from as usize..to as usize];
        if value > 0.0 {
            let below = within(positive, end).partition_point(|&cut| cut < value) as u32;
            (below > 0).then(|| positive + below - 1)
        } else {
            let bin = start + within(start, positive).partition_point(|&cut| cut < value) as u32;
            (bin < positive).then_some(bin)
        }
    }

    /// How many bins there are in all.
    pub(crate) fn len(&self) -> usize {
        self.cuts.len()
    }

    /// The bins of a row, ascending.
    #[inline]
    pub(crate) fn row(&self, row: u32) -> &[u32] {
        &self.bins[self.starts[row as usize]..self.starts[row as usize + 1]]
    }

    /// The bin of a row among those of `column`, `None` for zero's.
    pub(crate) fn bin_of(&self, row: u32, column: &Column) -> Option<u32> {
        let bins = self.row(row);
        let at = bins.partition_point(|&bin| bin < column.start);
        bins.get(at).copied().filter(|&bin| bin < column.end)
    }
}

/// The values of each column that are not zero, in no order that matters.
fn transpose(matrix: &Sparse) -> Vec<Vec<f32>> {
    let mut by_column = vec![Vec::new(); matrix.columns()];
    for row in 0..matrix.rows() {
        let (columns, values) = matrix.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            by_column[column as usize].push(value);
        }
    }
    by_column
}

/// Where to cut a column of `rows` rows, most of them zero: the number of negative bins, and the cut beside
/// every bin. `None` if no cut leaves `min_leaf` rows on both sides.
fn cut(
    values: &[f32],
    rows: usize,
    max_bin: usize,
    min_data_in_bin: usize,
    min_leaf: usize,
) -> Option<(usize, Vec<f32>)> {
    if values.len() < min_leaf {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for value in sorted {
        match distinct.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => distinct.push((value, 1)),
        }
    }
    let (negative, positive) = distinct.split_at(distinct.partition_point(|&(value, _)| value < 0.0));
    let count = |side: &[(f32, usize)]| side.iter().map(|&(_, count)| count).sum::<usize>();
    let zeros = rows - values.len();
    // Zero's own bin is one of them; the two sides share the rest by their rows.
    let bins = max_bin.max(3) - 1;
    let for_negative = (bins * count(negative) / values.len()).clamp(1, bins - 1);
    let below = inner_cuts(negative, for_negative, min_data_in_bin);
    let above = inner_cuts(positive, bins - for_negative, min_data_in_bin);
    let mut cuts = below;
    if let Some(&(last, _)) = negative.last() {
        cuts.push(between(last, 0.0));
    }
    let negative_bins = cuts.len();
    if let Some(&(first, _)) = positive.first() {
        cuts.push(between(0.0, first));
        cuts.extend(above);
    }
    let mut left = 0;
    let possible = distinct.iter().any(|&(value, count)| {
        let before = left + if value > 0.0 { zeros } else { 0 };
        left += count;
        let after = before + count;
        before.min(rows - before) >= min_leaf || after.min(rows - after) >= min_leaf
    });
    possible.then_some((negative_bins, cuts))
}

/// Cuts between the values of one side of zero, for at most `max_bin` bins: LightGBM's `GreedyFindBin`. A
/// value that alone fills a bin gets one; the others are gathered until their bin is full.
fn inner_cuts(values: &[(f32, usize)], max_bin: usize, min_data_in_bin: usize) -> Vec<f32> {
    let mut cuts = Vec::new();
    let mut gathered = 0;
    if values.len() <= max_bin {
        for pair in values.windows(2) {
            gathered += pair[0].1;
            if gathered >= min_data_in_bin {
                cuts.push(between(pair[0].0, pair[1].0));
                gathered = 0;
            }
        }
        return cuts;
    }
    let total: usize = values.iter().map(|&(_, count)| count).sum();
    let max_bin = max_bin.min(total / min_data_in_bin.max(1)).max(1);
    let full = total as f64 / max_bin as f64;
    let alone = |count: usize| count as f64 >= full;
    let (mut bins_left, mut rows_left) = (max_bin, total);
    for &(_, count) in values.iter().filter(|&&(_, count)| alone(count)) {
        bins_left -= 1;
        rows_left -= count;
    }
    let mean = |rows: usize, bins: usize| rows as f64 / bins.max(1) as f64;
    let mut wanted = mean(rows_left, bins_left);
    for pair in values.windows(2) {
        if cuts.len() + 1 >= max_bin {
            break;
        }
        let ((value, count), (next, next_count)) = (pair[0], pair[1]);
        gathered += count;
        if !alone(count) {
            rows_left -= count;
        }
        let filled = gathered as f64;
        if alone(count) || filled >= wanted || (alone(next_count) && filled >= (wanted * 0.5).max(1.0)) {
            cuts.push(between(value, next));
            gathered = 0;
            if !alone(count) {
                bins_left = bins_left.saturating_sub(1);
                wanted = mean(rows_left, bins_left);
            }
        }
    }
    cuts
}

/// A number at which `low` and greater `high` part: `low` is at most this, `high` is greater.
fn between(low: f32, high: f32) -> f32 {
    let middle = f32::midpoint(low, high);
    if middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[f32]) -> Sparse {
        let mut matrix = Sparse::new(1);
        values.iter().for_each(|&value| matrix.push([(0, value)]));
        matrix
    }

    #[test]
    fn counts_have_a_bin_each_and_zeros_none() {
        let binned = Binned::new(&column(&[0.0, 1.0, 2.0, 2.0, 7.0]), 255, 1, 1);
        assert_eq!(binned.cuts, [0.5, 1.5, 4.5]);
        let bins: Vec<&[u32]> = (0..5).map(|row| binned.row(row)).collect();
        assert_eq!(bins, [&[][..], &[0], &[1], &[1], &[2]]);
        assert_eq!(binned.bin_of(0, &binned.columns[0]), None);
        assert_eq!(binned.bin_of(4, &binned.columns[0]), Some(2));
    }

    #[test]
    fn negative_and_positive_values_lie_on_their_sides_of_zero() {
        let binned = Binned::new(&column(&[-2.0, -1.0, 0.0, 3.0]), 255, 1, 1);
        assert_eq!(binned.cuts, [-1.5, -0.5, 1.5]);
        assert_eq!(binned.columns, [Column { column: 0, start: 0, positive: 2, end: 3 }]);
        let bins: Vec<&[u32]> = (0..4).map(|row| binned.row(row)).collect();
        assert_eq!(bins, [&[0][..], &[1], &[], &[2]]);
    }

    #[test]
    fn rare_values_share_a_bin() {
        let binned = Binned::new(&column(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0]), 255, 3, 1);
        assert_eq!(binned.cuts, [0.5, 3.5]);
    }

    #[test]
    fn many_values_make_bins_of_about_the_same_size() {
        let values: Vec<f32> = (0..1000).map(|i| i as f32 / 7.0 + 1.0).collect();
        let binned = Binned::new(&column(&values), 11, 3, 20);
        assert!((9..=10).contains(&binned.len()), "{}", binned.len());
        let mut sizes = vec![0usize; binned.len()];
        (0..1000).for_each(|row| sizes[binned.row(row)[0] as usize] += 1);
        assert!(sizes.iter().all(|size| (90..=120).contains(size)), "{sizes:?}");
    }

    #[test]
    fn columns_that_cannot_be_cut_are_left_out() {
        let mut matrix = Sparse::new(3);
        for row in 0..10 {
            let rare = if row < 2 { 1.0 } else { 0.0 };
            matrix.push([(0, 4.0), (1, rare), (2, f32::from(row >= 5))]);
        }
        let binned = Binned::new(&matrix, 255, 1, 3);
        assert_eq!(binned.columns.iter().map(|c| c.column).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn values_next_to_each_other_can_be_parted() {
        let (low, high) = (1.0f32, 1.0f32.next_up());
        let cut = between(low, high);
        assert!(low <= cut && cut < high);
        let cut = between(-f32::MIN_POSITIVE, 0.0);
        assert!((-f32::MIN_POSITIVE..0.0).contains(&cut));
    }
}
