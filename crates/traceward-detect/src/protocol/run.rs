//! Trains a model for each case and seed, and keeps what it says of the traces that it was not trained on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rayon::prelude::*;
use traceward_run::{Classifier, Labelled, Scores};
use traceward_trace::{Dataset, Vocabulary};

use super::{Case, Config, Protocol, ProtocolError, plan};
use crate::Trainer;

/// Traces that are judged in one call.
const CHUNK: usize = 256;

/// What one model, trained with one seed, said of the traces that it was not trained on: row by row, in
/// the order of the cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The seed of folds and training.
    pub seed: u64,
    /// The judged traces, as indices into the data set.
    pub traces: Vec<u32>,
    /// The case in which each was judged.
    pub cases: Vec<u32>,
    /// The true class of each.
    pub labels: Vec<u16>,
    /// Class probabilities of each.
    pub scores: Scores,
    /// How novel each is, if the model can say.
    pub novelty: Option<Vec<f32>>,
    /// How often each class stands in the training data, summed over the cases.
    pub training_counts: Vec<usize>,
    /// How many cases the protocol has.
    pub planned: usize,
    /// How many of them were judged before the work ended.
    pub done: usize,
    /// Seconds of training, summed over the cases.
    pub training_seconds: f64,
    /// Seconds of judging, summed over the cases.
    pub judging_seconds: f64,
    /// Calls that were judged.
    pub calls: u64,
}

impl Judgement {
    /// What was said of some of the traces, by their places here.
    pub(super) fn only(&self, places: &[usize]) -> Self {
        let rows = places.iter().flat_map(|&place| self.scores.row(place)).copied().collect();
        Self {
            traces: places.iter().map(|&place| self.traces[place]).collect(),
            cases: places.iter().map(|&place| self.cases[place]).collect(),
            labels: places.iter().map(|&place| self.labels[place]).collect(),
            scores: Scores::new(self.scores.classes(), rows),
            novelty: self.novelty.as_ref().map(|all| places.iter().map(|&place| all[place]).collect()),
            ..self.clone()
        }
    }

    /// Whether all cases were judged.
    pub fn is_complete(&self) -> bool {
        self.done == self.planned
    }
}

/// All that a model said under a protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The model's name.
    pub model: String,
    /// What was asked for.
    pub config: Config,
    /// One judgement a seed that was begun; only the last can be incomplete.
    pub judgements: Vec<Judgement>,
}

/// How far the work has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The model at work.
    pub model: &'a str,
    /// The seed at work.
    pub seed: u64,
    /// The case that begins, or has just ended.
    pub case: &'a str,
    /// Trainings that have ended, over all seeds.
    pub done: usize,
    /// Trainings there are, over all seeds.
    pub all: usize,
    /// Seconds since the first began.
    pub seconds: f64,
    /// Whether the case has just ended; it begins otherwise.
    pub ended: bool,
}

/// How a protocol is watched and stopped.
pub struct Control<'a> {
    /// Set by who wants it to end: the case in hand is finished (or given up by its trainer), and no other
    /// is begun.
    pub stop: &'a AtomicBool,
    /// Told of each case as it begins and ends.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// What one case gave.
struct Judged {
    labels: Vec<u16>,
    values: Vec<f32>,
    novelty: Option<Vec<f32>>,
    training_counts: Vec<usize>,
    training_seconds: f64,
    judging_seconds: f64,
    calls: u64,
}

/// Trains and judges by a protocol: for each seed a plan, for each case of it a training.
///
/// The cases of a seed run side by side if the trainer says that one training does not fill the cores
/// ([`Trainer::fills_cores`]); the result is the same. A stop keeps what was judged.
///
/// # Errors
/// If the data cannot be cut so, a model cannot be trained, or it says nothing that the protocol can use.
pub fn run(
    data: &Dataset,
    config: &Config,
    trainer: &dyn Trainer,
    control: &Control<'_>,
) -> Result<Run, ProtocolError> {
    let began = Instant::now();
    let mut run = Run { model: trainer.name().to_owned(), config: config.clone(), judgements: Vec::new() };
    let done = AtomicUsize::new(0);
    for seed in config.each_seed() {
        let cases = plan(data, config, seed)?;
        let all = cases.len() * config.seeds;
        let one = |case: &Case| -> Result<Option<Judged>, ProtocolError> {
            if control.stop.load(Ordering::SeqCst) {
                return Ok(None);
            }
            let tell = |done, ended| {
                let (model, case, seconds) = (&run.model, &case.name, began.elapsed().as_secs_f64());
                (control.progress)(Progress { model, seed, case, done, all, seconds, ended });
            };
            tell(done.load(Ordering::SeqCst), false);
            let judged = judge(data, config.protocol, trainer, case, seed);
            match judged {
                // A trainer that was asked to stop gives up, and says so as an error.
                Err(_) if control.stop.load(Ordering::SeqCst) => Ok(None),
                Err(error) => Err(error),
                Ok(judged) => {
                    tell(done.fetch_add(1, Ordering::SeqCst) + 1, true);
                    Ok(Some(judged))
                }
            }
        };
        let judged = if trainer.fills_cores() { one_by_one(&cases, one) } else { side_by_side(&cases, one) }?;
        let judgement = collect(data, seed, &cases, judged);
        if judgement.done > 0 {
            run.judgements.push(judgement);
        }
        if control.stop.load(Ordering::SeqCst) {
            break;
        }
    }
    if run.judgements.is_empty() { Err(ProtocolError::Stopped) } else { Ok(run) }
}

fn one_by_one(
    cases: &[Case],
    one: impl Fn(&Case) -> Result<Option<Judged>, ProtocolError>,
) -> Result<Vec<Option<Judged>>, ProtocolError> {
    cases.iter().map(one).collect()
}

/// The first error, by the order of the cases, ends the work: those not yet begun are left out.
fn side_by_side(
    cases: &[Case],
    one: impl Fn(&Case) -> Result<Option<Judged>, ProtocolError> + Sync,
) -> Result<Vec<Option<Judged>>, ProtocolError> {
    let failed: Mutex<Option<(usize, ProtocolError)>> = Mutex::new(None);
    let lock = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let judged: Vec<Option<Judged>> = cases
        .par_iter()
        .enumerate()
        .map(|(place, case)| {
            if lock().is_some() {
                return None;
            }
            one(case).unwrap_or_else(|error| {
                let mut failed = lock();
                if failed.as_ref().is_none_or(|(first, _)| place < *first) {
                    *failed = Some((place, error));
                }
                None
            })
        })
        .collect();
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(judged),
    }
}

/// Trains on one side of a case and judges the other.
fn judge(
    data: &Dataset,
    protocol: Protocol,
    trainer: &dyn Trainer,
    case: &Case,
    seed: u64,
) -> Result<Judged, ProtocolError> {
    let vocabulary = Vocabulary::learn(data, &case.train);
    let tokens = vocabulary.encode(data).tokens;
    let encode = |rows: &[u32]| -> Vec<Vec<u32>> {
        let calls = |row: &u32| &data.traces[*row as usize].calls;
        rows.iter().map(|row| calls(row).iter().map(|&call| tokens[usize::from(call)]).collect()).collect()
    };
    let began = Instant::now();
    let train = encode(&case.train);
    let labelled = labelled(data, &case.train, &train, vocabulary.size());
    let training_counts = labelled.class_counts();
    let model = trainer.train(&labelled, seed).map_err(|reason| ProtocolError::Training {
        model: trainer.name().to_owned(),
        reason: format!("{}: {reason}", case.name),
    })?;
    let training_seconds = began.elapsed().as_secs_f64();
    drop(train);

    let began = Instant::now();
    let refused = |reason: String| ProtocolError::Judging { model: trainer.name().to_owned(), reason };
    let rows = encode(&case.judge);
    let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let (values, novelty) = ask(model.as_ref(), &rows, data.classes.len()).map_err(refused)?;
    if protocol == Protocol::NormalOnly && novelty.is_none() {
        return Err(refused("it cannot say how novel a trace is, and normals alone teach no family".into()));
    }
    Ok(Judged {
        labels: case.judge.iter().filter_map(|&row| data.traces[row as usize].class).collect(),
        values,
        novelty,
        training_counts,
        training_seconds,
        judging_seconds: began.elapsed().as_secs_f64(),
        calls: rows.iter().map(|row| row.len() as u64).sum(),
    })
}

/// What a model says of traces: probabilities by rows, and novelty if it can say.
fn ask(
    model: &dyn Classifier,
    rows: &[&[u32]],
    classes: usize,
) -> Result<(Vec<f32>, Option<Vec<f32>>), String> {
    let mut values = Vec::with_capacity(rows.len() * classes);
    let mut novelty = Some(Vec::with_capacity(rows.len()));
    for chunk in rows.chunks(CHUNK) {
        let scores = model.predict(chunk).map_err(|error| error.to_string())?;
        if scores.classes() != classes || scores.len() != chunk.len() {
            return Err(format!(
                "it gave {} rows of {} classes for {} traces of {classes}",
                scores.len(),
                scores.classes(),
                chunk.len()
            ));
        }
        values.extend_from_slice(scores.values());
        match (&mut novelty, model.novelty(chunk)) {
            (Some(all), Some(more)) => all.extend(more),
            _ => novelty = None,
        }
    }
    Ok((values, novelty))
}

/// The labelled traces `rows` of `data`, of which `tokens` are the tokens, as a trainer wants them. A trace without a group gets a group of its own.
pub fn labelled<'a>(data: &Dataset, rows: &[u32], tokens: &'a [Vec<u32>], vocabulary: usize) -> Labelled<'a> {
    let mut groups: Vec<u32> = Vec::with_capacity(rows.len());
    let mut known = std::collections::HashMap::new();
    let mut next = 0_u32;
    for &row in rows {
        let fresh = next;
        let group = match data.traces[row as usize].group.as_deref() {
            Some(name) => *known.entry(name).or_insert(fresh),
            None => fresh,
        };
        if group == fresh {
            next += 1;
        }
        groups.push(group);
    }
    Labelled {
        traces: tokens.iter().map(Vec::as_slice).collect(),
        labels: rows.iter().filter_map(|&row| data.traces[row as usize].class).collect(),
        groups,
        classes: data.classes.len(),
        normal: data.normal_class(),
        vocabulary,
    }
}

fn collect(data: &Dataset, seed: u64, cases: &[Case], judged: Vec<Option<Judged>>) -> Judgement {
    let classes = data.classes.len();
    let mut all = Judgement {
        seed,
        traces: Vec::new(),
        cases: Vec::new(),
        labels: Vec::new(),
        scores: Scores::new(classes, Vec::new()),
        novelty: judged.iter().flatten().all(|case| case.novelty.is_some()).then(Vec::new),
        training_counts: vec![0; classes],
        planned: cases.len(),
        done: 0,
        training_seconds: 0.0,
        judging_seconds: 0.0,
        calls: 0,
    };
    let mut values = Vec::new();
    for ((number, case), judged) in (0_u32..).zip(cases).zip(judged) {
        let Some(judged) = judged else { continue };
        all.done += 1;
        all.traces.extend(&case.judge);
        all.cases.extend(std::iter::repeat_n(number, case.judge.len()));
        all.labels.extend(judged.labels);
        values.extend(judged.values);
        if let (Some(novelty), Some(more)) = (&mut all.novelty, judged.novelty) {
            novelty.extend(more);
        }
        for (sum, count) in all.training_counts.iter_mut().zip(judged.training_counts) {
            *sum += count;
        }
        all.training_seconds += judged.training_seconds;
        all.judging_seconds += judged.judging_seconds;
        all.calls += judged.calls;
    }
    all.scores = Scores::new(classes, values);
    all
}
