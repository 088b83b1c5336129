//! S13: sequences are cut, padded or looked up wrongly
//!
//! What it sees: an Embedding with fewer rows than there are tokens; more than half padding without a mask;
//! cuts that lose nearly all of every sequence; a recurrent layer that gives only its last step to another
//! recurrent layer.
//!
//! Why it is bad: a token beyond the Embedding ends the program on a CPU, and reads zeros or NaN on a GPU.
//! Padding that is not masked is read like any other token: after 400 zeros a recurrent layer has forgotten
//! the 30 calls before them. A cut that loses what tells classes apart sets a limit to every accuracy.
//!
//! Cutting as such is a note: half of all traces are longer than most people feed to a network, and the
//! part that is kept may say enough.
//!
//! Example:
//!
//! ```text
//! tokens run to 174; Embedding(input_dim=174, ...)       # needs 175
//! ```
//!
//! Treatment: the vocabulary's size from the data, `mask_zero=True`, a length near the 95th percentile,
//! `return_sequences=True` between recurrent layers.
//!
//! Source: Keras' documentation of Embedding (`input_dim`: maximum integer index + 1) and of masking;
//! SageMaker Debugger's NLPSequenceRatio.

use traceward_trace::profile::numerals::count;

use crate::facts::{Framework, Layer, Network, SequenceFacts};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S13",
    name: "sequences are cut, padded or looked up wrongly",
    file: include_str!("s13_sequences.rs"),
    check,
};

/// From this share of cut sequences on a cut is worth a note.
const MANY_CUT: f64 = 0.2;
/// A cut that loses more than this share of the calls.
const NEARLY_ALL: f64 = 0.93;
/// More padding than this is more padding than data.
const MOSTLY_PADDING: f64 = 0.5;

fn check(evidence: &Evidence) -> Answer {
    let mut found: Vec<Finding> = Vec::new();
    if let Some(network) = &evidence.network {
        found.extend(only_the_last_step(network));
        found.extend(too_few_rows(evidence, network));
    }
    let Some(lengths) = evidence.data.as_ref().and_then(|data| data.lengths) else {
        // Without sequences there is nothing to cut; whether there are any says the network.
        let reads_tokens = evidence.network.as_ref().is_none_or(reads_tokens);
        return if found.is_empty() && reads_tokens { Err(Missing(Need::Sequences)) } else { Ok(found) };
    };
    found.extend(cut(&lengths));
    found.extend(padded(evidence, &lengths));
    Ok(found)
}

fn reads_tokens(network: &Network) -> bool {
    network.layers.is_empty()
        || network.layers.iter().any(|layer| layer.innermost().class_name == "Embedding")
}

/// An Embedding that lacks tokens.
fn too_few_rows(evidence: &Evidence, network: &Network) -> Option<Finding> {
    let (layer, rows) = network.layers.iter().find_map(|layer| {
        let inner = layer.innermost();
        let rows = inner.number("input_dim").or_else(|| inner.number("num_embeddings"))?;
        (inner.class_name == "Embedding").then_some((layer, rows))
    })?;
    let lengths = evidence.data.as_ref().and_then(|data| data.lengths);
    let counted = lengths.and_then(|lengths| lengths.vocabulary.or(lengths.max_token.map(|token| token + 1)));
    let needs = counted.or(evidence.stated.vocabulary.value)?;
    if rows >= needs as f64 {
        return None;
    }
    Some(
        Finding::new(
            "S13",
            Level::Error,
            format!("the Embedding has {rows} rows, and tokens run from 0 to {}", needs.saturating_sub(1)),
        )
        .at(layer.place.clone())
        .cause(Cause::new(
            CauseKind::Vocabulary,
            0.95,
            "a token without a row of its own cannot be looked up",
        ))
        .treat(Treatment::automatic(Change::Vocabulary, format!("give the Embedding {needs} rows"))),
    )
}

/// A recurrent layer whose last step alone goes on into another one.
fn only_the_last_step(network: &Network) -> Option<Finding> {
    // PyTorch's recurrent layers always give all steps.
    if network.branched || network.framework == Framework::PyTorch {
        return None;
    }
    let cell = |layer: &Layer| {
        matches!(
            layer.innermost().class_name.as_str(),
            "LSTM" | "GRU" | "SimpleRNN" | "CuDNNLSTM" | "CuDNNGRU"
        )
    };
    for (index, layer) in network.layers.iter().enumerate().filter(|(_, layer)| cell(layer)) {
        let inner = layer.innermost();
        let sequences = inner.config.get("return_sequences").map(serde_json::Value::as_bool);
        // Written, but with a value that is not known here.
        if matches!(sequences, Some(None | Some(true))) || inner.config.contains_key("return_state") {
            continue;
        }
        let next = network.layers[index + 1..]
            .iter()
            .find(|next| !(next.is_dropout() || next.is_normalization() || next.class_name == "Activation"));
        if next.is_some_and(cell) {
            return Some(
                Finding::new(
                    "S13",
                    Level::Error,
                    format!(
                        "{} gives only its last step, and another recurrent layer follows",
                        inner.class_name
                    ),
                )
                .at(layer.place.clone())
                .cause(Cause::new(
                    CauseKind::MissingLayer,
                    0.85,
                    "a recurrent layer reads a sequence, and one step is none",
                ))
                .treat(Treatment::advice("use return_sequences=True in all recurrent layers but the last")),
            );
        }
    }
    None
}

fn cut(lengths: &SequenceFacts) -> Option<Finding> {
    let max_len = lengths.max_len?;
    let harms = lengths.tokens_lost > NEARLY_ALL;
    if !harms && lengths.truncated <= MANY_CUT {
        return None;
    }
    let symptom = format!(
        "a cut to {} calls shortens {:.0} of 100 sequences and loses {:.0} of 100 calls",
        count(max_len),
        lengths.truncated * 100.0,
        lengths.tokens_lost * 100.0
    );
    let mut cause = Cause::new(
        CauseKind::Truncation,
        if harms { 0.75 } else { 0.25 },
        "what tells the classes apart may be in the part that is lost",
    );
    if lengths.conflicts_by_cutting > 0 {
        cause = cause.because(format!(
            "{} items of different classes became equal by it",
            count(lengths.conflicts_by_cutting)
        ));
    }
    let longer = lengths.p95.max(1);
    let change = Change::MaxLen { max_len: Some(longer) };
    let text = format!("cut at {} calls, where 95 of 100 sequences are whole", count(longer));
    let finding = Finding::new("S13", if harms { Level::Warning } else { Level::Note }, symptom).cause(cause);
    Some(if harms {
        // The whole way is dear: half way comes first.
        let half = lengths.median.max(max_len.saturating_mul(2)).min(longer);
        let first = Change::MaxLen { max_len: Some(half) };
        let finding =
            finding.treat(Treatment::automatic(first, format!("cut at {} calls instead", count(half))));
        if half < longer { finding.treat(Treatment::automatic(change, text)) } else { finding }
    } else {
        finding.treat(Treatment::proposal(change, text))
    })
}

fn padded(evidence: &Evidence, lengths: &SequenceFacts) -> Option<Finding> {
    let network = evidence.network.as_ref()?;
    // Our own networks read sequences by their true lengths.
    if lengths.padding <= MOSTLY_PADDING || network.framework == Framework::Traceward {
        return None;
    }
    let masked = network.layers.iter().any(|layer| {
        let inner = layer.innermost();
        inner.class_name == "Masking"
            || inner.config.get("mask_zero").is_some_and(|mask| mask.as_bool() != Some(false))
    });
    if masked {
        return None;
    }
    Some(
        Finding::new(
            "S13",
            Level::Warning,
            format!("{:.0} of 100 tokens are padding, and none is masked", lengths.padding * 100.0),
        )
        .cause(Cause::new(CauseKind::Truncation, 0.5, "padding is read like any other token, and read last"))
        .treat(Treatment::advice("use mask_zero=True in the Embedding, or a shorter length")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Data;
    use crate::rules::network::sample::{dense, layer, model, with};

    fn embedding(rows: usize) -> Layer {
        with(layer("Embedding", 64, "linear"), "input_dim", rows)
    }

    fn of(layers: &[Layer], lengths: SequenceFacts) -> Vec<(Level, CauseKind)> {
        let mut evidence = model(layers, "categorical_crossentropy");
        evidence.data = Some(Data { items: 1000, lengths: Some(lengths), ..Data::default() });
        check(&evidence).unwrap().iter().map(|found| (found.level, found.causes[0].kind)).collect()
    }

    #[test]
    fn every_token_needs_a_row() {
        let lengths = SequenceFacts { vocabulary: Some(175), ..SequenceFacts::default() };
        assert_eq!(
            of(&[embedding(174), dense(7, "softmax")], lengths),
            [(Level::Error, CauseKind::Vocabulary)]
        );
        assert_eq!(of(&[embedding(175), dense(7, "softmax")], lengths), []);
        assert_eq!(of(&[embedding(10_000), dense(7, "softmax")], lengths), []);
    }

    #[test]
    fn cutting_is_a_note_until_nothing_is_left() {
        let cut = |truncated, tokens_lost| {
            let lengths = SequenceFacts {
                max_len: Some(200),
                median: 343,
                p95: 1580,
                truncated,
                tokens_lost,
                ..SequenceFacts::default()
            };
            of(&[embedding(175), dense(7, "softmax")], lengths).first().map(|(level, _)| *level)
        };
        assert_eq!(cut(0.1, 0.05), None);
        assert_eq!(cut(0.65, 0.69), Some(Level::Note));
        assert_eq!(cut(1.0, 0.97), Some(Level::Warning));
    }

    #[test]
    fn recurrent_layers_need_sequences() {
        let lstm = || layer("LSTM", 32, "linear");
        let plain = SequenceFacts::default();
        assert_eq!(
            of(&[lstm(), lstm(), dense(7, "softmax")], plain),
            [(Level::Error, CauseKind::MissingLayer)]
        );
        let sequences = with(lstm(), "return_sequences", true);
        assert_eq!(of(&[sequences, lstm(), dense(7, "softmax")], plain), []);
        assert_eq!(of(&[lstm(), layer("RepeatVector", 0, "linear"), lstm(), dense(7, "softmax")], plain), []);
    }

    #[test]
    fn padding_without_a_mask() {
        let lengths = SequenceFacts { padding: 0.8, ..SequenceFacts::default() };
        assert_eq!(of(&[embedding(9), layer("LSTM", 8, "linear")], lengths).len(), 1);
        let masked = with(embedding(9), "mask_zero", true);
        assert_eq!(of(&[masked, layer("LSTM", 8, "linear")], lengths), []);
    }

    #[test]
    fn networks_without_tokens_need_no_sequences() {
        assert_eq!(check(&model(&[dense(7, "softmax")], "categorical_crossentropy")), Ok(Vec::new()));
        assert_eq!(check(&Evidence::default()), Err(Missing(Need::Sequences)));
    }
}
