//! S21: normalisation applied twice
//!
//! What it sees: two normalisation layers one after the other, with nothing between them that changes what
//! the first has made.
//!
//! Why it is bad: what has mean 0 and deviation 1 has it after the second time too, so the second does
//! nothing but learn a second scale and shift, and add the noise of its batch. With small batches that
//! noise is felt; in prediction its running means lag behind those of the first.
//!
//! Example:
//!
//! ```text
//! model.add(BatchNormalization())
//! model.add(BatchNormalization())
//! ```
//!
//! Treatment: take one out.
//!
//! Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015; redundant layers in the fault taxonomy of
//! Humbatova et al. (ICSE 2020).

use super::ending::{activation, is_opaque};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S21",
    name: "normalisation applied twice",
    file: include_str!("s21_normalised_twice.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    if network.branched {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut normalised = false;
    for (index, layer) in network.layers.iter().enumerate() {
        if layer.is_normalization() {
            if normalised {
                found.push(
                    Finding::new(
                        "S21",
                        Level::Warning,
                        format!("{} follows a normalisation", layer.class_name),
                    )
                    .at(layer.place.clone())
                    .cause(Cause::new(
                        CauseKind::DoubledNormalization,
                        0.8,
                        "what is normalised already is normalised again",
                    ))
                    .treat(Treatment::automatic(Change::RemoveLayer { layer: index }, "take it out")),
                );
            }
            normalised = true;
        } else if layer.has_weights() || is_opaque(layer) || activation(layer) != Some("linear") {
            normalised = false;
        } else {
            // Of the layers without weights or activation only these leave the statistics what they are.
            normalised &=
                matches!(layer.class_name.as_str(), "Flatten" | "Reshape" | "Activation" | "Permute");
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Layer;
    use crate::rules::network::sample::{activation_layer, dense, layer, model};

    fn fires(layers: &[Layer]) -> usize {
        check(&model(layers, "categorical_crossentropy")).unwrap().len()
    }

    #[test]
    fn one_after_the_other() {
        let norm = || layer("BatchNormalization", 0, "linear");
        assert_eq!(fires(&[dense(8, "relu"), norm(), norm(), dense(7, "softmax")]), 1);
        assert_eq!(
            fires(&[dense(8, "relu"), norm(), layer("Flatten", 0, "linear"), norm(), dense(7, "softmax")]),
            1
        );
        assert_eq!(fires(&[dense(8, "relu"), norm(), dense(8, "relu"), norm(), dense(7, "softmax")]), 0);
        assert_eq!(fires(&[norm(), activation_layer("relu"), norm(), dense(7, "softmax")]), 0);
        assert_eq!(fires(&[norm(), layer("MyBlock", 0, "linear"), norm(), dense(7, "softmax")]), 0);
    }
}
