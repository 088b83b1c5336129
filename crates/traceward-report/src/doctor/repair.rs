//! What to write into a source instead: as a treatment says it to the letter, or as its change and the
//! finding's place let it be worked out.
//!
//! A repair that is wrong is worse than none, since editors apply it with one click. So one is worked out
//! only where the place is a single literal of the kind that the change sets: a known name of an
//! activation, a loss or an optimizer in quotes, or a number that stands alone or behind its own name.

use std::ops::Range;

use traceward_doctor::finding::Repair;
use traceward_doctor::names::{self, Spelling};
use traceward_doctor::{Change, Finding, Place, Treatment};

use super::Report;

/// The repair of a treatment, if it is known.
pub(super) fn repair(report: &Report<'_>, finding: &Finding, treatment: &Treatment) -> Option<Repair> {
    let source = report.source?;
    if treatment.repair.is_some() {
        return treatment.repair.clone();
    }
    let Some(Place::Span(span)) = &finding.place else { return None };
    let code = source.text.get(span.clone())?;
    let at = |within: Range<usize>, text: String| {
        let repair = Repair { span: span.start + within.start..span.start + within.end, text };
        (source.text.get(repair.span.clone()) != Some(repair.text.as_str())).then_some(repair)
    };
    let name = |right: &str, spelling: fn(&str) -> Spelling| {
        let (within, written) = only_string(code)?;
        (spelling(written) != Spelling::Unknown).then(|| at(within, right.to_owned()))?
    };
    let scaled = |names: &[&str], new: &dyn Fn(f64) -> f64| {
        let (within, old) = only_number(code, names)?;
        at(within, python_number(new(old))?)
    };
    const RATE: &[&str] = &["learning_rate", "lr"];
    const EPOCHS: &[&str] = &["epochs", "nb_epoch", "num_epochs"];
    match treatment.change.as_ref()? {
        Change::OutputActivation { activation } => name(activation, names::activation),
        Change::HiddenActivation { activation, .. } => name(activation, names::activation).or_else(|| {
            let end = end_of_dense(code)?;
            at(end..end, format!(", activation=\"{activation}\""))
        }),
        Change::Loss { loss } => name(loss, names::loss),
        Change::Optimizer { name: optimizer } => name(optimizer, names::optimizer),
        Change::LearningRate { learning_rate } => scaled(RATE, &|_| *learning_rate),
        Change::ScaleLearningRate { factor } => scaled(RATE, &|old| old * factor),
        Change::Epochs { epochs } => scaled(EPOCHS, &|_| *epochs as f64),
        Change::ScaleEpochs { factor } => scaled(EPOCHS, &|old| (old * factor).round()),
        Change::BatchSize { batch_size } => scaled(&["batch_size"], &|_| *batch_size as f64),
        _ => None,
    }
}

/// Where another argument of a call of a dense or convolutional layer of Keras would stand, if it has
/// arguments, and none is its activation.
fn end_of_dense(code: &str) -> Option<usize> {
    let (name, arguments) = code.strip_suffix(')')?.split_once('(')?;
    let class = name.rsplit('.').next()?;
    let layer = class == "Dense" || class.starts_with("Conv") && names::is_layer(class);
    let arguments = arguments.trim_end();
    let open = arguments.is_empty() || arguments.ends_with([',', '(']) || arguments.contains(['#', '*']);
    (layer && !open && !arguments.contains("activation")).then(|| code.len() - 1)
}

/// The text of the only string in a piece of Python, and where it stands, without its quotes.
fn only_string(code: &str) -> Option<(Range<usize>, &str)> {
    let start = code.find(['\'', '"'])?;
    let quote = char::from(code.as_bytes()[start]);
    let end = start + 1 + code[start + 1..].find(quote)?;
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let text = &code[start + 1..end];
    let alone = !code[end + 1..].contains(['\'', '"']);
    (plain(text) && alone).then_some((start + 1..end, text))
}

/// The number that a piece of Python is, alone or behind one of these names and `=`.
fn only_number(code: &str, names: &[&str]) -> Option<(Range<usize>, f64)> {
    let value = match code.split_once('=') {
        Some((name, value)) if names.contains(&name.trim()) => value,
        Some(_) => return None,
        None => code,
    };
    let number = value.trim();
    let parsed: f64 =
        number.parse().ok().filter(|_| number.starts_with(|c: char| c.is_ascii_digit() || c == '.'))?;
    let start = code.len() - value.len() + (value.len() - value.trim_start().len());
    Some((start..start + number.len(), parsed))
}

/// A number as Python writes it, rounded to three digits; `None` if it is none.
fn python_number(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Some(format!("{value:.0}"));
    }
    let rounded: f64 = format!("{value:.2e}").parse().ok()?;
    Some(if rounded.abs() < 1e-4 { format!("{rounded:e}") } else { rounded.to_string() })
}

#[cfg(test)]
mod tests {
    use traceward_doctor::{Diagnosis, Level, Source};

    use super::*;

    /// What the change makes of `code`, if it is known.
    fn repaired(code: &str, change: Change) -> Option<String> {
        let source = Source { path: "a.py".into(), text: format!("é = {code}\n") };
        let span = 5..5 + code.len();
        let finding = Finding::new("S01", Level::Error, "").at(Some(Place::Span(span)));
        let diagnosis = Diagnosis { primary: None, findings: Vec::new(), not_checked: Vec::new() };
        let report = Report {
            path: "",
            run: None,
            kind: "",
            diagnosis: &diagnosis,
            source: Some(&source),
            curves: None,
        };
        let repair = repair(&report, &finding, &Treatment::automatic(change, ""))?;
        let mut text = source.text.clone();
        text.replace_range(repair.span, &repair.text);
        Some(text["é = ".len()..].trim_end().to_owned())
    }

    fn softmax() -> Change {
        Change::OutputActivation { activation: "softmax".into() }
    }

    #[test]
    fn names_in_quotes_are_replaced() {
        assert_eq!(repaired("'sigmoid'", softmax()).as_deref(), Some("'softmax'"));
        assert_eq!(repaired("activation=\"sigmond\"", softmax()).as_deref(), Some("activation=\"softmax\""));
        assert_eq!(repaired("Dense(7, 'tanh')", softmax()).as_deref(), Some("Dense(7, 'softmax')"));
        let loss = || Change::Loss { loss: "categorical_crossentropy".into() };
        assert_eq!(repaired("loss='mse'", loss()).as_deref(), Some("loss='categorical_crossentropy'"));
    }

    #[test]
    fn hidden_layers_get_an_argument() {
        let relu = || Change::HiddenActivation { layer: 0, activation: "relu".into() };
        assert_eq!(repaired("Dense(64)", relu()).as_deref(), Some("Dense(64, activation=\"relu\")"));
        let within = repaired("layers.Conv2D(8, (3, 3))", relu());
        assert_eq!(within.as_deref(), Some("layers.Conv2D(8, (3, 3), activation=\"relu\")"));
        for code in
            ["Dense()", "nn.Linear(3, 4)", "Dense(64, activation=f)", "Dense(64,)", "Dense(*a)", "dense"]
        {
            assert_eq!(repaired(code, relu()), None, "{code}");
        }
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        for code in ["loss='mse'", "Dense(7)", "'softmax'", "f('tanh', 'relu')", "'my_own'", "\"tanh", "''"] {
            assert_eq!(repaired(code, softmax()), None, "{code}");
        }
        assert_eq!(repaired("decay=0.01", Change::LearningRate { learning_rate: 0.1 }), None);
        assert_eq!(repaired("args.lr", Change::ScaleLearningRate { factor: 0.1 }), None);
        assert_eq!(repaired("nan", Change::ScaleLearningRate { factor: 0.1 }), None);
    }

    #[test]
    fn numbers_are_replaced_and_scaled() {
        let tenth = || Change::ScaleLearningRate { factor: 0.1 };
        assert_eq!(repaired("0.003", tenth()).as_deref(), Some("0.0003"));
        assert_eq!(repaired("lr = 1e-4", tenth()).as_deref(), Some("lr = 1e-5"));
        assert_eq!(repaired("learning_rate=0.01", tenth()).as_deref(), Some("learning_rate=0.001"));
        assert_eq!(repaired("epochs=20", Change::ScaleEpochs { factor: 2.5 }).as_deref(), Some("epochs=50"));
        assert_eq!(repaired("32", Change::BatchSize { batch_size: 64 }).as_deref(), Some("64"));
    }
}
