//! G01: vanishing gradient
//!
//! What it sees: in three of the newest five looks, the gradient of the first layer's kernel is below 0.0001 and less
//! than a thousandth of the last layer's; or the entries of a kernel's gradient are below 0.0000001; or no
//! layer gets any gradient at all. It is silent once less than a tenth of the first loss is left: where
//! there is nothing to learn any more, gradients are small by right.
//!
//! Why it is bad: layers learn by their gradients. Where those vanish on the way back, the early layers
//! stay what chance made them, and the late ones have to do with that.
//!
//! Example:
//!
//! ```text
//! Dense(64, activation="sigmoid"), six times: each sigmoid passes on at most a quarter of a gradient.
//! ```
//!
//! Treatment: relu in the hidden layers instead of sigmoid or tanh; a normalisation between them; the
//! default initial weights; fewer layers. If no gradient comes from the output at all, the loss is clipped
//! there: softmax with a cross-entropy does not clip.
//!
//! Source: AutoTrainer (Zhang et al., ICSE 2021: first below 1e-4, ratio 1e-3); DeepDiagnosis (Wardat et
//! al., ICSE 2022) and SageMaker Debugger: mean below 1e-7.

use crate::facts::{Argument, Network};
use crate::inside::{Inside, Look, WeightLook};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G01", name: "vanishing gradient", file: include_str!("g01_vanishing_gradient.rs"), check };

const FIRST: f64 = 1e-4;
const RATIO: f64 = 1e-3;
const ENTRY: f64 = 1e-7;
const LOOKS: usize = 3;
const OF: usize = 5;

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let looks = inside.newest(LOOKS).ok_or(Missing(Need::MoreEpochs))?;
    let left = inside.loss_left();
    if left.is_none_or(|left| left < 0.1) {
        return Ok(Vec::new());
    }
    let none = |look: &Look| {
        let mut learning = look.weights.iter().filter(|weight| weight.trainable).peekable();
        learning.peek().is_some() && learning.all(|weight| weight.gradient_norm == 0.0)
    };
    if looks.iter().all(none) {
        return Ok(vec![nothing_comes_back(evidence, inside)]);
    }
    let Some(newest) = looks.last() else { return Ok(Vec::new()) };
    let small = |weight: &WeightLook| {
        let over_looks: Vec<&WeightLook> = inside.weight(&weight.name).rev().take(LOOKS).collect();
        over_looks.len() == LOOKS && over_looks.iter().all(|seen| seen.gradient_size() < ENTRY)
    };
    let Some(first) = newest.kernels().next() else { return Ok(Vec::new()) };
    let fades = |look: &&Look| {
        let (Some(first), Some(last)) = (look.kernels().next(), look.kernels().next_back()) else {
            return false;
        };
        first.layer != last.layer
            && first.gradient_norm < FIRST
            && first.gradient_norm < RATIO * last.gradient_norm
    };
    let newest_five = &inside.looks[inside.looks.len().saturating_sub(OF)..];
    let fading = newest_five.iter().rfind(fades);
    let fading = fading.filter(|_| newest_five.iter().filter(fades).count() >= LOOKS);
    let lost: Vec<&WeightLook> = newest.kernels().filter(|weight| small(weight)).collect();
    let (look, worst) = match (fading, lost.first()) {
        (Some(look), _) => (look, look.kernels().next().unwrap_or(first)),
        (None, Some(lost)) => (newest, *lost),
        (None, None) => return Ok(Vec::new()),
    };
    let symptom = match (fading, look.kernels().next_back()) {
        (Some(_), Some(last)) => format!(
            "the gradient of {} has a norm of {:.1e}, that of {} of {:.1e}",
            worst.name, worst.gradient_norm, last.name, last.gradient_norm
        ),
        _ if worst.gradient_norm == 0.0 => format!("no gradient reaches {}", worst.name),
        _ => format!("the gradient of {} has entries of {:.1e}", worst.name, worst.gradient_size()),
    };
    Ok(vec![treated(
        causes(evidence, inside, Finding::new("G01", Level::Error, symptom).at(Some(worst.into()))),
        newest,
    )])
}

fn nothing_comes_back(evidence: &Evidence, inside: &Inside) -> Finding {
    let mut finding = Finding::new("G01", Level::Error, "no layer gets any gradient: nothing is learned");
    let softmax = evidence.network().is_ok_and(
        |network| matches!(&network.output_activation().value, Argument::Given(name) if name == "softmax"),
    );
    if !softmax {
        finding = finding
            .cause(
                Cause::new(
                    CauseKind::OutputActivation,
                    0.7,
                    "the outputs are at the ends of their range, where the loss is clipped and has no slope",
                )
                .because("the network does not end with a softmax, whose cross-entropy is never clipped"),
            )
            .treat(Treatment::automatic(
                Change::OutputActivation { activation: "softmax".into() },
                "use activation=\"softmax\" in the last layer",
            ));
    }
    let dead = inside.looks.last().is_some_and(|look| {
        look.outputs.iter().any(|output| output.activation == "relu" && output.dead_units() > 0.99)
    });
    if dead {
        finding = finding.cause(
            Cause::new(
                CauseKind::DeadUnits,
                0.7,
                "a relu layer whose units are all dead passes nothing back",
            )
            .because("all units of a relu layer are zero on the whole batch"),
        );
    }
    let rate = Cause::new(CauseKind::LearningRateHigh, 0.4, "one step that was too large has led there");
    finding.cause(rate).treat(Treatment::automatic(
        Change::ScaleLearningRate { factor: 0.1 },
        "divide the learning rate by 10",
    ))
}

/// Layers that end in a function with flat ends, on the way from the first kernel to the last.
fn flat_layers(look: &Look) -> usize {
    let last = look.kernels().next_back().map(|weight| weight.layer);
    let flat = |name: &str| name == "sigmoid" || name == "tanh";
    look.outputs.iter().filter(|output| Some(output.layer) < last && flat(&output.activation)).count()
}

fn causes(evidence: &Evidence, inside: &Inside, mut finding: Finding) -> Finding {
    let Some(look) = inside.looks.last() else { return finding };
    let zero = look.weights.iter().find(|weight| weight.is_kernel() && weight.norm == 0.0);
    if let Some(zero) = zero {
        finding = finding.cause(
            Cause::new(CauseKind::Initialization, 0.9, "a kernel of zeros passes no gradient on")
                .because(format!("all weights of {} are zero", zero.name)),
        );
    }
    let flat = flat_layers(look);
    if flat >= 2 {
        finding = finding.cause(
            Cause::new(
                CauseKind::HiddenActivation,
                if flat >= 3 { 0.85 } else { 0.6 },
                "each sigmoid or tanh on the way shrinks the gradient",
            )
            .because(format!("{flat} hidden layers end in sigmoid or tanh")),
        );
    }
    let dead = look.outputs.iter().find(|o| o.activation == "relu" && o.dead_units() >= 0.5);
    if let Some(dead) = dead {
        finding = finding.cause(
            Cause::new(CauseKind::DeadUnits, 0.75, "dead units pass no gradient on").because(format!(
                "{:.0} % of the units of {} are zero on the whole batch",
                100.0 * dead.dead_units(),
                dead.name
            )),
        );
    }
    if evidence.network().is_ok_and(Network::is_recurrent) && flat < 2 {
        finding = finding.cause(Cause::new(
            CauseKind::VanishingGradient,
            0.4,
            "over a long sequence the gradient fades from step to step",
        ));
    }
    finding.cause(Cause::new(CauseKind::Initialization, 0.25, "initial weights that are too small"))
}

fn treated(mut finding: Finding, look: &Look) -> Finding {
    finding.causes.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    finding.causes.dedup_by_key(|cause| cause.kind);
    if finding.causes.first().is_some_and(|cause| cause.kind == CauseKind::Initialization) {
        return finding.treat(Treatment::automatic(
            Change::Initializers,
            "start from the default initial weights of each layer",
        ));
    }
    let hidden = look.outputs.iter().filter(|output| output.activation == "sigmoid");
    for output in hidden {
        finding = finding.treat(Treatment::proposal(
            Change::HiddenActivation { layer: output.layer, activation: "relu".into() },
            format!("use activation=\"relu\" in {}", output.name),
        ));
    }
    finding.treat(Treatment::advice("put a normalisation between the layers, or use fewer of them"))
}
