//! Probes: short runs, seconds long, that tell before a long one whether it can work.
//!
//! Each starts from a network as it was built and leaves that one as it is. They use the training's own
//! network, data, loss and optimizer, and take the data shuffled whatever the training does: a probe of the
//! order of the rows is none of these. What the numbers mean is not said here; the doctor reads them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use traceward_model::random::derive;
use traceward_model::{Batch, Network, Step};
use traceward_run::TrainConfig;
use traceward_run::classifier::argmax;
use traceward_run::config::{Loss, Optimizer};
use traceward_run::probe::{GradientCheck, InputMatters, Overfit, RangeTest, StartLoss};
use traceward_run::spec::{Activation, Layer};
use traceward_trace::rng::Rng;

use crate::{Error, Examples, OptimizerState, Traces, clip_by_global_norm, order};

/// What tells the probes' random numbers from other uses of the run's seed.
const SALT: u64 = 0x7072_6f62_6500_0000;
/// Items whose loss is taken before the first step.
const START_ITEMS: usize = 256;
/// Items to learn by heart.
const OVERFIT_ITEMS: usize = 32;
/// Steps to learn them in.
const OVERFIT_STEPS: u64 = 1000;
/// Items whose inputs are permuted, and how often.
const INPUT_ITEMS: usize = 100;
const PERMUTATIONS: usize = 99;
/// Steps before the inputs are permuted: enough to learn something, if there is something.
const INPUT_STEPS: u64 = 60;
/// The range test: from where to where, in how many steps.
const RANGE: (f64, f64) = (1e-6, 1.0);
const RANGE_STEPS: usize = 100;
/// How much of the smoothed loss is the past's.
const SMOOTHING: f64 = 0.8;
/// Items of the gradient check.
const CHECK_ITEMS: usize = 8;
/// Its longest move changes the loss by about this, or goes this far; the others are parts of that.
const CHECK_CHANGE: f64 = 1e-2;
const CHECK_WAY: f64 = 0.1;
/// Smaller gradients are not to be told from the rounding of the loss.
const CHECK_NORM: f64 = 5e-3;
const CHECK_PARTS: [f64; 4] = [1.0, 0.3, 0.1, 0.03];

/// What probes look at: a network as it is before the first step, and the training that is planned for it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The network; left as it is.
    pub network: &'a Network,
    /// The data.
    pub examples: &'a Examples,
    /// The plan.
    pub config: &'a TrainConfig,
    /// Once true, a probe ends at the next step.
    pub stop: &'a AtomicBool,
}

/// A network in training, without any bookkeeping.
struct Run<'a> {
    subject: Subject<'a>,
    network: Network,
    optimizer: OptimizerState,
    settings: Optimizer,
    step: u64,
}

impl<'a> Run<'a> {
    fn new(subject: Subject<'a>, network: Network) -> Self {
        let lengths: Vec<usize> = network.parameters().iter().map(|p| p.values.len()).collect();
        let settings = subject.config.compile.optimizer;
        Self { subject, network, optimizer: OptimizerState::new(lengths), settings, step: 0 }
    }

    /// One step on these traces; loss and how many were right, both before it.
    fn step(&mut self, traces: &Traces, members: &[u32], rate: f64) -> Result<(f64, usize), Error> {
        let tokens: Vec<&[u32]> = members.iter().map(|&t| traces.get(t as usize)).collect();
        let keys: Vec<u64> = members.iter().map(|&t| t.into()).collect();
        let labels: Vec<u32> = members.iter().map(|&t| traces.labels()[t as usize]).collect();
        let batch = Batch::new(&tokens, &keys)?;
        let mut found = self.network.gradients(&Step {
            batch: &batch,
            labels: &labels,
            weights: None,
            loss: self.subject.config.compile.objective(),
            mask_seed: derive(self.subject.config.seed ^ SALT, self.step),
            inspect: false,
        })?;
        if let Some(limit) = self.subject.config.compile.clip_norm {
            clip_by_global_norm(&mut found.gradients, limit);
        }
        self.optimizer.step(&self.settings, rate as f32, self.network.values_mut(), &found.gradients);
        self.network.follow(&mut found);
        self.step += 1;
        let rows = found.outputs.chunks_exact(self.network.classes()).zip(&labels);
        Ok((found.loss.into(), rows.filter(|(row, label)| argmax(row) == **label).count()))
    }
}

impl Subject<'_> {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn rate(&self) -> f64 {
        self.config.compile.optimizer.learning_rate().into()
    }

    /// The loss before the first step, over items taken evenly from all.
    ///
    /// # Errors
    /// If there is nothing to train on, or the network cannot read a trace.
    pub fn start_loss(&self) -> Result<StartLoss, Error> {
        let train = &self.examples.train;
        if train.is_empty() {
            return Err(Error::NoTraces);
        }
        let every = train.len().div_ceil(START_ITEMS);
        let items: Vec<usize> = (0..train.len()).step_by(every).collect();
        let tokens: Vec<&[u32]> = items.iter().map(|&at| train.get(at)).collect();
        let labels: Vec<u32> = items.iter().map(|&at| train.labels()[at]).collect();
        let loss = self.config.compile.loss;
        let (_, losses) = self.network.evaluate(&tokens, &labels, loss)?;
        let (expected, formula) =
            expected_start(loss, output_activation(self.network), self.network.classes());
        Ok(StartLoss { loss: mean(&losses), expected, formula, items: items.len() })
    }

    /// Trains on one small batch, the same at each step and without dropout, until it is learned by heart,
    /// 1000 steps are made, or `time` has passed.
    ///
    /// # Errors
    /// As [`Self::start_loss`].
    pub fn overfit(&self, rate: Option<f64>, time: Duration) -> Result<Overfit, Error> {
        let train = &self.examples.train;
        let items = some_of_each_class(train, OVERFIT_ITEMS, self.config.seed);
        if items.is_empty() {
            return Err(Error::NoTraces);
        }
        let learning_rate = rate.unwrap_or_else(|| self.rate());
        let mut run = Run::new(*self, without_dropout(self.network)?);
        if let Optimizer::AdamW { weight_decay, .. } = &mut run.settings {
            *weight_decay = 0.0;
        }
        let began = Instant::now();
        let (mut curve, mut start_loss) = (Vec::new(), f64::NAN);
        loop {
            let made = run.step;
            let (loss, right) = run.step(train, &items, learning_rate)?;
            if made == 0 {
                start_loss = loss;
            }
            let accuracy = right as f64 / items.len() as f64;
            let learned = accuracy >= 1.0 && loss <= 0.04 * start_loss;
            let late = began.elapsed() >= time || self.stopped();
            let over = learned || made >= OVERFIT_STEPS || late || !loss.is_finite();
            if over || made.is_multiple_of(10) {
                curve.push((made, loss));
            }
            if over {
                let mut classes: Vec<u32> = items.iter().map(|&at| train.labels()[at as usize]).collect();
                classes.sort_unstable();
                classes.dedup();
                return Ok(Overfit {
                    items: items.len(),
                    classes: classes.len(),
                    steps: made,
                    start_loss,
                    end_loss: loss,
                    accuracy,
                    // No two items are alike, so all can be right.
                    ceiling: 1.0,
                    learning_rate,
                    curve,
                    cut_short: late && !learned,
                });
            }
        }
    }

    /// Trains for a few steps, then compares the loss with that of permuted inputs.
    ///
    /// # Errors
    /// As [`Self::start_loss`].
    pub fn input_matters(&self, rate: Option<f64>) -> Result<InputMatters, Error> {
        let train = &self.examples.train;
        let items = some_of_each_class(train, INPUT_ITEMS, self.config.seed ^ 1);
        if items.is_empty() {
            return Err(Error::NoTraces);
        }
        let learning_rate = rate.unwrap_or_else(|| self.rate());
        let mut run = Run::new(*self, self.network.clone());
        for members in self.shuffled_batches().take(INPUT_STEPS as usize) {
            if self.stopped() {
                break;
            }
            run.step(train, &members, learning_rate)?;
        }
        // The loss of each item under each label: a permutation of inputs is one of labels then.
        let tokens: Vec<&[u32]> = items.iter().map(|&at| train.get(at as usize)).collect();
        let mut labels: Vec<u32> = items.iter().map(|&at| train.labels()[at as usize]).collect();
        let mut by_label = BTreeMap::new();
        let mut distinct = labels.clone();
        distinct.sort_unstable();
        distinct.dedup();
        for label in distinct {
            let all = vec![label; items.len()];
            let (_, losses) = run.network.evaluate(&tokens, &all, self.config.compile.loss)?;
            by_label.insert(label, losses);
        }
        let loss_of = |labels: &[u32]| {
            let losses = labels.iter().enumerate().filter_map(|(at, label)| Some(by_label.get(label)?[at]));
            mean(&losses.collect::<Vec<f32>>())
        };
        let own = loss_of(&labels);
        let mut rng = Rng::new(self.config.seed ^ SALT);
        let permuted: Vec<f64> = (0..PERMUTATIONS)
            .map(|_| {
                rng.shuffle(&mut labels);
                loss_of(&labels)
            })
            .collect();
        // NaN is never better than NaN.
        let not_worse = permuted.iter().filter(|&&loss| loss.is_nan() || loss <= own).count();
        Ok(InputMatters {
            items: items.len(),
            steps: run.step,
            own,
            permuted: permuted.iter().sum::<f64>() / PERMUTATIONS as f64,
            permutations: PERMUTATIONS,
            p: (not_worse + 1) as f64 / (PERMUTATIONS + 1) as f64,
        })
    }

    /// A hundred steps with learning rates from 0.000001 to 1, each 1.15 times the one before (Smith, WACV
    /// 2017). The loss is smoothed as a running mean; where it falls most steeply over the logarithm of the
    /// rate, before its minimum, divided by 3, is what is suggested.
    ///
    /// # Errors
    /// As [`Self::start_loss`].
    pub fn range_test(&self) -> Result<RangeTest, Error> {
        if self.examples.train.is_empty() {
            return Err(Error::NoTraces);
        }
        let mut run = Run::new(*self, self.network.clone());
        let growth = (RANGE.1 / RANGE.0).powf(1.0 / (RANGE_STEPS - 1) as f64);
        let (mut rate, mut average, mut best) = (RANGE.0, 0.0, f64::INFINITY);
        let mut points = Vec::with_capacity(RANGE_STEPS);
        for members in self.shuffled_batches().take(RANGE_STEPS) {
            if self.stopped() {
                break;
            }
            let (loss, _) = run.step(&self.examples.train, &members, rate)?;
            average = SMOOTHING * average + (1.0 - SMOOTHING) * loss;
            let smooth = average / (1.0 - SMOOTHING.powi(points.len() as i32 + 1));
            if !smooth.is_finite() {
                break;
            }
            points.push((rate, smooth));
            best = best.min(smooth);
            if smooth > 4.0 * best && points.len() > 10 {
                break;
            }
            rate *= growth;
        }
        // As it was typed: 0.01, not the single precision's 0.009999999776.
        let current = self.config.compile.optimizer.learning_rate().to_string().parse().unwrap_or(f64::NAN);
        Ok(RangeTest { current: Some(current), ..read_range(points) })
    }

    /// Compares, for each weight array, the slope of the loss along its gradient with that gradient's norm,
    /// by central differences. Arrays whose gradient is too small to be seen in a loss of single precision
    /// are passed over.
    ///
    /// # Errors
    /// As [`Self::start_loss`].
    pub fn gradient_check(&self) -> Result<GradientCheck, Error> {
        let train = &self.examples.train;
        let items = some_of_each_class(train, CHECK_ITEMS, self.config.seed ^ 2);
        let network = without_dropout(self.network)?;
        let tokens: Vec<&[u32]> = items.iter().map(|&at| train.get(at as usize)).collect();
        let keys: Vec<u64> = items.iter().map(|&at| at.into()).collect();
        let labels: Vec<u32> = items.iter().map(|&at| train.labels()[at as usize]).collect();
        let batch = Batch::new(&tokens, &keys)?;
        let step = Step {
            batch: &batch,
            labels: &labels,
            weights: None,
            loss: self.config.compile.objective(),
            mask_seed: 0,
            inspect: false,
        };
        let found = network.gradients(&step)?;
        let mut check = GradientCheck { items: items.len(), weights: 0, worst: 0.0, name: String::new() };
        for (place, gradient) in found.gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let norm = traceward_model::norm(gradient);
            if norm < CHECK_NORM {
                continue;
            }
            let loss_at = |way: f64| -> Result<f64, Error> {
                let mut moved = network.clone();
                if let Some(values) = moved.values_mut().nth(place) {
                    let pairs = values.iter_mut().zip(gradient);
                    pairs.for_each(|(w, g)| *w += (way * f64::from(*g) / norm) as f32);
                }
                Ok(moved.gradients(&step)?.loss.into())
            };
            // A relu that bends on the way makes an error that shrinks with the way; a wrong derivative
            // makes one that stays. So the smallest counts.
            let mut error = f64::INFINITY;
            for part in CHECK_PARTS {
                let way = part * (CHECK_CHANGE / norm).min(CHECK_WAY);
                let slope = (loss_at(way)? - loss_at(-way)?) / (2.0 * way);
                error = error.min((slope - norm).abs() / norm.max(slope.abs()));
            }
            check.weights += gradient.len();
            if error > check.worst || check.name.is_empty() {
                check.worst = error;
                check.name.clone_from(&network.parameters()[place].name);
            }
        }
        Ok(check)
    }

    /// Batches without end, each pass over the data in another order.
    fn shuffled_batches(&self) -> impl Iterator<Item = Vec<u32>> {
        let (train, size, seed) = (&self.examples.train, self.config.fit.batch_size, self.config.seed ^ SALT);
        (0..).flat_map(move |epoch| order::batches(train, size, true, seed, epoch))
    }
}

/// What a range test says.
fn read_range(points: Vec<(f64, f64)>) -> RangeTest {
    let lowest = points.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(at, _)| at);
    let Some(lowest) = lowest else { return RangeTest::default() };
    let (first, least) = (points[0].1, points[lowest].1);
    let bound = points[lowest..].iter().find(|(_, loss)| *loss > 2.0 * least).map(|(rate, _)| *rate);
    // A slope over five points: one step's loss is noise.
    const SPAN: usize = 4;
    let slopes = (SPAN..=lowest).map(|at| (at, (points[at - SPAN].1 - points[at].1) / SPAN as f64));
    let steepest = slopes.max_by(|a, b| a.1.total_cmp(&b.1));
    // A loss that never left the noise of its start fell nowhere.
    let fell = (first - least) > 0.05 * first.abs();
    let steepest = steepest.filter(|(_, slope)| fell && *slope > 0.0).map(|(at, _)| points[at - SPAN / 2].0);
    RangeTest { points, steepest, suggested: steepest.map(|rate| rate / 3.0), bound, current: None }
}

/// The loss of outputs that are all alike, and how it comes about.
fn expected_start(loss: Loss, activation: Activation, classes: usize) -> (f64, String) {
    let k = classes as f64;
    match (loss, activation) {
        (Loss::CategoricalCrossentropy | Loss::SparseCategoricalCrossentropy, _) => {
            (k.ln(), format!("ln {classes}"))
        }
        (Loss::BinaryCrossentropy, Activation::Softmax) => {
            let each = 1.0 / k;
            let loss = -(each.ln() + (k - 1.0) * (1.0 - each).ln()) / k;
            (loss, format!("the entropy of 1 in {classes}, once a class"))
        }
        (Loss::BinaryCrossentropy, _) => (std::f64::consts::LN_2, "ln 2".into()),
        (Loss::MeanSquaredError, Activation::Softmax) => {
            ((k - 1.0) / (k * k), format!("{}/{}", classes.saturating_sub(1), classes * classes))
        }
        (Loss::MeanSquaredError, Activation::Sigmoid) => (0.25, "1/4".into()),
        (Loss::MeanSquaredError, _) => (1.0 / k, format!("1/{classes}")),
    }
}

fn output_activation(network: &Network) -> Activation {
    match network.spec().layers.last().map(|spec| &spec.layer) {
        Some(Layer::Dense { activation, .. } | Layer::Activation { activation }) => *activation,
        _ => Activation::Linear,
    }
}

/// The same network, same weights, with every dropout at 0.
fn without_dropout(network: &Network) -> Result<Network, Error> {
    let mut spec = network.spec().clone();
    fn strip(layer: &mut Layer) {
        match layer {
            Layer::Dropout { rate } | Layer::SpatialDropout1D { rate } => *rate = 0.0,
            Layer::Lstm(recurrent) | Layer::Gru(recurrent) => {
                (recurrent.dropout, recurrent.recurrent_dropout) = (0.0, 0.0);
            }
            Layer::Bidirectional { layer, .. } => strip(layer),
            Layer::Concatenate { branches } => {
                branches.iter_mut().flatten().for_each(|spec| strip(&mut spec.layer));
            }
            _ => {}
        }
    }
    spec.layers.iter_mut().for_each(|spec| strip(&mut spec.layer));
    let weights = network.parameters().iter().map(|p| (p.name.clone(), p.shape.clone(), p.values.clone()));
    Ok(Network::with_weights(&spec, network.vocabulary(), network.classes(), weights.collect())?)
}

/// Up to `count` traces, no two alike, one of each class after the other as long as there are.
fn some_of_each_class(traces: &Traces, count: usize, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..traces.len() as u32).collect();
    Rng::new(seed ^ SALT).shuffle(&mut order);
    let mut seen = std::collections::HashSet::new();
    let mut by_class: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for at in order {
        let class = by_class.entry(traces.labels()[at as usize]).or_default();
        if class.len() < count && seen.insert(traces.get(at as usize)) {
            class.push(at);
        }
    }
    let mut taken = Vec::new();
    for turn in 0..count {
        for class in by_class.values() {
            if taken.len() < count {
                taken.extend(class.get(turn));
            }
        }
    }
    taken
}

fn mean(losses: &[f32]) -> f64 {
    losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_where_it_falls_most_steeply() {
        // Flat at 2 until 1e-4, then falling by a line over log10 to 0.5 at 1e-2, then climbing.
        let loss = |rate: f64| {
            let at = rate.log10();
            if at < -4.0 {
                2.0
            } else if at < -2.0 {
                2.0 - 0.75 * (at + 4.0)
            } else {
                0.5 + 2.0 * (at + 2.0)
            }
        };
        let points: Vec<(f64, f64)> = (0..100)
            .map(|step| 1e-6 * 1e6f64.powf(f64::from(step) / 99.0))
            .map(|rate| (rate, loss(rate)))
            .collect();
        let read = read_range(points);
        let suggested = read.suggested.unwrap();
        assert!(suggested > 1e-4 / 3.0 && suggested < 1e-2 / 3.0, "{suggested}");
        assert!((read.bound.unwrap().log10() + 1.75).abs() < 0.1, "{:?}", read.bound);
    }

    #[test]
    fn a_loss_that_falls_nowhere_suggests_nothing() {
        let points = (0..100).map(|step| (f64::from(step + 1) * 1e-3, 2.0)).collect();
        let read = read_range(points);
        assert_eq!((read.suggested, read.bound), (None, None));
        assert_eq!(read_range(Vec::new()), RangeTest::default());
    }

    #[test]
    fn items_are_dealt_from_class_to_class_and_never_twice() {
        let mut traces = Traces::new();
        for at in 0..40 {
            traces.push([2, at % 10], u32::from(at >= 30));
        }
        let taken = some_of_each_class(&traces, 12, 1);
        let rare = taken.iter().filter(|&&at| traces.labels()[at as usize] == 1).count();
        let distinct: std::collections::HashSet<_> =
            taken.iter().map(|&at| traces.get(at as usize)).collect();
        assert_eq!(distinct.len(), taken.len());
        assert!(taken.len() <= 10 && rare >= 1, "{taken:?}");
    }

    #[test]
    fn start_losses_of_outputs_that_are_all_alike() {
        let (crossentropy, words) = expected_start(Loss::CategoricalCrossentropy, Activation::Softmax, 7);
        assert!((crossentropy - 1.945_910).abs() < 1e-6);
        assert_eq!(words, "ln 7");
        let (squared, words) = expected_start(Loss::MeanSquaredError, Activation::Softmax, 4);
        assert!((squared - 3.0 / 16.0).abs() < 1e-12);
        assert_eq!(words, "3/16");
    }
}
