//! C03: the loss falls to nothing and the metric does not move
//!
//! What it sees: the training loss ends below 1 % of its first value, and below what any answer that ignores its
//! input could reach, while the accuracy stays where it was, below 0.9.
//!
//! Why it is bad: a loss near zero says that every answer is right. If the accuracy says otherwise, one of
//! the two does not measure the task.
//!
//! Example:
//!
//! ```text
//! labels divided by 255 together with the images: loss 0.0000, accuracy 0.0987
//! ```
//!
//! Treatment: look at the labels that reach the loss: their range, shape and type. For a regression take a
//! metric of regressions.
//!
//! Source: a Stack Overflow question (59325381) in Defect4ML (Morovati et al., 2023).

use crate::curve::{Losses, figure, least_constant_loss};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Label, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "C03",
    name: "the loss falls to nothing and the metric does not move",
    file: include_str!("c03_unmoved_metric.rs"),
    check,
};

/// Whether the loss went to nothing and the accuracy stood still far from 1.
pub(crate) fn unmoved(losses: &Losses) -> bool {
    let (Some(train), Some(accuracy)) = (&losses.train, &losses.accuracy) else { return false };
    train.len() >= 3
        && train.first() > 0.0
        && train.end() < 0.01 * train.first()
        && (accuracy.end() < 0.01 || train.end() < 0.3 * least_constant_loss(accuracy.end()))
        && accuracy.spread(0..accuracy.len()) < 0.02
        && accuracy.max() < 0.9
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 3)?;
    losses.training(3)?;
    let (Some(train), Some(accuracy)) = (&losses.train, &losses.accuracy) else {
        return Err(Missing(Need::Curves));
    };
    if !unmoved(&losses) {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "the training loss fell from {} to {}, and the accuracy stayed at {}",
        figure(train.first()),
        figure(train.end()),
        figure(accuracy.end())
    );
    let labels = Cause::new(CauseKind::BadLabels, 0.6, "labels that were scaled, cut or shaped by accident")
        .because("a loss near zero is easily reached when all labels are nearly the same number");
    let metric = Cause::new(CauseKind::Metric, 0.4, "an accuracy of something that is not a classification");
    let metric = if accuracy.end() < 0.01 { metric.because("the accuracy is zero") } else { metric };
    let objective = Cause::new(CauseKind::Objective, 0.3, "a loss that does not ask for the right answer");
    Ok(vec![
        Finding::new("C03", Level::Error, symptom)
            .label(Label::MetricMismatch)
            .at_epoch(train.row(train.min_at()))
            .cause(labels)
            .cause(metric)
            .cause(objective)
            .treat(Treatment::advice(
                "print the first labels as they reach the loss: whole numbers from 0 to K-1, or one-hot rows",
            ))
            .treat(Treatment::advice("for a regression take mean_absolute_error as metric")),
    ])
}
