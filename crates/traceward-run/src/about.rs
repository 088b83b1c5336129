//! What a model file says of its model beside the weights, whatever the model is made of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use traceward_trace::Vocabulary;
use traceward_trace::split::SplitConfig;

use crate::config::Input;

/// What a model is beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The version of traceward that wrote it.
    pub version: String,
    /// The calls that it knows, and their ABI.
    pub vocabulary: Vocabulary,
    /// The classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// What was done to a trace before it was read.
    #[serde(default)]
    pub input: Input,
    /// The fingerprint of the training data.
    #[serde(default)]
    pub fingerprint: String,
    /// How that data was cut, so that an evaluation on the same data can keep to the validation side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitConfig>,
    /// What `calibrate` found out, if it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Value>,
    /// What it was worth when it was trained.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metrics: Map<String, Value>,
}
