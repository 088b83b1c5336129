//! A kept model of any kind, as commands want it: what it says of itself, and what it says of traces.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use traceward_model::{ModelFile, Network};
use traceward_ngram::{Model, Recipe};
use traceward_run::classifier::{Neighbour, Session, Unreadable};
use traceward_run::config::Input;
use traceward_run::model_file;
use traceward_run::tensors::TensorRef;
use traceward_run::{About, Classifier, RawModel, Scores};

use crate::error::Failure;

/// A model as it is kept.
pub struct AnyModel {
    /// What it says of itself.
    pub about: About,
    kind: Kind,
}

enum Kind {
    Network(WholeTraces),
    Recipe(Box<(Recipe, Model)>),
}

/// The document's key that says that the model came of a recipe.
const RECIPE: &str = "recipe";

/// What the document says of such a model: what was asked for, and what came of it beside the arrays.
#[derive(Serialize, Deserialize)]
struct Body {
    recipe: Recipe,
    model: serde_json::Value,
}

impl AnyModel {
    /// Loads a model: the file itself, or the one in a run directory.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let file = file_of(path)?;
        let raw = RawModel::read(&file)?;
        if ModelFile::is_network(&raw) {
            let ModelFile { about, network } = ModelFile::from_raw(raw)?;
            return Ok(Self::of_network(about, network));
        }
        if raw.has(RECIPE) {
            let Body { recipe, model } = raw.part(Some(RECIPE))?;
            let model =
                Model::from_parts(&model, &raw.tensors).map_err(|error| raw.bad(error.to_string()))?;
            let about = raw.about()?;
            check(&about, &model).map_err(|reason| raw.bad(reason))?;
            return Ok(Self::of_recipe(about, recipe, model));
        }
        Err(raw.bad("it holds no kind of model that this version knows").into())
    }

    /// A network that was trained just now.
    pub fn of_network(about: About, network: Network) -> Self {
        let kind = Kind::Network(WholeTraces { network, input: about.input.clone() });
        Self { about, kind }
    }

    /// A model of n-grams that was trained just now.
    pub fn of_recipe(about: About, recipe: Recipe, model: Model) -> Self {
        Self { about, kind: Kind::Recipe(Box::new((recipe, model))) }
    }

    /// Writes it, all or nothing.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Failure> {
        match &self.kind {
            Kind::Network(WholeTraces { network, .. }) => {
                Ok(ModelFile { about: self.about.clone(), network: network.clone() }.save(path)?)
            }
            Kind::Recipe(kept) => {
                let (recipe, model) = &**kept;
                let (document, tensors) = model.to_parts();
                let arrays: Vec<TensorRef<'_>> =
                    tensors.iter().map(|(name, shape, values)| TensorRef { name, shape, values }).collect();
                let body = Body { recipe: recipe.clone(), model: document };
                Ok(model_file::write(path, RECIPE, &body, &self.about, &arrays)?)
            }
        }
    }

    /// What it says of traces. They are passed whole: what a network reads of them is its own affair.
    pub fn classifier(&self) -> &dyn Classifier {
        match &self.kind {
            Kind::Network(network) => network,
            Kind::Recipe(kept) => &kept.1,
        }
    }

    /// The network, if it is one.
    pub fn network(&self) -> Option<&Network> {
        match &self.kind {
            Kind::Network(WholeTraces { network, .. }) => Some(network),
            Kind::Recipe(..) => None,
        }
    }

    /// The recipe it came of, if it is no network.
    pub fn recipe(&self) -> Option<&Recipe> {
        match &self.kind {
            Kind::Network(_) => None,
            Kind::Recipe(kept) => Some(&kept.0),
        }
    }
}

/// Vocabulary and classes are the model's.
fn check(about: &About, model: &Model) -> Result<(), String> {
    let (tokens, known) = (about.vocabulary.size(), model.vocabulary());
    if tokens != known {
        return Err(format!("its vocabulary has {tokens} tokens, and its n-grams are of {known}"));
    }
    if about.classes.len() != model.classes() {
        return Err(format!("it names {} classes, and scores {}", about.classes.len(), model.classes()));
    }
    Ok(())
}

/// A network that takes whole traces and cuts them as it was trained to.
pub struct WholeTraces {
    /// The network.
    pub network: Network,
    /// How its traces are cut.
    pub input: Input,
}

impl Classifier for WholeTraces {
    fn classes(&self) -> usize {
        Classifier::classes(&self.network)
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        let cut: Vec<&[u32]> = traces.iter().map(|trace| self.input.cut(trace)).collect();
        Classifier::predict(&self.network, &cut)
    }

    fn nearest(&self, trace: &[u32], count: usize) -> Vec<Neighbour> {
        self.network.nearest(trace, count)
    }

    fn session(&self) -> Option<Box<dyn Session + '_>> {
        // What is cut by its end cannot be read call by call.
        if self.input.max_len.is_some() { None } else { self.network.session() }
    }
}

/// The model file behind what was typed: the file itself, or the one in a run directory.
///
/// # Errors
/// If there is none.
pub fn file_of(path: &Path) -> Result<PathBuf, Failure> {
    if !path.exists() {
        return Err(Failure::new(format_args!("{}: no such file or folder", path.display()))
            .hint("traceward runs list shows the runs there are"));
    }
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let file = path.join("model.safetensors");
    if file.exists() {
        return Ok(file);
    }
    Err(Failure::new(format_args!("{} holds no model.safetensors", path.display()))
        .hint("a run that was cut off has none yet; go on with it: traceward train --resume"))
}
