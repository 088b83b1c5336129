//! P01: loss at start
//!
//! What it sees: the loss before the first step differs by more than half from that of a network that knows
//! nothing: ln K for a softmax over K classes with cross-entropy, ln 2 for sigmoids with binary
//! cross-entropy, (K-1)/K² for a softmax with squared error.
//!
//! Why it is bad: small random weights answer about the same for every class. If the loss says otherwise,
//! loss and output do not belong together, the classes are not the ones the network has outputs for, or the
//! initial weights are far too large.
//!
//! Example:
//!
//! ```text
//! loss at start 11.4, expected ln 7 = 1.95: inputs up to 255 go in unscaled
//! ```
//!
//! Treatment: the output activation that fits the loss; the default initial weights; scaled inputs.
//!
//! Source: Karpathy, A Recipe for Training Neural Networks (2019); TheDeepChecker (Ben Braiek & Khomh,
//! TOSEM 2022).

use crate::facts::Argument;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "P01", name: "loss at start", file: include_str!("p01_start_loss.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let start = evidence.probes()?.start.as_ref().ok_or(Missing(Need::Probes))?;
    let off = start.loss - start.expected;
    if start.loss.is_finite() && off.abs() <= 0.5 * start.expected {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "the loss at the start is {:.3}; a network that knows nothing has {} = {:.3}",
        start.loss, start.formula, start.expected
    );
    let level = if start.loss.is_finite() { Level::Warning } else { Level::Error };
    let mut finding = Finding::new("P01", level, symptom);
    let softmax = evidence.network().is_ok_and(
        |network| matches!(&network.output_activation().value, Argument::Given(name) if name == "softmax"),
    );
    if !softmax {
        finding = finding
            .cause(
                Cause::new(CauseKind::OutputActivation, 0.6, "the output activation does not fit the loss")
                    .because("the network does not end with a softmax"),
            )
            .treat(Treatment::automatic(
                Change::OutputActivation { activation: "softmax".into() },
                "use activation=\"softmax\" in the last layer",
            ));
    }
    Ok(vec![
        finding
            .cause(Cause::new(
                CauseKind::Initialization,
                if off > 0.0 { 0.55 } else { 0.3 },
                "initial weights that are too large make the first answers sure and wrong",
            ))
            .cause(Cause::new(CauseKind::Scaling, 0.4, "inputs that are too large do the same"))
            .cause(Cause::new(CauseKind::BadLabels, 0.35, "labels that are not the outputs' classes"))
            .treat(Treatment::automatic(Change::Initializers, "start from the default initial weights")),
    ])
}
