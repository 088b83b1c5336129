//! S18: very few steps
//!
//! What it sees: a run of fewer than a hundred steps in all (epochs times batches); fewer than three
//! hundred, or five epochs or fewer of data whose size is not known, are a note.
//!
//! Why it is bad: from random weights no optimizer gets anywhere in so few steps: Adam moves a weight by at
//! most about its learning rate in each, so a hundred steps of 0.001 are 0.1. What looks like a network that
//! cannot learn has hardly begun. The number of epochs is wrong in every fifth faulty program, and the
//! epoch's length is why one number cannot be right for all data: one epoch of a million items is long, and
//! twenty of a hundred are nothing.
//!
//! A curve says more: where there is one, this is silent, and C13 speaks.
//!
//! Example:
//!
//! ```text
//! model.fit(x, y, epochs=2)       # 1,263 rows in batches of 32: 80 steps
//! ```
//!
//! Treatment: more epochs, with an early stop; smaller batches.
//!
//! Source: 149 bugs of three benchmarks, in which "epochs" is a cause of 22 in 100.

use traceward_trace::profile::numerals::count;

use super::s17_batch_size::items;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S18", name: "very few steps", file: include_str!("s18_epochs.rs"), check };

const HARDLY_ANY: usize = 100;
const FEW: usize = 300;
const FEW_EPOCHS: usize = 5;
/// Batches from this size on make few epochs of data of unknown size still fewer steps.
const LARGE_BATCH: usize = 1024;

fn check(evidence: &Evidence) -> Answer {
    let fit = evidence.fit()?;
    let Some(&epochs) = fit.epochs.value.given() else { return Ok(Vec::new()) };
    if evidence.curves.is_some() {
        return Ok(Vec::new());
    }
    let batch = fit.batch_size.value.or_default(32);
    let steps =
        items(evidence).zip(batch).map(|(items, batch)| items.div_ceil(batch.max(1)).saturating_mul(epochs));
    let finding = match steps {
        Some(steps) if steps < FEW => {
            let level = if steps < HARDLY_ANY { Level::Warning } else { Level::Note };
            let words =
                if epochs == 1 { "1 epoch is".to_owned() } else { format!("{} epochs are", count(epochs)) };
            Finding::new("S18", level, format!("{words} {} steps", count(steps)))
        }
        Some(_) => return Ok(Vec::new()),
        None if epochs > FEW_EPOCHS => return Ok(Vec::new()),
        None => {
            let large = batch.is_some_and(|batch| batch >= LARGE_BATCH);
            let words = if epochs == 1 { "1 epoch".to_owned() } else { format!("{epochs} epochs") };
            let batches =
                batch.filter(|_| large).map_or(String::new(), |batch| format!(" in batches of {batch}"));
            Finding::new(
                "S18",
                if large { Level::Warning } else { Level::Note },
                format!("the run ends after {words}{batches}"),
            )
        }
    };
    let weight = if finding.level == Level::Warning { 0.6 } else { 0.4 };
    let mut finding = finding.at(fit.epochs.place.clone().or_else(|| fit.place.clone())).cause(Cause::new(
        CauseKind::TooFewEpochs,
        weight,
        "so few steps do not lead far from the weights that the network starts with",
    ));
    finding = finding.treat(Treatment::automatic(
        Change::ScaleEpochs { factor: 5.0 },
        "train five times as long, and stop when the validation loss turns up",
    ));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Data};
    use crate::rules::network::sample::{curves_at, dense, fit, model};

    fn of(epochs: usize, batch: Option<usize>, items: Option<usize>) -> Evidence {
        let mut evidence = model(&[dense(7, "softmax")], "categorical_crossentropy");
        fit(&mut evidence).epochs.value = Argument::Given(epochs);
        fit(&mut evidence).batch_size.value = batch.map_or(Argument::Absent, Argument::Given);
        evidence.data = items.map(|items| Data { items, ..Data::default() });
        evidence
    }

    fn level(epochs: usize, batch: Option<usize>, items: Option<usize>) -> Option<Level> {
        check(&of(epochs, batch, items)).unwrap().first().map(|found| found.level)
    }

    #[test]
    fn steps_where_the_data_is_known() {
        assert_eq!(level(2, Some(32), Some(1263)), Some(Level::Warning));
        assert_eq!(level(5, Some(32), Some(1263)), Some(Level::Note));
        assert_eq!(level(20, Some(32), Some(1263)), None);
        assert_eq!(level(1, Some(32), Some(1_000_000)), None);
    }

    #[test]
    fn epochs_where_it_is_not() {
        assert_eq!(level(5, None, None), Some(Level::Note));
        assert_eq!(level(5, Some(2000), None), Some(Level::Warning));
        assert_eq!(level(50, None, None), None);
        let mut unknown = of(1, None, None);
        fit(&mut unknown).epochs.value = Argument::Unknown("EPOCHS".into());
        assert_eq!(check(&unknown).unwrap(), []);
    }

    #[test]
    fn a_curve_says_more() {
        let mut evidence = of(2, Some(32), Some(1263));
        evidence.curves = Some(curves_at(&[2.0, 0.1]));
        assert_eq!(check(&evidence).unwrap(), []);
    }
}
