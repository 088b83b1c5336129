//! S14: network far too big for its data
//!
//! What it sees: more than a hundred weights for each training item, with nothing that holds them back: no
//! dropout, no weight decay, no early stop. A note; a warning from a thousand on, or where the curve
//! overfits.
//!
//! Why it is bad: so many weights can remember every item. They need not, and with dropout or an early stop
//! they often learn well; without, the validation loss turns up after a few epochs. An Embedding of a
//! vocabulary that is much larger than what occurs is the usual reason.
//!
//! Example:
//!
//! ```text
//! Embedding(100000, 300): 30,000,000 weights for 1,263 items
//! ```
//!
//! Treatment: a vocabulary of what occurs, fewer units, dropout, weight decay, an early stop.
//!
//! Source: a rule of thumb, here wider than usual: Zhang et al., "Understanding deep learning requires
//! rethinking generalization", ICLR 2017, show networks of this size that remember random labels, and the
//! same networks learning well.

use traceward_trace::profile::numerals::count;

use crate::facts::{Layer, Network};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S14", name: "network far too big for its data", file: include_str!("s14_size.rs"), check };

const MANY: f64 = 100.0;
const FAR_TOO_MANY: f64 = 1000.0;

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let counted = evidence.data.as_ref().map(|data| data.training_items.unwrap_or(data.items));
    let items = counted.or(evidence.stated.items).ok_or(Missing(Need::Data))?;
    if items == 0 || network.branched || is_held_back(evidence, network) {
        return Ok(Vec::new());
    }
    let weights = weights(network);
    let each = weights as f64 / items as f64;
    if each <= MANY {
        return Ok(Vec::new());
    }
    let level = if each > FAR_TOO_MANY { Level::Warning } else { Level::Note };
    let symptom = format!(
        "the network has {} weights for {} training items, {each:.0} for each",
        count(weights),
        count(items)
    );
    Ok(vec![
        Finding::new("S14", level, symptom)
            .cause(Cause::new(
                CauseKind::Capacity,
                if level == Level::Warning { 0.45 } else { 0.3 },
                "so many weights can remember every item instead of learning",
            ))
            .cause(Cause::new(
                CauseKind::TooLittleRegularization,
                0.3,
                "nothing holds the weights back: no dropout, no weight decay, no early stop",
            ))
            .treat(Treatment::proposal(Change::ScaleUnits { factor: 0.5 }, "halve the units"))
            .treat(Treatment::advice("use dropout, weight decay or an early stop")),
    ])
}

fn is_held_back(evidence: &Evidence, network: &Network) -> bool {
    let regular = |layer: &Layer| {
        let inner = layer.innermost();
        inner.is_dropout()
            || ["dropout", "recurrent_dropout"]
                .iter()
                .any(|name| inner.number(name).is_some_and(|rate| rate > 0.0))
            || inner.config.keys().any(|key| key.ends_with("_regularizer"))
    };
    let stops = evidence.fit.as_ref().is_some_and(|fit| {
        fit.callbacks.iter().any(|callback| callback.to_ascii_lowercase().contains("earlystopping"))
    });
    let decays = network.compile.as_ref().and_then(|compile| compile.optimizer.value.given());
    stops || decays.is_some_and(|name| name == "adamw") || network.layers.iter().any(regular)
}

/// Weights of the layers whose sizes are known; what is not known counts nothing.
fn weights(network: &Network) -> usize {
    let mut width: Option<usize> = None;
    let mut all = 0usize;
    for layer in &network.layers {
        let inner = layer.innermost();
        let units = inner.units.given().or(layer.units.given()).copied();
        let given = |name: &str| inner.number(name).filter(|n| *n >= 0.0 && *n < 1e12).map(|n| n as usize);
        let before = given("input_dim").or(width);
        let own = match (inner.class_name.as_str(), before, units) {
            ("Embedding", Some(tokens), Some(size)) => tokens.saturating_mul(size),
            ("Dense", Some(before), Some(units)) => before.saturating_add(1).saturating_mul(units),
            ("LSTM" | "GRU" | "SimpleRNN", Some(before), Some(units)) => {
                let gates = match inner.class_name.as_str() {
                    "LSTM" => 4,
                    "GRU" => 3,
                    _ => 1,
                };
                before.saturating_add(units).saturating_add(1).saturating_mul(units).saturating_mul(gates)
            }
            _ => 0,
        };
        let both = if layer.class_name == "Bidirectional" { 2 } else { 1 };
        all = all.saturating_add(own.saturating_mul(both));
        width = match inner.class_name.as_str() {
            "Embedding" | "Dense" | "LSTM" | "GRU" | "SimpleRNN" => {
                units.map(|units| units.saturating_mul(both))
            }
            // Of these the width depends on lengths that are not known.
            "Flatten" | "Reshape" => None,
            _ if layer.has_weights() => None,
            _ => width,
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Data;
    use crate::rules::network::sample::{dense, layer, model, with};

    fn level(layers: &[Layer], items: usize) -> Option<Level> {
        let mut evidence = model(layers, "categorical_crossentropy");
        evidence.data = Some(Data { items, ..Data::default() });
        check(&evidence).unwrap().first().map(|found| found.level)
    }

    fn embedding(rows: usize, size: usize) -> Layer {
        with(layer("Embedding", size, "linear"), "input_dim", rows)
    }

    #[test]
    fn weights_are_counted_as_keras_counts_them() {
        let mut both = layer("Bidirectional", 0, "linear");
        both.inner = Some(Box::new(layer("LSTM", 32, "linear")));
        let layers = [embedding(175, 64), both, dense(64, "relu"), dense(7, "softmax")];
        let evidence = model(&layers, "categorical_crossentropy");
        let expected = 175 * 64 + 2 * 4 * (64 + 32 + 1) * 32 + 65 * 64 + 65 * 7;
        assert_eq!(weights(evidence.network.as_ref().unwrap()), expected);
    }

    #[test]
    fn by_weights_an_item() {
        let big = [embedding(100_000, 300), layer("LSTM", 64, "linear"), dense(7, "softmax")];
        assert_eq!(level(&big, 1263), Some(Level::Warning));
        assert_eq!(level(&big, 100_000), Some(Level::Note));
        assert_eq!(level(&big, 1_000_000), None);
        let small = [embedding(175, 64), layer("LSTM", 32, "linear"), dense(7, "softmax")];
        assert_eq!(level(&small, 1263), None);
    }

    #[test]
    fn what_is_held_back_may_be_big() {
        let dropped = [embedding(100_000, 300), layer("Dropout", 0, "linear"), dense(7, "softmax")];
        assert_eq!(level(&dropped, 1263), None);
        let gated = with(layer("LSTM", 64, "linear"), "recurrent_dropout", 0.1);
        assert_eq!(level(&[embedding(100_000, 300), gated, dense(7, "softmax")], 1263), None);
    }
}
