//! P04: learning rate against its range test
//!
//! What it sees: a hundred steps whose learning rate rises from 0.000001 to 1. Where the loss falls most
//! steeply, divided by 3, is the suggested rate; where it is more than twice its minimum, learning ends.
//! The training's own rate is above that bound, or more than ten times the suggestion, or less than a
//! hundredth of it.
//!
//! Why it is bad: above the bound the loss climbs instead of falling; ten times the suggestion it jumps; a
//! hundredth of it needs a hundred times the steps.
//!
//! Example:
//!
//! ```text
//! the learning rate is 0.03; the loss falls best at 0.003, and climbs from 0.02 on
//! ```
//!
//! Treatment: the suggested rate.
//!
//! Source: Smith, WACV 2017 (range test); fastai (steepest descent as the suggestion).

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "P04",
    name: "learning rate against its range test",
    file: include_str!("p04_range_test.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let range = evidence.probes()?.range.as_ref().ok_or(Missing(Need::Probes))?;
    let (Some(suggested), Some(current)) = (range.suggested, range.current) else {
        return Ok(Vec::new());
    };
    let above = range.bound.is_some_and(|bound| current >= bound);
    let kind = if above || current > 10.0 * suggested {
        CauseKind::LearningRateHigh
    } else if current < suggested / 100.0 {
        CauseKind::LearningRateLow
    } else {
        return Ok(Vec::new());
    };
    let bound = match range.bound {
        Some(bound) => format!(", and climbs from {} on", rate(bound)),
        None => String::new(),
    };
    let symptom = format!(
        "the learning rate is {}; the loss falls best at {}{bound}",
        rate(current),
        rate(3.0 * suggested)
    );
    let words = match kind {
        CauseKind::LearningRateHigh => "the learning rate is too high",
        _ => "the learning rate is too low",
    };
    let weight = if above { 0.8 } else { 0.65 };
    Ok(vec![
        Finding::new("P04", Level::Warning, symptom)
            .cause(
                Cause::new(kind, weight, words)
                    .because(format!("it is {} times the suggested one", times(current / suggested))),
            )
            .treat(Treatment::automatic(
                Change::LearningRateFromRangeTest,
                format!("use a learning rate of {}", rate(suggested)),
            )),
    ])
}

/// Two digits, without an exponent where that is short.
fn rate(rate: f64) -> String {
    if rate >= 1e-4 {
        let digits = usize::try_from(1 - rate.log10().floor() as i32).unwrap_or(0);
        format!("{rate:.digits$}")
    } else {
        format!("{rate:.1e}")
    }
}

/// A factor with two digits: `25`, `0.0031`.
fn times(factor: f64) -> String {
    if factor >= 1.0 { format!("{factor:.0}") } else { rate(factor) }
}
