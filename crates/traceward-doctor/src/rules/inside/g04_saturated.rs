//! G04: saturated activation
//!
//! What it sees: in three looks in a row, more than half of the outputs of a hidden sigmoid or tanh layer
//! lie at its flat ends (what went in was beyond ±5), or of an LSTM's or GRU's outputs beyond ±0.99, which
//! takes a gate and a state at their ends together.
//!
//! Why it is bad: at its ends a sigmoid or tanh has no slope. The layer still answers, but what it should
//! have answered instead does not come through to the layers before it.
//!
//! Example:
//!
//! ```text
//! Dense(32, activation="tanh") on inputs from 0 to 255: nearly every output is 1 or -1
//! ```
//!
//! Treatment: scale the inputs; divide the learning rate by 3; a normalisation before the activation, or
//! relu instead of it.
//!
//! Source: DeepDiagnosis (Wardat et al., ICSE 2022): beyond ±5, more than 50 %. The output layer is left
//! out: a classifier that is sure of itself ends there, and is right to.

use crate::inside::OutputLook;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G04", name: "saturated activation", file: include_str!("g04_saturated.rs"), check };

const SHARE: f64 = 0.5;
const LOOKS: usize = 3;

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let looks = inside.newest(LOOKS).ok_or(Missing(Need::MoreEpochs))?;
    let Some((_, hidden)) = looks.last().and_then(|look| look.outputs.split_last()) else {
        return Ok(Vec::new());
    };
    let stays = |output: &&OutputLook| {
        let seen: Vec<&OutputLook> = inside.output(&output.name).rev().take(LOOKS).collect();
        seen.len() == LOOKS && seen.iter().all(|seen| seen.saturated > SHARE)
    };
    let found = |output: &OutputLook| {
        let from_start = inside.output(&output.name).next().is_some_and(|first| first.saturated > SHARE);
        let share = 100.0 * output.saturated;
        let symptom = format!(
            "{share:.0} % of the outputs of {} are at the flat ends of its {}",
            output.name, output.activation
        );
        let mut scaling = Cause::new(CauseKind::Scaling, 0.45, "what goes in is too large");
        let mut rate =
            Cause::new(CauseKind::LearningRateHigh, 0.45, "steps that were too large have led there");
        if from_start {
            scaling = scaling.because("it was so at the first look already");
            scaling.weight = 0.7;
        } else {
            rate = rate.because("it was not so at the first look");
            rate.weight = 0.65;
        }
        let mut causes = [scaling, rate];
        causes.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let mut finding = Finding::new("G04", Level::Warning, symptom).at(Some(output.into()));
        for cause in causes {
            finding = finding.cause(cause);
        }
        finding
            .cause(Cause::new(
                CauseKind::HiddenActivation,
                0.4,
                "sigmoid and tanh have flat ends; relu has one",
            ))
            .treat(Treatment::proposal(
                Change::ScaleLearningRate { factor: 1.0 / 3.0 },
                "divide the learning rate by 3",
            ))
            .treat(Treatment::advice("scale the inputs, or put a normalisation before the activation"))
    };
    Ok(hidden.iter().filter(stays).map(found).collect())
}
