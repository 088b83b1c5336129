//! R04: stalled
//!
//! What it sees: while a log is followed, no new row for three times as long as an epoch takes, and a minute.
//!
//! Why it is bad: the process hangs, or is gone.
//!
//! Example:
//!
//! ```text
//! 40 s an epoch, and the last row is 5 minutes old
//! ```
//!
//! Treatment: look whether the process lives, and what it waits for: a data loader, a full disk, a lock.
//!
//! Source: Epokio (2026), which waits 1.5 times an epoch where the number of epochs is known.

use crate::curve::{Curve, figure, median};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "R04", name: "stalled", file: include_str!("r04_stalled.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let process = evidence.process()?;
    let idle = process.idle_seconds.ok_or(Missing(Need::Process))?;
    let seconds = evidence.curves()?.seconds.as_ref().and_then(Curve::shape).ok_or(Missing(Need::Process))?;
    let usual = median(seconds.raw().to_vec());
    let done = process.planned_epochs.is_some_and(|planned| process.counters.len() as u64 >= planned);
    if done || process.stopped_early || idle <= 3.0 * usual + 60.0 {
        return Ok(Vec::new());
    }
    let symptom =
        format!("no new row for {} s, and an epoch takes {} s", figure(idle.round()), figure(usual));
    Ok(vec![
        Finding::new("R04", Level::Warning, symptom)
            .cause(Cause::new(CauseKind::Process, 0.7, "the process hangs, or is gone"))
            .treat(Treatment::advice("look whether it lives, and what it waits for")),
    ])
}
