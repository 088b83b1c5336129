//! The model that watches: read call by call where it can be, whole traces else.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use traceward_guard::{Model, ModelId};
use traceward_stream::Stream;

use crate::classifier::{AnyModel, file_of};
use crate::error::Failure;

/// A model as it was loaded.
pub(super) struct Loaded {
    /// All of it.
    pub(super) model: AnyModel,
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
        Ok(Self { model, stream, id: ModelId { name, id } })
    }

    /// How it is asked.
    pub(super) fn asked(&self) -> Model<'_> {
        match &self.stream {
            Some(stream) => Model::Stream(stream),
            None => Model::Whole(self.model.classifier()),
        }
    }
}
