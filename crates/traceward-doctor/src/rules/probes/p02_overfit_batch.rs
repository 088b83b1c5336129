//! P02: one batch cannot be learned by heart
//!
//! What it sees: the network, without dropout, trained on the same few items for up to 1000 steps at the
//! learning rate that the range test suggests (at its own, if that suggests none), does not come to 0.95 of
//! the accuracy that the items allow, or its loss does not fall to a twentieth.
//!
//! Why it is bad: a network has many more weights than a batch has items, so it can always learn one by
//! heart. If it cannot, the network, its loss, its gradients or its steps are broken, and no length of
//! training repairs that.
//!
//! Example:
//!
//! ```text
//! 32 items of 7 classes, 1000 steps: loss from 0.83 to 0.71, accuracy 0.28
//! ```
//!
//! Treatment: what the other findings say of the network, its loss and its learning rate, before any long
//! training is begun.
//!
//! Source: Karpathy, A Recipe for Training Neural Networks (2019); TheDeepChecker (Ben Braiek & Khomh,
//! TOSEM 2022: 16 items, 1000 steps, 5 % wrong).

use crate::facts::Argument;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "P02",
    name: "one batch cannot be learned by heart",
    file: include_str!("p02_overfit_batch.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let probe = evidence.probes()?.overfit.as_ref().ok_or(Missing(Need::Probes))?;
    let accurate = probe.accuracy >= 0.95 * probe.ceiling;
    // Items that contradict each other keep a loss that no network can take away.
    let low = probe.end_loss <= 0.05 * probe.start_loss || probe.ceiling < 1.0;
    if accurate && low && probe.end_loss.is_finite() {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "{} items of {} classes, trained on {} times over: the loss goes from {:.3} to {:.3}, the accuracy to {:.2}",
        probe.items, probe.classes, probe.steps, probe.start_loss, probe.end_loss, probe.accuracy
    );
    // All right answers at a loss that falls slowly is a slow step, not a broken network.
    let level = if accurate { Level::Warning } else { Level::Error };
    let mut finding = Finding::new("P02", level, symptom);
    let moved = (probe.start_loss - probe.end_loss) / probe.start_loss;
    let jagged = jags(&probe.curve);
    let high = !probe.end_loss.is_finite() || probe.end_loss > probe.start_loss || jagged;
    let mut rate = Cause::new(
        if high { CauseKind::LearningRateHigh } else { CauseKind::LearningRateLow },
        if high { 0.65 } else { 0.45 },
        if high { "the learning rate is too high" } else { "the learning rate is too low for 1000 steps" },
    )
    .because(format!("it is {}", probe.learning_rate));
    if jagged {
        rate = rate.because("the loss jumps up and down on the same items");
    }
    let suggested = evidence.probes()?.range.as_ref().and_then(|range| range.suggested);
    if suggested.is_some_and(|suggested| (suggested / probe.learning_rate - 1.0).abs() < 0.01) {
        rate = rate.although("it is the one that the range test suggests");
        rate.weight -= 0.2;
    }
    finding = finding.cause(rate);
    let softmax = evidence.network().is_ok_and(
        |network| matches!(&network.output_activation().value, Argument::Given(name) if name == "softmax"),
    );
    if !softmax && evidence.network().is_ok() {
        finding = finding.cause(
            Cause::new(CauseKind::OutputActivation, 0.6, "the output activation does not fit the loss")
                .because("the network does not end with a softmax"),
        );
    }
    if moved.abs() < 0.02 {
        finding = finding
            .cause(
                Cause::new(CauseKind::Initialization, 0.45, "units that start equal or dead learn nothing")
                    .because("the loss hardly moves"),
            )
            .cause(Cause::new(CauseKind::FrozenLayer, 0.35, "layers that should learn are frozen"));
    } else {
        finding = finding.cause(Cause::new(
            CauseKind::Capacity,
            0.3,
            "the network is too small, or has a bottleneck, for what it should tell apart",
        ));
    }
    finding.causes.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Ok(vec![finding.treat(Treatment::automatic(
        Change::LearningRateFromRangeTest,
        "take the learning rate that a range test finds",
    ))])
}

/// Whether the later half of a curve goes up as often as down, by more than a tenth of its level.
fn jags(curve: &[(u64, f64)]) -> bool {
    let half = &curve[curve.len() / 2..];
    let jumps = half.windows(2).filter(|pair| pair[1].1 > 1.1 * pair[0].1).count();
    half.len() >= 5 && 3 * jumps >= half.len()
}
