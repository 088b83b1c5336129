//! The model file: one safetensors file that holds all that scoring needs.
//!
//! Weights are arrays under Keras' names and in Keras' layouts; everything else is one JSON document in
//! the metadata. A file is believed only after everything in it has been checked against everything else.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use traceward_run::tensors::{self, FileError, TensorRef};
use traceward_run::{About, ModelSpec};

use crate::{Error, Network};

/// The version of the document's layout; files of a later one are refused.
const FORMAT: u32 = 1;

/// A classifier as it is kept: network and all that goes with it.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What it is.
    pub about: About,
    /// What it does.
    pub network: Network,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    spec: ModelSpec,
    #[serde(flatten)]
    about: About,
}

impl ModelFile {
    /// Writes the model to `path`, all or nothing. The same model gives the same bytes.
    ///
    /// # Errors
    /// If the file cannot be written, or vocabulary and classes do not fit the network.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let bad = |reason: String| Error::from(FileError::NotAModel { path: path.to_owned(), reason });
        agree(&self.about, &self.network).map_err(bad)?;
        let document =
            Document { format: FORMAT, spec: self.network.spec().clone(), about: self.about.clone() };
        let document = serde_json::to_string(&document).map_err(|error| bad(error.to_string()))?;
        let parameters = self.network.parameters();
        let arrays: Vec<_> = parameters
            .iter()
            .map(|p| TensorRef { name: &p.name, shape: &p.shape, values: &p.values })
            .collect();
        Ok(tensors::write(path, &document, &arrays)?)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// If the file cannot be read, or anything in it is damaged, missing, of the wrong shape, or unknown.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bad = |reason: String| Error::from(FileError::NotAModel { path: path.to_owned(), reason });
        let (document, weights) = tensors::read(path)?;
        let raw: Value = serde_json::from_str(&document)
            .map_err(|error| bad(format!("its document does not read: {error}")))?;
        match raw.get("format").and_then(Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => {
                return Err(bad(format!("its format is {format}, and this version reads {FORMAT}")));
            }
            None => return Err(bad("its document is not that of a model".into())),
        }
        let Document { spec, about, .. } = serde_json::from_value(raw)
            .map_err(|error| bad(format!("its document does not read: {error}")))?;
        let (vocabulary, classes) = (about.vocabulary.size(), about.classes.len());
        let network = Network::with_weights(&spec, vocabulary, classes, weights)
            .map_err(|error| bad(error.to_string()))?;
        agree(&about, &network).map_err(bad)?;
        Ok(Self { about, network })
    }
}

fn agree(about: &About, network: &Network) -> Result<(), String> {
    let (tokens, classes) = (about.vocabulary.size(), about.classes.len());
    if tokens > network.vocabulary() {
        return Err(format!(
            "its vocabulary has {tokens} tokens, and its Embedding {} rows",
            network.vocabulary()
        ));
    }
    if classes != network.classes() {
        return Err(format!("it names {classes} classes, and its network has {} outputs", network.classes()));
    }
    Ok(())
}
