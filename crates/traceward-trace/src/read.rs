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

mod adfa;
mod budget;
mod calls;
mod collect;
mod json_lines;
mod lines;
mod parquet;
mod tar;
mod trace_file;
mod tree;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use self::budget::Budget;
use self::collect::{Collector, Labels, Refusal};
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
    /// One JSON object a line.
    JsonLines,
    /// Our interchange format.
    Parquet,
    /// One file, one trace.
    TraceFile,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AdfaLd => "ADFA-LD",
            Self::JsonLines => "JSON Lines",
            Self::Parquet => "Parquet",
            Self::TraceFile => "trace file",
        })
    }
}

/// How much of a file is looked at to find its format, in bytes.
const HEAD: usize = 64 << 10;

/// Reads the data set at `path`: a file, a folder, or an archive.
///
/// # Errors
/// If nothing can be read there, if nothing in it is a trace, or, with [`ReadOptions::strict`], at the
/// first bad row.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Dataset, Error> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut into = Collector::new(path, options);
    let budget = Budget::new(options.limits.unpacked_bytes);
    if path.is_dir() {
        tree_of_any_layout(Tree::folder(path, budget.clone())?, &budget, &mut into)?;
    } else {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let shown = path.display().to_string();
        file_of_any_format(&shown, Box::new(BufReader::with_capacity(HEAD, file)), &budget, &mut into)?;
    }
    into.finish(name)
}

/// Reads a data set that is in memory already, as if it were the file `name`.
///
/// # Errors
/// As [`read`].
pub fn bytes(name: &str, data: &[u8], options: &ReadOptions) -> Result<Dataset, Error> {
    let mut into = Collector::new(Path::new(name), options);
    let budget = Budget::new(options.limits.unpacked_bytes);
    file_of_any_format(name, Box::new(Cursor::new(data)), &budget, &mut into)?;
    into.finish(name.to_owned())
}

/// What a file turns out to be from its first bytes.
enum Found {
    Zip,
    Tar,
    Gzip,
    Parquet,
    Text(Text),
}

/// What a text turns out to be from its first lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    JsonLines,
    Trace,
}

fn look(head: &[u8]) -> Result<Found, String> {
    if head.starts_with(parquet::MAGIC) {
        return Ok(Found::Parquet);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Found::Zip);
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Found::Gzip);
    }
    if tar::looks_like(head) {
        return Ok(Found::Tar);
    }
    look_at_text(head).map(Found::Text)
}

fn look_at_text(head: &[u8]) -> Result<Text, String> {
    let text = lines::without_mark(head);
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16; save it as UTF-8".into());
    }
    if text.contains(&0) {
        return Err("it is binary, and neither Parquet nor an archive".into());
    }
    match text.iter().find(|b| !b.is_ascii_whitespace()) {
        None => Err("it is empty".into()),
        Some(b'{') => Ok(Text::JsonLines),
        Some(b'[') => Err("it is one JSON array; write one object a line instead".into()),
        Some(_) => Ok(Text::Trace),
    }
}

/// Reads one file, whatever it is.
fn file_of_any_format<'a>(
    name: &str,
    mut input: Box<dyn ReadSeek + 'a>,
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    let at = Source { file: name.into(), line: None };
    let mut head = Vec::new();
    (&mut input).take(HEAD as u64).read_to_end(&mut head).map_err(Error::io("read", name))?;
    input.rewind().map_err(Error::io("read", name))?;
    match look(&head).map_err(|reason| Error::UnknownFormat { path: name.into(), reason })? {
        Found::Zip => tree_of_any_layout(Tree::zip(name, input, budget.clone())?, budget, into),
        Found::Tar => tree_of_any_layout(Tree::tar(name, input, budget.clone())?, budget, into),
        Found::Parquet => parquet::read(input, &at, None, budget, into),
        Found::Gzip => {
            let fatal = |error| match Refusal::reading(&at)(error) {
                Refusal::Fatal(error) => error,
                Refusal::Bad(reason) => Error::Bad { source_at: at.clone(), reason: reason.into() },
            };
            let raw: Box<dyn BufRead + 'a> = Box::new(BufReader::with_capacity(HEAD, input));
            let mut unpacked = tree::ungzipped(raw, budget).map_err(fatal)?;
            let (head, _) = tree::head(&mut unpacked, HEAD).map_err(fatal)?;
            match look(&head).map_err(|reason| Error::UnknownFormat { path: name.into(), reason })? {
                Found::Text(text) => {
                    let mut all = BufReader::with_capacity(HEAD, Cursor::new(head).chain(unpacked));
                    text_of_any_format(text, &mut all, &at, None, into)
                }
                Found::Tar => {
                    let mut all = BufReader::with_capacity(HEAD, Cursor::new(head).chain(unpacked));
                    let tar = tree::slurp(&mut all).map_err(fatal)?;
                    tree_of_any_layout(Tree::tar(name, Box::new(tar), budget.clone())?, budget, into)
                }
                Found::Zip | Found::Parquet | Found::Gzip => Err(Error::UnknownFormat {
                    path: name.into(),
                    reason: "it is packed twice; unpack the gzip first".into(),
                }),
            }
        }
        Found::Text(text) => {
            text_of_any_format(text, &mut BufReader::with_capacity(HEAD, input), &at, None, into)
        }
    }
}

/// Reads one text file.
fn text_of_any_format(
    text: Text,
    input: &mut dyn BufRead,
    at: &Source,
    part: Option<&str>,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    match text {
        Text::JsonLines => json_lines::read(input, at, part, into),
        Text::Trace => {
            into.set_format(Format::TraceFile);
            trace_file::read(Ok(Box::new(input)), Labels::default(), at, into)
        }
    }
}

/// Reads a folder or archive, whatever its layout.
fn tree_of_any_layout(mut tree: Tree<'_>, _budget: &Budget, into: &mut Collector<'_>) -> Result<(), Error> {
    if adfa::looks_like(tree.paths()) {
        return adfa::read(&mut tree, into);
    }
    Err(Error::UnknownFormat { path: tree.root().into(), reason: "its layout is not known".into() })
}
