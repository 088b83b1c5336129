//! CSV: a label column, a trace column, and what else there may be.
//!
//! ```csv
//! label,trace
//! 0,6 6 63 6 42 120 6 195
//! Adduser,open read close
//! ```
//!
//! Nothing about the file is taken for granted. The separator (comma, semicolon, tab, bar) is the one
//! under which rows have equally many fields; a header is recognised by its words, or by a trace column
//! that begins with no call; the trace column is the named one, or the one with the most calls in it;
//! the label column is the named one, or of the others the one with the fewest distinct values (an index
//! column, as pandas writes it, has the most). Columns `group`, `part`, `abi` and `source` are
//! understood by name.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

use super::Format;
use super::calls::{parse_name, parse_number};
use super::collect::{Collector, Labels, Refusal};
use super::lines::without_mark;
use crate::{Abi, Error, ReadOptions, Source};

/// How many rows are looked at to understand a file.
const SAMPLE: usize = 200;

/// More fields than this in a row mean that the row is no row.
const MOST_FIELDS: usize = 1 << 16;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

const LABEL_WORDS: [&str; 10] =
    ["label", "labels", "class", "category", "type", "target", "family", "attack", "attack_type", "y"];
const TRACE_WORDS: [&str; 10] =
    ["trace", "traces", "calls", "sequence", "syscalls", "syscall", "system_calls", "text", "sequences", "x"];

/// What a file's columns are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    separator: u8,
    header: bool,
    fields: usize,
    trace: usize,
    label: Option<usize>,
    group: Option<usize>,
    part: Option<usize>,
    abi: Option<usize>,
    source: Option<usize>,
    /// The header, or column numbers, for messages.
    names: Vec<String>,
}

impl Layout {
    /// Understands a file from its beginning; `None` if it is no CSV with traces in it. `all` says
    /// whether `head` is the whole file, so that its last row can be trusted.
    ///
    /// # Errors
    /// If it is CSV, and a column that the options name is not in it; the text says which there are.
    pub(super) fn find(head: &[u8], all: bool, options: &ReadOptions) -> Result<Option<Self>, String> {
        let head = without_mark(head);
        let mut best: Option<(f64, u8, Vec<Vec<String>>)> = None;
        for separator in SEPARATORS {
            let rows = sample(head, all, separator);
            let Some((fields, share)) = usual_width(&rows) else { continue };
            if fields >= 2 && best.as_ref().is_none_or(|(most, ..)| share > *most) {
                best = Some((share, separator, rows));
            }
        }
        let Some((share, separator, rows)) = best else { return Ok(None) };
        let named = options.label_column.is_some() || options.trace_column.is_some();
        if share < 0.5 && !named {
            return Ok(None);
        }
        Self::of(separator, rows, options)
    }

    fn of(separator: u8, mut rows: Vec<Vec<String>>, options: &ReadOptions) -> Result<Option<Self>, String> {
        let Some((fields, _)) = usual_width(&rows) else { return Ok(None) };
        rows.retain(|row| row.len() == fields);
        let Some((first, rest)) = rows.split_first() else { return Ok(None) };
        let words: Vec<String> = first.iter().map(|f| f.trim().to_ascii_lowercase()).collect();
        let by_word = |known: &[&str]| words.iter().position(|w| known.contains(&w.as_str()));
        let by_option = |wanted: &Option<String>| -> Result<Option<usize>, String> {
            let Some(wanted) = wanted else { return Ok(None) };
            let found = match wanted.parse::<usize>() {
                Ok(number) => number.checked_sub(1).filter(|&n| n < fields),
                Err(_) => first.iter().position(|f| f.trim() == wanted.trim()),
            };
            found.map(Some).ok_or_else(|| {
                format!(
                    "it has no column {wanted:?}; there are {}",
                    first.iter().take(20).map(|f| f.trim()).collect::<Vec<_>>().join(", ")
                )
            })
        };
        let optional = |word: &str| by_word(&[word]);

        let body = if rest.is_empty() { &rows } else { rest };
        let mean_calls: Vec<f64> = (0..fields)
            .map(|column| {
                body.iter().map(|row| call_count(&row[column])).sum::<usize>() as f64 / body.len() as f64
            })
            .collect();
        let fullest = (0..fields).rev().max_by(|&a, &b| mean_calls[a].total_cmp(&mean_calls[b]));
        let trace = match by_option(&options.trace_column)?.or_else(|| by_word(&TRACE_WORDS)) {
            Some(column) => column,
            None => match fullest {
                Some(column) if mean_calls[column] > 1.0 => column,
                _ => return Ok(None),
            },
        };
        let by_name = |wanted: &Option<String>| wanted.as_ref().is_some_and(|w| w.parse::<usize>().is_err());
        let header = by_name(&options.label_column)
            || by_name(&options.trace_column)
            || by_word(&LABEL_WORDS).is_some()
            || by_word(&TRACE_WORDS).is_some()
            || (!rest.is_empty() && mean_calls[trace] > 1.0 && call_count(&first[trace]) == 0);
        let others: Vec<usize> = (0..fields).filter(|&column| column != trace).collect();
        let label = match by_option(&options.label_column)? {
            Some(column) => Some(column),
            None => {
                header.then(|| by_word(&LABEL_WORDS)).flatten().filter(|&column| column != trace).or_else(
                    || {
                        others.into_iter().min_by_key(|&column| {
                            rest.iter().map(|row| row[column].trim()).collect::<HashSet<_>>().len()
                        })
                    },
                )
            }
        };
        let role =
            |word: &str| header.then(|| optional(word)).flatten().filter(|&c| c != trace && Some(c) != label);
        let names = if header {
            first.iter().map(|f| f.trim().to_owned()).collect()
        } else {
            (1..=fields).map(|n| format!("column {n}")).collect()
        };
        Ok(Some(Self {
            separator,
            header,
            fields,
            trace,
            label,
            group: role("group"),
            part: role("part"),
            abi: role("abi"),
            source: role("source"),
            names,
        }))
    }
}

/// The rows at the beginning of a file, the last one only if it is complete.
fn sample(head: &[u8], all: bool, separator: u8) -> Vec<Vec<String>> {
    let mut input = head;
    let mut records = Records::new(&mut input, separator, head.len() + 1);
    let mut rows = Vec::new();
    while rows.len() < SAMPLE {
        match records.next() {
            Ok(Some(Record::Fits)) => {
                rows.push(records.fields().iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect());
            }
            Ok(Some(Record::TooLong)) => {}
            Ok(None) | Err(_) => {
                if !all {
                    rows.pop();
                }
                break;
            }
        }
    }
    rows
}

/// How many fields most rows have, and the share of those rows.
fn usual_width(rows: &[Vec<String>]) -> Option<(usize, f64)> {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|(width, _)| *width == row.len()) {
            Some((_, count)) => *count += 1,
            None => counts.push((row.len(), 1)),
        }
    }
    let (width, count) = counts.into_iter().max_by_key(|&(_, count)| count)?;
    Some((width, count as f64 / rows.len() as f64))
}

/// How many calls a field holds that may well be calls: numbers, and names that some kernel has; 0 if it
/// holds anything that cannot be a call. Prose has words too.
fn call_count(field: &str) -> usize {
    let mut count = 0;
    for token in field.split(|c: char| c.is_ascii_whitespace() || ",;|[]()\"'".contains(c)) {
        let bytes = token.as_bytes();
        if bytes.is_empty() {
            continue;
        }
        if parse_number(bytes).is_some() || Abi::KERNEL.iter().any(|abi| abi.number_of(token).is_some()) {
            count += 1;
        } else if parse_name(bytes).is_none() {
            return 0;
        }
    }
    count
}

/// Reads every row as one trace; `part` is the part of rows that name none.
pub(super) fn read(
    input: &mut dyn BufRead,
    layout: &Layout,
    file: &Source,
    part: Option<&str>,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    into.set_format(Format::Csv);
    let of = |column: Option<usize>| column.map_or("none", |c| layout.names[c].as_str());
    into.note(format!(
        "{file}: the traces were taken from {:?} and the labels from {:?}, separated by {:?}.",
        of(Some(layout.trace)),
        of(layout.label),
        char::from(layout.separator)
    ));
    let limit = into.options.limits.line_bytes;
    let mut records = Records::new(input, layout.separator, limit);
    let mut first = true;
    loop {
        let outcome = records.next();
        let at = Source { file: file.file.clone(), line: Some(records.line) };
        let fields = match outcome {
            Ok(Some(Record::Fits)) => records.fields(),
            Ok(Some(Record::TooLong)) => {
                into.bad(&at, format!("The row is longer than {limit} bytes; is a quote not closed?"))?;
                continue;
            }
            Ok(None) => return Ok(()),
            Err(error) => return into.row(&at, |_| Err(Refusal::reading(&at)(error))),
        };
        if std::mem::take(&mut first) && layout.header {
            continue;
        }
        into.row(&at, |row| {
            if fields.len() != layout.fields {
                return Err(Refusal::Bad(
                    format!("It has {} fields where {} were expected.", fields.len(), layout.fields).into(),
                ));
            }
            row.text(fields.get(layout.trace))?;
            let word = |column: Option<usize>, what: &str| -> Result<Option<Cow<'_, str>>, Refusal> {
                let Some(column) = column else { return Ok(None) };
                let text = std::str::from_utf8(fields.get(column));
                text.map(|t| Some(t.into()))
                    .map_err(|_| Refusal::Bad(format!("The {what} is not valid UTF-8.").into()))
            };
            let source = word(layout.source, "source")?.filter(|s| !s.trim().is_empty());
            Ok(Labels {
                class: word(layout.label, "label")?,
                group: word(layout.group, "group")?,
                part: word(layout.part, "part")?.filter(|p| !p.trim().is_empty()).or(part.map(Cow::from)),
                abi: word(layout.abi, "ABI")?,
                source: source.map(|s| Source { file: (&*s).into(), line: None }),
                lost: 0,
            })
        })?;
    }
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    /// It is in [`Records::fields`].
    Fits,
    /// Longer than the limit. It was passed over without being held.
    TooLong,
}

/// The fields of a row, unquoted.
#[derive(Clone, Copy)]
struct Fields<'b> {
    bytes: &'b [u8],
    ends: &'b [usize],
}

impl<'b> Fields<'b> {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, index: usize) -> &'b [u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    fn iter(&self) -> impl Iterator<Item = &'b [u8]> {
        (0..self.len()).map(|i| self.get(i))
    }
}

/// Reads rows, and passes over those that are longer than a limit. (The crate `csv` itself would hold
/// the rest of a file after an unclosed quote.)
struct Records<'r> {
    input: &'r mut dyn BufRead,
    core: csv_core::Reader,
    limit: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// How much of both the last row takes.
    filled: usize,
    ended: usize,
    /// The line where the last row began, from 1, and how many line ends were passed.
    line: u64,
    passed: u64,
}

impl<'r> Records<'r> {
    fn new(input: &'r mut dyn BufRead, separator: u8, limit: usize) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(separator).build();
        Self {
            input,
            core,
            limit,
            bytes: vec![0; 1 << 10],
            ends: vec![0; 16],
            filled: 0,
            ended: 0,
            line: 0,
            passed: 0,
        }
    }

    /// The last row, if it did fit.
    fn fields(&self) -> Fields<'_> {
        Fields { bytes: &self.bytes[..self.filled], ends: &self.ends[..self.ended] }
    }

    fn next(&mut self) -> io::Result<Option<Record>> {
        self.skip_line_ends()?;
        self.line = self.passed + 1;
        (self.filled, self.ended) = (0, 0);
        let mut too_long = false;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let (result, read, wrote, ends) =
                self.core.read_record(chunk, &mut self.bytes[self.filled..], &mut self.ends[self.ended..]);
            self.passed += chunk[..read].iter().filter(|&&b| b == b'\n').count() as u64;
            self.input.consume(read);
            self.filled += wrote;
            self.ended += ends;
            too_long |= self.filled > self.limit;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if too_long || self.bytes.len() > self.limit => {
                    (self.filled, too_long) = (0, true);
                }
                ReadRecordResult::OutputFull => self.bytes.resize(2 * self.bytes.len(), 0),
                ReadRecordResult::OutputEndsFull if too_long || self.ends.len() >= MOST_FIELDS => {
                    (self.ended, too_long) = (0, true);
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => {
                    return Ok(Some(if too_long { Record::TooLong } else { Record::Fits }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Line ends before a row belong to the row before, or to an empty line.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let blank = chunk.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            self.passed += chunk[..blank].iter().filter(|&&b| b == b'\n').count() as u64;
            let done = blank < chunk.len() || chunk.is_empty();
            self.input.consume(blank);
            if done {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn layout(text: &str) -> Option<Layout> {
        Layout::find(text.as_bytes(), true, &ReadOptions::default()).unwrap()
    }

    fn columns(text: &str) -> (u8, bool, usize, Option<usize>) {
        let found = layout(text).unwrap_or_else(|| panic!("no layout in {text:?}"));
        (found.separator, found.header, found.trace, found.label)
    }

    #[test]
    fn separators_headers_and_columns_are_found() {
        assert_eq!(columns("label,trace\n0,3 5 6\n1,4 4\n"), (b',', true, 1, Some(0)));
        assert_eq!(columns("0,3 5 6\n1,4 4\n"), (b',', false, 1, Some(0)));
        assert_eq!(columns("3 5 6;normal\n4 4;attack\n"), (b';', false, 0, Some(1)));
        assert_eq!(
            columns("what\tit did\nnormal\topen read\nattack\tclone execve\n"),
            (b'\t', true, 1, Some(0))
        );
        assert_eq!(columns(",label,trace\n0,normal,3 5\n1,normal,4 4\n2,x,5 5\n"), (b',', true, 2, Some(1)));
        assert_eq!(columns("0,7,3 5\n1,7,4 4\n2,8,5 5\n3,8,5 9\n"), (b',', false, 2, Some(1)));
        assert_eq!(columns("normal|\"3,5,6\"\nattack|\"4,4\"\n"), (b'|', false, 1, Some(0)));
        assert_eq!(columns("type,syscalls\nx,read\n"), (b',', true, 1, Some(0)));
    }

    #[test]
    fn what_is_no_table_of_traces_is_left_alone() {
        assert_eq!(layout("3 5 6 7\n"), None);
        assert_eq!(layout("3,5,6,7\n"), None);
        assert_eq!(layout("3\t5\t6\n7\t8\t9\n"), None);
        assert_eq!(layout("Dear all, here they are.\n\nYours\n"), None);
        assert_eq!(layout(""), None);
    }

    #[test]
    fn columns_can_be_named_or_numbered() {
        let text = "a,b,c\n1,3 5,4 4\n2,5 5,6 6\n";
        let options = |trace: &str, label: &str| ReadOptions {
            trace_column: Some(trace.into()),
            label_column: Some(label.into()),
            ..ReadOptions::default()
        };
        let found = Layout::find(b"kind,what,c\n1,3,4\n", true, &options("what", "kind")).unwrap().unwrap();
        assert_eq!((found.header, found.trace, found.label), (true, 1, Some(0)));
        let found = Layout::find(text.as_bytes(), true, &options("b", "3")).unwrap().unwrap();
        assert_eq!((found.trace, found.label), (1, Some(2)));
        let error = Layout::find(text.as_bytes(), true, &options("d", "a")).unwrap_err();
        assert_eq!(error, "it has no column \"d\"; there are a, b, c");
    }

    #[test]
    fn rows_know_their_lines_and_long_ones_are_not_held() {
        let long = "9 ".repeat(4000);
        let text = format!("a,1\r\n\r\n\"b\nb\",2\r\n{long},3\r\nc,4\n\"never closed {long}");
        let mut input = BufReader::with_capacity(7, text.as_bytes());
        let mut records = Records::new(&mut input, b',', 100);
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let first = match record {
                Record::Fits => Some(String::from_utf8_lossy(records.fields().get(0)).into_owned()),
                Record::TooLong => None,
            };
            found.push((first, records.line));
        }
        assert_eq!(
            found,
            [(Some("a".into()), 1), (Some("b\nb".into()), 3), (None, 5), (Some("c".into()), 6), (None, 7)]
        );
        assert!(records.bytes.len() <= 2048, "{}", records.bytes.len());
    }
}
