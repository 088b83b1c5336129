//! `model.summary()`, as Keras 3 prints it to a terminal without colours.
//!
//! Keras lays its table out with the Python package rich. Widths, wrapping and rounding here are what
//! rich 15 does with Keras 3.15's columns; the tests compare with what those two printed.

use std::fmt::Write as _;

use crate::config::Optimizer;
use crate::spec::{LayerFacts, ModelSpec};

/// Keras' widest table.
const WIDEST: usize = 88;
/// The narrowest table that still has room for a word in each column.
const NARROWEST: usize = 40;
/// Where each column ends, as a share of the table.
const ENDS: [f64; 3] = [0.45, 0.80, 1.0];
const HEADER: [&str; 3] = ["Layer (type)", "Output Shape", "Param #"];

/// The table of layers and the counts below it, for a terminal of `columns` columns.
///
/// With an optimizer its own variables are counted too, as Keras does once a model has trained. From a
/// layer on that cannot be run, or whose sizes are not [resolved](ModelSpec::resolve), shapes and counts
/// are `?`, and a last line says why.
pub fn summary(spec: &ModelSpec, optimizer: Option<&Optimizer>, columns: usize) -> String {
    let widths = column_widths(columns.saturating_sub(4).clamp(NARROWEST, WIDEST));
    let (facts, error) = spec.facts_so_far();
    let mut rows: Vec<[String; 3]> = Vec::new();
    facts.iter().for_each(|facts| add_rows(&mut rows, facts));
    for (layer, name) in spec.layers.iter().zip(spec.names()).skip(facts.len()) {
        rows.push([format!("{name} ({})", layer.layer.class_name()), "?".into(), "?".into()]);
    }

    let mut text = format!("Model: \"{}\"\n", spec.name);
    table(&mut text, &rows, widths);
    let trainable: usize = facts.iter().map(|facts| facts.trainable).sum();
    let non_trainable: usize = facts.iter().map(|facts| facts.non_trainable).sum();
    let own = optimizer.map(|optimizer| Variables::of_optimizer(optimizer, trainable));
    let (trainable, non_trainable) = (Variables::f32(trainable), Variables::f32(non_trainable));
    let total = trainable.and(non_trainable).and(own.unwrap_or(Variables::f32(0)));
    for (what, variables) in [
        ("Total", Some(total)),
        ("Trainable", Some(trainable)),
        ("Non-trainable", Some(non_trainable)),
        ("Optimizer", own),
    ] {
        if let Some(Variables { count, bytes }) = variables {
            let _ = writeln!(text, " {what} params: {} ({})", thousands(count), readable_size(bytes));
        }
    }
    if let Some(error) = error {
        let _ = writeln!(text, " Not counted further: {error}");
    }
    text
}

/// A layer's row; the layers of its branches stand before it, and their weights with them.
fn add_rows(rows: &mut Vec<[String; 3]>, facts: &LayerFacts) {
    let own = |facts: &LayerFacts| facts.trainable + facts.non_trainable;
    let mut count = own(facts);
    for inner in facts.branches.iter().flatten() {
        add_rows(rows, inner);
        count -= own(inner);
    }
    rows.push([format!("{} ({})", facts.name, facts.class_name), facts.output.to_string(), thousands(count)]);
}

/// Numbers kept in memory.
#[derive(Clone, Copy)]
struct Variables {
    count: usize,
    bytes: usize,
}

impl Variables {
    fn f32(count: usize) -> Self {
        Self { count, bytes: count.saturating_mul(4) }
    }

    fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, bytes: self.bytes + other.bytes }
    }

    /// An iteration counter of 64 bits, the learning rate, and one or two numbers for each weight.
    fn of_optimizer(optimizer: &Optimizer, trainable: usize) -> Self {
        let for_each_weight = match *optimizer {
            Optimizer::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Optimizer::RmsProp { momentum, .. } => 1 + usize::from(momentum > 0.0),
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => 2,
        };
        Self::f32(trainable.saturating_mul(for_each_weight)).and(Self { count: 2, bytes: 12 })
    }
}

/// Inner widths, blanks at both sides included, of a table `length` wide.
///
/// Keras asks for columns that are too wide together by 10 with their blanks and rules; rich takes the
/// excess away in equal parts, rounding halves to even.
fn column_widths(length: usize) -> [usize; 3] {
    let mut before = 0;
    let mut widths = ENDS.map(|end| {
        let here = (end * length as f64) as usize;
        let width = here - before + 2;
        before = here;
        width
    });
    let rules = widths.len() + 1;
    let mut excess = (widths.iter().sum::<usize>() + rules).saturating_sub(length);
    for (index, width) in widths.iter_mut().enumerate() {
        let share = (excess as f64 / (ENDS.len() - index) as f64).round_ties_even() as usize;
        *width -= share;
        excess -= share;
    }
    widths
}

fn table(text: &mut String, rows: &[[String; 3]], widths: [usize; 3]) {
    rule(text, widths, ["┏", "━", "┳", "┓"]);
    cells(text, &HEADER.map(str::to_owned), widths, "┃", Align::Bottom);
    rule(text, widths, ["┡", "━", "╇", "┩"]);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            rule(text, widths, ["├", "─", "┼", "┤"]);
        }
        cells(text, row, widths, "│", Align::Top);
    }
    rule(text, widths, ["└", "─", "┴", "┘"]);
}

fn rule(text: &mut String, widths: [usize; 3], [left, line, cross, right]: [&str; 4]) {
    let lines = widths.map(|width| line.repeat(width));
    let _ = writeln!(text, "{left}{}{right}", lines.join(cross));
}

/// Where the lines of a short cell stand beside a tall one.
#[derive(Clone, Copy, PartialEq)]
enum Align {
    Top,
    Bottom,
}

fn cells(text: &mut String, row: &[String; 3], widths: [usize; 3], bar: &str, align: Align) {
    let wrapped: [Vec<String>; 3] = std::array::from_fn(|column| wrap(&row[column], widths[column] - 2));
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..height {
        text.push_str(bar);
        for (column, (lines, width)) in wrapped.iter().zip(widths).enumerate() {
            let above = if align == Align::Bottom { height - lines.len() } else { 0 };
            let cell = line.checked_sub(above).and_then(|line| lines.get(line)).map_or("", String::as_str);
            let width = width - 2;
            let _ =
                if column == 2 { write!(text, " {cell:>width$} ") } else { write!(text, " {cell:<width$} ") };
            text.push_str(bar);
        }
        text.push('\n');
    }
}

/// Breaks at blanks; a word wider than the column ends in an ellipsis.
fn wrap(cell: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in cell.split_whitespace() {
        let length = word.chars().count();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + length <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ if length > width => {
                let kept: String = word.chars().take(width.saturating_sub(1)).collect();
                lines.push(format!("{kept}…"));
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `12,345`.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `15.06 KB`, by 1,024.
fn readable_size(bytes: usize) -> String {
    let mut size = bytes as f64;
    let mut units = ["B", "KB", "MB", "GB", "TB", "PB"].into_iter().peekable();
    while let Some(unit) = units.next() {
        if size < 1024.0 || units.peek().is_none() {
            return format!("{size:.2} {unit}");
        }
        size /= 1024.0;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::spec::{Layer, OtherLayer, Recurrent};

    /// `model.to_json()` read, and summarised, against `model.summary()`.
    macro_rules! same_as_keras {
        ($name:ident, $json:literal, $text:literal, $columns:literal) => {
            #[test]
            fn $name() {
                let json: Value =
                    serde_json::from_str(include_str!(concat!("../tests/keras/", $json))).unwrap();
                let spec = ModelSpec::from_keras(&json).unwrap();
                let expected = include_str!(concat!("../tests/keras/", $text));
                let got = summary(&spec, None, $columns);
                assert!(got == expected, "ours:\n{got}\nKeras':\n{expected}");
            }
        };
    }

    same_as_keras!(article_1, "article_1.json", "article_1.txt", 80);
    same_as_keras!(article_5, "article_5.json", "article_5.txt", 80);
    same_as_keras!(a_wide_dense, "average.json", "average.txt", 80);
    same_as_keras!(every_layer, "every_layer.json", "every_layer.txt", 80);
    same_as_keras!(every_layer_on_a_wide_terminal, "every_layer.json", "every_layer_100_columns.txt", 100);
    same_as_keras!(every_layer_on_a_narrow_terminal, "every_layer.json", "every_layer_44_columns.txt", 44);

    #[test]
    fn optimizers_are_counted_as_keras_counts_them() {
        let spec = ModelSpec::new(
            "sequential",
            [
                Layer::Embedding { input_dim: 10, output_dim: 4 },
                Layer::GlobalAveragePooling1D,
                Layer::batch_normalization(),
                Layer::dense(2, crate::spec::Activation::Linear),
            ],
        );
        let sgd = |momentum| Optimizer::Sgd { learning_rate: 0.01, momentum, nesterov: false };
        let rms = |momentum| Optimizer::RmsProp { learning_rate: 0.01, rho: 0.9, momentum, epsilon: 1e-7 };
        let adamw = Optimizer::AdamW {
            learning_rate: 0.01,
            weight_decay: 0.004,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        };
        for (optimizer, expected) in [
            (sgd(0.0), include_str!("../tests/keras/optimizer_sgd.txt")),
            (sgd(0.9), include_str!("../tests/keras/optimizer_sgd_momentum.txt")),
            (Optimizer::adam(0.01), include_str!("../tests/keras/optimizer_adam.txt")),
            (adamw, include_str!("../tests/keras/optimizer_adamw.txt")),
            (rms(0.0), include_str!("../tests/keras/optimizer_rmsprop.txt")),
            (rms(0.9), include_str!("../tests/keras/optimizer_rmsprop_momentum.txt")),
        ] {
            assert_eq!(summary(&spec, Some(&optimizer), 80), expected, "{optimizer:?}");
        }
    }

    #[test]
    fn what_cannot_be_run_is_still_listed() {
        let attention =
            OtherLayer { class_name: "MultiHeadAttention".into(), config: serde_json::Map::new() };
        let spec = ModelSpec::new(
            "foreign",
            [
                Layer::Embedding { input_dim: 400, output_dim: 64 },
                Layer::Lstm(Recurrent::new(32).return_sequences()),
                Layer::Other(attention),
                Layer::dense(7, crate::spec::Activation::Softmax),
            ],
        );
        insta::assert_snapshot!(summary(&spec, None, 80));
    }

    #[test]
    fn branches_stand_before_what_joins_them() {
        use crate::spec::{Activation, NgramEmbedding};
        let recurrent = Recurrent::new(8).return_sequences();
        let spec = ModelSpec::new(
            "wide and deep",
            [
                Layer::concatenate([
                    vec![Layer::NgramEmbedding(NgramEmbedding::new(7, 1 << 10))],
                    vec![
                        Layer::Embedding { input_dim: 100, output_dim: 4 },
                        Layer::bidirectional(Layer::Lstm(recurrent)),
                        Layer::concatenate([
                            vec![Layer::GlobalMaxPooling1D],
                            vec![Layer::GlobalAttentionPooling1D { units: 4 }],
                        ]),
                    ],
                ]),
                Layer::dense(7, Activation::Softmax),
            ],
        );
        insta::assert_snapshot!(summary(&spec, None, 80));
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(readable_size(0), "0.00 B");
        assert_eq!(readable_size(1023), "1023.00 B");
        assert_eq!(readable_size(163_100), "159.28 KB");
        assert_eq!(readable_size(usize::MAX), "16384.00 PB");
    }
}
