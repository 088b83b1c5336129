//! Keras' layer objects in: what is ours becomes a [`Layer`], the rest stays as it was written.
//!
//! Keras writes every argument of a layer, most at their defaults. Each argument is one of three: *ours*
//! (a field of [`Layer`]), *without effect here* (a seed), or *fixed* (we carry out one value only). A
//! fixed argument at another value, or one we have never heard of, makes the whole layer an
//! [`OtherLayer`] rather than a wrong layer of ours, and the reason is kept for [`OtherLayer::why`].

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    Activation, Layer, LayerSpec, MergeMode, ModelSpec, NgramEmbedding, NgramSketch, OtherLayer, Padding,
    Recurrent, Weights,
};

/// The layers that can be run, for messages.
const OURS: &str = "Embedding, LSTM, GRU, Bidirectional, Conv1D, MaxPooling1D, AveragePooling1D, \
    GlobalMaxPooling1D, GlobalAveragePooling1D, GlobalAttentionPooling1D, NgramEmbedding, NgramSketch, Concatenate, \
    Dropout, SpatialDropout1D, Dense, Activation and BatchNormalization";

/// Arguments without effect on what is computed here. `mask_zero` and `zero_output_for_mask` speak of
/// padded steps, and there are none; `input_length` and the like are shapes, found anew.
const WITHOUT_EFFECT: [&str; 11] = [
    "name",
    "seed",
    "unroll",
    "implementation",
    "time_major",
    "mask_zero",
    "zero_output_for_mask",
    "input_length",
    "input_shape",
    "batch_shape",
    "batch_input_shape",
];

/// A layer object as Keras, or a configuration of ours, writes it. `module` and `build_config` are read over.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    name: String,
    class_name: String,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    registered_name: Option<String>,
}

impl Written {
    fn into_layer(self) -> Layer {
        let custom = self.registered_name.as_ref().is_some_and(|name| *name != self.class_name);
        let other = OtherLayer { class_name: self.class_name, config: self.config };
        if custom {
            return Layer::Other(other);
        }
        understand(&other).unwrap_or(Layer::Other(other))
    }
}

impl<'de> Deserialize<'de> for Layer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Written::deserialize(deserializer)?.into_layer())
    }
}

impl<'de> Deserialize<'de> for LayerSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut written = Written::deserialize(deserializer)?;
        let mut name = std::mem::take(&mut written.name);
        if name.is_empty()
            && let Some(inner) = written.config.get("name")
        {
            name = inner.as_str().ok_or_else(|| D::Error::custom("a layer's name is a text"))?.into();
        }
        // Taken out of a copy: if the layer is none of ours all the same, it stays word for word.
        let mut rest = Written { config: written.config.clone(), ..written };
        let weights = Weights::take(&rest.class_name, &mut rest.config);
        let kept = written.config;
        match rest.into_layer() {
            Layer::Other(other) => Ok(Self::named(name, Layer::Other(OtherLayer { config: kept, ..other }))),
            layer => Ok(Self { name, layer, weights }),
        }
    }
}

impl OtherLayer {
    /// Why this layer cannot be run, as the end of a sentence.
    pub fn why(&self) -> String {
        let mut rest = self.clone();
        Weights::take(&rest.class_name, &mut rest.config);
        match understand(&rest).err().or_else(|| understand(self).err()) {
            Some(why) => why,
            None => "it is a custom class of that name".into(),
        }
    }
}

/// Why a Keras model is no [`ModelSpec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSequential {
    /// It is not what `model.to_json()` writes.
    #[error("this is not a Keras model: {0}")]
    NotKeras(String),
    /// Layers that do not stand in one row.
    #[error("this Keras model is {0}; only Sequential ones can be read as a list of layers")]
    Other(String),
}

impl ModelSpec {
    /// Reads what Keras' `model.to_json()` writes for a Sequential model.
    ///
    /// The InputLayer is left out, as in Keras' own summary. Layers that we do not run are
    /// [`Layer::Other`].
    ///
    /// # Errors
    /// If it is no Keras model, or not a Sequential one.
    pub fn from_keras(model: &Value) -> Result<Self, NotSequential> {
        let class = model["class_name"]
            .as_str()
            .ok_or_else(|| NotSequential::NotKeras("it has no class_name".into()))?;
        if class != "Sequential" {
            return Err(NotSequential::Other(class.into()));
        }
        let layers = model["config"]["layers"]
            .as_array()
            .ok_or_else(|| NotSequential::NotKeras("its config has no list of layers".into()))?;
        let layers = layers
            .iter()
            .filter(|layer| layer["class_name"] != "InputLayer")
            .map(|layer| {
                LayerSpec::deserialize(layer).map_err(|error| NotSequential::NotKeras(error.to_string()))
            })
            .collect::<Result<_, _>>()?;
        let name = model["config"]["name"].as_str().unwrap_or("sequential").into();
        Ok(Self { name, layers })
    }
}

/// The layer of ours that `written` is, or why it is none.
fn understand(written: &OtherLayer) -> Result<Layer, String> {
    let mut arguments = Arguments::new(&written.config);
    let layer = match written.class_name.as_str() {
        "Embedding" => {
            arguments.initializer("embeddings_initializer", "RandomUniform")?;
            let input_dim = arguments.or("input_dim", 0)?;
            Layer::Embedding { input_dim, output_dim: arguments.required("output_dim")? }
        }
        "LSTM" => {
            arguments.fixed("unit_forget_bias", true)?;
            Layer::Lstm(recurrent(&mut arguments)?)
        }
        "GRU" => {
            arguments.fixed("reset_after", true)?;
            Layer::Gru(recurrent(&mut arguments)?)
        }
        "Bidirectional" => bidirectional(&mut arguments)?,
        "Conv1D" => {
            kernel(&mut arguments)?;
            arguments.fixed_size("dilation_rate", 1)?;
            arguments.fixed("groups", 1)?;
            arguments.fixed("data_format", "channels_last")?;
            Layer::Conv1D {
                filters: arguments.required("filters")?,
                kernel_size: arguments.size("kernel_size")?.ok_or("kernel_size is missing")?,
                strides: arguments.size("strides")?.unwrap_or(1),
                padding: arguments.or("padding", Padding::Valid)?,
                activation: arguments.activation("activation")?,
                use_bias: arguments.or("use_bias", true)?,
            }
        }
        "MaxPooling1D" => Layer::MaxPooling1D { pool_size: pooling(&mut arguments)? },
        "AveragePooling1D" => Layer::AveragePooling1D { pool_size: pooling(&mut arguments)? },
        "GlobalMaxPooling1D" => {
            global_pooling(&mut arguments)?;
            Layer::GlobalMaxPooling1D
        }
        "GlobalAveragePooling1D" => {
            global_pooling(&mut arguments)?;
            Layer::GlobalAveragePooling1D
        }
        "GlobalAttentionPooling1D" => Layer::GlobalAttentionPooling1D { units: arguments.required("units")? },
        "NgramEmbedding" => Layer::NgramEmbedding(NgramEmbedding {
            output_dim: arguments.required("output_dim")?,
            buckets: arguments.required("buckets")?,
            ngrams: arguments.or("ngrams", 5)?,
            skips: arguments.or("skips", 4)?,
            ends: arguments.or("ends", vec![60])?,
        }),
        "NgramSketch" => Layer::NgramSketch(NgramSketch {
            output_dim: arguments.required("output_dim")?,
            buckets: arguments.required("buckets")?,
            ngrams: arguments.or("ngrams", 5)?,
            skips: arguments.or("skips", 4)?,
            counters: arguments.or("counters", 3072)?,
        }),
        "Concatenate" => {
            arguments.fixed("axis", -1)?;
            Layer::Concatenate { branches: arguments.required("branches")? }
        }
        "Dropout" => Layer::Dropout { rate: arguments.required("rate")? },
        "SpatialDropout1D" => Layer::SpatialDropout1D { rate: arguments.required("rate")? },
        "Dense" => {
            kernel(&mut arguments)?;
            Layer::Dense {
                units: arguments.required("units")?,
                activation: arguments.activation("activation")?,
                use_bias: arguments.or("use_bias", true)?,
            }
        }
        "Activation" => {
            arguments.required::<Value>("activation")?;
            Layer::Activation { activation: arguments.activation("activation")? }
        }
        "BatchNormalization" => {
            arguments.fixed("axis", -1)?;
            for (argument, value) in
                [("center", true), ("scale", true), ("synchronized", false), ("renorm", false)]
            {
                arguments.fixed(argument, value)?;
            }
            arguments.pass("renorm_momentum");
            for (argument, class) in [
                ("beta_initializer", "Zeros"),
                ("gamma_initializer", "Ones"),
                ("moving_mean_initializer", "Zeros"),
                ("moving_variance_initializer", "Ones"),
            ] {
                arguments.initializer(argument, class)?;
            }
            Layer::BatchNormalization {
                momentum: arguments.or("momentum", 0.99)?,
                epsilon: arguments.or("epsilon", 1e-3)?,
            }
        }
        _ => return Err(format!("traceward has no layer of that name; it has {OURS}")),
    };
    arguments.finish()?;
    Ok(layer)
}

fn recurrent(arguments: &mut Arguments<'_>) -> Result<Recurrent, String> {
    kernel(arguments)?;
    arguments.initializer("recurrent_initializer", "Orthogonal")?;
    arguments.fixed("activation", "tanh")?;
    arguments.fixed("recurrent_activation", "sigmoid")?;
    arguments.fixed("use_bias", true)?;
    arguments.fixed("return_state", false)?;
    arguments.fixed("stateful", false)?;
    Ok(Recurrent {
        units: arguments.required("units")?,
        dropout: arguments.or("dropout", 0.0)?,
        recurrent_dropout: arguments.or("recurrent_dropout", 0.0)?,
        return_sequences: arguments.or("return_sequences", false)?,
        go_backwards: arguments.or("go_backwards", false)?,
    })
}

/// Keras writes the backward layer too. It has to be the forward one, the other way round.
fn bidirectional(arguments: &mut Arguments<'_>) -> Result<Layer, String> {
    let layer: Layer = arguments.required("layer")?;
    if let Some(backward) = arguments.take("backward_layer").filter(|value| !value.is_null()) {
        let mut mirrored: Layer = parse("backward_layer", backward)?;
        if let Layer::Lstm(inner) | Layer::Gru(inner) = &mut mirrored {
            inner.go_backwards = !inner.go_backwards;
        }
        if mirrored != layer {
            return Err("its backward_layer differs from its layer by more than the direction".into());
        }
    }
    let merge_mode = match arguments.take("merge_mode") {
        None => MergeMode::Concat,
        Some(value) => parse("merge_mode", value)?,
    };
    Ok(Layer::Bidirectional { layer: Box::new(layer), merge_mode })
}

fn kernel(arguments: &mut Arguments<'_>) -> Result<(), String> {
    arguments.initializer("kernel_initializer", "GlorotUniform")?;
    arguments.initializer("bias_initializer", "Zeros")
}

fn pooling(arguments: &mut Arguments<'_>) -> Result<usize, String> {
    let pool_size = arguments.size("pool_size")?.unwrap_or(2);
    arguments.fixed_size("strides", pool_size)?;
    arguments.fixed("padding", "valid")?;
    arguments.fixed("data_format", "channels_last")?;
    Ok(pool_size)
}

fn global_pooling(arguments: &mut Arguments<'_>) -> Result<(), String> {
    arguments.fixed("data_format", "channels_last")?;
    arguments.fixed("keepdims", false)
}

/// The arguments of one layer, ticked off as they are read, so that none is passed over in silence.
struct Arguments<'a> {
    config: &'a Map<String, Value>,
    seen: Vec<&'static str>,
}

impl<'a> Arguments<'a> {
    fn new(config: &'a Map<String, Value>) -> Self {
        Self { config, seen: Vec::new() }
    }

    fn pass(&mut self, argument: &'static str) {
        self.seen.push(argument);
    }

    fn take(&mut self, argument: &'static str) -> Option<&'a Value> {
        self.pass(argument);
        self.config.get(argument)
    }

    fn required<T: DeserializeOwned>(&mut self, argument: &'static str) -> Result<T, String> {
        match self.take(argument) {
            Some(value) => parse(argument, value),
            None => Err(format!("{argument} is missing")),
        }
    }

    fn or<T: DeserializeOwned>(&mut self, argument: &'static str, default: T) -> Result<T, String> {
        self.take(argument).map_or(Ok(default), |value| parse(argument, value))
    }

    /// A window or step over the one axis of time: `3`, or `[3]` as Keras writes it.
    fn size(&mut self, argument: &'static str) -> Result<Option<usize>, String> {
        match self.take(argument) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(sizes)) if sizes.len() == 1 => parse(argument, &sizes[0]).map(Some),
            Some(value) => parse(argument, value).map(Some),
        }
    }

    fn activation(&mut self, argument: &'static str) -> Result<Activation, String> {
        match self.take(argument) {
            None | Some(Value::Null) => Ok(Activation::Linear),
            Some(value) => parse(argument, value),
        }
    }

    /// An argument of which we carry out only one value, Keras' default.
    fn fixed(&mut self, argument: &'static str, value: impl Into<Value>) -> Result<(), String> {
        let value = value.into();
        match self.take(argument) {
            Some(given) if *given != value => Err(not_carried_out(argument, given, &value)),
            _ => Ok(()),
        }
    }

    fn fixed_size(&mut self, argument: &'static str, value: usize) -> Result<(), String> {
        match self.size(argument)? {
            Some(given) if given != value => {
                Err(not_carried_out(argument, &Value::from(given), &Value::from(value)))
            }
            _ => Ok(()),
        }
    }

    /// An initializer: its class may be written as text in either case, or as an object. Its seed does
    /// not matter, its other settings must be the class's own defaults.
    fn initializer(&mut self, argument: &'static str, class: &str) -> Result<(), String> {
        let given = match self.take(argument) {
            None | Some(Value::Null) => return Ok(()),
            Some(given) => given,
        };
        let squeezed = |name: &str| name.replace('_', "").to_ascii_lowercase();
        let same_class = match given {
            Value::String(name) => {
                squeezed(name) == squeezed(class) || (class == "RandomUniform" && name == "uniform")
            }
            object => {
                let defaults = |key: &str, value: &Value| match key {
                    "seed" => true,
                    "gain" => value.as_f64() == Some(1.0),
                    "minval" => value.as_f64() == Some(-0.05),
                    "maxval" => value.as_f64() == Some(0.05),
                    "dtype" => true,
                    _ => value.is_null(),
                };
                object["class_name"] == class
                    && object["config"]
                        .as_object()
                        .is_none_or(|config| config.iter().all(|(key, value)| defaults(key, value)))
            }
        };
        if same_class { Ok(()) } else { Err(not_carried_out(argument, given, &Value::from(class))) }
    }

    /// What is left must be without effect: `trainable: true`, float32, or an absent regulariser.
    fn finish(self) -> Result<(), String> {
        for (argument, value) in self.config {
            let harmless = match argument.as_str() {
                name if self.seen.contains(&name) || WITHOUT_EFFECT.contains(&name) => true,
                "trainable" => value == true,
                "dtype" => value.is_null() || value == "float32" || value["config"]["name"] == "float32",
                name if optional(name) => value.is_null(),
                _ => {
                    return Err(format!("it has no argument `{argument}`"));
                }
            };
            if !harmless {
                return Err(format!("{argument} = {value} is not carried out"));
            }
        }
        Ok(())
    }
}

/// Arguments that are absent, null, in a plain layer.
fn optional(argument: &str) -> bool {
    argument.ends_with("_regularizer")
        || argument.ends_with("_constraint")
        || ["noise_shape", "renorm_clipping", "quantization_config", "lora_rank"].contains(&argument)
}

fn parse<T: DeserializeOwned>(argument: &str, value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| format!("{argument} = {value} is not understood: {error}"))
}

fn not_carried_out(argument: &str, given: &Value, only: &Value) -> String {
    format!("{argument} = {given} is not carried out, only {only} is")
}
