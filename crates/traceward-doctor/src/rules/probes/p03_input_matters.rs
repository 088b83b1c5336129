//! P03: the input does not matter
//!
//! What it sees: after a few steps of training, the loss with the items' own inputs is not clearly below the
//! loss with the inputs of other items. The inputs are permuted 99 times; the own loss must be below 99 in
//! a hundred of them.
//!
//! Why it is bad: a network that answers as well when it is shown the wrong input does not look at it: it
//! has only learned how common the classes are. Inputs and labels may have come apart on the way, or
//! nothing of the input comes through.
//!
//! Example:
//!
//! ```text
//! loss 1.52 with the right inputs, 1.52 with permuted ones
//! ```
//!
//! Treatment: look whether rows still belong to their labels after shuffling and splitting; look for dead
//! layers.
//!
//! Source: Karpathy, A Recipe for Training Neural Networks (2019: input-independent baseline);
//! TheDeepChecker (Ben Braiek & Khomh, TOSEM 2022). The test is a permutation test, one-sided at 0.01.

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "P03", name: "the input does not matter", file: include_str!("p03_input_matters.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let probe = evidence.probes()?.input.as_ref().ok_or(Missing(Need::Probes))?;
    if probe.p <= 0.01 {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "after {} steps the loss is {:.3} with the right inputs and {:.3} with permuted ones (p = {:.2})",
        probe.steps, probe.own, probe.permuted, probe.p
    );
    let learned_by_heart =
        evidence.probes()?.overfit.as_ref().is_some_and(|overfit| overfit.accuracy >= 0.95);
    let mut labels = Cause::new(CauseKind::BadLabels, 0.5, "inputs and labels have come apart");
    let mut dead = Cause::new(CauseKind::DeadUnits, 0.4, "nothing of the input comes through the network");
    if learned_by_heart {
        labels = labels.because("the network can learn a batch by heart, so inputs do come through");
        labels.weight = 0.65;
        dead = dead.although("the network can learn a batch by heart");
        dead.weight = 0.15;
    }
    Ok(vec![
        Finding::new("P03", Level::Warning, symptom)
            .cause(labels)
            .cause(dead)
            .cause(Cause::new(
                CauseKind::LearningRateLow,
                0.3,
                "the steps were too small to learn anything from the inputs yet",
            ))
            .cause(Cause::new(CauseKind::Task, 0.3, "the inputs do not tell the classes apart"))
            .treat(Treatment::advice("check, for a few rows, that inputs still belong to their labels")),
    ])
}
