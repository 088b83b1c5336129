//! G02: exploding gradient
//!
//! What it sees: a gradient that is not finite; or, over the newest five looks, a norm of all gradients that
//! at least doubles from look to look; or two looks of the newest five whose norm is above 10, above ten
//! times the median of all looks, and whose loss is above that of the start; or a first layer whose
//! gradient is above 1 and seventy times the last layer's, three looks in a row.
//!
//! Why it is bad: a step is as large as its gradient. One far too large throws the weights to where nothing
//! is learned any more, and the loss climbs or becomes NaN.
//!
//! Example:
//!
//! ```text
//! step 40: norm 3.1; step 50: 9.8; step 60: 41; step 70: 260
//! ```
//!
//! Treatment: clip the norm of the gradient at 1; divide the learning rate by 10.
//!
//! Source: AutoTrainer (Zhang et al., ICSE 2021: ratio 70); TheDeepChecker (Ben Braiek & Khomh, TOSEM 2022:
//! growth). A single peak that the training recovers from is C08's, and normal late in a training, when a
//! rare item is answered wrongly.

use crate::facts::Network;
use crate::inside::{Look, median};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G02", name: "exploding gradient", file: include_str!("g02_exploding_gradient.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    if let Some(look) = inside.looks.iter().find(|look| !look.gradient_norm.is_finite()) {
        let symptom = format!("the gradient is not a number at step {}", look.step);
        return Ok(vec![found(evidence, look, symptom)]);
    }
    let looks = inside.newest(5).ok_or(Missing(Need::MoreEpochs))?;
    let (Some(first), Some(newest)) = (inside.looks.first(), looks.last()) else { return Ok(Vec::new()) };
    let doubles = looks.windows(2).all(|pair| pair[1].gradient_norm >= 2.0 * pair[0].gradient_norm);
    if doubles && newest.gradient_norm > 1.0 {
        let symptom = format!(
            "the gradient's norm has doubled at each of the last four looks, from {:.2} to {:.2}",
            looks[0].gradient_norm, newest.gradient_norm
        );
        return Ok(vec![found(evidence, newest, symptom)]);
    }
    let Some(usual) = median(inside.looks.iter().map(|look| look.gradient_norm)) else {
        return Ok(Vec::new());
    };
    let burst = |look: &&Look| {
        look.gradient_norm > 10.0 && look.gradient_norm > 10.0 * usual && look.loss > first.loss
    };
    let bursts: Vec<&Look> = looks.iter().filter(burst).collect();
    if let [.., _, last] = bursts[..] {
        let symptom = format!(
            "the gradient's norm is {:.1} at step {}, {:.0} times what is usual here, and the loss is above that of the start",
            last.gradient_norm,
            last.step,
            last.gradient_norm / usual
        );
        return Ok(vec![found(evidence, last, symptom)]);
    }
    let grows_back = |look: &Look| {
        let (Some(front), Some(back)) = (look.kernels().next(), look.kernels().next_back()) else {
            return false;
        };
        front.gradient_norm > 1.0 && front.gradient_norm > 70.0 * back.gradient_norm
    };
    if looks[2..].iter().all(grows_back) {
        let symptom = "the gradient is more than seventy times larger in the first layer than in the last";
        return Ok(vec![found(evidence, newest, symptom.into())]);
    }
    Ok(Vec::new())
}

fn found(evidence: &Evidence, look: &Look, symptom: String) -> Finding {
    let mut finding = Finding::new("G02", Level::Error, symptom).at_epoch(look.epoch as usize);
    let mut rate = Cause::new(CauseKind::LearningRateHigh, 0.6, "steps that are too large lead uphill");
    if look.learning_rate > 3e-3 {
        rate = rate.because(format!("the learning rate is {}", look.learning_rate));
        rate.weight = 0.75;
    }
    let mut explodes = Cause::new(
        CauseKind::ExplodingGradient,
        0.5,
        "the gradient is multiplied at each layer or step on its way back",
    );
    if evidence.network().is_ok_and(Network::is_recurrent) {
        explodes = explodes.because("the network is recurrent");
    }
    let clipped = evidence.compile().is_ok_and(|compile| compile.clip.given().is_some());
    finding = finding.cause(rate).cause(explodes);
    if !clipped {
        finding = finding.treat(Treatment::automatic(
            Change::ClipNorm { norm: 1.0 },
            "clip the norm of the gradient at 1",
        ));
    }
    finding.treat(Treatment::automatic(
        Change::ScaleLearningRate { factor: 0.1 },
        "divide the learning rate by 10",
    ))
}
