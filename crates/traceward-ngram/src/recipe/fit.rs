//! From a recipe and labelled traces to a model.

use traceward_run::Labelled;

use super::{BoostedRecipe, ForestRecipe, Ground, LinearRecipe, NeighboursRecipe, Recipe, Similarity, Site};
use crate::boost::{Boosted, TreesError};
use crate::features::{Columns, Corpus, Dictionary, FeatureConfig, KeyError};
use crate::forest::Forest;
use crate::linear::{Linear, Loss};
use crate::model::{Extra, Grams, Inputs, Kind, Model, View};
use crate::neighbours::{self, DEPTH, Memory};
use crate::novelty::{Novelty, NoveltyConfig, NoveltyError};
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
    /// Trees could not be learnt.
    #[error(transparent)]
    Trees(#[from] TreesError),
    /// A novelty model could not be learnt.
    #[error(transparent)]
    Novelty(#[from] NoveltyError),
    /// The recipe makes no sense.
    #[error("{0}")]
    Recipe(&'static str),
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

impl Recipe {
    /// Trains on these traces. The same seed gives the same model, whatever the number of threads.
    ///
    /// # Errors
    /// If the traces are too few or do not fit together, or the recipe cannot be followed with them.
    pub fn fit(
        &self,
        data: &Labelled<'_>,
        seed: u64,
        progress: &(dyn Fn(Step<'_>) + Sync),
    ) -> Result<Model, FitError> {
        check(data)?;
        let novelty = |config: &NoveltyConfig| Novelty::fit(data, config, seed);
        match self {
            Self::Novelty(recipe) => Ok(Model::new(data, None, Some(novelty(&recipe.novelty)?))),
            Self::Stack(stack) => {
                let grams = self.fit_grams(data, seed, progress)?;
                Ok(Model::new(data, Some(grams), stack.novelty.as_ref().map(novelty).transpose()?))
            }
            _ => Ok(Model::new(data, Some(self.fit_grams(data, seed, progress)?), None)),
        }
    }

    fn fit_grams(
        &self,
        data: &Labelled<'_>,
        seed: u64,
        progress: &(dyn Fn(Step<'_>) + Sync),
    ) -> Result<Grams, FitError> {
        let classes = data.class_counts().iter().filter(|n| **n > 0).count();
        if classes < 2 {
            return Err(FitError::TooFew { traces: data.len(), classes });
        }
        let corpus = Corpus::new(&data.traces, self.series(), data.vocabulary, self.min_traces())?;
        if corpus.counts().columns() >= LARGEST_INTEGER as usize {
            return Err(FitError::TooMany(corpus.counts().columns()));
        }
        let ground = Ground { corpus, data };
        let likenesses = self.likenesses();
        let rows: Vec<u32> = (0..data.len() as u32).collect();
        let (mut kind, site) = match self {
            Self::Stack(stack) => stack.fit(&ground, &likenesses, seed, progress)?,
            single => {
                let site = Site::new(&ground, rows.clone(), &likenesses);
                (single.fit_kind(&site, &rows, seed, true)?, site)
            }
        };
        let counts = ground.corpus.counts();
        let mut memory = (!likenesses.is_empty()).then(|| {
            let columns =
                likenesses.iter().map(|l| (l.damping, ground.corpus.columns(&l.features, &site.rows)));
            Memory::new(counts, &data.labels, data.classes, columns)
        });
        // What no part uses is not counted.
        let mut used = Vec::new();
        kind.views(&mut |view| used.push(view.columns().clone()));
        memory.iter_mut().for_each(|memory| memory.views(&mut |view| used.push(view.columns().clone())));
        let columns = Columns::union(&used);
        let renumber =
            &mut |view: &mut View| *view = View::new(view.columns().within(&columns), columns.len());
        kind.views(renumber);
        memory.iter_mut().for_each(|memory| memory.views(renumber));
        Ok(Grams::new(Dictionary::new(&ground.corpus, &columns), memory, kind))
    }

    /// Trains on the traces at some places of a site. `alone`: whether its probabilities must be good by
    /// themselves, which may cost inner folds, or are put right by the stack that it is part of.
    pub(crate) fn fit_kind(
        &self,
        site: &Site<'_>,
        places: &[u32],
        seed: u64,
        alone: bool,
    ) -> Result<Kind, FitError> {
        match self {
            Self::Linear(recipe) => Ok(recipe.fit(site, &site.rows_at(places), seed, alone)),
            Self::Boosted(recipe) => recipe.fit(site, places, seed),
            Self::Forest(recipe) => recipe.fit(site, places, seed),
            Self::Neighbours(recipe) => Ok(recipe.fit(site, places)),
            Self::Novelty(_) => Err(FitError::Recipe("a novelty model is no member: a stack has its own")),
            Self::Stack(_) => Err(FitError::Recipe("a stack is no member of a stack")),
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
    match data.normal {
        Some(normal) if usize::from(normal) >= data.classes => {
            Err(FitError::Recipe("the normal class is none of those there are"))
        }
        _ => Ok(()),
    }
}

impl LinearRecipe {
    fn fit(&self, site: &Site<'_>, rows: &[u32], seed: u64, alone: bool) -> Kind {
        let ground = site.ground;
        let train = |rows: &[u32]| {
            let columns = ground.corpus.columns(&self.features, rows);
            let counts = ground.corpus.matrix(&columns, rows);
            (Linear::fit(&counts, &ground.labels(rows), ground.data.classes, &self.linear, seed), columns)
        };
        let (mut linear, mut columns) = train(rows);
        if alone && self.linear.loss == Loss::SquaredHinge {
            linear.temperature = temperature(site, rows, seed, &train);
        }
        if self.linear.prune > 0.0 {
            let kept = linear.heavy(self.linear.prune);
            linear.keep(&kept);
            columns = columns.keep(&kept);
        }
        Kind::Linear { view: View::new(columns, ground.corpus.counts().columns()), linear }
    }
}

/// The temperature that fits the margins of traces which a machine was not trained on.
fn temperature(
    site: &Site<'_>,
    rows: &[u32],
    seed: u64,
    train: &dyn Fn(&[u32]) -> (Linear, Columns),
) -> Temperature {
    let (ground, classes) = (site.ground, site.ground.data.classes);
    let fold_of = folds::deal(&ground.labels(rows), &ground.groups(rows), TEMPERATURE_FOLDS, seed);
    let (mut margins, mut labels) = (Vec::new(), Vec::new());
    for fold in 0..TEMPERATURE_FOLDS {
        let (own, judge) = folds::sides(&fold_of, fold);
        let of = |places: Vec<u32>| places.iter().map(|&p| rows[p as usize]).collect::<Vec<u32>>();
        let (own, judge) = (of(own), of(judge));
        if own.is_empty() {
            continue;
        }
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

/// What trees learn from: counts, and similarities beside them.
struct TreeInputs {
    columns: Columns,
    extras: Vec<Extra>,
    matrix: Sparse,
    labels: Vec<u16>,
}

impl TreeInputs {
    fn new(
        site: &Site<'_>,
        places: &[u32],
        features: &FeatureConfig,
        similarities: &[Similarity],
    ) -> Result<Self, FitError> {
        let rows = site.rows_at(places);
        let columns = site.ground.corpus.columns(features, &rows);
        let counts = site.ground.corpus.matrix(&columns, &rows);
        let labels = site.ground.labels(&rows);
        let classes = site.ground.data.classes as u16;
        let mut extras = Vec::new();
        for similarity in similarities {
            let bank = site.bank(&similarity.likeness);
            for &nearest in &similarity.nearest {
                if !(1..=DEPTH).contains(&usize::from(nearest)) {
                    return Err(FitError::Recipe("similarities are to the 1 to 10 nearest traces"));
                }
                // Nothing is to be learnt from classes that are not among these traces.
                let present = (0..classes).filter(|class| labels.contains(class));
                extras.extend(present.map(|class| Extra { bank: bank as u16, class, nearest }));
            }
        }
        let mut matrix = Sparse::new(columns.len() + extras.len());
        for (row, &place) in places.iter().enumerate() {
            let (index, values) = counts.row(row);
            let own = index.iter().copied().zip(values.iter().copied());
            let near = &site.near[place as usize];
            let beside = extras.iter().enumerate().map(|(i, e)| ((columns.len() + i) as u32, e.value(near)));
            matrix.push(own.chain(beside));
        }
        Ok(Self { columns, extras, matrix, labels })
    }

    /// Those inputs that the trees ask; `used` are columns of the matrix.
    fn narrowed(self, used: &[u32], all: usize) -> Inputs {
        let grams = used.partition_point(|&column| (column as usize) < self.columns.len());
        let columns = used[..grams].iter().map(|&c| self.columns.0[c as usize]).collect();
        let extra = |&c: &u32| self.extras[c as usize - self.columns.len()];
        Inputs { view: View::new(Columns(columns), all), extras: used[grams..].iter().map(extra).collect() }
    }
}

impl BoostedRecipe {
    fn fit(&self, site: &Site<'_>, places: &[u32], seed: u64) -> Result<Kind, FitError> {
        let inputs = TreeInputs::new(site, places, &self.features, &self.similarities)?;
        let classes = site.ground.data.classes;
        let boosted = Boosted::fit(&inputs.matrix, &inputs.labels, classes, None, &self.boost, seed)?;
        let inputs = inputs.narrowed(boosted.columns(), site.ground.corpus.counts().columns());
        Ok(Kind::Boosted { inputs, boosted: boosted.narrowed() })
    }
}

impl ForestRecipe {
    fn fit(&self, site: &Site<'_>, places: &[u32], seed: u64) -> Result<Kind, FitError> {
        let inputs = TreeInputs::new(site, places, &self.features, &self.similarities)?;
        let classes = site.ground.data.classes;
        let forest = Forest::fit(&inputs.matrix, &inputs.labels, classes, None, &self.forest, seed)?;
        let inputs = inputs.narrowed(forest.columns(), site.ground.corpus.counts().columns());
        Ok(Kind::Forest { inputs, forest: forest.narrowed() })
    }
}

impl NeighboursRecipe {
    fn fit(&self, site: &Site<'_>, places: &[u32]) -> Kind {
        let bank = site.bank(&self.likeness);
        let (nearest, classes) = (usize::from(self.nearest).clamp(1, DEPTH), site.ground.data.classes);
        // Own groups are left out, so these are margins of traces that were not seen.
        let mut margins = vec![0.0; places.len() * classes];
        for (&place, margins) in places.iter().zip(margins.chunks_exact_mut(classes)) {
            neighbours::margins(&site.near[place as usize][bank], nearest, margins);
        }
        let labels = site.ground.labels(&site.rows_at(places));
        let temperature = Temperature::fit(&margins, &labels, classes);
        Kind::Neighbours { bank: bank as u16, nearest: nearest as u8, temperature }
    }
}
