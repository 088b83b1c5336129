//! R02: several runs in one log
//!
//! What it sees: the epochs begin again, so that one file holds several runs. Each is looked at by itself.
//!
//! Why it is bad: read as one, their curve jumps where the next begins, and every rule about trends is wrong.
//!
//! Example:
//!
//! ```text
//! CSVLogger("log.csv", append=True) in a script that was started twice
//! ```
//!
//! Treatment: one file a run.
//!
//! Source: Keras' CSVLogger, whose `append` does this.

use crate::rule::{Answer, Rule};
use crate::{Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "R02", name: "several runs in one log", file: include_str!("r02_several_runs.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let process = evidence.process()?;
    if process.runs < 2 {
        return Ok(Vec::new());
    }
    let symptom = format!("the log holds {} runs, each of which is looked at by itself", process.runs);
    Ok(vec![
        Finding::new("R02", Level::Note, symptom)
            .treat(Treatment::advice("write each run to a file of its own")),
    ])
}
