//! S11: deep stack of saturating layers
//!
//! What it sees: four or more layers one after the other that end in a sigmoid or tanh, without
//! normalisation between them.
//!
//! Why it is bad: a sigmoid passes at most a quarter of the gradient on, a tanh at most all of it and less
//! where it is sure. Through four sigmoids arrives at most one part in 256: the first layers hardly move,
//! and what they give to the others is as random as at the start.
//!
//! Example:
//!
//! ```text
//! for _ in range(6):
//!     model.add(Dense(64, activation="sigmoid"))
//! ```
//!
//! Treatment: relu in the hidden layers; a normalisation between them; fewer layers.
//!
//! Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
//! AISTATS 2010; AutoTrainer (Zhang et al., ICSE 2021), "vanishing gradient".

use super::ending::activation;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S11",
    name: "deep stack of saturating layers",
    file: include_str!("s11_saturating_stack.rs"),
    check,
};

/// From this many layers on.
const DEEP: usize = 4;

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    if network.branched {
        return Ok(Vec::new());
    }
    let (mut longest, mut run, mut first) = ((0, 0), 0, 0);
    let mut sigmoids = 0;
    for (index, layer) in network.layers.iter().enumerate() {
        let here = activation(layer);
        // Gates let a recurrent layer's gradient through.
        if layer.is_normalization() || layer.is_recurrent() {
            run = 0;
        } else if matches!(here, Some("sigmoid" | "tanh" | "hard_sigmoid" | "softsign")) {
            if run == 0 {
                first = index;
            }
            run += 1;
            sigmoids += usize::from(here == Some("sigmoid"));
        } else if here != Some("linear") {
            run = 0;
        }
        if run > longest.0 {
            longest = (run, first);
        }
    }
    let (layers, first) = longest;
    if layers < DEEP {
        return Ok(Vec::new());
    }
    // A tanh passes more: many people train such networks, if slowly.
    let weight = if sigmoids >= DEEP { 0.7 } else { 0.5 };
    Ok(vec![
        Finding::new(
            "S11",
            Level::Warning,
            format!("{layers} layers one after the other end in a sigmoid or tanh, without normalisation"),
        )
        .at(network.layers[first].activation.place.clone().or_else(|| network.layers[first].place.clone()))
        .cause(Cause::new(
            CauseKind::HiddenActivation,
            weight,
            "little of the gradient comes through to the first layers",
        ))
        .cause(Cause::new(CauseKind::VanishingGradient, weight - 0.1, "gradients shrink from layer to layer"))
        .treat(Treatment::proposal(
            Change::HiddenActivations { activation: "relu".into() },
            "use relu in the hidden layers",
        ))
        .treat(Treatment::advice("or put a normalisation between them, or take fewer layers")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Layer;
    use crate::rules::network::sample::{activation_layer, dense, layer, model};

    fn fires(layers: &[Layer]) -> bool {
        !check(&model(layers, "binary_crossentropy")).unwrap().is_empty()
    }

    #[test]
    fn four_in_a_row() {
        let sigmoid = || dense(64, "sigmoid");
        assert!(fires(&[sigmoid(), sigmoid(), sigmoid(), sigmoid(), dense(7, "softmax")]));
        assert!(!fires(&[sigmoid(), sigmoid(), dense(1, "sigmoid")]));
        assert!(!fires(&[sigmoid(), sigmoid(), dense(64, "relu"), sigmoid(), dense(1, "sigmoid")]));
        let norm = || layer("BatchNormalization", 0, "linear");
        assert!(!fires(&[sigmoid(), norm(), sigmoid(), norm(), sigmoid(), norm(), sigmoid()]));
        let apart = || [dense(64, "linear"), activation_layer("tanh")];
        assert!(fires(&[apart(), apart(), apart(), apart()].concat()));
        assert!(!fires(&vec![layer("LSTM", 8, "tanh"); 5]));
    }
}
