//! C13: stopped while still improving
//!
//! What it sees: the loss, in validation where there is one, was still falling when the run ended: its best
//! value is among the last, and as it went on, as many epochs again would bring a fifth or more (a tenth,
//! while the accuracy is below 0.8). A run of up to 20 epochs, or of an accuracy below 0.6, needs less: a
//! fall of 1 % over its last fifth. An accuracy of 0.975 is as good as it gets.
//!
//! Why it is bad: it is not; the run is just not at its end. What it could reach is not known yet.
//!
//! Example:
//!
//! ```text
//! 20 epochs, val_loss 1.07 1.05 1.04 1.02 1.01
//! ```
//!
//! Treatment: two to three times as many epochs, with early stopping.
//!
//! Source: the Deep Learning Tuning Playbook (Godbole et al., 2023): a best step in the last quarter says
//! train longer.

use super::{c04_stuck, c06_diverging, c07_oscillating, c08_spikes, c09_rebound, c11_overfitting, c12_gap};
use crate::curve::{Losses, POOR, Shape, figure, percent};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "C13",
    name: "stopped while still improving",
    file: include_str!("c13_stopped_early.rs"),
    check,
};

/// As many epochs again would bring this share of the level; where the accuracy is poor, half of it.
const WORTH: f64 = 0.2;
/// An accuracy from here on is good.
const GOOD: f64 = 0.8;
/// Or this share of all that was gained.
const WORTH_OF_GAIN: f64 = 0.3;
/// A run of so many epochs has hardly begun.
const SHORT: usize = 20;

/// What the run had still to give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Improving {
    /// How far the loss fell over the last fifth, as a share of its level.
    pub(crate) lately: f64,
    /// How far it would fall in as many epochs again, as it went on, as a share of its level.
    pub(crate) ahead: f64,
}

/// Whether and how the run was still improving.
pub(crate) fn improving(losses: &Losses) -> Option<Improving> {
    let other = c11_overfitting::overfitting(losses).is_some()
        || c12_gap::gap(losses).is_some()
        || c06_diverging::diverges(losses)
        || c07_oscillating::oscillation(losses).is_some()
        || c09_rebound::rebound(losses).is_some()
        || c04_stuck::stuck(losses).is_some()
        || losses.train.as_ref().is_some_and(|train| c08_spikes::severe(train).is_some());
    let shape = losses.judged()?;
    if other || losses.saturated() || shape.len() < 4 {
        return None;
    }
    let score = losses.score().map_or(1.0, Shape::end);
    let worthwhile = if score < GOOD { WORTH / 2.0 } else { WORTH };
    falling(shape, worthwhile, shape.len() <= SHORT || score < POOR)
}

/// A run that has only `begun` is not held to what it promises, only to what it does.
fn falling(shape: &Shape, worthwhile: f64, begun: bool) -> Option<Improving> {
    let n = shape.len();
    let tail = shape.tail(0.2, 4);
    let trend = shape.trend(tail.clone());
    let level = shape.level(tail).max(f64::MIN_POSITIVE);
    let best_last = shape.min_at() + (n / 10).max(2) >= n;
    let lately = -trend.change / level;
    if !best_last || trend.significance > -2.5 || lately <= 0.0 {
        return None;
    }
    let ahead = extrapolated(shape);
    let worth = ahead / level > worthwhile || ahead > WORTH_OF_GAIN * (shape.first() - shape.min());
    (worth || begun && lately > 0.01).then_some(Improving { lately, ahead: ahead / level })
}

/// How far the loss would fall in as many epochs again. The gain of the last quarter compared with that of
/// the quarter before gives the rate at which gains shrink; four more quarters shrink at that rate. It is an
/// exponential approach, which promises less than a power law.
fn extrapolated(shape: &Shape) -> f64 {
    let n = shape.len();
    let quarter = (n / 4).max(2);
    let half_window = (quarter / 2).max(1);
    let around = |middle: usize| {
        let from = middle.saturating_sub(half_window);
        let values = &shape.raw()[from..(middle + half_window).min(n)];
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let upper = sorted.len() / 2;
        let lower = (sorted.len() - 1) / 2;
        f64::midpoint(sorted[lower], sorted[upper])
    };
    let end = n - half_window;
    let (before, middle, last) =
        (around(end.saturating_sub(2 * quarter)), around(end - quarter), around(end));
    let (earlier, later) = (before - middle, middle - last);
    if later <= 0.0 {
        return 0.0;
    }
    let ratio = if earlier > 0.0 { (later / earlier).min(1.0) } else { 1.0 };
    later * (ratio + ratio.powi(2) + ratio.powi(3) + ratio.powi(4))
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 4)?;
    let Some(improving) = improving(&losses) else { return Ok(Vec::new()) };
    let Some(shape) = losses.judged() else { return Ok(Vec::new()) };
    let which = if losses.val.as_ref() == Some(shape) { "validation" } else { "training" };
    let mut symptom = format!(
        "the {which} loss was still falling at the end: by {} over the last fifth of {} rows, to {}",
        percent(improving.lately),
        shape.len(),
        figure(shape.last())
    );
    if improving.ahead > 0.01 {
        symptom.push_str(&format!("; as many again would bring about {} more", percent(improving.ahead)));
    }
    let few = Cause::new(CauseKind::TooFewEpochs, 0.55, "too few epochs")
        .because("the best value is among the last");
    Ok(vec![
        Finding::new("C13", Level::Note, symptom)
            .label(Label::StillImproving)
            .at_epoch(shape.row(shape.len() - 1))
            .cause(few)
            .cause(super::causes::small_steps(evidence, 0.25, "steps smaller than they could be"))
            .treat(Treatment::automatic(
                Change::ScaleEpochs { factor: 3.0 },
                "train for three times as many epochs",
            ))
            .treat(Treatment::automatic(
                Change::EarlyStopping { patience: (shape.len() / 5).clamp(5, 50) },
                "and stop when the validation loss no longer improves",
            )),
    ])
}
