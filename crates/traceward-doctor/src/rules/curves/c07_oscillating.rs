//! C07: oscillating
//!
//! What it sees: a training loss that swings up and down by a fifth of its level and more, again and again
//! over the last half of the run, while the accuracy is not yet good. Or a start of that kind: a first
//! epoch far above the loss of not knowing anything, or an accuracy that jumps over the first epochs.
//! A log of single batches is allowed more: batches differ.
//!
//! Why it is bad: each step overshoots; the run wanders about the minimum and does not come down.
//!
//! Example:
//!
//! ```text
//! loss 130 71 155 88 240 95 ... (a learning rate of 0.01 where 0.0001 converges)
//! ```
//!
//! Treatment: a learning rate ten times smaller, or the one that a range test gives; a batch two to four
//! times larger; rows shuffled in each epoch.
//!
//! Source: AutoTrainer (Zhang et al., ICSE 2021), which looks at peaks of the accuracy.

use super::{c05_collapse, c06_diverging, c16_penalty, causes};
use crate::curve::{Losses, Shape, figure, median, median_step, percent, swings};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C07", name: "oscillating", file: include_str!("c07_oscillating.rs"), check };

/// A swing is at least this share of the level.
const SWING: f64 = 0.2;
/// The same in a log of single batches.
const SWING_OF_BATCHES: f64 = 0.6;
/// Swings a row over the last half.
const OFTEN: f64 = 0.12;
/// Above this accuracy the level is so small that any jitter is large beside it.
const GOOD: f64 = 0.9;
/// A first epoch above this multiple of ln K has overshot.
const OVERSHOT: f64 = 2.0;

/// The training loss swings.
pub(crate) struct Oscillation {
    /// Since which row.
    pub(crate) row: usize,
    /// How often over the last half.
    pub(crate) swings: usize,
    /// How many rows that is.
    pub(crate) rows: usize,
    /// The median step, as a share of the level.
    pub(crate) step: f64,
}

/// Whether and how the training loss swings over the last half.
pub(crate) fn oscillation(losses: &Losses) -> Option<Oscillation> {
    let train = losses.train.as_ref().filter(|train| train.len() >= 8)?;
    if c05_collapse::collapse(losses).is_some()
        || c06_diverging::climbs_away(losses)
        || c16_penalty::apart(losses)
    {
        return None;
    }
    let good = [&losses.accuracy, &losses.val_accuracy].into_iter().flatten().any(|a| a.max() >= GOOD);
    let half = &train.raw()[train.tail(0.5, 16)];
    // Single peaks are C08's: what swings is what is left without them.
    let middle = median(half.to_vec());
    let calm: Vec<f64> = half.iter().copied().filter(|&value| value <= 3.0 * middle).collect();
    let level = calm.iter().map(|value| value.abs()).sum::<f64>() / calm.len() as f64;
    let batches = losses.steps || losses.val.as_ref().is_some_and(|val| train.len() >= 3 * val.len());
    let share = if batches { SWING_OF_BATCHES } else { SWING };
    let turns = swings(&calm, share * level).len();
    let often = turns >= 3 && turns as f64 >= OFTEN * calm.len() as f64;
    let step = median_step(&calm) / level.max(f64::MIN_POSITIVE);
    let large = step >= SWING / 2.0;
    let first = swings(train.raw(), share * level).first().copied().unwrap_or(0);
    let found = Oscillation { row: train.row(first), swings: turns, rows: calm.len(), step };
    (often && large && !good).then_some(found)
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 8)?;
    let train = losses.training(8)?;
    if let Some(found) = oscillation(&losses) {
        let symptom = format!(
            "the training loss turned {} times in the last {} rows by a fifth of its level and more; the median \
             step is {} of it",
            found.swings,
            found.rows,
            percent(found.step)
        );
        return Ok(vec![
            report(evidence, Level::Warning, symptom).label(Label::Oscillate).at_epoch(found.row),
        ]);
    }
    let Some(start) = wild_start(evidence, &losses, train) else { return Ok(Vec::new()) };
    Ok(vec![report(evidence, Level::Warning, start).at_epoch(train.row(0))])
}

/// The start of a run whose steps are too large, though it calmed down later.
fn wild_start(evidence: &Evidence, losses: &Losses, train: &Shape) -> Option<String> {
    if let Some(classes) = evidence.classes().filter(|&classes| classes >= 2 && is_cross_entropy(evidence)) {
        let blind = (classes as f64).ln();
        if !losses.steps && train.first() > OVERSHOT * blind && train.smooth()[1] < train.first() {
            return Some(format!(
                "the first epoch's training loss is {}, {} times the {} of a network that knows nothing (ln \
                 {classes})",
                figure(train.first()),
                figure(train.first() / blind),
                figure(blind)
            ));
        }
    }
    None
}

fn is_cross_entropy(evidence: &Evidence) -> bool {
    let loss = evidence.compile().ok().and_then(|compile| compile.loss.value.given());
    loss.is_some_and(|loss| loss.contains("categorical_crossentropy"))
}

fn report(evidence: &Evidence, level: Level, symptom: String) -> Finding {
    let small_batch = evidence.fit().ok().and_then(|fit| fit.batch_size.value.given().copied());
    let batch = Cause::new(CauseKind::BatchSize, 0.35, "batches so small that each pulls another way");
    let batch = match small_batch {
        Some(size) if size < 16 => batch.because(format!("a batch has {size} items")),
        Some(size) if size >= 64 => batch.although(format!("a batch has {size} items")),
        _ => batch,
    };
    let order = evidence.data.as_ref().and_then(|data| data.order.as_ref());
    let sorted =
        Cause::new(CauseKind::SortedData, 0.25, "batches of one class each, from rows that are not shuffled");
    let sorted = match order {
        Some(order) if order.equal - order.expected > 0.2 => {
            sorted.because("neighbouring rows mostly have the same label")
        }
        _ => sorted,
    };
    let mut found = Finding::new("C07", level, symptom)
        .cause(causes::large_steps(evidence, 0.55, "steps so large that each overshoots the minimum"))
        .cause(batch)
        .cause(sorted)
        .treat(causes::smaller_steps(0.1));
    if let Some(size) = small_batch {
        found = found.treat(Treatment::automatic(
            Change::BatchSize { batch_size: size.saturating_mul(4) },
            format!("take batches of {} items", size.saturating_mul(4)),
        ));
    } else {
        found = found.treat(Treatment::advice("take batches two to four times larger"));
    }
    found.treat(Treatment::automatic(Change::Shuffle, "shuffle the rows before each epoch"))
}
