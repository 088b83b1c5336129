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
mod weights;

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

pub use keras::NotSequential;
pub use shapes::{LayerFacts, Shape, SpecError, branch_names};
pub use weights::{Initializer, Weights};

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
        fn rows_for(vocabulary_size: usize, layers: &mut [LayerSpec]) {
            for spec in layers {
                match &mut spec.layer {
                    Layer::Embedding { input_dim: input_dim @ 0, .. } => *input_dim = vocabulary_size,
                    Layer::Concatenate { branches } => {
                        branches.iter_mut().for_each(|branch| rows_for(vocabulary_size, branch));
                    }
                    _ => {}
                }
            }
        }

        let mut resolved = self.clone();
        rows_for(vocabulary_size, &mut resolved.layers);
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

/// One layer, its name, and how its weights begin.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// The layer's name; empty means that Keras' default (`lstm`, `dense_1`) is used.
    pub name: String,
    /// What it is.
    pub layer: Layer,
    /// How its weights begin, and whether they learn.
    pub weights: Weights,
}

impl Serialize for LayerSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a, L> {
            #[serde(skip_serializing_if = "str::is_empty")]
            name: &'a str,
            #[serde(flatten)]
            layer: L,
        }
        let name = &self.name;
        if self.weights.is_default() {
            return Written { name, layer: &self.layer }.serialize(serializer);
        }
        let layer = self.weights.written(&self.layer).map_err(serde::ser::Error::custom)?;
        Written { name, layer }.serialize(serializer)
    }
}

impl LayerSpec {
    /// A layer with a name of its own.
    pub fn named(name: impl Into<String>, layer: Layer) -> Self {
        Self { name: name.into(), layer, weights: Weights::default() }
    }
}

impl From<Layer> for LayerSpec {
    fn from(layer: Layer) -> Self {
        Self::named("", layer)
    }
}

/// A layer of the network. Field names and defaults are Keras 3's.
///
/// Read from JSON or TOML it also takes what Keras itself writes, with all its extra arguments, as long
/// as they stand at the values that we carry out; otherwise it is [`Layer::Other`]. Arguments that change
/// nothing here are left out: seeds, `unroll`, `implementation`, and the Embedding's
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
    /// The mean over all time steps, each weighed by how much it matters: `softmax` over the true length of
    /// `tanh(x W + b) v` (Bahdanau et al. 2015, with a learnt query). Not one of Keras' layers.
    GlobalAttentionPooling1D {
        /// Width of the hidden layer that scores a step.
        units: usize,
    },
    /// Which n-grams a trace holds, as one vector: Keras' `TextVectorization(ngrams=…, output_mode="tf_idf")`
    /// followed by a Dense without bias, in one layer and over hashes. Not one of Keras' layers.
    NgramEmbedding(NgramEmbedding),
    /// The same counted in memory that does not grow with the trace, so that it can be read call by call. Not one
    /// of Keras' layers.
    NgramSketch(NgramSketch),
    /// Branches that read the same input, their outputs side by side: what Keras writes with its functional
    /// interface and `Concatenate`. Every branch ends in one row a trace.
    Concatenate {
        /// The branches' layers, first to last.
        branches: Vec<Vec<LayerSpec>>,
    },
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

    /// Branches side by side.
    pub fn concatenate<const N: usize>(branches: [Vec<Self>; N]) -> Self {
        let specs = |layers: Vec<Self>| layers.into_iter().map(LayerSpec::from).collect();
        Self::Concatenate { branches: branches.into_iter().map(specs).collect() }
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
            Self::GlobalAttentionPooling1D { .. } => "GlobalAttentionPooling1D",
            Self::NgramEmbedding(_) => "NgramEmbedding",
            Self::NgramSketch(_) => "NgramSketch",
            Self::Concatenate { .. } => "Concatenate",
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

/// Arguments of a [`Layer::NgramEmbedding`].
///
/// An n-gram that occurs `c` times weighs `(1 + ln c) · idf`, and a trace's weights are scaled to length 1,
/// as in scikit-learn's `TfidfVectorizer(sublinear_tf=True)`. Every n-gram falls into one of `buckets` rows
/// of the table; the output is the weighted sum of the rows, times the square root of `output_dim`, so that a
/// row's numbers are of the size that other layers give.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NgramEmbedding {
    /// Length of the vector.
    pub output_dim: usize,
    /// Rows of the table.
    pub buckets: usize,
    /// The longest n-gram; all shorter ones count too.
    pub ngrams: usize,
    /// Pairs of calls this far apart at most, the nearest (which are 2-grams) left out; 0: none.
    pub skips: usize,
    /// The n-grams of the first and of the last so many calls count once more, by where they stand.
    pub ends: Vec<usize>,
}

impl NgramEmbedding {
    /// 1-5-grams, pairs up to 4 calls apart, the first and the last 60 calls again.
    pub fn new(output_dim: usize, buckets: usize) -> Self {
        Self { output_dim, buckets, ngrams: 5, skips: 4, ends: vec![60] }
    }
}

/// Arguments of a [`Layer::NgramSketch`].
///
/// As a [`NgramEmbedding`] without ends, but an n-gram counts in one of `counters` counters that stop at 15 and
/// that n-grams share; a trace's row is scaled by the length of the counters' weights, before `idf`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NgramSketch {
    /// Length of the vector.
    pub output_dim: usize,
    /// Rows of the table.
    pub buckets: usize,
    /// The longest n-gram, 32 at most; all shorter ones count too.
    pub ngrams: usize,
    /// Pairs of calls this far apart at most, the nearest (which are 2-grams) left out, 32 at most; 0: none.
    pub skips: usize,
    /// Counters of half a byte each.
    pub counters: usize,
}

impl NgramSketch {
    /// 1-5-grams, pairs up to 4 calls apart, 3,072 counters: 1.5 kB.
    pub fn new(output_dim: usize, buckets: usize) -> Self {
        Self { output_dim, buckets, ngrams: 5, skips: 4, counters: 3072 }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> LayerSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn written_like_keras() {
        let spec = ModelSpec {
            name: "article".into(),
            layers: vec![
                Layer::Embedding { input_dim: 177, output_dim: 64 }.into(),
                Layer::bidirectional(Layer::Lstm(Recurrent::new(32).recurrent_dropout(0.1))).into(),
                Layer::GlobalMaxPooling1D.into(),
                LayerSpec::named("hidden", Layer::dense(64, Activation::Relu)),
            ],
        };
        insta::assert_json_snapshot!(spec);
        insta::assert_snapshot!(toml::to_string(&spec).unwrap());
    }

    #[test]
    fn defaults_are_those_of_keras() {
        let lstm = read(json!({"class_name": "LSTM", "config": {"units": 32}}));
        assert_eq!(lstm.layer, Layer::Lstm(Recurrent::new(32)));
        let pooling = read(json!({"class_name": "MaxPooling1D"}));
        assert_eq!(pooling.layer, Layer::MaxPooling1D { pool_size: 2 });
        let normalization = read(json!({"class_name": "BatchNormalization"}));
        assert_eq!(normalization.layer, Layer::batch_normalization());
    }

    /// The same layers as `model.to_json()` has them, with every argument written out.
    #[test]
    fn what_keras_writes_is_read() {
        let json: Value = serde_json::from_str(include_str!("../tests/keras/every_layer.json")).unwrap();
        let spec = ModelSpec::from_keras(&json).unwrap();
        insta::assert_json_snapshot!(spec);
        let other = spec.layers.iter().find(|spec| matches!(spec.layer, Layer::Other(_)));
        assert_eq!(other, None);
    }

    #[test]
    fn branches_are_written_and_read_again() {
        let spec = ModelSpec::new(
            "wide and deep",
            [
                Layer::concatenate([
                    vec![Layer::NgramEmbedding(NgramEmbedding::new(7, 1024)), Layer::Dropout { rate: 0.1 }],
                    vec![
                        Layer::Embedding { input_dim: 0, output_dim: 4 },
                        Layer::GlobalAttentionPooling1D { units: 8 },
                    ],
                ]),
                Layer::dense(0, Activation::Softmax),
            ],
        );
        let text = toml::to_string(&spec).unwrap();
        assert_eq!(toml::from_str::<ModelSpec>(&text).unwrap(), spec);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ModelSpec>(&json).unwrap(), spec);
        insta::assert_json_snapshot!(spec);
        // Keras' own Concatenate has no branches in it: its inputs stand elsewhere.
        let keras = read(json!({"class_name": "Concatenate", "config": {"axis": -1}}));
        assert!(matches!(keras.layer, Layer::Other(_)));
    }

    #[test]
    fn only_sequential_models_are_lists_of_layers() {
        let functional = json!({"class_name": "Functional", "config": {"layers": []}});
        let error = ModelSpec::from_keras(&functional).unwrap_err().to_string();
        assert!(error.contains("is Functional"), "{error}");
        assert!(ModelSpec::from_keras(&json!([1, 2])).is_err());
    }

    /// No argument that changes what a layer computes may be lost.
    #[test]
    fn what_we_do_not_carry_out_stays_as_written_and_says_why() {
        let cases = [
            json!({"class_name": "LSTM", "config": {"units": 32, "activation": "relu"}}),
            json!({"class_name": "LSTM", "config": {"units": 32, "recurrent_activation": "hard_sigmoid"}}),
            json!({"class_name": "LSTM", "config": {"units": 32, "unit_forget_bias": false}}),
            json!({"class_name": "LSTM", "config": {"units": 32, "stateful": true}}),
            json!({"class_name": "LSTM", "config": {"units": 32, "kernel_initializer": "he_normal"}}),
            json!({"class_name": "LSTM", "config": {"units": 32, "kernel_regularizer": {"class_name": "L2"}}}),
            json!({"class_name": "LSTM", "config": {"units": "many"}}),
            json!({"class_name": "GRU", "config": {"units": 32, "reset_after": false}}),
            json!({"class_name": "Embedding", "config": {"output_dim": 8, "trainable": false}}),
            json!({"class_name": "Dense", "config": {"units": 7, "activaton": "relu"}}),
            json!({"class_name": "Dense", "config": {"activation": "relu"}}),
            json!({"class_name": "Dense", "config": {"units": 7, "dtype": "float16"}}),
            json!({"class_name": "Dense", "config": {"units": 7, "activation": "swish"}}),
            json!({"class_name": "Activation", "config": {}}),
            json!({"class_name": "Conv1D", "config": {"filters": 8, "kernel_size": [3], "dilation_rate": [2]}}),
            json!({"class_name": "MaxPooling1D", "config": {"pool_size": 3, "strides": 1}}),
            json!({"class_name": "BatchNormalization", "config": {"axis": 1}}),
            json!({"class_name": "Dropout", "config": {"rate": 0.5, "noise_shape": [1]}}),
            json!({"class_name": "Bidirectional", "config": {
                "layer": {"class_name": "LSTM", "config": {"units": 8}},
                "backward_layer": {"class_name": "LSTM", "config": {"units": 9, "go_backwards": true}},
            }}),
            json!({"class_name": "TransformerBlock", "config": {"heads": 8, "name": null}}),
        ];
        let mut reasons = Vec::new();
        for case in cases {
            let Ok(layer) = serde_json::from_value::<Layer>(case.clone()) else { panic!("{case}") };
            let Layer::Other(other) = &layer else { panic!("{case} became {layer:?}") };
            assert_eq!(serde_json::to_value(&layer).unwrap(), case);
            reasons.push(format!("{}: {}", other.class_name, other.why()));
        }
        insta::assert_snapshot!(reasons.join("\n"));
    }

    #[test]
    fn a_custom_class_is_not_taken_for_ours() {
        let layer =
            read(json!({"class_name": "LSTM", "registered_name": "mine>LSTM", "config": {"units": 3}}));
        assert!(matches!(layer.layer, Layer::Other(_)));
    }

    #[test]
    fn names_stand_outside_or_inside_the_configuration() {
        let outside = json!({"name": "a", "class_name": "Dropout", "config": {"rate": 0.5, "name": "b"}});
        assert_eq!(read(outside).name, "a");
        let inside = json!({"class_name": "Dropout", "config": {"rate": 0.5, "name": "b"}});
        assert_eq!(read(inside), LayerSpec::named("b", Layer::Dropout { rate: 0.5 }));
    }

    #[test]
    fn open_sizes_are_taken_from_the_data() {
        let spec = ModelSpec::new(
            "",
            [
                Layer::Embedding { input_dim: 0, output_dim: 8 },
                Layer::Lstm(Recurrent::new(4)),
                Layer::dense(16, Activation::Relu),
                Layer::dense(0, Activation::Linear),
                Layer::Activation { activation: Activation::Softmax },
            ],
        );
        let resolved = spec.resolve(177, 7);
        assert_eq!(resolved.layers[0].layer, Layer::Embedding { input_dim: 177, output_dim: 8 });
        assert_eq!(resolved.layers[2].layer, Layer::dense(16, Activation::Relu));
        assert_eq!(resolved.layers[3].layer, Layer::dense(7, Activation::Linear));
        assert_eq!(resolved.resolve(5, 3), resolved);
        spec.check(177, 7).unwrap();
        assert!(spec.shapes().unwrap_err().to_string().contains("input_dim = 0"));
    }

    fn any_activation() -> impl Strategy<Value = Activation> {
        prop::sample::select(&Activation::ALL[..])
    }

    fn any_recurrent() -> impl Strategy<Value = Recurrent> {
        (0_usize..500, 0.0_f32..1.0, 0.0_f32..1.0, any::<bool>(), any::<bool>()).prop_map(
            |(units, dropout, recurrent_dropout, return_sequences, go_backwards)| Recurrent {
                units,
                dropout,
                recurrent_dropout,
                return_sequences,
                go_backwards,
            },
        )
    }

    fn any_other() -> impl Strategy<Value = Layer> {
        let value = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,5}".prop_map(Value::from),
            prop::collection::vec(any::<i16>(), 0..3).prop_map(Value::from),
        ];
        ("[A-Z][a-z]{3,6}Layer", prop::collection::btree_map("[a-z]{1,6}", value, 0..4)).prop_map(
            |(class_name, config)| {
                let config = config.into_iter().filter(|(key, _)| key != "name").collect();
                Layer::Other(OtherLayer { class_name, config })
            },
        )
    }

    fn any_layer() -> impl Strategy<Value = Layer> {
        let merge_mode =
            || prop::sample::select(&[MergeMode::Concat, MergeMode::Sum, MergeMode::Ave, MergeMode::Mul][..]);
        let padding = || prop::sample::select(&[Padding::Valid, Padding::Same, Padding::Causal][..]);
        prop_oneof![
            (any::<u32>(), 0_usize..999).prop_map(|(input_dim, output_dim)| Layer::Embedding {
                input_dim: input_dim as usize,
                output_dim
            }),
            any_recurrent().prop_map(Layer::Lstm),
            any_recurrent().prop_map(Layer::Gru),
            (any_recurrent(), merge_mode()).prop_map(|(recurrent, merge_mode)| Layer::Bidirectional {
                layer: Box::new(Layer::Gru(recurrent)),
                merge_mode
            }),
            (0_usize..99, 0_usize..9, 0_usize..5, padding(), any_activation(), any::<bool>()).prop_map(
                |(filters, kernel_size, strides, padding, activation, use_bias)| Layer::Conv1D {
                    filters,
                    kernel_size,
                    strides,
                    padding,
                    activation,
                    use_bias
                }
            ),
            (0_usize..9).prop_map(|pool_size| Layer::MaxPooling1D { pool_size }),
            (0_usize..9).prop_map(|pool_size| Layer::AveragePooling1D { pool_size }),
            Just(Layer::GlobalMaxPooling1D),
            Just(Layer::GlobalAveragePooling1D),
            (0.0_f32..1.0).prop_map(|rate| Layer::Dropout { rate }),
            (0.0_f32..1.0).prop_map(|rate| Layer::SpatialDropout1D { rate }),
            (0_usize..999, any_activation(), any::<bool>())
                .prop_map(|(units, activation, use_bias)| Layer::Dense { units, activation, use_bias }),
            any_activation().prop_map(|activation| Layer::Activation { activation }),
            (0.0_f32..1.0, 1e-9_f32..1.0)
                .prop_map(|(momentum, epsilon)| Layer::BatchNormalization { momentum, epsilon }),
            any_other(),
        ]
    }

    fn any_spec() -> impl Strategy<Value = ModelSpec> {
        let layer = ("([a-z_]{1,6})?", any_layer()).prop_map(|(name, layer)| LayerSpec::named(name, layer));
        ("[a-z]{0,5}", prop::collection::vec(layer, 0..6))
            .prop_map(|(name, layers)| ModelSpec { name, layers })
    }

    proptest! {
        #[test]
        fn round_trip(spec in any_spec()) {
            let json = serde_json::to_string(&spec).unwrap();
            prop_assert_eq!(&serde_json::from_str::<ModelSpec>(&json).unwrap(), &spec);
            let toml = toml::to_string(&spec).unwrap();
            prop_assert_eq!(&toml::from_str::<ModelSpec>(&toml).unwrap(), &spec);
        }

        #[test]
        fn any_spec_is_checked_without_a_panic(spec in any_spec(), vocabulary in 0_usize..1000, classes in 0_usize..9) {
            let fits = spec.check(vocabulary, classes).is_ok();
            prop_assert_eq!(spec.names().len(), spec.layers.len());
            prop_assert!(spec.shortest_trace() >= 1);
            let _ = crate::summary::summary(&spec, None, 80);
            if fits {
                let shapes = spec.resolve(vocabulary, classes).shapes().unwrap();
                prop_assert_eq!(shapes.last(), Some(&Shape::Row { features: classes }));
            }
        }
    }
}
