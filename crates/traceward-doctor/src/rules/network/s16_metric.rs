//! S16: metric does not fit
//!
//! What it sees: an accuracy for a network that gives numbers, or accuracy alone where one class has more
//! than ten times the items of another.
//!
//! Why it is bad: accuracy counts answers that equal the target. Of numbers hardly any two are equal, so it
//! stays at 0 or at some share that means nothing, and looks like a network that does not learn. Where
//! classes are rare, accuracy is high for a network that never answers them.
//!
//! It changes nothing in the training itself, so it is a note.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(1))
//! model.compile(loss="mse", metrics=["accuracy"])      # "accuracy: 0.0000e+00"
//! ```
//!
//! Treatment: the mean absolute error for numbers; macro-F1 for rare classes.
//!
//! Source: the fault taxonomy of Humbatova et al. (ICSE 2020), "wrong performance metric".

use traceward_trace::profile::Imbalance;

use super::ending::{Ending, LossKind, accuracy_metric, is_one_hot};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S16", name: "metric does not fit", file: include_str!("s16_metric.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let compile = evidence.compile()?;
    let Some(accuracy) = accuracy_metric(compile) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    if let Some(ending) = Ending::of(evidence)?
        && ending.kind == LossKind::Number
        && is_regression(evidence, &ending)
    {
        found.push(
            Finding::new(
                "S16",
                Level::Note,
                format!("{} is measured of a network that gives numbers", accuracy.value),
            )
            .at(accuracy.place.clone())
            .cause(Cause::new(
                CauseKind::Metric,
                0.5,
                "hardly ever are two numbers equal, so it says nothing",
            ))
            .treat(Treatment::advice("measure the mean absolute error")),
        );
    }
    found.extend(alone(evidence, accuracy.place.clone()));
    Ok(found)
}

/// Numbers are meant unless something speaks of classes.
fn is_regression(evidence: &Evidence, ending: &Ending<'_>) -> bool {
    match evidence.stated.regression {
        Some(regression) => regression,
        None => {
            let classes = evidence.data.as_ref().and_then(crate::facts::Data::class_count).is_some();
            ending.activation == "linear" && !classes && !is_one_hot(evidence)
        }
    }
}

/// Accuracy as the only measure of rare classes.
fn alone(evidence: &Evidence, place: Option<crate::Place>) -> Option<Finding> {
    let compile = evidence.compile().ok()?;
    let others = compile.metrics.iter().any(|metric| {
        let name = metric.value.to_ascii_lowercase();
        ["f1", "auc", "recall", "precision", "kappa", "matthews", "fbeta", "iou", "confusion"]
            .iter()
            .any(|known| name.contains(known))
    });
    if others {
        return None;
    }
    let held =
        || evidence.data.iter().flat_map(|data| &data.classes).map(|(_, items)| *items).filter(|&n| n > 0);
    let (most, least) = (held().max()?, held().min()?);
    let ratio = most as f64 / least as f64;
    if ratio <= Imbalance::GRAVE_RATIO {
        return None;
    }
    Some(
        Finding::new(
            "S16",
            Level::Note,
            format!("accuracy is the only metric, and classes are {ratio:.0} to 1"),
        )
        .at(place)
        .cause(Cause::new(CauseKind::Metric, 0.3, "it hardly counts the rare classes"))
        .treat(Treatment::advice("measure macro-F1 as well, which counts each class once")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Data, Placed};
    use crate::rules::network::sample::{compile, dense, model};

    fn with_metrics(units: usize, activation: &str, loss: &str, metrics: &[&str]) -> Evidence {
        let mut evidence = model(&[dense(8, "relu"), dense(units, activation)], loss);
        compile(&mut evidence).metrics =
            metrics.iter().map(|&name| Placed { value: name.into(), place: None }).collect();
        evidence
    }

    #[test]
    fn accuracy_of_numbers() {
        let fires = |evidence: &Evidence| !check(evidence).unwrap().is_empty();
        assert!(fires(&with_metrics(1, "linear", "mean_squared_error", &["accuracy"])));
        assert!(!fires(&with_metrics(1, "linear", "mean_squared_error", &["mae"])));
        assert!(!fires(&with_metrics(7, "softmax", "categorical_crossentropy", &["acc"])));
        assert!(
            !fires(&with_metrics(1, "sigmoid", "mean_squared_error", &["accuracy"])),
            "may be classes: S08"
        );
    }

    #[test]
    fn accuracy_of_rare_classes() {
        let classes = vec![("normal".into(), 5205), ("web_shell".into(), 118)];
        let mut evidence = with_metrics(7, "softmax", "categorical_crossentropy", &["accuracy"]);
        evidence.data = Some(Data { classes, ..Data::default() });
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Note);
        compile(&mut evidence).metrics.push(Placed { value: "macro_f1".into(), place: None });
        assert_eq!(check(&evidence).unwrap(), []);
    }
}
