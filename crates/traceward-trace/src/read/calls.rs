//! Distinct calls as they stand in the files: numbers, or names, before anyone asked whose they are.
//!
//! The ABI of numbers is known only once all were seen. Until then a call is an index into this list,
//! two bytes, whatever it will turn out to be.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::CallTable;

/// Names longer than this are no call's.
pub(super) const LONGEST_NAME: usize = 64;

/// Numbers below this find their index without hashing; every kernel's do.
const DIRECT: usize = 1024;

/// No index: [`CallTable::MAX`] indices end one below.
const NONE: u16 = u16::MAX;

/// A call as a file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawCall {
    Number(u32),
    Name(Arc<str>),
}

/// What a mapping file says: number to name.
pub(super) type Mapping = HashMap<u32, Arc<str>>;

/// The distinct calls seen so far.
#[derive(Debug)]
pub(super) struct RawCalls {
    list: Vec<RawCall>,
    direct: Vec<u16>,
    numbers: HashMap<u32, u16>,
    names: HashMap<Arc<str>, u16>,
    /// Turns numbers into names at once; the file in hand brought it along.
    mapping: Option<Arc<Mapping>>,
}

/// What is wrong with a token, or a row: a full sentence.
pub(super) type Reason = Cow<'static, str>;

impl RawCalls {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            direct: vec![NONE; DIRECT],
            numbers: HashMap::new(),
            names: HashMap::new(),
            mapping: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn list(&self) -> &[RawCall] {
        &self.list
    }

    /// From here on, numbers are what `mapping` says they are.
    pub(super) fn set_mapping(&mut self, mapping: Option<Arc<Mapping>>) {
        self.mapping = mapping;
    }

    /// Forgets all calls from index `len` on: those of a row that turned out bad.
    pub(super) fn truncate(&mut self, len: usize) {
        for call in self.list.drain(len.min(self.list.len())..) {
            match call {
                RawCall::Number(number) => match self.direct.get_mut(number as usize) {
                    Some(slot) => *slot = NONE,
                    None => drop(self.numbers.remove(&number)),
                },
                RawCall::Name(name) => drop(self.names.remove(&name)),
            }
        }
    }

    /// The index of a token of text: digits are a number, a word is a name.
    pub(super) fn token(&mut self, token: &[u8]) -> Result<u16, Reason> {
        if token.first().is_some_and(u8::is_ascii_digit) {
            let number = parse_number(token).ok_or_else(|| bad_token(token))?;
            self.number(number)
        } else {
            let name = parse_name(token).ok_or_else(|| bad_token(token))?;
            self.name(name)
        }
    }

    /// The index of a number.
    pub(super) fn number(&mut self, number: u32) -> Result<u16, Reason> {
        if let Some(mapping) = &self.mapping {
            return match mapping.get(&number).cloned() {
                Some(name) => self.name(&name),
                None => self.name(&outside(number)),
            };
        }
        let direct = self.direct.get(number as usize).copied();
        if let Some(id) = direct.or_else(|| self.numbers.get(&number).copied()).filter(|&id| id != NONE) {
            return Ok(id);
        }
        let id = self.next_id()?;
        match self.direct.get_mut(number as usize) {
            Some(slot) => *slot = id,
            None => drop(self.numbers.insert(number, id)),
        }
        self.list.push(RawCall::Number(number));
        Ok(id)
    }

    /// The index of a name that [`parse_name`] accepts.
    pub(super) fn name(&mut self, name: &str) -> Result<u16, Reason> {
        if let Some(&id) = self.names.get(name) {
            return Ok(id);
        }
        let id = self.next_id()?;
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name), id);
        self.list.push(RawCall::Name(name));
        Ok(id)
    }

    fn next_id(&self) -> Result<u16, Reason> {
        match u16::try_from(self.list.len()) {
            Ok(id) if usize::from(id) < CallTable::MAX => Ok(id),
            _ => Err(format!(
                "It holds new calls although the data set already has {}, more than any system has.",
                CallTable::MAX
            )
            .into()),
        }
    }
}

/// How a call is named that the table does not have.
pub(super) fn outside(number: u32) -> String {
    format!("#{number}")
}

/// The number behind a name that [`outside`] made.
pub(super) fn outside_number(name: &str) -> Option<u32> {
    parse_number(name.strip_prefix('#')?.as_bytes())
}

/// Decimal digits and nothing else, below 2^32.
pub(super) fn parse_number(token: &[u8]) -> Option<u32> {
    if token.is_empty() || token.len() > 10 {
        return None;
    }
    let mut number = 0u64;
    for byte in token {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    u32::try_from(number).ok()
}

/// A name: letters, digits and underscores, not beginning with a digit; or `#` and a number.
pub(super) fn parse_name(token: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(token).ok()?;
    if text.len() > LONGEST_NAME {
        return None;
    }
    if text.starts_with('#') {
        return outside_number(text).map(|_| text);
    }
    let first = token.first()?;
    let word = token.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    (word && !first.is_ascii_digit()).then_some(text)
}

fn bad_token(token: &[u8]) -> Reason {
    if token.contains(&0) {
        return "It holds a NUL byte, so it is not text.".into();
    }
    if std::str::from_utf8(token).is_err() {
        return "It is not valid UTF-8.".into();
    }
    let mut shown: String = String::from_utf8_lossy(token).chars().take(24).collect();
    if shown.len() < token.len() {
        shown.push('…');
    }
    format!("{shown:?} is neither the number nor the name of a call.").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_numbers_or_names_and_nothing_else() {
        let mut calls = RawCalls::new();
        assert_eq!(calls.token(b"3"), Ok(0));
        assert_eq!(calls.token(b"read"), Ok(1));
        assert_eq!(calls.token(b"003"), Ok(0));
        assert_eq!(calls.token(b"4000000000"), Ok(2));
        assert_eq!(calls.token(b"#412"), Ok(3));
        assert_eq!(calls.token(b"_llseek"), Ok(4));
        for bad in ["", "-1", "4.0", "99999999999", "3read", "a-b", "\u{e9}", "#", "#x", "a\0b", "world."] {
            assert!(calls.token(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(calls.token(b"\xff\xfe").unwrap_err().contains("UTF-8"));
        assert_eq!(calls.len(), 5);
    }

    #[test]
    fn truncate_forgets() {
        let mut calls = RawCalls::new();
        calls.token(b"3").unwrap();
        for token in ["5", "5000", "open"] {
            calls.token(token.as_bytes()).unwrap();
        }
        calls.truncate(1);
        assert_eq!(calls.list(), [RawCall::Number(3)]);
        assert_eq!(calls.token(b"open"), Ok(1));
        assert_eq!(calls.token(b"5000"), Ok(2));
        assert_eq!(calls.token(b"5"), Ok(3));
    }

    #[test]
    fn a_full_table_refuses_new_calls_and_keeps_the_old() {
        let mut calls = RawCalls::new();
        for number in 0..CallTable::MAX as u32 {
            calls.number(number).unwrap();
        }
        assert!(calls.number(1 << 20).unwrap_err().contains("65535"));
        assert_eq!(calls.number(7), Ok(7));
    }

    #[test]
    fn a_mapping_names_numbers_at_once() {
        let mut calls = RawCalls::new();
        calls.set_mapping(Some(Arc::new(Mapping::from([(0, "exit".into())]))));
        assert_eq!(calls.token(b"0"), Ok(0));
        assert_eq!(calls.token(b"9"), Ok(1));
        assert_eq!(calls.list(), [RawCall::Name("exit".into()), RawCall::Name("#9".into())]);
    }
}
