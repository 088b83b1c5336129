//! C10: slow
//!
//! What it sees: a loss that falls, steadily, by less than half a per cent an epoch over the last half,
//! and in all by less than a third. It does learn: one that stands is C04's, and one that has learned and
//! stands is C14's.
//!
//! Why it is bad: at this pace it takes hundreds of epochs to get anywhere.
//!
//! Example:
//!
//! ```text
//! loss 2.303 2.301 2.298 2.296 ... 2.251 after 20 epochs
//! ```
//!
//! Treatment: a learning rate three times larger, or that of a range test; better initial weights; less
//! regularisation.
//!
//! Source: AutoTrainer's slow convergence (Zhang et al., ICSE 2021), which looks at the accuracy's largest
//! gain.

use super::{c04_stuck, c06_diverging, c07_oscillating, c09_rebound, causes};
use crate::curve::{Losses, Shape, figure, percent};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule { id: "C10", name: "slow", file: include_str!("c10_slow.rs"), check };

/// How much the loss falls in an epoch, as a share of its level, if that is next to nothing.
fn pace(losses: &Losses) -> Option<f64> {
    let train = losses.train.as_ref().filter(|train| train.len() >= 8)?;
    let other = c04_stuck::stuck(losses).is_some()
        || c06_diverging::diverges(losses)
        || c07_oscillating::oscillation(losses).is_some()
        || c09_rebound::rebound(losses).is_some();
    if other || losses.steps || losses.score().is_some_and(|score| score.end() > 0.8) {
        return None;
    }
    let slow = |shape: &Shape| {
        let half = shape.tail(0.5, 5);
        let trend = shape.trend(half.clone());
        let pace = -trend.change / shape.level(half.clone()) / (half.len() - 1) as f64;
        let steady = trend.significance < -6.0;
        (steady && (5e-5..5e-3).contains(&pace) && (0.0..0.3).contains(&shape.gain())).then_some(pace)
    };
    slow(train)
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 8)?;
    let train = losses.training(8)?;
    let Some(pace) = pace(&losses) else { return Ok(Vec::new()) };
    let symptom = format!(
        "the training loss falls by {} an epoch, from {} to {} in {} epochs",
        percent(pace),
        figure(train.first()),
        figure(train.end()),
        train.len()
    );
    Ok(vec![
        Finding::new("C10", Level::Note, symptom)
            .cause(causes::small_steps(evidence, 0.5, "steps smaller than they could be"))
            .cause(Cause::new(
                CauseKind::HiddenActivation,
                0.3,
                "saturated units, which pass little gradient on",
            ))
            .cause(Cause::new(CauseKind::TooMuchRegularization, 0.25, "too much regularisation"))
            .cause(Cause::new(CauseKind::Initialization, 0.2, "initial weights that are too small"))
            .treat(Treatment::automatic(
                Change::ScaleLearningRate { factor: 3.0 },
                "take a learning rate three times larger, or that of a range test",
            ))
            .treat(Treatment::proposal(Change::Initializers, "start from the default initial weights")),
    ])
}
