//! The n-grams that a trained model knows.

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::config::Series;
use super::corpus::{Columns, Corpus};
use super::key::{Gram, KeySpace};
use super::table::Table;
use crate::Sparse;
use crate::parts::{PartsError, Reader, Writer};

/// Traces that are counted as one piece of work.
const TRACES_AT_ONCE: usize = 32;

/// A key is written as three numbers of this many bits: `f32` is exact for integers up to 24 bits.
const PIECE_BITS: u32 = 22;

/// The n-grams that a trained model knows, each a column.
#[derive(Clone, Debug)]
pub struct Dictionary {
    space: KeySpace,
    /// Ascending; `keys[i]` is column `i`.
    keys: Vec<u64>,
    table: Table,
}

/// An n-gram of the dictionary, where it stands in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Its column.
    pub column: u32,
    /// Its first call.
    pub first: usize,
    /// From each of its calls to the next: 1, or more with a gap.
    pub step: usize,
    /// How many calls it has.
    pub calls: usize,
}

impl Occurrence {
    /// The places of its calls in the trace.
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..self.calls).map(move |i| self.first + i * self.step)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    vocabulary: usize,
    series: Vec<Series>,
}

impl Dictionary {
    /// The n-grams `columns` of a corpus.
    pub(crate) fn new(corpus: &Corpus, columns: &Columns) -> Self {
        let keys = columns.0.iter().map(|&c| corpus.keys[c as usize]);
        // Series that no kept n-gram is of need not be counted, nor orders that none has.
        let mut used: Vec<Series> = Vec::new();
        for key in keys.clone() {
            let series = corpus.space.series_of(key).expect("a corpus' key is of its series");
            let order = corpus.space.order(key) as u8;
            match used.iter_mut().find(|u| (u.part, u.gap) == (series.part, series.gap)) {
                Some(known) => known.order = known.order.max(order),
                None => used.push(Series { order, ..series }),
            }
        }
        if used.is_empty() {
            used.extend(corpus.space.series().first());
        }
        let space = KeySpace::new(used, corpus.space.vocabulary()).expect("a part of what has keys has keys");
        let keys = keys.map(|key| corpus.space.translate(key, &space).expect("its series is used")).collect();
        Self::of(space, keys)
    }

    fn of(space: KeySpace, keys: Vec<u64>) -> Self {
        let mut table = Table::with_capacity(keys.len());
        keys.iter().for_each(|&key| {
            table.intern(key);
        });
        Self { space, keys, table }
    }

    /// How many n-grams it has.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Tokens there are: every token of a trace must be less.
    pub fn vocabulary(&self) -> usize {
        self.space.vocabulary()
    }

    /// The n-gram of a column.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn gram(&self, column: u32) -> Gram {
        self.space.gram(self.keys[column as usize]).expect("checked when it was made")
    }

    /// The counts of traces: a row each.
    pub fn count(&self, traces: &[&[u32]]) -> Sparse {
        let parts: Vec<Sparse> = traces
            .par_chunks(TRACES_AT_ONCE)
            .map(|chunk| {
                let mut counter = Counter::new(self);
                let mut rows = Sparse::new(self.len());
                chunk.iter().for_each(|trace| counter.push(trace, &mut rows));
                rows
            })
            .collect();
        let mut all = Sparse::new(self.len());
        for part in &parts {
            for row in 0..part.rows() {
                let (index, values) = part.row(row);
                all.push(index.iter().copied().zip(values.iter().copied()));
            }
        }
        all
    }

    /// Every n-gram of a trace that is known, where it stands.
    pub fn occurrences(&self, trace: &[u32]) -> Vec<Occurrence> {
        let mut found = Vec::new();
        self.space.each(trace, |key, first, series| {
            if let Some(column) = self.table.get(key) {
                let step = usize::from(series.gap) + 1;
                found.push(Occurrence { column, first, step, calls: self.space.order(key) });
            }
        });
        found
    }

    /// Into a file's document and arrays.
    pub(crate) fn write(&self, into: &mut Writer<'_>) -> Value {
        let pieces = |key: &u64| {
            [0, 1, 2].map(|piece| ((key >> (piece * PIECE_BITS)) & ((1 << PIECE_BITS) - 1)) as f32)
        };
        into.tensor("keys", &[self.len(), 3], self.keys.iter().flat_map(pieces).collect());
        serde_json::json!({ "vocabulary": self.vocabulary(), "series": self.space.series() })
    }

    /// Back from [`Dictionary::write`].
    pub(crate) fn read(document: &Value, from: &Reader<'_>) -> Result<Self, PartsError> {
        let Document { vocabulary, series } = from.document(document)?;
        let space = KeySpace::new(series.iter().copied(), vocabulary)
            .map_err(|error| from.damaged(&error.to_string()))?;
        if space.series() != series {
            return Err(from.damaged("its series of n-grams are not in order"));
        }
        let piece = |value: f32| {
            let whole = value as u64;
            (whole as f32 == value && whole >> PIECE_BITS == 0).then_some(whole)
        };
        let key = |pieces: &[f32]| {
            let high = piece(pieces[2])?;
            let fits = high >> (u64::BITS - 2 * PIECE_BITS) == 0;
            let low = piece(pieces[1])? << PIECE_BITS | piece(pieces[0])?;
            fits.then_some(high << (2 * PIECE_BITS) | low)
        };
        let keys: Option<Vec<u64>> = from.matrix("keys", None, 3)?.chunks_exact(3).map(key).collect();
        let keys = keys.ok_or_else(|| from.damaged("keys that are no whole numbers"))?;
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(from.damaged("keys that are not in order"));
        }
        if keys.iter().any(|&key| space.gram(key).is_none()) {
            return Err(from.damaged("a key that is no n-gram"));
        }
        Ok(Self::of(space, keys))
    }
}

/// Counts trace after trace with the same memory.
#[derive(Debug)]
pub(crate) struct Counter<'a> {
    dictionary: &'a Dictionary,
    counts: Vec<u32>,
    seen: Vec<u32>,
}

impl<'a> Counter<'a> {
    pub(crate) fn new(dictionary: &'a Dictionary) -> Self {
        Self { dictionary, counts: vec![0; dictionary.len()], seen: Vec::new() }
    }

    /// Appends the row of a trace.
    pub(crate) fn push(&mut self, trace: &[u32], rows: &mut Sparse) {
        let Self { dictionary, counts, seen } = self;
        dictionary.space.each(trace, |key, _, _| {
            if let Some(column) = dictionary.table.get(key) {
                let count = &mut counts[column as usize];
                if *count == 0 {
                    seen.push(column);
                }
                *count += 1;
            }
        });
        seen.sort_unstable();
        rows.push(seen.drain(..).map(|c| (c, std::mem::take(&mut counts[c as usize]) as f32)));
    }
}
