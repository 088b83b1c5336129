//! C09: rebound
//!
//! What it sees: training and validation loss, both still near their best a few epochs ago, turn up
//! together at the end of the run: two of the last three values of each lie well above its minimum.
//!
//! Why it is bad: the run ends worse than it was. It is not overfitting, since training gets worse too.
//!
//! Example:
//!
//! ```text
//! loss 0.94 0.97 1.11 1.10, val_loss 0.93 1.15 1.17 1.06
//! ```
//!
//! Treatment: let the learning rate fall towards the end; keep the best weights; clip gradients.
//!
//! Source: a public log of 20 epochs, checked by hand: the three-point mean of the usual tests smooths it
//! away.

use super::{c05_collapse, c06_diverging, c16_penalty, causes};
use crate::curve::{Losses, Shape, figure};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C09", name: "rebound", file: include_str!("c09_rebound.rs"), check };

/// Both losses turned up.
pub(crate) struct Rebound {
    /// Row of the best value.
    pub(crate) row: usize,
    /// The share of what had been gained that is lost again, in the loss that lost more.
    pub(crate) lost: f64,
}

/// Whether both losses turned up together.
pub(crate) fn rebound(losses: &Losses) -> Option<Rebound> {
    if c05_collapse::collapse(losses).is_some() || c16_penalty::apart(losses) || losses.saturated() {
        return None;
    }
    let train = losses.train.as_ref().filter(|train| train.len() >= 8)?;
    let val = losses.val.as_ref().filter(|val| val.len() >= 8)?;
    let learned = train.min() > 0.0 && train.gain() > 0.1 && val.gain() > 0.05;
    if !learned || !turned_up(train, 0.1) || !turned_up(val, 0.05) {
        return None;
    }
    let lost = |shape: &Shape| shape.climb() / (shape.first() - shape.min());
    Some(Rebound { row: val.row(val.min_at()), lost: lost(train).max(lost(val)) })
}

/// Two of the last three values lie above an earlier minimum by `share` of it and by twice the noise.
fn turned_up(shape: &Shape, share: f64) -> bool {
    let bound = shape.min() + (share * shape.min().abs()).max(2.0 * shape.noise());
    let above = shape.raw()[shape.len() - 3..].iter().filter(|&&value| value > bound).count();
    // Where the least value is the last, those before it are above it because it still falls.
    shape.min_at() + 3 <= shape.len() && above >= 2
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 8)?;
    let (train, val) = (losses.training(8)?, losses.validation(8)?);
    if c06_diverging::climbs_away(&losses) {
        return Ok(Vec::new());
    }
    let Some(rebound) = rebound(&losses) else { return Ok(Vec::new()) };
    let symptom = format!(
        "both losses turned up together: training from {} to {}, validation from {} to {}",
        figure(train.min()),
        figure(train.last()),
        figure(val.min()),
        figure(val.last())
    );
    let schedule =
        Cause::new(CauseKind::Schedule, 0.4, "a learning rate that stays large, or jumps, near the end");
    let found = Finding::new("C09", Level::Warning, symptom)
        .at_epoch(rebound.row)
        .label(if rebound.lost > 0.5 { Label::Diverge } else { Label::Rebound })
        .cause(causes::large_steps(evidence, 0.5, "steps too large for the last part of the way"))
        .cause(schedule)
        .treat(causes::smaller_steps(0.3))
        .treat(Treatment::advice(format!("keep the weights of row {}: the best of this run", rebound.row)))
        .treat(causes::clip())
        .note("training and validation rose together, so this is not overfitting");
    Ok(vec![found])
}
