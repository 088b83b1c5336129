//! Secrets that are shown at a door.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A bearer token (RFC 6750). It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token in {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The variable is not set, or is no text.
    #[error("the environment has no variable {0} with a token")]
    Unset(String),
    /// What is there is no token.
    #[error("the token in {0} is {1}; make one with: head -c 24 /dev/urandom | base64")]
    Wrong(String, &'static str),
}

impl Token {
    /// The shortest that is taken: fewer characters can be guessed.
    const SHORTEST: usize = 16;

    /// The token that a file holds; blanks and line breaks around it are not part of it.
    ///
    /// # Errors
    /// If the file cannot be read, or holds no token.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let text = fs::read_to_string(path).map_err(|error| TokenError::Read { path: path.into(), error })?;
        Self::new(&text, || path.display().to_string())
    }

    /// The token that a variable of the environment holds.
    ///
    /// # Errors
    /// If there is no such variable, or it holds no token.
    pub fn from_env(name: &str) -> Result<Self, TokenError> {
        let text = env::var(name).map_err(|_| TokenError::Unset(name.into()))?;
        Self::new(&text, || name.into())
    }

    fn new(text: &str, place: impl Fn() -> String) -> Result<Self, TokenError> {
        let text = text.trim();
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(TokenError::Wrong(place(), "not one word of visible ASCII"));
        }
        if text.len() < Self::SHORTEST {
            return Err(TokenError::Wrong(place(), "shorter than 16 characters"));
        }
        Ok(Self(text.into()))
    }

    /// Whether `given` is the token. The time this takes tells how long the given one is, and nothing else.
    pub fn is(&self, given: &str) -> bool {
        let own = self.0.as_bytes();
        let difference = given.bytes().enumerate().fold(own.len() ^ given.len(), |difference, (at, byte)| {
            difference | usize::from(byte ^ own[at % own.len()])
        });
        std::hint::black_box(difference) == 0
    }

    /// The token itself, to be sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "0123456789abcdef";

    fn file(text: &str) -> Result<Token, TokenError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Token::from_file(file.path())
    }

    #[test]
    fn a_token_is_long_and_one_word() {
        assert!(file("  0123456789abcdef\n").unwrap().is(GOOD));
        for wrong in ["", "short\n", "0123456789 abcdef", "0123456789abcdéf"] {
            assert!(matches!(file(wrong), Err(TokenError::Wrong(..))), "{wrong:?}");
        }
        assert!(Token::from_file(Path::new("/nowhere")).is_err());
        assert!(matches!(Token::from_env("TRACEWARD_NO_SUCH"), Err(TokenError::Unset(_))));
        assert_eq!(format!("{:?}", file(GOOD).unwrap()), "Token(hidden)");
    }

    proptest! {
        #[test]
        fn only_the_token_is_the_token(given in "[0-9a-f]{0,40}") {
            let token = file(GOOD).unwrap();
            prop_assert_eq!(token.is(&given), given == GOOD);
            prop_assert!(!token.is(&GOOD.repeat(2)));
            prop_assert!(!token.is(""));
        }
    }
}
