//! C01: not a number
//!
//! What it sees: a loss or a metric is NaN or infinite. An empty cell is a gap, not a NaN.
//!
//! Why it is bad: from the first NaN on every weight is NaN, and the epochs after it train nothing.
//!
//! Example:
//!
//! ```text
//! Epoch 1/30 - loss: nan - accuracy: 0.0987
//! ```
//!
//! Treatment: if it is there from the first epoch: look for NaN and infinities in the inputs and labels,
//! for inputs in the thousands, for log or exp in a loss of one's own. If it comes later: a learning rate
//! ten times smaller and clipped gradients. The last weights before it are still good.
//!
//! Source: TerminateOnNaN in Keras; UMLAUT (Schoop et al., CHI 2021); DeepLocalize (Wardat et al., ICSE
//! 2021).

use super::causes;
use crate::curve::Curve;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C01", name: "not a number", file: include_str!("c01_not_a_number.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let curves = evidence.curves()?;
    let named = [
        ("the training loss", &curves.loss, true),
        ("the validation loss", &curves.val_loss, true),
        ("the training accuracy", &curves.accuracy, false),
        ("the validation accuracy", &curves.val_accuracy, false),
    ];
    if named.iter().all(|(_, curve, _)| curve.is_none()) {
        return Err(Missing(Need::Curves));
    }
    let bad = named.into_iter().filter_map(|(name, curve, loss)| {
        let curve = curve.as_ref()?;
        Some((curve.first_not_finite()?, name, curve, loss))
    });
    // A loss before a metric, then the earlier one.
    let Some((row, name, curve, loss)) = bad.min_by_key(|(row, _, _, loss)| (!loss, *row)) else {
        return Ok(Vec::new());
    };
    Ok(vec![finding(evidence, row, name, curve, loss)])
}

fn finding(evidence: &Evidence, row: usize, name: &str, curve: &Curve, loss: bool) -> Finding {
    let count = curve.values.iter().filter(|value| !value.is_finite()).count();
    let first = curve.rows.first() == Some(&row);
    let lasting = curve.values.last().is_some_and(|value| !value.is_finite());
    let symptom = if count == curve.len() {
        format!("{name} is not a number in any of its {count} rows")
    } else if lasting {
        format!("{name} is not a number from row {row} on")
    } else {
        format!("{name} is not a number in {count} of {} rows, first in row {row}", curve.len())
    };
    if !loss {
        let metric = Cause::new(CauseKind::Metric, 0.5, "the metric divides by a count that is zero");
        return Finding::new("C01", Level::Warning, symptom)
            .at_epoch(row)
            .cause(metric)
            .treat(Treatment::advice("look at how the metric is computed: the loss is a number throughout"));
    }
    let bad_rows = evidence.data.as_ref().is_some_and(|data| {
        data.bad_row_count > 0 || data.features.iter().any(|feature| feature.not_finite > 0)
    });
    let values = Cause::new(
        CauseKind::BadValues,
        if bad_rows { 0.9 } else { 0.45 },
        "NaN or infinite values among the inputs or labels",
    );
    let values = match (bad_rows, first) {
        (true, _) => values.because("the data have values that are not numbers"),
        (false, true) => values.because("it is not a number from the first row on"),
        (false, false) => values.although(format!("rows before {row} are numbers")),
    };
    let steps =
        causes::large_steps(evidence, if first { 0.4 } else { 0.5 }, "steps so large that they overflow");
    let scaling =
        Cause::new(CauseKind::Scaling, 0.3, "inputs that are so large that the first step overflows");
    let gradient = Cause::new(CauseKind::ExplodingGradient, 0.35, "gradients that grow without bound");
    let found = Finding::new("C01", Level::Error, symptom).label(Label::Nan).at_epoch(row);
    let found = if first {
        found.cause(values).cause(steps).cause(scaling)
    } else {
        found.cause(steps).cause(gradient).cause(values)
    };
    let found = if bad_rows {
        found.treat(Treatment::proposal(Change::DropBadRows, "leave out the rows with bad values"))
    } else {
        found.treat(Treatment::advice("look for NaN, infinities and very large values in inputs and labels"))
    };
    found.treat(causes::smaller_steps(0.1)).treat(causes::clip())
}
