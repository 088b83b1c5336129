//! Data sets in: the format is found by looking, then one reader per format.
//!
//! Nothing is believed by its name. Magic bytes tell archives, gzip and Parquet; the layout of members
//! tells ADFA-LD from class folders; the first lines tell JSON Lines, CSV and UNM's `PID NUMBER` from a
//! plain trace. [`Format`] lists them.
//!
//! Readers hand rows to one collector, which keeps what holds for every format:
//!
//! * A bad row or file is counted and skipped, the first of them kept with file, line and reason in
//!   [`ReadReport`](crate::ReadReport); [`ReadOptions::strict`] ends at the first instead.
//! * Numbers become names when all were seen: by the ABI that was named, by what the file says, by what
//!   the layout is known to be, else by a guess ([`crate::abi::guess`]) that stands in the report. A
//!   number outside the table becomes the call `#N` and is counted.
//! * One data set has one ABI. Rows that name another are skipped.
//! * Memory is bounded by [`Limits`], whatever the input claims: lines are measured as they are read,
//!   archives as they unpack. Rows over a limit are skipped; a data set over one is refused.
//!
//! # JSON Lines
//!
//! One object a line, one line a trace:
//!
//! ```json
//! {"calls": ["openat", "read"], "class": "normal", "group": "host-3", "part": "train", "abi": "x86_64", "source": "a.txt", "line": 7}
//! {"calls": "5 3 3 6", "label": 1}
//! ```
//!
//! | key | value |
//! |---|---|
//! | `calls`, or `trace` | names, numbers, or both, in an array; or one string with blanks between them |
//! | `class`, or `label` | a string or a whole number; absent or `null` means no label |
//! | `group`, `part`, `abi` | a string, a whole number, or `null` |
//! | `source`, `line` | where the trace came from before it was written here |
//! | `lost` | how many calls a live capture lost at its beginning or end; absent: none |
//!
//! Other keys are passed over.
//!
//! # Parquet
//!
//! One row a trace, with the same columns: `calls` a list of strings or whole numbers (or one string with
//! blanks between calls), the labels strings or whole numbers, `line` and `lost` whole numbers; all but `calls` may
//! be missing or null. Pages may be in a dictionary or plain, packed by zstd, snappy or gzip or not at all:
//! what pandas and pyarrow write unless told otherwise.
//!
//! # CSV
//!
//! The article's two columns, `label,trace`, with a trace of numbers or names and blanks between them.
//! Separator, header and columns are found; [`ReadOptions::label_column`] and
//! [`ReadOptions::trace_column`] name them. Columns `group`, `part`, `abi` and `source` are understood.
//! In a folder or archive, `train.csv` and `validation.csv` become the parts `train` and `validation`
//! ([`read_pair`] does the same for two files that lie apart); so do files of the other two formats.
//!
//! # Logs
//!
//! What tracers write, one call a line, is taken apart into threads: strace in all its usual options, auditd,
//! sysdig and LID-DS (2019, 2021), perf, Tracee, Tetragon, NGIDS-DS and BETH. A file, a folder or an archive of
//! them. Folders and descriptions tell class and part; what a log says of losses is in the notes of the report.
//! A log of several architectures is read as that of most calls, unless one is named: traces of the others are
//! skipped and counted, one in each ABI of a thread that changed.
//!
//! # Folders
//!
//! `<class>/<group>/<file>` or `<class>/<file>`, one file a trace, with blanks or bars between its calls: also
//! PLAID's cleaned traces and DongTing's. ADFA-LD's three folders and UNM's recordings are known by their own rules. A zip
//! or tar archive, gzipped or not, reads like the folder that was packed.

mod adfa;
mod budget;
mod calls;
mod collect;
mod csv_table;
mod folders;
mod json_lines;
mod lines;
mod log;
mod look;
mod parquet;
mod tables;
mod tar;
mod trace_file;
mod tree;
mod unm;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use self::budget::Budget;
use self::calls::Mapping;
use self::collect::{Collector, Labels, Refusal};
use self::look::{HEAD, Kind, Text, look};
use self::tables::Census;
use self::tree::{ReadSeek, Tree};
use crate::{Abi, Dataset, Error, Source};

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
    /// The most calls in a data set; a row counts as one more.
    pub total_calls: usize,
    /// The most bytes that an archive may unpack to.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes: 64 << 20, trace_calls: 16 << 20, total_calls: 1 << 30, unpacked_bytes: 4 << 30 }
    }
}

/// What a data set is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ADFA-LD's three folders.
    AdfaLd,
    /// UNM's `PID NUMBER` lines.
    Unm,
    /// A label column and a trace column.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Our interchange format.
    Parquet,
    /// A folder a class, a file a trace.
    Folders,
    /// What a tracer wrote, one call a line: strace, auditd, sysdig, perf, Tracee, Tetragon.
    Log,
    /// One file, one trace.
    TraceFile,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AdfaLd => "ADFA-LD",
            Self::Unm => "UNM",
            Self::Csv => "CSV",
            Self::JsonLines => "JSON Lines",
            Self::Parquet => "Parquet",
            Self::Folders => "class folders",
            Self::Log => "log of calls",
            Self::TraceFile => "trace file",
        })
    }
}

/// Reads the data set at `path`: a file, a folder, or an archive.
///
/// # Errors
/// If nothing can be read there, if nothing in it is a trace, or, with [`ReadOptions::strict`], at the
/// first bad row.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Dataset, Error> {
    let name = name_of(path);
    let mut into = collector(path, &name, options)?;
    let budget = Budget::new(options.limits.unpacked_bytes);
    if path.is_dir() {
        tree_of_any_layout(Tree::folder(path, budget.clone())?, &budget, &mut into)?;
    } else {
        file_at(path, None, &budget, &mut into)?;
    }
    into.finish(name)
}

/// Reads two files as the parts `train` and `validation` of one data set: the article's `train.csv` and
/// `validation.csv`, wherever they lie.
///
/// # Errors
/// As [`read`].
pub fn read_pair(train: &Path, validation: &Path, options: &ReadOptions) -> Result<Dataset, Error> {
    let name = format!("{} + {}", name_of(train), name_of(validation));
    let mut into = collector(train, &name, options)?;
    let budget = Budget::new(options.limits.unpacked_bytes);
    file_at(train, Some("train"), &budget, &mut into)?;
    file_at(validation, Some("validation"), &budget, &mut into)?;
    into.finish(name)
}

/// Reads a data set that is in memory already, as if it were the file `name`.
///
/// # Errors
/// As [`read`].
pub fn bytes(name: &str, data: &[u8], options: &ReadOptions) -> Result<Dataset, Error> {
    let mut into = collector(Path::new(name), name, options)?;
    let budget = Budget::new(options.limits.unpacked_bytes);
    file_of_any_format(name, Box::new(Cursor::new(data)), None, &budget, &mut into)?;
    into.finish(name.to_owned())
}

/// The last part of a path, for people.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A collector that knows the mapping file, if one was named. Its table is a custom ABI with the name of
/// the data set, unless an ABI was named too.
fn collector<'o>(path: &Path, name: &str, options: &'o ReadOptions) -> Result<Collector<'o>, Error> {
    let mut into = Collector::new(path, options);
    if let Some(file) = &options.mapping {
        into.set_mapping(Arc::new(mapping_file(file)?), Abi::Custom(name.into()));
    }
    Ok(into)
}

fn mapping_file(path: &Path) -> Result<Mapping, Error> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut text = Vec::new();
    file.take(unm::LONGEST_MAPPING as u64 + 1).read_to_end(&mut text).map_err(Error::io("read", path))?;
    let at = Source { file: path.display().to_string().into(), line: None };
    if text.len() > unm::LONGEST_MAPPING {
        let limit = format!("{} bytes", unm::LONGEST_MAPPING);
        return Err(Error::TooLarge { source_at: at, what: "the mapping file".into(), limit });
    }
    unm::mapping(&text).map_err(|reason| Error::Bad {
        source_at: at,
        reason: format!("It is no mapping of numbers to names: {reason}."),
    })
}

fn file_at(path: &Path, part: Option<&str>, budget: &Budget, into: &mut Collector<'_>) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let input = Box::new(BufReader::with_capacity(HEAD, file));
    file_of_any_format(&path.display().to_string(), input, part, budget, into)
}

/// Reads one file, whatever it is; `part` is the part of traces that name none.
fn file_of_any_format<'a>(
    name: &str,
    mut input: Box<dyn ReadSeek + 'a>,
    part: Option<&str>,
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    let at = Source { file: name.into(), line: None };
    let (head, all) = tree::head(&mut input, HEAD).map_err(Error::io("read", name))?;
    input.rewind().map_err(Error::io("read", name))?;
    let unknown = |reason| Error::UnknownFormat { path: name.into(), reason };
    match look(&head, all, into.options).map_err(unknown)? {
        Kind::Zip => tree_of_any_layout(Tree::zip(name, input, budget.clone())?, budget, into),
        Kind::Tar => tree_of_any_layout(Tree::tar(name, input, budget.clone())?, budget, into),
        Kind::Parquet => parquet::read(input, &at, part, budget, into),
        Kind::Text(text) => {
            text_of_any_format(&text, Box::new(BufReader::with_capacity(HEAD, input)), &at, part, into)
        }
        Kind::Gzip => {
            let fatal = |error| match Refusal::reading(&at)(error) {
                Refusal::Fatal(error) => error,
                Refusal::Bad(reason) => Error::Bad { source_at: at.clone(), reason: reason.into() },
            };
            let packed = Box::new(BufReader::with_capacity(HEAD, input));
            let mut unpacked = tree::ungzipped(packed, budget).map_err(fatal)?;
            let (head, all) = tree::head(&mut unpacked, HEAD).map_err(fatal)?;
            let kind = look(&head, all, into.options).map_err(unknown)?;
            let mut whole = tables::rejoined(head, unpacked);
            match kind {
                Kind::Text(text) => text_of_any_format(&text, Box::new(whole), &at, part, into),
                Kind::Tar => {
                    let tar = tree::slurp(&mut whole).map_err(fatal)?;
                    tree_of_any_layout(Tree::tar(name, Box::new(tar), budget.clone())?, budget, into)
                }
                Kind::Parquet => {
                    let file = tree::slurp(&mut whole).map_err(fatal)?;
                    parquet::read(Box::new(file), &at, part, budget, into)
                }
                Kind::Zip | Kind::Gzip => Err(unknown("it is packed twice; unpack the gzip first".into())),
            }
        }
    }
}

/// Reads one text file.
fn text_of_any_format(
    text: &Text,
    mut input: Box<dyn BufRead + '_>,
    at: &Source,
    part: Option<&str>,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    match text {
        Text::JsonLines => json_lines::read(&mut *input, at, part, into),
        Text::Csv(layout) => csv_table::read(&mut *input, layout, at, part, into),
        Text::Unm => unm::read_file(&mut *input, at, into),
        Text::Log(dialect) => {
            let group = at.file.rsplit('/').next().unwrap_or(&at.file).to_owned();
            let labels =
                Labels { part: part.map(Into::into), group: Some(group.into()), ..Labels::default() };
            log::read(dialect, &mut *input, &log::Recording { labels, ..Default::default() }, at, into)
        }
        Text::Trace => {
            into.set_format(Format::TraceFile);
            let labels = Labels { part: part.map(Into::into), ..Labels::default() };
            trace_file::read(Ok(input), labels, at, into)
        }
    }
}

/// Reads a folder or archive, whatever its layout.
fn tree_of_any_layout(mut tree: Tree<'_>, budget: &Budget, into: &mut Collector<'_>) -> Result<(), Error> {
    if tree.len() == 0 {
        return Err(Error::UnknownFormat {
            path: tree.root().into(),
            reason: "there is no file in it".into(),
        });
    }
    if let Some(first) = tree.unread().first() {
        into.note(format!(
            "{} folders or files could not be listed, the first of them {first}.",
            tree.unread().len()
        ));
    }
    if adfa::looks_like(tree.paths()) {
        return adfa::read(&mut tree, into);
    }
    let census = Census::of(&mut tree, into);
    if census.recordings > 0 && census.recordings >= census.traces.max(census.tables.len()) {
        unm::read_tree(&mut tree, into)
    } else if census.logs > 0 && census.logs >= census.traces.max(census.tables.len()) {
        log::read_tree(&mut tree, budget, into)
    } else if !census.tables.is_empty() && census.tables.len() >= census.traces {
        let tables = Census::all_tables(&mut tree, into);
        let tables = if tables.is_empty() { census.tables } else { tables };
        tables::read(&mut tree, &tables, budget, into)
    } else {
        folders::read(&mut tree, into)
    }
}

#[cfg(test)]
mod tests;
