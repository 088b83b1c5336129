//! The model file of a network ([`traceward_run::model_file`]).
//!
//! Weights are arrays under Keras' names and in Keras' layouts, the spec stands in the document. A file is believed only after everything in it has been checked against everything else.

use std::path::Path;

use traceward_run::model_file;
use traceward_run::tensors::{FileError, TensorRef};
use traceward_run::{About, ModelSpec, RawModel};

use crate::{Error, Network};

/// The document's key that says that the model is a network.
const KIND: &str = "spec";

/// A classifier as it is kept: network and all that goes with it.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What it is.
    pub about: About,
    /// What it does.
    pub network: Network,
}

impl ModelFile {
    /// Writes the model to `path`, all or nothing. The same model gives the same bytes.
    ///
    /// # Errors
    /// If the file cannot be written, or vocabulary and classes do not fit the network.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        agree(&self.about, &self.network)
            .map_err(|reason| FileError::NotAModel { path: path.to_owned(), reason })?;
        let parameters = self.network.parameters();
        let arrays: Vec<_> = parameters
            .iter()
            .map(|p| TensorRef { name: &p.name, shape: &p.shape, values: &p.values })
            .collect();
        Ok(model_file::write(path, KIND, self.network.spec(), &self.about, &arrays)?)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// If the file cannot be read, or anything in it is damaged, missing, of the wrong shape, or unknown.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::from_raw(RawModel::read(path)?)
    }

    /// Whether what was read is a network.
    pub fn is_network(raw: &RawModel) -> bool {
        raw.has(KIND)
    }

    /// Makes a model of what was read.
    ///
    /// # Errors
    /// As [`ModelFile::load`].
    pub fn from_raw(mut raw: RawModel) -> Result<Self, Error> {
        let (spec, about): (ModelSpec, About) = (raw.part(Some(KIND))?, raw.about()?);
        let (vocabulary, classes) = (about.vocabulary.size(), about.classes.len());
        let weights = std::mem::take(&mut raw.tensors);
        let network = Network::with_weights(&spec, vocabulary, classes, weights)
            .map_err(|error| raw.bad(error.to_string()))?;
        agree(&about, &network).map_err(|reason| raw.bad(reason))?;
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
