//! A short hash of what a data set holds, so that a run can tell whether it sees the same data again.
//!
//! What is hashed is the content that training sees, in order, never the bytes of a file: the same traces
//! give the same fingerprint from a zip, a folder, CSV or Parquet, as long as the format carries groups
//! and parts. The name of the data set, its sources and what reading skipped are left out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Dataset;

/// SHA-256 over ABI, classes and, for each trace in order, its call names, class, group and part, as 64
/// hexadecimal digits. It does not depend on the file format.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a data fingerprint is 64 hexadecimal digits, and {0:?} is not")]
pub struct InvalidFingerprint(String);

impl Fingerprint {
    const DIGITS: usize = 64;
    const SHORT: usize = 12;

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, enough to tell a person's data sets apart.
    pub fn short(&self) -> &str {
        // 64 ASCII digits: see `from_str`, the only other way in.
        &self.0[..Self::SHORT]
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        if text.len() == Self::DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidFingerprint(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, InvalidFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl Dataset {
    /// The fingerprint of this data set.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Content(Sha256::new());
        hash.0.update(b"traceward data 1\n");
        hash.text(&self.abi.to_string());
        hash.number(self.classes.len());
        for class in &self.classes {
            hash.text(class);
        }

        // A call is hashed as its place among the calls in order of first appearance, so that neither the
        // table's numbering nor names that no trace uses matter; the names follow from that order.
        let mut places: Vec<Option<u16>> = vec![None; self.calls.len()];
        let mut names: Vec<&str> = Vec::new();
        let mut bytes = Vec::new();
        hash.number(self.traces.len());
        for trace in &self.traces {
            bytes.clear();
            for &call in &trace.calls {
                let place = *places[usize::from(call)].get_or_insert_with(|| {
                    names.push(self.calls.name(call));
                    // A table holds at most 65,535 names.
                    (names.len() - 1) as u16
                });
                bytes.extend_from_slice(&place.to_le_bytes());
            }
            hash.bytes(&bytes);
            hash.optional(trace.class.and_then(|c| self.classes.get(usize::from(c))).map(String::as_str));
            hash.optional(trace.group.as_deref());
            hash.optional(trace.part.as_deref());
        }
        hash.number(names.len());
        for name in names {
            hash.text(name);
        }
        Fingerprint(hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A hash in which every piece is written with its length, so that no two contents run together to the
/// same bytes.
struct Content(Sha256);

impl Content {
    fn number(&mut self, n: usize) {
        self.0.update((n as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{dataset, datasets};
    use crate::{Abi, CallTable, Source};

    /// Models carry this value: a change of the hash would make every run look like one on other data.
    /// The expected digits come from a second implementation, in Python.
    #[test]
    fn a_known_data_set_keeps_its_fingerprint() {
        let data =
            dataset(&[("open read close", "normal", "", "training"), ("open kill", "web", "web_1", "")]);
        assert_eq!(data.fingerprint().short(), "ffed4af52435");
    }

    /// The same content under another numbering of the calls, other sources and another name.
    fn renumbered(data: &Dataset) -> Dataset {
        let mut other = data.clone();
        other.name = "another".into();
        other.calls = CallTable::default();
        other.calls.intern("never_used");
        for name in data.calls.names().iter().rev() {
            other.calls.intern(name);
        }
        for trace in &mut other.traces {
            trace.source = Source { file: "elsewhere.parquet".into(), line: None };
            for call in &mut trace.calls {
                *call = other.calls.get(data.calls.name(*call)).unwrap();
            }
        }
        other.report.notes.push("a note".into());
        other
    }

    proptest! {
        #[test]
        fn the_format_does_not_matter(data in datasets()) {
            prop_assert_eq!(renumbered(&data).fingerprint(), data.fingerprint());
        }

        #[test]
        fn any_change_of_content_matters(data in datasets(), at: prop::sample::Index, change in 0usize..10) {
            prop_assume!(data.traces.len() > 1);
            let mut changed = data.clone();
            let at = at.index(data.traces.len());
            let trace = &mut changed.traces[at];
            match change {
                0 => { let call = trace.calls[0]; trace.calls.push(call); }
                1 => trace.calls[0] = changed.calls.intern("other").unwrap(),
                2 => trace.class = if trace.class.is_some() { None } else { changed.classes.push("more".into()); Some(0) },
                3 => trace.group = Some("other".into()),
                4 => trace.part = Some("other".into()),
                5 => { changed.traces.remove(at); }
                6 => { let copy = trace.clone(); changed.traces.insert(at, copy); }
                7 => changed.abi = Abi::X86_64,
                8 => changed.classes.push("more".into()),
                _ => changed.traces.rotate_left(1),
            }
            let same = changed.traces.iter().map(|t| (&t.calls, t.class, &t.group, &t.part))
                .eq(data.traces.iter().map(|t| (&t.calls, t.class, &t.group, &t.part)))
                && changed.classes == data.classes && changed.abi == data.abi;
            prop_assert_eq!(changed.fingerprint() == data.fingerprint(), same);
        }
    }

    #[test]
    fn pieces_do_not_run_together() {
        let one = dataset(&[("open", "normal", "ab", "c")]);
        let two = dataset(&[("open", "normal", "a", "bc")]);
        assert_ne!(one.fingerprint(), two.fingerprint());
        let none = dataset(&[("open", "normal", "", "abc")]);
        assert_ne!(none.fingerprint(), dataset(&[("open", "normal", "abc", "")]).fingerprint());
    }

    #[test]
    fn only_fingerprints_are_read_back() {
        let print = dataset(&[("open", "normal", "", "")]).fingerprint();
        let json = serde_json::to_string(&print).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), print);
        for bad in ["\"\"", "\"abc\"", &json.to_uppercase(), &json.replace(print.short(), "ééé")] {
            assert!(serde_json::from_str::<Fingerprint>(bad).is_err(), "{bad}");
        }
    }
}
