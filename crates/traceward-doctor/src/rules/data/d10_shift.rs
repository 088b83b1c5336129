//! D10: training and validation data differ
//!
//! What it sees: calls occur in other shares in training than in validation within the same classes
//! (population stability index above 0.25; above 0.6 a warning), or more than 5 in 100 calls of the
//! validation were never seen in training.
//!
//! Why it is bad: the network is asked about another world than the one it learnt. There is a gap between
//! the two losses from the first epoch on, which no regularisation closes, since it is not overfitting.
//!
//! Splits by groups always differ somewhat, since no recording is like another; that is what they are for.
//!
//! Example:
//!
//! ```text
//! trained on traces of one host, validated on those of another with a newer C library (openat for open)
//! ```
//!
//! Treatment: read both sides in the same way; split anew; collect training data like that of the
//! validation.
//!
//! Source: the stability index of credit scoring (0.1 slight, 0.25 marked: Siddiqi, "Credit Risk
//! Scorecards", 2006); deepchecks, "Train-Test Drift". On ADFA-LD's 1,579 traces it is 0.15 by a random
//! split and 0.27 by groups.

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "D10",
    name: "training and validation data differ",
    file: include_str!("d10_shift.rs"),
    check,
};

const MARKED: f64 = 0.25;
const STRONG: f64 = 0.6;
const UNKNOWN: f64 = 0.05;

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data()?;
    let split = data.split.as_ref().ok_or(Missing(Need::Split))?;
    let unknown = split.unknown_tokens.filter(|share| *share > UNKNOWN);
    let shift = split.shift.filter(|shift| *shift > MARKED);
    if split.shift.is_none() && split.unknown_tokens.is_none() {
        return Err(Missing(Need::Sequences));
    }
    if unknown.is_none() && shift.is_none() {
        return Ok(Vec::new());
    }
    let level = if unknown.is_some() || shift.is_some_and(|shift| shift > STRONG) {
        Level::Warning
    } else {
        Level::Note
    };
    let mut said = Vec::new();
    if let Some(share) = unknown {
        said.push(format!("{:.0} of 100 calls of the validation were never seen in training", share * 100.0));
    }
    if let Some(shift) = shift {
        said.push(format!(
            "calls occur in other shares in validation than in training (stability index {shift:.2})"
        ));
    }
    let mut cause = Cause::new(
        CauseKind::Shift,
        if level == Level::Warning { 0.6 } else { 0.3 },
        "both sides come from different sources, or are read differently",
    );
    if split.method == "grouped" {
        cause = cause.although("a split by groups makes the sides differ on purpose");
    }
    Ok(vec![
        Finding::new("D10", level, said.join("; "))
            .cause(cause)
            .treat(Treatment::advice("read both sides in the same way, or split anew")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Data, SplitFacts};

    fn level(shift: Option<f64>, unknown_tokens: Option<f64>) -> Answer {
        let split = SplitFacts { shift, unknown_tokens, ..SplitFacts::default() };
        check(&Evidence { data: Some(Data { split: Some(split), ..Data::default() }), ..Evidence::default() })
    }

    #[test]
    fn shares_and_unknown_calls() {
        let first = |answer: Answer| answer.unwrap().first().map(|found| found.level);
        assert_eq!(first(level(Some(0.15), Some(0.0))), None);
        assert_eq!(first(level(Some(0.27), Some(0.0))), Some(Level::Note));
        assert_eq!(first(level(Some(0.9), None)), Some(Level::Warning));
        assert_eq!(first(level(Some(0.1), Some(0.2))), Some(Level::Warning));
        assert_eq!(level(None, None), Err(Missing(Need::Sequences)));
    }
}
