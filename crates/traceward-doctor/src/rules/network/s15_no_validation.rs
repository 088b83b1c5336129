//! S15: no validation, or rows in file order
//!
//! What it sees: a fit without validation data, or with `shuffle=False` for data that is not declared as a
//! time series.
//!
//! Why it is bad: without validation nobody can tell learning from remembering: the training loss falls in
//! both cases. Without shuffling each epoch sees the same batches in the same order, so that the network
//! follows the order instead of the data; where rows are sorted by class that alone can ruin a training
//! (D01). Neither is a fault of the network, so both are notes; but this program, which could have held rows
//! back itself, warns of a run of its own without validation.
//!
//! Example:
//!
//! ```text
//! model.fit(x, y, epochs=100)
//! ```
//!
//! Treatment: hold a fifth back, stratified; set a seed, so that a run can be repeated.
//!
//! Source: the fault taxonomy of Humbatova et al. (ICSE 2020), "missing validation set".

use crate::facts::{Argument, Fit, Framework, Validation};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S15",
    name: "no validation, or rows in file order",
    file: include_str!("s15_no_validation.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let fit = evidence.fit()?;
    let mut found = Vec::new();
    // A curve of validation losses says more than a call that was not understood.
    let seen = evidence.curves.as_ref().is_some_and(|curves| curves.val_loss.is_some());
    let none = match fit.validation.value {
        Validation::None => true,
        Validation::Tail(share) | Validation::Random(share) => share <= 0.0,
        Validation::Given | Validation::Unknown => false,
    };
    if none && !seen {
        let own = evidence.network.as_ref().is_some_and(|network| network.framework == Framework::Traceward);
        let level = if own { Level::Warning } else { Level::Note };
        let finding = Finding::new("S15", level, "there is no validation")
            .at(fit.validation.place.clone().or_else(|| fit.place.clone()))
            .cause(Cause::new(
                CauseKind::NoValidation,
                if own { 0.6 } else { 0.3 },
                "without it nobody can tell learning from remembering",
            ))
            .treat(Treatment::automatic(
                Change::ValidationShare { share: 0.2 },
                "hold back a fifth of the rows, with each class at its share",
            ));
        found.push(if fit.seeded == Some(false) {
            finding.note("no seed is set either, so no two runs can be compared")
        } else {
            finding
        });
    }
    found.extend(in_order(evidence, fit));
    Ok(found)
}

fn in_order(evidence: &Evidence, fit: &Fit) -> Option<Finding> {
    let temporal = evidence.data.as_ref().is_some_and(|data| data.temporal);
    if temporal || fit.shuffle.value != Argument::Given(false) {
        return None;
    }
    Some(
        Finding::new("S15", Level::Note, "rows are taken in file order in each epoch")
            .at(fit.shuffle.place.clone().or_else(|| fit.place.clone()))
            .cause(
                Cause::new(CauseKind::SortedData, 0.2, "every epoch sees the same batches in the same order")
                    .although("for a time series the order can be meant"),
            )
            .treat(Treatment::proposal(Change::Shuffle, "shuffle the rows in each epoch")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Missing;
    use crate::Need;
    use crate::facts::{Data, Placed};

    fn of(fit: Fit) -> Vec<CauseKind> {
        let evidence = Evidence { fit: Some(fit), ..Evidence::default() };
        check(&evidence).unwrap().iter().map(|found| found.causes[0].kind).collect()
    }

    fn validating(validation: Validation) -> Fit {
        Fit { validation: Placed { value: validation, place: None }, ..Fit::default() }
    }

    #[test]
    fn no_validation_is_a_note() {
        assert_eq!(of(validating(Validation::None)), [CauseKind::NoValidation]);
        assert_eq!(of(validating(Validation::Tail(0.0))), [CauseKind::NoValidation]);
        for some in [Validation::Tail(0.2), Validation::Given, Validation::Unknown] {
            assert_eq!(of(validating(some)), []);
        }
        assert_eq!(check(&Evidence::default()), Err(Missing(Need::Fit)));
    }

    #[test]
    fn our_own_runs_are_warned() {
        let network = Some(crate::facts::Network::default());
        let evidence = Evidence { fit: Some(Fit::default()), network, ..Evidence::default() };
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Warning);
    }

    #[test]
    fn rows_in_order_unless_they_are_a_time_series() {
        let fit = Fit {
            shuffle: Placed { value: Argument::Given(false), place: None },
            ..validating(Validation::Given)
        };
        assert_eq!(of(fit.clone()), [CauseKind::SortedData]);
        let data = Some(Data { temporal: true, ..Data::default() });
        let evidence = Evidence { fit: Some(fit), data, ..Evidence::default() };
        assert_eq!(check(&evidence), Ok(Vec::new()));
    }
}
