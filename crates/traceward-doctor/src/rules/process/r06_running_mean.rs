//! R06: the first training losses are running means
//!
//! What it sees: in the first epochs the training loss lies well above the validation loss, and later it
//! does not.
//!
//! Why it is bad: it is not, but it misleads. The training loss that is logged is the mean over an epoch in
//! which the network was still learning; the validation loss is that of the epoch's end. Where much is
//! learned in one epoch the two are half an epoch apart.
//!
//! Example:
//!
//! ```text
//! epoch 0: loss 0.77, val_loss 0.42; epoch 5: loss 0.010, val_loss 0.16
//! ```
//!
//! Treatment: none. To compare the first epochs, compute the training loss at the epoch's end.
//!
//! Source: Keras' frequently asked questions: why is my training loss much higher than my testing loss?

use crate::curve::{Losses, figure};
use crate::rule::{Answer, Rule};
use crate::{Evidence, Finding, Level};

pub(super) const RULE: Rule = Rule {
    id: "R06",
    name: "the first training losses are running means",
    file: include_str!("r06_running_mean.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 4)?;
    let (train, val) = (losses.training(4)?, losses.validation(4)?);
    let apart = val.first() < 0.7 * train.first() && train.row(0) == val.row(0);
    if losses.steps || !apart || val.end() < train.end() {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "in the first epoch the training loss is {} and the validation loss {}: the one is a mean over the epoch, the \
         other is taken at its end",
        figure(train.first()),
        figure(val.first())
    );
    Ok(vec![Finding::new("R06", Level::Note, symptom)])
}
