//! S10: weights start equal
//!
//! What it sees: a layer with more than one unit whose kernel starts as zeros, ones or another constant.
//!
//! Why it is bad: units that start equal get equal gradients and stay equal. However many there are, they
//! are one. With zeros in two layers one after the other, even that one gets no gradient: the loss does not
//! move at all.
//!
//! A last layer that starts at zero is left alone: its units differ by their labels from the first step on.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(64, activation="relu", kernel_initializer="zeros"))
//! ```
//!
//! Treatment: the framework's default (Glorot), or He before a relu. A bias may start at zero.
//!
//! Source: Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015; NeuraLint (Nikanjam et al., TOSEM 2021).

use crate::facts::Layer;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S10", name: "weights start equal", file: include_str!("s10_equal_weights.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let Some((last, _)) = network.last_weighted() else { return Ok(Vec::new()) };
    let found = network.layers[..last].iter().filter(|layer| layer.has_weights()).filter_map(|layer| {
        let (what, initializer) = constant(layer)?;
        Some(
            Finding::new(
                "S10",
                Level::Error,
                format!("the {what} of {} starts as {initializer}", layer.class_name),
            )
            .at(layer.place.clone())
            .cause(Cause::new(
                CauseKind::Initialization,
                0.95,
                "units that start equal get equal gradients, and stay equal for ever",
            ))
            .treat(Treatment::automatic(
                Change::Initializers,
                "leave the initializer out: the default draws at random",
            )),
        )
    });
    Ok(found.collect())
}

/// The kernel that starts constant, and as what.
fn constant(layer: &Layer) -> Option<(&'static str, &str)> {
    let layer = layer.innermost();
    if layer.units.given() == Some(&1) {
        return None;
    }
    let kernels = [("kernel", "kernel_initializer"), ("kernel", "init")];
    kernels.into_iter().find_map(|(what, key)| {
        let initializer = layer.text(key)?;
        let plain = initializer.to_ascii_lowercase();
        matches!(plain.as_str(), "zeros" | "zero" | "ones" | "one" | "constant")
            .then_some((what, initializer))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::network::sample::{dense, layer, model, with};

    fn fires(layers: &[Layer]) -> usize {
        check(&model(layers, "categorical_crossentropy")).unwrap().len()
    }

    #[test]
    fn hidden_layers_must_not_start_equal() {
        let zeros = |units| with(dense(units, "relu"), "kernel_initializer", "zeros");
        assert_eq!(fires(&[zeros(64), dense(7, "softmax")]), 1);
        assert_eq!(fires(&[zeros(1), dense(7, "softmax")]), 0, "one unit has no equal");
        assert_eq!(fires(&[dense(64, "relu"), zeros(7)]), 0, "the last layer");
        assert_eq!(
            fires(&[with(dense(64, "relu"), "kernel_initializer", "he_normal"), dense(7, "softmax")]),
            0
        );
        assert_eq!(fires(&[with(dense(64, "relu"), "bias_initializer", "zeros"), dense(7, "softmax")]), 0);
        assert_eq!(fires(&[with(dense(64, "relu"), "init", "one"), dense(7, "softmax")]), 1, "Keras 1");
    }

    #[test]
    fn wrapped_layers_too() {
        let mut wrapper = layer("Bidirectional", 0, "linear");
        wrapper.inner = Some(Box::new(with(layer("LSTM", 32, "linear"), "kernel_initializer", "zeros")));
        assert_eq!(fires(&[wrapper, dense(7, "softmax")]), 1);
    }
}
