//! P05: gradients that are wrong
//!
//! What it sees: the gradients of the backward pass differ by more than 5 % from differences of the loss,
//! measured by moving weights a little either way.
//!
//! Why it is bad: a layer with a wrong derivative learns something else than what it is asked to.
//!
//! Example:
//!
//! ```text
//! conv1d/kernel: the backward pass says 0.31, the loss changes by 0.27
//! ```
//!
//! Treatment: a bug in the layer's own code; report it.
//!
//! Source: TheDeepChecker (Ben Braiek & Khomh, TOSEM 2022: relative error 1e-2, which the
//! rounding of a loss in single precision passes by itself now and then).

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "P05", name: "gradients that are wrong", file: include_str!("p05_gradient_check.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let probe = evidence.probes()?.gradient.as_ref().ok_or(Missing(Need::Probes))?;
    if probe.worst <= 5e-2 {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "the gradient of {} differs by {:.1} % from what the loss does",
        probe.name,
        100.0 * probe.worst
    );
    Ok(vec![
        Finding::new("P05", Level::Error, symptom)
            .cause(Cause::new(CauseKind::Process, 0.8, "the layer's backward pass is wrong"))
            .treat(Treatment::advice("report this with the network's configuration")),
    ])
}
