//! Where words go: results to stdout, progress and diagnostics to stderr.
//!
//! Both streams strip colour when they are not terminals or `NO_COLOR` is set. A result is written whole
//! or not at all; if its reader has gone away, the command ends quietly.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Effects, Style};
use serde::Serialize;
use traceward_trace::Dataset;

use crate::error::Failure;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document.
    Json,
}

/// The two streams, and how much to say on them.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// How results are written.
    pub format: Format,
    /// Say nothing on stderr but errors.
    pub quiet: bool,
    /// How often `-v` was given.
    pub verbose: u8,
}

const NOTE: Style = AnsiColor::Cyan.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const HINT: Style = AnsiColor::Green.on_default();

/// The terminal's width in columns, or 80 where there is none.
pub fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(w, _)| usize::from(w.0)).clamp(40, 160)
}

impl Output {
    /// Writes a result for people.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Writes a result for programs: one document, indented on a terminal.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let stdout = io::stdout();
        let mut text = if stdout.is_terminal() {
            serde_json::to_string_pretty(value)?
        } else {
            serde_json::to_string(value)?
        };
        text.push('\n');
        let mut out = stdout.lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Writes one result of many for programs: a document on a line of its own.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string(value)?;
        text.push('\n');
        self.text(&text)
    }

    /// Says something on stderr that the user should know but need not act on.
    pub fn note(&self, message: impl std::fmt::Display) {
        if !self.quiet {
            self.say(NOTE, "note", &message);
        }
    }

    /// Says something on stderr that the user may have to act on.
    pub fn warning(&self, message: impl std::fmt::Display) {
        if !self.quiet {
            self.say(WARNING, "warning", &message);
        }
    }

    /// Says why the command failed, and what to try.
    pub fn failure(&self, failure: &Failure) {
        if failure.broken_pipe {
            return;
        }
        self.say(ERROR, "error", &failure.message);
        for hint in &failure.hints {
            self.say(HINT, "  try", hint);
        }
    }

    /// Writes a line of progress to stderr.
    pub fn line(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        }
    }

    fn say(self, style: Style, word: &str, message: &impl std::fmt::Display) {
        // Nobody is left to tell if stderr itself is closed.
        let _ = writeln!(anstream::stderr().lock(), "{style}{word}{style:#}: {message}");
    }

    /// Says what reading a data set left out.
    pub fn read_report(&self, data: &Dataset) {
        let report = &data.report;
        for note in &report.notes {
            self.note(note);
        }
        if report.skipped_count > 0 {
            self.warning(format_args!(
                "{} skipped in {} (--strict ends at the first)",
                counted(report.skipped_count, "bad row or file", "bad rows or files"),
                data.name
            ));
            let shown = if self.verbose > 0 { report.skipped.len() } else { 3 };
            for skipped in report.skipped.iter().take(shown) {
                self.note(format_args!("{}: {}", skipped.source, skipped.reason));
            }
            let rest = report.skipped_count.saturating_sub(shown as u64);
            if rest > 0 {
                self.note(format_args!(
                    "and {rest} more (-v shows the first {})",
                    traceward_trace::ReadReport::KEPT
                ));
            }
        }
        if !report.outside_table.is_empty() {
            let calls: u64 = report.outside_table.iter().map(|(_, n)| n).sum();
            let numbers: Vec<String> =
                report.outside_table.iter().take(5).map(|(nr, _)| nr.to_string()).collect();
            self.warning(format_args!(
                "{} outside the {} table (numbers {}{})",
                counted(calls, "call", "calls"),
                data.abi,
                numbers.join(", "),
                if report.outside_table.len() > 5 { ", …" } else { "" }
            ));
        }
    }
}

/// `1 row`, `2 rows`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}
