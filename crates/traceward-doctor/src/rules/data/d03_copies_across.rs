//! D03: the same items on both sides of the split
//!
//! What it sees: validation items of which an identical one is trained on, or groups (an attack run, a
//! recording, a user) that stand on both sides.
//!
//! Why it is bad: a network that remembers its training items answers these right without having learnt
//! anything. The validation curve looks better than the truth, overfitting stays hidden, and the model fails
//! at work. System-call traces come in copies by nature (35 of 100 in ADFA-LD equal another), so a random
//! split always has some.
//!
//! Example:
//!
//! ```text
//! 61 of 316 validation traces equal a training trace
//! ```
//!
//! Treatment: a split by groups, with each copy kept once. Numbers before and after it cannot be compared:
//! they are answers to different questions, and the second is the one that counts.
//!
//! Source: deepchecks, "Train-Test Samples Mix"; Arp et al., "Dos and Don'ts of Machine Learning in
//! Computer Security", USENIX Security 2022, pitfall P3 (data snooping).

use traceward_trace::profile::numerals::{count, counted};

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "D03",
    name: "the same items on both sides of the split",
    file: include_str!("d03_copies_across.rs"),
    check,
};

/// Fewer copies than this share of the validation items move no number.
const FEW: f64 = 0.01;
/// From this share on the validation measures memory as much as anything else.
const MANY: f64 = 0.5;

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data()?;
    let split = data.split.as_ref().ok_or(Missing(Need::Split))?;
    let validation = data.validation_items.ok_or(Missing(Need::Split))?;
    if validation == 0 {
        return Ok(Vec::new());
    }
    let share = split.copies_across as f64 / validation as f64;
    let copies = share > FEW;
    if !copies && split.groups_across == 0 {
        return Ok(Vec::new());
    }
    // A random split of data that is full of copies, and one that was given or grouped: the first is the
    // data's nature, the second somebody's mistake.
    let meant_apart = matches!(split.method.as_str(), "grouped" | "given");
    let level = if share > MANY || copies && meant_apart { Level::Error } else { Level::Note };
    let mut said = Vec::new();
    if copies {
        said.push(format!(
            "{} of {} validation items ({:.0} of 100) equal a training item",
            count(split.copies_across),
            count(validation),
            share * 100.0
        ));
    }
    if split.groups_across > 0 {
        let verb = if split.groups_across == 1 { "stands" } else { "stand" };
        said.push(format!("{} {verb} on both sides", counted(split.groups_across, "group")));
    }
    let weight = if level == Level::Error { 0.85 } else { 0.3 };
    let cause = Cause::new(
        CauseKind::Leak,
        weight,
        if copies {
            "what is remembered from training passes for what was learnt"
        } else {
            "items of one group are alike, so a part of the answers is remembered"
        },
    );
    let change = Change::GroupedSplit;
    let text = "split by groups, each copy kept once, so that nothing is on both sides";
    let treatment = if level == Level::Error {
        Treatment::automatic(change, text)
    } else {
        Treatment::proposal(change, text)
    };
    Ok(vec![Finding::new("D03", level, said.join("; ")).cause(cause).treat(treatment)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Data, SplitFacts};

    fn level(method: &str, copies_across: usize, groups_across: usize) -> Option<Level> {
        let split =
            SplitFacts { method: method.into(), copies_across, groups_across, ..SplitFacts::default() };
        let data = Data { split: Some(split), validation_items: Some(300), ..Data::default() };
        let evidence = Evidence { data: Some(data), ..Evidence::default() };
        check(&evidence).unwrap().first().map(|found| found.level)
    }

    #[test]
    fn copies_are_nature_in_a_random_split_and_a_mistake_in_a_grouped_one() {
        assert_eq!(level("random", 2, 0), None);
        assert_eq!(level("random", 60, 0), Some(Level::Note));
        assert_eq!(level("random", 200, 0), Some(Level::Error));
        assert_eq!(level("grouped", 20, 0), Some(Level::Error));
        assert_eq!(level("given", 20, 0), Some(Level::Error));
        assert_eq!(level("random", 0, 5), Some(Level::Note));
        assert_eq!(level("grouped", 0, 0), None);
    }

    #[test]
    fn without_a_split_it_is_not_checked() {
        let evidence = Evidence { data: Some(Data::default()), ..Evidence::default() };
        assert_eq!(check(&evidence), Err(Missing(Need::Split)));
    }
}
