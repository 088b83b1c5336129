//! A network written down, layer by layer, in Keras' vocabulary.
//!
//! The serialised form is Keras' own: `{"class_name": "LSTM", "config": {"units": 32, …}}`, so a spec in
//! a run directory reads like `model.to_json()`, and [`ModelSpec::from_keras`] reads that too. Nothing is
//! lost on the way: a layer that we cannot run, or one of ours with an argument that we do not carry out
//! (`activation="relu"` in an LSTM), becomes [`Layer::Other`], which keeps its configuration word for
//! word and can say [why](OtherLayer::why). The doctor reads such specs; [`ModelSpec::check`] refuses to
//! train them.
//!
//! Two sizes depend on the data and may be left open as 0: the Embedding's `input_dim` and the last
//! Dense's `units`. [`ModelSpec::resolve`] fills them in.

mod keras;
mod shapes;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use keras::NotSequential;
pub use shapes::{LayerFacts, Shape, SpecError};

/// A sequential network: tokens in, one row of class scores out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// A name for summaries and files.
    pub name: String,
    /// The layers, first to last.
    pub layers: Vec<LayerSpec>,
}

impl ModelSpec {
    /// A network of these layers, named as Keras names them.
    pub fn new(name: impl Into<String>, layers: impl IntoIterator<Item = Layer>) -> Self {
        Self { name: name.into(), layers: layers.into_iter().map(LayerSpec::from).collect() }
    }

    /// This network for a vocabulary and a number of classes: an Embedding with `input_dim` 0 gets the
    /// vocabulary's size (padding and unknown included), and the last Dense, if its `units` are 0, a unit
    /// for each class. What is not 0 stays as it is.
    #[must_use]
    pub fn resolve(&self, vocabulary_size: usize, classes: usize) -> Self {
        let mut resolved = self.clone();
        for spec in &mut resolved.layers {
            if let Layer::Embedding { input_dim: input_dim @ 0, .. } = &mut spec.layer {
                *input_dim = vocabulary_size;
            }
        }
        let last_dense = resolved.layers.iter_mut().rev().find_map(|spec| match &mut spec.layer {
            Layer::Dense { units, .. } => Some(units),
            _ => None,
        });
        if let Some(units @ 0) = last_dense {
            *units = classes;
        }
        resolved
    }
}

/// One layer and its name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSpec {
    /// The layer's name; empty means that Keras' default (`lstm`, `dense_1`) is used.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub layer: Layer,
}

impl LayerSpec {
    /// A layer with a name of its own.
    pub fn named(name: impl Into<String>, layer: Layer) -> Self {
        Self { name: name.into(), layer }
    }
}

impl From<Layer> for LayerSpec {
    fn from(layer: Layer) -> Self {
        Self { name: String::new(), layer }
    }
}

/// A layer of the network. Field names and defaults are Keras 3's.
///
/// Read from JSON or TOML it also takes what Keras itself writes, with all its extra arguments, as long
/// as they stand at the values that we carry out; otherwise it is [`Layer::Other`]. Arguments that change
/// nothing here are left out: `trainable: true`, seeds, `unroll`, `implementation`, and the Embedding's
/// `mask_zero`, since traces are read by their true lengths and no padding is ever a token.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "class_name", content = "config")]
#[expect(missing_docs, reason = "the fields are Keras' arguments, documented there")]
pub enum Layer {
    /// Tokens `[batch, time]` to vectors `[batch, time, output_dim]`.
    Embedding {
        /// Vocabulary size, padding and unknown included; 0 means "that of the data", filled in by
        /// [`ModelSpec::resolve`].
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
    Bidirectional { layer: Box<Layer>, merge_mode: MergeMode },
    /// Convolution over time.
    Conv1D {
        filters: usize,
        kernel_size: usize,
        strides: usize,
        padding: Padding,
        activation: Activation,
        use_bias: bool,
    },
    /// The maximum over windows of time, `pool_size` apart, whole windows only.
    MaxPooling1D { pool_size: usize },
    /// The mean over windows of time, `pool_size` apart, whole windows only.
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
        /// Outputs; 0 in the network's last Dense means "one a class", filled in by [`ModelSpec::resolve`].
        units: usize,
        activation: Activation,
        use_bias: bool,
    },
    /// An activation as a layer of its own.
    Activation { activation: Activation },
    /// Normalisation over the batch (and time, by true lengths).
    BatchNormalization { momentum: f32, epsilon: f32 },
    /// A layer that we do not run: kept as it was written.
    #[serde(untagged)]
    Other(OtherLayer),
}

impl Layer {
    /// A Dense with a bias.
    pub fn dense(units: usize, activation: Activation) -> Self {
        Self::Dense { units, activation, use_bias: true }
    }

    /// A recurrent layer run both ways, outputs joined one after the other.
    pub fn bidirectional(layer: Self) -> Self {
        Self::Bidirectional { layer: Box::new(layer), merge_mode: MergeMode::Concat }
    }

    /// A convolution with step 1, no padding, a bias.
    pub fn conv1d(filters: usize, kernel_size: usize, activation: Activation) -> Self {
        Self::Conv1D { filters, kernel_size, strides: 1, padding: Padding::Valid, activation, use_bias: true }
    }

    /// A batch normalisation with Keras' momentum (0.99) and epsilon (0.001).
    pub fn batch_normalization() -> Self {
        Self::BatchNormalization { momentum: 0.99, epsilon: 1e-3 }
    }

    /// Keras' class name.
    pub fn class_name(&self) -> &str {
        match self {
            Self::Embedding { .. } => "Embedding",
            Self::Lstm(_) => "LSTM",
            Self::Gru(_) => "GRU",
            Self::Bidirectional { .. } => "Bidirectional",
            Self::Conv1D { .. } => "Conv1D",
            Self::MaxPooling1D { .. } => "MaxPooling1D",
            Self::AveragePooling1D { .. } => "AveragePooling1D",
            Self::GlobalMaxPooling1D => "GlobalMaxPooling1D",
            Self::GlobalAveragePooling1D => "GlobalAveragePooling1D",
            Self::Dropout { .. } => "Dropout",
            Self::SpatialDropout1D { .. } => "SpatialDropout1D",
            Self::Dense { .. } => "Dense",
            Self::Activation { .. } => "Activation",
            Self::BatchNormalization { .. } => "BatchNormalization",
            Self::Other(other) => &other.class_name,
        }
    }
}

/// A layer of another framework, of Keras but not ours, or of ours with an argument we do not carry out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherLayer {
    /// Keras' class name, or the other framework's.
    pub class_name: String,
    /// Its configuration, word for word.
    #[serde(default)]
    pub config: Map<String, Value>,
}

/// Arguments that LSTM and GRU share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recurrent {
    /// Units in each direction.
    pub units: usize,
    /// Share of inputs dropped, one mask per trace.
    pub dropout: f32,
    /// Share of the recurrent state dropped, one mask per trace (not per step).
    pub recurrent_dropout: f32,
    /// Give every step's output rather than the last one's.
    pub return_sequences: bool,
    /// Read the trace from its end.
    pub go_backwards: bool,
}

impl Recurrent {
    /// Keras' defaults: no dropout, the last step's output, read forwards.
    pub fn new(units: usize) -> Self {
        Self { units, dropout: 0.0, recurrent_dropout: 0.0, return_sequences: false, go_backwards: false }
    }

    /// Drops this share of the inputs.
    #[must_use]
    pub fn dropout(self, rate: f32) -> Self {
        Self { dropout: rate, ..self }
    }

    /// Drops this share of the recurrent state.
    #[must_use]
    pub fn recurrent_dropout(self, rate: f32) -> Self {
        Self { recurrent_dropout: rate, ..self }
    }

    /// Gives every step's output.
    #[must_use]
    pub fn return_sequences(self) -> Self {
        Self { return_sequences: true, ..self }
    }
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

impl Activation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Linear,
        Self::Relu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Softmax,
        Self::Elu,
        Self::Selu,
        Self::Gelu,
        Self::Softplus,
    ];

    /// Keras' name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softmax => "softmax",
            Self::Elu => "elu",
            Self::Selu => "selu",
            Self::Gelu => "gelu",
            Self::Softplus => "softplus",
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
