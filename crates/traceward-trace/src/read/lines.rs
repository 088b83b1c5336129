//! Lines of a file, however long, in bounded memory.

use std::io::{self, BufRead};

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'b> {
    /// The line's bytes; `\n`, `\r\n` and a leading byte order mark are gone.
    Text(&'b [u8]),
    /// Longer than the limit. It was passed over without being held.
    TooLong,
}

/// Reads line by line, and passes over lines that are longer than a limit.
pub(super) struct Lines<'r> {
    input: &'r mut dyn BufRead,
    limit: usize,
    held: Vec<u8>,
    number: u64,
}

impl<'r> Lines<'r> {
    pub(super) fn new(input: &'r mut dyn BufRead, limit: usize) -> Self {
        Self { input, limit, held: Vec::new(), number: 0 }
    }

    /// The number of the line that [`Lines::next`] gave last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.held.clear();
        let (mut any, mut too_long) = (false, false);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|&b| b == b'\n');
            let (part, used) = end.map_or((chunk, chunk.len()), |end| (&chunk[..end], end + 1));
            if self.held.len() + part.len() > self.limit {
                too_long = true;
                self.held = Vec::new();
            } else if !too_long {
                self.held.extend_from_slice(part);
            }
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        if too_long {
            return Ok(Some(Line::TooLong));
        }
        let line = self.held.strip_suffix(b"\r").unwrap_or(&self.held);
        Ok(Some(Line::Text(if self.number == 1 { without_mark(line) } else { line })))
    }
}

/// `text` without the byte order mark that some editors put before UTF-8.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn all(text: &[u8], limit: usize, buffer: usize) -> Vec<Option<Vec<u8>>> {
        let mut input = BufReader::with_capacity(buffer, text);
        let mut lines = Lines::new(&mut input, limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Text(text) => Some(text.to_vec()),
                Line::TooLong => None,
            });
        }
        assert_eq!(lines.number(), found.len() as u64);
        found
    }

    #[test]
    fn ends_of_all_kinds_and_the_mark_go() {
        assert_eq!(
            all(b"\xef\xbb\xbfa b\r\n\nc", 100, 4),
            [Some(b"a b".to_vec()), Some(Vec::new()), Some(b"c".to_vec())]
        );
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_reading_goes_on() {
        assert_eq!(all(b"ab\nabcdefgh\ncd\n", 4, 3), [Some(b"ab".to_vec()), None, Some(b"cd".to_vec())]);
    }

    #[test]
    fn a_two_gigabyte_line_holds_no_more_than_its_limit() {
        struct Endless(u64);
        impl io::Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let n = into.len().min(usize::try_from(self.0).unwrap_or(usize::MAX));
                into[..n].fill(b'7');
                self.0 -= n as u64;
                Ok(n)
            }
        }
        let mut input = BufReader::with_capacity(1 << 20, io::Read::chain(Endless(2 << 30), &b"\n3 4\n"[..]));
        let mut lines = Lines::new(&mut input, 1 << 16);
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong));
        assert!(lines.held.capacity() <= 1 << 17, "{}", lines.held.capacity());
        assert_eq!(lines.next().unwrap(), Some(Line::Text(b"3 4")));
        assert_eq!(lines.next().unwrap(), None);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_input_is_chunked(text in "[a-c\n]{0,40}", a in 1usize..9, b in 1usize..9) {
            prop_assert_eq!(all(text.as_bytes(), 5, a), all(text.as_bytes(), 5, b));
        }
    }
}
