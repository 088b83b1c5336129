//! The model that watches: read call by call where it can be, whole traces else.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use traceward_guard::{Model, ModelId};
use traceward_run::classifier::{Neighbour, Unreadable};
use traceward_run::{About, Classifier, Scores};
use traceward_stream::Stream;

use crate::classifier::{AnyModel, file_of};
use crate::error::Failure;

/// A model as it was loaded.
pub(super) struct Loaded {
    about: About,
    whole: Whole,
    /// The same call by call, if it is such a network.
    stream: Option<Arc<Stream>>,
    /// What it is called.
    pub(super) id: ModelId,
}

impl Loaded {
    /// Loads it.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let model = AnyModel::load(path)?;
        let file = file_of(path)?;
        let calls = model.network().is_some() && model.classifier().session().is_some();
        let stream = if calls { Stream::load(&file).ok().map(Arc::new) } else { None };
        let bytes = fs::read(&file)
            .map_err(|error| Failure::new(format_args!("cannot read {}: {error}", file.display())))?;
        let id = Sha256::digest(&bytes).iter().take(8).fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        let named = if path.is_dir() { path } else { file.as_path() };
        let name = named.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { about: model.about.clone(), whole: Whole(model), stream, id: ModelId { name, id } })
    }

    /// What it says of itself.
    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// How it is asked.
    pub(super) fn asked(&self) -> Model<'_> {
        match &self.stream {
            Some(stream) => Model::Stream(stream),
            None => Model::Whole(&self.whole),
        }
    }
}

/// A model that is asked about whole traces, at lengths that double. Some could be asked after every call, but
/// keep as much of a trace as the trace itself; asked more rarely, they alarm no more often than they promise.
struct Whole(AnyModel);

impl Classifier for Whole {
    fn classes(&self) -> usize {
        self.0.classifier().classes()
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        self.0.classifier().predict(traces)
    }

    fn novelty(&self, traces: &[&[u32]]) -> Option<Vec<f32>> {
        self.0.classifier().novelty(traces)
    }

    fn contributions(&self, trace: &[u32], class: usize) -> Option<Vec<f32>> {
        self.0.classifier().contributions(trace, class)
    }

    fn nearest(&self, trace: &[u32], count: usize) -> Vec<Neighbour> {
        self.0.classifier().nearest(trace, count)
    }
}
