//! S19: layer that is told not to learn
//!
//! What it sees: `trainable: false` in a layer with weights.
//!
//! Why it is bad: a layer that does not learn stays what it was. With weights that were learnt elsewhere that
//! is meant; with random ones it throws the input through a random matrix, and the layers after it must
//! make do. Forgotten after fine-tuning, it looks like a network that learns slowly and not well.
//!
//! Networks of this program start from random weights, so there it is a warning; elsewhere a note.
//!
//! Example:
//!
//! ```text
//! Bidirectional(LSTM(32), trainable=False)
//! ```
//!
//! Treatment: let it learn, at least with a small step.
//!
//! Source: DeepDiagnosis (Wardat et al., ICSE 2022), "unchanged weight"; Keras' guide to transfer learning.

use crate::facts::{Framework, Layer};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S19", name: "layer that is told not to learn", file: include_str!("s19_frozen.rs"), check };

fn is_frozen(layer: &Layer) -> bool {
    let says = |layer: &Layer| layer.config.get("trainable") == Some(&serde_json::Value::Bool(false));
    let learns =
        layer.has_weights() || layer.is_normalization() || layer.innermost().class_name == "Embedding";
    learns && (says(layer) || says(layer.innermost()))
}

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let frozen: Vec<&Layer> = network.layers.iter().filter(|layer| is_frozen(layer)).collect();
    let Some(first) = frozen.first() else { return Ok(Vec::new()) };
    let own = network.framework == Framework::Traceward;
    let names: Vec<&str> = frozen.iter().map(|layer| layer.class_name.as_str()).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    let symptom = format!("{} {are} told not to learn", traceward_trace::profile::numerals::list(&names));
    let mut cause = Cause::new(
        CauseKind::FrozenLayer,
        if own { 0.85 } else { 0.4 },
        "what does not learn stays as random as it was at the start",
    );
    if !own {
        cause = cause.although("with weights that were learnt elsewhere it is meant");
    }
    Ok(vec![
        Finding::new("S19", if own { Level::Warning } else { Level::Note }, symptom)
            .at(first.place.clone())
            .cause(cause)
            .treat(if own {
                Treatment::automatic(Change::Unfreeze, "let every layer learn")
            } else {
                Treatment::proposal(Change::Unfreeze, "let every layer learn")
            }),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::network::sample::{dense, layer, model, network, with};

    #[test]
    fn frozen_layers() {
        let frozen = with(dense(64, "relu"), "trainable", false);
        let mut evidence = model(&[frozen, dense(7, "softmax")], "categorical_crossentropy");
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Note);
        network(&mut evidence).framework = Framework::Traceward;
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Warning);
        let mut wrapper = layer("Bidirectional", 0, "linear");
        wrapper.inner = Some(Box::new(with(layer("LSTM", 8, "linear"), "trainable", false)));
        assert_eq!(check(&model(&[wrapper, dense(7, "softmax")], "mse")).unwrap().len(), 1);
        let learns = with(dense(64, "relu"), "trainable", true);
        let dropout = with(layer("Dropout", 0, "linear"), "trainable", false);
        assert_eq!(check(&model(&[learns, dropout, dense(7, "softmax")], "mse")).unwrap(), []);
    }
}
