//! What all terminal text shares: styles, safe names, wrapping.
//!
//! Text is built as a plain function of state and returned as a `String`; who prints it decides whether
//! the stream is a terminal and strips the styles if not. [`Palette::PLAIN`] writes none to begin with.
//!
//! Names of classes, files and calls come from data that nobody has vouched for, so all of them pass
//! [`printable`]: a class called `\x1b[2J` must not clear the screen.

use std::borrow::Cow;

use anstyle::{AnsiColor, Effects, Style};

/// How the kinds of text look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Titles of sections, heads of columns.
    pub heading: Style,
    /// What may be overlooked: labels, units, dashes.
    pub faint: Style,
    /// What is as it should be.
    pub good: Style,
    /// What deserves a second look.
    pub warning: Style,
    /// What is wrong.
    pub bad: Style,
}

impl Palette {
    /// No styles at all.
    pub const PLAIN: Self = Self {
        heading: Style::new(),
        faint: Style::new(),
        good: Style::new(),
        warning: Style::new(),
        bad: Style::new(),
    };

    /// The sixteen colours that every terminal lets its user choose.
    pub const COLOUR: Self = Self {
        heading: Style::new().effects(Effects::BOLD),
        faint: Style::new().effects(Effects::DIMMED),
        good: AnsiColor::Green.on_default(),
        warning: AnsiColor::Yellow.on_default(),
        bad: AnsiColor::Red.on_default(),
    };
}

/// `text` in `style`; as it is, if the style says nothing.
pub fn styled(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` with every control character replaced, so that a name cannot speak to the terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    let speaks = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(speaks) { Cow::Owned(text.replace(speaks, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// How many columns `text` takes, counting one for each character: names of calls and classes are.
pub fn columns(text: &str) -> usize {
    text.chars().count()
}

/// `text` cut to `width` columns, an ellipsis standing for the rest.
pub fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    Cow::Owned(if width == 0 { kept } else { format!("{kept}…") })
}

/// `text` broken at blanks into lines of at most `width` columns, the second and following indented by
/// `indent` blanks; the first is left to stand after whatever the caller put there. A word longer than a
/// line stands on its own.
///
/// The text must carry no styles. A number stays with the unit behind it (`35.3 %`).
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let room = width.saturating_sub(indent).max(1);
    let mut out = String::new();
    let mut used = 0;
    for word in words(text) {
        let size = columns(&word);
        if used > 0 && used + 1 + size > room {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            used = 0;
        }
        if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(&word);
        used += size;
    }
    out
}

/// The words of a text, a per cent sign belonging to the number before it.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(number) if word.starts_with('%') => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.into()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_speak_to_the_terminal() {
        assert_eq!(printable("web\x1b[2J\r\nshell"), "web\u{fffd}[2J\u{fffd}\u{fffd}shell");
        assert_eq!(printable("\u{202e}txt.exe"), "\u{fffd}txt.exe");
        assert_eq!(printable("Übung"), "Übung");
    }

    #[test]
    fn lines_break_at_blanks_and_keep_numbers_with_their_unit() {
        assert_eq!(wrap("99.5 % of the rows", 8, 2), "99.5 %\n  of the\n  rows");
        assert_eq!(wrap("incomprehensibilities here", 10, 0), "incomprehensibilities\nhere");
        assert_eq!(wrap("", 10, 2), "");
        assert_eq!(wrap("a b", 0, 0), "a\nb");
    }

    #[test]
    fn cutting_leaves_a_mark() {
        assert_eq!(cut("java_meterpreter", 8), "java_me…");
        assert_eq!(cut("web", 3), "web");
        assert_eq!(cut("web", 0), "");
    }

    #[test]
    fn a_plain_palette_writes_no_escape() {
        assert_eq!(styled("x", Palette::PLAIN.bad), "x");
        assert_eq!(styled("x", Palette::COLOUR.bad), "\u{1b}[31mx\u{1b}[0m");
    }
}
