//! C16: training and validation loss are not the same quantity
//!
//! What it sees: the training loss rises far above its start and is several times the validation loss,
//! which stays about where it was.
//!
//! Why it is bad: what the optimizer minimises is not what the validation loss shows; a comparison of the
//! two says nothing, and the penalty may be all that is being minimised.
//!
//! Example:
//!
//! ```text
//! a KL term whose weight grows each epoch: train_loss 0.36 -> 152, val_loss 0.51 -> 0.49
//! ```
//!
//! Treatment: log the data term and the penalty as two curves; weigh the penalty less.
//!
//! Source: three public Lightning logs of one project; TheDeepChecker's overwhelming regularisation (Ben
//! Braiek and Khomh, TOSEM 2022).

use crate::curve::{Losses, figure};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "C16",
    name: "training and validation loss are not the same quantity",
    file: include_str!("c16_penalty.rs"),
    check,
};

/// Whether the training loss holds something that the validation loss does not.
pub(crate) fn apart(losses: &Losses) -> bool {
    let (Some(train), Some(val)) = (&losses.train, &losses.val) else { return false };
    train.len() >= 5
        && val.len() >= 5
        && train.rise() > 0.5
        && train.end() > train.first()
        && val.end() < 1.25 * val.first()
        && val.rise() < 0.5
        && train.end() > 3.0 * val.end()
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 5)?;
    let (train, val) = (losses.training(5)?, losses.validation(5)?);
    if !apart(&losses) {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "the training loss rose from {} to {} while the validation loss went from {} to {}",
        figure(train.first()),
        figure(train.end()),
        figure(val.first()),
        figure(val.end())
    );
    let penalty =
        Cause::new(CauseKind::TooMuchRegularization, 0.6, "a penalty in the training loss only, which grows")
            .because("validation, which has no penalty, did not rise with it");
    let weights =
        Cause::new(CauseKind::Objective, 0.4, "class weights or another scale in the training loss only");
    Ok(vec![
        Finding::new("C16", Level::Warning, symptom)
            .label(Label::PenaltyDominated)
            .at_epoch(train.row(train.max_at()))
            .cause(penalty)
            .cause(weights)
            .treat(Treatment::advice(
                "log the data term and the penalty as two curves, and compare data terms",
            ))
            .treat(Treatment::advice("weigh the penalty less, or let its weight grow more slowly")),
    ])
}
