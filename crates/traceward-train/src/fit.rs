//! The loop itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use traceward_model::random::derive;
use traceward_model::{Batch, GradientStats, Gradients, Internals, Network, Step};
use traceward_run::TrainConfig;
use traceward_run::classifier::argmax;
use traceward_run::config::Objective;
use traceward_run::history;

use crate::best::Watch;
use crate::checkpoint::{self, Progress, RunState};
use crate::optimizer::global_norm;
use crate::{
    Best, Error, Event, Examples, Observer, OptimizerState, StepEnd, Stopped, class_weight,
    clip_by_global_norm, order, prefixes::Prefixes, schedule,
};

/// What tells the masks from other uses of the run's seed.
const MASKS: u64 = 0x6d61_736b_7300_0000;

/// How a training is steered from outside.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Once true, the run ends after the batch at work: it is saved, and can go on later.
    pub stop: Arc<AtomicBool>,
    /// Where the run is kept; `None` keeps nothing.
    pub checkpoints: Option<Checkpoints>,
    /// Go on from the newest checkpoint instead of beginning.
    pub resume: bool,
    /// End the run when the loss is NaN or infinite. Keras goes on, and so do we unless told otherwise.
    pub stop_on_nan: bool,
}

/// Where and how often a run is kept. It is always kept at the end of an epoch and when it is stopped.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// The directory; made if it is not there.
    pub dir: PathBuf,
    /// Also within an epoch, when so much time has passed since the last.
    pub every: Option<Duration>,
    /// Also within an epoch, after so many steps.
    pub every_steps: Option<u64>,
    /// How many files stay: the newest. Each holds the best epoch's weights too.
    pub keep: usize,
}

impl Checkpoints {
    /// Every 30 seconds, the last two kept.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), every: Some(Duration::from_secs(30)), every_steps: None, keep: 2 }
    }
}

/// What came out of a training.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One row an epoch, those before a resume included.
    pub rows: Vec<history::Epoch>,
    /// The best epoch by the watched column, with its weights; `None` without validation traces.
    pub best: Option<Best>,
    /// Why it ended.
    pub stopped: Stopped,
    /// How long it took, all parts of a resumed run together.
    pub seconds: f64,
}

/// Trains `network` as `config` says and tells `observers`.
///
/// The network ends with the last weights, or, with `restore_best_weights`, the best epoch's. The
/// configuration's spec is not looked at: the network is what was built.
///
/// # Errors
/// If there is nothing to train on, the configuration cannot be used, a trace cannot be read by the
/// network, or a checkpoint cannot be written or does not belong to this run.
pub fn fit(
    network: &mut Network,
    examples: &Examples,
    config: &TrainConfig,
    observers: &mut [&mut dyn Observer],
    control: &Control,
) -> Result<Outcome, Error> {
    if examples.train.is_empty() {
        return Err(Error::NoTraces);
    }
    config.check(network.vocabulary(), examples.classes.len())?;
    if config.fit.early_stopping.is_some() && examples.validation.is_empty() {
        return Err(Error::NothingToWatch);
    }
    let class_weights =
        class_weight::weights(&config.fit.class_weight, examples.train.labels(), &examples.classes)?;
    network.adapt(&examples.train.all());
    let lengths: Vec<usize> = network.parameters().iter().map(|p| p.values.len()).collect();
    let mut state = RunState {
        network,
        optimizer: OptimizerState::new(lengths),
        watch: Watch::new(config.fit.early_stopping.as_ref()),
        progress: Progress::default(),
    };
    let mut resumed_at = None;
    if let (true, Some(checkpoints)) = (control.resume, &control.checkpoints) {
        checkpoint::resume(&checkpoints.dir, &mut state, config, examples)?;
        resumed_at = Some((state.progress.epoch, state.progress.step));
    }
    let mut run = Run {
        examples,
        config,
        control,
        class_weights,
        observers,
        saved: Instant::now(),
        saved_step: state.progress.step,
        evaluated_step: None,
    };
    run.tell(&Event::RunStarted {
        network: state.network,
        epochs: config.fit.epochs,
        steps_per_epoch: run.steps_per_epoch(),
        train: examples.train.len(),
        validation: examples.validation.len(),
        resumed_at,
    });
    let stopped = run.epochs(&mut state)?;
    let restore = config.fit.early_stopping.is_some_and(|e| e.restore_best_weights);
    if let Some(best) = state.watch.best.as_ref().filter(|_| restore) {
        *state.network = best.network.clone();
    }
    run.tell(&Event::Stopped(&stopped));
    Ok(Outcome {
        rows: state.progress.rows,
        best: state.watch.best,
        stopped,
        seconds: state.progress.seconds,
    })
}

/// What does not change while a run goes on, and its observers.
struct Run<'a, 'o> {
    examples: &'a Examples,
    config: &'a TrainConfig,
    control: &'a Control,
    class_weights: Option<Vec<f32>>,
    observers: &'a mut [&'o mut dyn Observer],
    saved: Instant,
    saved_step: u64,
    /// The last step whose batch was looked at by moving statistics too.
    evaluated_step: Option<u64>,
}

impl Run<'_, '_> {
    fn tell(&mut self, event: &Event<'_>) {
        self.observers.iter_mut().for_each(|observer| observer.event(event));
    }

    fn steps_per_epoch(&self) -> u64 {
        self.examples.train.len().div_ceil(self.config.fit.batch_size) as u64
    }

    fn interrupted(&self) -> bool {
        self.control.stop.load(Ordering::Relaxed)
    }

    fn epochs(&mut self, state: &mut RunState<'_>) -> Result<Stopped, Error> {
        let early = |state: &RunState<'_>| {
            let best_epoch = state.watch.best.as_ref().map_or(0, |best| best.epoch);
            Stopped::EarlyStopping { best_epoch }
        };
        if state.progress.stopped_early {
            return Ok(early(state));
        }
        while state.progress.epoch < self.config.fit.epochs {
            if self.interrupted() {
                self.save(state)?;
                return Ok(Stopped::Interrupted);
            }
            if let Some(stopped) = self.epoch(state)? {
                return Ok(stopped);
            }
            if state.progress.stopped_early {
                return Ok(early(state));
            }
        }
        Ok(Stopped::Finished)
    }

    /// What is left of an epoch, its validation, and its checkpoint.
    fn epoch(&mut self, state: &mut RunState<'_>) -> Result<Option<Stopped>, Error> {
        let epoch = state.progress.epoch;
        let fit = &self.config.fit;
        let (began, seconds_before) =
            (Instant::now(), (state.progress.epoch_seconds, state.progress.seconds));
        let clock = |progress: &mut Progress| {
            let passed = began.elapsed().as_secs_f64();
            progress.epoch_seconds = seconds_before.0 + passed;
            progress.seconds = seconds_before.1 + passed;
        };
        self.tell(&Event::EpochStarted { epoch });
        let batches =
            order::batches(&self.examples.train, fit.batch_size, fit.shuffle, self.config.seed, epoch);
        let mut told_not_finite = false;
        while let Some(traces) = batches.get(state.progress.batch as usize) {
            let end = self.step(state, traces, batches.len() as u64)?;
            clock(&mut state.progress);
            let finite = end.row.loss.is_finite() && end.row.gradient_norm.is_none_or(f64::is_finite);
            self.tell(&Event::StepEnded(&end));
            if !finite && !told_not_finite {
                told_not_finite = true;
                self.tell(&Event::NotFinite { epoch, step: end.row.step });
            }
            if !finite && self.control.stop_on_nan {
                self.save(state)?;
                return Ok(Some(Stopped::NotFinite));
            }
            if self.interrupted() {
                self.save(state)?;
                return Ok(Some(Stopped::Interrupted));
            }
            if self.is_due(state) {
                self.save(state)?;
            }
        }

        let mut row = history::Epoch {
            epoch,
            accuracy: state.progress.correct as f64 / state.progress.traces as f64,
            loss: state.progress.loss_sum / state.progress.traces as f64,
            val_accuracy: None,
            val_loss: None,
            learning_rate: f64::from(self.learning_rate(state.progress.step.saturating_sub(1), epoch)),
            seconds: 0.0,
        };
        if !self.examples.validation.is_empty() {
            let (accuracy, loss) = self.validate(state.network)?;
            (row.val_accuracy, row.val_loss) = (Some(accuracy), Some(loss));
        }
        clock(&mut state.progress);
        row.seconds = state.progress.epoch_seconds;
        state.progress.rows.push(row);
        state.progress.stopped_early = state.watch.epoch_ended(&row, state.network);
        let Progress { step, seconds, stopped_early, .. } = state.progress;
        let rows = std::mem::take(&mut state.progress.rows);
        state.progress =
            Progress { epoch: epoch + 1, step, seconds, stopped_early, rows, ..Progress::default() };
        // The row before the checkpoint: a history that is one row ahead is cut when the run goes on,
        // one that lacks a row would lack it for ever.
        self.tell(&Event::EpochEnded(&row));
        self.save(state)?;
        Ok(None)
    }

    fn learning_rate(&self, step: u64, epoch: u32) -> f32 {
        let fit = &self.config.fit;
        let steps = u64::from(fit.epochs) * self.steps_per_epoch();
        let factor = schedule::factor(&fit.schedule, step, epoch, steps);
        (f64::from(self.config.compile.optimizer.learning_rate()) * factor) as f32
    }

    fn step(&mut self, state: &mut RunState<'_>, traces: &[u32], batches: u64) -> Result<StepEnd, Error> {
        let began = Instant::now();
        let train = &self.examples.train;
        let Progress { epoch, batch: number, step, .. } = state.progress;
        let prefixes = Prefixes::new(self.config.seed, epoch, self.config.fit.prefixes);
        let members: Vec<&[u32]> = traces.iter().map(|&t| prefixes.of(t, train.get(t as usize))).collect();
        let keys: Vec<u64> = traces.iter().map(|&t| t.into()).collect();
        let labels: Vec<u32> = traces.iter().map(|&t| train.labels()[t as usize]).collect();
        let of_class = |weights: &Vec<f32>| labels.iter().map(|&l| weights[l as usize]).collect::<Vec<f32>>();
        let weights = self.class_weights.as_ref().map(of_class);
        let batch = Batch::new(&members, &keys)?;
        let inspect = self.observers.iter().any(|observer| observer.wants_internals(step));
        let mut found = state.network.gradients(&Step {
            batch: &batch,
            labels: &labels,
            weights: weights.as_deref(),
            loss: self.config.compile.objective(),
            mask_seed: derive(derive(self.config.seed, MASKS), step),
            inspect,
        })?;

        let before = match inspect {
            true => {
                let evaluate = self.evaluates(state.network, step).then_some(self.config.compile.objective());
                Some(Before::look(state.network, &found, &members, &labels, evaluate)?)
            }
            false => None,
        };
        let gradient_norm = match self.config.compile.clip_norm {
            Some(limit) => clip_by_global_norm(&mut found.gradients, limit),
            None => global_norm(&found.gradients),
        };
        let learning_rate = self.learning_rate(step, epoch);
        let optimizer = &self.config.compile.optimizer;
        state.optimizer.step(optimizer, learning_rate, state.network.values_mut(), &found.gradients);
        state.network.follow(&mut found);
        let internals = before.map(|before| before.internals(state.network, &mut found));

        let classes = state.network.classes();
        let right =
            found.outputs.chunks_exact(classes).zip(&labels).filter(|(row, label)| argmax(row) == **label);
        let right = right.count();
        let progress = &mut state.progress;
        progress.loss_sum += f64::from(found.loss) * traces.len() as f64;
        progress.correct += right as u64;
        progress.traces += traces.len() as u64;
        progress.batch += 1;
        progress.step += 1;
        Ok(StepEnd {
            row: history::Step {
                step,
                epoch,
                accuracy: right as f64 / traces.len() as f64,
                loss: found.loss.into(),
                learning_rate: learning_rate.into(),
                gradient_norm: Some(gradient_norm),
            },
            batch: number,
            batches,
            traces: traces.len(),
            calls: batch.calls(),
            running_loss: progress.loss_sum / progress.traces as f64,
            running_accuracy: progress.correct as f64 / progress.traces as f64,
            seconds: began.elapsed().as_secs_f64(),
            internals,
        })
    }

    /// Whether a look at `step` takes in the loss by moving statistics: it costs a pass through the network,
    /// so it is made three times an epoch at most.
    fn evaluates(&mut self, network: &Network, step: u64) -> bool {
        let apart = (self.steps_per_epoch() / 3).max(16);
        let due = self.evaluated_step.is_none_or(|last| step >= last + apart);
        let evaluates = due && network.has_moving_statistics();
        if evaluates {
            self.evaluated_step = Some(step);
        }
        evaluates
    }

    /// Accuracy and mean loss over the validation traces.
    fn validate(&self, network: &Network) -> Result<(f64, f64), Error> {
        let validation = &self.examples.validation;
        let labels = validation.labels();
        let (predictions, losses) =
            network.evaluate(&validation.all(), labels, self.config.compile.objective())?;
        let right = predictions.best().iter().zip(labels).filter(|(a, b)| a == b).count();
        let count = labels.len() as f64;
        Ok((right as f64 / count, losses.iter().map(|&l| f64::from(l)).sum::<f64>() / count))
    }

    fn is_due(&self, state: &RunState<'_>) -> bool {
        self.control.checkpoints.as_ref().is_some_and(|checkpoints| {
            let steps = state.progress.step - self.saved_step;
            checkpoints.every.is_some_and(|every| self.saved.elapsed() >= every)
                || checkpoints.every_steps.is_some_and(|every| steps >= every)
        })
    }

    fn save(&mut self, state: &RunState<'_>) -> Result<(), Error> {
        let Some(checkpoints) = &self.control.checkpoints else { return Ok(()) };
        let path = checkpoint::save(&checkpoints.dir, checkpoints.keep, state, self.config, self.examples)?;
        (self.saved, self.saved_step) = (Instant::now(), state.progress.step);
        self.tell(&Event::Checkpointed { path: &path });
        Ok(())
    }
}

/// What is kept from before a step that is looked at from inside.
struct Before {
    network: Network,
    gradients: Vec<Option<GradientStats>>,
    evaluated_loss: Option<f64>,
    /// Time that the look has taken so far.
    seconds: f64,
}

impl Before {
    fn look(
        network: &Network,
        found: &Gradients,
        members: &[&[u32]],
        labels: &[u32],
        evaluate: Option<Objective>,
    ) -> Result<Self, Error> {
        let began = Instant::now();
        let evaluated_loss = match evaluate {
            Some(loss) => {
                let (_, losses) = network.evaluate(members, labels, loss)?;
                Some(losses.iter().map(|&l| f64::from(l)).sum::<f64>() / losses.len().max(1) as f64)
            }
            None => None,
        };
        let of = |gradient: &Option<Vec<f32>>| gradient.as_deref().map(GradientStats::of);
        let gradients = found.gradients.iter().map(of).collect();
        let network = network.clone();
        let seconds = found.look_seconds + began.elapsed().as_secs_f64();
        Ok(Self { network, gradients, evaluated_loss, seconds })
    }

    fn internals(self, after: &Network, found: &mut Gradients) -> Internals {
        let began = Instant::now();
        let weights = after.weights_after(&self.network, &self.gradients);
        Internals {
            weights,
            activations: std::mem::take(&mut found.activations),
            evaluated_loss: self.evaluated_loss,
            seconds: self.seconds + began.elapsed().as_secs_f64(),
        }
    }
}
