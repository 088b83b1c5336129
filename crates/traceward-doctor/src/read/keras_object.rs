//! Keras' serialised objects: `{"class_name": "Dense", "config": {…}}`, of any version, as facts.
//!
//! Model files and our own specs speak this language. Keras 1 and 2 write functions as names, Keras 3 as
//! objects with a module; both write every argument, defaults included. So a `linear` activation here is
//! what a script leaves out, and is read as absent.

use serde_json::{Map, Value, json};

use crate::Place;
use crate::facts::{Argument, Compile, Layer, Placed};
use crate::names;

/// A layer object; `None` for an InputLayer, which is no layer of the network, or if it is no layer object.
pub(super) fn layer(object: &Value) -> Option<Layer> {
    let written = object.get("class_name")?.as_str()?;
    // TensorFlow writes custom objects as `Package>Name`.
    let class_name = written.rsplit('>').next().unwrap_or(written);
    if class_name == "InputLayer" {
        return None;
    }
    let empty = Map::new();
    let config = object.get("config").and_then(Value::as_object).unwrap_or(&empty);
    let name = object.get("name").or_else(|| config.get("name")).and_then(Value::as_str);
    let mut layer = Layer {
        class_name: class_name.into(),
        written: written.into(),
        name: name.unwrap_or_default().into(),
        units: units(config),
        inner: config.get("layer").and_then(self::layer).map(Box::new),
        config: plain(config),
        ..Layer::default()
    };
    layer.activation.value = activation_of(class_name, config);
    Some(layer)
}

/// The size of what comes out: units, filters.
fn units(config: &Map<String, Value>) -> Argument<usize> {
    let size = ["units", "filters", "output_dim", "nb_filter"].iter().find_map(|key| config.get(*key));
    match size {
        None | Some(Value::Null) => Argument::Absent,
        Some(value) => {
            let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
            size.map_or_else(|| Argument::Unknown(value.to_string()), Argument::Given)
        }
    }
}

/// The activation that this layer applies, if it is not the identity.
fn activation_of(class_name: &str, config: &Map<String, Value>) -> Argument<String> {
    if is_activation_layer(class_name) && class_name != "Activation" {
        return Argument::Given(names::canonical_activation(class_name));
    }
    match config.get("activation") {
        None | Some(Value::Null) => Argument::Absent,
        Some(value) => match function_name(value) {
            Some(name) if name == "linear" && class_name != "Activation" => Argument::Absent,
            Some(name) => Argument::Given(names::canonical_activation(&name)),
            None => Argument::Unknown(value.to_string()),
        },
    }
}

/// Whether layers of this class do nothing but apply an activation.
pub(super) fn is_activation_layer(class_name: &str) -> bool {
    matches!(
        class_name,
        "Activation"
            | "ReLU"
            | "LeakyReLU"
            | "PReLU"
            | "ELU"
            | "Softmax"
            | "ThresholdedReLU"
            | "ParametricSoftplus"
            | "SReLU"
    )
}

/// The name of a function or class that Keras writes as a text or as an object.
fn function_name(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(object) => {
            let class = object.get("class_name")?.as_str()?;
            match object.get("config") {
                // Keras 3: {"class_name": "function", "config": "relu"}.
                Some(Value::String(name)) if class == "function" => Some(name.clone()),
                _ => Some(class.to_owned()),
            }
        }
        _ => None,
    }
}

/// Arguments without what only a machine wants; initializers and regularizers by name.
fn plain(config: &Map<String, Value>) -> Map<String, Value> {
    let mut plain = Map::new();
    for (key, value) in config {
        match value {
            Value::Null => {}
            _ if matches!(key.as_str(), "dtype" | "name" | "layer" | "backward_layer") => {}
            Value::Object(_) => {
                if let Some(name) = function_name(value) {
                    plain.insert(key.clone(), json!(names::snake_case(&name)));
                }
            }
            Value::Number(number) if number.is_f64() => {
                plain.insert(key.clone(), json!(number.as_f64().map_or(f64::NAN, shortest)));
            }
            _ => {
                plain.insert(key.clone(), value.clone());
            }
        }
    }
    plain
}

/// Keras keeps its numbers as 32-bit floats and writes them with 64 bits: 0.05 becomes
/// 0.05000000074505806. This is the number that was meant.
pub(super) fn shortest(value: f64) -> f64 {
    let narrow = value as f32;
    if f64::from(narrow) == value { narrow.to_string().parse().unwrap_or(value) } else { value }
}

/// Loss, optimizer and metrics from a `compile_config` (Keras 3) or a `training_config` (`.h5` files).
pub(super) fn compile(config: &Value) -> Option<Compile> {
    let optimizer = config.get("optimizer").or_else(|| config.get("optimizer_config"))?;
    let mut compile = Compile::default();
    match config.get("loss") {
        None | Some(Value::Null) => {}
        Some(value) => match one(value).and_then(|loss| function_name(loss).map(|name| (loss, name))) {
            Some((loss, name)) => {
                compile.loss.value = Argument::Given(names::canonical_loss(&name));
                if let Some(logits) = loss.pointer("/config/from_logits").and_then(Value::as_bool) {
                    compile.from_logits = Argument::Given(logits);
                }
            }
            None => compile.loss.value = Argument::Unknown(value.to_string()),
        },
    }
    read_optimizer(optimizer, &mut compile);
    let mut metrics = Vec::new();
    collect_names(config.get("metrics").unwrap_or(&Value::Null), &mut metrics);
    compile.metrics = metrics.into_iter().map(|value| Placed { value, place: None }).collect();
    Some(compile)
}

/// A loss is one thing, or a list or table with one entry an output; one entry is as good as none.
fn one(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(values) if values.len() == 1 => values.first(),
        Value::Object(object) if !object.contains_key("class_name") && object.len() == 1 => {
            object.values().next()
        }
        Value::Array(_) => None,
        Value::Object(object) if !object.contains_key("class_name") => None,
        _ => Some(value),
    }
}

fn read_optimizer(optimizer: &Value, compile: &mut Compile) {
    let Some(name) = function_name(optimizer) else {
        compile.optimizer.value = Argument::Unknown(optimizer.to_string());
        return;
    };
    compile.optimizer.value = Argument::Given(names::canonical_optimizer(&name));
    let Some(config) = optimizer.get("config").and_then(Value::as_object) else { return };
    let rate = config.get("learning_rate").or_else(|| config.get("lr"));
    match rate {
        None | Some(Value::Null) => {}
        Some(Value::Number(number)) => {
            compile.learning_rate.value = Argument::Given(number.as_f64().map_or(f64::NAN, shortest));
        }
        Some(schedule) => {
            compile.schedule = function_name(schedule);
            let start = schedule.pointer("/config/initial_learning_rate").and_then(Value::as_f64);
            compile.learning_rate.value = start.map_or_else(
                || Argument::Unknown(schedule.to_string()),
                |rate| Argument::Given(shortest(rate)),
            );
        }
    }
    if let Some(momentum) = config.get("momentum").and_then(Value::as_f64) {
        compile.momentum = Argument::Given(shortest(momentum));
    }
    let clip = ["clipnorm", "global_clipnorm", "clipvalue"].iter().find_map(|key| config.get(*key)?.as_f64());
    // Keras 2 sometimes writes 0 for "none".
    if let Some(clip) = clip.filter(|clip| *clip > 0.0) {
        compile.clip = Argument::Given(shortest(clip));
    }
}

fn collect_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(name) => names.push(name.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect_names(value, names)),
        Value::Object(object) => match object.get("class_name") {
            // `compile` wraps metrics once more when it has compiled them.
            Some(Value::String(class)) if class == "CompileMetrics" => {
                collect_names(value.pointer("/config/metrics").unwrap_or(&Value::Null), names);
            }
            Some(Value::String(class)) => {
                let given = value.pointer("/config/name").and_then(Value::as_str);
                names.push(given.map_or_else(|| names::snake_case(class), str::to_owned));
            }
            _ => object.values().for_each(|value| collect_names(value, names)),
        },
        _ => {}
    }
}

/// Gives each layer its place in the list, and Keras' default name to those without one.
pub(super) fn place_layers(layers: &mut [Layer]) {
    let mut used = std::collections::HashMap::<String, usize>::new();
    for (index, layer) in layers.iter_mut().enumerate() {
        if layer.name.is_empty() {
            let base = names::snake_case(&layer.class_name);
            let count = used.entry(base.clone()).or_default();
            layer.name = if *count == 0 { base } else { format!("{base}_{count}") };
            *count += 1;
        }
        let place = Some(Place::Layer { index, name: layer.name.clone() });
        layer.place.clone_from(&place);
        layer.activation = Placed { value: std::mem::take(&mut layer.activation.value), place };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_were_meant() {
        assert_eq!(shortest(0.05000000074505806), 0.05);
        assert_eq!(shortest(0.009999999776482582), 0.01);
        assert_eq!(shortest(0.1), 0.1, "a 64-bit number stays");
        assert_eq!(shortest(1e-7), 1e-7);
    }

    #[test]
    fn activations_of_every_version() {
        let read = |activation: Value| {
            let object = json!({"class_name": "Dense", "config": {"units": 3, "activation": activation}});
            layer(&object).unwrap().activation.value
        };
        assert_eq!(read(json!("softmax")), Argument::Given("softmax".into()));
        assert_eq!(read(json!("linear")), Argument::Absent);
        assert_eq!(read(json!(null)), Argument::Absent);
        let function = json!({"module": "builtins", "class_name": "function", "config": "my_relu"});
        assert_eq!(read(function), Argument::Given("my_relu".into()));
        let object =
            json!({"module": "keras.layers", "class_name": "LeakyReLU", "config": {"negative_slope": 0.1}});
        assert_eq!(read(object), Argument::Given("leaky_relu".into()));
        let own = json!({"class_name": "LeakyReLU", "config": {}});
        assert_eq!(layer(&own).unwrap().activation.value, Argument::Given("leaky_relu".into()));
    }

    #[test]
    fn initializers_stand_by_their_names() {
        let object = json!({"class_name": "Dense", "config": {"units": 3, "kernel_initializer":
            {"module": "keras.initializers", "class_name": "Zeros", "config": {}}}});
        assert_eq!(layer(&object).unwrap().text("kernel_initializer"), Some("zeros"));
    }

    #[test]
    fn losses_of_one_output_are_read_and_of_several_are_not() {
        let read = |loss: Value| compile(&json!({"optimizer": "adam", "loss": loss})).unwrap().loss.value;
        assert_eq!(read(json!("mse")), Argument::Given("mean_squared_error".into()));
        assert_eq!(read(json!(["mse"])), Argument::Given("mean_squared_error".into()));
        assert_eq!(read(json!({"out": "mse"})), Argument::Given("mean_squared_error".into()));
        assert!(matches!(read(json!(["mse", "mae"])), Argument::Unknown(_)));
    }
}
