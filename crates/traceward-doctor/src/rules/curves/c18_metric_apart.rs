//! C18: loss and metric disagree
//!
//! What it sees: the training loss falls by more than 10 % over the last half, and the training accuracy,
//! below 0.9, does not rise with it: the rank correlation of the two is above -0.5, where it should be near -1.
//!
//! Why it is bad: what is minimised is not what is wanted.
//!
//! Example:
//!
//! ```text
//! loss 0.61 -> 0.44, accuracy 0.72 0.73 0.71 0.72
//! ```
//!
//! Treatment: look at the metric, at its threshold, and at rare classes.
//!
//! Source: TheDeepChecker (Ben Braiek and Khomh, TOSEM 2022), whose bound of 0.5 this is.

use super::{c03_unmoved_metric, c04_stuck};
use crate::curve::{Losses, figure, percent};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C18", name: "loss and metric disagree", file: include_str!("c18_metric_apart.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 10)?;
    let train = losses.training(10)?;
    let accuracy = losses.accuracy.as_ref().ok_or(Missing(Need::Curves))?;
    if accuracy.len() != train.len()
        || accuracy.end() >= 0.9
        || c03_unmoved_metric::unmoved(&losses)
        || c04_stuck::stuck(&losses).is_some()
    {
        return Ok(Vec::new());
    }
    let half = train.tail(0.5, 8);
    let fall = -train.trend(half.clone()).change / train.level(half.clone());
    let climb = accuracy.trend(half.clone());
    let correlation = spearman(&train.smooth()[half.clone()], &accuracy.smooth()[half]);
    if fall <= 0.1 || correlation < -0.5 || (climb.significance > 3.0 && climb.change > 0.01) {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "the training loss fell by {} over the last half, and the training accuracy went from {} to {} (rank \
         correlation {})",
        percent(fall),
        figure(accuracy.smooth()[train.tail(0.5, 8).start]),
        figure(accuracy.end()),
        figure(correlation)
    );
    let imbalance =
        Cause::new(CauseKind::Imbalance, 0.35, "rare classes, which move the loss and not the accuracy");
    let imbalance = match evidence.data.as_ref().and_then(crate::facts::Data::prior) {
        Some(prior) if prior.iter().copied().fold(0.0, f64::max) > 0.8 => {
            imbalance.because("one class has more than 80 % of the items")
        }
        _ => imbalance,
    };
    Ok(vec![
        Finding::new("C18", Level::Note, symptom)
            .cause(Cause::new(CauseKind::Metric, 0.4, "a metric, or a threshold, that does not fit the task"))
            .cause(imbalance)
            .cause(Cause::new(CauseKind::LabelNoise, 0.25, "labels that cannot be got right"))
            .treat(Treatment::advice("look at macro-F1 and at the classes one by one"))
            .treat(Treatment::proposal(Change::ClassWeight, "weigh rare classes more")),
    ])
}

/// The correlation of ranks; 0 if either does not vary.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let middle = (a.len() as f64 - 1.0) / 2.0;
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(&x, &y)| f(x - middle, y - middle)).sum::<f64>();
    let (ab, aa, bb) = (sum(&|x, y| x * y), sum(&|x, _| x * x), sum(&|_, y| y * y));
    if aa * bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}

/// Each value's place in order, equal ones sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0.0;
    for equal in order.chunk_by(|&a, &b| values[a].total_cmp(&values[b]).is_eq()) {
        for &index in equal {
            ranks[index] = before + (equal.len() as f64 - 1.0) / 2.0;
        }
        before += equal.len() as f64;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_of_ranks() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0, 9.0], &[4.0, 3.0, 2.0, 1.0]), -1.0);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), 0.0);
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
    }
}
