//! R05: rows twice or out of order
//!
//! What it sees: the numbers of epochs or steps do not grow from row to row.
//!
//! Why it is bad: two processes write to one file, or a resumed run repeats what an earlier one had done. A
//! curve drawn over them goes back and forth.
//!
//! Example:
//!
//! ```text
//! epoch 7, 8, 9, 8, 9, 10
//! ```
//!
//! Treatment: one writer a file; when resuming, drop the rows that will be done again.
//!
//! Source: TensorBoard's purge_step, which exists for this.

use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "R05", name: "rows twice or out of order", file: include_str!("r05_order.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let process = evidence.process()?;
    let back = process.counters.windows(2).position(|pair| pair[1] <= pair[0]);
    let Some(row) = back else { return Ok(Vec::new()) };
    let symptom = format!(
        "row {} is number {} and follows number {}",
        row + 1,
        process.counters[row + 1],
        process.counters[row]
    );
    Ok(vec![
        Finding::new("R05", Level::Warning, symptom)
            .at_epoch(row + 1)
            .cause(Cause::new(
                CauseKind::Process,
                0.5,
                "two processes write to one file, or a run was resumed",
            ))
            .treat(Treatment::advice("write each run to a file of its own")),
    ])
}
