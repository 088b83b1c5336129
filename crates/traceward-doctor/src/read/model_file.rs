//! Keras model files: `.keras` archives, `.h5` files, and what `model.to_json()` writes.
//!
//! Which one it is, is seen in the bytes: a zip begins with `PK`, HDF5 with its signature, JSON with a
//! brace. None holds the fit, so the evidence has a network and, if the model was compiled, its loss and
//! optimizer. Functional models come as a list of layers in the order in which Keras writes them, with
//! `branched` set where they are no chain; models within models are unfolded.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use hdf5_reader::Hdf5File;
use serde_json::Value;

use super::keras_object;
use crate::Evidence;
use crate::facts::{Framework, Network};

/// HDF5's signature, at the beginning of the file.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// A configuration is text of this size at most; real ones have some hundred kilobytes.
const LARGEST_CONFIG: u64 = 256 << 20;

/// How deep models may stand within models.
const DEEPEST: usize = 16;

/// Why a file is no Keras model, or cannot be read as one.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct ModelFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: ModelFileProblem,
}

/// What is wrong with a model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileProblem {
    /// It could not be opened or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is no archive, or a damaged one.
    #[error("as a .keras archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// It is no HDF5 file, or a damaged one.
    #[error("as an HDF5 file: {0}")]
    Hdf5(#[from] hdf5_reader::error::Error),
    /// Its configuration is no JSON.
    #[error("its configuration is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It holds weights only: the network's layers are not in it.
    #[error("it holds no network, only weights; save the whole model with model.save()")]
    WeightsOnly,
    /// It is JSON or an archive, but of something else.
    #[error("it is not a Keras model")]
    NotKeras,
}

/// Whether these are the first bytes of what may be a Keras model: an archive, an HDF5 file, or JSON that
/// names a class. A few hundred bytes are enough.
pub fn is_keras_model(head: &[u8]) -> bool {
    if head.starts_with(HDF5) {
        return true;
    }
    if head.starts_with(b"PK") {
        let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
        return has(b"metadata.json") || has(b"config.json");
    }
    let text = String::from_utf8_lossy(head);
    text.trim_start().starts_with('{') && text.contains("\"class_name\"") && text.contains("\"config\"")
}

/// Reads a Keras model file.
///
/// # Errors
/// If it cannot be read, is damaged, or holds no network.
pub fn keras_model(path: &Path) -> Result<Evidence, ModelFileError> {
    let at = |problem| ModelFileError { path: path.to_owned(), problem };
    let bytes = std::fs::read(path).map_err(|error| at(error.into()))?;
    read(&bytes).map_err(at)
}

/// Reads what `model.to_json()` returns.
///
/// # Errors
/// If it is no JSON or no Keras model.
pub fn keras_json(text: &str) -> Result<Evidence, ModelFileProblem> {
    read(text.as_bytes())
}

fn read(bytes: &[u8]) -> Result<Evidence, ModelFileProblem> {
    let (model, compiled) = if bytes.starts_with(HDF5) {
        from_hdf5(bytes)?
    } else if bytes.starts_with(b"PK") {
        (from_archive(bytes)?, None)
    } else {
        (json(bytes)?, None)
    };
    let compiled = compiled.or_else(|| model.get("compile_config").cloned());
    let mut network = network(&model).ok_or(ModelFileProblem::NotKeras)?;
    network.compile = compiled.as_ref().and_then(keras_object::compile);
    Ok(Evidence { network: Some(network), ..Evidence::default() })
}

fn json(bytes: &[u8]) -> Result<Value, ModelFileProblem> {
    let value: Value = serde_json::from_slice(bytes)?;
    // `to_json()` gives a text; some save it with `json.dump`, which quotes it once more.
    match value {
        Value::String(text) => Ok(serde_json::from_str(&text)?),
        value => Ok(value),
    }
}

fn from_archive(bytes: &[u8]) -> Result<Value, ModelFileProblem> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let member = archive.by_name("config.json").map_err(|error| match error {
        zip::result::ZipError::FileNotFound => ModelFileProblem::NotKeras,
        error => error.into(),
    })?;
    let mut text = Vec::new();
    member.take(LARGEST_CONFIG).read_to_end(&mut text)?;
    json(&text)
}

/// The network and how it is compiled, from the root group's attributes.
fn from_hdf5(bytes: &[u8]) -> Result<(Value, Option<Value>), ModelFileProblem> {
    let file = Hdf5File::from_bytes(bytes)?;
    let attributes = file.root_group()?.attributes()?;
    let text = |name: &str| attributes.iter().find(|attribute| attribute.name == name);
    let model = text("model_config").ok_or(ModelFileProblem::WeightsOnly)?;
    let model = json(model.read_string()?.as_bytes())?;
    let compiled = text("training_config").and_then(|attribute| attribute.read_string().ok());
    Ok((model, compiled.and_then(|text| serde_json::from_str(&text).ok())))
}

fn network(model: &Value) -> Option<Network> {
    let mut network = Network { framework: Framework::Keras, ..Network::default() };
    unfold(model, &mut network, 0)?;
    keras_object::place_layers(&mut network.layers);
    Some(network)
}

/// Appends a model's layers. `None` if it is no model.
fn unfold(model: &Value, network: &mut Network, depth: usize) -> Option<()> {
    let class = model.get("class_name")?.as_str()?;
    let config = model.get("config")?;
    // Keras 1 and early Keras 2 wrote a Sequential's config as the bare list.
    let layers = config.get("layers").or(Some(config))?.as_array()?;
    if depth > DEEPEST {
        return None;
    }
    if class != "Sequential" {
        network.branched |= is_branched(layers);
    }
    for object in layers {
        let inner = object.pointer("/config/layers").is_some()
            || (object.get("config").is_some_and(Value::is_array) && object.get("class_name").is_some());
        if inner && unfold(object, network, depth + 1).is_some() {
            continue;
        }
        network.layers.extend(keras_object::layer(object));
    }
    Some(())
}

/// Whether a functional model is anything but one chain: a layer with two inputs, or one that feeds two.
fn is_branched(layers: &[Value]) -> bool {
    let mut feeds = HashMap::<String, usize>::new();
    for layer in layers {
        let mut sources = Vec::new();
        collect_sources(layer.get("inbound_nodes").unwrap_or(&Value::Null), &mut sources);
        if sources.len() > 1 {
            return true;
        }
        for source in sources {
            *feeds.entry(source).or_default() += 1;
        }
    }
    feeds.values().any(|count| *count > 1)
}

/// Names of the layers that a layer is fed by. Keras 2 writes `["name", 0, 0, {}]`, Keras 3 an object
/// with a `keras_history` of `["name", 0, 0]`.
fn collect_sources(value: &Value, sources: &mut Vec<String>) {
    match value {
        Value::Array(values) => match values.as_slice() {
            [Value::String(name), Value::Number(_), Value::Number(_), ..] => sources.push(name.clone()),
            values => values.iter().for_each(|value| collect_sources(value, sources)),
        },
        Value::Object(object) => object.values().for_each(|value| collect_sources(value, sources)),
        _ => {}
    }
}
