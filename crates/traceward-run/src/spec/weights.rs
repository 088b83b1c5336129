//! How a layer's weights begin, and whether they learn: the arguments that Keras gives every layer with
//! weights, kept beside the layer because hardly any spec sets them.
//!
//! In files they stand where Keras has them, in the layer's `config`. Values that are the class's own
//! defaults are left out, so a spec that sets none of them is written as if they did not exist.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::Layer;

/// How a layer's weights begin, and whether they learn. `None` is the class's default.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Whether training changes them.
    pub trainable: bool,
    /// Of the kernel; of an Embedding, its table (`embeddings_initializer`).
    pub kernel: Option<Initializer>,
    /// Of an LSTM's or GRU's recurrent kernel.
    pub recurrent: Option<Initializer>,
    /// Of the bias of a Dense or Conv1D.
    pub bias: Option<Initializer>,
}

impl Default for Weights {
    fn default() -> Self {
        Self { trainable: true, kernel: None, recurrent: None, bias: None }
    }
}

/// How a weight array begins. Formulas and defaults are Keras 3's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names and fields are Keras', documented there")]
pub enum Initializer {
    Zeros,
    Ones,
    Constant { value: f32 },
    RandomUniform { minval: f32, maxval: f32 },
    RandomNormal { mean: f32, stddev: f32 },
    GlorotUniform,
    GlorotNormal,
    HeUniform,
    HeNormal,
    LecunUniform,
    LecunNormal,
    Orthogonal,
}

impl Initializer {
    /// Keras' class name.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Zeros => "Zeros",
            Self::Ones => "Ones",
            Self::Constant { .. } => "Constant",
            Self::RandomUniform { .. } => "RandomUniform",
            Self::RandomNormal { .. } => "RandomNormal",
            Self::GlorotUniform => "GlorotUniform",
            Self::GlorotNormal => "GlorotNormal",
            Self::HeUniform => "HeUniform",
            Self::HeNormal => "HeNormal",
            Self::LecunUniform => "LecunUniform",
            Self::LecunNormal => "LecunNormal",
            Self::Orthogonal => "Orthogonal",
        }
    }

    /// Reads what Keras writes: a name in either case, or a class with its settings.
    fn read(value: &Value) -> Option<Self> {
        let (name, config) = match value {
            Value::String(name) => (name.as_str(), None),
            object => (object["class_name"].as_str()?, object["config"].as_object()),
        };
        let number = |key: &str, default: f32| match config.and_then(|config| config.get(key)) {
            None | Some(Value::Null) => Some(default),
            Some(value) => value.as_f64().map(|value| value as f32),
        };
        let plain = |kept: Self| {
            let known = |(key, value): (&String, &Value)| {
                ["seed", "dtype"].contains(&key.as_str())
                    || value.is_null()
                    || (key == "gain" && value == 1.0)
            };
            config.is_none_or(|config| config.iter().all(known)).then_some(kept)
        };
        match name.replace('_', "").to_ascii_lowercase().as_str() {
            "zeros" | "zero" => plain(Self::Zeros),
            "ones" | "one" => plain(Self::Ones),
            "constant" => Some(Self::Constant { value: number("value", 0.0)? }),
            "randomuniform" | "uniform" => Some(Self::RandomUniform {
                minval: number("minval", -0.05)?,
                maxval: number("maxval", 0.05)?,
            }),
            "randomnormal" | "normal" => {
                Some(Self::RandomNormal { mean: number("mean", 0.0)?, stddev: number("stddev", 0.05)? })
            }
            "glorotuniform" => plain(Self::GlorotUniform),
            "glorotnormal" => plain(Self::GlorotNormal),
            "heuniform" => plain(Self::HeUniform),
            "henormal" => plain(Self::HeNormal),
            "lecununiform" => plain(Self::LecunUniform),
            "lecunnormal" => plain(Self::LecunNormal),
            "orthogonal" => plain(Self::Orthogonal),
            _ => None,
        }
    }
}

/// As Keras writes it: `"zeros"`, or a class with its settings where it has any.
impl Serialize for Initializer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let config = match *self {
            Self::Constant { value } => json!({ "value": shortest(value) }),
            Self::RandomUniform { minval, maxval } => {
                json!({ "minval": shortest(minval), "maxval": shortest(maxval) })
            }
            Self::RandomNormal { mean, stddev } => {
                json!({ "mean": shortest(mean), "stddev": shortest(stddev) })
            }
            plain => return serializer.serialize_str(&snake_case(plain.class_name())),
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("class_name", self.class_name())?;
        map.serialize_entry("config", &config)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Initializer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value)
            .ok_or_else(|| serde::de::Error::custom(format!("{value} is no initializer of ours")))
    }
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// The number as it would be written for an `f32`: 0.1, not 0.10000000149011612.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// The arguments of a class that are initializers: which of the three, Keras' name, the class's default.
fn arguments(class_name: &str) -> &'static [(Which, &'static str, Initializer)] {
    use Initializer::{GlorotUniform, Orthogonal, RandomUniform, Zeros};
    match class_name {
        "Dense" | "Conv1D" => {
            &[(Which::Kernel, "kernel_initializer", GlorotUniform), (Which::Bias, "bias_initializer", Zeros)]
        }
        "LSTM" | "GRU" => &[
            (Which::Kernel, "kernel_initializer", GlorotUniform),
            (Which::Recurrent, "recurrent_initializer", Orthogonal),
        ],
        "Embedding" | "NgramEmbedding" | "NgramSketch" => {
            &[(Which::Kernel, "embeddings_initializer", RandomUniform { minval: -0.05, maxval: 0.05 })]
        }
        _ => &[],
    }
}

#[derive(Clone, Copy)]
enum Which {
    Kernel,
    Recurrent,
    Bias,
}

impl Weights {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn place(&mut self, which: Which) -> &mut Option<Initializer> {
        match which {
            Which::Kernel => &mut self.kernel,
            Which::Recurrent => &mut self.recurrent,
            Which::Bias => &mut self.bias,
        }
    }

    /// Takes these arguments out of a layer's configuration where they are ones that we carry out; what is
    /// not stays there, for the layer to refuse.
    pub(super) fn take(class_name: &str, config: &mut Map<String, Value>) -> Self {
        let mut weights = Self::default();
        // A frozen normalisation is another thing in Keras: it normalises with its moving statistics.
        if class_name != "BatchNormalization" && config.get("trainable") == Some(&Value::Bool(false)) {
            config.remove("trainable");
            weights.trainable = false;
        }
        for &(which, argument, default) in arguments(class_name) {
            let Some(initializer) = config.get(argument).and_then(Initializer::read) else { continue };
            config.remove(argument);
            *weights.place(which) = Some(initializer).filter(|&initializer| initializer != default);
        }
        weights
    }

    /// The layer's configuration as it is written, these arguments in it.
    pub(super) fn written(&self, layer: &Layer) -> Result<Value, serde_json::Error> {
        let mut written = serde_json::to_value(layer)?;
        as_f32(&mut written);
        if let Some(config) = written.get_mut("config").and_then(Value::as_object_mut) {
            for &(which, argument, _) in arguments(layer.class_name()) {
                if let Some(initializer) = self.clone().place(which) {
                    config.insert(argument.into(), serde_json::to_value(initializer)?);
                }
            }
            if !self.trainable {
                config.insert("trainable".into(), false.into());
            }
        }
        Ok(written)
    }
}

/// A spec's numbers are `f32`; on the way through [`Value`] they become `f64` and would show it.
fn as_f32(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(as_f32),
        Value::Array(values) => values.iter_mut().for_each(as_f32),
        Value::Number(number) if number.is_f64() => {
            let wide = number.as_f64().unwrap_or_default();
            let narrow = wide as f32;
            if f64::from(narrow).to_bits() == wide.to_bits() {
                *value = shortest(narrow).into();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::{Activation, LayerSpec, Recurrent};

    fn read(value: Value) -> LayerSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn frozen_layers_and_first_weights_stand_where_keras_has_them() {
        let written = json!({"class_name": "Dense", "config": {
            "units": 7, "activation": "relu", "use_bias": true,
            "kernel_initializer": "zeros",
            "bias_initializer": {"class_name": "Constant", "config": {"value": 0.1}},
            "trainable": false,
        }});
        let layer = read(written.clone());
        assert_eq!(layer.layer, Layer::dense(7, Activation::Relu));
        assert_eq!(
            layer.weights,
            Weights {
                trainable: false,
                kernel: Some(Initializer::Zeros),
                recurrent: None,
                bias: Some(Initializer::Constant { value: 0.1 }),
            }
        );
        assert_eq!(serde_json::to_value(&layer).unwrap(), written);
    }

    #[test]
    fn defaults_written_out_are_defaults() {
        let layer = read(json!({"class_name": "LSTM", "config": {
            "units": 3, "trainable": true, "recurrent_initializer": {
                "module": "keras.initializers", "class_name": "Orthogonal",
                "config": {"seed": null, "gain": 1.0}, "registered_name": null,
            },
        }}));
        assert!(layer.weights.is_default());
        assert_eq!(layer.layer, Layer::Lstm(Recurrent::new(3)));
    }

    #[test]
    fn what_cannot_be_carried_out_keeps_the_layer_as_it_was_written() {
        for config in [
            json!({"units": 3, "trainable": false, "activation": "relu6"}),
            json!({"units": 3, "kernel_initializer": "identity", "trainable": false}),
        ] {
            let written = json!({"class_name": "Dense", "config": config});
            let layer = read(written.clone());
            assert!(matches!(layer.layer, Layer::Other(_)), "{layer:?}");
            assert_eq!(serde_json::to_value(&layer).unwrap(), written);
        }
        let frozen = read(json!({"class_name": "BatchNormalization", "config": {"trainable": false}}));
        assert!(matches!(frozen.layer, Layer::Other(_)));
    }

    fn any_initializer() -> impl Strategy<Value = Initializer> {
        let number = || -2f32..2.0;
        prop_oneof![
            Just(Initializer::Zeros),
            Just(Initializer::Ones),
            Just(Initializer::GlorotNormal),
            Just(Initializer::HeUniform),
            Just(Initializer::HeNormal),
            Just(Initializer::LecunUniform),
            Just(Initializer::LecunNormal),
            number().prop_map(|value| Initializer::Constant { value }),
            (number(), number()).prop_map(|(minval, maxval)| Initializer::RandomUniform { minval, maxval }),
            (number(), number()).prop_map(|(mean, stddev)| Initializer::RandomNormal { mean, stddev }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            trainable: bool,
            kernel in proptest::option::of(any_initializer()),
            recurrent in proptest::option::of(any_initializer()),
            dropout in 0f32..1.0,
        ) {
            let layer = LayerSpec {
                name: "a".into(),
                layer: Layer::Lstm(Recurrent::new(3).dropout(dropout)),
                weights: Weights { trainable, kernel, recurrent, bias: None },
            };
            let json = serde_json::to_string(&layer).unwrap();
            prop_assert_eq!(&serde_json::from_str::<LayerSpec>(&json).unwrap(), &layer);
            let toml = toml::to_string(&layer).unwrap();
            prop_assert_eq!(&toml::from_str::<LayerSpec>(&toml).unwrap(), &layer);
        }
    }
}
