//! Our own specs and configurations as facts.
//!
//! A spec is written in Keras' vocabulary, so its layers go the same way as those of a Keras file. Their
//! indices are those of [`ModelSpec::layers`](traceward_run::ModelSpec::layers), since treatments name
//! layers by index.

use traceward_run::TrainConfig;
use traceward_run::config::{ClassWeight, Compile as Compiled, Loss, Optimizer, Schedule};
use traceward_run::spec::Layer as Written;
use traceward_trace::split::Method;

use super::keras_object;
use crate::Place;
use crate::facts::{Argument, Compile, Fit, Framework, Layer, Network, Placed, Validation};

/// What a configuration of ours asks for, once classes and vocabulary (its size, padding and unknown
/// included) are known. Sizes that it leaves open are filled in by them.
pub fn config(config: &TrainConfig, classes: usize, vocabulary_size: usize) -> (Network, Fit) {
    let model = config.model.resolve(vocabulary_size, classes);
    let mut layers: Vec<Layer> = model
        .layers
        .iter()
        .map(|spec| {
            let object = serde_json::to_value(spec).unwrap_or_default();
            // An index must not be lost, so an InputLayer, which says nothing, keeps its place here.
            keras_object::layer(&object).unwrap_or_else(|| Layer {
                class_name: spec.layer.class_name().into(),
                written: spec.layer.class_name().into(),
                ..Layer::default()
            })
        })
        .collect();
    keras_object::place_layers(&mut layers);
    let network = Network {
        framework: Framework::Traceward,
        layers,
        branched: model.layers.iter().any(|spec| matches!(spec.layer, Written::Concatenate { .. })),
        compile: Some(compile(&config.compile, &config.fit.schedule)),
    };
    (network, fit(config))
}

/// A 32-bit number as it is written, not as 64 bits show it.
fn written(value: f32) -> f64 {
    keras_object::shortest(f64::from(value))
}

fn given<T>(value: T) -> Placed<Argument<T>> {
    Placed { value: Argument::Given(value), place: None }
}

fn compile(compile: &Compiled, schedule: &Schedule) -> Compile {
    let loss = match compile.loss {
        Loss::CategoricalCrossentropy => "categorical_crossentropy",
        Loss::SparseCategoricalCrossentropy => "sparse_categorical_crossentropy",
        Loss::BinaryCrossentropy => "binary_crossentropy",
        Loss::MeanSquaredError => "mean_squared_error",
    };
    let (optimizer, momentum) = match compile.optimizer {
        Optimizer::Sgd { momentum, .. } => ("sgd", Some(momentum)),
        Optimizer::Adam { .. } => ("adam", None),
        Optimizer::AdamW { .. } => ("adamw", None),
        Optimizer::RmsProp { momentum, .. } => ("rmsprop", Some(momentum)),
    };
    let schedule = match schedule {
        Schedule::Constant => None,
        Schedule::ExponentialDecay { .. } => Some("ExponentialDecay"),
        Schedule::CosineDecay { .. } => Some("CosineDecay"),
        Schedule::StepDecay { .. } => Some("StepDecay"),
    };
    Compile {
        loss: given(loss.into()),
        optimizer: given(optimizer.into()),
        learning_rate: given(written(compile.optimizer.learning_rate())),
        schedule: schedule.map(str::to_owned),
        momentum: momentum.map_or(Argument::Absent, |momentum| Argument::Given(written(momentum))),
        clip: compile.clip_norm.map_or(Argument::Absent, |norm| Argument::Given(written(norm))),
        metrics: ["accuracy", "macro_f1"].map(|name| Placed { value: name.into(), place: None }).into(),
        ..Compile::default()
    }
}

fn fit(config: &TrainConfig) -> Fit {
    let split = &config.split;
    let validation = match split.method {
        _ if split.validation_share == 0.0 && split.method != Method::Given => Validation::None,
        Method::Given | Method::Grouped => Validation::Given,
        Method::Random => Validation::Random(split.validation_share),
        Method::Tail => Validation::Tail(split.validation_share),
    };
    let shuffled = match split.method {
        Method::Tail => Some(split.shuffle_first),
        Method::Random | Method::Grouped => Some(true),
        Method::Given => None,
    };
    let mut callbacks = Vec::new();
    if config.fit.early_stopping.is_some() {
        callbacks.push("EarlyStopping".to_owned());
    }
    let class_weight = match &config.fit.class_weight {
        ClassWeight::None => Argument::Absent,
        ClassWeight::Balanced => Argument::Given("balanced".into()),
        ClassWeight::SqrtBalanced => Argument::Given("sqrt_balanced".into()),
        ClassWeight::Given(_) => Argument::Given("given".into()),
    };
    Fit {
        epochs: given(config.fit.epochs as usize),
        batch_size: given(config.fit.batch_size),
        validation: Placed { value: validation, place: None::<Place> },
        shuffle: given(config.fit.shuffle),
        shuffled_before_split: shuffled,
        class_weight,
        callbacks,
        seeded: Some(true),
        ..Fit::default()
    }
}

#[cfg(test)]
mod tests {
    use traceward_run::Preset;

    use super::*;

    #[test]
    fn the_diary_s_presets_are_what_they_are() {
        let (network, fit) = config(&Preset::Article1.config(), 7, 175);
        let classes: Vec<_> = network.layers.iter().map(|layer| layer.class_name.as_str()).collect();
        let spec = Preset::Article1.config().model;
        let written: Vec<_> = spec.layers.iter().map(|spec| spec.layer.class_name()).collect();
        assert_eq!(classes, written, "an index is the spec's");
        assert_eq!(network.output_activation().value, Argument::Given("sigmoid".into()));
        assert_eq!(network.output_units(), Some(7));
        assert!(network.is_recurrent());
        let embedding = network.layers.iter().find(|layer| layer.class_name == "Embedding").unwrap();
        assert_eq!(embedding.number("input_dim"), Some(175.0));
        let compile = network.compile.unwrap();
        assert_eq!(compile.learning_rate.value, Argument::Given(0.01));
        assert_eq!(compile.optimizer.value, Argument::Given("adam".into()));
        assert_eq!(fit.epochs.value, Argument::Given(20));
        assert_eq!(fit.shuffle.value, Argument::Given(false));

        let (network, fit) = config(&Preset::Article5.config(), 7, 175);
        assert_eq!(network.output_activation().value, Argument::Given("softmax".into()));
        assert!(network.layers.iter().any(Layer::is_dropout));
        assert_eq!(fit.shuffled_before_split, Some(true));
    }

    #[test]
    fn every_layer_knows_its_place_and_name() {
        for preset in Preset::ALL {
            let (network, _) = config(&preset.config(), 7, 175);
            for (index, layer) in network.layers.iter().enumerate() {
                assert_eq!(layer.place, Some(Place::Layer { index, name: layer.name.clone() }));
                assert!(!layer.name.is_empty());
            }
        }
    }
}
