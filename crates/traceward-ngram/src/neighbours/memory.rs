//! The training traces that a model keeps, by their n-gram counts.

use serde_json::Value;

use super::{Bank, Damping, by_class, nearest};
use crate::Sparse;
use crate::features::Columns;
use crate::model::View;
use crate::parts::{LARGEST_INTEGER, PartsError, Reader, Writer};

use traceward_run::classifier::Neighbour;

/// Training traces, and the banks in which they are compared. The traces are kept once, in the columns of
/// all banks; the banks' indices are made anew when a model is loaded.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    counts: Sparse,
    view: View,
    labels: Vec<u16>,
    classes: usize,
    banks: Vec<Bank>,
}

impl Memory {
    /// The traces whose counts are all rows of `counts`; a bank for each damping and its columns.
    pub(crate) fn new(
        counts: &Sparse,
        labels: &[u16],
        classes: usize,
        banks: impl IntoIterator<Item = (Damping, Columns)>,
    ) -> Self {
        let rows: Vec<u32> = (0..counts.rows() as u32).collect();
        let banks: Vec<Bank> =
            banks.into_iter().map(|(damping, columns)| Bank::new(damping, columns, counts, &rows)).collect();
        let columns = Columns::union(banks.iter().map(|bank| bank.view.columns()));
        let own = columns.of(counts, 0..counts.rows());
        let view = View::new(columns, counts.columns());
        Self { counts: own, view, labels: labels.to_vec(), classes, banks }
    }

    /// Calls `each` with the columns of every part.
    pub(crate) fn views(&mut self, each: &mut dyn FnMut(&mut View)) {
        each(&mut self.view);
        self.banks.iter_mut().for_each(|bank| each(bank.view()));
    }

    /// For each bank, how near the nearest traces of each class are.
    pub(crate) fn near(&self, columns: &[u32], counts: &[f32]) -> Vec<Vec<f32>> {
        let mut similarities = Vec::new();
        let near = |bank: &Bank| {
            bank.similarities(columns, counts, &mut similarities);
            by_class(&similarities, &self.labels, self.classes, None)
        };
        self.banks.iter().map(near).collect()
    }

    /// The traces nearest in the first bank.
    pub(crate) fn nearest(&self, columns: &[u32], counts: &[f32], count: usize) -> Vec<Neighbour> {
        let mut similarities = Vec::new();
        let Some(bank) = self.banks.first() else { return Vec::new() };
        bank.similarities(columns, counts, &mut similarities);
        nearest(&similarities, &self.labels, count)
    }

    pub(crate) fn banks(&self) -> usize {
        self.banks.len()
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) -> Value {
        self.view.write(into);
        into.integers("labels", self.labels.iter().map(|&l| l.into()));
        into.integers("lengths", (0..self.counts.rows()).map(|row| self.counts.row(row).0.len() as u32));
        let rows = || (0..self.counts.rows()).map(|row| self.counts.row(row));
        into.bytes(
            "counts",
            rows().flat_map(|(index, values)| {
                let before = std::iter::once(0).chain(index.iter().map(|i| i + 1));
                let steps = index.iter().zip(before).map(|(column, before)| column - before);
                steps.zip(values).flat_map(|(step, &count)| [step, count as u32]).collect::<Vec<u32>>()
            }),
        );
        let mut dampings = Vec::new();
        for (number, bank) in self.banks.iter().enumerate() {
            let own = bank.view.columns().within(self.view.columns());
            View::new(own, self.view.columns().len()).write(&mut into.part(&format!("bank-{number}")));
            dampings.push(bank.damping);
        }
        serde_json::json!({ "banks": dampings })
    }

    /// Back from [`Memory::write`]; `all` is how many columns the model counts.
    pub(crate) fn read(
        document: &Value,
        from: &Reader<'_>,
        all: usize,
        classes: usize,
    ) -> Result<Self, PartsError> {
        let dampings: Vec<Damping> = from.document(&document["banks"])?;
        let view = View::read(from, all)?;
        let labels = from.integers("labels", None, classes as u32)?;
        let lengths = from.integers("lengths", Some(labels.len()), LARGEST_INTEGER)?;
        let mut numbers = from.bytes("counts")?.into_iter();
        let mut counts = Sparse::new(view.columns().len());
        for &length in &lengths {
            let mut next = 0u32;
            let mut row = Vec::new();
            for _ in 0..length {
                let (Some(step), Some(count)) = (numbers.next(), numbers.next()) else {
                    return Err(from.damaged("fewer counts than its traces have"));
                };
                let column = next.checked_add(step).filter(|c| (*c as usize) < counts.columns());
                let Some(column) = column.filter(|_| count > 0) else {
                    return Err(from.damaged("a count that is none, or of no n-gram"));
                };
                row.push((column, count as f32));
                next = column + 1;
            }
            counts.push(row);
        }
        if numbers.next().is_some() {
            return Err(from.damaged("more counts than its traces have"));
        }
        let rows: Vec<u32> = (0..counts.rows() as u32).collect();
        let mut banks = Vec::new();
        for (number, damping) in dampings.into_iter().enumerate() {
            let own = View::read(&from.part(&format!("bank-{number}")), counts.columns())?;
            let whole = own.columns().0.iter().map(|&column| view.columns().0[column as usize]).collect();
            let mut bank = Bank::new(damping, own.columns().clone(), &counts, &rows);
            bank.view = View::new(Columns(whole), all);
            banks.push(bank);
        }
        let labels = labels.into_iter().map(|label| label as u16).collect();
        Ok(Self { counts, view, labels, classes, banks })
    }
}
