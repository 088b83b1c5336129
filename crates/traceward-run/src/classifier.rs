//! What every model can do, whatever it is made of: say how likely each class is for a trace.
//!
//! Networks, linear models, trees and stacks of them meet here, so that protocols, calibration, verdicts
//! and reasons are written once. A trace is its tokens ([`traceward_trace::Vocabulary`]), whole; a model
//! that reads less of it cuts for itself.

/// Class probabilities, one row a trace. (For a network that does not end in softmax: its outputs.)
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    classes: usize,
    values: Vec<f32>,
}

impl Scores {
    /// Scores of `classes` classes, row by row.
    ///
    /// # Panics
    /// If there is no class, or the values are not whole rows.
    pub fn new(classes: usize, values: Vec<f32>) -> Self {
        assert!(classes > 0 && values.len().is_multiple_of(classes), "scores come in whole rows");
        Self { classes, values }
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many rows there are, one a trace.
    pub fn len(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The row of a trace.
    ///
    /// # Panics
    /// If there is no such trace.
    pub fn row(&self, trace: usize) -> &[f32] {
        &self.values[trace * self.classes..][..self.classes]
    }

    /// The rows, one a trace.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.classes)
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The most probable class of each trace; the first of equals.
    pub fn best(&self) -> Vec<u32> {
        self.rows().map(argmax).collect()
    }
}

/// The place of the largest value, the first of equals; NaN never wins.
pub fn argmax(row: &[f32]) -> u32 {
    let mut best = 0;
    for (place, value) in row.iter().enumerate() {
        if *value > row[best] || row[best].is_nan() {
            best = place;
        }
    }
    best as u32
}

/// A trace that a model cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("trace {trace}: {reason}")]
pub struct Unreadable {
    /// Which of the traces that were passed, counted from 0.
    pub trace: usize,
    /// A phrase: what is wrong with it.
    pub reason: String,
}

/// A trained model.
pub trait Classifier: Send + Sync {
    /// How many classes it tells apart.
    fn classes(&self) -> usize;

    /// Class probabilities of each trace. A trace's row does not depend on the traces beside it.
    ///
    /// # Errors
    /// If a trace is empty or holds a token outside the vocabulary.
    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable>;

    /// How unlike anything seen in training each trace is: greater is stranger, and only the order means
    /// anything until it is calibrated. `None` for a model that cannot say.
    fn novelty(&self, traces: &[&[u32]]) -> Option<Vec<f32>> {
        let _ = traces;
        None
    }

    /// What each call of a trace adds to the score of `class` against the other classes; `None` for a model
    /// whose score is no sum over calls, which must be asked by leaving calls out.
    fn contributions(&self, trace: &[u32], class: usize) -> Option<Vec<f32>> {
        let _ = (trace, class);
        None
    }

    /// The training traces most like a trace, nearest first; empty for a model that keeps none.
    fn nearest(&self, trace: &[u32], count: usize) -> Vec<Neighbour> {
        let _ = (trace, count);
        Vec::new()
    }

    /// A session that reads one trace call by call and can be asked after each; `None` for a model that
    /// must see the whole trace.
    fn session(&self) -> Option<Box<dyn Session + '_>> {
        None
    }
}

/// One trace, read as its calls come.
pub trait Session: Send {
    /// Reads the next call.
    fn push(&mut self, token: u32);

    /// Class probabilities of the calls so far: what [`Classifier::predict`] gives for them.
    fn scores(&mut self, into: &mut [f32]);

    /// Back to before the first call.
    fn reset(&mut self);
}

/// A training trace, and how alike it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Which trace, in the order of training.
    pub trace: u32,
    /// Its class.
    pub class: u16,
    /// Cosine, 1 for the same direction.
    pub similarity: f32,
}

/// Labelled traces to learn from.
#[derive(Clone, Debug, Default)]
pub struct Labelled<'a> {
    /// The traces, as tokens; none is empty.
    pub traces: Vec<&'a [u32]>,
    /// The class of each.
    pub labels: Vec<u16>,
    /// What must not straddle an inner split: traces with the same number belong together.
    pub groups: Vec<u32>,
    /// How many classes there are; some may have no trace here.
    pub classes: usize,
    /// The class that means "no attack", if there is one.
    pub normal: Option<u16>,
    /// Tokens there are: every token is less.
    pub vocabulary: usize,
}

impl<'a> Labelled<'a> {
    /// How many traces there are.
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// The traces `indices`, in that order.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub fn subset(&self, indices: &[u32]) -> Self {
        let of = |i: &u32| *i as usize;
        Self {
            traces: indices.iter().map(|i| self.traces[of(i)]).collect(),
            labels: indices.iter().map(|i| self.labels[of(i)]).collect(),
            groups: indices.iter().map(|i| self.groups[of(i)]).collect(),
            classes: self.classes,
            normal: self.normal,
            vocabulary: self.vocabulary,
        }
    }

    /// How many traces each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }
}
