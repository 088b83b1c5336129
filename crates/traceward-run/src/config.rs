//! All that repeats a run: `traceward.toml`.

use serde::{Deserialize, Serialize};
use traceward_trace::split::SplitConfig;

use crate::ModelSpec;

/// A training run, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The preset it started from, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Seed of initial weights, shuffles and dropout masks.
    pub seed: u64,
    /// How the data is cut.
    pub split: SplitConfig,
    /// Steps before training.
    pub input: Input,
    /// Loss and step.
    pub compile: Compile,
    /// The loop.
    pub fit: Fit,
    /// The network.
    pub model: ModelSpec,
}

/// How a trace becomes a row of tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Cut longer traces to this many calls; absent: whole traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_len: Option<usize>,
    /// Which end is cut off: Keras' `pad_sequences(truncating=…)`; `pre` keeps the last calls.
    #[serde(default)]
    pub truncating: Truncating,
}

/// Which end of a long trace is cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truncating {
    /// The beginning: the last calls stay.
    #[default]
    Pre,
    /// The end: the first calls stay.
    Post,
}

/// Keras' `model.compile`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compile {
    /// What is minimised.
    pub loss: Loss,
    /// How a step is made.
    pub optimizer: Optimizer,
    /// Scales a gradient whose global norm (over all weights) is larger; Keras' `global_clipnorm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
}

/// What is minimised. All are means over the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Against one-hot rows. On outputs that are not softmax they are divided by their sum and clipped
    /// to [1e-7, 1 - 1e-7], as Keras does.
    CategoricalCrossentropy,
    /// The same, against class numbers.
    SparseCategoricalCrossentropy,
    /// A yes or no per class, clipped at 1e-7, mean over classes.
    BinaryCrossentropy,
    /// Mean of squared differences to one-hot rows.
    MeanSquaredError,
}

/// How a step is made. Formulas and defaults are Keras 3's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name")]
#[expect(missing_docs, reason = "the fields are Keras' arguments, documented there")]
pub enum Optimizer {
    /// Stochastic gradient descent.
    #[serde(rename = "SGD")]
    Sgd { learning_rate: f32, #[serde(default)] momentum: f32, #[serde(default)] nesterov: bool },
    /// Kingma & Ba 2015.
    Adam {
        learning_rate: f32,
        #[serde(default = "beta_1")] beta_1: f32,
        #[serde(default = "beta_2")] beta_2: f32,
        #[serde(default = "epsilon")] epsilon: f32,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW {
        learning_rate: f32,
        #[serde(default = "weight_decay")] weight_decay: f32,
        #[serde(default = "beta_1")] beta_1: f32,
        #[serde(default = "beta_2")] beta_2: f32,
        #[serde(default = "epsilon")] epsilon: f32,
    },
    /// Tieleman & Hinton 2012.
    #[serde(rename = "RMSprop")]
    RmsProp {
        learning_rate: f32,
        #[serde(default = "rho")] rho: f32,
        #[serde(default)] momentum: f32,
        #[serde(default = "epsilon")] epsilon: f32,
    },
}

impl Optimizer {
    /// The step size before any schedule.
    pub fn learning_rate(&self) -> f32 {
        match *self {
            Self::Sgd { learning_rate, .. }
            | Self::Adam { learning_rate, .. }
            | Self::AdamW { learning_rate, .. }
            | Self::RmsProp { learning_rate, .. } => learning_rate,
        }
    }

    /// Sets the step size.
    pub fn set_learning_rate(&mut self, rate: f32) {
        match self {
            Self::Sgd { learning_rate, .. }
            | Self::Adam { learning_rate, .. }
            | Self::AdamW { learning_rate, .. }
            | Self::RmsProp { learning_rate, .. } => *learning_rate = rate,
        }
    }

    /// Adam with Keras' defaults and this step size.
    pub fn adam(learning_rate: f32) -> Self {
        Self::Adam { learning_rate, beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon() }
    }
}

fn beta_1() -> f32 {
    0.9
}
fn beta_2() -> f32 {
    0.999
}
fn epsilon() -> f32 {
    1e-7
}
fn weight_decay() -> f32 {
    0.004
}
fn rho() -> f32 {
    0.9
}

/// Keras' `model.fit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Passes over the training traces.
    pub epochs: u32,
    /// Traces a step.
    pub batch_size: usize,
    /// Draw a new order each epoch. `false` takes the rows as they stand.
    #[serde(default = "shuffle")]
    pub shuffle: bool,
    /// How the step size changes over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// Weights of the classes in the loss.
    #[serde(default)]
    pub class_weight: ClassWeight,
    /// Stop when the validation stops getting better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
}

fn shuffle() -> bool {
    true
}

/// How the step size changes over the run; it multiplies the optimizer's learning rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are Keras' arguments, documented there")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// `decay_rate ^ (step / decay_steps)`.
    ExponentialDecay { decay_steps: u64, decay_rate: f32 },
    /// Half a cosine from 1 to `alpha` over the whole run, after `warmup_steps` rising from 0.
    CosineDecay { #[serde(default)] alpha: f32, #[serde(default)] warmup_steps: u64 },
    /// `factor ^ (epoch / every)`, in whole steps.
    StepDecay { every: u32, factor: f32 },
}

/// Weights of the classes in the loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeight {
    /// All alike.
    #[default]
    None,
    /// `traces / (classes * traces of the class)`, as scikit-learn's "balanced".
    Balanced,
    /// One weight a class, by name; a class that is not named weighs 1.
    Given(std::collections::BTreeMap<String, f32>),
}

/// Keras' `EarlyStopping`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// Which column is watched.
    pub monitor: Monitor,
    /// Epochs without a gain before stopping.
    pub patience: u32,
    /// A smaller change is no gain.
    #[serde(default)]
    pub min_delta: f32,
    /// Go back to the best epoch's weights.
    #[serde(default)]
    pub restore_best_weights: bool,
}

/// A column of the history that decides which epoch was best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Smaller is better.
    #[default]
    ValLoss,
    /// Larger is better.
    ValAccuracy,
}
