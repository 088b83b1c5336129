//! C05: collapse
//!
//! What it sees: a loss that had fallen, went back up most of the way within a few epochs, and has stood
//! there flat ever since, for at least the last 30 % of the run.
//!
//! Why it is bad: one bad step killed the network, mostly its relus, and it cannot come back: all epochs
//! after it are lost.
//!
//! Example:
//!
//! ```text
//! 1.22 ... 0.30 at epoch 130, a peak of 3.8 at 132, then 1.09 = ln 3 for 660 epochs
//! ```
//!
//! Treatment: go back to the best checkpoint; a learning rate three to ten times smaller; clipped
//! gradients; leaky relus.
//!
//! Source: a public log of a 1-D classifier with Adam, checked by hand; TheDeepChecker (Ben Braiek and
//! Khomh, TOSEM 2022).

use super::causes;
use crate::curve::{Losses, Shape, figure};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C05", name: "collapse", file: include_str!("c05_collapse.rs"), check };

/// A network that had learned and died.
pub(crate) struct Collapse {
    /// Index of the best value.
    pub(crate) best: usize,
    /// The level it has stood at since.
    pub(crate) level: f64,
}

/// Whether and how the training loss, or without one the validation loss, collapsed.
pub(crate) fn collapse(losses: &Losses) -> Option<Collapse> {
    let shape = losses.train.as_ref().or(losses.val.as_ref())?;
    let died = died(shape)?;
    // A score that stayed up says that only the loss's scale changed.
    let lost = losses.score().is_none_or(|score| score.max() - score.end() > 0.1);
    lost.then_some(died)
}

fn died(shape: &Shape) -> Option<Collapse> {
    let learned = shape.first() - shape.min();
    if shape.len() < 10 || shape.gain() < 0.3 || shape.climb() < 0.7 * learned {
        return None;
    }
    let tail = shape.tail(0.3, 4);
    let level = shape.level(tail.clone());
    let flat =
        shape.spread(tail.clone()) < 0.1 * level && shape.trend(tail.clone()).change.abs() < 0.05 * level;
    let near_start = level < 2.0 * shape.first();
    (shape.min_at() < tail.start && flat && near_start).then_some(Collapse { best: shape.min_at(), level })
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 10)?;
    let Some(collapse) = collapse(&losses) else { return Ok(Vec::new()) };
    let shape = losses.training(1).or_else(|_| losses.validation(1))?;
    let best = shape.row(collapse.best);
    let symptom = format!(
        "the loss had fallen from {} to {} at row {best}, went back up and has stood at {} since",
        figure(shape.first()),
        figure(shape.min()),
        figure(collapse.level)
    );
    let dead =
        Cause::new(CauseKind::DeadUnits, 0.5, "one bad step killed the relus: they answer 0 to everything")
            .because("it stands flat at the level of not knowing anything");
    Ok(vec![
        Finding::new("C05", Level::Error, symptom)
            .label(Label::Collapse)
            .at_epoch(best)
            .cause(causes::large_steps(
                evidence,
                0.55,
                "steps so large that one of them destroyed what was learned",
            ))
            .cause(dead)
            .treat(causes::smaller_steps(0.2))
            .treat(causes::clip())
            .treat(Treatment::advice(format!("go back to the weights of row {best}: the best of this run")))
            .treat(Treatment::automatic(
                Change::HiddenActivations { activation: "leaky_relu".into() },
                "use leaky relus, which cannot die",
            )),
    ])
}
