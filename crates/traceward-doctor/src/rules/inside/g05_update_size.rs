//! G05: size of the updates
//!
//! What it sees: the norm of a step's change of a kernel, divided by the norm of the kernel itself, as the
//! median over the newest five looks. Above 0.1 in any layer, or below 0.00001 in all of them while the
//! loss has hardly fallen. The first look is left out: an adaptive optimizer's first steps are its largest.
//!
//! Why it is bad: the ratio says in units of the weights themselves what the learning rate does. At a tenth
//! a step rewrites the layer and the loss jumps; at a hundred-thousandth it takes a hundred thousand steps
//! to change it. About a thousandth is usual.
//!
//! Example:
//!
//! ```text
//! lstm/recurrent_kernel: 0.21 of its norm in one step, at a learning rate of 0.03
//! ```
//!
//! Treatment: change the learning rate by the factor that brings the ratio to a thousandth or a few, or take
//! the one that the range test finds (`train --check`).
//!
//! Source: Karpathy, CS231n (about 1e-3); TheDeepChecker (Ben Braiek & Khomh, TOSEM 2022) and DeepDiagnosis
//! (Wardat et al., ICSE 2022): 1e-5 or 1e-4 to 1e-1.

use crate::inside::{Inside, WeightLook, median};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G05", name: "size of the updates", file: include_str!("g05_update_size.rs"), check };

const HIGH: f64 = 1e-1;
const LOW: f64 = 1e-5;
const USUAL: f64 = 3e-3;

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let looks = inside.newest(4).ok_or(Missing(Need::MoreEpochs))?;
    let Some(newest) = looks.last() else { return Ok(Vec::new()) };
    let ratios: Vec<(&WeightLook, f64)> =
        newest.kernels().filter_map(|weight| Some((weight, ratio(inside, &weight.name)?))).collect();
    let largest = ratios.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let Some(&(weight, largest)) = largest else { return Ok(Vec::new()) };
    let rate = newest.learning_rate;
    if largest > HIGH {
        let symptom =
            format!("a step changes {} by {largest:.2} of its norm; about 0.001 is usual", weight.name);
        let cause = Cause::new(CauseKind::LearningRateHigh, 0.75, "the learning rate is too high")
            .because(format!("it is {rate}"));
        let factor = (USUAL / largest).max(0.01);
        return Ok(vec![
            Finding::new("G05", Level::Warning, symptom)
                .at(Some(weight.into()))
                .cause(cause)
                .treat(range_test())
                .treat(Treatment::automatic(
                    Change::ScaleLearningRate { factor },
                    format!("divide the learning rate by {:.0}", 1.0 / factor),
                )),
        ]);
    }
    let hardly_fell = inside.loss_left().is_some_and(|left| left > 0.9);
    if largest > 0.0 && largest < LOW && hardly_fell && rate > 0.0 {
        let symptom = format!(
            "no kernel is changed by more than {largest:.0e} of its norm in a step, and the loss has hardly fallen"
        );
        let cause = Cause::new(CauseKind::LearningRateLow, 0.75, "the learning rate is too low")
            .because(format!("it is {rate}"));
        let factor = (1e-3 / largest).min(1e3);
        return Ok(vec![
            Finding::new("G05", Level::Warning, symptom).cause(cause).treat(range_test()).treat(
                Treatment::automatic(
                    Change::ScaleLearningRate { factor },
                    format!("multiply the learning rate by {factor:.0}"),
                ),
            ),
        ]);
    }
    Ok(Vec::new())
}

fn range_test() -> Treatment {
    Treatment::automatic(Change::LearningRateFromRangeTest, "take the learning rate that a range test finds")
}

/// Update over norm: the median of the newest five looks, the very first apart.
fn ratio(inside: &Inside, name: &str) -> Option<f64> {
    let seen: Vec<&WeightLook> = inside.weight(name).skip(1).collect();
    let newest = &seen[seen.len().saturating_sub(5)..];
    median(newest.iter().filter(|weight| weight.norm > 0.0).map(|weight| weight.update_norm / weight.norm))
}
