//! S00: the script does not parse
//!
//! What it sees: brackets that are never closed, commas and colons that are missing, texts without an end,
//! lines that are indented otherwise than their neighbours. Repairs are tried one after another and the
//! whole script is parsed again each time; what leaves the fewest errors is proposed, with its line. The
//! rest of the script is read with the repair in place, so that one forgotten bracket does not hide what
//! else is wrong. Python 2 is read too, and noted.
//!
//! Why it is bad: Python refuses the whole file, and names the line after the one that is wrong.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(64)
//! model.add(Dense(7))
//! ```
//!
//! Treatment: write what is missing where the finding points.
//!
//! Source: the diary that this program began from, whose first block lacks a bracket.

use crate::Evidence;
use crate::rule::{Answer, Rule};

pub(super) const RULE: Rule =
    Rule { id: "S00", name: "the script does not parse", file: include_str!("s00_syntax.rs"), check };

/// Whoever reads the text finds this, and keeps it in [`Evidence::reading`]; there is nothing left to look
/// for.
fn check(_: &Evidence) -> Answer {
    Ok(Vec::new())
}
