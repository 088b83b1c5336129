//! C15: validation better than training
//!
//! What it sees: the validation loss lies below the training loss in more than 70 % of the epochs.
//!
//! Why it is bad: mostly it is not. Dropout and augmentation make training harder than validation, and an
//! epoch's training loss is a mean over a network that was still learning. But an easier or a leaking
//! validation side looks the same.
//!
//! Example:
//!
//! ```text
//! loss 3.5 1.5 0.5 0.3, val_loss 3.1 0.8 0.2 0.1 (a dropout of 0.5)
//! ```
//!
//! Treatment: compute the training loss once more without dropout. Look for items that are on both sides.
//!
//! Source: Keras' frequently asked questions: why is my training loss much higher than my testing loss?

use super::c16_penalty;
use crate::curve::{Losses, percent};
use crate::facts::Layer;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "C15",
    name: "validation better than training",
    file: include_str!("c15_validation_better.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 5)?;
    let (train, val) = (losses.training(5)?, losses.validation(5)?);
    if c16_penalty::apart(&losses) {
        return Ok(Vec::new());
    }
    let below = (0..val.len())
        .filter(|&index| val.smooth()[index] < train.smooth()[train.index_at_row(val.row(index))])
        .count();
    let share = below as f64 / val.len() as f64;
    // A hair's breadth below is no difference.
    let clearly = val.end() < 0.95 * train.end();
    if share <= 0.7 || !clearly {
        return Ok(Vec::new());
    }
    let symptom =
        format!("the validation loss is below the training loss in {} of the epochs", percent(share));
    let dropout = evidence.network.as_ref().map(|network| network.layers.iter().any(Layer::is_dropout));
    let harder = Cause::new(
        CauseKind::TooMuchRegularization,
        0.4,
        "dropout or augmentation, which training has and validation has not",
    );
    let harder = match dropout {
        Some(true) => harder.because("there is dropout"),
        Some(false) => Cause { weight: 0.15, ..harder }.although("there is no dropout"),
        None => harder,
    };
    let split = evidence.data.as_ref().and_then(|data| data.split.as_ref());
    let leak = Cause::new(CauseKind::Leak, 0.25, "validation items that training has seen");
    let leak = match split.map(|split| split.copies_across + split.groups_across) {
        Some(0) => leak.although("no item or group is on both sides"),
        Some(shared) => {
            Cause { weight: 0.6, ..leak }.because(format!("{shared} items or groups are on both sides"))
        }
        None => leak,
    };
    Ok(vec![
        Finding::new("C15", Level::Note, symptom)
            .label(Label::ValBetter)
            .cause(harder)
            .cause(leak)
            .cause(Cause::new(CauseKind::Shift, 0.2, "a validation side that is easier"))
            .treat(Treatment::advice(
                "compute the training loss after the epoch, without dropout, and compare again",
            ))
            .treat(Treatment::proposal(
                Change::GroupedSplit,
                "split again, with copies and groups on one side",
            )),
    ])
}
