//! R01: the log ends early
//!
//! What it sees: fewer epochs than were planned, and no word of early stopping. Or the log itself says what
//! ended it: an interrupt, an error.
//!
//! Why it is bad: the curve's end is not the training's. A process that was killed looks like a plateau, and
//! the weights that were to be saved at the end are not.
//!
//! Example:
//!
//! ```text
//! Epoch 37/100 ... and nothing after it
//! ```
//!
//! Treatment: look for what killed it: memory, a time limit, an exception. Save a checkpoint each epoch.
//!
//! Source: logs pasted into public issue trackers.

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "R01", name: "the log ends early", file: include_str!("r01_ends_early.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let process = evidence.process()?;
    let rows = process.counters.len() as u64;
    let short = process.planned_epochs.filter(|&planned| rows < planned);
    if process.interrupted.is_none() && process.planned_epochs.is_none() {
        return Err(Missing(Need::Process));
    }
    // One that is being followed has not ended.
    if process.stopped_early || process.idle_seconds.is_some() {
        return Ok(Vec::new());
    }
    let symptom = match (&process.interrupted, short) {
        (Some(words), Some(planned)) => {
            format!("the log ends after {rows} of {planned} epochs with: {words}")
        }
        (Some(words), None) => format!("the log ends with: {words}"),
        (None, Some(planned)) => {
            format!("the log ends after {rows} of {planned} epochs, and does not say why")
        }
        (None, None) => return Ok(Vec::new()),
    };
    let killed = Cause::new(CauseKind::Process, 0.6, "the process was killed, interrupted, or failed");
    Ok(vec![
        Finding::new("R01", Level::Warning, symptom)
            .cause(killed)
            .treat(Treatment::advice("look for what ended it: memory, a time limit, an exception"))
            .treat(Treatment::advice("save a checkpoint in each epoch, and go on from the last one")),
    ])
}
