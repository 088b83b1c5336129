//! Checkpoints: all that a run needs to go on as if nothing had happened.
//!
//! One safetensors file with weights, optimizer state and the best epoch's weights, and a JSON document
//! with everything else. It is written whole or not at all, so whatever moment a run is killed at, the
//! newest file is sound. Floating-point numbers in the document stand as their bits: text would lose NaN,
//! and a last digit.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use traceward_model::Network;
use traceward_run::TrainConfig;
use traceward_run::config::Schedule;
use traceward_run::history;
use traceward_run::tensors::{self, FileError, TensorRef};

use crate::best::{Best, Watch};
use crate::{Error, Examples, OptimizerState};

/// The version of the layout.
const FORMAT: u32 = 1;

/// Where a run stands, apart from its weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    /// The epoch at work, from 0; as many as asked for when all are done.
    pub(crate) epoch: u32,
    /// Batches of it that are done.
    pub(crate) batch: u64,
    /// Steps made in the whole run.
    pub(crate) step: u64,
    /// Sum over this epoch's traces of their batch's loss.
    pub(crate) loss_sum: f64,
    /// This epoch's traces whose class was right.
    pub(crate) correct: u64,
    /// This epoch's traces so far.
    pub(crate) traces: u64,
    /// Seconds that this epoch took so far.
    pub(crate) epoch_seconds: f64,
    /// Seconds that the run took so far.
    pub(crate) seconds: f64,
    /// The epochs that are done.
    pub(crate) rows: Vec<history::Epoch>,
    /// Whether early stopping has ended the run.
    pub(crate) stopped_early: bool,
}

/// Everything that changes while a run goes on.
pub(crate) struct RunState<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) optimizer: OptimizerState,
    pub(crate) watch: Watch,
    pub(crate) progress: Progress,
}

/// A number as its bits.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
struct Bits(u64);

impl From<f64> for Bits {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl From<Bits> for f64 {
    fn from(bits: Bits) -> Self {
        Self::from_bits(bits.0)
    }
}

#[derive(Serialize, Deserialize)]
struct Row {
    epoch: u32,
    accuracy: Bits,
    loss: Bits,
    val_accuracy: Option<Bits>,
    val_loss: Option<Bits>,
    learning_rate: Bits,
    seconds: Bits,
}

impl From<&history::Epoch> for Row {
    fn from(row: &history::Epoch) -> Self {
        Self {
            epoch: row.epoch,
            accuracy: row.accuracy.into(),
            loss: row.loss.into(),
            val_accuracy: row.val_accuracy.map(Bits::from),
            val_loss: row.val_loss.map(Bits::from),
            learning_rate: row.learning_rate.into(),
            seconds: row.seconds.into(),
        }
    }
}

impl From<Row> for history::Epoch {
    fn from(row: Row) -> Self {
        Self {
            epoch: row.epoch,
            accuracy: row.accuracy.into(),
            loss: row.loss.into(),
            val_accuracy: row.val_accuracy.map(f64::from),
            val_loss: row.val_loss.map(f64::from),
            learning_rate: row.learning_rate.into(),
            seconds: row.seconds.into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    identity: Identity,
    epoch: u32,
    batch: u64,
    step: u64,
    loss_sum: Bits,
    correct: u64,
    traces: u64,
    epoch_seconds: Bits,
    seconds: Bits,
    rows: Vec<Row>,
    stopped_early: bool,
    waited: u32,
    best: Option<(u32, Bits)>,
    optimizer_steps: u64,
}

/// What must be the same for a run to go on.
#[derive(PartialEq, Serialize, Deserialize)]
struct Identity {
    config: String,
    fingerprint: String,
    classes: Vec<String>,
    train: usize,
    validation: usize,
}

impl Identity {
    fn of(config: &TrainConfig, examples: &Examples) -> Self {
        let mut config = config.clone();
        // A run may be asked to go on for longer, unless its step size depends on when it ends.
        if !matches!(config.fit.schedule, Schedule::CosineDecay { .. }) {
            config.fit.epochs = 0;
        }
        Self {
            config: serde_json::to_string(&config).unwrap_or_default(),
            fingerprint: examples.fingerprint.clone(),
            classes: examples.classes.clone(),
            train: examples.train.len(),
            validation: examples.validation.len(),
        }
    }

    /// What differs, if anything does.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.config != other.config {
            return Some("the configuration");
        }
        if self.fingerprint != other.fingerprint || self.classes != other.classes {
            return Some("the data");
        }
        let split = self.train != other.train || self.validation != other.validation;
        split.then_some("the split")
    }
}

/// Checkpoints of one directory, newest first.
pub(crate) fn list(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |error| Error::Io { action: "list", path: dir.to_owned(), error };
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let step = name.strip_prefix("step-").and_then(|n| n.strip_suffix(".safetensors"));
        if let Some(step) = step.and_then(|s| s.parse::<u64>().ok()) {
            found.push((step, path));
        }
    }
    found.sort();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

/// Writes the run as it stands, and removes all but the newest `keep` checkpoints.
pub(crate) fn save(
    dir: &Path,
    keep: usize,
    state: &RunState<'_>,
    config: &TrainConfig,
    examples: &Examples,
) -> Result<PathBuf, Error> {
    fs::create_dir_all(dir).map_err(|error| Error::Io { action: "make", path: dir.to_owned(), error })?;
    let RunState { network, optimizer, watch, progress } = state;
    let document = Document {
        format: FORMAT,
        identity: Identity::of(config, examples),
        epoch: progress.epoch,
        batch: progress.batch,
        step: progress.step,
        loss_sum: progress.loss_sum.into(),
        correct: progress.correct,
        traces: progress.traces,
        epoch_seconds: progress.epoch_seconds.into(),
        seconds: progress.seconds.into(),
        rows: progress.rows.iter().map(Row::from).collect(),
        stopped_early: progress.stopped_early,
        waited: watch.waited,
        best: watch.best.as_ref().map(|best| (best.epoch, best.value.into())),
        optimizer_steps: optimizer.steps,
    };
    let document = serde_json::to_string(&document).unwrap_or_default();

    let mut arrays: Vec<(String, &[usize], &[f32])> = Vec::new();
    for (place, p) in network.parameters().iter().enumerate() {
        arrays.push((format!("weights/{}", p.name), &p.shape, &p.values));
        arrays.push((format!("first/{}", p.name), &p.shape, &optimizer.first[place]));
        arrays.push((format!("second/{}", p.name), &p.shape, &optimizer.second[place]));
    }
    if let Some(best) = &watch.best {
        let best = best.network.parameters().iter();
        arrays.extend(best.map(|p| (format!("best/{}", p.name), p.shape.as_slice(), p.values.as_slice())));
    }
    let arrays: Vec<TensorRef<'_>> =
        arrays.iter().map(|(name, shape, values)| TensorRef { name, shape, values }).collect();
    let path = dir.join(format!("step-{:010}.safetensors", progress.step));
    tensors::write(&path, &document, &arrays)?;
    for old in list(dir)?.into_iter().skip(keep.max(1)) {
        // A checkpoint that cannot be removed costs space, and nothing else.
        let _ = fs::remove_file(old);
    }
    Ok(path)
}

/// Puts the run where the newest sound checkpoint of `dir` left it.
pub(crate) fn resume(
    dir: &Path,
    state: &mut RunState<'_>,
    config: &TrainConfig,
    examples: &Examples,
) -> Result<PathBuf, Error> {
    let mut first_error = None;
    for path in list(dir)? {
        match load(&path, state, config, examples) {
            Ok(()) => return Ok(path),
            Err(error @ Error::OtherRun { .. }) => return Err(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| Error::NothingToResume { path: dir.to_owned() }))
}

fn load(
    path: &Path,
    state: &mut RunState<'_>,
    config: &TrainConfig,
    examples: &Examples,
) -> Result<(), Error> {
    let bad = |reason: String| FileError::NotAModel { path: path.to_owned(), reason };
    let (document, arrays) = tensors::read(path)?;
    let document: Document =
        serde_json::from_str(&document).map_err(|e| bad(format!("no checkpoint of this version: {e}")))?;
    if document.format != FORMAT {
        return Err(bad(format!("its format is {}, and this version reads {FORMAT}", document.format)).into());
    }
    if let Some(what) = document.identity.difference(&Identity::of(config, examples)) {
        return Err(Error::OtherRun { path: path.to_owned(), what });
    }

    let (mut weights, mut first, mut second, mut best) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, shape, values) in arrays {
        let (kind, name) = name.split_once('/').unwrap_or_default();
        let into = match kind {
            "weights" => &mut weights,
            "first" => &mut first,
            "second" => &mut second,
            "best" => &mut best,
            _ => return Err(bad(format!("it holds something else: {kind}/{name}")).into()),
        };
        into.push((name.to_owned(), shape, values));
    }
    // Each set is checked as weights are: all names there, all shapes right.
    let checked = |arrays| -> Result<Network, traceward_model::Error> {
        let mut network = state.network.clone();
        network.load(arrays)?;
        Ok(network)
    };
    let values = |network: Network| network.parameters().iter().map(|p| p.values.clone()).collect();
    let optimizer = OptimizerState {
        steps: document.optimizer_steps,
        first: values(checked(first)?),
        second: values(checked(second)?),
    };
    let best = match document.best {
        Some((epoch, value)) => Some(Best { epoch, value: value.into(), network: checked(best)? }),
        None => None,
    };
    *state.network = checked(weights)?;
    state.optimizer = optimizer;
    state.watch.best = best;
    state.watch.waited = document.waited;
    state.progress = Progress {
        epoch: document.epoch,
        batch: document.batch,
        step: document.step,
        loss_sum: document.loss_sum.into(),
        correct: document.correct,
        traces: document.traces,
        epoch_seconds: document.epoch_seconds.into(),
        seconds: document.seconds.into(),
        rows: document.rows.into_iter().map(history::Epoch::from).collect(),
        stopped_early: document.stopped_early,
    };
    Ok(())
}
