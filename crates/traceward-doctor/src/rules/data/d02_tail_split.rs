//! D02: both sides of the split hold different classes
//!
//! What it sees: classes that train but do not validate, or the other way round, or class shares that differ
//! by more than 0.2 (total variation distance: the share of the validation items that would have to change
//! class to match training).
//!
//! Why it is bad: the network is asked about classes it has never seen, or praised for those it always saw.
//! The validation curve then says nothing about learning: it may rise from the first epoch on, which looks
//! like overfitting, or stand still, which looks like a network that cannot learn. The usual reason is a
//! split that takes the last rows of a file that is sorted by class. Shuffling in each epoch does not help:
//! Keras takes `validation_split` from the end of the arrays before it shuffles anything.
//!
//! Example:
//!
//! ```text
//! rows sorted by class; validation_split=0.2
//! training: normal 833, adduser 91, ...    validation: web_shell 118, hydra_ssh 176
//! ```
//!
//! Treatment: shuffle first, then split so that each class keeps its share on both sides.
//!
//! Source: Keras' documentation of `fit`; `keras/src/trainers/data_adapters/array_slicing.py`,
//! `train_validation_split`.

use traceward_trace::profile::SplitProfile;
use traceward_trace::profile::numerals::list;

use super::d01_sorted::is_sorted;
use crate::facts::{Data, SplitFacts, Validation};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "D02",
    name: "both sides of the split hold different classes",
    file: include_str!("d02_tail_split.rs"),
    check,
};

/// A class with fewer items may miss a side by chance, and moves no number there.
const SMALL_CLASS: usize = 10;

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data()?;
    let Some(split) = &data.split else { return foreseen(evidence, data) };
    let count =
        |name: &str| data.classes.iter().find(|(class, _)| class == name).map_or(0, |(_, items)| *items);
    let lacking = |from_training: bool| -> Vec<&str> {
        let of_side = split.missing.iter().filter(|class| class.from_training == from_training);
        of_side.map(|class| class.name.as_str()).filter(|name| count(name) >= SMALL_CLASS).collect()
    };
    let (untrained, unchecked) = (lacking(true), lacking(false));
    let shifted = split.label_shift > SplitProfile::GRAVE_SHIFT;
    if untrained.is_empty() && unchecked.is_empty() && !shifted {
        return Ok(Vec::new());
    }
    // A split by groups pays with uneven classes for what it keeps apart.
    let price = split.method == "grouped" && untrained.is_empty();
    let level = if untrained.is_empty() && !shifted || price { Level::Warning } else { Level::Error };
    let mut said = Vec::new();
    if !untrained.is_empty() {
        said.push(format!("no item of {} trains", list(&untrained)));
    }
    if !unchecked.is_empty() {
        said.push(format!("no item of {} validates", list(&unchecked)));
    }
    if shifted {
        said.push(format!(
            "{:.0} of 100 validation items would have to change class to match training",
            split.label_shift * 100.0
        ));
    }
    Ok(vec![
        Finding::new("D02", level, said.join("; "))
            .at(place(evidence))
            .cause(cause(evidence, data, split))
            .treat(treatment()),
    ])
}

fn cause(evidence: &Evidence, data: &Data, split: &SplitFacts) -> Cause {
    let tail = split.method == "tail";
    let text = match split.method.as_str() {
        "tail" => "the last rows of the file validate, taken before any shuffle",
        "given" => "the data set's own parts hold different classes",
        "grouped" => "some classes stand in too few groups to be on both sides",
        _ => "the sides were drawn without regard to classes",
    };
    let weight = match split.method.as_str() {
        "tail" => 0.9,
        "grouped" => 0.4,
        _ => 0.7,
    };
    let mut cause = Cause::new(CauseKind::TailSplit, weight, text);
    if is_sorted(data) && tail {
        cause = cause.because("the file is sorted by class");
        if evidence.fit.as_ref().is_some_and(|fit| fit.shuffle.value.or_default(true) == Some(true)) {
            cause = cause.because("shuffling in each epoch comes after the split, and does not change it");
        }
    }
    cause
}

/// Without the split itself: a file sorted by class and a split by position cannot go well.
fn foreseen(evidence: &Evidence, data: &Data) -> Answer {
    let fit = evidence.fit.as_ref().ok_or(Missing(Need::Split))?;
    let Validation::Tail(share) = fit.validation.value else { return Err(Missing(Need::Split)) };
    if !is_sorted(data) || fit.shuffled_before_split == Some(true) || share <= 0.0 {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::new(
            "D02",
            Level::Error,
            format!("the last {:.0} of 100 rows validate, and the rows are sorted by class", share * 100.0),
        )
        .at(place(evidence))
        .cause(Cause::new(
            CauseKind::TailSplit,
            0.85,
            "the last rows of the file validate, taken before any shuffle",
        ))
        .treat(treatment()),
    ])
}

fn place(evidence: &Evidence) -> Option<crate::Place> {
    let fit = evidence.fit.as_ref()?;
    fit.validation.place.clone().or_else(|| fit.place.clone())
}

fn treatment() -> Treatment {
    Treatment::automatic(
        Change::Shuffle,
        "shuffle the rows before the split, so that each class stands on both sides",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fit, LabelOrder, MissingClass, Placed};

    fn with(label_shift: f64, missing: &[(&str, bool)]) -> Option<Level> {
        let missing = missing
            .iter()
            .map(|&(name, from_training)| MissingClass { name: name.into(), from_training })
            .collect();
        let split = SplitFacts { method: "tail".into(), label_shift, missing, ..SplitFacts::default() };
        let classes = vec![("normal".into(), 833), ("web".into(), 118), ("rare".into(), 3)];
        let data = Data { items: 954, classes, split: Some(split), ..Data::default() };
        let evidence = Evidence { data: Some(data), ..Evidence::default() };
        check(&evidence).unwrap().first().map(|found| found.level)
    }

    #[test]
    fn classes_and_shares() {
        assert_eq!(with(0.05, &[]), None);
        assert_eq!(with(0.3, &[]), Some(Level::Error));
        assert_eq!(with(0.1, &[("web", true)]), Some(Level::Error));
        assert_eq!(with(0.1, &[("web", false)]), Some(Level::Warning));
        assert_eq!(with(0.0, &[("rare", true)]), None, "three items");
    }

    #[test]
    fn a_sorted_file_and_a_tail_are_enough_to_know() {
        let order = Some(LabelOrder { equal: 0.99, expected: 0.31, z: 58.0 });
        let mut evidence = Evidence { data: Some(Data { order, ..Data::default() }), ..Evidence::default() };
        assert_eq!(check(&evidence), Err(Missing(Need::Split)));
        evidence.fit =
            Some(Fit { validation: Placed { value: Validation::Tail(0.2), place: None }, ..Fit::default() });
        assert_eq!(check(&evidence).unwrap().len(), 1);
        evidence.fit.as_mut().unwrap().shuffled_before_split = Some(true);
        assert_eq!(check(&evidence).unwrap(), []);
    }
}
