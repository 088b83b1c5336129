//! A task that a small network learns in a second: is there a 5 somewhere in the trace?

use std::path::Path;

use traceward_model::Network;
use traceward_run::config::{ClassWeight, Compile, Fit, Input, Loss, Optimizer, Schedule, TrainConfig};
use traceward_run::spec::{Activation, Layer, ModelSpec, Recurrent};
use traceward_trace::rng::Rng;
use traceward_trace::split::{Method, SplitConfig};
use traceward_train::{Checkpoints, Control, Examples, Observer, Outcome, Traces, fit};

pub(crate) const VOCABULARY: usize = 9;

pub(crate) fn traces(count: usize, seed: u64) -> Traces {
    let mut rng = Rng::new(seed);
    let mut traces = Traces::new();
    for at in 0..count {
        let label = (at % 2) as u32;
        let mut tokens: Vec<u32> = (0..3 + rng.below(12)).map(|_| 2 + rng.below(3) as u32).collect();
        if label == 1 {
            let place = rng.below(tokens.len() as u64) as usize;
            tokens[place] = 5;
        }
        traces.push(tokens, label);
    }
    traces
}

pub(crate) fn examples() -> Examples {
    Examples {
        train: traces(90, 1),
        validation: traces(40, 2),
        classes: ["normal", "attack"].map(str::to_owned).into(),
        fingerprint: "toy".into(),
    }
}

pub(crate) fn spec() -> ModelSpec {
    ModelSpec::new(
        "toy",
        [
            Layer::Embedding { input_dim: 0, output_dim: 6 },
            Layer::bidirectional(Layer::Lstm(Recurrent::new(5).recurrent_dropout(0.1))),
            Layer::Dropout { rate: 0.1 },
            Layer::dense(8, Activation::Relu),
            Layer::BatchNormalization { momentum: 0.9, epsilon: 1e-3 },
            Layer::dense(0, Activation::Softmax),
        ],
    )
}

pub(crate) fn config(epochs: u32) -> TrainConfig {
    TrainConfig {
        preset: None,
        seed: 7,
        split: SplitConfig { method: Method::Given, validation_share: 0.2, seed: 7, shuffle_first: false },
        input: Input::default(),
        compile: Compile {
            loss: Loss::SparseCategoricalCrossentropy,
            label_smoothing: 0.0,
            optimizer: Optimizer::adam(0.02),
            clip_norm: Some(5.0),
        },
        fit: Fit {
            epochs,
            batch_size: 16,
            shuffle: true,
            prefixes: 0.0,
            schedule: Schedule::Constant,
            class_weight: ClassWeight::None,
            early_stopping: None,
        },
        model: spec(),
    }
}

pub(crate) fn network(config: &TrainConfig) -> Network {
    Network::build(&config.model, VOCABULARY, 2, config.seed).unwrap()
}

/// A checkpoint after every step, and the last five kept.
pub(crate) fn every_step(dir: &Path, resume: bool) -> Control {
    let checkpoints = Checkpoints { every_steps: Some(1), keep: 5, ..Checkpoints::new(dir) };
    Control { checkpoints: Some(checkpoints), resume, ..Control::default() }
}

pub(crate) fn run(
    config: &TrainConfig,
    control: &Control,
    observer: &mut dyn Observer,
) -> (Network, Outcome) {
    let mut network = network(config);
    let outcome = fit(&mut network, &examples(), config, &mut [observer], control).unwrap();
    (network, outcome)
}

/// All weights, as bits.
pub(crate) fn bits(network: &Network) -> Vec<u32> {
    network.parameters().iter().flat_map(|p| &p.values).map(|v| v.to_bits()).collect()
}
