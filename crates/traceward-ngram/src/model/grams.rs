//! What a model makes of n-gram counts: counted once for all its parts.

use rayon::prelude::*;
use serde_json::{Value, json};
use traceward_run::classifier::Neighbour;

use super::{Kind, Seen, Shape};
use crate::Sparse;
use crate::features::{Counter, Dictionary};
use crate::neighbours::Memory;
use crate::parts::{PartsError, Reader, Writer};

/// Traces that are scored as one piece of work.
const TRACES_AT_ONCE: usize = 16;

/// N-grams, the training traces that are kept, and what is made of a trace's likeness to them and of its
/// n-grams.
#[derive(Clone, Debug)]
pub(crate) struct Grams {
    dictionary: Dictionary,
    memory: Option<Memory>,
    kind: Kind,
}

impl Grams {
    pub(crate) fn new(dictionary: Dictionary, memory: Option<Memory>, kind: Kind) -> Self {
        Self { dictionary, memory, kind }
    }

    pub(crate) fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The class probabilities of traces, row by row.
    pub(crate) fn predict(&self, traces: &[&[u32]], classes: usize) -> Vec<f32> {
        let rows: Vec<Vec<f32>> = traces
            .par_chunks(TRACES_AT_ONCE)
            .map(|chunk| {
                let mut counter = Counter::new(&self.dictionary);
                let mut counts = Sparse::new(self.dictionary.len());
                let mut scores = vec![0.0; chunk.len() * classes];
                for (row, trace) in chunk.iter().enumerate() {
                    counter.push(trace, &mut counts);
                    let (columns, counts) = counts.row(row);
                    let near = self.near(columns, counts);
                    let into = &mut scores[row * classes..][..classes];
                    self.kind.predict_into(&Seen { columns, counts, near: &near }, into);
                }
                scores
            })
            .collect();
        rows.concat()
    }

    fn near(&self, columns: &[u32], counts: &[f32]) -> Vec<Vec<f32>> {
        self.memory.as_ref().map_or_else(Vec::new, |memory| memory.near(columns, counts))
    }

    /// The part of a class' score that is laid to each n-gram of a trace, shared among its occurrences and
    /// their calls.
    pub(crate) fn contributions(&self, trace: &[u32], class: usize) -> Option<Vec<f32>> {
        let counted = self.dictionary.count(&[trace]);
        let (columns, counts) = counted.row(0);
        let near = self.near(columns, counts);
        let mut by_gram = vec![0.0; columns.len()];
        self.kind.contributions(&Seen { columns, counts, near: &near }, class, 1.0, &mut by_gram)?;
        let mut by_call = vec![0.0; trace.len()];
        for occurrence in self.dictionary.occurrences(trace) {
            if let Ok(at) = columns.binary_search(&occurrence.column) {
                let share = by_gram[at] / (counts[at] * occurrence.calls as f32);
                occurrence.places().for_each(|place| by_call[place] += share);
            }
        }
        Some(by_call)
    }

    pub(crate) fn nearest(&self, trace: &[u32], count: usize) -> Vec<Neighbour> {
        let Some(memory) = &self.memory else { return Vec::new() };
        let counted = self.dictionary.count(&[trace]);
        let (columns, counts) = counted.row(0);
        memory.nearest(columns, counts, count)
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) -> Value {
        let mut document = json!({ "features": self.dictionary.write(into) });
        if let Some(memory) = &self.memory {
            document["memory"] = memory.write(&mut into.part("memory"));
        }
        document["model"] = self.kind.write(&mut into.part("model"));
        document
    }

    pub(crate) fn read(
        document: &Value,
        from: &Reader<'_>,
        vocabulary: usize,
        classes: usize,
    ) -> Result<Self, PartsError> {
        let dictionary = Dictionary::read(&document["features"], from)?;
        if dictionary.vocabulary() != vocabulary {
            return Err(from.damaged("n-grams of another vocabulary"));
        }
        let all = dictionary.len();
        let memory = document.get("memory");
        let memory = memory.map(|d| Memory::read(d, &from.part("memory"), all, classes)).transpose()?;
        let banks = memory.as_ref().map_or(0, Memory::banks);
        let shape = Shape { columns: all, classes, banks };
        let kind = Kind::read(&document["model"], &from.part("model"), shape)?;
        Ok(Self { dictionary, memory, kind })
    }
}
