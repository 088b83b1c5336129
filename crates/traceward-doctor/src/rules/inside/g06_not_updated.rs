//! G06: layer not updated
//!
//! What it sees: the weights of a layer stay what they were at three looks in a row, over 20 steps or more,
//! while the learning rate is above zero; because the layer is frozen, or because no gradient reaches it.
//!
//! Why it is bad: a layer that starts from random weights and never learns is a random filter. (A frozen
//! layer is right where its weights were learned before, on other data; here they never are.)
//!
//! Example:
//!
//! ```text
//! layer.trainable = False    left over from an experiment with pretrained weights
//! ```
//!
//! Treatment: let every layer learn.
//!
//! Source: DeepDiagnosis (Wardat et al., ICSE 2022: unchanged weights); TrainCheck (OSDI 2025), where layers
//! missing from the optimizer are among the commonest silent errors.

use crate::inside::{Look, WeightLook};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G06", name: "layer not updated", file: include_str!("g06_not_updated.rs"), check };

const TOLERANCE: f64 = 1e-9;
const LOOKS: usize = 3;
const STEPS: u64 = 20;

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let looks = inside.newest(LOOKS).ok_or(Missing(Need::MoreEpochs))?;
    let (first, newest) = (&looks[0], &looks[LOOKS - 1]);
    if newest.step - first.step < STEPS || looks.iter().any(|look| look.learning_rate <= 0.0) {
        return Err(Missing(Need::MoreEpochs));
    }
    let still = |weight: &WeightLook| {
        looks.iter().all(|look| {
            let then = look.weights.iter().find(|then| then.name == weight.name);
            then.is_some_and(|then| then.update_norm <= TOLERANCE * then.norm)
        })
    };
    let moves = newest.weights.iter().any(|weight| !still(weight));
    // Biases alone may rest at zero.
    let mut layers: Vec<&WeightLook> = newest.weights.iter().filter(|w| !w.name.ends_with("bias")).collect();
    layers.dedup_by_key(|weight| weight.layer);
    let rests = |weight: &&WeightLook| newest.weights.iter().filter(|w| w.layer == weight.layer).all(still);
    let resting: Vec<&WeightLook> = layers.into_iter().filter(rests).collect();
    let (held, lost): (Vec<&WeightLook>, Vec<&WeightLook>) = resting.into_iter().partition(|w| !w.trainable);
    let steps = newest.step - first.step;
    let mut findings = Vec::new();
    if let [first, ..] = held[..] {
        findings.push(
            unchanged(&held, steps)
                .at(Some(first.into()))
                .cause(
                    Cause::new(CauseKind::FrozenLayer, 0.97, "frozen, with random weights")
                        .because("trainable is false"),
                )
                .treat(Treatment::automatic(Change::Unfreeze, "let every layer learn: trainable=True")),
        );
    }
    // Where nothing moves at all, G01 and G05 say so.
    if let ([.., last], true) = (&lost[..], moves) {
        findings.push(unlearned(newest, last, unchanged(&lost, steps).at(Some((*last).into()))));
    }
    Ok(findings)
}

fn unchanged(layers: &[&WeightLook], steps: u64) -> Finding {
    let names: Vec<&str> = layers.iter().map(|weight| weight.layer_name()).collect();
    let names = names.join(", ");
    Finding::new("G06", Level::Warning, format!("the weights of {names} have not changed over {steps} steps"))
}

/// Layers that would learn, if a gradient came: why the last of them gets none.
fn unlearned(look: &Look, last: &WeightLook, finding: Finding) -> Finding {
    let zero = |other: &&WeightLook| other.is_kernel() && other.layer >= last.layer && other.norm == 0.0;
    if let Some(zero) = look.weights.iter().find(zero) {
        return finding
            .cause(
                Cause::new(CauseKind::Initialization, 0.9, "a kernel of zeros passes no gradient on")
                    .because(format!("all weights of {} are zero", zero.name)),
            )
            .treat(Treatment::automatic(Change::Initializers, "start from the default initial weights"));
    }
    let dead = look.outputs.iter().find(|output| {
        output.layer >= last.layer && output.activation == "relu" && output.dead_units() > 0.99
    });
    let mut units = Cause::new(CauseKind::DeadUnits, 0.45, "dead units pass no gradient on");
    if let Some(dead) = dead {
        units = units.because(format!("all units of {} are zero on the whole batch", dead.name));
        units.weight = 0.85;
    }
    finding
        .cause(units)
        .cause(Cause::new(CauseKind::VanishingGradient, 0.4, "the gradient vanishes on the way back"))
        .cause(Cause::new(CauseKind::Initialization, 0.4, "initial weights that are all zero or all equal"))
        .treat(Treatment::automatic(Change::Initializers, "start from the default initial weights"))
}
