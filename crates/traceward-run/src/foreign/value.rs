//! JSON as it is found, and dictionaries as Python prints them.
//!
//! Python's json module writes `NaN` and `Infinity`, which JSON does not have; `print(history.history)` gives
//! single quotes, `None`, `np.float32(0.5)`. One small parser takes all of it, and what came before the end of
//! a text that is cut off.

/// A value of JSON or of Python.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// In the order of the text.
    Map(Vec<(String, Value)>),
}

/// A value, and how it was found.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) value: Value,
    /// Where the text goes on after it, in bytes.
    pub(super) end: usize,
    /// Whether the text ended within the value.
    pub(super) torn: bool,
}

/// Why a text is no value: where, in bytes, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

/// Lists and maps within each other.
const DEEPEST: usize = 64;

/// Reads the value that a text begins with.
pub(super) fn parse(text: &str) -> Result<Parsed, Mistake> {
    let mut parser = Parser { text, at: 0, torn: false };
    parser.blanks();
    let value = parser.value(0)?;
    Ok(Parsed { value, end: parser.at, torn: parser.torn })
}

impl Value {
    #[cfg(test)]
    fn get(&self, key: &str) -> Option<&Self> {
        self.map()?.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(super) fn map(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, also one in quotes, as Hugging Face prints them.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => super::number::parse(text),
            _ => None,
        }
    }

    /// The value as serde_json has it; numbers that JSON lacks become words.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(number) => json_number(*number),
            Self::Text(text) => text.as_str().into(),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                serde_json::Value::Object(entries.iter().map(|(k, v)| (k.clone(), v.to_json())).collect())
            }
        }
    }
}

pub(super) fn json_number(number: f64) -> serde_json::Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return (number as i64).into();
    }
    serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), serde_json::Value::Number)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    torn: bool,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']).len();
    }

    fn mistake<T>(&self, expected: &'static str) -> Result<T, Mistake> {
        Err(Mistake { at: self.at, expected })
    }

    fn takes(&mut self, sign: u8) -> bool {
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, Mistake> {
        if depth > DEEPEST {
            return self.mistake("fewer brackets within brackets");
        }
        match self.peek() {
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth, b']'),
            Some(b'(') => self.list(depth, b')'),
            Some(quote @ (b'"' | b'\'')) => self.string(quote).map(Value::Text),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9') => self.number(),
            Some(letter) if letter.is_ascii_alphabetic() || letter == b'_' => self.word(depth),
            _ => self.mistake("a value"),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Mistake> {
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.blanks();
            if self.takes(b'}') || self.ends() {
                return Ok(Value::Map(entries));
            }
            let key = match self.peek() {
                Some(quote @ (b'"' | b'\'')) => self.string(quote)?,
                _ => match self.value(depth + 1)? {
                    Value::Number(number) => format!("{number}"),
                    Value::Text(text) => text,
                    _ => return self.mistake("a key"),
                },
            };
            self.blanks();
            if self.ends() {
                return Ok(Value::Map(entries));
            }
            if !self.takes(b':') {
                // `{1, 2}`, a Python set, holds nothing for us.
                return self.mistake("a colon");
            }
            self.blanks();
            if self.ends() {
                return Ok(Value::Map(entries));
            }
            let value = self.value(depth + 1)?;
            entries.push((key, value));
            self.blanks();
            if !self.takes(b',') && self.peek() != Some(b'}') && !self.ends() {
                return self.mistake("a comma or }");
            }
        }
    }

    fn list(&mut self, depth: usize, closing: u8) -> Result<Value, Mistake> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.blanks();
            if self.takes(closing) || self.ends() {
                return Ok(Value::List(values));
            }
            values.push(self.value(depth + 1)?);
            self.blanks();
            if !self.takes(b',') && self.peek() != Some(closing) && !self.ends() {
                return self.mistake("a comma or the end of a list");
            }
        }
    }

    /// Whether the text is at its end, within a value.
    fn ends(&mut self) -> bool {
        let ends = self.at >= self.text.len();
        self.torn |= ends;
        ends
    }

    fn string(&mut self, quote: u8) -> Result<String, Mistake> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let end = rest.find(|sign: char| sign as u32 == u32::from(quote) || sign == '\\');
            let Some(end) = end else {
                self.at = self.text.len();
                self.torn = true;
                return Ok(text);
            };
            text.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes()[end] == quote {
                return Ok(text);
            }
            let Some(sign) = self.rest().chars().next() else {
                self.torn = true;
                return Ok(text);
            };
            self.at += sign.len_utf8();
            text.push(match sign {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let digits = self.rest().get(..4).unwrap_or_default();
                    self.at += digits.len();
                    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
                }
                sign => sign,
            });
        }
    }

    fn number(&mut self) -> Result<Value, Mistake> {
        let rest = self.rest();
        if let Some(word) =
            rest.strip_prefix(['-', '+']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        {
            let sign = if rest.starts_with('-') { -1.0 } else { 1.0 };
            self.at += 1;
            for spelling in ["Infinity", "inf", "Inf"] {
                if word.starts_with(spelling) {
                    self.at += spelling.len();
                    return Ok(Value::Number(sign * f64::INFINITY));
                }
            }
            return match self.value(DEEPEST)? {
                Value::Number(number) => Ok(Value::Number(sign * number)),
                _ => self.mistake("a number"),
            };
        }
        let end = rest
            .find(|sign: char| !matches!(sign, '0'..='9' | '.' | 'e' | 'E' | '+' | '-' | '_'))
            .unwrap_or(rest.len());
        let number = rest[..end].parse().or_else(|_| rest[..end].replace('_', "").parse());
        if end == rest.len() {
            // The number may have gone on: what is there of it is not the number.
            self.torn = true;
            self.at = self.text.len();
            return Ok(Value::Null);
        }
        let Ok(number) = number else { return self.mistake("a number") };
        self.at += end;
        Ok(Value::Number(number))
    }

    /// `true`, `NaN`, or a call whose first argument is the value: `array([1.0], dtype=float32)`.
    fn word(&mut self, depth: usize) -> Result<Value, Mistake> {
        let rest = self.rest();
        let end = rest
            .find(|sign: char| !sign.is_ascii_alphanumeric() && !matches!(sign, '_' | '.'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        self.at += end;
        Ok(match word {
            "null" | "None" => Value::Null,
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            "NaN" | "nan" => Value::Number(f64::NAN),
            "Infinity" | "inf" => Value::Number(f64::INFINITY),
            _ if self.takes(b'(') => self.first_argument(depth)?,
            word => Value::Text(word.to_owned()),
        })
    }

    fn first_argument(&mut self, depth: usize) -> Result<Value, Mistake> {
        let mut first = None;
        loop {
            self.blanks();
            if self.takes(b')') || self.ends() {
                return Ok(first.unwrap_or(Value::Null));
            }
            let value = self.value(depth + 1)?;
            self.blanks();
            if self.takes(b'=') {
                self.blanks();
                self.value(depth + 1)?;
                self.blanks();
            } else if first.is_none() {
                first = Some(value);
            }
            if !self.takes(b',') && self.peek() != Some(b')') && !self.ends() {
                return self.mistake("a comma or )");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Value {
        let parsed = parse(text).unwrap();
        assert!(!parsed.torn, "{text}");
        parsed.value
    }

    #[test]
    fn what_python_prints() {
        let value = read(
            "{'loss': [0.5, nan, np.float32(0.25)], 'lr': array([1e-3], dtype=float32), 'x': (None, -Infinity)}",
        );
        assert_eq!(value.get("loss").unwrap().list().unwrap()[2], Value::Number(0.25));
        assert!(value.get("loss").unwrap().list().unwrap()[1].number().unwrap().is_nan());
        assert_eq!(value.get("lr").unwrap().list().unwrap(), [Value::Number(0.001)]);
        assert_eq!(value.get("x").unwrap().list().unwrap()[1], Value::Number(f64::NEG_INFINITY));
    }

    #[test]
    fn a_text_cut_off_gives_what_came_before() {
        let parsed = parse(r#"{"loss": [1.0, 0.5, 0.2"#).unwrap();
        assert!(parsed.torn);
        assert_eq!(
            parsed.value.get("loss").unwrap().list().unwrap()[..2],
            [Value::Number(1.0), Value::Number(0.5)]
        );
    }

    #[test]
    fn deep_brackets_are_refused() {
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[\\[\\]{}(),:'\"a-zN0-9.\\\\ é-]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn json_reads_as_serde_reads_it(numbers in prop::collection::vec(-1e9_f64..1e9, 0..8), name in "[a-zé\"\\\\\n]{1,6}") {
            let json = serde_json::json!({ &name: numbers });
            let value = read(&json.to_string());
            let read: Vec<f64> = value.get(&name).unwrap().list().unwrap().iter().filter_map(Value::number).collect();
            prop_assert_eq!(read, numbers);
        }
    }
}
