//! Patterns for names and paths, as a shell has them.

/// A pattern: `*` is any run of characters (a `/`, too: `/opt/*` means all below), `?` is one, `[a-z]` one of a
/// set and `[!a-z]` one outside it; after `\` a character means itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Run,
    Any,
    One(char),
    Of { inside: bool, ranges: Vec<(char, char)> },
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Run | Self::Any => true,
            Self::One(own) => *own == c,
            Self::Of { inside, ranges } => {
                ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) == *inside
            }
        }
    }
}

/// Why a pattern is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// A set was begun.
    #[error("a set begun with `[` has no `]`; write `\\[` for the bracket itself")]
    Open,
    /// A pattern ends with its escape.
    #[error("a lone `\\` at the end; write `\\\\` for the backslash itself")]
    Escape,
    /// Nothing matches it.
    #[error("the pattern is empty; leave the key out, or write `*` for anything that is known")]
    Empty,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If it is empty, or a set or an escape is left open.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        let mut pieces = Vec::new();
        let mut rest = pattern.chars();
        while let Some(c) = rest.next() {
            pieces.push(match c {
                // Two runs in a row are one.
                '*' if pieces.last() == Some(&Piece::Run) => continue,
                '*' => Piece::Run,
                '?' => Piece::Any,
                '\\' => Piece::One(rest.next().ok_or(GlobError::Escape)?),
                '[' => set(&mut rest)?,
                c => Piece::One(c),
            });
        }
        if pieces.is_empty() { Err(GlobError::Empty) } else { Ok(Self(pieces)) }
    }

    /// Whether all of `text` is as the pattern says.
    ///
    /// On a mismatch the last `*` takes one character more; an earlier one never has to, so the time is at most
    /// the product of the lengths, whatever the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let pieces = &self.0;
        let mut at = 0;
        let mut rest = text.chars();
        let mut last_run = None;
        loop {
            if pieces.get(at) == Some(&Piece::Run) {
                at += 1;
                last_run = Some((at, rest.clone()));
                continue;
            }
            match (pieces.get(at), rest.next()) {
                (None, None) => return true,
                (Some(piece), Some(c)) if piece.takes(c) => at += 1,
                _ => {
                    let Some((after, from)) = &mut last_run else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    at = *after;
                    rest = from.clone();
                }
            }
        }
    }
}

/// The rest of a set, its bracket being read. A `]` that comes first is a member, as in a shell.
fn set(rest: &mut std::str::Chars<'_>) -> Result<Piece, GlobError> {
    let mut members = Vec::new();
    let mut inside = true;
    let mut first = true;
    loop {
        let c = match rest.next().ok_or(GlobError::Open)? {
            '!' | '^' if first && inside => {
                inside = false;
                continue;
            }
            ']' if !first => break,
            '\\' => rest.next().ok_or(GlobError::Open)?,
            c => c,
        };
        first = false;
        let mut ahead = rest.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) if to != ']' => {
                *rest = ahead;
                if to == '\\' { rest.next().ok_or(GlobError::Open)? } else { to }
            }
            _ => c,
        };
        members.push((c.min(to), c.max(to)));
    }
    Ok(Piece::Of { inside, ranges: members })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).unwrap().matches(text)
    }

    #[test]
    fn a_pattern_is_about_the_whole_text() {
        for (pattern, text, is) in [
            ("/usr/bin/*", "/usr/bin/python3", true),
            ("/usr/bin/*", "/opt/usr/bin/python3", false),
            ("/opt/*/run", "/opt/a/b/c/run", true),
            ("*", "", true),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("py?hon", "python", true),
            ("python3.[0-9]", "python3.9", true),
            ("python3.[0-9]", "python3.x", false),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("ä?ü", "äöü", true),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_is_left_open_is_told() {
        assert_eq!(Glob::new("[a"), Err(GlobError::Open));
        assert_eq!(Glob::new("a\\"), Err(GlobError::Escape));
        assert_eq!(Glob::new(""), Err(GlobError::Empty));
    }

    #[test]
    fn many_runs_cost_no_more_than_the_product_of_the_lengths() {
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(20_000)));
    }

    /// What a pattern means, word for word.
    fn plainly(pieces: &[Piece], text: &[char]) -> bool {
        match (pieces, text) {
            ([], []) => true,
            ([Piece::Run, rest @ ..], _) => (0..=text.len()).any(|n| plainly(rest, &text[n..])),
            ([piece, rest @ ..], [c, text @ ..]) => piece.takes(*c) && plainly(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn as_the_plain_definition_says(pattern in r"[ab*?]{1,8}", text in "[abc]{0,10}") {
            let glob = Glob::new(&pattern).unwrap();
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(glob.matches(&text), plainly(&glob.0, &chars));
        }

        #[test]
        fn an_escaped_text_matches_itself_alone(text in r"[\PC]{1,12}", other in r"[\PC]{0,12}") {
            let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
            prop_assert!(matches(&escaped, &text));
            prop_assert_eq!(matches(&escaped, &other), text == other);
        }

        #[test]
        fn any_text_is_a_pattern_or_an_error(pattern in r"[\PC]{0,20}", text in r"[\PC]{0,20}") {
            if let Ok(glob) = Glob::new(&pattern) {
                glob.matches(&text);
            }
        }
    }
}
