//! C06: diverging
//!
//! What it sees: the training loss ends more than half above its least value, by more than three times its
//! noise, and was still not on its way back over the last half; where there is a validation loss it rose
//! too, or the training loss ended above its first value.
//!
//! Why it is bad: the run gets worse the longer it lasts.
//!
//! Example:
//!
//! ```text
//! 1.96 1.61 1.70 1.85 ... 4.3 7.5
//! ```
//!
//! Treatment: a learning rate ten times smaller, clipped gradients, a warm-up.
//!
//! Source: TheDeepChecker's divergence check (Ben Braiek and Khomh, TOSEM 2022). The noise clause: without
//! it a noisy but falling run was called diverging in 10 of 20 repeats of one program.

use super::{c05_collapse, c09_rebound, c16_penalty, causes};
use crate::curve::{Losses, Shape, figure, percent};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Label, Level};

pub(super) const RULE: Rule =
    Rule { id: "C06", name: "diverging", file: include_str!("c06_diverging.rs"), check };

/// Whether the losses end far above where they were: climbing away, or in a rebound at the very end that
/// lost most of what was gained.
pub(crate) fn diverges(losses: &Losses) -> bool {
    climbs_away(losses) || c09_rebound::rebound(losses).is_some_and(|rebound| rebound.lost > 0.5)
}

/// Whether the training loss (without one, the validation loss) climbs away.
pub(crate) fn climbs_away(losses: &Losses) -> bool {
    if c05_collapse::collapse(losses).is_some() || c16_penalty::apart(losses) {
        return false;
    }
    let Some(shape) = losses.train.as_ref().or(losses.val.as_ref()) else { return false };
    // Of a run that is long enough, one or two high values after the best are not an end yet.
    let since = shape.len() - 1 - shape.min_at();
    let short = since < if shape.len() < 8 { 1 } else { 3 };
    if shape.len() < 4 || short || shape.rise() <= 0.5 || shape.climb() <= 3.0 * shape.noise() {
        return false;
    }
    let half = shape.tail(0.5, 3);
    let level = shape.level(half.clone());
    let returning = shape.trend(half.clone()).change < -0.3 * level;
    let standing = shape.spread(half.clone()) < 0.01 * level;
    let validation_too = match (&losses.train, &losses.val) {
        (Some(_), Some(val)) => val.rise() > 0.2 || shape.end() > shape.first(),
        _ => true,
    };
    validation_too && !returning && !standing && !settled(losses, shape)
}

/// A loss that rose a little from next to nothing while the answers stayed right has not diverged.
fn settled(losses: &Losses, shape: &Shape) -> bool {
    losses.saturated() && shape.end() < 0.2 * shape.first()
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 4)?;
    if !climbs_away(&losses) {
        return Ok(Vec::new());
    }
    let shape = losses.training(1).or_else(|_| losses.validation(1))?;
    let best = shape.row(shape.min_at());
    let symptom = format!(
        "the loss was least at row {best} ({}) and ends at {}, {} above it",
        figure(shape.min()),
        figure(shape.end()),
        percent(shape.rise())
    );
    let gradient =
        Cause::new(CauseKind::ExplodingGradient, 0.4, "gradients that grow, and nothing limits them");
    let recurrent = evidence.network.as_ref().is_some_and(crate::facts::Network::is_recurrent);
    let gradient =
        if recurrent { gradient.because("recurrent layers multiply gradients over time") } else { gradient };
    let scaling =
        Cause::new(CauseKind::Scaling, 0.3, "inputs in the hundreds, which make every step a large one");
    let scaling = if shape.first() > 100.0 {
        scaling.because(format!("the first loss is {}", figure(shape.first())))
    } else {
        scaling
    };
    Ok(vec![
        Finding::new("C06", Level::Error, symptom)
            .label(Label::Diverge)
            .at_epoch(best)
            .cause(causes::large_steps(evidence, 0.6, "steps so large that each overshoots"))
            .cause(gradient)
            .cause(scaling)
            .treat(causes::smaller_steps(0.1))
            .treat(causes::clip()),
    ])
}
