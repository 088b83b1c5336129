//! S12: dropout misused
//!
//! What it sees: a Dropout with a rate above 0.5 (from 0.8 on an error), also within recurrent layers; a
//! Dropout after the last layer with weights; or a network of which more than three layers in ten are
//! Dropout.
//!
//! Why it is bad: at 0.8 four of five values are set to zero in each step, and what is left cannot carry
//! the answer: the network underfits, and is better on validation data, where nothing is dropped, than in
//! training. After the last layer the answers themselves are set to zero at random.
//!
//! Example:
//!
//! ```text
//! model.add(Dropout(0.9))
//! model.add(Dense(7, activation="softmax"))
//! model.add(Dropout(0.5))                    # on the answers
//! ```
//!
//! Treatment: 0.2 to 0.5 between hidden layers, none on the output. PyTorch and Keras both mean the share
//! that is dropped; TensorFlow 1 meant the share that is kept.
//!
//! Source: Srivastava et al., JMLR 2014; UMLAUT (Schoop et al., CHI 2021), dropout above 0.5.

use crate::facts::Layer;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S12", name: "dropout misused", file: include_str!("s12_dropout.rs"), check };

const HIGH: f64 = 0.5;
const EXTREME: f64 = 0.8;
/// More Dropout than this share of the layers, in networks of some size.
const MANY: f64 = 0.3;
const FEW_LAYERS: usize = 8;

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let mut found = Vec::new();
    let last = network.last_weighted().map(|(last, _)| last);
    let in_chain = !network.branched;
    for (index, layer) in network.layers.iter().enumerate() {
        if let Some(rate) = highest(layer).filter(|rate| *rate > HIGH) {
            found.push(too_high(layer, rate));
        }
        if in_chain && layer.is_dropout() && last.is_some_and(|last| index > last) && rate(layer) != Some(0.0)
        {
            found.push(on_output(layer, index));
        }
    }
    let dropouts = network.layers.iter().filter(|layer| layer.is_dropout()).count();
    let share = dropouts as f64 / network.layers.len().max(1) as f64;
    if share > MANY && network.layers.len() >= FEW_LAYERS {
        let symptom = format!("{dropouts} of {} layers are Dropout", network.layers.len());
        found.push(Finding::new("S12", Level::Note, symptom).cause(Cause::new(
            CauseKind::TooMuchRegularization,
            0.3,
            "what several Dropouts leave is little: the rates multiply",
        )));
    }
    Ok(found)
}

/// A Dropout's own rate.
fn rate(layer: &Layer) -> Option<f64> {
    layer.number("rate").or_else(|| layer.number("p"))
}

/// The highest rate at which a layer drops what passes it.
fn highest(layer: &Layer) -> Option<f64> {
    let inner = layer.innermost();
    if inner.is_dropout() {
        return rate(inner);
    }
    let rates = ["dropout", "recurrent_dropout"].into_iter().filter_map(|name| inner.number(name));
    rates.max_by(f64::total_cmp)
}

fn too_high(layer: &Layer, rate: f64) -> Finding {
    let extreme = rate >= EXTREME;
    Finding::new(
        "S12",
        if extreme { Level::Error } else { Level::Warning },
        format!("{} sets {:.0} of 100 values to zero", layer.class_name, rate * 100.0),
    )
    .at(layer.place.clone())
    .cause(Cause::new(
        CauseKind::TooMuchRegularization,
        if extreme { 0.85 } else { 0.5 },
        "what is left cannot carry the answer",
    ))
    .treat(Treatment::automatic(Change::DropoutAtMost { rate: 0.5 }, "drop at most half, better 0.2 to 0.3"))
}

fn on_output(layer: &Layer, index: usize) -> Finding {
    Finding::new("S12", Level::Warning, format!("{} stands after the last layer", layer.class_name))
        .at(layer.place.clone())
        .cause(Cause::new(
            CauseKind::TooMuchRegularization,
            0.7,
            "the answers themselves are set to zero at random",
        ))
        .treat(Treatment::automatic(Change::RemoveLayer { layer: index }, "take it out"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::network::sample::{activation_layer, dense, layer, model, with};

    fn levels(layers: &[Layer]) -> Vec<Level> {
        let evidence = model(layers, "categorical_crossentropy");
        check(&evidence).unwrap().iter().map(|found| found.level).collect()
    }

    fn dropout(rate: f64) -> Layer {
        with(layer("Dropout", 0, "linear"), "rate", rate)
    }

    #[test]
    fn rates() {
        let with_rate = |rate| levels(&[dense(64, "relu"), dropout(rate), dense(7, "softmax")]);
        assert_eq!(with_rate(0.5), []);
        assert_eq!(with_rate(0.6), [Level::Warning]);
        assert_eq!(with_rate(0.9), [Level::Error]);
        assert_eq!(levels(&[dense(64, "relu"), layer("Dropout", 0, "linear"), dense(7, "softmax")]), []);
        let recurrent = with(layer("LSTM", 32, "linear"), "recurrent_dropout", 0.8);
        assert_eq!(levels(&[recurrent, dense(7, "softmax")]), [Level::Error]);
    }

    #[test]
    fn on_the_answers() {
        assert_eq!(levels(&[dense(7, "softmax"), dropout(0.5)]), [Level::Warning]);
        assert_eq!(
            levels(&[dense(7, "linear"), dropout(0.2), activation_layer("softmax")]),
            [Level::Warning]
        );
        assert_eq!(levels(&[dropout(0.2), dense(7, "softmax")]), []);
    }

    #[test]
    fn many_are_a_note() {
        let block = [dense(64, "relu"), dropout(0.4)];
        let layers = [block.clone(), block.clone(), block.clone(), block].concat();
        assert_eq!(levels(&[layers, vec![dense(5, "softmax")]].concat()), [Level::Note]);
    }
}
