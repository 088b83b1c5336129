//! C12: validation stands still
//!
//! What it sees: the training loss goes on falling, by more than 10 % over the last 40 % of the run, and
//! the validation loss stands. Or validation still gains, but a small part of what training does, and lies
//! well above it. A gap alone, which almost every healthy run has, is not reported.
//!
//! Why it is bad: what is learned from here on does not carry over. Mostly the early form of overfitting.
//!
//! Example:
//!
//! ```text
//! loss 0.06 -> 0.02, val_loss 0.16 to 0.19 since epoch 20
//! ```
//!
//! Treatment: stop there; dropout, weight decay, more data.
//!
//! Source: SageMaker Debugger's overfit rule, the ratio of both losses, flags five of eleven healthy logs
//! here, so the trend decides and not the ratio.

use super::{c04_stuck, c06_diverging, c07_oscillating, c11_overfitting};
use crate::curve::{Losses, figure, percent};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C12", name: "validation stands still", file: include_str!("c12_gap.rs"), check };

/// Training goes on without validation.
pub(crate) struct Gap {
    /// The word for it.
    pub(crate) label: Label,
    /// The first row whose validation loss is as good as the best, to within its noise.
    pub(crate) row: usize,
    /// How far the training loss fell over the stretch looked at, as a share.
    pub(crate) fall: f64,
}

/// Whether validation stands or lags while training goes on.
pub(crate) fn gap(losses: &Losses) -> Option<Gap> {
    let train = losses.train.as_ref().filter(|train| train.len() >= 8)?;
    let val = losses.val.as_ref().filter(|val| val.len() >= 8)?;
    let other = c11_overfitting::overfitting(losses).is_some()
        || c06_diverging::diverges(losses)
        || c07_oscillating::oscillation(losses).is_some()
        || c04_stuck::stuck(losses).is_some();
    if other || losses.saturated() || val.end() < 1.15 * train.end() {
        return None;
    }
    let tail = val.tail(0.4, 5);
    let since = train.index_at_row(val.row(tail.start));
    let fall = -train.trend(since..train.len()).change / train.level(since..train.len());
    let level = val.level(tail.clone());
    let trend = val.trend(tail.clone());
    let gained = -trend.change / level;
    // Where it first was as good as its best, to within what a reader sees.
    let near = val.min() + (0.02 * val.min().abs()).max(val.noise());
    let reached = val.smooth().iter().position(|&value| value <= near).unwrap_or(val.min_at());
    let best_lately = reached + val.len().div_ceil(5) >= val.len();
    let row = val.row(reached);
    if fall > 0.1 && gained < 0.04 && !best_lately {
        return Some(Gap { label: Label::ValPlateau, row, fall });
    }
    let half = val.tail(0.5, 5);
    let start = train.index_at_row(val.row(half.start));
    let falling = -train.trend(start..train.len()).change / train.level(start..train.len());
    let gaining = -val.trend(half.clone()).change / val.level(half);
    let apart = val.end() > 1.3 * train.end();
    (falling > 0.15 && gaining < 0.3 * falling && apart).then_some(Gap {
        label: Label::Gap,
        row,
        fall: falling,
    })
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 8)?;
    let (train, val) = (losses.training(8)?, losses.validation(8)?);
    let Some(gap) = gap(&losses) else { return Ok(Vec::new()) };
    let what = match gap.label {
        Label::Gap => "hardly moves",
        _ => "stands",
    };
    let symptom = format!(
        "the training loss fell on by {} to {}, and the validation loss {what} at {} since row {}",
        percent(gap.fall),
        figure(train.end()),
        figure(val.end()),
        gap.row
    );
    let patience = (val.len() / 15).clamp(3, 50);
    Ok(vec![
        Finding::new("C12", Level::Warning, symptom)
            .label(gap.label)
            .at_epoch(gap.row)
            .cause(Cause::new(
                CauseKind::TooLittleRegularization,
                0.45,
                "the network learns what is particular to the training items",
            ))
            .cause(Cause::new(CauseKind::TooManyEpochs, 0.4, "more epochs than bring anything"))
            .cause(Cause::new(CauseKind::TooLittleData, 0.35, "too little data"))
            .cause(Cause::new(CauseKind::Shift, 0.25, "validation data that differ from the training data"))
            .treat(Treatment::automatic(
                Change::EarlyStopping { patience },
                format!("stop when the validation loss has not improved for {patience} epochs"),
            ))
            .treat(Treatment::advice("put a dropout of 0.2 to 0.5 before the last layer"))
            .treat(Treatment::advice("take more data")),
    ])
}
