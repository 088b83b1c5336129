//! How wide text is on a terminal, and how it is cut and broken so that no line is wider than asked.
//!
//! Carets must stand under the code they mean, so an excerpt has to know that `字` takes two columns and
//! that an accent after its letter takes none. The ranges are those of Unicode's East Asian Width (W and
//! F) and of its combining marks, coarsened to blocks: a terminal that disagrees on a rare character
//! moves a caret, no more.

use crate::terminal::{printable, words};

/// Columns that `c` takes.
pub(super) fn char_columns(c: char) -> usize {
    let c = u32::from(c);
    let within = |ranges: &[(u32, u32)]| ranges.iter().any(|&(low, high)| (low..=high).contains(&c));
    if c < 0x300 {
        1
    } else if within(ZERO_WIDTH) {
        0
    } else if within(TWO_WIDE) {
        2
    } else {
        1
    }
}

/// Combining marks, joiners, variation selectors.
const ZERO_WIDTH: &[(u32, u32)] = &[
    (0x300, 0x36f),
    (0x483, 0x489),
    (0x591, 0x5bd),
    (0x610, 0x61a),
    (0x64b, 0x65f),
    (0x200b, 0x200f),
    (0x2060, 0x2064),
    (0x20d0, 0x20f0),
    (0x302a, 0x302d),
    (0x3099, 0x309a),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0xfeff, 0xfeff),
    (0xe0100, 0xe01ef),
];

/// Ideographs, kana, Hangul syllables, full-width forms, emoji.
const TWO_WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0x9fff),
    (0xa000, 0xa4cf),
    (0xa960, 0xa97c),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff01, 0xff60),
    (0xffe0, 0xffe6),
    (0x16fe0, 0x18dff),
    (0x1b000, 0x1b2ff),
    (0x1f300, 0x1f64f),
    (0x1f680, 0x1f6ff),
    (0x1f900, 0x1f9ff),
    (0x1fa70, 0x1faff),
    (0x20000, 0x3fffd),
];

/// Columns that `text` takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

/// `text`, safe to print and cut to `width` columns, an ellipsis standing for the rest.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = printable(text);
    if columns(&text) <= width {
        return text.into_owned();
    }
    if width == 0 {
        return String::new();
    }
    let mut used = 1;
    let mut kept: String = text
        .chars()
        .take_while(|&c| {
            used += char_columns(c);
            used <= width
        })
        .collect();
    kept.push('…');
    kept
}

/// `text`, safe to print and broken at blanks: the first line has room for `first` columns, the others for
/// `rest`. A word that has no room on a line of its own is broken too.
pub(super) fn fill(text: &str, first: usize, rest: usize) -> Vec<String> {
    let rest = rest.max(2);
    let mut lines = Vec::new();
    let (mut line, mut used, mut room) = (String::new(), 0, first);
    for word in words(&printable(text)) {
        let size = columns(&word);
        let fits = |used: usize, room: usize| used + usize::from(used > 0) + size <= room;
        if !fits(used, room) && (used > 0 || room < rest) {
            lines.push(std::mem::take(&mut line));
            (used, room) = (0, rest);
        }
        if fits(used, room) {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&word);
            used += size;
            continue;
        }
        for c in word.chars() {
            if used + char_columns(c) > room {
                lines.push(std::mem::take(&mut line));
                (used, room) = (0, rest);
            }
            line.push(c);
            used += char_columns(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ideographs_take_two_columns_and_accents_none() {
        assert_eq!(columns("ab"), 2);
        assert_eq!(columns("字e\u{301}"), 3);
    }

    #[test]
    fn cutting_leaves_a_mark_and_never_half_a_character() {
        assert_eq!(cut("字字字", 5), "字字…");
        assert_eq!(cut("字字字", 4), "字…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        assert_eq!(fill("see /a/very/long/path", 8, 6), ["see", "/a/ver", "y/long", "/path"]);
        assert_eq!(fill("loss of 99 %", 7, 7), ["loss of", "99 %"]);
        assert_eq!(fill("", 7, 7), [""]);
        assert_eq!(fill("wide", 2, 9), ["", "wide"]);
    }
}
