//! Several tables in one folder or archive: `train.csv` and `validation.csv`, shards of Parquet.
//!
//! Each table is a part of the data set, by its name. `train`, `training`, `val`, `valid`, `validation`
//! and `test` mean what they say, however they are spelt.

use std::io::{BufReader, Cursor, Read};

use super::budget::Budget;
use super::collect::{Collector, Refusal};
use super::look::{HEAD, Kind, ONE_CALL_A_COLUMN, Text, look};
use super::tree::Tree;
use super::{parquet, text_of_any_format};
use crate::Error;

/// The part that a file is, and its place among the others.
pub(super) fn part_of(path: &str) -> (u8, String) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    match stem.as_str() {
        "train" | "training" => (0, "train".into()),
        "val" | "valid" | "validation" | "validate" | "dev" => (1, "validation".into()),
        "test" | "testing" => (2, "test".into()),
        _ => (3, stem),
    }
}

/// Reads the members `tables`, training first.
pub(super) fn read(
    tree: &mut Tree<'_>,
    tables: &[usize],
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    let mut order: Vec<((u8, String), usize)> =
        tables.iter().map(|&index| (part_of(tree.path(index)), index)).collect();
    order.sort();
    for ((known, part), index) in order {
        let at = tree.source(index);
        // The name of a single file says something only if it is one of the known ones.
        let part = (known < 3 || tables.len() > 1).then_some(part.as_str());
        let unreadable = Refusal::reading(&at);
        let (head, all) = match tree.head(index, HEAD) {
            Ok(head) => head,
            Err(error) => {
                into.row(&at, |_| Err(unreadable(error)))?;
                continue;
            }
        };
        match look(&head, all, into.options) {
            Ok(Kind::Parquet) => match tree.open_seekable(index) {
                Ok(input) => parquet::read(input, &at, part, budget, into)?,
                Err(error) => into.row(&at, |_| Err(Refusal::reading(&at)(error)))?,
            },
            Ok(Kind::Text(text @ (Text::JsonLines | Text::Csv(_)))) => match tree.open(index) {
                Ok(input) => text_of_any_format(&text, input, &at, part, into)?,
                Err(error) => into.row(&at, |_| Err(Refusal::reading(&at)(error)))?,
            },
            Ok(_) => {}
            Err(reason) => into.bad(&at, format!("It is not a table of traces: {reason}."))?,
        }
    }
    Ok(())
}

/// Puts back what was looked at.
pub(super) fn rejoined<'r>(head: Vec<u8>, rest: impl Read + 'r) -> BufReader<impl Read + 'r> {
    BufReader::with_capacity(HEAD, Cursor::new(head).chain(rest))
}

/// Which members of a tree are tables, which recordings of UNM's kind or logs, and which may be traces.
#[derive(Default)]
pub(super) struct Census {
    pub(super) tables: Vec<usize>,
    pub(super) recordings: usize,
    pub(super) logs: usize,
    pub(super) traces: usize,
}

impl Census {
    /// Looks into members: all of a small tree, and some spread over a large one, whose layout they show.
    pub(super) fn of(tree: &mut Tree<'_>, into: &Collector<'_>) -> Self {
        const ENOUGH: usize = 64;
        let step = tree.len().div_ceil(ENOUGH).max(1);
        let mut census = Self::default();
        for index in (0..tree.len()).step_by(step) {
            let Ok((head, all)) = tree.head(index, HEAD) else { continue };
            match look(&head, all, into.options) {
                Ok(Kind::Parquet | Kind::Text(Text::JsonLines | Text::Csv(_))) => census.tables.push(index),
                Ok(Kind::Text(Text::Unm)) => census.recordings += 1,
                // A zip in a folder or archive is a recording of LID-DS.
                Ok(Kind::Text(Text::Log(_)) | Kind::Zip) => census.logs += 1,
                Ok(Kind::Text(Text::Trace)) => census.traces += 1,
                // Why a table is not read is worth saying, in its place.
                Err(reason) if reason.contains("it has no column") || reason == ONE_CALL_A_COLUMN => {
                    census.tables.push(index);
                }
                _ => {}
            }
        }
        census
    }

    /// Looks into every member of a tree that turned out to hold tables.
    pub(super) fn all_tables(tree: &mut Tree<'_>, into: &Collector<'_>) -> Vec<usize> {
        (0..tree.len())
            .filter(|&index| {
                let Ok((head, all)) = tree.head(index, HEAD) else { return false };
                matches!(
                    look(&head, all, into.options),
                    Ok(Kind::Parquet | Kind::Text(Text::JsonLines | Text::Csv(_)))
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_name() {
        assert_eq!(part_of("data/Training.csv"), (0, "train".into()));
        assert_eq!(part_of("validation.csv.gz"), (1, "validation".into()));
        assert_eq!(part_of("shard-7.parquet"), (3, "shard-7".into()));
    }
}
