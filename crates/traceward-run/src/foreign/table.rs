//! Rows of named numbers as a log gives them, before they are a history.
//!
//! Every reader fills a [`Table`]: columns come up as they are first seen, cells not set are gaps. What is
//! then common to all formats is done here: memory is bounded, and a table falls apart into runs where its
//! counter starts anew.

use std::collections::HashMap;

use super::counted;
use crate::history::History;

/// The most columns of a log that are kept.
const MOST_COLUMNS: usize = 512;
/// More beginnings, or stretches of rows in order, than this are no runs.
const MOST_RUNS: usize = 1000;
/// The most cells of a log that are kept: 16 bytes each.
const MOST_CELLS: usize = 48 << 20;

/// Rows of named numbers, each with a counter.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// `epoch`, `step`, or `row` if the log counts nothing.
    pub(super) counter: String,
    /// The counter of each row.
    pub(super) counters: Vec<u64>,
    columns: Vec<Column>,
    index: HashMap<String, usize>,
    /// Names that came up after [`MOST_COLUMNS`] others.
    dropped_columns: usize,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// May be shorter than the table: the rest is gaps.
    values: Vec<Option<f64>>,
}

/// A table has more cells than fit in memory in good conscience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Table {
    pub(super) fn new(counter: &str) -> Self {
        Self { counter: counter.to_owned(), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.counters.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    /// The column of that name, made if there is none; `None` once there are too many.
    pub(super) fn column(&mut self, name: &str) -> Option<usize> {
        if let Some(&column) = self.index.get(name) {
            return Some(column);
        }
        if self.columns.len() >= MOST_COLUMNS {
            self.dropped_columns += 1;
            return None;
        }
        self.columns.push(Column { name: name.to_owned(), values: Vec::new() });
        self.index.insert(name.to_owned(), self.columns.len() - 1);
        Some(self.columns.len() - 1)
    }

    /// Begins a row.
    pub(super) fn row(&mut self, counter: u64) -> Result<(), Full> {
        if self.len().saturating_mul(self.columns.len().max(4)) >= MOST_CELLS {
            return Err(Full);
        }
        self.counters.push(counter);
        Ok(())
    }

    /// Sets a cell of the last row.
    pub(super) fn set(&mut self, column: usize, value: Option<f64>) {
        if let Some(row) = self.len().checked_sub(1) {
            self.set_at(row, column, value);
        }
    }

    /// Sets a cell.
    pub(super) fn set_at(&mut self, row: usize, column: usize, value: Option<f64>) {
        let values = &mut self.columns[column].values;
        if values.len() <= row {
            if value.is_none() {
                return;
            }
            values.resize(row + 1, None);
        }
        values[row] = value;
    }

    /// Sets the cell of the last row in the column of that name.
    pub(super) fn put(&mut self, name: &str, value: f64) {
        if let Some(column) = self.column(name) {
            self.set(column, Some(value));
        }
    }

    pub(super) fn get(&self, row: usize, column: usize) -> Option<f64> {
        self.columns[column].values.get(row).copied().flatten()
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    /// How many values a column has.
    pub(super) fn count(&self, column: usize) -> usize {
        self.columns[column].values.iter().flatten().count()
    }

    pub(super) fn dropped_columns(&self) -> usize {
        self.dropped_columns
    }

    /// The columns' names and how many values each has.
    pub(super) fn census(&self) -> Vec<(&str, usize)> {
        (0..self.width()).map(|column| (self.name(column), self.count(column))).collect()
    }

    /// A table without rows, with the same columns.
    fn like(&self) -> Self {
        let columns =
            self.columns.iter().map(|column| Column { name: column.name.clone(), values: Vec::new() });
        Self {
            counter: self.counter.clone(),
            counters: Vec::new(),
            columns: columns.collect(),
            index: self.index.clone(),
            dropped_columns: 0,
        }
    }

    /// Copies a row of a table with the same columns.
    fn copy_row(&mut self, from: &Self, row: usize) {
        self.counters.push(from.counters[row]);
        for column in 0..from.width() {
            self.set(column, from.get(row, column));
        }
    }

    /// Lays a row of a table with the same columns over the last row; returns whether a value was replaced.
    fn overlay(&mut self, from: &Self, row: usize) -> bool {
        let mut replaced = false;
        for column in 0..from.width() {
            if let Some(value) = from.get(row, column) {
                let before = self.get(self.len() - 1, column);
                replaced |= before.is_some_and(|before| before.to_bits() != value.to_bits());
                self.set(column, Some(value));
            }
        }
        replaced
    }

    /// Puts the columns of `other` beside these, row by row of the same counter, under other names.
    pub(super) fn join(self, other: &Self, name: impl Fn(&str) -> String) -> Result<Self, Full> {
        let mut rows: Vec<u64> = self.counters.iter().chain(&other.counters).copied().collect();
        rows.sort_unstable();
        rows.dedup();
        let mut joined = Self { counter: self.counter.clone(), ..Self::default() };
        for counter in &rows {
            joined.row(*counter)?;
        }
        let mut lay = |table: &Self, name: &dyn Fn(&str) -> String| {
            let at: Vec<usize> =
                table.counters.iter().map(|counter| rows.partition_point(|row| row < counter)).collect();
            for column in 0..table.width() {
                if let Some(into) = joined.column(&name(table.name(column))) {
                    for (row, at) in at.iter().enumerate() {
                        if let Some(value) = table.get(row, column) {
                            joined.set_at(*at, into, Some(value));
                        }
                    }
                }
            }
        };
        lay(&self, &|name: &str| name.to_owned());
        lay(other, &name);
        Ok(joined)
    }

    /// Falls apart where the counter starts anew, and puts rows in order.
    ///
    /// A stretch of rising counters that begins at or before the beginning of the first is a new run. One
    /// that goes back into the run before it repeats it from there on, as a run resumed from a checkpoint
    /// does: the later rows count. Lone rows that only stand in the wrong place are put in the right one.
    pub(super) fn into_runs(self, notes: &mut Vec<String>) -> Vec<Self> {
        let stretches = self.stretches();
        if stretches.len() <= 1 && self.counters.windows(2).all(|pair| pair[0] < pair[1]) {
            return if self.is_empty() { Vec::new() } else { vec![self] };
        }
        let first = self.counters[0];
        let mut runs: Vec<Vec<usize>> = Vec::new();
        let (mut sorted, mut resumed, mut merged) = (0, Vec::new(), 0);
        // A run has more than a row; with as many beginnings as rows the counter counts something else.
        let begins_anew = |stretch: &std::ops::Range<usize>| self.counters[stretch.start] <= first;
        let restarts = stretches.iter().skip(1).filter(|stretch| begins_anew(stretch)).count();
        if restarts > MOST_RUNS || (restarts > 2 && restarts * 2 > self.len()) {
            notes.push(format!(
                "The {} begins anew {restarts} times: rows are counted instead.",
                self.counter
            ));
            let counters = (0..self.len() as u64).collect();
            return vec![Self { counter: "row".to_owned(), counters, ..self }];
        }
        // So many that rows are simply in no order.
        let disordered = stretches.len() - restarts > MOST_RUNS;
        for stretch in stretches {
            let start = self.counters[stretch.start];
            let Some(run) = runs.last_mut().filter(|_| !begins_anew(&stretch)) else {
                runs.push(stretch.collect());
                continue;
            };
            if disordered {
                sorted += stretch.len();
                run.extend(stretch);
                continue;
            }
            let overlaps = stretch.clone().any(|row| {
                run.binary_search_by_key(&self.counters[row], |&before| self.counters[before]).is_ok()
            });
            if overlaps && stretch.len() > 1 {
                run.retain(|&before| self.counters[before] < start);
                resumed.push(start);
                run.extend(stretch);
            } else {
                sorted += stretch.len();
                run.extend(stretch);
                run.sort_by_key(|&row| self.counters[row]);
            }
        }
        if disordered {
            for run in &mut runs {
                run.sort_by_key(|&row| self.counters[row]);
            }
        }
        let tables = runs.into_iter().map(|rows| {
            let mut table = self.like();
            for row in rows {
                if table.counters.last() == Some(&self.counters[row]) {
                    merged += usize::from(table.overlay(&self, row));
                } else {
                    table.copy_row(&self, row);
                }
            }
            table
        });
        let tables: Vec<Self> = tables.collect();
        let counter = &self.counter;
        if sorted > 0 {
            notes.push(format!("{} not in order of {counter} and put in order.", counted(sorted, "row")));
        }
        for start in resumed {
            notes.push(format!(
                "From {counter} {start} on the log repeats itself, as of a run resumed there: the later rows count."
            ));
        }
        if merged > 0 {
            let rows = counted(merged, "row");
            notes.push(format!(
                "{rows} given again with other values for the same {counter}: the later count."
            ));
        }
        tables
    }

    /// The stretches over which the counter does not fall.
    fn stretches(&self) -> Vec<std::ops::Range<usize>> {
        let mut stretches = Vec::new();
        let mut start = 0;
        for row in 1..self.len() {
            if self.counters[row] < self.counters[row - 1] {
                stretches.push(start..row);
                start = row;
            }
        }
        if !self.is_empty() {
            stretches.push(start..self.len());
        }
        stretches
    }

    /// The history: columns that never had a value are left out.
    pub(super) fn into_history(self) -> History {
        let columns = self.columns.into_iter().filter(|column| column.values.iter().any(Option::is_some));
        History::from_columns(
            &self.counter,
            self.counters,
            columns.map(|column| (column.name, column.values)),
        )
    }

    /// The rows in groups of one value of `key`, each group one row: the last value of each column that has
    /// at most one value in every group. The other columns are left out; their names are returned.
    pub(super) fn grouped(&self, counter: &str, key: &[u64]) -> (Self, Vec<usize>) {
        let mut grouped = Self::new(counter);
        let mut group_of_row = Vec::with_capacity(self.len());
        for (row, key) in key.iter().enumerate() {
            if row == 0 || grouped.counters.last() != Some(key) {
                grouped.counters.push(*key);
            }
            group_of_row.push(grouped.len() - 1);
        }
        let mut left_out = Vec::new();
        for column in 0..self.width() {
            let mut values: Vec<Option<f64>> = vec![None; grouped.len()];
            let mut several = false;
            for row in 0..self.len() {
                if let Some(value) = self.get(row, column) {
                    let cell = &mut values[group_of_row[row]];
                    several |= cell.is_some();
                    *cell = Some(value);
                }
            }
            if several {
                left_out.push(column);
            } else if let Some(into) = grouped.column(self.name(column)) {
                grouped.columns[into].values = values;
            }
        }
        (grouped, left_out)
    }

    /// Takes a column out.
    pub(super) fn take(&mut self, name: &str) -> Option<Vec<Option<f64>>> {
        let column = self.index.remove(name)?;
        let taken = self.columns.remove(column);
        for place in self.index.values_mut() {
            *place -= usize::from(*place > column);
        }
        let mut values = taken.values;
        values.resize(self.counters.len(), None);
        Some(values)
    }
}
