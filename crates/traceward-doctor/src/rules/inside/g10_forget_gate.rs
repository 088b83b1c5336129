//! G10: a forget gate that is shut
//!
//! What it sees: the mean bias of an LSTM's forget gate below -1.4, where the gate keeps less than a fifth
//! of its state at each step, in the newest look.
//!
//! Why it is bad: the gate decides how much of what was read stays. At a fifth a call, after five calls a
//! three-thousandth is left, and the layer reads only the end of a sequence.
//!
//! Example:
//!
//! ```text
//! LSTM(32, unit_forget_bias=False, bias_initializer=Constant(-2))
//! ```
//!
//! Treatment: let the bias start at 1 (Keras' unit_forget_bias, the default); divide the learning rate by 3
//! if it did and was driven down.
//!
//! Source: Gers et al. 2000; Jozefowicz et al., ICML 2015 (a bias of 1).

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G10", name: "a forget gate that is shut", file: include_str!("g10_forget_gate.rs"), check };

const SHUT: f64 = -1.4;

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let Some(newest) = inside.looks.last() else { return Ok(Vec::new()) };
    let shut = newest.weights.iter().filter_map(|weight| {
        let bias = weight.forget_bias.filter(|&bias| bias < SHUT)?;
        let keeps = 100.0 / (1.0 + (-bias).exp());
        let symptom = format!(
            "the forget gate of {} keeps about {keeps:.0} % of its state a step: its bias is {bias:.2}",
            weight.layer_name()
        );
        let start = inside.weight(&weight.name).next().and_then(|first| first.forget_bias);
        let finding = Finding::new("G10", Level::Warning, symptom).at(Some(weight.into()));
        Some(if start.is_some_and(|start| start < SHUT) {
            finding
                .cause(
                    Cause::new(CauseKind::Initialization, 0.85, "the bias starts too low")
                        .because(format!("it started at {:.2}", start.unwrap_or_default())),
                )
                .treat(Treatment::automatic(Change::Initializers, "let the forget gate's bias start at 1"))
        } else {
            finding
                .cause(
                    Cause::new(CauseKind::LearningRateHigh, 0.6, "steps that are too large have shut it")
                        .because(format!("the learning rate is {}", newest.learning_rate)),
                )
                .treat(Treatment::proposal(
                    Change::ScaleLearningRate { factor: 1.0 / 3.0 },
                    "divide the learning rate by 3",
                ))
        })
    });
    Ok(shut.collect())
}
