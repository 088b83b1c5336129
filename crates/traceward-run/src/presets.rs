//! Named starting points: the article's path, and the networks that do better.
//!
//! The article's path is five networks and fits, each a state of one debugging diary.
//!
//! | preset | network and fit | what it shows |
//! |---|---|---|
//! | `article-1` | BiLSTM, linear Dense, **sigmoid**; Adam 0.01; rows in file order | the loss stands still from the first epoch |
//! | `article-2` | softmax, relu; Adam 0.01 | it moves, and jitters |
//! | `article-3` | Adam 1e-4; rows shuffled before the split | it falls steadily, and still does when the epochs end |
//! | `article-4` | the same for 200 epochs | it goes on falling in training, and turns up in validation |
//! | `article-5` | Dropout 0.25 after the BiLSTM | the gap closes |
//!
//! `article-2` has a second half in the diary, the same with `--learning-rate 0.0001`. The diary leaves
//! embedding size, length and batch size open; the numbers here are chosen so that each state shows what
//! it showed there, and stand in one table, `STATES`.
//!
//! `network`, the best network by itself, and `live`, the one that reads call by call, are no states of it: see
//! the modules of these names.

mod live;
mod network;

use std::fmt;
use std::str::FromStr;

use traceward_trace::split::{Method, SplitConfig};

use crate::config::{ClassWeight, Compile, Fit, Input, Loss, Optimizer, Schedule, TrainConfig, Truncating};
use crate::spec::{Activation, Layer, ModelSpec, Recurrent};

/// A named starting point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// A sigmoid at the end of a classifier of many classes, and linear layers before it.
    Article1,
    /// Softmax and relu, but steps that are too large and data in file order.
    Article2,
    /// Smaller steps and shuffled rows, but too few epochs.
    Article3,
    /// Enough epochs to overfit.
    Article4,
    /// Dropout against that.
    Article5,
    /// The best network by itself.
    Network,
    /// A network that reads call by call.
    Live,
}

/// What differs between the presets.
struct State {
    preset: Preset,
    name: &'static str,
    summary: &'static str,
    hidden: Activation,
    output: Activation,
    learning_rate: f32,
    /// Rows are shuffled before the split and again in each epoch; otherwise they stand in file order,
    /// class by class, all the way to the network.
    shuffled: bool,
    epochs: u32,
    dropout: Option<f32>,
}

/// The diary's states. What the diary says is as it says; the rest is tuned on real data.
const STATES: [State; 5] = [
    State {
        preset: Preset::Article1,
        name: "article-1",
        summary: "sigmoid over seven classes, linear layers, Adam 0.01, rows in file order: the loss stands still",
        hidden: Activation::Linear,
        output: Activation::Sigmoid,
        learning_rate: 0.01,
        shuffled: false,
        epochs: 20,
        dropout: None,
    },
    State {
        preset: Preset::Article2,
        name: "article-2",
        summary: "softmax and relu, Adam 0.01: the loss moves, and jitters (its second half: --learning-rate 0.0001)",
        hidden: Activation::Relu,
        output: Activation::Softmax,
        learning_rate: 0.01,
        shuffled: false,
        epochs: 20,
        dropout: None,
    },
    State {
        preset: Preset::Article3,
        name: "article-3",
        summary: "Adam 0.0001, rows shuffled before the split: the loss falls, and still does at the end",
        hidden: Activation::Relu,
        output: Activation::Softmax,
        learning_rate: 1e-4,
        shuffled: true,
        epochs: 20,
        dropout: None,
    },
    State {
        preset: Preset::Article4,
        name: "article-4",
        summary: "200 epochs: training goes on, validation turns back (sooner with --learning-rate 0.001)",
        hidden: Activation::Relu,
        output: Activation::Softmax,
        learning_rate: 1e-4,
        shuffled: true,
        epochs: 200,
        dropout: None,
    },
    State {
        preset: Preset::Article5,
        name: "article-5",
        summary: "dropout 0.25 after the BiLSTM: the gap between training and validation closes",
        hidden: Activation::Relu,
        output: Activation::Softmax,
        learning_rate: 1e-4,
        shuffled: true,
        epochs: 200,
        dropout: Some(0.25),
    },
];

/// What the diary leaves open, or never changes.
const EMBEDDING: usize = 64;
const LSTM_UNITS: usize = 32;
const RECURRENT_DROPOUT: f32 = 0.1;
const DENSE_UNITS: usize = 64;
const BATCH_SIZE: usize = 32;
const MAX_LEN: usize = 200;
const VALIDATION_SHARE: f64 = 0.2;
const SEED: u64 = 0;

/// A network of our own, trained on whole traces. Adam's epsilon of 1e-3 is explained in `network`.
fn over_whole_traces(
    name: &str,
    epochs: u32,
    prefixes: f32,
    schedule: Schedule,
    layers: impl IntoIterator<Item = Layer>,
) -> TrainConfig {
    TrainConfig {
        preset: Some(name.into()),
        seed: SEED,
        split: SplitConfig {
            method: Method::Grouped,
            validation_share: VALIDATION_SHARE,
            seed: SEED,
            shuffle_first: false,
        },
        input: Input { max_len: None, truncating: Truncating::Pre },
        compile: Compile {
            loss: Loss::CategoricalCrossentropy,
            label_smoothing: 0.0,
            optimizer: Optimizer::Adam { learning_rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-3 },
            clip_norm: Some(1.0),
        },
        fit: Fit {
            epochs,
            batch_size: BATCH_SIZE,
            shuffle: true,
            prefixes,
            schedule,
            class_weight: ClassWeight::SqrtBalanced,
            early_stopping: None,
        },
        model: ModelSpec::new(name, layers),
    }
}

impl Preset {
    /// All of them, the article's first.
    pub const ALL: [Self; 7] = [
        Self::Article1,
        Self::Article2,
        Self::Article3,
        Self::Article4,
        Self::Article5,
        Self::Network,
        Self::Live,
    ];

    /// The state of the diary, if it is one.
    fn state(self) -> Option<&'static State> {
        STATES.iter().find(|state| state.preset == self)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => network::NAME,
            Self::Live => live::NAME,
            _ => STATES[self as usize].name,
        }
    }

    /// One line: what it is, and what it shows.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Network => network::SUMMARY,
            Self::Live => live::SUMMARY,
            _ => STATES[self as usize].summary,
        }
    }

    /// The run it stands for. The Embedding's `input_dim` and the last Dense's `units` are 0: those of the
    /// data, see [`ModelSpec::resolve`].
    ///
    /// The article's data is cut as Keras' `validation_split` cuts it, the last fifth of the rows. Until `article-2`
    /// the rows stand in file order, one class after the other, in the split and in every epoch: that is
    /// what drives the sigmoids of `article-1` into saturation, one class for all. From `article-3` on they
    /// are shuffled first, as the diary's `sample(frac=1)` does.
    pub fn config(&self) -> TrainConfig {
        let Some(state) = self.state() else {
            return if *self == Self::Network { network::config() } else { live::config() };
        };
        TrainConfig {
            preset: Some(state.name.into()),
            seed: SEED,
            split: SplitConfig {
                method: Method::Tail,
                validation_share: VALIDATION_SHARE,
                seed: SEED,
                shuffle_first: state.shuffled,
            },
            input: Input { max_len: Some(MAX_LEN), truncating: Truncating::Pre },
            compile: Compile {
                loss: Loss::CategoricalCrossentropy,
                label_smoothing: 0.0,
                optimizer: Optimizer::adam(state.learning_rate),
                clip_norm: None,
            },
            fit: Fit {
                epochs: state.epochs,
                batch_size: BATCH_SIZE,
                shuffle: state.shuffled,
                prefixes: 0.0,
                schedule: Schedule::Constant,
                class_weight: ClassWeight::None,
                early_stopping: None,
            },
            model: model(state),
        }
    }
}

fn model(state: &State) -> ModelSpec {
    let lstm = Recurrent::new(LSTM_UNITS).recurrent_dropout(RECURRENT_DROPOUT);
    let mut layers = vec![
        Layer::Embedding { input_dim: 0, output_dim: EMBEDDING },
        Layer::bidirectional(Layer::Lstm(lstm)),
    ];
    layers.extend(state.dropout.map(|rate| Layer::Dropout { rate }));
    layers.extend([
        Layer::dense(DENSE_UNITS, state.hidden),
        Layer::dense(0, Activation::Linear),
        Layer::Activation { activation: state.output },
    ]);
    ModelSpec::new(state.name, layers)
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No preset has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset {given:?}; there are {}", Preset::ALL.map(Preset::name).join(", "))]
pub struct UnknownPreset {
    /// What was asked for.
    pub given: String,
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == name);
        found.ok_or_else(|| UnknownPreset { given: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_state() {
        for preset in Preset::ALL {
            assert_eq!(preset.name().parse(), Ok(preset));
            assert_eq!(preset.config().preset.as_deref(), Some(preset.name()));
        }
    }

    #[test]
    fn each_can_be_built() {
        for preset in Preset::ALL {
            preset.config().check(177, 7).unwrap();
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "article-6".parse::<Preset>().unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no preset \"article-6\"; there are article-1, article-2, article-3, article-4, article-5, network, live"
        );
    }

    /// The whole of what each preset stands for, so that a changed number is seen in review.
    #[test]
    fn as_files() {
        insta::assert_snapshot!("article-1", Preset::Article1.config().to_toml().unwrap());
        insta::assert_snapshot!("article-5", Preset::Article5.config().to_toml().unwrap());
        insta::assert_snapshot!("network", Preset::Network.config().to_toml().unwrap());
        insta::assert_snapshot!("live", Preset::Live.config().to_toml().unwrap());
        let steps = Preset::ALL.map(|preset| {
            let config = preset.config();
            let rate = config.compile.optimizer.learning_rate();
            format!("{preset} {rate} {} {}", config.fit.epochs, config.split.shuffle_first)
        });
        insta::assert_snapshot!(steps.join("\n"), @r"
        article-1 0.01 20 false
        article-2 0.01 20 false
        article-3 0.0001 20 true
        article-4 0.0001 200 true
        article-5 0.0001 200 true
        network 0.01 10 false
        live 0.01 12 false
        ");
    }
}
