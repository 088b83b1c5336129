//! C08: spikes
//!
//! What it sees: single peaks of a loss, more than three times the median of the five values before, that
//! it comes back from. Severe, if a peak goes above three times the first value and ten times the median of
//! the whole run: then the loss was thrown out of everything it had learned.
//!
//! Why it is bad: a small peak costs a few epochs, and is a note. A severe one shows that single steps are
//! far too large, and what comes after it starts anew.
//!
//! Example:
//!
//! ```text
//! loss 2.3 2.0 61380 2.1 2.2 33025 1.9
//! ```
//!
//! Treatment: clip the gradient's norm at 1; look at the batch that does it; a smaller learning rate.
//!
//! Source: practice of training large models (gradient clipping); public logs with peaks of 1000 and more.

use super::causes;
use crate::curve::{Losses, Shape, figure};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule = Rule { id: "C08", name: "spikes", file: include_str!("c08_spikes.rs"), check };

/// A peak, in multiples of the median of the values before it.
const PEAK: f64 = 3.0;
/// How many values before it are looked at.
const BEFORE: usize = 5;

/// The worst peak that threw the loss out of what it had learned: its index.
pub(crate) fn severe(shape: &Shape) -> Option<usize> {
    let raw = shape.raw();
    let top = (0..raw.len()).max_by(|&a, &b| raw[a].total_cmp(&raw[b]))?;
    let middle = middle(raw);
    let out = raw[top] > 3.0 * shape.first().abs() && raw[top] > 10.0 * middle;
    // In a short run the last values are part of the picture, not yet an end.
    let back = shape.raw()[top..].iter().copied().fold(f64::INFINITY, f64::min) < raw[top] / 5.0;
    (shape.len() >= 4 && middle > 0.0 && out && back).then_some(top)
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    let middle = sorted.len() / 2;
    *sorted.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// The indices of peaks.
fn peaks(shape: &Shape) -> Vec<usize> {
    let raw = shape.raw();
    // Peaks of a loss that is next to nothing are as small as it is.
    let floor = 0.05 * shape.first().abs();
    (BEFORE..raw.len())
        .filter(|&i| {
            raw[i] > floor && raw[i] > PEAK * middle(&raw[i - BEFORE..i]) && middle(&raw[i - BEFORE..i]) > 0.0
        })
        .collect()
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 4)?;
    let mut found = Vec::new();
    for (name, shape) in [("training", &losses.train), ("validation", &losses.val)] {
        let Some(shape) = shape else { continue };
        if let Some(top) = severe(shape) {
            let symptom = format!(
                "the {name} loss jumped to {} at row {}, {} times its first value, and came back",
                figure(shape.raw()[top]),
                shape.row(top),
                figure(shape.raw()[top] / shape.first().abs())
            );
            found
                .push(report(evidence, Level::Warning, symptom).label(Label::Spike).at_epoch(shape.row(top)));
            continue;
        }
        let peaks = peaks(shape);
        if let Some(&first) = peaks.first() {
            let times = if peaks.len() == 1 { "one peak".into() } else { format!("{} peaks", peaks.len()) };
            let symptom = format!(
                "the {name} loss has {times} of more than three times the values before, first at row {} ({})",
                shape.row(first),
                figure(shape.raw()[first])
            );
            found.push(report(evidence, Level::Note, symptom).at_epoch(shape.row(first)));
        }
    }
    // One finding is enough: the worse one, training before validation.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    found.truncate(1);
    Ok(found)
}

fn report(evidence: &Evidence, level: Level, symptom: String) -> Finding {
    let gradient =
        Cause::new(CauseKind::ExplodingGradient, 0.45, "single gradients that are far larger than the rest");
    let batch = Cause::new(CauseKind::BadValues, 0.35, "single items with extreme values");
    let found = Finding::new("C08", level, symptom)
        .cause(gradient)
        .cause(causes::large_steps(evidence, 0.45, "steps large enough to leave the minimum at once"))
        .cause(batch);
    if level == Level::Note {
        return found.treat(Treatment { automatic: false, ..causes::clip() });
    }
    found
        .treat(causes::clip())
        .treat(causes::smaller_steps(0.1))
        .treat(Treatment::advice("look at the batch that the peak came from"))
}
