//! D08: bad values
//!
//! What it sees: inputs or targets that are NaN or infinite; rows that could not be read; items without a
//! label; an input that is the same in every item; labels that are divided like pixels, or so small that
//! they must have been; class numbers that are not whole.
//!
//! Why it is bad: one NaN among the inputs makes the loss NaN, and from then on every weight. Labels divided
//! by 255 all round to class 0: the loss falls to nothing, and the accuracy stays where it was. Rows that
//! were skipped are missing without a word, often all of one kind.
//!
//! Example:
//!
//! ```text
//! x_train, y_train = x_train / 255, y_train / 255
//! ```
//!
//! Treatment: repair or leave out the rows, and name them; never scale class numbers.
//!
//! Source: UMLAUT (Schoop et al., CHI 2021), "NaN in input"; Stack Overflow 59325381, where the labels
//! were divided with the pixels.

use traceward_trace::profile::numerals::counted;

use crate::facts::Data;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "D08", name: "bad values", file: include_str!("d08_bad_values.rs"), check };

/// Class numbers below this were divided by something.
const NO_CLASS_NUMBER: f64 = 0.1;
/// More rows than this share left out is not a slip.
const MANY_BAD_ROWS: f64 = 0.01;

fn check(evidence: &Evidence) -> Answer {
    // Two views of one fault: what the program does, and what came of it.
    let mut found: Vec<Finding> =
        divided_labels(evidence).or_else(|| small_labels(evidence)).into_iter().collect();
    let Some(data) = &evidence.data else {
        let known = evidence.targets().is_some()
            || evidence.fit.as_ref().is_some_and(|fit| !fit.label_steps.is_empty());
        return if known || !found.is_empty() { Ok(found) } else { Err(Missing(Need::Data)) };
    };
    found.extend(not_finite(data));
    found.extend(constant(data));
    found.extend(bad_rows(data));
    found.extend(unlabelled(data));
    Ok(found)
}

fn not_finite(data: &Data) -> Option<Finding> {
    let bad: Vec<_> = data.features.iter().filter(|feature| feature.not_finite > 0).collect();
    let targets = data.targets.is_some_and(|range| !range.min.is_finite() || !range.max.is_finite());
    let first = bad.first();
    if first.is_none() && !targets {
        return None;
    }
    let values: usize = bad.iter().map(|feature| feature.not_finite).sum();
    let symptom = match first {
        Some(feature) => format!(
            "{} of {} are NaN or infinite, first in {}",
            counted(values, "value"),
            counted(bad.len(), "input"),
            feature.name
        ),
        None => "targets are NaN or infinite".into(),
    };
    Some(
        Finding::new("D08", Level::Error, symptom)
            .cause(Cause::new(
                CauseKind::BadValues,
                0.95,
                "one of these in a batch makes the loss NaN, and with it every weight",
            ))
            .treat(Treatment::proposal(Change::DropBadRows, "leave the rows out that carry them")),
    )
}

fn constant(data: &Data) -> Option<Finding> {
    let same: Vec<&str> = data
        .features
        .iter()
        .filter(|feature| feature.range.min == feature.range.max && feature.not_finite == 0)
        .map(|feature| feature.name.as_str())
        .collect();
    let first = same.first()?;
    let all = same.len() == data.features.len();
    let symptom = if all {
        "all inputs are the same in every item".to_owned()
    } else {
        format!(
            "{} the same in every item, first {first}",
            match same.len() {
                1 => "1 input is".to_owned(),
                n => format!("{n} inputs are"),
            }
        )
    };
    let (level, weight) = if all { (Level::Error, 0.9) } else { (Level::Note, 0.1) };
    Some(
        Finding::new("D08", level, symptom)
            .cause(Cause::new(CauseKind::BadValues, weight, "an input that never changes tells nothing"))
            .treat(Treatment::advice("leave it out, or look where its values were lost")),
    )
}

fn bad_rows(data: &Data) -> Option<Finding> {
    if data.bad_row_count == 0 {
        return None;
    }
    let share = data.bad_row_count as f64 / (data.bad_row_count as f64 + data.items as f64);
    let level = if share > MANY_BAD_ROWS { Level::Warning } else { Level::Note };
    let rows = usize::try_from(data.bad_row_count).unwrap_or(usize::MAX);
    let mut finding = Finding::new(
        "D08",
        level,
        format!(
            "{} could not be read and {} left out",
            counted(rows, "row"),
            if rows == 1 { "was" } else { "were" }
        ),
    )
    .cause(Cause::new(
        CauseKind::BadValues,
        if level == Level::Warning { 0.4 } else { 0.1 },
        "what is left out is missing in training, and often all of one kind",
    ))
    .treat(Treatment::advice("repair the rows, or read them with the options that fit"));
    for row in data.bad_rows.iter().take(3) {
        finding = finding.note(row.clone());
    }
    Some(finding)
}

fn unlabelled(data: &Data) -> Option<Finding> {
    if data.unlabelled == 0 || data.classes.is_empty() {
        return None;
    }
    Some(
        Finding::new(
            "D08",
            Level::Note,
            format!("{} of {} have no label and take no part", counted(data.unlabelled, "item"), data.items),
        )
        .cause(Cause::new(CauseKind::BadLabels, 0.05, "items without a label teach nothing"))
        .treat(Treatment::advice("label them, or leave them out")),
    )
}

/// A step of the program that divides or scales labels.
fn divided_labels(evidence: &Evidence) -> Option<Finding> {
    let step = evidence.fit.as_ref().and_then(|fit| fit.label_steps.iter().find(|step| divides(&step.value)));
    let (what, place) = match (step, &evidence.stated.labels_scaled) {
        (Some(step), _) => (step.value.as_str(), step.place.clone()),
        (None, Some(place)) => ("they go through a scaling that is meant for inputs", Some(place.clone())),
        (None, None) => return None,
    };
    if evidence.stated.regression == Some(true) {
        return None;
    }
    // Targets of a regression may be scaled.
    if let Ok(compile) = evidence.compile()
        && compile.loss.value.given().is_some_and(|loss| !loss.contains("crossentropy"))
    {
        return None;
    }
    Some(
        Finding::new("D08", Level::Error, format!("labels are scaled: {what}"))
            .at(place)
            .cause(
                Cause::new(
                    CauseKind::BadLabels,
                    0.9,
                    "class numbers that are divided all become the same class: 9 / 255 is class 0",
                )
                .because("the loss is a cross-entropy, whose labels are classes"),
            )
            .treat(Treatment::advice("divide the inputs only")),
    )
}

/// Whether a step divides by a number: `y / 255`, `y_train /= 255.0`.
fn divides(step: &str) -> bool {
    let Some((_, by)) = step.split_once('/') else { return false };
    let by = by.trim_start_matches(['/', '=', ' ']);
    by.starts_with(|letter: char| letter.is_ascii_digit())
}

fn small_labels(evidence: &Evidence) -> Option<Finding> {
    let targets = evidence.targets()?;
    let loss = evidence.compile().ok()?.loss.value.given()?.clone();
    let classes = loss.contains("crossentropy");
    let small = targets.max > 0.0 && targets.max < NO_CLASS_NUMBER && targets.min >= 0.0;
    let broken = loss.starts_with("sparse") && (targets.min.fract() != 0.0 || targets.max.fract() != 0.0);
    let below = loss.starts_with("sparse") && targets.min < 0.0;
    if !classes || !(small || broken || below) {
        return None;
    }
    let symptom = format!("labels run from {} to {} under {loss}", targets.min, targets.max);
    let text = if below {
        "class numbers start at 0"
    } else {
        "class numbers were divided, or are not class numbers"
    };
    Some(
        Finding::new("D08", Level::Error, symptom)
            .cause(Cause::new(CauseKind::BadLabels, 0.9, text))
            .treat(Treatment::advice("write classes as whole numbers from 0 on, and do not scale them")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Feature, Fit, Placed, Range};
    use crate::rules::network::sample::{dense, fit, model};

    fn feature(name: &str, min: f64, max: f64, not_finite: usize) -> Feature {
        Feature { name: name.into(), range: Range { min, max }, deviation: max - min, not_finite }
    }

    fn of(data: Data) -> Vec<(Level, CauseKind)> {
        let evidence = Evidence { data: Some(data), ..Evidence::default() };
        check(&evidence).unwrap().iter().map(|found| (found.level, found.causes[0].kind)).collect()
    }

    #[test]
    fn each_kind_of_bad_value() {
        let features = vec![feature("age", 0.0, 9.0, 0), feature("height", 0.0, 9.0, 3)];
        assert_eq!(of(Data { features, ..Data::default() }), [(Level::Error, CauseKind::BadValues)]);
        let features = vec![feature("age", 0.0, 9.0, 0), feature("same", 4.0, 4.0, 0)];
        assert_eq!(of(Data { features, ..Data::default() }), [(Level::Note, CauseKind::BadValues)]);
        assert_eq!(
            of(Data {
                items: 50,
                bad_row_count: 10,
                bad_rows: vec!["a.csv:3: no label".into()],
                ..Data::default()
            }),
            [(Level::Warning, CauseKind::BadValues)]
        );
        assert_eq!(of(Data { items: 50_000, bad_row_count: 1, ..Data::default() })[0].0, Level::Note);
        assert_eq!(of(Data { items: 10, classes: vec![("a".into(), 10)], ..Data::default() }), []);
    }

    #[test]
    fn labels_that_are_divided() {
        let mut evidence = model(&[dense(10, "softmax")], "sparse_categorical_crossentropy");
        fit(&mut evidence).label_steps = vec![Placed { value: "y_train / 255.0".into(), place: None }];
        assert_eq!(check(&evidence).unwrap().len(), 1);
        fit(&mut evidence).label_steps[0].value = "to_categorical".into();
        assert_eq!(check(&evidence).unwrap(), []);
        fit(&mut evidence).label_steps[0].value = "y / y.max()".into();
        assert_eq!(check(&evidence).unwrap(), [], "by what is not known");
        let mut regression = model(&[dense(1, "linear")], "mean_squared_error");
        fit(&mut regression).label_steps = vec![Placed { value: "y / 100".into(), place: None }];
        assert_eq!(check(&regression).unwrap(), []);
    }

    #[test]
    fn labels_that_must_have_been_divided() {
        let with = |min, max| {
            let mut evidence = model(&[dense(10, "softmax")], "sparse_categorical_crossentropy");
            evidence.data = Some(Data { targets: Some(Range { min, max }), ..Data::default() });
            check(&evidence).unwrap().len()
        };
        assert_eq!(with(0.0, 9.0 / 255.0), 1);
        assert_eq!(with(0.0, 2.5), 1);
        assert_eq!(with(-1.0, 1.0), 1);
        assert_eq!(with(0.0, 9.0), 0);
    }

    #[test]
    fn without_data_or_labels_it_is_not_checked() {
        assert_eq!(check(&Evidence::default()), Err(Missing(Need::Data)));
        assert!(check(&Evidence { fit: Some(Fit::default()), ..Evidence::default() }).is_err());
    }
}
