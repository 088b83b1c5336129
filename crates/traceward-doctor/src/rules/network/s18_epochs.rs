//! S18: very few steps
//!
//! What it sees: a run of fewer than a hundred steps in all (epochs times batches); fewer than three
//! hundred are a note. Where the data's size is not known: one or two epochs of a network that starts from
//! nothing, or five of one with so few units that it is made for little data, are a warning, and five of
//! any other a note.
//!
//! Why it is bad: from random weights no optimizer gets anywhere in so few steps: Adam moves a weight by at
//! most about its learning rate in each, so a hundred steps of 0.001 are 0.1. What looks like a network that
//! cannot learn has hardly begun. The number of epochs is wrong in every fifth faulty program, and the
//! epoch's length is why one number cannot be right for all data: one epoch of a million items is long, and
//! twenty of a hundred are nothing.
//!
//! A curve of five rows or more says more: where there is one, this is silent, and C13 speaks.
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
use crate::facts::{Layer, Network};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S18", name: "very few steps", file: include_str!("s18_epochs.rs"), check };

/// A curve of so many rows says more than a count of steps.
const ENOUGH_ROWS: usize = 5;
const HARDLY_ANY: usize = 100;
const FEW: usize = 300;
const FEW_EPOCHS: usize = 5;
/// Batches from this size on make few epochs of data of unknown size still fewer steps.
const LARGE_BATCH: usize = 1024;
/// Epochs that are too few for nearly any data.
const HARDLY_ANY_EPOCHS: usize = 2;
/// A network with fewer hidden units than this is made for little data.
const TINY: usize = 8;

fn check(evidence: &Evidence) -> Answer {
    let fit = evidence.fit()?;
    let Some(&epochs) = fit.epochs.value.given() else { return Ok(Vec::new()) };
    if evidence.curves.as_ref().is_some_and(|curves| curves.rows >= ENOUGH_ROWS) {
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
            let network = evidence.network.as_ref();
            let few = epochs <= HARDLY_ANY_EPOCHS && network.is_some_and(starts_from_nothing);
            let tiny = network.is_some_and(is_tiny);
            let words = if epochs == 1 { "1 epoch".to_owned() } else { format!("{epochs} epochs") };
            let batches =
                batch.filter(|_| large).map_or(String::new(), |batch| format!(" in batches of {batch}"));
            Finding::new(
                "S18",
                if large || few || tiny { Level::Warning } else { Level::Note },
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

/// Whether all layers are drawn anew: none of them is a network made elsewhere, which may be trained
/// already.
fn starts_from_nothing(network: &Network) -> bool {
    let own = |layer: &Layer| crate::names::is_layer(&layer.innermost().class_name);
    !network.branched && network.layers.iter().all(own)
}

/// Whether it has a hidden layer, and hardly any units in all that it has.
fn is_tiny(network: &Network) -> bool {
    let weighted: Vec<&Layer> = network.layers.iter().filter(|layer| layer.has_weights()).collect();
    let Some((_, hidden)) = weighted.split_last() else { return false };
    let units = hidden.iter().try_fold(0_usize, |sum, layer| Some(sum.saturating_add(*layer.units.given()?)));
    starts_from_nothing(network) && !hidden.is_empty() && units.is_some_and(|units| units < TINY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Data};
    use crate::rules::network::sample::{curves_at, dense, fit, layer, model};

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
        assert_eq!(level(2, None, None), Some(Level::Warning), "hardly any data is that large");
        assert_eq!(level(50, None, None), None);
        let mut tiny = of(5, None, None);
        tiny.network = model(&[dense(2, "sigmoid"), dense(3, "softmax")], "mse").network;
        assert_eq!(check(&tiny).unwrap()[0].level, Level::Warning);
        let mut pretrained = of(2, None, None);
        pretrained.network = model(&[layer("VGG16", 0, "linear"), dense(3, "softmax")], "mse").network;
        assert_eq!(check(&pretrained).unwrap()[0].level, Level::Note);
        let mut unknown = of(1, None, None);
        fit(&mut unknown).epochs.value = Argument::Unknown("EPOCHS".into());
        assert_eq!(check(&unknown).unwrap(), []);
    }

    #[test]
    fn a_curve_says_more() {
        let mut evidence = of(2, Some(32), Some(1263));
        evidence.curves = Some(curves_at(&[2.0, 0.1]));
        assert_eq!(check(&evidence).unwrap().len(), 1, "two rows have no shape");
        evidence.curves = Some(curves_at(&[2.0, 0.1, 0.1, 0.1, 0.1]));
        assert_eq!(check(&evidence).unwrap(), []);
    }
}
