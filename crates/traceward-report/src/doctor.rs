//! What the doctor says, in every form it is asked for: terminal text, JSON, SARIF, HTML, Markdown.
//!
//! A [`Report`] is one training looked at: what was read, what was found in it, and what is needed to show
//! it. All forms are plain functions of reports; nothing here reads a file or knows a terminal. What comes
//! from files (symptoms quote names and values) passes [`printable`](crate::terminal::printable), in every
//! form that a terminal may show.

mod cells;
mod excerpt;
mod explain;
pub(crate) mod html;
mod json;
mod markdown;
mod page;
mod plot;
mod record;
mod repair;
mod sarif;
mod text;
mod view;

use traceward_doctor::curve::Curves;
use traceward_doctor::{Diagnosis, Source};

pub use explain::{explain, list};
pub use html::html;
pub use json::{
    Cause, Counts, Document, Finding, Layer, LikelyCause, NotChecked, Region, Repair, Treatment, json,
    json_of_all,
};
pub use markdown::markdown;
pub use record::{record_html, record_markdown, record_text};
pub use sarif::sarif;
pub use text::{line, summary, text};

/// A training that was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What was read, as its reader named it.
    pub path: &'a str,
    /// Which run of that file, if it holds several.
    pub run: Option<&'a str>,
    /// What kind of file it is, in words: `Keras script`.
    pub kind: &'a str,
    /// What was found.
    pub diagnosis: &'a Diagnosis,
    /// The text that findings point into.
    pub source: Option<&'a Source>,
    /// The curves that findings speak of.
    pub curves: Option<&'a Curves>,
}

#[cfg(test)]
mod tests;
