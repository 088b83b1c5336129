//! S20: the training loop lacks a step
//!
//! What it sees: a loop written by hand, as PyTorch's are, that never computes gradients
//! (`loss.backward()`), never makes the optimizer's step, never sets gradients to zero before the next
//! batch, or evaluates a network with dropout or batch normalisation without `model.eval()`.
//!
//! Why it is bad: without backward or step the weights stay as they were drawn, and nothing says so.
//! Without `zero_grad()` each step adds the gradients of all batches before it: steps grow, and the loss
//! jumps or climbs. Without `eval()` dropout goes on dropping while the network is judged.
//!
//! Example:
//!
//! ```text
//! for x, y in loader:
//!     loss = criterion(model(x), y)
//!     loss.backward()
//!     optimizer.step()
//! ```
//!
//! Treatment: `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`, in this order, for each batch;
//! `model.eval()` before an evaluation, `model.train()` after it.
//!
//! Source: Karpathy, "most common neural net mistakes" (2018); the PyTorch documentation of `torch.optim`.

use crate::facts::{Layer, TrainingLoop};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S20",
    name: "the training loop lacks a step",
    file: include_str!("s20_training_loop.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let fit = evidence.fit()?;
    let Some(training) = &fit.training_loop else { return Ok(Vec::new()) };
    let finding = |level, symptom: &str, kind, why: &str, advice: &str| {
        Finding::new("S20", level, symptom)
            .at(training.place.clone())
            .cause(Cause::new(kind, 0.9, why))
            .treat(Treatment::advice(advice))
    };
    let mut found = Vec::new();
    match training {
        TrainingLoop { backward: false, .. } => found.push(finding(
            Level::Error,
            "the loop computes a loss, but no gradients: nothing calls backward()",
            CauseKind::FrozenLayer,
            "without gradients no step changes a weight",
            "call loss.backward() before optimizer.step()",
        )),
        TrainingLoop { step: false, .. } => found.push(finding(
            Level::Error,
            "the loop computes gradients, but the optimizer never makes a step",
            CauseKind::FrozenLayer,
            "without a step no weight ever changes",
            "call optimizer.step() after loss.backward()",
        )),
        TrainingLoop { zero_grad: false, .. } => found.push(finding(
            Level::Error,
            "gradients are never set to zero: each step adds those of all batches before it",
            CauseKind::Optimizer,
            "gradients add up from batch to batch until zero_grad() clears them",
            "call optimizer.zero_grad() before each loss.backward()",
        )),
        _ => {}
    }
    let switches = |layer: &Layer| layer.is_dropout() || layer.class_name == "BatchNormalization";
    let network = evidence.network.as_ref();
    let behaves_differently = network.is_some_and(|network| network.layers.iter().any(switches));
    if training.evaluates && !training.eval && behaves_differently {
        found.push(finding(
            Level::Warning,
            "the network is evaluated as it trains: nothing calls eval()",
            CauseKind::Metric,
            "dropout goes on dropping, and batch normalisation on using the batch, while the network is judged",
            "call model.eval() before evaluating, and model.train() after it",
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fit, Network};

    fn levels(training: TrainingLoop, layers: &[&str]) -> Vec<Level> {
        let layers = layers.iter().map(|class| Layer { class_name: (*class).into(), ..Layer::default() });
        let evidence = Evidence {
            network: Some(Network { layers: layers.collect(), ..Network::default() }),
            fit: Some(Fit { training_loop: Some(training), ..Fit::default() }),
            ..Evidence::default()
        };
        check(&evidence).unwrap().iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn each_step_is_missed_and_a_whole_loop_is_left_alone() {
        let whole = TrainingLoop {
            zero_grad: true,
            backward: true,
            step: true,
            eval: true,
            evaluates: true,
            place: None,
        };
        assert_eq!(levels(whole.clone(), &["Dense", "Dropout"]), []);
        assert_eq!(levels(TrainingLoop { zero_grad: false, ..whole.clone() }, &["Dense"]), [Level::Error]);
        assert_eq!(levels(TrainingLoop { step: false, ..whole.clone() }, &["Dense"]), [Level::Error]);
        assert_eq!(levels(TrainingLoop { backward: false, ..whole.clone() }, &["Dense"]), [Level::Error]);
        let judged = TrainingLoop { eval: false, ..whole };
        assert_eq!(levels(judged.clone(), &["Dense"]), [], "it is the same network in both modes");
        assert_eq!(levels(judged, &["Dense", "Dropout"]), [Level::Warning]);
    }
}
