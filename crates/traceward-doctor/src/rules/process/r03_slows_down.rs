//! R03: epochs take longer and longer
//!
//! What it sees: the last quarter's epochs take more than twice as long as the first quarter's, without the
//! first epoch, which compiles and fills caches.
//!
//! Why it is bad: something grows: a graph that is extended in each step, a list of tensors, memory that
//! swaps. It ends in a kill.
//!
//! Example:
//!
//! ```text
//! 12 s, 12 s, 14 s, 17 s, 23 s, 31 s
//! ```
//!
//! Treatment: look at the process's memory. Do not keep tensors of losses: keep their numbers.
//!
//! Source: PyTorch's frequently asked questions: my model reports out of memory.

use crate::curve::{Curve, figure, median};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "R03", name: "epochs take longer and longer", file: include_str!("r03_slows_down.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let seconds = evidence.curves()?.seconds.as_ref().and_then(Curve::shape).ok_or(Missing(Need::Process))?;
    if seconds.len() < 9 {
        return Err(Missing(Need::MoreEpochs));
    }
    let later = &seconds.raw()[1..];
    let quarter = (later.len() / 4).max(2);
    let (first, last) = (median(later[..quarter].to_vec()), median(later[later.len() - quarter..].to_vec()));
    // Below a second a share is noise of the clock and of other processes.
    if first <= 0.0 || last <= 2.0 * first || last < 1.0 || seconds.trend(1..seconds.len()).significance < 3.0
    {
        return Ok(Vec::new());
    }
    let symptom = format!("an epoch took {} s at first and takes {} s now", figure(first), figure(last));
    Ok(vec![
        Finding::new("R03", Level::Warning, symptom)
            .cause(Cause::new(
                CauseKind::Process,
                0.6,
                "memory that grows with each step, or a machine that is shared",
            ))
            .treat(Treatment::advice(
                "look at the memory of the process, and at what else runs on the machine",
            )),
    ])
}
