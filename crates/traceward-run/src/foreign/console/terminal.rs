//! What a terminal was sent, as the lines that a person saw: escapes gone, progress bars taken apart.
//!
//! A progress bar is drawn over itself by carriage returns or backspaces. Each drawing becomes a [`Piece`] of
//! its line, so that the reader can take the last one and pass over the others, wherever it was cut off.

/// A drawing of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The line of the file, from 1.
    pub(super) line: usize,
    /// Whether it was drawn over what stood before it in the same line.
    pub(super) redrawn: bool,
    pub(super) text: std::borrow::Cow<'a, str>,
}

/// The pieces of a text. Empty ones are left out.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split('\n').enumerate().flat_map(|(index, line)| {
        // `\r\r\n` ends a line on Windows twice; only what stands between returns is drawn over.
        let line_text = line.trim_end_matches('\r');
        let mut drawn = false;
        line_text.split(['\r', '\u{8}']).filter_map(move |part| {
            let text = plain(part);
            if text.trim().is_empty() {
                return None;
            }
            let redrawn = drawn;
            drawn = true;
            Some(Piece { line: index + 1, redrawn, text })
        })
    })
}

/// A text without escape sequences, also those that lost their escape sign on the way through a clipboard.
pub(super) fn plain(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(['\x1b', '\u{241b}', '\0', '\u{7}']) && !text.contains('[') {
        return text.into();
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\x1b', '\u{241b}', '[', '\0', '\u{7}']) {
        clean.push_str(&rest[..at]);
        let sign = rest[at..].chars().next().unwrap_or('[');
        let after = &rest[at + sign.len_utf8()..];
        rest = match sign {
            '\0' | '\u{7}' => after,
            '[' => match colour(after) {
                Some(after) => after,
                None => {
                    clean.push('[');
                    after
                }
            },
            _ => escape(after),
        };
    }
    clean.push_str(rest);
    clean.into()
}

/// What follows `[` of a colour whose escape sign is lost: `1m`, `0;32m`.
fn colour(after: &str) -> Option<&str> {
    let end = after.find(|sign: char| !sign.is_ascii_digit() && sign != ';')?;
    (end <= 8 && after[end..].starts_with('m') && (end > 0)).then(|| &after[end + 1..])
}

/// What follows an escape sequence.
fn escape(after: &str) -> &str {
    let mut signs = after.char_indices();
    match signs.next() {
        // CSI: parameters, then one letter.
        Some((_, '[')) => signs
            .find(|(_, sign)| ('\x40'..='\x7e').contains(sign))
            .map_or("", |(at, sign)| &after[at + sign.len_utf8()..]),
        // OSC: up to a bell or the next escape.
        Some((_, ']')) => {
            signs.find(|(_, sign)| matches!(sign, '\u{7}' | '\x1b')).map_or("", |(at, sign)| {
                let rest = &after[at + sign.len_utf8()..];
                rest.strip_prefix('\\').unwrap_or(rest)
            })
        }
        Some((_, sign)) => &after[sign.len_utf8()..],
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(text: &str) -> Vec<(usize, bool, String)> {
        pieces(text).map(|piece| (piece.line, piece.redrawn, piece.text.into_owned())).collect()
    }

    #[test]
    fn drawings_over_each_other_are_pieces_of_one_line() {
        assert_eq!(
            seen("\r1/2 a\x08\x08\x08\r2/2 b\nc\r\n"),
            [(1, false, "1/2 a".to_owned()), (1, true, "2/2 b".to_owned()), (2, false, "c".to_owned()),]
        );
    }

    #[test]
    fn escapes_go_whole_or_half_lost() {
        assert_eq!(plain("\x1b[1m5/5\x1b[0m \x1b[32m━━\x1b[0m"), "5/5 ━━");
        assert_eq!(plain("[1m5/5[0m [3/10] x[1]"), "5/5 [3/10] x[1]");
        assert_eq!(plain("\x1b]0;title\u{7}a\x1b(Bb"), "aBb");
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart(text in "[\\x00-\\x1f\\[\\];0-9ma-cé\\n\\r]{0,60}") {
            for piece in pieces(&text) {
                prop_assert!(!piece.text.contains('\x1b'));
            }
        }
    }
}
