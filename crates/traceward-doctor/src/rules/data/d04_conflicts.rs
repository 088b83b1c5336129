//! D04: equal items with different labels
//!
//! What it sees: items of identical input under different labels, and the accuracy that no function of the
//! inputs can pass for it. Among items that have a twin, it also counts those whose label differs from most
//! of their twins: a direct estimate of the share of wrong labels, which needs no classifier.
//!
//! Why it is bad: one of two contradicting answers is always wrong. A network that is pressed to learn both
//! learns neither, or remembers noise elsewhere. Some contradictions are nature: the same thirty calls
//! begin an attack and a normal session. More than two in a hundred twins are rarely nature.
//!
//! Example:
//!
//! ```text
//! 129 of 2,741 items that have a twin are labelled unlike most of their twins
//! ```
//!
//! Treatment: look at the labels; read longer sequences, if cutting made the items equal.
//!
//! Source: deepchecks, "Conflicting Labels"; on ADFA-LD, 10 of 2,741 twins disagree as published, and
//! 129 with 5 in 100 labels drawn anew.

use traceward_trace::profile::numerals::count;

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "D04",
    name: "equal items with different labels",
    file: include_str!("d04_conflicts.rs"),
    check,
};

/// More of the twins than this are rarely nature.
const OUTVOTED: f64 = 0.02;
/// Fewer than this may be anything.
const FEWEST: usize = 20;
/// Denied by a simple classifier where it is surest: labels, not cuts, make contradictions then.
const NOISY: f64 = 0.2;
/// A ceiling that is worth a word.
const CEILING: f64 = 0.99;
/// A ceiling that costs more than most treatments gain.
const LOW_CEILING: f64 = 0.9;

fn check(evidence: &Evidence) -> Answer {
    let data = evidence.data()?;
    let conflicts = data.conflicts.ok_or(Missing(Need::Data))?;
    let outvoted = conflicts.outvoted as f64 / conflicts.twins.max(1) as f64;
    let wrong = conflicts.outvoted >= FEWEST && outvoted >= OUTVOTED;
    if !wrong && conflicts.accuracy_ceiling >= CEILING {
        return Ok(Vec::new());
    }
    let by_cutting = data.lengths.map_or(0, |lengths| lengths.conflicts_by_cutting);
    // Wrong labels contradict each other too, and a cut that makes twins brings it to light.
    let noisy = data.labels.as_ref().is_some_and(|labels| labels.wrong > NOISY);
    let mostly_cut = 2 * by_cutting > conflicts.items && !noisy;
    let level = if wrong || conflicts.accuracy_ceiling < LOW_CEILING { Level::Warning } else { Level::Note };
    let mut symptom = format!(
        "{} items equal another one of another class: no function of the inputs can be right in more than {:.1} of 100 cases",
        count(conflicts.items),
        conflicts.accuracy_ceiling * 100.0
    );
    if wrong {
        symptom.push_str(&format!(
            "; {} of {} items that have a twin are labelled unlike most of their twins",
            count(conflicts.outvoted),
            count(conflicts.twins)
        ));
    }
    let noise = Cause::new(
        CauseKind::LabelNoise,
        if wrong {
            0.75
        } else if noisy {
            0.45
        } else {
            0.3
        },
        if wrong {
            format!("about {:.0} of 100 labels are wrong", outvoted * 100.0)
        } else {
            "labels contradict each other".to_owned()
        },
    );
    let cut = Cause::new(
        CauseKind::Truncation,
        if mostly_cut { 0.6 } else { 0.2 },
        "what tells these items apart was cut off",
    )
    .because(format!("{} of them became equal by cutting", count(by_cutting)));
    let mut finding = Finding::new("D04", level, symptom);
    finding = match (mostly_cut && !wrong, by_cutting > 0) {
        (true, _) => finding.cause(cut).cause(noise),
        (false, true) => finding.cause(noise).cause(cut),
        (false, false) => finding.cause(noise),
    };
    if mostly_cut {
        let longer = data.lengths.map(|lengths| lengths.p95.max(1));
        finding =
            finding.treat(Treatment::automatic(Change::MaxLen { max_len: longer }, "read longer sequences"));
    }
    Ok(vec![finding.treat(Treatment::advice("look at the labels of equal items"))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Conflicts, Data, SequenceFacts};

    fn of(conflicts: Conflicts, conflicts_by_cutting: usize) -> Option<(Level, CauseKind)> {
        let lengths = SequenceFacts { p95: 1500, conflicts_by_cutting, ..SequenceFacts::default() };
        let data = Data { conflicts: Some(conflicts), lengths: Some(lengths), ..Data::default() };
        let evidence = Evidence { data: Some(data), ..Evidence::default() };
        check(&evidence).unwrap().first().map(|found| (found.level, found.causes[0].kind))
    }

    #[test]
    fn nature_noise_and_cutting() {
        let nature = Conflicts { items: 19, accuracy_ceiling: 0.9983, twins: 2741, outvoted: 10 };
        assert_eq!(of(nature, 0), None);
        let few_twins = Conflicts { items: 16, accuracy_ceiling: 0.995, twins: 102, outvoted: 8 };
        assert_eq!(of(few_twins, 0), None);
        let noise = Conflicts { items: 1547, accuracy_ceiling: 0.978, twins: 2741, outvoted: 129 };
        assert_eq!(of(noise, 0), Some((Level::Warning, CauseKind::LabelNoise)));
        let cut = Conflicts { items: 300, accuracy_ceiling: 0.86, twins: 1087, outvoted: 12 };
        assert_eq!(of(cut, 290), Some((Level::Warning, CauseKind::Truncation)));
        let slight = Conflicts { items: 60, accuracy_ceiling: 0.98, twins: 1000, outvoted: 5 };
        assert_eq!(of(slight, 0), Some((Level::Note, CauseKind::LabelNoise)));
    }
}
