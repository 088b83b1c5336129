//! D05: suspicious labels
//!
//! What it sees: a simple classifier (logistic regression on which calls and pairs of calls occur), asked
//! about items that it was not trained on. If it explains nothing of the labels, they may be shuffled. If it
//! is denied where it is surest, labels may be wrong: by the class that it takes items for, the surer half, of
//! which more than 4 in 100 carry another label where it explains most, 15 in 100 of a thousand items or
//! more, or 25 in 100 where it explains hardly anything.
//!
//! Why it is bad: wrong labels set a floor to the loss and a ceiling to every accuracy. A large network
//! remembers them one by one, and overfits on them. Shuffled labels cannot be learnt at all: the training
//! loss falls only by remembering, and the validation loss rises from the start. From the curves alone
//! that looks like overfitting.
//!
//! Example:
//!
//! ```text
//! a simple classifier explains -12 of 100 parts of the labels' entropy: less than nothing
//! ```
//!
//! Treatment: look at the items named; check that inputs and labels are read from the same rows, and
//! shuffled together.
//!
//! Source: Northcutt, Jiang and Chuang, "Confident Learning", JAIR 2021 (cleanlab). Numbers of this
//! classifier: explained 0.53 on ADFA-LD and 0.85 on the built-in corpus as they are; 0.01 to 0.13 with half
//! the labels drawn anew by the classes' shares, and -0.06 to -0.13 with all.

use traceward_trace::profile::numerals::count;

use crate::facts::LabelCheck;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "D05", name: "suspicious labels", file: include_str!("d05_labels.rs"), check };

/// With fewer items a simple classifier may learn nothing from the best of labels.
const FEWEST_ITEMS: usize = 200;
/// Less than this is nothing.
const NOTHING: f64 = 0.02;
/// Denied where it is surest; of so many items, that is more than hard classes make.
const OFTEN_DENIED: f64 = 0.15;
const MANY_ITEMS: usize = 1000;
/// The same on data that is easy for it, and how much it then explains at least.
const DENIED: f64 = 0.04;
const EASY: f64 = 0.6;
/// The same where it explains hardly anything, and how much that is at most.
const MOSTLY_DENIED: f64 = 0.25;
const HARDLY_ANYTHING: f64 = 0.15;
/// Doubted labels that are worth a note.
const DOUBTED: f64 = 0.03;

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data()?;
    let labels = data.labels.as_ref().ok_or(Missing(Need::Sequences))?;
    if labels.items < FEWEST_ITEMS {
        return Ok(Vec::new());
    }
    let doubted = labels.doubted_count as f64 / labels.items as f64;
    let found = if labels.explained < NOTHING {
        nothing(labels)
    } else if labels.wrong > OFTEN_DENIED && labels.items >= MANY_ITEMS
        || labels.wrong > DENIED && labels.explained > EASY
        || labels.wrong > MOSTLY_DENIED && labels.explained < HARDLY_ANYTHING
    {
        denied(labels, Level::Warning)
    } else if doubted > DOUBTED {
        denied(labels, Level::Note)
    } else {
        return Ok(Vec::new());
    };
    Ok(vec![found])
}

fn nothing(labels: &LabelCheck) -> Finding {
    let symptom = format!(
        "a simple classifier explains {} of the labels' entropy: it is right in {:.0} of 100 cases, and always answering the largest class in {:.0}",
        if labels.explained > 0.0 {
            format!("{:.0} of 100 parts", labels.explained * 100.0)
        } else {
            "nothing".into()
        },
        labels.accuracy * 100.0,
        labels.chance * 100.0
    );
    Finding::new("D05", Level::Error, symptom)
        .cause(
            Cause::new(
                CauseKind::BadLabels,
                0.75,
                "labels are shuffled against their inputs, or most of them are wrong",
            )
            .because("not even which calls occur has to do with the labels"),
        )
        .cause(Cause::new(CauseKind::LabelNoise, 0.6, "half of the labels or more are wrong"))
        .cause(Cause::new(
            CauseKind::Task,
            0.35,
            "what tells the classes apart is in no call and no pair of calls",
        ))
        .treat(Treatment::advice(
            "check that inputs and labels are read from the same rows, and shuffled together",
        ))
}

fn denied(labels: &LabelCheck, level: Level) -> Finding {
    let symptom = format!(
        "where a simple classifier is surest, {:.0} of 100 labels say otherwise; it doubts {} of {}",
        labels.wrong * 100.0,
        count(labels.doubted_count),
        count(labels.items)
    );
    let cause = Cause::new(
        CauseKind::LabelNoise,
        if level == Level::Warning { 0.6 } else { 0.3 },
        format!("up to {:.0} of 100 labels are wrong", labels.wrong * 100.0),
    )
    .although("classes that are alike are doubted too");
    let mut finding = Finding::new("D05", level, symptom)
        .cause(cause)
        .treat(Treatment::advice("look at the labels of the items named here"));
    for doubt in labels.doubted.iter().take(5) {
        finding = finding.note(format!(
            "{}: labelled {}, likelier {} ({:.2})",
            doubt.row, doubt.given, doubt.likely, doubt.probability
        ));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Data, DoubtedLabel};

    fn of(explained: f64, wrong: f64, doubted_count: usize, items: usize) -> Option<(Level, CauseKind)> {
        let doubted = vec![DoubtedLabel {
            row: "a.csv:3".into(),
            given: "normal".into(),
            likely: "web_shell".into(),
            probability: 0.97,
        }];
        let labels = LabelCheck { items, explained, wrong, doubted, doubted_count, ..LabelCheck::default() };
        let evidence =
            Evidence { data: Some(Data { labels: Some(labels), ..Data::default() }), ..Evidence::default() };
        check(&evidence).unwrap().first().map(|found| (found.level, found.causes[0].kind))
    }

    #[test]
    fn shuffled_noisy_hard_and_clean() {
        assert_eq!(of(-0.12, 0.4, 500, 1579), Some((Level::Error, CauseKind::BadLabels)));
        assert_eq!(of(0.25, 0.26, 200, 1579), Some((Level::Warning, CauseKind::LabelNoise)));
        assert_eq!(of(0.7, 0.051, 70, 2785), Some((Level::Warning, CauseKind::LabelNoise)));
        assert_eq!(of(0.55, 0.118, 60, 1579), Some((Level::Note, CauseKind::LabelNoise)), "hard classes");
        assert_eq!(of(0.85, 0.015, 20, 2785), None);
        assert_eq!(of(0.29, 0.3, 60, 417), Some((Level::Note, CauseKind::LabelNoise)), "few and hard");
        assert_eq!(of(0.09, 0.28, 57, 409), Some((Level::Warning, CauseKind::LabelNoise)));
        assert_eq!(of(-0.1, 0.4, 30, 100), None, "too few to say");
    }

    #[test]
    fn without_sequences_it_is_not_checked() {
        let evidence = Evidence { data: Some(Data::default()), ..Evidence::default() };
        assert_eq!(check(&evidence), Err(Missing(Need::Sequences)));
    }
}
