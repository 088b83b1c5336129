//! Causes that several curve rules suspect, with what the rest of the evidence says for and against them.

use crate::curve::figure;
use crate::{Cause, CauseKind, Change, Evidence, Treatment};

/// The step size that the run began with: as compiled, else as logged.
pub(super) fn learning_rate(evidence: &Evidence) -> Option<f64> {
    let compiled = || evidence.compile().ok()?.learning_rate.value.given().copied();
    let logged = || evidence.curves.as_ref()?.learning_rate.as_ref()?.shape().map(|shape| shape.max());
    compiled().or_else(logged).filter(|rate| rate.is_finite() && *rate > 0.0)
}

/// The step size from which on one asks whether it is too large: that of the optimizer, where it is known.
/// Recurrent networks and attention want smaller ones.
fn usual_most(evidence: &Evidence) -> f64 {
    let optimizer = evidence.compile().ok().and_then(|compile| compile.optimizer.value.given());
    if optimizer.is_some_and(|name| name == "sgd") {
        return 0.1;
    }
    let recurrent = evidence.network.as_ref().is_some_and(crate::facts::Network::is_recurrent);
    if recurrent { 3e-3 } else { 1e-2 }
}

/// Steps that are too large: `weight` without knowledge of the step size, more or less with it.
pub(super) fn large_steps(evidence: &Evidence, weight: f64, text: &str) -> Cause {
    let rate = learning_rate(evidence);
    let most = usual_most(evidence);
    match rate {
        Some(rate) if rate >= most => Cause::new(CauseKind::LearningRateHigh, (weight + 0.25).min(0.9), text)
            .because(format!("the learning rate is {}; usual ones are below {}", figure(rate), figure(most))),
        Some(rate) if rate < most / 30.0 => Cause::new(CauseKind::LearningRateHigh, weight * 0.5, text)
            .although(format!("the learning rate is {}, which is not large", figure(rate))),
        Some(rate) => Cause::new(CauseKind::LearningRateHigh, weight, text)
            .because(format!("the learning rate is {}", figure(rate))),
        None => Cause::new(CauseKind::LearningRateHigh, weight, text),
    }
}

/// Steps that are too small.
pub(super) fn small_steps(evidence: &Evidence, weight: f64, text: &str) -> Cause {
    match learning_rate(evidence) {
        Some(rate) if rate <= 1e-5 => Cause::new(CauseKind::LearningRateLow, (weight + 0.25).min(0.9), text)
            .because(format!("the learning rate is {}", figure(rate))),
        Some(rate) if rate >= 1e-3 => Cause::new(CauseKind::LearningRateLow, weight * 0.4, text)
            .although(format!("the learning rate is {}, which is not small", figure(rate))),
        _ => Cause::new(CauseKind::LearningRateLow, weight, text),
    }
}

/// Takes the step size down, by the range test if it can be run.
pub(super) fn smaller_steps(factor: f64) -> Treatment {
    let divisor = figure((1.0 / factor).round());
    Treatment::automatic(
        Change::ScaleLearningRate { factor },
        format!("divide the learning rate by {divisor}, or take it from a range test"),
    )
}

/// Limits the gradient's norm.
pub(super) fn clip() -> Treatment {
    Treatment::automatic(Change::ClipNorm { norm: 1.0 }, "clip the gradient's norm at 1")
}
