//! C14: plateau at a poor level
//!
//! What it sees: the loss has stood flat for the last half (less than 8 % of all that was gained), and what
//! was reached is not much: an accuracy below 0.8, or below twice what guessing gives, or, in a log without
//! accuracy, a loss that never halved.
//!
//! Why it is bad: more epochs bring nothing, and the answer is poor.
//!
//! Example:
//!
//! ```text
//! loss 0.98 -> 0.82 in 12 epochs, and 0.82 at the 50th; accuracy 0.55
//! ```
//!
//! Treatment: a larger network, better inputs, a larger learning rate or a schedule that falls more slowly,
//! less regularisation. Look for items of the same input and different labels.
//!
//! Source: Deep Learning (Goodfellow et al., 2016), chapter 11.

use super::{
    c03_unmoved_metric, c04_stuck, c05_collapse, c06_diverging, c07_oscillating, c08_spikes, c09_rebound,
    c11_overfitting, c12_gap, c13_stopped_early, c16_penalty, causes,
};
use crate::curve::{Losses, Shape, figure, percent};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C14", name: "plateau at a poor level", file: include_str!("c14_plateau.rs"), check };

/// An accuracy from here on is not called poor without knowledge of the task.
const GOOD: f64 = 0.8;

/// A shorter run that does not fall has not shown yet that it will not.
const FEWEST: usize = 15;

/// The word for a run that ended at a poor level, if it did.
pub(crate) fn plateau(losses: &Losses, classes: Option<usize>) -> Option<Label> {
    let other = c03_unmoved_metric::unmoved(losses)
        || c04_stuck::stuck(losses).is_some()
        || c05_collapse::collapse(losses).is_some()
        || c06_diverging::diverges(losses)
        || c07_oscillating::oscillation(losses).is_some()
        || c09_rebound::rebound(losses).is_some()
        || c11_overfitting::overfitting(losses).is_some()
        || c12_gap::gap(losses).is_some()
        || c16_penalty::apart(losses)
        || losses.train.as_ref().is_some_and(|train| c08_spikes::severe(train).is_some());
    let shape = losses.judged()?;
    if other || shape.len() < 8 {
        return None;
    }
    if guesses(losses, classes) {
        return Some(Label::Underfit);
    }
    if c13_stopped_early::improving(losses).is_some() {
        return None;
    }
    if shape.len() < FEWEST {
        return None;
    }
    let half = shape.tail(0.5, 4);
    let gained = -shape.trend(half).change;
    let all = shape.first() - shape.min();
    let flat = gained < 0.08 * all.max(0.1 * shape.first().abs());
    let poor = match losses.score() {
        Some(score) => score.end() < GOOD,
        None => shape.gain() < 0.5,
    };
    (flat && poor).then_some(Label::Plateau)
}

/// Hardly better than guessing, after enough epochs to tell.
fn guesses(losses: &Losses, classes: Option<usize>) -> bool {
    let (Some(shape), Some(score)) = (losses.judged(), losses.score()) else { return false };
    let best = losses.accuracy.as_ref().map_or(score.max(), |accuracy| accuracy.max().max(score.max()));
    let chance = classes.map_or(0.15, |classes| 1.0 / classes as f64);
    let low = if classes.is_some() { best < (2.0 * chance).min(chance + 0.15) } else { best < 0.3 };
    let hardly_learned = shape.gain() < 0.15;
    low && hardly_learned && shape.len() >= 10
}

/// The row of the best value, or for a plateau the first that is nearly there.
fn arrived(label: Label, shape: &Shape) -> usize {
    let near = shape.end() + 0.08 * (shape.first() - shape.min());
    let first = shape.smooth().iter().position(|&value| value <= near);
    shape.row(if label == Label::Plateau { first.unwrap_or(0) } else { shape.min_at() })
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 8)?;
    let Some(label) = plateau(&losses, evidence.classes()) else { return Ok(Vec::new()) };
    let Some(shape) = losses.judged() else { return Ok(Vec::new()) };
    let mut symptom = format!(
        "the loss went from {} to {} and gained {} of that over the last half",
        figure(shape.first()),
        figure(shape.end()),
        percent(
            (-shape.trend(shape.tail(0.5, 4)).change / (shape.first() - shape.min()).max(f64::MIN_POSITIVE))
                .max(0.0)
        )
    );
    if let Some(score) = losses.score() {
        symptom.push_str(&format!("; the accuracy ended at {}", figure(score.end())));
    }
    let level = if label == Label::Underfit { Level::Warning } else { Level::Note };
    let found = Finding::new("C14", level, symptom).label(label).at_epoch(arrived(label, shape));
    let conflicts = evidence.data.as_ref().and_then(|data| data.conflicts);
    let noise = Cause::new(CauseKind::LabelNoise, 0.25, "items of the same input and different labels");
    let noise = match conflicts {
        Some(found) if found.items > 0 => noise.because(format!(
            "{} items contradict others; no answer can be right for more than {}",
            found.items,
            percent(found.accuracy_ceiling)
        )),
        _ => noise,
    };
    Ok(vec![
        found
            .cause(Cause::new(CauseKind::Capacity, 0.45, "a network that cannot represent more"))
            .cause(Cause::new(CauseKind::Task, 0.35, "inputs that do not tell the classes apart"))
            .cause(causes::small_steps(evidence, 0.3, "steps too small to get any further"))
            .cause(Cause::new(CauseKind::TooMuchRegularization, 0.3, "too much regularisation"))
            .cause(noise)
            .treat(Treatment::proposal(Change::ScaleUnits { factor: 2.0 }, "double the hidden layers' units"))
            .treat(Treatment::proposal(
                Change::LearningRateFromRangeTest,
                "take the learning rate from a range test",
            ))
            .treat(Treatment::proposal(
                Change::DropoutAtMost { rate: 0.2 },
                "take dropout down to 0.2 at most",
            )),
    ])
}
