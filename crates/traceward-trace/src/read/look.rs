//! What a file is, from its first bytes.

use super::calls::parse_number;
use super::csv_table::Layout;
use super::log::{self, Dialect};
use super::{lines, parquet, tar, unm};
use crate::ReadOptions;

/// How much of a file is looked at, in bytes.
pub(super) const HEAD: usize = 64 << 10;

/// Why a table with one call a column is not read: those that are known (AWSCTD) hold Windows' calls by numbers
/// of their own, and no table here gives them names.
pub(super) const ONE_CALL_A_COLUMN: &str = "it is CSV with one call in each column and a label in the last, \
     as AWSCTD writes Windows' calls, whose numbers are not known here; for calls of Linux, put each trace in \
     one column";

/// What a file turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
    Gzip,
    Parquet,
    Text(Text),
}

/// What a text turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    JsonLines,
    Csv(Box<Layout>),
    Unm,
    /// What a tracer wrote, one call a line.
    Log(Dialect),
    /// Words between blanks: one trace, or prose. Reading it will tell.
    Trace,
}

/// Looks at the first [`HEAD`] bytes of a file; `all` says that there are no more.
///
/// # Errors
/// Why it is nothing that is read here.
pub(super) fn look(head: &[u8], all: bool, options: &ReadOptions) -> Result<Kind, String> {
    if head.starts_with(parquet::MAGIC) {
        return Ok(Kind::Parquet);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Kind::Zip);
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Kind::Gzip);
    }
    if tar::looks_like(head) {
        return Ok(Kind::Tar);
    }
    text(head, all, options).map(Kind::Text)
}

fn text(head: &[u8], all: bool, options: &ReadOptions) -> Result<Text, String> {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16; save it as UTF-8".into());
    }
    let text = lines::without_mark(head);
    let Some(first) = text.iter().find(|b| !b.is_ascii_whitespace()) else {
        return if all { Err("it is empty".into()) } else { Ok(Text::Trace) };
    };
    if let Some(dialect) = log::dialect(text, all) {
        return Ok(Text::Log(dialect));
    }
    match first {
        0 => Err("it is binary, and neither Parquet nor an archive".into()),
        b'{' => Ok(Text::JsonLines),
        b'[' if text.iter().take(256).any(|&b| b == b'{') => {
            Err("it is one JSON array; write one object a line instead".into())
        }
        _ if unm::looks_like(text, all) => Ok(Text::Unm),
        _ => match Layout::find(text, all, options)? {
            Some(layout) => Ok(Text::Csv(Box::new(layout))),
            None if options.label_column.is_some() || options.trace_column.is_some() => {
                Err("a column was named, and it is not CSV with traces in a column".into())
            }
            None if one_call_a_column(text, all) => Err(ONE_CALL_A_COLUMN.into()),
            None => Ok(Text::Trace),
        },
    }
}

/// Whether every row is of numbers between commas, and ends with a word.
fn one_call_a_column(text: &[u8], all: bool) -> bool {
    let mut lines: Vec<&[u8]> = text.split(|&b| b == b'\n').collect();
    // The last one may be cut off.
    if !all && lines.len() > 1 {
        lines.pop();
    }
    let mut rows =
        lines.into_iter().map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).take(20).peekable();
    let is_row = |row: &[u8]| {
        let mut fields = row.split(|&b| b == b',').map(<[u8]>::trim_ascii);
        let label = fields.next_back().unwrap_or_default();
        let calls = fields.clone().count();
        calls > 2
            && fields.all(|call| parse_number(call).is_some())
            && label.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'"' || *b == b'\'')
    };
    rows.peek().is_some() && rows.all(is_row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &[u8]) -> Result<Kind, String> {
        look(text, true, &ReadOptions::default())
    }

    #[test]
    fn formats_are_told_by_what_is_in_them() {
        assert_eq!(kind(b"PK\x03\x04rest"), Ok(Kind::Zip));
        assert_eq!(kind(b"PAR1rest"), Ok(Kind::Parquet));
        assert_eq!(kind(b"\x1f\x8brest"), Ok(Kind::Gzip));
        assert_eq!(kind(&tar::tests::archive(&[("a", b"1 2")])), Ok(Kind::Tar));
        assert_eq!(kind(b"\xef\xbb\xbf\n {\"calls\": []}"), Ok(Kind::Text(Text::JsonLines)));
        assert_eq!(kind(b"1 2\n1 3\n"), Ok(Kind::Text(Text::Unm)));
        assert!(matches!(kind(b"label,trace\nx,3 4\n"), Ok(Kind::Text(Text::Csv(_)))));
        assert_eq!(kind(b"3 4 5 "), Ok(Kind::Text(Text::Trace)));
        assert_eq!(kind(b"openat|read|close"), Ok(Kind::Text(Text::Trace)));
        assert_eq!(kind(b"257|0|3\n"), Ok(Kind::Text(Text::Trace)));
    }

    #[test]
    fn what_is_nothing_says_why() {
        assert!(kind(b"").unwrap_err().contains("empty"));
        assert!(kind(b" \n").unwrap_err().contains("empty"));
        assert!(kind(b"\0\0\0\0").unwrap_err().contains("binary"));
        assert!(kind(b"\xff\xfe3\0 \x004\0").unwrap_err().contains("UTF-16"));
        assert!(kind(b"[{\"calls\": [1]}]").unwrap_err().contains("one object a line"));
        let wide = b"12,5,7,AdWare\n3,5,9,Clean\n";
        assert!(kind(wide).unwrap_err().contains("AWSCTD"));
        let named = ReadOptions { label_column: Some("label".into()), ..ReadOptions::default() };
        assert!(look(b"3 4 5", true, &named).unwrap_err().contains("column"));
    }
}
