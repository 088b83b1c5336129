//! A network written down, layer by layer, in Keras' vocabulary.
//!
//! The serialised form is Keras' own: `{"class_name": "LSTM", "config": {"units": 32, …}}`, so a spec in
//! a run directory reads like `model.to_json()`. A layer that we cannot run, or cannot even name, is
//! [`Layer::Other`] and keeps its configuration word for word.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A sequential network: tokens in, one row of class scores out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// A name for summaries and files.
    pub name: String,
    /// The layers, first to last.
    pub layers: Vec<LayerSpec>,
}

/// One layer and its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// The layer's name; empty means that Keras' default (`lstm`, `dense_1`) is used.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub layer: Layer,
}

/// A layer of the network. Field names and defaults are Keras 3's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "class_name", content = "config")]
#[expect(missing_docs, reason = "the fields are Keras' arguments, documented there")]
pub enum Layer {
    /// Tokens `[batch, time]` to vectors `[batch, time, output_dim]`.
    Embedding {
        /// Vocabulary size, padding and unknown included; 0 means "that of the data", filled in when built.
        input_dim: usize,
        output_dim: usize,
    },
    /// Long short-term memory, gate order i, f, c, o.
    #[serde(rename = "LSTM")]
    Lstm(Recurrent),
    /// Gated recurrent unit, gate order z, r, h, Keras' `reset_after=True`.
    #[serde(rename = "GRU")]
    Gru(Recurrent),
    /// A recurrent layer run both ways, outputs joined.
    Bidirectional {
        layer: Box<Layer>,
        #[serde(default)]
        merge_mode: MergeMode,
    },
    /// Convolution over time.
    Conv1D {
        filters: usize,
        kernel_size: usize,
        #[serde(default = "one")]
        strides: usize,
        #[serde(default)]
        padding: Padding,
        #[serde(default)]
        activation: Activation,
        #[serde(default = "yes")]
        use_bias: bool,
    },
    /// The maximum over windows of time.
    MaxPooling1D { pool_size: usize },
    /// The mean over windows of time.
    AveragePooling1D { pool_size: usize },
    /// The maximum over all time steps of the true length.
    GlobalMaxPooling1D,
    /// The mean over all time steps of the true length.
    GlobalAveragePooling1D,
    /// Sets a share of values to 0 while training and scales the rest by 1/(1-rate).
    Dropout { rate: f32 },
    /// Dropout of whole channels: one draw per trace and channel, not per step.
    SpatialDropout1D { rate: f32 },
    /// A fully connected layer.
    Dense {
        units: usize,
        #[serde(default)]
        activation: Activation,
        #[serde(default = "yes")]
        use_bias: bool,
    },
    /// An activation as a layer of its own.
    Activation { activation: Activation },
    /// Normalisation over the batch (and time, by true lengths).
    BatchNormalization {
        #[serde(default = "bn_momentum")]
        momentum: f32,
        #[serde(default = "bn_epsilon")]
        epsilon: f32,
    },
    /// A layer that we do not run: kept as it was written.
    #[serde(untagged)]
    Other(OtherLayer),
}

/// A layer of another framework, or of Keras but not ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherLayer {
    /// Keras' class name, or the other framework's.
    pub class_name: String,
    /// Its configuration, word for word.
    #[serde(default)]
    pub config: Map<String, Value>,
}

/// Arguments that LSTM and GRU share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recurrent {
    /// Units in each direction.
    pub units: usize,
    /// Share of inputs dropped, one mask per trace.
    #[serde(default)]
    pub dropout: f32,
    /// Share of the recurrent state dropped, one mask per trace (not per step).
    #[serde(default)]
    pub recurrent_dropout: f32,
    /// Give every step's output rather than the last one's.
    #[serde(default)]
    pub return_sequences: bool,
    /// Read the trace from its end.
    #[serde(default)]
    pub go_backwards: bool,
}

/// How a [`Layer::Bidirectional`] joins its two outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeMode {
    /// Forward first, then backward, along the last axis.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their mean.
    Ave,
    /// Their product.
    Mul,
}

/// What a convolution does at the ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Only whole windows.
    #[default]
    Valid,
    /// Zeros around, so that the length stays.
    Same,
    /// Zeros in front only, so that no step sees the future.
    Causal,
}

/// A function of one value, or, softmax, of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Keras' and say it")]
pub enum Activation {
    #[default]
    Linear,
    Relu,
    Sigmoid,
    Tanh,
    Softmax,
    Elu,
    Selu,
    Gelu,
    Softplus,
}

fn one() -> usize {
    1
}
fn yes() -> bool {
    true
}
fn bn_momentum() -> f32 {
    0.99
}
fn bn_epsilon() -> f32 {
    1e-3
}
