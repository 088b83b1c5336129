//! S11: deep stack of saturating layers
//!
//! What it sees: four or more layers one after the other that end in a sigmoid or tanh, without
//! normalisation between them; three sigmoids, if the optimizer is plain descent.
//!
//! Why it is bad: a sigmoid passes at most a quarter of the gradient on, a tanh at most all of it and less
//! where it is sure. Through four sigmoids arrives at most one part in 256: the first layers hardly move,
//! and what they give to the others is as random as at the start. Optimizers that scale each weight's step
//! by its gradient make up for some of it; plain descent without momentum for nothing, so there three
//! sigmoids are enough.
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
use crate::facts::Compile;
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

/// From this many sigmoids on, under plain descent.
const DEEP_FOR_DESCENT: usize = 3;

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    if network.branched {
        return Ok(Vec::new());
    }
    let (mut longest, mut run, mut first) = ((0, 0), 0, 0);
    let (mut sigmoids, mut sigmoids_in_a_row, mut most_in_a_row) = (0, 0, 0);
    for (index, layer) in network.layers.iter().enumerate() {
        let here = activation(layer);
        // Gates let a recurrent layer's gradient through.
        if layer.is_normalization() || layer.is_recurrent() {
            run = 0;
            sigmoids_in_a_row = 0;
        } else if matches!(here, Some("sigmoid" | "tanh" | "hard_sigmoid" | "softsign")) {
            if run == 0 {
                first = index;
            }
            run += 1;
            sigmoids += usize::from(here == Some("sigmoid"));
            sigmoids_in_a_row = if here == Some("sigmoid") { sigmoids_in_a_row + 1 } else { 0 };
            most_in_a_row = most_in_a_row.max(sigmoids_in_a_row);
        } else if here != Some("linear") {
            run = 0;
            sigmoids_in_a_row = 0;
        }
        if run > longest.0 {
            longest = (run, first);
        }
    }
    let (layers, first) = longest;
    let plain = most_in_a_row >= DEEP_FOR_DESCENT && evidence.compile().is_ok_and(is_plain_descent);
    if layers < DEEP && !plain {
        return Ok(Vec::new());
    }
    // A tanh passes more: many people train such networks, if slowly.
    let weight = if sigmoids >= DEEP || plain { 0.7 } else { 0.5 };
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
            Change::SaturatingActivations { activation: "relu".into() },
            "use relu in the hidden layers",
        ))
        .treat(Treatment::advice("or put a normalisation between them, or take fewer layers")),
    ])
}

/// Whether every weight moves by its gradient times one number, small enough not to make up for it.
fn is_plain_descent(compile: &Compile) -> bool {
    let plain = compile.optimizer.value.given().is_some_and(|name| name == "sgd");
    let slow = compile.learning_rate.value.or_default(0.01).is_some_and(|rate| rate <= 0.1);
    plain && slow && compile.momentum.or_default(0.0) == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Layer};
    use crate::rules::network::sample::{activation_layer, compile, dense, layer, model};

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
    #[test]
    fn three_are_too_many_for_plain_descent() {
        let mut evidence = model(&[dense(64, "sigmoid"), dense(64, "sigmoid"), dense(1, "sigmoid")], "mse");
        assert_eq!(check(&evidence).unwrap(), [], "Adam");
        compile(&mut evidence).optimizer.value = Argument::Given("sgd".into());
        assert_eq!(check(&evidence).unwrap().len(), 1);
        compile(&mut evidence).momentum = Argument::Given(0.9);
        assert_eq!(check(&evidence).unwrap(), [], "momentum");
    }
}
