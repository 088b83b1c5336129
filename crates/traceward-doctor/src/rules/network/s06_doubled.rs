//! S06: activation applied twice
//!
//! What it sees: a softmax or sigmoid before a loss that applies one itself (PyTorch's CrossEntropyLoss and
//! BCEWithLogitsLoss, Keras' `from_logits=True`), or two activations with no weights between them.
//!
//! Why it is bad: a softmax of a softmax is nearly flat. Its inputs lie in 0..1, so with seven classes no
//! answer can be surer than e/(e+6) = 0.31: the loss cannot fall below 1.17, gradients are small, and the
//! network learns slowly, if at all. Nothing crashes, and the code reads as it should.
//!
//! Example:
//!
//! ```text
//! self.out = nn.Sequential(nn.Linear(64, 7), nn.Softmax(dim=1))
//! loss = nn.CrossEntropyLoss()
//! ```
//!
//! Treatment: leave one out; before a loss that applies it, the network's. A relu after a relu changes
//! nothing and is only a note.
//!
//! Source: PyTorch's documentation of CrossEntropyLoss ("the input is expected to contain the unnormalized
//! logits"); NeuraLint and TheDeepChecker (Ben Braiek and Khomh, TOSEM 2022), "redundant softmax".

use super::ending::{Ending, LossKind, activation, stands_still};
use crate::facts::Network;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S06", name: "activation applied twice", file: include_str!("s06_doubled.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let mut found = Vec::new();
    if !network.branched {
        found.extend(neighbours(network));
    }
    if evidence.compile().is_ok() {
        found.extend(Ending::of(evidence)?.and_then(|ending| before_the_loss(evidence, &ending)));
    }
    Ok(found)
}

/// The activation is the loss' own as well.
fn before_the_loss(evidence: &Evidence, ending: &Ending<'_>) -> Option<Finding> {
    if ending.from_logits != Some(true) {
        return None;
    }
    let twice = match (ending.kind, ending.activation) {
        (LossKind::OneOfMany, "softmax") => "softmax",
        (LossKind::YesNo, "sigmoid") => "sigmoid",
        // A softmax of sigmoids is as flat as one of a softmax.
        (LossKind::YesNo, "softmax") => "sigmoid",
        _ => return None,
    };
    let still = stands_still(evidence);
    let mut cause = Cause::new(
        CauseKind::DoubledActivation,
        if still { 0.95 } else { 0.85 },
        format!(
            "the loss applies a {twice} to outputs that a {} has already pressed into 0..1",
            ending.activation
        ),
    );
    cause = match (twice, ending.units) {
        ("softmax", Some(units)) if units > 1 => {
            let e = std::f64::consts::E;
            let surest = e / (e + units as f64 - 1.0);
            cause.because(format!(
                "with {units} outputs no answer can be surer than {surest:.2}, nor the loss below {:.2}",
                -surest.ln()
            ))
        }
        ("sigmoid", _) => cause.because("no answer can be below 0.50, nor above 0.73"),
        _ => cause,
    };
    let level = if still { Level::Error } else { Level::Warning };
    Some(
        Finding::new(
            "S06",
            level,
            format!(
                "the network ends with {}, and the loss ({}) applies a {twice} itself",
                ending.activation, ending.loss
            ),
        )
        .at(ending.place.clone())
        .cause(cause)
        .treat(Treatment::automatic(
            Change::OutputActivation { activation: "linear".into() },
            "leave the last activation out; apply it only where probabilities are printed",
        )),
    )
}

/// Two activations with nothing between them that has weights or a state of its own.
fn neighbours(network: &Network) -> Option<Finding> {
    let mut before: Option<&str> = None;
    for (index, layer) in network.layers.iter().enumerate() {
        let here = activation(layer)?;
        if layer.has_weights() {
            // A recurrent layer's activation is part of its cell.
            before = (!layer.is_recurrent() && here != "linear").then_some(here);
            continue;
        }
        if here == "linear" {
            // Of the layers without activation, only these leave each value what it is.
            let passes =
                matches!(layer.class_name.as_str(), "Dropout" | "Flatten" | "Reshape" | "Activation");
            before = before.filter(|_| passes);
            continue;
        }
        let Some(first) = before.replace(here) else { continue };
        let harmless = first == here && matches!(here, "relu" | "relu6" | "leaky_relu");
        let bends = ["sigmoid", "softmax", "tanh"];
        // A relu before a softmax or sigmoid cuts half of what they choose by; the others press twice.
        let level = if harmless || !bends.contains(&here) && !bends.contains(&first) {
            Level::Note
        } else {
            Level::Warning
        };
        return Some(
            Finding::new(
                "S06",
                level,
                format!("{here} is applied right after {first}, with no weights between"),
            )
            .at(layer.activation.place.clone().or_else(|| layer.place.clone()))
            .cause(Cause::new(
                CauseKind::DoubledActivation,
                if level == Level::Note { 0.2 } else { 0.7 },
                if harmless {
                    format!("a second {here} changes nothing")
                } else {
                    format!("{here} gets only what {first} has left, in its range")
                },
            ))
            .treat(if first == here {
                Treatment::automatic(
                    Change::RemoveLayer { layer: index },
                    format!("leave the second {here} out"),
                )
            } else {
                Treatment::advice(format!("leave {first} or {here} out"))
            }),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Layer};
    use crate::rules::network::sample::{activation_layer, compile, curves_at, dense, layer, model};

    fn logits(layers: &[Layer], loss: &str) -> Evidence {
        let mut evidence = model(layers, loss);
        compile(&mut evidence).from_logits = Argument::Given(true);
        evidence
    }

    #[test]
    fn a_softmax_before_a_loss_with_its_own() {
        let mut evidence =
            logits(&[dense(64, "relu"), dense(7, "softmax")], "sparse_categorical_crossentropy");
        let found = check(&evidence).unwrap();
        assert_eq!((found.len(), found[0].level), (1, Level::Warning));
        assert_eq!(
            found[0].causes[0].speaks_for,
            ["with 7 outputs no answer can be surer than 0.31, nor the loss below 1.17"]
        );
        evidence.curves = Some(curves_at(&[1.94, 1.93, 1.93, 1.93, 1.93, 1.93]));
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Error);
        assert_eq!(check(&logits(&[dense(1, "sigmoid")], "binary_crossentropy")).unwrap().len(), 1);
        assert_eq!(check(&logits(&[dense(7, "linear")], "categorical_crossentropy")).unwrap(), []);
        assert_eq!(check(&model(&[dense(7, "softmax")], "categorical_crossentropy")).unwrap(), []);
    }

    #[test]
    fn two_activations_in_a_row() {
        let level = |layers: &[Layer]| {
            check(&model(layers, "categorical_crossentropy")).unwrap().first().map(|found| found.level)
        };
        let twice = [dense(50, "relu"), activation_layer("relu"), dense(7, "softmax")];
        assert_eq!(level(&twice), Some(Level::Note));
        let softmax = [dense(50, "relu"), dense(7, "softmax"), activation_layer("softmax")];
        assert_eq!(level(&softmax), Some(Level::Warning));
        let dropout = [dense(7, "relu"), layer("Dropout", 0, "linear"), activation_layer("softmax")];
        assert_eq!(level(&dropout), Some(Level::Warning));
        let pooled =
            [layer("Conv2D", 8, "relu"), layer("MaxPooling2D", 0, "linear"), activation_layer("relu")];
        assert_eq!(level(&pooled), None, "pooling makes other values of them");
        let mut own = dense(50, "linear");
        own.activation.value = Argument::Unknown("act".into());
        assert_eq!(level(&[own, activation_layer("relu"), dense(7, "softmax")]), None);
        let lstm = [layer("LSTM", 8, "tanh"), activation_layer("relu"), dense(7, "softmax")];
        assert_eq!(level(&lstm), None);
    }
}
