//! D06: rare classes
//!
//! What it sees: a class with less than a tenth of the items of the largest, or a largest class with more
//! than 80 of 100 items, and no class weights.
//!
//! Why it is bad: always answering the largest class has a high accuracy and a low loss, so it is what a
//! network learns first, and sometimes all it learns. Accuracy then measures the mixture, not the network.
//!
//! Attacks are rare by nature, so this is never more than a warning.
//!
//! Example:
//!
//! ```text
//! normal 5,205, web_shell 118      44 to 1; always "normal" is right in 87 of 100 cases
//! ```
//!
//! Treatment: weigh the classes in the loss by their rarity, and judge by macro-F1, which counts each class
//! once.
//!
//! Source: SageMaker Debugger's ClassImbalance (ratio 10); He and Garcia, "Learning from Imbalanced Data",
//! IEEE TKDE 2009.

use traceward_trace::profile::Imbalance;

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "D06", name: "rare classes", file: include_str!("d06_imbalance.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data()?;
    let held: Vec<&(String, usize)> = data.classes.iter().filter(|(_, items)| *items > 0).collect();
    if data.classes.is_empty() {
        return Err(Missing(Need::Data));
    }
    let (Some(largest), Some(smallest)) =
        (held.iter().max_by_key(|(_, items)| *items), held.iter().min_by_key(|(_, items)| *items))
    else {
        return Ok(Vec::new());
    };
    let all: usize = held.iter().map(|(_, items)| items).sum();
    let share = largest.1 as f64 / all as f64;
    let ratio = largest.1 as f64 / smallest.1 as f64;
    if held.len() < 2 || share <= Imbalance::GRAVE_SHARE && ratio <= Imbalance::GRAVE_RATIO {
        return Ok(Vec::new());
    }
    let weighted = evidence.fit.as_ref().is_some_and(|fit| fit.class_weight.is_written());
    let symptom = format!(
        "{} has {} items and {} {}: {ratio:.0} to 1, and always answering {0} is right in {:.0} of 100 cases",
        largest.0,
        largest.1,
        smallest.0,
        smallest.1,
        share * 100.0
    );
    let cause = Cause::new(
        CauseKind::Imbalance,
        if weighted { 0.15 } else { 0.4 },
        "rare classes hardly count in the loss",
    );
    let cause = if weighted { cause.although("classes are weighted in the loss") } else { cause };
    let finding =
        Finding::new("D06", if weighted { Level::Note } else { Level::Warning }, symptom).cause(cause);
    Ok(vec![if weighted {
        finding.treat(Treatment::advice("judge by macro-F1, which counts each class once"))
    } else {
        finding
            .treat(Treatment::automatic(Change::ClassWeight, "weigh the classes by their rarity"))
            .note("judge by macro-F1, which counts each class once, not by accuracy")
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Data, Fit};

    fn of(classes: &[usize]) -> Evidence {
        let classes = classes.iter().enumerate().map(|(i, &items)| (format!("class {i}"), items)).collect();
        Evidence { data: Some(Data { classes, ..Data::default() }), ..Evidence::default() }
    }

    #[test]
    fn ratio_or_share() {
        let fires = |classes: &[usize]| !check(&of(classes)).unwrap().is_empty();
        assert!(fires(&[833, 76]));
        assert!(fires(&[90, 10]));
        assert!(!fires(&[70, 30]));
        assert!(!fires(&[100, 100, 11]));
        assert!(!fires(&[100]), "one class has no ratio");
        assert!(!fires(&[100, 50, 0]), "a class without items is not a rare one");
        assert!(check(&of(&[])).is_err());
    }

    #[test]
    fn weights_answer_it() {
        let mut evidence = of(&[1000, 10]);
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Warning);
        evidence.fit = Some(Fit { class_weight: Argument::Given("balanced".into()), ..Fit::default() });
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Note);
    }
}
