//! S04: outputs cannot reach the targets
//!
//! What it sees: a regression loss whose targets lie where the last activation cannot go: outside 0..1 under
//! a sigmoid or softmax, outside -1..1 under a tanh, below 0 under a relu. Without the targets it speaks
//! only of a relu.
//!
//! Why it is bad: the network pushes its outputs to the end of their range and stays there, where the
//! activation is flat. The loss falls a little, then stands at a level that no training lowers. A relu at
//! the end has a second fault: where it is at zero it has no gradient, so one bad step can leave the network
//! answering 0 for ever.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(1, activation="sigmoid"))   # prices
//! model.compile(loss="mse")
//! ```
//!
//! Treatment: no activation in the last layer, or targets scaled into the activation's range. Softplus
//! instead of relu where answers must be positive. An autoencoder with a sigmoid over pixels in 0..1 is
//! right as it is.
//!
//! Source: DeepDiagnosis (Wardat et al., ICSE 2022), symptom "out of range".

use super::ending::{Ending, LossKind};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S04",
    name: "outputs cannot reach the targets",
    file: include_str!("s04_output_range.rs"),
    check,
};

/// What lies this share of the targets' range outside is rounding, not another range.
const SLACK: f64 = 0.01;

fn check(evidence: &Evidence) -> Answer {
    let Some(ending) = Ending::of(evidence)? else { return Ok(Vec::new()) };
    if ending.kind != LossKind::Number {
        return Ok(Vec::new());
    }
    let (low, high) = match ending.activation {
        "sigmoid" | "hard_sigmoid" | "softmax" => (0.0, 1.0),
        "tanh" | "hard_tanh" | "softsign" => (-1.0, 1.0),
        "relu" => (0.0, f64::INFINITY),
        "relu6" => (0.0, 6.0),
        "softplus" | "exponential" => (0.0, f64::INFINITY),
        _ => return Ok(Vec::new()),
    };
    let Some(targets) = evidence.targets() else {
        return if ending.activation == "relu" {
            Ok(vec![relu(&ending)])
        } else {
            Err(Missing(Need::Features))
        };
    };
    let slack = SLACK * (targets.max - targets.min).abs();
    if targets.min >= low - slack && targets.max <= high + slack {
        return Ok(Vec::new());
    }
    let range = if high.is_finite() { format!("{low}..{high}") } else { format!("{low} and above") };
    let finding = Finding::new(
        "S04",
        Level::Error,
        format!(
            "targets run from {} to {}, and {} gives {range} only",
            targets.min, targets.max, ending.activation
        ),
    );
    let cause = Cause::new(
        CauseKind::OutputActivation,
        0.95,
        format!("{} at the end cannot answer what it is asked", ending.activation),
    );
    Ok(vec![
        finding
            .at(ending.place.clone())
            .cause(cause)
            .cause(Cause::new(CauseKind::Scaling, 0.5, "the targets were meant to be scaled, and are not"))
            .treat(linear())
            .treat(Treatment::advice(format!("or scale the targets into {range}"))),
    ])
}

fn relu(ending: &Ending<'_>) -> Finding {
    Finding::new(
        "S04",
        Level::Warning,
        format!("the network ends with a relu, and its loss is {}", ending.loss),
    )
    .at(ending.place.clone())
    .cause(
        Cause::new(
            CauseKind::OutputActivation,
            0.75,
            "a relu at the end answers nothing below 0, and has no gradient where it answers 0",
        )
        .although("where targets are never negative it can be meant"),
    )
    .treat(linear())
    .treat(Treatment::advice("or use softplus, where answers must be positive"))
}

fn linear() -> Treatment {
    Treatment::automatic(
        Change::OutputActivation { activation: "linear".into() },
        "leave the activation of the last layer out",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Data, Range};
    use crate::rules::network::sample::{dense, model};

    fn with_targets(activation: &str, min: f64, max: f64) -> usize {
        let mut evidence = model(&[dense(8, "relu"), dense(1, activation)], "mean_squared_error");
        evidence.data = Some(Data { targets: Some(Range { min, max }), ..Data::default() });
        check(&evidence).unwrap().len()
    }

    #[test]
    fn targets_out_of_reach() {
        assert_eq!(with_targets("sigmoid", 0.0, 500.0), 1);
        assert_eq!(with_targets("tanh", -1.5, 1.0), 1);
        assert_eq!(with_targets("relu", -3.0, 1.0), 1);
        assert_eq!(with_targets("sigmoid", 0.0, 1.0), 0);
        assert_eq!(with_targets("sigmoid", 0.0, 1.005), 0, "rounding");
        assert_eq!(with_targets("relu", 0.0, 1e6), 0);
        assert_eq!(with_targets("linear", -1e6, 1e6), 0);
    }

    #[test]
    fn without_targets_only_a_relu_is_doubted() {
        let of = |activation| check(&model(&[dense(8, "relu"), dense(1, activation)], "mean_absolute_error"));
        assert_eq!(of("relu").unwrap()[0].level, Level::Warning);
        assert_eq!(of("sigmoid"), Err(Missing(Need::Features)), "pixels in 0..1 are right");
        assert_eq!(of("linear").unwrap(), []);
    }
}
