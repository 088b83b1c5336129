//! All that repeats a run: `traceward.toml`.
//!
//! [`TrainConfig`] is what was asked for; a user can write one and pass it to `train --config`.
//! [`RunRecord`] is what a run directory keeps: the same, plus the version that ran and the data it ran
//! on. Both are one file format, so a run's own `traceward.toml` repeats the run. A key that nobody
//! reads is an error, not a silent typo.

mod recipe;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use traceward_trace::Abi;
use traceward_trace::split::SplitConfig;

use crate::ModelSpec;
use crate::run_dir::write_atomically;
use crate::spec::{Layer, SpecError};

pub use recipe::RecipeRecord;

/// A training run, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// What a run directory keeps: the configuration, and what it ran with.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The version of traceward that ran.
    pub version: String,
    /// The data that it ran on.
    pub data: DataRecord,
    /// What was asked for.
    pub config: TrainConfig,
}

/// Where a data set comes from and how it is read: all that reads it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// The file, folder or archive; or two, training and validation; none for the built-in corpus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathBuf>,
    /// Only these parts of it; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Whose system-call numbers these are, where the user said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abi: Option<Abi>,
    /// CSV column with the label, where the user said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// CSV column with the trace, where the user said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_column: Option<String>,
    /// File that maps numbers to names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<PathBuf>,
    /// A bad row ends the reading.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
}

/// Which data a run saw, so that a later run can tell whether it sees the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// Where it came from, and how it was read.
    pub source: DataSource,
    /// The data set's name.
    pub name: String,
    /// The fingerprint of what was read.
    pub fingerprint: String,
    /// How many traces were read.
    pub traces: usize,
    /// Class names, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// Whose system-call numbers these are.
    pub abi: String,
    /// Traces on the training side.
    pub training_traces: usize,
    /// Traces on the validation side.
    pub validation_traces: usize,
}

/// The file: both of the above. The fields of [`TrainConfig`] stand here again because serde cannot
/// flatten a struct and refuse unknown keys at once.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    seed: u64,
    split: SplitConfig,
    input: Input,
    compile: Compile,
    fit: Fit,
    model: ModelSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<DataRecord>,
}

impl File {
    fn new(config: &TrainConfig) -> Self {
        let TrainConfig { preset, seed, split, input, compile, fit, model } = config.clone();
        Self {
            version: None,
            preset,
            seed,
            split,
            input,
            compile,
            fit,
            model: without_nulls(model),
            data: None,
        }
    }

    fn into_config(self) -> TrainConfig {
        let Self { preset, seed, split, input, compile, fit, model, .. } = self;
        TrainConfig { preset, seed, split, input, compile, fit, model }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        toml::from_str(text).map_err(|error| Problem::Toml(error.to_string()))
    }

    fn text(&self) -> Result<String, Problem> {
        toml::to_string(self).map_err(|error| Problem::NoToml(error.to_string()))
    }
}

/// TOML has no null. In the layers that we keep word for word it means the same as absence.
fn without_nulls(mut model: ModelSpec) -> ModelSpec {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|_, value| !value.is_null());
                map.values_mut().for_each(strip);
            }
            Value::Array(values) => {
                values.retain(|value| !value.is_null());
                values.iter_mut().for_each(strip);
            }
            _ => {}
        }
    }
    fn strip_layer(layer: &mut Layer) {
        match layer {
            Layer::Other(other) => {
                other.config.retain(|_, value| !value.is_null());
                other.config.values_mut().for_each(strip);
            }
            Layer::Bidirectional { layer, .. } => strip_layer(layer),
            Layer::Concatenate { branches } => {
                branches.iter_mut().flatten().for_each(|spec| strip_layer(&mut spec.layer));
            }
            _ => {}
        }
    }
    for spec in &mut model.layers {
        strip_layer(&mut spec.layer);
    }
    model
}

/// Why a configuration could not be read, written or used.
#[derive(Debug, thiserror::Error)]
#[error("{}{problem}", path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default())]
pub struct ConfigError {
    /// The file, if it came from one.
    pub path: Option<PathBuf>,
    /// What is wrong.
    #[source]
    pub problem: Box<Problem>,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file could not be opened, read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not TOML, or lacks a key, or has one that nobody reads: line, column and what is allowed.
    #[error("{0}")]
    Toml(String),
    /// It cannot be said in TOML: a number over 2^63.
    #[error("cannot be written as TOML: {0}")]
    NoToml(String),
    /// A run's record without the data that it ran on.
    #[error("it has no [data]: a configuration, but not the record of a run")]
    NoRecord,
    /// A value that no training can use.
    #[error("{key} = {value}: it must be {must}")]
    Value {
        /// The key, with its tables.
        key: &'static str,
        /// What it is.
        value: String,
        /// The range.
        must: &'static str,
    },
    /// The network does not fit together, or not to the data.
    #[error("[model]: {0}")]
    Model(#[from] SpecError),
}

impl ConfigError {
    fn at(path: &Path) -> impl FnOnce(Problem) -> Self {
        let path = path.to_owned();
        move |problem| Self { path: Some(path), problem: Box::new(problem) }
    }

    /// Whether the file is a configuration, and nothing is wrong but that it is not a run's record.
    pub fn is_no_record(&self) -> bool {
        matches!(*self.problem, Problem::NoRecord)
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { path: None, problem: Box::new(problem) }
    }
}

impl TrainConfig {
    /// Reads a configuration, or a run's record, of which only the configuration is kept.
    ///
    /// # Errors
    /// With line and column, and what is allowed there.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        Ok(File::parse(text)?.into_config())
    }

    /// The configuration as a file.
    ///
    /// # Errors
    /// If it holds what TOML cannot say: a seed of 2^63 or more.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        Ok(File::new(self).text()?)
    }

    /// Reads the file at `path`, as [`Self::from_toml`].
    ///
    /// # Errors
    /// With the path, line and column, and what is allowed there.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(Problem::Io).map_err(ConfigError::at(path))?;
        File::parse(&text).map(File::into_config).map_err(ConfigError::at(path))
    }

    /// Writes the configuration to `path`, atomically.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        let text = File::new(self).text().map_err(ConfigError::at(path))?;
        write_atomically(path, text.as_bytes()).map_err(Problem::Io).map_err(ConfigError::at(path))
    }

    /// Checks everything that can be known before the first step: ranges, and that the network fits the
    /// vocabulary (its size, padding and unknown included) and the classes.
    ///
    /// # Errors
    /// The first thing that is wrong, by its key.
    pub fn check(&self, vocabulary_size: usize, classes: usize) -> Result<(), ConfigError> {
        self.check_values()?;
        self.model.check(vocabulary_size, classes).map_err(Problem::from)?;
        Ok(())
    }

    /// Checks what can be known before the data is read: that every number is in its range.
    ///
    /// # Errors
    /// The first that is not, by its key.
    pub fn check_values(&self) -> Result<(), ConfigError> {
        Ok(self.out_of_range()?)
    }

    fn out_of_range(&self) -> Result<(), Problem> {
        let rate = |key, value: f32| range((0.0..1.0).contains(&value), key, &value, "from 0 to less than 1");
        let above_0 =
            |key, value: f32| range(value > 0.0 && value.is_finite(), key, &value, "a number greater than 0");
        let not_0 = |key, value: u64| range(value > 0, key, &value, "1 or more");

        let held_back = self.split.validation_share;
        let fits = (0.0..1.0).contains(&held_back);
        range(fits, "split.validation_share", &held_back, "a share, from 0 (train on all) to less than 1")?;
        if let Some(max_len) = self.input.max_len {
            not_0("input.max_len", max_len as u64)?;
        }
        above_0("compile.optimizer.learning_rate", self.compile.optimizer.learning_rate())?;
        match self.compile.optimizer {
            Optimizer::Sgd { momentum, .. } => rate("compile.optimizer.momentum", momentum)?,
            Optimizer::Adam { beta_1, beta_2, epsilon, .. } => {
                rate("compile.optimizer.beta_1", beta_1)?;
                rate("compile.optimizer.beta_2", beta_2)?;
                above_0("compile.optimizer.epsilon", epsilon)?;
            }
            Optimizer::AdamW { beta_1, beta_2, epsilon, weight_decay, .. } => {
                rate("compile.optimizer.beta_1", beta_1)?;
                rate("compile.optimizer.beta_2", beta_2)?;
                above_0("compile.optimizer.epsilon", epsilon)?;
                rate("compile.optimizer.weight_decay", weight_decay)?;
            }
            Optimizer::RmsProp { rho, momentum, epsilon, .. } => {
                rate("compile.optimizer.rho", rho)?;
                rate("compile.optimizer.momentum", momentum)?;
                above_0("compile.optimizer.epsilon", epsilon)?;
            }
        }
        if let Some(norm) = self.compile.clip_norm {
            above_0("compile.clip_norm", norm)?;
        }
        let fits = (0.0..1.0).contains(&self.compile.label_smoothing);
        range(fits, "compile.label_smoothing", &self.compile.label_smoothing, "from 0 to less than 1")?;
        let over_classes =
            matches!(self.compile.loss, Loss::CategoricalCrossentropy | Loss::SparseCategoricalCrossentropy);
        let must = "0 for a loss that is no cross-entropy over classes";
        let fits = over_classes || self.compile.label_smoothing == 0.0;
        range(fits, "compile.label_smoothing", &self.compile.label_smoothing, must)?;
        let fits = (0.0..=1.0).contains(&self.fit.prefixes);
        range(fits, "fit.prefixes", &self.fit.prefixes, "a share, from 0 to 1")?;
        not_0("fit.epochs", self.fit.epochs.into())?;
        not_0("fit.batch_size", self.fit.batch_size as u64)?;
        match self.fit.schedule {
            Schedule::Constant => {}
            Schedule::ExponentialDecay { decay_steps, decay_rate } => {
                not_0("fit.schedule.decay_steps", decay_steps)?;
                above_0("fit.schedule.decay_rate", decay_rate)?;
            }
            Schedule::CosineDecay { alpha, .. } => {
                range((0.0..=1.0).contains(&alpha), "fit.schedule.alpha", &alpha, "from 0 to 1")?;
            }
            Schedule::StepDecay { every, factor } => {
                not_0("fit.schedule.every", every.into())?;
                above_0("fit.schedule.factor", factor)?;
            }
        }
        if let ClassWeight::Given(weights) = &self.fit.class_weight {
            for weight in weights.values() {
                let fits = *weight >= 0.0 && weight.is_finite();
                range(fits, "fit.class_weight.given", weight, "0 or a number greater than 0")?;
            }
        }
        if let Some(stopping) = self.fit.early_stopping {
            let fits = stopping.min_delta >= 0.0 && stopping.min_delta.is_finite();
            range(fits, "fit.early_stopping.min_delta", &stopping.min_delta, "0 or a number greater than 0")?;
        }
        Ok(())
    }
}

fn range(fits: bool, key: &'static str, value: &impl ToString, must: &'static str) -> Result<(), Problem> {
    if fits { Ok(()) } else { Err(Problem::Value { key, value: value.to_string(), must }) }
}

impl RunRecord {
    /// A record by this version of traceward.
    pub fn new(config: TrainConfig, data: DataRecord) -> Self {
        Self { version: env!("CARGO_PKG_VERSION").into(), data, config }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// As [`TrainConfig::from_toml`], and if it is a mere configuration.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let mut file = File::parse(text)?;
        let (Some(version), Some(data)) = (file.version.take(), file.data.take()) else {
            return Err(Problem::NoRecord.into());
        };
        Ok(Self { version, data, config: file.into_config() })
    }

    /// The record as a file.
    ///
    /// # Errors
    /// As [`TrainConfig::to_toml`].
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        let mut file = File::new(&self.config);
        file.version = Some(self.version.clone());
        file.data = Some(self.data.clone());
        Ok(file.text()?)
    }

    /// Reads the file at `path`, as [`Self::from_toml`].
    ///
    /// # Errors
    /// As there, with the path.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(Problem::Io).map_err(ConfigError::at(path))?;
        Self::from_toml(&text).map_err(|error| ConfigError { path: Some(path.into()), ..error })
    }
}

/// How a trace becomes a row of tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Cut longer traces to this many calls; absent: whole traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_len: Option<usize>,
    /// Which end is cut off: Keras' `pad_sequences(truncating=…)`; `pre` keeps the last calls.
    #[serde(default)]
    pub truncating: Truncating,
}

impl Input {
    /// The part of a trace that the network reads.
    pub fn cut<'a, T>(&self, calls: &'a [T]) -> &'a [T] {
        match self.max_len {
            Some(len) if len < calls.len() => match self.truncating {
                Truncating::Pre => &calls[calls.len() - len..],
                Truncating::Post => &calls[..len],
            },
            _ => calls,
        }
    }
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
#[serde(deny_unknown_fields)]
pub struct Compile {
    /// What is minimised.
    pub loss: Loss,
    /// How much of each label is spread evenly over all classes: Keras' `CategoricalCrossentropy(label_smoothing=…)`.
    /// Only cross-entropy over classes has it.
    #[serde(default, skip_serializing_if = "is_0")]
    pub label_smoothing: f32,
    /// How a step is made.
    pub optimizer: Optimizer,
    /// Scales a gradient whose global norm (over all weights) is larger; Keras' `global_clipnorm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
}

impl Compile {
    /// The loss, with its label smoothing.
    pub fn objective(&self) -> Objective {
        Objective { loss: self.loss, label_smoothing: self.label_smoothing }
    }
}

fn is_0(value: &f32) -> bool {
    *value == 0.0
}

/// A loss and how its labels are smoothed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// What is minimised.
    pub loss: Loss,
    /// How much of each label is spread over all classes.
    pub label_smoothing: f32,
}

impl From<Loss> for Objective {
    fn from(loss: Loss) -> Self {
        Self { loss, label_smoothing: 0.0 }
    }
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
#[serde(tag = "name", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are Keras' arguments, documented there")]
pub enum Optimizer {
    /// Stochastic gradient descent.
    #[serde(rename = "SGD")]
    Sgd {
        learning_rate: f32,
        #[serde(default)]
        momentum: f32,
        #[serde(default)]
        nesterov: bool,
    },
    /// Kingma & Ba 2015.
    Adam {
        learning_rate: f32,
        #[serde(default = "beta_1")]
        beta_1: f32,
        #[serde(default = "beta_2")]
        beta_2: f32,
        #[serde(default = "epsilon")]
        epsilon: f32,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW {
        learning_rate: f32,
        #[serde(default = "weight_decay")]
        weight_decay: f32,
        #[serde(default = "beta_1")]
        beta_1: f32,
        #[serde(default = "beta_2")]
        beta_2: f32,
        #[serde(default = "epsilon")]
        epsilon: f32,
    },
    /// Tieleman & Hinton 2012.
    #[serde(rename = "RMSprop")]
    RmsProp {
        learning_rate: f32,
        #[serde(default = "rho")]
        rho: f32,
        #[serde(default)]
        momentum: f32,
        #[serde(default = "epsilon")]
        epsilon: f32,
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

    /// Plain stochastic gradient descent with this step size.
    pub fn sgd(learning_rate: f32) -> Self {
        Self::Sgd { learning_rate, momentum: 0.0, nesterov: false }
    }

    /// AdamW with Keras' defaults and this step size.
    pub fn adamw(learning_rate: f32) -> Self {
        Self::AdamW {
            learning_rate,
            weight_decay: weight_decay(),
            beta_1: beta_1(),
            beta_2: beta_2(),
            epsilon: epsilon(),
        }
    }

    /// RMSprop with Keras' defaults and this step size.
    pub fn rmsprop(learning_rate: f32) -> Self {
        Self::RmsProp { learning_rate, rho: rho(), momentum: 0.0, epsilon: epsilon() }
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
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Passes over the training traces.
    pub epochs: u32,
    /// Traces a step.
    pub batch_size: usize,
    /// Draw a new order each epoch. `false` takes the rows as they stand.
    #[serde(default = "shuffle")]
    pub shuffle: bool,
    /// The share of traces that are read up to a random call only, another one in each epoch, so that the scores
    /// of a trace that is not over yet mean something.
    #[serde(default, skip_serializing_if = "is_0")]
    pub prefixes: f32,
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
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are Keras' arguments, documented there")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// `decay_rate ^ (step / decay_steps)`.
    ExponentialDecay { decay_steps: u64, decay_rate: f32 },
    /// Half a cosine from 1 to `alpha` over the whole run, after `warmup_steps` rising from 0.
    CosineDecay {
        #[serde(default)]
        alpha: f32,
        #[serde(default)]
        warmup_steps: u64,
    },
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
    /// The square root of that, scaled so that the mean over the traces stays 1: rare classes weigh more, but do
    /// not drown the others.
    SqrtBalanced,
    /// One weight a class, by name; a class that is not named weighs 1.
    Given(std::collections::BTreeMap<String, f32>),
}

/// Keras' `EarlyStopping`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;
    use crate::spec::{LayerSpec, OtherLayer};

    fn data() -> DataRecord {
        DataRecord {
            source: DataSource {
                paths: vec!["ADFA-LD.zip".into()],
                parts: vec!["training".into(), "attack".into()],
                abi: Some(Abi::I386),
                strict: true,
                ..DataSource::default()
            },
            name: "ADFA-LD.zip".into(),
            fingerprint: "00ff".into(),
            traces: 1579,
            classes: vec!["normal".into(), "adduser".into()],
            abi: "i386".into(),
            training_traces: 1263,
            validation_traces: 316,
        }
    }

    #[test]
    fn round_trip() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        for preset in Preset::ALL {
            let mut config = preset.config();
            config.fit.class_weight = ClassWeight::Given([("normal".to_owned(), 0.5)].into());
            config.fit.schedule = Schedule::CosineDecay { alpha: 0.1, warmup_steps: 10 };
            config.compile.clip_norm = Some(1.0);
            config.fit.early_stopping = Some(EarlyStopping {
                monitor: Monitor::ValAccuracy,
                patience: 5,
                min_delta: 1e-4,
                restore_best_weights: true,
            });
            config.save(&path).unwrap();
            assert_eq!(TrainConfig::load(&path).unwrap(), config);
        }
    }

    #[test]
    fn optimizers_and_schedules() {
        let read = |toml: &str| toml::from_str::<Optimizer>(toml).unwrap();
        assert_eq!(read("name = \"Adam\"\nlearning_rate = 0.01"), Optimizer::adam(0.01));
        assert_eq!(
            read("name = \"SGD\"\nlearning_rate = 1"),
            Optimizer::Sgd { learning_rate: 1.0, momentum: 0.0, nesterov: false }
        );
        let error = toml::from_str::<Optimizer>("name = \"Adam\"\nlerning_rate = 0.01").unwrap_err();
        assert!(error.to_string().contains("unknown field `lerning_rate`"), "{error}");
        let error = toml::from_str::<Schedule>("name = \"linear\"").unwrap_err();
        assert!(error.to_string().contains("expected one of `constant`"), "{error}");
    }

    #[test]
    fn a_record_is_a_configuration_too() {
        let record = RunRecord::new(Preset::Article5.config(), data());
        let text = record.to_toml().unwrap();
        assert_eq!(RunRecord::from_toml(&text).unwrap(), record);
        assert_eq!(TrainConfig::from_toml(&text).unwrap(), record.config);
        let error = RunRecord::from_toml(&record.config.to_toml().unwrap()).unwrap_err();
        assert!(error.to_string().contains("no [data]"), "{error}");
    }

    #[test]
    fn a_foreign_layer_survives_without_its_nulls() {
        let mut config = Preset::Article1.config();
        let keras = r#"{"class_name": "LSTM", "config": {"units": 8, "activation": "relu", "seed": null}}"#;
        config.model.layers[1] = serde_json::from_str::<LayerSpec>(keras).unwrap();
        let read = TrainConfig::from_toml(&config.to_toml().unwrap()).unwrap();
        let Layer::Other(OtherLayer { class_name, config }) = &read.model.layers[1].layer else { panic!() };
        assert_eq!(class_name, "LSTM");
        assert_eq!(config.keys().collect::<Vec<_>>(), ["units", "activation"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let good = Preset::Article5.config().to_toml().unwrap();
        let error = |from: &str, to: &str| {
            let text = good.replace(from, to);
            assert_ne!(text, good, "{from}");
            match TrainConfig::from_toml(&text) {
                Ok(config) => config.check(177, 7).unwrap_err().to_string(),
                Err(error) => error.to_string(),
            }
        };
        let errors = [
            error("batch_size", "batchsize"),
            error("truncating = \"pre\"", "truncating = \"front\""),
            error("name = \"Adam\"", "name = \"Adma\""),
            error("seed = 0\n", "seed = \"zero\"\n"),
            error("units = 64", "unit = 64"),
            error("validation_share = 0.2", "validation_share = 1.2"),
            error("recurrent_dropout = 0.1", "recurrent_dropout = 1.0"),
            error("learning_rate = 0.0001", "learning_rate = -1.0"),
            error("class_name = \"Embedding\"", "class_name = \"Embeddings\""),
        ];
        insta::assert_snapshot!(errors.join("\n---\n"));
        let missing = TrainConfig::load(Path::new("no/such/config.toml")).unwrap_err().to_string();
        assert!(missing.starts_with("no/such/config.toml: "), "{missing}");
    }
}
