//! A trained model of this crate, whatever its kind.

mod view;

use serde_json::{Value, json};
use traceward_run::classifier::Unreadable;
use traceward_run::tensors::Tensor;
use traceward_run::{Classifier, Scores};

use rayon::prelude::*;

pub(crate) use view::View;

use crate::Sparse;
use crate::features::{Counter, Dictionary, Gram};
use crate::linear::Linear;
use crate::parts::{PartsError, Reader, Writer};

/// Traces that are scored as one piece of work.
const TRACES_AT_ONCE: usize = 16;

/// A trained model: the n-grams that it counts, once for all its parts, and what it makes of them.
#[derive(Clone, Debug)]
pub struct Model {
    dictionary: Dictionary,
    classes: usize,
    kind: Kind,
}

/// What is made of the counts.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// One plane a class.
    Linear {
        /// The n-grams that have weights.
        view: View,
        /// The weights.
        linear: Linear,
    },
}

impl Kind {
    /// Calls `each` with the columns of every part.
    pub(crate) fn views(&mut self, each: &mut dyn FnMut(&mut View)) {
        match self {
            Self::Linear { view, .. } => each(view),
        }
    }

    /// The class probabilities of a trace, of which `columns` and `counts` are the n-grams.
    pub(crate) fn predict_into(&self, _trace: &[u32], columns: &[u32], counts: &[f32], into: &mut [f32]) {
        match self {
            Self::Linear { view, linear } => view.with(columns, counts, |columns, counts| {
                linear.predict_into(columns, counts, into);
            }),
        }
    }

    fn write(&self, into: &mut Writer<'_>) -> Value {
        match self {
            Self::Linear { view, linear } => {
                view.write(into);
                json!({ "linear": linear.write(into) })
            }
        }
    }

    fn read(document: &Value, from: &Reader<'_>, columns: usize, classes: usize) -> Result<Self, PartsError> {
        let mut fields = document.as_object().into_iter().flatten();
        let (Some((kind, document)), None) = (fields.next(), fields.next()) else {
            return Err(from.damaged("no kind of model"));
        };
        match kind.as_str() {
            "linear" => {
                let view = View::read(from, columns)?;
                let linear = Linear::read(document, from, view.columns().len(), classes)?;
                Ok(Self::Linear { view, linear })
            }
            other => Err(from.damaged(&format!("the unknown kind {other:?}"))),
        }
    }
}

impl Model {
    pub(crate) fn new(dictionary: Dictionary, classes: usize, kind: Kind) -> Self {
        Self { dictionary, classes, kind }
    }

    /// The n-grams that it counts.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The n-gram of a column of its counts.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn gram(&self, column: u32) -> Gram {
        self.dictionary.gram(column)
    }

    /// Everything that it is: a JSON document, and arrays.
    pub fn to_parts(&self) -> (Value, Vec<Tensor>) {
        let mut tensors = Vec::new();
        let mut writer = Writer::new(&mut tensors);
        let features = self.dictionary.write(&mut writer);
        let kind = self.kind.write(&mut writer.part("model"));
        (json!({ "features": features, "classes": self.classes, "model": kind }), tensors)
    }

    /// Back from [`Model::to_parts`].
    ///
    /// # Errors
    /// If the parts are no such model, or a damaged one.
    pub fn from_parts(document: &Value, tensors: &[Tensor]) -> Result<Self, PartsError> {
        let from = Reader::new(tensors);
        let classes = document["classes"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (1..=usize::from(u16::MAX)).contains(n))
            .ok_or_else(|| from.damaged("no number of classes"))?;
        let dictionary = Dictionary::read(&document["features"], &from)?;
        let kind = Kind::read(&document["model"], &from.part("model"), dictionary.len(), classes)?;
        Ok(Self { dictionary, classes, kind })
    }

    fn check(&self, traces: &[&[u32]]) -> Result<(), Unreadable> {
        for (place, trace) in traces.iter().enumerate() {
            let reason = if trace.is_empty() {
                "it is empty".to_owned()
            } else if let Some(token) = trace.iter().find(|t| **t as usize >= self.dictionary.vocabulary()) {
                format!("token {token} of {}", self.dictionary.vocabulary())
            } else {
                continue;
            };
            return Err(Unreadable { trace: place, reason });
        }
        Ok(())
    }
}

impl Classifier for Model {
    fn classes(&self) -> usize {
        self.classes
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        self.check(traces)?;
        let rows: Vec<Vec<f32>> = traces
            .par_chunks(TRACES_AT_ONCE)
            .map(|chunk| {
                let mut counter = Counter::new(&self.dictionary);
                let mut counts = Sparse::new(self.dictionary.len());
                let mut scores = vec![0.0; chunk.len() * self.classes];
                for (row, trace) in chunk.iter().enumerate() {
                    counter.push(trace, &mut counts);
                    let (columns, counts) = counts.row(row);
                    let into = &mut scores[row * self.classes..][..self.classes];
                    self.kind.predict_into(trace, columns, counts, into);
                }
                scores
            })
            .collect();
        Ok(Scores::new(self.classes, rows.concat()))
    }

    fn contributions(&self, trace: &[u32], class: usize) -> Option<Vec<f32>> {
        self.check(&[trace]).ok()?;
        let Kind::Linear { view, linear } = &self.kind;
        let counts = self.dictionary.count(&[trace]);
        let (columns, values) = counts.row(0);
        let slopes = view.with(columns, values, |own, counts| linear.slopes(own, counts, class));
        let own: Vec<u32> = columns.iter().copied().filter(|&c| view.has(c)).collect();
        let mut shares = vec![0.0; trace.len()];
        for occurrence in self.dictionary.occurrences(trace) {
            if let Ok(at) = own.binary_search(&occurrence.column) {
                let share = slopes[at] / occurrence.calls as f32;
                occurrence.places().for_each(|place| shares[place] += share);
            }
        }
        Some(shares)
    }
}
