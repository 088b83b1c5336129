//! Parquet: our own interchange format, one row a trace, and whatever has the same columns.
//!
//! The columns stand in [`mod@crate::read`].
//!
//! The crate `parquet` writes these files ([`crate::write`]); it does not read them. Its reader reserves
//! memory by what headers promise and recurses as deep as a schema asks, which is fine for one's own
//! files and not for those of others. What a data set needs of the format is small: this reader knows
//! dictionary and plain pages of text and whole numbers, packed by zstd, snappy or gzip or not at all
//! (what pandas and pyarrow write unless told otherwise), and says so of anything else.

mod column;
mod footer;
mod thrift;

use std::borrow::Cow;

use super::Format;
use super::budget::Budget;
use super::calls::Reason;
use super::collect::{Collector, Labels, Refusal, Row};
use super::tree::ReadSeek;
use crate::{Error, Source};
use column::{Cell, Column};

pub(super) use footer::MAGIC;

/// The file does not hold what its own headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken(&'static str);

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        Self::Bad(format!("It is not Parquet that can be read: {}.", broken.0).into())
    }
}

/// The columns that mean something, and what.
const LABELS: [(&str, What); 8] = [
    ("class", What::Class),
    ("label", What::Class),
    ("group", What::Group),
    ("part", What::Part),
    ("abi", What::Abi),
    ("source", What::Source),
    ("line", What::Line),
    ("lost", What::Lost),
];

const CALLS: [&str; 2] = ["calls", "trace"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Class,
    Group,
    Part,
    Abi,
    Source,
    Line,
    Lost,
}

/// Reads every row as one trace; `part` is the part of rows that name none.
///
/// Damage within a file ends it there, for its pages do not stand alone; the rows before are kept.
pub(super) fn read(
    mut input: Box<dyn ReadSeek + '_>,
    file: &Source,
    part: Option<&str>,
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    into.set_format(Format::Parquet);
    match rows(&mut *input, file, part, budget, into) {
        Ok(()) => Ok(()),
        Err(Refusal::Fatal(error)) => Err(error),
        Err(Refusal::Bad(reason)) => into.bad(file, reason),
    }
}

fn rows(
    input: &mut dyn ReadSeek,
    file: &Source,
    part: Option<&str>,
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Refusal> {
    let label = |root: &str| LABELS.iter().find(|(name, _)| *name == root).map(|(_, what)| *what);
    let footer = footer::read(input, file, |root| CALLS.contains(&root) || label(root).is_some())?;
    let mut cells = 0usize;
    let mut number = 0u64;
    for group in &footer.groups {
        let mut calls = None;
        let mut labels: Vec<(What, Column)> = Vec::new();
        for chunk in &group.chunks {
            let Some(leaf) = footer.leaves.get(chunk.leaf) else { continue };
            let column = Column::new(leaf, chunk);
            match label(&leaf.root) {
                // A column of lists, or a second one of the same meaning, is not a label.
                Some(what) if !column.repeats() && labels.iter().all(|(w, _)| *w != what) => {
                    labels.push((what, column));
                }
                Some(_) => {}
                None => calls = calls.or(Some(column)),
            }
        }
        let Some(mut calls) = calls else {
            return Err(Refusal::Bad("It has no column `calls` (or `trace`).".into()));
        };
        calls.load(input, file, budget)?;
        let entries: Vec<Option<u16>> = calls.dictionary().map(|cell| intern(cell, into)).collect();
        for _ in 0..group.rows {
            number += 1;
            let at = Source { file: file.file.clone(), line: Some(number) };
            let mut found = Labels { part: part.map(Cow::from), ..Labels::default() };
            let mut source: (Option<String>, Option<u64>) = (None, None);
            for (what, column) in &mut labels {
                column.load(input, file, budget)?;
                let Some(text) = text_of(column)? else { continue };
                match what {
                    What::Class => found.class = Some(text.into()),
                    What::Group => found.group = Some(text.into()),
                    What::Part => found.part = Some(text.into()),
                    What::Abi => found.abi = Some(text.into()),
                    What::Source => source.0 = Some(text),
                    What::Line => source.1 = text.parse().ok(),
                    What::Lost => found.lost = text.parse().unwrap_or_default(),
                }
            }
            found.source = source.0.map(|name| Source { file: name.into(), line: source.1 });
            let limit = into.options.limits.total_calls;
            let mut broken = None;
            into.row(&at, |row| {
                // Damage is told apart from a bad row: it must end the file, not just this row.
                match fill(row, &mut calls, &entries, input, file, budget, &mut cells) {
                    Ok(bad) if cells > limit => {
                        drop(bad);
                        Err(Refusal::Fatal(Error::TooLarge {
                            source_at: at.clone(),
                            what: "the column of calls".into(),
                            limit: format!("{limit} values"),
                        }))
                    }
                    Ok(None) => Ok(found),
                    Ok(Some(reason)) => Err(Refusal::Bad(reason)),
                    Err(Refusal::Bad(reason)) => {
                        broken = Some(reason.clone());
                        Err(Refusal::Bad(reason))
                    }
                    Err(fatal) => Err(fatal),
                }
            })?;
            if broken.is_some() {
                into.note(format!("{file} is damaged; what follows row {number} of it was not read."));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Reads the calls of one row to their end. A value that is no call makes the row bad, with the reason.
fn fill(
    row: &mut Row<'_>,
    calls: &mut Column,
    entries: &[Option<u16>],
    input: &mut dyn ReadSeek,
    file: &Source,
    budget: &Budget,
    cells: &mut usize,
) -> Result<Option<Reason>, Refusal> {
    let mut bad: Option<Reason> = None;
    let list = calls.repeats();
    if calls.continues(input, file, budget)? != Some(false) {
        return Err(Broken("a column of calls has fewer rows than the file").into());
    }
    let mut first = true;
    loop {
        *cells += 1;
        let outcome = match calls.cell()? {
            // An absent or empty list is one null; in a longer list, a null is a hole.
            Cell::Null if first => Ok(()),
            Cell::Null => Err("A call of it is null.".into()),
            Cell::Entry(index) => match (entries.get(index), list) {
                (Some(Some(id)), true) => row.push(*id),
                _ => one(row, calls.entry(index), list),
            },
            cell => one(row, cell, list),
        };
        if let Err(reason) = outcome {
            bad.get_or_insert(reason);
        }
        if !list || calls.continues(input, file, budget)? != Some(true) {
            break;
        }
        first = false;
    }
    Ok(bad)
}

/// Adds what a cell holds: one call in a list, or all of a row's in a text.
fn one(row: &mut Row<'_>, cell: Cell<'_>, list: bool) -> Result<(), Reason> {
    match cell {
        Cell::Bytes(text) if list => row.token(text),
        Cell::Bytes(text) => row.text(text),
        Cell::Int(number) => match u32::try_from(number) {
            Ok(number) => row.number(number),
            Err(_) => Err(format!("{number} is not the number of a call.").into()),
        },
        Cell::Null | Cell::Entry(_) => Ok(()),
    }
}

/// The index of a dictionary entry that is a call; rows that use another one are bad, each by itself.
fn intern(cell: Cell<'_>, into: &mut Collector<'_>) -> Option<u16> {
    match cell {
        Cell::Bytes(name) => into.calls.token(name).ok(),
        Cell::Int(number) => into.calls.number(u32::try_from(number).ok()?).ok(),
        Cell::Null | Cell::Entry(_) => None,
    }
}

/// The next cell of a column of labels, as text.
fn text_of(column: &mut Column) -> Result<Option<String>, Broken> {
    fn text(cell: Cell<'_>) -> Option<String> {
        match cell {
            Cell::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Cell::Int(number) => Some(number.to_string()),
            Cell::Null | Cell::Entry(_) => None,
        }
    }
    let index = match column.cell()? {
        Cell::Entry(index) => index,
        cell => return Ok(text(cell)),
    };
    Ok(text(column.entry(index)))
}
