//! The model file, as far as every kind of model shares it: one safetensors file that holds all that
//! scoring needs.
//!
//! Numbers are arrays, everything else is one JSON document in the metadata: what the model is in its own
//! words (a network's `spec`, a `recipe` of n-grams) and [`About`] beside it. A kind of model reads its own
//! part from a [`RawModel`] and believes nothing before it has been checked against everything else.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::About;
use crate::tensors::{self, FileError, Tensor, TensorRef};

/// The version of the document's layout; files of a later one are refused.
const FORMAT: u32 = 1;

/// A model file that was read, and not yet believed.
#[derive(Clone, Debug)]
pub struct RawModel {
    path: PathBuf,
    document: Map<String, Value>,
    /// The arrays, in their order.
    pub tensors: Vec<Tensor>,
}

impl RawModel {
    /// Reads a model file.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, is no model of ours or one of a later version.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bad = |reason: String| FileError::NotAModel { path: path.to_owned(), reason };
        let (document, tensors) = tensors::read(path)?;
        let raw: Value = serde_json::from_str(&document)
            .map_err(|error| bad(format!("its document does not read: {error}")))?;
        match raw.get("format").and_then(Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => {
                return Err(bad(format!("its format is {format}, and this version reads {FORMAT}")));
            }
            None => return Err(bad("its document is not that of a model".into())),
        }
        let Value::Object(document) = raw else {
            return Err(bad("its document is not that of a model".into()));
        };
        Ok(Self { path: path.to_owned(), document, tensors })
    }

    /// Whether the document has this key: which kind of model it is.
    pub fn has(&self, key: &str) -> bool {
        self.document.contains_key(key)
    }

    /// A part of the document, or with `None` all of it.
    ///
    /// # Errors
    /// If it is missing or not what it should be.
    pub fn part<T: DeserializeOwned>(&self, key: Option<&str>) -> Result<T, FileError> {
        let value = match key {
            Some(key) => self.document.get(key).cloned().unwrap_or(Value::Null),
            None => Value::Object(self.document.clone()),
        };
        serde_json::from_value(value)
            .map_err(|error| self.bad(format!("its document does not read: {error}")))
    }

    /// What it says of itself beside the numbers.
    ///
    /// # Errors
    /// If that is missing or damaged.
    pub fn about(&self) -> Result<About, FileError> {
        self.part(None)
    }

    /// The error that the file is not to be believed, and why (a phrase).
    pub fn bad(&self, reason: impl Into<String>) -> FileError {
        FileError::NotAModel { path: self.path.clone(), reason: reason.into() }
    }
}

/// Writes a model to `path`, all or nothing. The same model gives the same bytes.
///
/// `kind` is the key of the document that says what kind of model it is (`spec`, `recipe`), `body` its value.
///
/// # Errors
/// If the file cannot be written.
pub fn write(
    path: &Path,
    kind: &str,
    body: &impl Serialize,
    about: &About,
    tensors: &[TensorRef<'_>],
) -> Result<(), FileError> {
    let bad =
        |error: serde_json::Error| FileError::NotAModel { path: path.to_owned(), reason: error.to_string() };
    let mut document = Map::new();
    document.insert("format".into(), FORMAT.into());
    document.insert(kind.to_owned(), serde_json::to_value(body).map_err(bad)?);
    if let Value::Object(about) = serde_json::to_value(about).map_err(bad)? {
        document.extend(about);
    }
    let document = serde_json::to_string(&document).map_err(bad)?;
    tensors::write(path, &document, tensors)
}
