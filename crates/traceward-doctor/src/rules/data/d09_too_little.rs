//! D09: too little data
//!
//! What it sees: classes with fewer than fifty items (fewer than ten: a warning), fewer than two hundred
//! items to train on, or fewer than a hundred to validate on.
//!
//! Why it is bad: ten items are remembered, not learnt from. And a validation on fifty items moves by two
//! points with each of them: a difference of three between two runs is chance. How sure an accuracy is at
//! best is said as an interval.
//!
//! Example:
//!
//! ```text
//! 60 validation items: an accuracy of 0.90 may be anything from 0.80 to 0.95
//! ```
//!
//! Treatment: more data; cross-validation, which uses every item for both; fewer weights.
//!
//! Source: the fault taxonomy of Humbatova et al. (ICSE 2020), "not enough training data"; Wilson,
//! "Probable inference", JASA 1927, for the interval.

use traceward_trace::profile::numerals::{count, list};

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "D09", name: "too little data", file: include_str!("d09_too_little.rs"), check };

const SMALL_CLASS: usize = 50;
const TINY_CLASS: usize = 10;
const FEW_TO_TRAIN: usize = 200;
const FEW_TO_VALIDATE: usize = 100;
/// Classes that are named.
const NAMED: usize = 4;

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data.as_ref();
    let items = data.map(|data| data.training_items.unwrap_or(data.items)).filter(|&items| items > 0);
    let items = items.or(evidence.stated.items).ok_or(Missing(Need::Data))?;
    let mut found = Vec::new();
    if items < FEW_TO_TRAIN {
        // What a script states may be a toy, such as the four rows of XOR.
        let level = if data.is_some() { Level::Warning } else { Level::Note };
        let weight = if items < SMALL_CLASS { 0.75 } else { 0.5 };
        found.push(
            Finding::new("D09", level, format!("{} items to train on", count(items)))
                .cause(Cause::new(
                    CauseKind::TooLittleData,
                    weight,
                    "so few items are remembered, not learnt from",
                ))
                .treat(Treatment::advice("get more data, or use cross-validation and a small network")),
        );
    }
    let classes = data.map_or(&[][..], |data| &data.classes);
    let small: Vec<&(String, usize)> =
        classes.iter().filter(|(_, items)| *items > 0 && *items < SMALL_CLASS).collect();
    if let Some(least) = small.iter().map(|(_, items)| *items).min() {
        let mut names: Vec<String> =
            small.iter().take(NAMED).map(|(name, items)| format!("{name} ({items})")).collect();
        if small.len() > NAMED {
            names.push(format!("{} more", small.len() - NAMED));
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let level = if least < TINY_CLASS { Level::Warning } else { Level::Note };
        found.push(
            Finding::new(
                "D09",
                level,
                format!("classes with fewer than {SMALL_CLASS} items: {}", list(&names)),
            )
            .cause(Cause::new(
                CauseKind::TooLittleData,
                if level == Level::Warning { 0.45 } else { 0.3 },
                "so few items of a class are remembered, not learnt from",
            ))
            .treat(Treatment::advice("get more of them, or leave these classes out")),
        );
    }
    found.extend(data.and_then(|data| data.validation_items).and_then(validation));
    Ok(found)
}

fn validation(items: usize) -> Option<Finding> {
    if items == 0 || items >= FEW_TO_VALIDATE {
        return None;
    }
    let (low, high) = wilson(0.9, items);
    Some(
        Finding::new(
            "D09",
            Level::Note,
            format!(
                "{items} validation items: an accuracy of 0.90 may be anything from {low:.2} to {high:.2}"
            ),
        )
        .cause(Cause::new(
            CauseKind::SmallValidation,
            0.4,
            format!("each item moves the accuracy by {:.1} points", 100.0 / items as f64),
        ))
        .treat(Treatment::advice("hold more back, or use cross-validation")),
    )
}

/// Wilson's interval for a share seen among `n`, at 95 %.
fn wilson(share: f64, n: usize) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    let n = n as f64;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    (middle - half, middle + half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Data;

    fn of(items: usize, validation: Option<usize>, classes: &[usize]) -> Vec<(Level, CauseKind)> {
        let data = Data {
            items,
            validation_items: validation,
            classes: classes.iter().enumerate().map(|(i, &n)| (i.to_string(), n)).collect(),
            ..Data::default()
        };
        let evidence = Evidence { data: Some(data), ..Evidence::default() };
        check(&evidence).unwrap().iter().map(|found| (found.level, found.causes[0].kind)).collect()
    }

    #[test]
    fn items_classes_and_validation() {
        assert_eq!(of(1579, Some(316), &[833, 91, 75]), []);
        assert_eq!(of(150, None, &[75, 75]), [(Level::Warning, CauseKind::TooLittleData)]);
        assert_eq!(of(1500, Some(300), &[1480, 20]), [(Level::Note, CauseKind::TooLittleData)]);
        assert_eq!(of(1500, Some(300), &[1495, 5]), [(Level::Warning, CauseKind::TooLittleData)]);
        assert_eq!(of(300, Some(60), &[]), [(Level::Note, CauseKind::SmallValidation)]);
    }

    #[test]
    fn what_a_script_states_is_a_note() {
        let mut evidence = Evidence::default();
        assert_eq!(check(&evidence), Err(Missing(Need::Data)));
        evidence.stated.items = Some(4);
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Note);
    }

    #[test]
    fn the_interval_is_wilson_s() {
        let (low, high) = wilson(0.9, 60);
        assert!((low - 0.798_5).abs() < 1e-3 && (high - 0.953_4).abs() < 1e-3, "{low} {high}");
    }
}
