//! Training traces, counted once.

use rayon::prelude::*;

use super::config::{FeatureConfig, Series};
use super::key::{KeyError, KeySpace};
use super::table::Table;
use crate::Sparse;

/// The n-gram counts of training traces, from which models, members of a stack and inner folds take the
/// rows and columns that are theirs.
#[derive(Clone, Debug)]
pub struct Corpus {
    pub(crate) space: KeySpace,
    /// Ascending.
    pub(crate) keys: Vec<u64>,
    counts: Sparse,
}

/// The columns that a model uses, of a corpus' or a dictionary's: ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(pub(crate) Vec<u32>);

impl Columns {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same columns' places among `all`, which holds them.
    pub(crate) fn within(&self, all: &Self) -> Self {
        let place = |column| all.0.binary_search(column).expect("a union holds its parts");
        Self(self.0.iter().map(|column| place(column) as u32).collect())
    }

    /// Those that are `kept`.
    pub(crate) fn keep(self, kept: &[bool]) -> Self {
        Self(self.0.into_iter().zip(kept).filter(|(_, kept)| **kept).map(|(column, _)| column).collect())
    }

    /// The columns of all of them.
    pub(crate) fn union<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut union: Vec<u32> = all.into_iter().flat_map(|c| c.0.iter().copied()).collect();
        union.sort_unstable();
        union.dedup();
        Self(union)
    }

    /// The rows of a matrix in these columns, numbered anew from 0.
    pub(crate) fn of(&self, counts: &Sparse, rows: impl IntoIterator<Item = usize>) -> Sparse {
        let mut matrix = Sparse::new(self.len());
        if self.len() == counts.columns() {
            for row in rows {
                let (index, values) = counts.row(row);
                matrix.push(index.iter().copied().zip(values.iter().copied()));
            }
            return matrix;
        }
        let mut place = vec![u32::MAX; counts.columns()];
        for (own, &column) in self.0.iter().enumerate() {
            place[column as usize] = own as u32;
        }
        for row in rows {
            let (index, values) = counts.row(row);
            let own = index.iter().zip(values).map(|(&column, &value)| (place[column as usize], value));
            matrix.push(own.filter(|(column, _)| *column != u32::MAX));
        }
        matrix
    }
}

impl Corpus {
    /// Counts the n-grams of all `series` in `traces`; those that stand in fewer than `min_traces` traces
    /// are left out.
    ///
    /// # Errors
    /// If an n-gram of these series has no key.
    pub fn new(
        traces: &[&[u32]],
        series: impl IntoIterator<Item = Series>,
        vocabulary: usize,
        min_traces: u32,
    ) -> Result<Self, KeyError> {
        let space = KeySpace::new(series, vocabulary)?;
        let mut table = Table::with_capacity(1 << 14);
        let mut counts: Vec<u32> = Vec::new();
        let mut in_traces: Vec<u32> = Vec::new();
        let mut rows: Vec<Vec<(u32, f32)>> = Vec::with_capacity(traces.len());
        for trace in traces {
            let mut row: Vec<u32> = Vec::new();
            space.each(trace, |key, _, _| {
                let number = table.intern(key);
                if number as usize == counts.len() {
                    counts.push(0);
                    in_traces.push(0);
                }
                let count = &mut counts[number as usize];
                if *count == 0 {
                    row.push(number);
                }
                *count += 1;
            });
            rows.push(
                row.into_iter()
                    .map(|number| {
                        in_traces[number as usize] += 1;
                        (number, std::mem::take(&mut counts[number as usize]) as f32)
                    })
                    .collect(),
            );
        }
        let all = table.keys();
        let mut kept: Vec<u32> =
            (0..all.len() as u32).filter(|&n| in_traces[n as usize] >= min_traces).collect();
        kept.sort_unstable_by_key(|&number| all[number as usize]);
        let mut place = vec![u32::MAX; all.len()];
        for (column, &number) in kept.iter().enumerate() {
            place[number as usize] = column as u32;
        }
        rows.par_iter_mut().for_each(|row| {
            row.retain(|(number, _)| place[*number as usize] != u32::MAX);
            row.iter_mut().for_each(|(number, _)| *number = place[*number as usize]);
            row.sort_unstable_by_key(|(column, _)| *column);
        });
        let mut counts = Sparse::new(kept.len());
        rows.into_iter().for_each(|row| counts.push(row));
        Ok(Self { space, keys: kept.iter().map(|&n| all[n as usize]).collect(), counts })
    }

    /// The counts: a row a trace, a column an n-gram.
    pub fn counts(&self) -> &Sparse {
        &self.counts
    }

    /// The columns of `config`, whose series must be among the corpus', that stand in enough of the traces
    /// `rows`.
    pub fn columns(&self, config: &FeatureConfig, rows: &[u32]) -> Columns {
        let mut in_traces = vec![0u32; self.keys.len()];
        for &row in rows {
            for &column in self.counts.row(row as usize).0 {
                in_traces[column as usize] += 1;
            }
        }
        // The longest n-grams wanted of each series of the space.
        let order_of = |s: &Series| {
            let same = config.series.iter().filter(|c| (c.part, c.gap) == (s.part, s.gap));
            same.map(|c| usize::from(c.order)).max().unwrap_or(0)
        };
        let wanted = |column: &u32| {
            let key = self.keys[*column as usize];
            in_traces[*column as usize] >= config.min_traces.max(1)
                && self.space.series_of(key).is_some_and(|s| self.space.order(key) <= order_of(&s))
        };
        Columns((0..self.keys.len() as u32).filter(wanted).collect())
    }

    /// The counts of the traces `rows` in some columns.
    pub fn matrix(&self, columns: &Columns, rows: &[u32]) -> Sparse {
        columns.of(&self.counts, rows.iter().map(|&row| row as usize))
    }
}
