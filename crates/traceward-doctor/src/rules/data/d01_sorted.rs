//! D01: rows sorted by class
//!
//! What it sees: neighbouring rows have the same label far more often than chance would have it. In random
//! order two neighbours agree as often as two rows drawn at random, the sum of the squared class shares. It
//! speaks from 0.2 above that, if it is also more than four standard deviations; and only where the order
//! does harm: rows are split by position, or taken in file order while training.
//!
//! Why it is bad: files made by joining one class after the other are the commonest trap of all. A split by
//! position then trains on some classes and validates on others. Without shuffling in each epoch it is worse:
//! whole batches hold one class, so the network learns to answer that class, then unlearns it for the next
//! one. `fit(shuffle=True)`, Keras' default, does shuffle the training rows in each epoch; but
//! `validation_split` has taken the last rows before that.
//!
//! Example:
//!
//! ```text
//! rows 0..832 normal, 833..923 adduser, 924..999 java_meterpreter, ...
//! neighbours of equal label: 0.99; in random order it would be 0.31
//! ```
//!
//! Treatment: shuffle the rows once before the split, and in each epoch. A time series, whose order is
//! meant, is left alone if it is declared as one.
//!
//! Source: the debugging diary, third stage; Keras' documentation of `fit` ("the validation data is
//! selected from the last samples in the x and y data provided, before shuffling"); cleanlab's Datalab looks
//! for the same in features ("non-iid").

use traceward_trace::profile::Neighbours;

use crate::facts::{Argument, Data, LabelOrder, Validation};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "D01", name: "rows sorted by class", file: include_str!("d01_sorted.rs"), check };

/// Whether the rows of one class stand together far more than chance would have it.
pub(super) fn is_sorted(data: &Data) -> bool {
    !data.temporal && data.order.is_some_and(stands_together)
}

fn stands_together(order: LabelOrder) -> bool {
    order.equal - order.expected > Neighbours::SORTED_EXCESS && order.z > Neighbours::SORTED_Z
}

fn check(evidence: &Evidence) -> Answer {
    let order = match &evidence.data {
        None if evidence.stated.sorted.is_some() => return Ok(stated(evidence).into_iter().collect()),
        None => return Err(Missing(Need::Data)),
        Some(data) => data.order.filter(|_| is_sorted(data)),
    };
    let Some(order) = order else { return Ok(Vec::new()) };
    let Some(fit) = &evidence.fit else { return Ok(vec![finding(order, Level::Warning, None)]) };
    let shuffled_before = fit.shuffled_before_split == Some(true);
    // What stands in file order: the batches, the split, both or neither. Where the split is known, so is the
    // order in which rows reach the loop, whatever drew the sides.
    let training = evidence.data.as_ref().and_then(|data| data.split.as_ref()?.training_order);
    let in_order = training.map_or(!shuffled_before, stands_together);
    let batches = in_order && matches!(fit.shuffle.value, Argument::Given(false));
    let split = !shuffled_before && matches!(fit.validation.value, Validation::Tail(share) if share > 0.0);
    let level = match (batches, split) {
        (true, _) => Level::Error,
        (false, true) => Level::Warning,
        (false, false) => return Ok(Vec::new()),
    };
    let place = if batches { fit.shuffle.place.clone() } else { fit.validation.place.clone() };
    Ok(vec![finding(order, level, Some((batches, split))).at(place.or_else(|| fit.place.clone()))])
}

/// A script that joins one class after the other: where that does harm.
fn stated(evidence: &Evidence) -> Option<Finding> {
    let fit = evidence.fit.as_ref()?;
    let batches = matches!(fit.shuffle.value, Argument::Given(false));
    let split = matches!(fit.validation.value, Validation::Tail(share) if share > 0.0);
    if fit.shuffled_before_split == Some(true) || !(batches || split) {
        return None;
    }
    let text = if batches {
        "rows stand class by class, so that batches hold one class each"
    } else {
        "rows stand class by class, and the last of them validate"
    };
    Some(
        Finding::new("D01", Level::Warning, "rows are joined one class after another, and not shuffled")
            .at(evidence.stated.sorted.clone())
            .cause(Cause::new(CauseKind::SortedData, 0.7, text))
            .treat(treatment()),
    )
}

fn treatment() -> Treatment {
    Treatment::automatic(Change::Shuffle, "shuffle the rows once before the split, and in each epoch")
}

fn finding(order: LabelOrder, level: Level, harm: Option<(bool, bool)>) -> Finding {
    let symptom = format!(
        "neighbouring rows have the same label in {:.0} of 100 cases, and would in {:.0} if they were in random order",
        order.equal * 100.0,
        order.expected * 100.0
    );
    let text = match harm {
        Some((true, true)) => "rows stand class by class, in the split and in every batch",
        Some((true, false)) => "rows stand class by class, so that batches hold one class each",
        Some((false, _)) => "rows stand class by class, and the split cuts by position",
        None => {
            "rows stand class by class: a split by position, or batches in file order, see one class at a time"
        }
    };
    let weight = if harm.is_some_and(|(batches, _)| batches) { 0.9 } else { 0.7 };
    let mut cause = Cause::new(CauseKind::SortedData, weight, text)
        .because(format!("{:.0} standard deviations from a random order", order.z));
    if harm == Some((false, true)) {
        cause =
            cause.although("the training rows are shuffled in each epoch; the split was made before that");
    }
    Finding::new("D01", level, symptom).cause(cause).treat(treatment())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fit, LabelOrder, Placed, SplitFacts};

    fn sorted() -> Evidence {
        let order = Some(LabelOrder { equal: 0.99, expected: 0.31, z: 58.0 });
        Evidence { data: Some(Data { items: 1579, order, ..Data::default() }), ..Evidence::default() }
    }

    fn fitted(shuffle: Argument<bool>, before: Option<bool>, validation: Validation) -> Option<Level> {
        let fit = Fit {
            shuffle: Placed { value: shuffle, place: None },
            shuffled_before_split: before,
            validation: Placed { value: validation, place: None },
            ..Fit::default()
        };
        let evidence = Evidence { fit: Some(fit), ..sorted() };
        check(&evidence).unwrap().first().map(|found| found.level)
    }

    #[test]
    fn it_matters_where_the_order_reaches() {
        let no = || Argument::Given(false);
        assert_eq!(fitted(no(), Some(false), Validation::Tail(0.2)), Some(Level::Error));
        assert_eq!(fitted(no(), None, Validation::Given), Some(Level::Error));
        assert_eq!(fitted(Argument::Absent, Some(false), Validation::Tail(0.2)), Some(Level::Warning));
        assert_eq!(fitted(Argument::Given(true), Some(true), Validation::Tail(0.2)), None);
        assert_eq!(fitted(Argument::Absent, None, Validation::Random(0.2)), None);
        assert_eq!(fitted(Argument::Unknown("s".into()), None, Validation::Given), None);
        assert_eq!(check(&sorted()).unwrap()[0].level, Level::Warning, "the data alone");
    }

    #[test]
    fn what_reaches_the_loop_counts_if_it_is_known() {
        let of = |equal: f64| {
            let mut evidence = sorted();
            let training_order = Some(LabelOrder { equal, expected: 0.31, z: (equal - 0.31) * 85.0 });
            evidence.data.as_mut().unwrap().split =
                Some(SplitFacts { training_order, ..SplitFacts::default() });
            evidence.fit = Some(Fit {
                shuffle: Placed { value: Argument::Given(false), place: None },
                shuffled_before_split: Some(true),
                ..Fit::default()
            });
            check(&evidence).unwrap().len()
        };
        assert_eq!(of(0.99), 1, "drawn at random, and left in file order");
        assert_eq!(of(0.32), 0);
    }

    #[test]
    fn random_order_few_rows_and_time_series_are_left_alone() {
        let with = |equal, z, temporal| {
            let mut evidence = sorted();
            let data = evidence.data.as_mut().unwrap();
            data.order = Some(LabelOrder { equal, expected: 0.31, z });
            data.temporal = temporal;
            check(&evidence).unwrap().len()
        };
        assert_eq!(with(0.33, 2.0, false), 0);
        assert_eq!(with(0.99, 3.0, false), 0, "too few rows");
        assert_eq!(with(0.99, 50.0, true), 0);
        assert_eq!(with(0.99, 50.0, false), 1);
        assert_eq!(check(&Evidence::default()), Err(Missing(Need::Data)));
    }
}
