//! S17: unusual batch size
//!
//! What it sees: batches of one or two items; batches so large that an epoch has fewer than five steps; more
//! than a thousand items a batch.
//!
//! Why it is bad: the gradient of one item points anywhere: the loss jumps, the learning rate must be tiny,
//! and a normalisation over the batch has nothing to normalise with. A batch of half the data gives two
//! steps an epoch: twenty epochs are then forty steps, too few to go anywhere, and what noise of small
//! batches does against overfitting is lost. Of four published tools none looks at it.
//!
//! How many items there are must be known for a warning, or that some of them are held back for a test; a
//! size alone is a note. Sets of fewer than a hundred items may be one batch.
//!
//! Example:
//!
//! ```text
//! model.fit(x, y, batch_size=2000, epochs=5)      # 1,263 rows: five steps in all
//! ```
//!
//! Treatment: 16 to 128.
//!
//! Source: Masters and Luschi, "Revisiting Small Batch Training for Deep Neural Networks", 2018; Keskar et
//! al., "On Large-Batch Training", ICLR 2017; Humbatova et al., EMSE 2025, for the tools.

use traceward_trace::profile::numerals::count;

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S17", name: "unusual batch size", file: include_str!("s17_batch_size.rs"), check };

/// What to take instead.
const USUAL: usize = 32;
/// Batches of so few items.
const TINY: usize = 2;
/// Batches of more.
const HUGE: usize = 1024;
/// Steps that an epoch should have.
const FEWEST_STEPS: usize = 5;
/// With fewer items a batch may be all of them.
const FEW_ITEMS: usize = 100;

/// Items to train on, counted or stated.
pub(super) fn items(evidence: &Evidence) -> Option<usize> {
    let counted = evidence.data.as_ref().map(|data| data.training_items.unwrap_or(data.items));
    counted.or(evidence.stated.items).filter(|&items| items > 0)
}

fn check(evidence: &Evidence) -> Answer {
    let fit = evidence.fit()?;
    let Some(&batch) = fit.batch_size.value.given() else { return Ok(Vec::new()) };
    let items = items(evidence);
    let normalises = evidence.network.as_ref().is_some_and(|network| {
        network.layers.iter().any(|layer| layer.innermost().class_name == "BatchNormalization")
    });
    let found = if batch <= TINY {
        if items.is_some_and(|items| items < FEW_ITEMS) {
            return Ok(Vec::new());
        }
        let level = match items {
            _ if normalises && batch == 1 => Level::Error,
            Some(_) => Level::Warning,
            // Nobody parts a handful of items.
            None if evidence.stated.held_out => Level::Warning,
            _ => Level::Note,
        };
        tiny(batch, level, normalises)
    } else {
        let few_steps = items.filter(|&items| items >= FEW_ITEMS && items.div_ceil(batch) < FEWEST_STEPS);
        match few_steps {
            Some(items) => huge(batch, items),
            None if batch > HUGE => vast(batch),
            None => return Ok(Vec::new()),
        }
    };
    Ok(vec![found.at(fit.batch_size.place.clone().or_else(|| fit.place.clone()))])
}

fn usual() -> Treatment {
    Treatment::automatic(Change::BatchSize { batch_size: USUAL }, format!("take {USUAL} items a batch"))
}

fn tiny(batch: usize, level: Level, normalises: bool) -> Finding {
    let items = if batch == 1 { "1 item".to_owned() } else { format!("{batch} items") };
    let text = if normalises && batch == 1 {
        "a normalisation over a batch of one item gives nothing but zeros"
    } else {
        "the gradient of so few items points anywhere"
    };
    let weight = match level {
        Level::Error => 0.9,
        Level::Warning => 0.55,
        Level::Note => 0.4,
    };
    Finding::new("S17", level, format!("batches hold {items}"))
        .cause(Cause::new(CauseKind::BatchSize, weight, text))
        .treat(usual())
}

fn huge(batch: usize, items: usize) -> Finding {
    let steps = items.div_ceil(batch);
    let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
    Finding::new(
        "S17",
        Level::Warning,
        format!("batches of {} leave {steps} an epoch for {} items", count(batch), count(items)),
    )
    .cause(Cause::new(
        CauseKind::BatchSize,
        0.7,
        "the weights move once a step, and there are hardly any steps",
    ))
    .treat(usual())
}

fn vast(batch: usize) -> Finding {
    Finding::new("S17", Level::Note, format!("batches hold {} items", count(batch)))
        .cause(
            Cause::new(CauseKind::BatchSize, 0.4, "large batches mean few steps, unless there is much data")
                .although("how much data there is is not known"),
        )
        .treat(usual())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Data};
    use crate::rules::network::sample::{dense, fit, layer, model};

    fn level(batch: usize, items: Option<usize>) -> Option<Level> {
        let mut evidence = model(&[dense(7, "softmax")], "categorical_crossentropy");
        fit(&mut evidence).batch_size.value = Argument::Given(batch);
        evidence.data = items.map(|items| Data { items, ..Data::default() });
        check(&evidence).unwrap().first().map(|found| found.level)
    }

    #[test]
    fn tiny_and_huge() {
        assert_eq!(level(1, Some(1263)), Some(Level::Warning));
        assert_eq!(level(1, None), Some(Level::Note));
        assert_eq!(level(1, Some(4)), None, "four items");
        assert_eq!(level(32, Some(1263)), None);
        assert_eq!(level(128, Some(1263)), None);
        assert_eq!(level(512, Some(1263)), Some(Level::Warning));
        assert_eq!(level(1263, Some(1263)), Some(Level::Warning));
        assert_eq!(level(64, Some(64)), None, "a small set may be one batch");
        assert_eq!(level(2000, None), Some(Level::Note));
        assert_eq!(level(2000, Some(60_000)), Some(Level::Note));
    }

    #[test]
    fn what_is_parted_is_more_than_a_handful() {
        let mut evidence = model(&[dense(7, "softmax")], "categorical_crossentropy");
        fit(&mut evidence).batch_size.value = Argument::Given(1);
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Note);
        evidence.stated.held_out = true;
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Warning);
    }

    #[test]
    fn a_batch_of_one_cannot_be_normalised() {
        let mut evidence = model(&[layer("BatchNormalization", 0, "linear"), dense(7, "softmax")], "mse");
        fit(&mut evidence).batch_size.value = Argument::Given(1);
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Error);
        fit(&mut evidence).batch_size.value = Argument::Unknown("len(x)".into());
        assert_eq!(check(&evidence).unwrap(), []);
    }
}
