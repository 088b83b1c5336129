//! A whole file that is one trace: calls with blanks or line ends between them, or bars, as DongTing writes
//! them.

use std::io::{self, BufRead};

use super::calls::{LONGEST_NAME, Reason};
use super::collect::{Collector, Labels, Refusal, Row};
use super::lines::without_mark;
use crate::{Error, Source};

/// Reads one opened file as one trace. A file that cannot be opened is a bad one.
pub(super) fn read(
    opened: io::Result<Box<dyn BufRead + '_>>,
    labels: Labels<'_>,
    at: &Source,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    into.row(at, |row| {
        let mut input = opened.map_err(Refusal::reading(at))?;
        tokens(&mut *input, at, row)?;
        Ok(labels)
    })
}

/// Reads tokens up to the end, holding no more than one buffer and one token.
fn tokens(input: &mut dyn BufRead, at: &Source, row: &mut Row<'_>) -> Result<(), Refusal> {
    let mut torn: Vec<u8> = Vec::new();
    let mut first = true;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Refusal::reading(at)(error)),
        };
        let used = chunk.len();
        if used == 0 {
            break;
        }
        let mut rest = if std::mem::take(&mut first) { without_mark(chunk) } else { chunk };
        while let Some(end) = rest.iter().position(|b| b.is_ascii_whitespace() || *b == b'|') {
            let (token, after) = (&rest[..end], &rest[end + 1..]);
            if torn.is_empty() {
                if !token.is_empty() {
                    row.token(token)?;
                }
            } else {
                tear(&mut torn, token)?;
                row.token(&torn)?;
                torn.clear();
            }
            rest = after;
        }
        tear(&mut torn, rest)?;
        input.consume(used);
    }
    if !torn.is_empty() {
        row.token(&torn)?;
    }
    Ok(())
}

/// Keeps the beginning of a token that goes on in the next buffer.
fn tear(torn: &mut Vec<u8>, part: &[u8]) -> Result<(), Reason> {
    if torn.len() + part.len() > LONGEST_NAME {
        return Err(format!("A word of it is longer than {LONGEST_NAME} bytes, so it is no trace.").into());
    }
    torn.extend_from_slice(part);
    Ok(())
}
