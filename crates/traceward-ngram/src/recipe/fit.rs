//! From a recipe and labelled traces to a model.

use traceward_run::Labelled;

use super::{LinearRecipe, Recipe};
use crate::features::{Columns, Corpus, Dictionary, KeyError};
use crate::linear::{Linear, Loss};
use crate::model::{Kind, Model, View};
use crate::parts::LARGEST_INTEGER;
use crate::probability::Temperature;
use crate::{Sparse, folds};

/// Inner folds on which a temperature is fitted.
const TEMPERATURE_FOLDS: usize = 3;

/// Traces that no model can be trained on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There is nothing to tell apart.
    #[error("training needs traces of at least two classes; here are {traces} traces of {classes}")]
    TooFew {
        /// Traces there are.
        traces: usize,
        /// Classes that have one.
        classes: usize,
    },
    /// Labels, groups and traces do not fit together.
    #[error("trace {trace}: {reason}")]
    Trace {
        /// The first that is wrong, counted from 0.
        trace: usize,
        /// A phrase: what is wrong.
        reason: &'static str,
    },
    /// The n-grams cannot be counted.
    #[error(transparent)]
    Features(#[from] KeyError),
    /// More n-grams than a model file can number.
    #[error("{0} n-grams are too many; count shorter ones, or leave out those of few traces (`min_traces`)")]
    TooMany(usize),
}

/// What training says of itself while it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// What was done.
    pub what: &'a str,
    /// How many of all steps are done.
    pub done: usize,
    /// How many there are.
    pub all: usize,
}

/// Training traces, counted.
pub(crate) struct Ground<'a> {
    pub(crate) corpus: Corpus,
    pub(crate) data: &'a Labelled<'a>,
}

impl Ground<'_> {
    pub(crate) fn labels(&self, rows: &[u32]) -> Vec<u16> {
        rows.iter().map(|&row| self.data.labels[row as usize]).collect()
    }

    pub(crate) fn groups(&self, rows: &[u32]) -> Vec<u32> {
        rows.iter().map(|&row| self.data.groups[row as usize]).collect()
    }
}

impl Recipe {
    /// Trains on these traces. The same seed gives the same model, whatever the number of threads.
    ///
    /// # Errors
    /// If the traces are too few or do not fit together, or their n-grams cannot be counted.
    pub fn fit(
        &self,
        data: &Labelled<'_>,
        seed: u64,
        progress: &(dyn Fn(Step<'_>) + Sync),
    ) -> Result<Model, FitError> {
        check(data)?;
        let corpus = Corpus::new(&data.traces, self.series(), data.vocabulary, self.min_traces())?;
        if corpus.counts().columns() >= LARGEST_INTEGER as usize {
            return Err(FitError::TooMany(corpus.counts().columns()));
        }
        let ground = Ground { corpus, data };
        let rows: Vec<u32> = (0..data.len() as u32).collect();
        let mut kind = self.fit_kind(&ground, &rows, seed, true);
        progress(Step { what: "trained", done: 1, all: 1 });
        let mut views = Vec::new();
        kind.views(&mut |view| views.push(view.columns().clone()));
        let columns = Columns::union(&views);
        kind.views(&mut |view| *view = View::new(view.columns().within(&columns), columns.len()));
        Ok(Model::new(Dictionary::new(&ground.corpus, &columns), data.classes, kind))
    }

    /// Trains on some rows of the ground. `alone`: whether its probabilities must be good by themselves,
    /// which costs inner folds, or are put right by the stack that it is part of.
    pub(crate) fn fit_kind(&self, ground: &Ground<'_>, rows: &[u32], seed: u64, alone: bool) -> Kind {
        match self {
            Self::Linear(recipe) => recipe.fit(ground, rows, seed, alone),
        }
    }
}

fn check(data: &Labelled<'_>) -> Result<(), FitError> {
    let traces = data.len();
    let wrong = |trace, reason| Err(FitError::Trace { trace, reason });
    if data.labels.len() != traces || data.groups.len() != traces {
        return wrong(traces.min(data.labels.len()).min(data.groups.len()), "it has no label or no group");
    }
    for (place, trace) in data.traces.iter().enumerate() {
        if trace.is_empty() {
            return wrong(place, "it is empty");
        }
        if trace.iter().any(|&token| token as usize >= data.vocabulary) {
            return wrong(place, "it has a token outside the vocabulary");
        }
        if usize::from(data.labels[place]) >= data.classes {
            return wrong(place, "its class is none of those there are");
        }
    }
    let classes = data.class_counts().iter().filter(|n| **n > 0).count();
    if classes < 2 { Err(FitError::TooFew { traces, classes }) } else { Ok(()) }
}

impl LinearRecipe {
    fn fit(&self, ground: &Ground<'_>, rows: &[u32], seed: u64, alone: bool) -> Kind {
        let classes = ground.data.classes;
        let train = |rows: &[u32]| {
            let columns = ground.corpus.columns(&self.features, rows);
            let counts = ground.corpus.matrix(&columns, rows);
            (Linear::fit(&counts, &ground.labels(rows), classes, &self.linear, seed), columns)
        };
        let (mut linear, mut columns) = train(rows);
        if alone && self.linear.loss == Loss::SquaredHinge {
            linear.temperature = self.temperature(ground, rows, seed, &train);
        }
        if self.linear.prune > 0.0 {
            let kept = linear.heavy(self.linear.prune);
            linear.keep(&kept);
            columns = columns.keep(&kept);
        }
        Kind::Linear { view: View::new(columns, ground.corpus.counts().columns()), linear }
    }

    /// The temperature that fits the margins of traces which the machine was not trained on.
    fn temperature(
        &self,
        ground: &Ground<'_>,
        rows: &[u32],
        seed: u64,
        train: &dyn Fn(&[u32]) -> (Linear, Columns),
    ) -> Temperature {
        let classes = ground.data.classes;
        let fold_of = folds::deal(&ground.labels(rows), &ground.groups(rows), TEMPERATURE_FOLDS, seed);
        let (mut margins, mut labels) = (Vec::new(), Vec::new());
        for fold in 0..TEMPERATURE_FOLDS {
            let (own, judge) = folds::sides(&fold_of, fold);
            let of = |places: Vec<u32>| places.iter().map(|&p| rows[p as usize]).collect::<Vec<u32>>();
            let (own, judge) = (of(own), of(judge));
            let (linear, columns) = train(&own);
            let counts: Sparse = ground.corpus.matrix(&columns, &judge);
            for row in 0..counts.rows() {
                let (index, values) = counts.row(row);
                let start = margins.len();
                margins.resize(start + classes, 0.0);
                linear.margins(index, values, &mut margins[start..]);
            }
            labels.extend(ground.labels(&judge));
        }
        Temperature::fit(&margins, &labels, classes)
    }
}
