//! G07: weights blow up
//!
//! What it sees: a kernel's largest weight is above 5 and above ten times what it was at the first look, or
//! above 1000; or it has doubled at each of the newest five looks.
//!
//! Why it is bad: large weights make sharp, brittle answers and saturated units, and go before an overflow.
//!
//! Example:
//!
//! ```text
//! dense/kernel: largest weight 0.2 at the first look, 48 at the last
//! ```
//!
//! Treatment: divide the learning rate by 3, clip the gradient, or use AdamW, whose weight decay pulls them
//! back.
//!
//! Source: AutoTrainer (Zhang et al., ICSE 2021: weights above 5); TheDeepChecker (Ben Braiek & Khomh, TOSEM
//! 2022: diverging parameters). Embeddings and biases are left out: they start near zero, and grow by right.

use crate::inside::WeightLook;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G07", name: "weights blow up", file: include_str!("g07_large_weights.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let (Some(first), Some(newest)) = (inside.looks.first(), inside.looks.last()) else {
        return Ok(Vec::new());
    };
    let started = |weight: &WeightLook| first.weights.iter().find(|then| then.name == weight.name);
    let doubles = |weight: &WeightLook| {
        let seen: Vec<f64> = inside.weight(&weight.name).rev().take(5).map(|seen| seen.largest).collect();
        seen.len() == 5 && seen.windows(2).all(|pair| pair[0] >= 2.0 * pair[1])
    };
    let blows = |weight: &&WeightLook| {
        let grown = started(weight).is_some_and(|then| weight.largest > 10.0 * then.largest);
        weight.largest > 1e3 || weight.largest > 5.0 && (grown || doubles(weight))
    };
    // The worst speaks for all: they blow up together.
    let Some(worst) = newest.kernels().filter(blows).max_by(|a, b| a.largest.total_cmp(&b.largest)) else {
        return Ok(Vec::new());
    };
    let from = started(worst).map_or(0.0, |then| then.largest);
    let symptom =
        format!("the largest weight of {} has grown from {from:.2} to {:.1}", worst.name, worst.largest);
    let cause = Cause::new(CauseKind::LearningRateHigh, 0.6, "steps that are too large")
        .because(format!("the learning rate is {}", newest.learning_rate));
    Ok(vec![
        Finding::new("G07", Level::Warning, symptom)
            .at(Some(worst.into()))
            .cause(cause)
            .cause(Cause::new(
                CauseKind::TooLittleRegularization,
                0.35,
                "nothing holds the weights back while the loss still gains a little by larger ones",
            ))
            .treat(Treatment::proposal(
                Change::ScaleLearningRate { factor: 1.0 / 3.0 },
                "divide the learning rate by 3",
            ))
            .treat(Treatment::proposal(
                Change::Optimizer { name: "adamw".into() },
                "use AdamW, whose weight decay holds them back",
            )),
    ])
}
