//! The columns of a model's part among those of the whole.

use std::cell::RefCell;

use crate::features::Columns;
use crate::parts::{PartsError, Reader, Writer};

/// Which of the counted n-grams a part of a model uses, and where it has them.
#[derive(Clone, Debug)]
pub(crate) struct View {
    columns: Columns,
    /// The part's own number of each column of the whole; `u32::MAX` for one that it does not use. Empty if
    /// it uses all.
    place: Vec<u32>,
}

thread_local! {
    /// The row that a part sees, so that scoring reserves no memory for each trace and part.
    static ROW: RefCell<(Vec<u32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

impl View {
    /// These columns of `all`.
    pub(crate) fn new(columns: Columns, all: usize) -> Self {
        let mut place = Vec::new();
        if columns.len() < all {
            place.resize(all, u32::MAX);
            columns.0.iter().enumerate().for_each(|(own, &column)| place[column as usize] = own as u32);
        }
        Self { columns, place }
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Whether it uses a column of the whole.
    pub(crate) fn has(&self, column: u32) -> bool {
        self.place.is_empty() || self.place[column as usize] != u32::MAX
    }

    /// What `see` makes of a row of the whole in the part's own columns.
    pub(crate) fn with<T>(
        &self,
        columns: &[u32],
        counts: &[f32],
        see: impl FnOnce(&[u32], &[f32]) -> T,
    ) -> T {
        if self.place.is_empty() {
            return see(columns, counts);
        }
        let (mut own, mut values) = ROW.take();
        own.clear();
        values.clear();
        for (&column, &count) in columns.iter().zip(counts) {
            let place = self.place[column as usize];
            if place != u32::MAX {
                own.push(place);
                values.push(count);
            }
        }
        let seen = see(&own, &values);
        ROW.set((own, values));
        seen
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) {
        if !self.place.is_empty() {
            into.integers("grams", self.columns.0.iter().copied());
        }
    }

    /// Back from [`View::write`]: what is not written is all.
    pub(crate) fn read(from: &Reader<'_>, all: usize) -> Result<Self, PartsError> {
        let columns = match from.integers("grams", None, all as u32) {
            Err(PartsError::Missing(_)) => (0..all as u32).collect(),
            columns => columns?,
        };
        if !columns.is_sorted_by(|a, b| a < b) {
            return Err(from.damaged("columns that are not in order"));
        }
        Ok(Self::new(Columns(columns), all))
    }
}
