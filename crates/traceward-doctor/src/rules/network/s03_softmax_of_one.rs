//! S03: softmax over one unit
//!
//! What it sees: the network ends with a softmax over a single unit.
//!
//! Why it is bad: softmax divides each output by the sum of all outputs. Of one output that is always 1,
//! whatever the weights are: the loss is exactly constant, every gradient is zero, and the accuracy is the
//! share of one class.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(1, activation="softmax"))
//! ```
//!
//! Treatment: a sigmoid for a yes-or-no answer, with binary cross-entropy; a linear output for a number;
//! or one unit a class, if softmax is meant.
//!
//! Source: five of thirty faulty Stack Overflow programs in DeepLocalize (Wardat et al., ICSE 2021).

use crate::facts::Argument;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S03", name: "softmax over one unit", file: include_str!("s03_softmax_of_one.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let output = network.output_activation();
    let softmax = matches!(&output.value, Argument::Given(name) if name == "softmax");
    if !softmax || network.output_units() != Some(1) {
        return Ok(Vec::new());
    }
    let cause = Cause::new(
        CauseKind::OutputActivation,
        0.98,
        "a softmax over one unit is always 1: the network cannot answer anything else",
    );
    let regression = evidence
        .compile()
        .ok()
        .and_then(|compile| compile.loss.value.given())
        .is_some_and(|loss| loss.contains("squared") || loss.contains("absolute"));
    let activation = if regression { "linear" } else { "sigmoid" };
    Ok(vec![
        Finding::new(
            "S03",
            Level::Error,
            "the network ends with a softmax over 1 unit, whose output is always 1",
        )
        .at(output.place)
        .cause(cause)
        .treat(Treatment::automatic(
            Change::OutputActivation { activation: activation.into() },
            format!("use activation=\"{activation}\" in the last layer"),
        )),
    ])
}
