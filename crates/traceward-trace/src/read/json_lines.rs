//! JSON Lines: one object a line, one line a trace.
//!
//! The keys stand in [`mod@crate::read`]. Calls are counted as they are parsed, never gathered as strings.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Format;
use super::collect::{Collector, Labels, Refusal, Row};
use super::lines::{Line, Lines};
use crate::{Error, Source};

/// Reads every line as one trace; `part` is the part of lines that name none.
pub(super) fn read(
    input: &mut dyn BufRead,
    file: &Source,
    part: Option<&str>,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    into.set_format(Format::JsonLines);
    let limit = into.options.limits.line_bytes;
    let mut lines = Lines::new(input, limit);
    loop {
        let number = lines.number() + 1;
        let at = Source { file: file.file.clone(), line: Some(number) };
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            // What is unpacked badly cannot be picked up again.
            Err(error) => return into.row(&at, |_| Err(Refusal::reading(&at)(error))),
        };
        match line {
            Line::TooLong => into.bad(&at, format!("The line is longer than {limit} bytes."))?,
            Line::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
            Line::Text(text) => into.row(&at, |row| {
                let mut labels = parse(text, row)?;
                if labels.part.is_none() {
                    labels.part = part.map(Cow::from);
                }
                Ok(labels)
            })?,
        }
    }
}

fn parse<'t>(text: &'t [u8], row: &mut Row<'_>) -> Result<Labels<'t>, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let labels = RowSeed(row)
        .deserialize(&mut json)
        .and_then(|labels| json.end().map(|()| labels))
        .map_err(|error| Refusal::Bad(reason(&error).into()))?;
    Ok(labels)
}

/// What serde says, as part of a sentence; the line number in it would always be 1.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default().trim_end_matches('.');
    // Our own reasons are sentences.
    let text = text.strip_prefix("It ").map_or_else(|| text.to_owned(), |rest| format!("it {rest}"));
    format!("The line is not a trace in JSON: {text}, at column {}.", error.column())
}

/// Reads an object into a row.
struct RowSeed<'r, 'c>(&'r mut Row<'c>);

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = Labels<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = Labels<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `calls`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut labels = Labels::default();
        let (mut calls_seen, mut source, mut line) = (false, None, None);
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match &*key.0 {
                "calls" | "trace" => {
                    if calls_seen {
                        return Err(A::Error::custom("the calls stand in it twice"));
                    }
                    calls_seen = true;
                    map.next_value_seed(CallsSeed(&mut *self.0))?;
                }
                "class" | "label" => labels.class = map.next_value::<Word<'de>>()?.0,
                "group" => labels.group = map.next_value::<Word<'de>>()?.0,
                "part" => labels.part = map.next_value::<Word<'de>>()?.0,
                "abi" => labels.abi = map.next_value::<Word<'de>>()?.0,
                "source" => source = map.next_value::<Word<'de>>()?.0,
                "line" => line = map.next_value::<Option<u64>>()?,
                "lost" => labels.lost = map.next_value::<Option<u64>>()?.unwrap_or_default(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !calls_seen {
            return Err(A::Error::missing_field("calls"));
        }
        labels.source = source.map(|file| Source { file: (&*file).into(), line });
        Ok(labels)
    }
}

/// Reads `calls`, an array or a string.
struct CallsSeed<'r, 'c>(&'r mut Row<'c>);

impl<'de> DeserializeSeed<'de> for CallsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CallsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of calls, or a string of them")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text.as_bytes()).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut calls: A) -> Result<(), A::Error> {
        while calls.next_element_seed(CallSeed(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// Reads one call, a name or a number.
struct CallSeed<'r, 'c>(&'r mut Row<'c>);

impl<'de> DeserializeSeed<'de> for CallSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for CallSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name or the number of a call")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        self.0.token(name.as_bytes()).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        let number = u32::try_from(number)
            .map_err(|_| E::custom(format_args!("{number} is too large for the number of a call")))?;
        self.0.number(number).map_err(E::custom)
    }
}

/// A key, borrowed where it has no escapes in it.
#[derive(Deserialize)]
struct Key<'t>(#[serde(borrow)] Cow<'t, str>);

/// A string, a whole number as text, or nothing.
struct Word<'t>(Option<Cow<'t, str>>);

impl<'de> Deserialize<'de> for Word<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a whole number or null")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Word<'de>, E> {
        Ok(Word(Some(text.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Word<'de>, E> {
        Ok(Word(Some(text.to_owned().into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Word<'de>, E> {
        Ok(Word(Some(number.to_string().into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Word<'de>, E> {
        Ok(Word(Some(number.to_string().into())))
    }

    fn visit_unit<E>(self) -> Result<Word<'de>, E> {
        Ok(Word(None))
    }
}
