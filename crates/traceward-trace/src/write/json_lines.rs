//! JSON Lines out, as [`mod@crate::read`] documents them.

use std::io::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Extra, Values};
use crate::{CallTable, Dataset, Trace};

/// A trace as it is written; absent labels are left out.
#[derive(Serialize)]
struct Row<'a> {
    calls: Names<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    abi: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    #[serde(flatten)]
    extra: ExtraOf<'a>,
}

/// What extra columns say of one trace; what they do not know is left out.
struct ExtraOf<'a>(&'a [Extra<'a>], usize);

impl Serialize for ExtraOf<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        for Extra { name, values } in self.0 {
            match values {
                Values::Text(values) => {
                    if let Some(value) = values[self.1] {
                        map.serialize_entry(name, value)?;
                    }
                }
                Values::Whole(values) => {
                    if let Some(value) = values[self.1] {
                        map.serialize_entry(name, &value)?;
                    }
                }
            }
        }
        map.end()
    }
}

/// The names of a trace's calls, without gathering them first.
struct Names<'a>(&'a CallTable, &'a Trace);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.1.calls.iter().map(|&id| self.0.name(id)))
    }
}

/// Writes `data` as JSON Lines to `out`, which should be buffered, with the columns `extra`.
///
/// # Errors
/// If `out` fails.
///
/// # Panics
/// If an extra column has not one value a trace.
pub fn json_lines_to(data: &Dataset, extra: &[Extra<'_>], out: &mut dyn Write) -> io::Result<()> {
    let abi = data.abi.to_string();
    for (place, trace) in data.traces.iter().enumerate() {
        let row = Row {
            calls: Names(&data.calls, trace),
            class: trace.class.and_then(|c| data.classes.get(usize::from(c))).map(String::as_str),
            group: trace.group.as_deref(),
            part: trace.part.as_deref(),
            abi: &abi,
            source: &trace.source.file,
            line: trace.source.line,
            lost: (trace.lost > 0).then_some(trace.lost),
            extra: ExtraOf(extra, place),
        };
        serde_json::to_writer(&mut *out, &row)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
