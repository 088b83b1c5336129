//! C17: validation too coarse or too noisy to read
//!
//! What it sees: all validation accuracies are multiples of one hundredth or of something larger, so that the
//! validation side has a hundred items or fewer. Or the validation loss swings by a fifth of its level again
//! and again, and the training loss does not.
//!
//! Why it is bad: the best epoch and a comparison of two runs are then mostly chance. Of 13 items, one more
//! that is right is 8 points of accuracy.
//!
//! Example:
//!
//! ```text
//! val_acc 0.8462 0.7692 0.9231 1.0: thirteenths
//! ```
//!
//! Treatment: more validation data, or cross-validation; compare means over epochs, not single ones.
//!
//! Source: a public log with 13 validation items; Wilson, J. Am. Stat. Assoc. 1927, for the interval.

use super::c07_oscillating;
use crate::curve::{Losses, Shape, figure, median_step, percent, swings};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "C17",
    name: "validation too coarse or too noisy to read",
    file: include_str!("c17_noisy_validation.rs"),
    check,
};

/// With so many items or fewer a point of accuracy is one item.
const FEW: usize = 100;

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 4)?;
    if losses.val.is_none() && losses.val_accuracy.is_none() {
        return Err(Missing(Need::Validation));
    }
    if let Some(score) = &losses.val_accuracy
        && let Some(items) = items(score)
    {
        let (low, high) = wilson(score.end(), items);
        let symptom = format!(
            "the validation accuracy moves in steps of 1/{items}: the validation side has few items, and its {} may as \
             well be anything from {} to {}",
            figure(score.end()),
            figure(low),
            figure(high)
        );
        let small = Cause::new(CauseKind::SmallValidation, 0.9, "too little validation data");
        return Ok(vec![report(symptom, small)]);
    }
    let Some(val) = losses.val.as_ref().filter(|val| val.len() >= 10) else { return Ok(Vec::new()) };
    let rows = val.tail(0.5, 10);
    let half = &val.raw()[rows.clone()];
    let level = val.level(rows);
    let often = swings(half, 0.2 * level).len() as f64 >= 0.2 * half.len() as f64;
    let calm = losses.train.as_ref().is_some_and(|train| {
        let part = &train.raw()[train.tail(0.5, 10)];
        median_step(part) < median_step(half) / 2.0
    });
    if !often || !calm || c07_oscillating::oscillation(&losses).is_some() {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "the validation loss swings by a fifth of its level and more; its median step is {}, and training's less than \
         half of that",
        percent(median_step(half) / level)
    );
    let known = evidence.data.as_ref().and_then(|data| data.validation_items);
    let small = Cause::new(CauseKind::SmallValidation, 0.5, "too little validation data");
    let small = match known {
        Some(items) if items < 500 => small.because(format!("there are {items} validation items")),
        Some(items) => {
            Cause { weight: 0.25, ..small }.although(format!("there are {items} validation items"))
        }
        None => small,
    };
    Ok(vec![report(symptom, small)])
}

fn report(symptom: String, small: Cause) -> Finding {
    Finding::new("C17", Level::Note, symptom)
        .label(Label::ValNoisy)
        .cause(small)
        .treat(Treatment::proposal(
            Change::ValidationShare { share: 0.2 },
            "hold back a larger share for validation, drawn from all classes",
        ))
        .treat(Treatment::advice(
            "or cross-validate; compare means over several epochs rather than single ones",
        ))
}

/// How many items make all these accuracies whole numbers of items, if few do. Two values that differ are
/// needed: one alone is a multiple of anything.
fn items(score: &Shape) -> Option<usize> {
    let values = score.raw();
    let moves = values.iter().any(|value| (value - values[0]).abs() > 1e-6);
    // Single precision carries seven figures; logs in text mostly four.
    let whole = |items: usize| {
        let tolerance = (1e-4 * items as f64).min(0.01);
        values.iter().all(|value| (value * items as f64 - (value * items as f64).round()).abs() < tolerance)
    };
    if values.len() < 4 || !moves { None } else { (2..=FEW).find(|&items| whole(items)) }
}

/// Wilson's interval of 95 % for a share of `items`.
fn wilson(share: f64, items: usize) -> (f64, f64) {
    const Z: f64 = 1.96;
    let n = items as f64;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::Curve;

    fn items_of(values: &[f64]) -> Option<usize> {
        let column: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        items(&Curve::of(&column).shape().expect("it has values"))
    }

    #[test]
    fn thirteenths() {
        assert_eq!(items_of(&[0.846_153_9, 0.769_230_8, 0.923_076_9, 1.0]), Some(13));
        assert_eq!(items_of(&[0.8462, 0.7692, 0.9231, 1.0]), Some(13), "rounded in a text");
        assert_eq!(items_of(&[0.8312, 0.7617, 0.9031, 0.99, 0.9412]), None);
        assert_eq!(items_of(&[0.5, 0.5, 0.5, 0.5]), None);
    }

    #[test]
    fn wilsons_interval() {
        let (low, high) = wilson(1.0, 13);
        assert!((low - 0.7719).abs() < 1e-3 && high == 1.0, "{low} {high}");
    }
}
