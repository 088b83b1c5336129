//! C19: learning-rate schedule
//!
//! What it sees: the learning rate was down to a thousandth of its first value or less for more than a fifth
//! of the run. Or the loss stands at a poor level under a learning rate that never changed.
//!
//! Why it is bad: in the first case those epochs learned next to nothing; if the loss was still falling when
//! the rate went down, or the rate was a tenth before a fifth of the run was over, the run was put out early. In
//! the second a smaller rate would mostly bring it down.
//!
//! Example:
//!
//! ```text
//! ReduceLROnPlateau(patience=1): 1e-3 at epoch 0, 1e-6 from epoch 18 of 24 on
//! ```
//!
//! Treatment: more patience before the rate is lowered, a floor for it, a cosine over the planned epochs.
//!
//! Source: the Deep Learning Tuning Playbook (Godbole et al., 2023); a public log of 24 epochs.

use super::c14_plateau;
use crate::curve::{Losses, Shape, figure, percent};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Missing, Need, Treatment};

/// A learning rate below this share of the largest, a fifth into the run, was lowered in haste.
const HASTY: f64 = 0.1;

pub(super) const RULE: Rule =
    Rule { id: "C19", name: "learning-rate schedule", file: include_str!("c19_schedule.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 8)?;
    let rates = evidence.curves()?.learning_rate.as_ref().and_then(crate::curve::Curve::shape);
    let rates = rates.filter(|rates| rates.len() >= 8 && rates.max() > 0.0).ok_or(Missing(Need::Schedule))?;
    if let Some(finding) = put_out(&losses, &rates) {
        return Ok(vec![finding]);
    }
    let constant = rates.max() - rates.min() < 1e-3 * rates.max();
    if !constant || c14_plateau::plateau(&losses, evidence.classes()) != Some(Label::Plateau) {
        return Ok(Vec::new());
    }
    let symptom =
        format!("the loss stands, and the learning rate has been {} throughout", figure(rates.max()));
    Ok(vec![
        Finding::new("C19", Level::Note, symptom)
            .cause(Cause::new(CauseKind::Schedule, 0.35, "a learning rate that never falls"))
            .treat(Treatment::proposal(
                Change::ScaleLearningRate { factor: 0.3 },
                "let the learning rate fall when the loss stands",
            )),
    ])
}

/// A rate so small for so long that nothing was learned.
fn put_out(losses: &Losses, rates: &Shape) -> Option<Finding> {
    let small = 1e-3 * rates.max();
    let since = rates.raw().iter().rposition(|&rate| rate > small)? + 1;
    let share = (rates.len() - since) as f64 / rates.len() as f64;
    if share <= 0.2 {
        return None;
    }
    let row = rates.row(since);
    let judged = losses.judged()?;
    let at = judged.index_at_row(row);
    let before = at.saturating_sub(judged.len() / 5)..(at + 1).min(judged.len());
    let trend = judged.trend(before.clone());
    let falling = trend.change < -0.03 * judged.level(before);
    // A rate that is gone before a fifth of the run is over was not lowered because the loss stood: the loss
    // stands because the rate was lowered.
    let hasty = rates.raw()[rates.len() / 5] < HASTY * rates.max();
    let symptom = format!(
        "the learning rate fell from {} to {} by row {row}, and stayed there for {} of the run",
        figure(rates.max()),
        figure(rates.last()),
        percent(share)
    );
    let early = Cause::new(
        CauseKind::Schedule,
        if falling || hasty { 0.6 } else { 0.3 },
        "a learning rate lowered too soon",
    );
    let early = if falling {
        early.because("the loss was still falling then")
    } else if hasty {
        early.because("it was a tenth and less before a fifth of the run was over")
    } else {
        early.although("the loss stood by then")
    };
    let level = if (falling || hasty) && !losses.saturated() { Level::Warning } else { Level::Note };
    Some(
        Finding::new("C19", level, symptom)
            .at_epoch(row)
            .cause(early)
            .treat(Treatment::automatic(
                Change::ConstantLearningRate,
                "keep the learning rate, or lower it later",
            ))
            .treat(Treatment::advice("give the schedule more patience, and a floor")),
    )
}
