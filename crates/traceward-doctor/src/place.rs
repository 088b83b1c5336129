//! Where a finding is: a stretch of a script, a layer, an epoch, a row of data.

use std::ops::Range;
use std::path::PathBuf;

use serde::Serialize;

/// A text that was read, kept so that a report can show the lines concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file it came from.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

impl Source {
    /// Line and column, both from 1, of the byte at `offset`; columns count characters. An offset within a
    /// character, or past the end, is moved back to the nearest one that is not.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The text of line `line`, from 1, without its end.
    pub fn line(&self, line: usize) -> Option<&str> {
        self.text.lines().nth(line.checked_sub(1)?)
    }
}

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A stretch of [`Evidence::source`](crate::Evidence::source), in bytes.
    Span(Range<usize>),
    /// A layer of the network, from 0, with its name.
    Layer {
        /// Which.
        index: usize,
        /// What it is called.
        name: String,
    },
    /// A row of the history, from 0.
    Epoch(usize),
    /// A row of a data set: file and line, or member and line.
    Row(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source { path: "a.py".into(), text: "é = 1\nx = 2\n".into() };
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(1), (1, 1), "within é");
        assert_eq!(source.line_column(2), (1, 2));
        assert_eq!(source.line_column(7), (2, 1));
        assert_eq!(source.line_column(999), (3, 1));
        assert_eq!(source.line(2), Some("x = 2"));
        assert_eq!(source.line(0), None);
    }
}
