//! Data sets in: the format is found by looking, then one reader per format.
use std::path::Path;

use crate::{Abi, Dataset, Error};

/// How to read a data set.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Whose numbers these are; `None` guesses and says how in the report.
    pub abi: Option<Abi>,
    /// End at the first bad row instead of counting and skipping it.
    pub strict: bool,
    /// The CSV column with the label, by name or number from 1; `None` finds it.
    pub label_column: Option<String>,
    /// The CSV column with the trace.
    pub trace_column: Option<String>,
    /// A file that maps numbers to names, for tables of one's own (UNM's `syscallMap.txt`).
    pub mapping: Option<std::path::PathBuf>,
    /// What bounds memory.
    pub limits: Limits,
}

/// What bounds memory while reading.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest line, in bytes; longer ones are skipped without being held.
    pub line_bytes: usize,
    /// The longest trace, in calls.
    pub trace_calls: usize,
    /// The most calls in a data set.
    pub total_calls: usize,
    /// The most bytes that an archive may unpack to.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes: 64 << 20, trace_calls: 16 << 20, total_calls: 1 << 30, unpacked_bytes: 4 << 30 }
    }
}

/// Reads the data set at `path`: a file, a folder, or an archive.
///
/// # Errors
/// If nothing can be read there, if nothing in it is a trace, or, with [`ReadOptions::strict`], at the
/// first bad row.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Dataset, Error> {
    let _ = options;
    Err(Error::UnknownFormat { path: path.into(), reason: "no reader yet".into() })
}
