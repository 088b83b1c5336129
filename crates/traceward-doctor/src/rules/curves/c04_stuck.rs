//! C04: stuck
//!
//! What it sees: the loss does not move. Either it never has: less than 2 % from the first value to the
//! last. Or it has stood flat for the whole last half, with the accuracy, below 0.9, as flat beside it and
//! no higher than it began. A shoulder that ends is not stuck, and neither is a loss below what any answer
//! that ignores its input could reach.
//!
//! Why it is bad: the network gives every input the same answer. The level says which: it is compared with
//! ln K, with the entropy of the class shares, with outputs clipped at 1e-7 and with others, and the table
//! is printed.
//!
//! Example:
//!
//! ```text
//! loss 5.488 and accuracy 0.6595 for 19 epochs: 16.118 x 0.3405, outputs saturated at 0 and 1
//! ```
//!
//! Treatment: what the fingerprint points at. Else in this order: output activation and loss, a batch that
//! must be overfitted, a learning rate ten times smaller, one ten times larger.
//!
//! Source: Karpathy's recipe for training neural networks (2019); DeepDiagnosis (Wardat et al., ICSE 2022).
//! About half of the questions about curves among the top Keras questions are of this kind.

use super::{c03_unmoved_metric, c05_collapse, c16_penalty, causes};
use crate::curve::{Losses, Shape, figure, least_constant_loss, percent};
use crate::fingerprint::{Fingerprint, fingerprint};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule = Rule { id: "C04", name: "stuck", file: include_str!("c04_stuck.rs"), check };

/// A loss that does not move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stuck {
    /// Whether it is the validation loss; else the training loss.
    pub(crate) validation: bool,
    /// Since which row.
    pub(crate) since: usize,
    /// Where it stands.
    pub(crate) level: f64,
    /// The accuracy beside it.
    pub(crate) accuracy: Option<f64>,
}

/// Which loss is stuck, if any. A validation loss that stands while training moves is not: that is C12's.
pub(crate) fn stuck(losses: &Losses) -> Option<Stuck> {
    if c03_unmoved_metric::unmoved(losses)
        || c05_collapse::collapse(losses).is_some()
        || c16_penalty::apart(losses)
    {
        return None;
    }
    let validation_learned = match (&losses.val, &losses.val_accuracy) {
        (Some(val), Some(score)) => val.len() >= 5 && has_learned(val, score.end()),
        _ => false,
    };
    if validation_learned {
        return None;
    }
    let training = losses.train.as_ref().and_then(|train| side(train, losses.accuracy.as_ref()));
    if let Some((since, accuracy)) = training {
        let train = losses.train.as_ref()?;
        return Some(Stuck { validation: false, since, level: train.end(), accuracy });
    }
    let val = losses.val.as_ref().filter(|val| val.len() >= 5 || losses.train.is_none())?;
    let (since, accuracy) = side(val, losses.val_accuracy.as_ref())?;
    let training_moves = losses.train.as_ref().is_some_and(|train| {
        let early = train.level(0..train.len().div_ceil(4));
        let learned = train.len() < 4 || train.end() < 0.9 * early;
        let answers = losses.accuracy.as_ref();
        learned && answers.is_none_or(|accuracy| accuracy.end() - accuracy.first() > 0.05)
    });
    (!training_moves).then_some(Stuck { validation: true, since, level: val.end(), accuracy })
}

/// Whether one side's loss is stuck: since which row, and at which accuracy.
fn side(loss: &Shape, accuracy: Option<&Shape>) -> Option<(usize, Option<f64>)> {
    let score = accuracy.map(Shape::end);
    if loss.len() < 3 || score.is_some_and(|score| score >= 0.9 || has_learned(loss, score)) {
        return None;
    }
    let never = never_moved(loss) && !accuracy.is_some_and(rises);
    let stands = never || accuracy.is_some_and(|accuracy| stands_still(loss, accuracy));
    stands.then(|| (loss.row(stands_since(loss)), score))
}

/// Below the loss of any answer that ignores its input. Squared errors are far below, whatever they are of,
/// and say nothing here; neither does a loss that is exactly constant.
fn has_learned(loss: &Shape, accuracy: f64) -> bool {
    let least = least_constant_loss(accuracy);
    let moves = loss.spread(0..loss.len()) > 0.002 * loss.end();
    moves && (0.5 * least..0.98 * least).contains(&loss.end())
}

/// Less than 2 % from first to last, and no excursion between. A run of a few epochs must stand stiller:
/// one that moves by 1 % in three epochs has only begun.
fn never_moved(loss: &Shape) -> bool {
    let n = loss.len();
    let allowed = 0.02 * (n as f64 / 10.0).min(1.0) * loss.first().abs();
    let excursion = allowed.max(0.05 * loss.first().abs()).max(6.0 * loss.noise());
    let whole = 0..n;
    let steady = loss.noise() < 0.05 * loss.end().abs();
    steady
        && (loss.first() - loss.end()).abs().max(loss.first() - loss.min() - 3.0 * loss.noise()) <= allowed
        && loss.trend(whole.clone()).change.abs() <= 1.5 * allowed
        && loss.spread(whole) <= excursion
}

/// An accuracy that climbs, however little, says that something is learned.
fn rises(accuracy: &Shape) -> bool {
    let climb = accuracy.trend(0..accuracy.len());
    accuracy.len() >= 8 && climb.significance > 4.0 && climb.change > 0.02
}

/// Loss and accuracy flat over the last half, the accuracy no better than it began. An accuracy that is the
/// same to the last digit, epoch after epoch, is the stronger sign: then the loss may be noisy.
fn stands_still(loss: &Shape, accuracy: &Shape) -> bool {
    if loss.len() < 8 || accuracy.len() < 8 {
        return false;
    }
    let half = loss.tail(0.5, 4);
    let level = loss.level(half.clone());
    let spread = loss.spread(half.clone());
    let trend = loss.trend(half);
    let answers = accuracy.tail(0.5, 4);
    let range = accuracy.spread(answers);
    if range < 1e-6 {
        return spread <= 0.1 * level && trend.change.abs() <= 0.05 * level;
    }
    let flat = spread <= (0.01 * level).max(4.0 * loss.noise()) && loss.noise() < 0.02 * level;
    let by_chance = trend.significance.abs() < 3.0 && trend.change.abs() < 0.05 * level;
    let no_trend = by_chance || trend.change.abs() <= 0.01 * level;
    let no_better = accuracy.end() - accuracy.first() < 0.05;
    flat && no_trend && range < 0.01 && no_better
}

/// The index of the first value after which the loss stays within 1 % of its end.
fn stands_since(loss: &Shape) -> usize {
    let band = (0.01 * loss.end().abs()).max(3.0 * loss.noise());
    let outside = loss.smooth().iter().rposition(|value| (value - loss.end()).abs() > band);
    outside.map_or(0, |last| (last + 1).min(loss.len() - 1))
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 3)?;
    let Some(stuck) = stuck(&losses) else { return Ok(Vec::new()) };
    let print = fingerprint(stuck.level, stuck.accuracy, evidence);
    let which = if stuck.validation { "the validation loss" } else { "the training loss" };
    let mut symptom = format!("{which} has stood at {} since row {}", figure(stuck.level), stuck.since);
    if let Some(accuracy) = stuck.accuracy {
        symptom.push_str(&format!(", at an accuracy of {}", figure(accuracy)));
    }
    if let Some(hit) = print.hit() {
        symptom.push_str(&format!(": {}, the loss of {}", hit.name, hit.meaning));
    }
    let found = Finding::new("C04", Level::Error, symptom).label(Label::Stuck).at_epoch(stuck.since);
    let found = suspects(evidence, &print).into_iter().fold(found, Finding::cause);
    let found = print.notes.iter().cloned().fold(found, Finding::note);
    let mut found = treatments(evidence, &print).into_iter().fold(found, Finding::treat);
    found.fingerprint = Some(print);
    Ok(vec![found])
}

fn suspects(evidence: &Evidence, print: &Fingerprint) -> Vec<Cause> {
    if let Some(hit) = print.hit() {
        let because = format!(
            "the loss stands at {}, which is {} ({}) to within {}",
            figure(print.level),
            hit.name,
            figure(hit.value),
            percent(hit.distance.abs())
        );
        let causes = print.causes().iter().zip([0.55, 0.5, 0.4, 0.3]);
        return causes
            .map(|(&(kind, text), weight)| match kind {
                CauseKind::LearningRateHigh => causes::large_steps(evidence, weight, text),
                _ => Cause::new(kind, weight, text),
            })
            .map(|cause| cause.because(because.clone()))
            .collect();
    }
    vec![
        Cause::new(CauseKind::OutputActivation, 0.45, "an output that cannot give the right answer"),
        causes::large_steps(evidence, 0.4, "steps so large that they killed the network at once"),
        causes::small_steps(evidence, 0.35, "steps too small to move"),
        Cause::new(CauseKind::DeadUnits, 0.3, "units that answer 0 to everything"),
        Cause::new(CauseKind::BadLabels, 0.25, "labels that do not belong to their inputs"),
    ]
}

fn treatments(evidence: &Evidence, print: &Fingerprint) -> Vec<Treatment> {
    let saturated = print.hit().is_some_and(|hit| hit.answers == crate::fingerprint::Answers::Saturated);
    let activation = match evidence.classes() {
        Some(2) if evidence.network.as_ref().is_some_and(|network| network.output_units() == Some(1)) => {
            "sigmoid"
        }
        _ => "softmax",
    };
    let output = Treatment::automatic(
        Change::OutputActivation { activation: activation.into() },
        format!("use activation=\"{activation}\" in the last layer, with the loss that goes with it"),
    );
    let one_batch = Treatment::advice(
        "train on a single batch without regularisation: if its loss does not go to 0, the network is broken",
    );
    let larger = Treatment::automatic(
        Change::ScaleLearningRate { factor: 10.0 },
        "if a smaller learning rate does not help, take one ten times larger",
    );
    let smaller = causes::smaller_steps(0.1);
    if saturated || evidence.network.is_none() {
        vec![output, one_batch, smaller, larger]
    } else {
        vec![one_batch, smaller, output, larger]
    }
}
