//! Logs in folders and archives: a file of strace a thread (`-ff`), recordings in class folders, LID-DS.
//!
//! Each file is a group. Folders tell the class where one of them is called `normal`, `benign`,
//! `baseline` (PLAID) or `attack`, `exploit`, `intrusion`. A recording of LID-DS 2021 is a zip of a `.sc` file
//! and a `.json` that says whether and when its exploit ran: threads that made no call after that moment
//! are normal, the others attacks. LID-DS 2019 says the same in `runs.csv`.

use std::io::{BufReader, Read};

use serde::Deserialize;

use super::{Recording, read};
use crate::Error;
use crate::read::budget::Budget;
use crate::read::collect::{Collector, Labels, Refusal};
use crate::read::look::{HEAD, Kind, Text, look};
use crate::read::tree::Tree;

/// The longest description of a recording, in bytes.
const LONGEST_DESCRIPTION: u64 = 16 << 20;

/// Words in the name of a folder that tell its class; the first that fits counts.
const CLASS_WORDS: [(&str, &str); 6] = [
    ("attack", "attack"),
    ("exploit", "attack"),
    ("intrusion", "attack"),
    ("normal", "normal"),
    ("benign", "normal"),
    ("baseline", "normal"),
];

/// What a recording's `.json` says of it.
#[derive(Deserialize)]
struct Description {
    exploit: bool,
    #[serde(default)]
    time: Times,
}

#[derive(Default, Deserialize)]
struct Times {
    #[serde(default)]
    exploit: Vec<Moment>,
}

#[derive(Deserialize)]
struct Moment {
    /// Seconds since 1970.
    absolute: f64,
}

impl Description {
    /// The recording's class, and for an attack the nanosecond it began; 0 if that is not said.
    fn begins(&self) -> Option<u64> {
        let first = self.time.exploit.iter().map(|moment| moment.absolute).min_by(f64::total_cmp);
        self.exploit.then(|| first.map_or(0, |seconds| (seconds.max(0.0) * 1e9) as u64))
    }
}

/// Reads all logs of a tree.
pub(in crate::read) fn read_tree(
    tree: &mut Tree<'_>,
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    let mut ignored = Vec::new();
    for index in 0..tree.len() {
        let path = tree.path(index).to_owned();
        let at = tree.source(index);
        // A member that cannot be opened is reported when it is read.
        let (head, all) = tree.head(index, HEAD).unwrap_or((Vec::new(), true));
        match look(&head, all, into.options) {
            Ok(Kind::Text(Text::Log(dialect))) => {
                let described = described(tree, &path);
                let labels = Labels {
                    class: class_of(&path).or_else(|| class_of(tree.root_name())).map(Into::into),
                    group: Some(group_of(tree, &path).into()),
                    ..Labels::default()
                };
                let recording = Recording { labels, attack_from: described };
                match tree.open(index) {
                    Ok(mut input) => read(&dialect, &mut *input, &recording, &at, into)?,
                    Err(error) => into.row(&at, |_| Err(Refusal::reading(&at)(error)))?,
                }
            }
            // LID-DS 2021 packs each recording.
            Ok(Kind::Zip) => match tree.open_seekable(index) {
                Ok(input) => {
                    let packed = BufReader::new(input);
                    read_tree(
                        &mut Tree::zip(&at.to_string(), Box::new(packed), budget.clone())?,
                        budget,
                        into,
                    )?;
                }
                Err(error) => into.row(&at, |_| Err(Refusal::reading(&at)(error)))?,
            },
            _ if path.ends_with(".json") || path.ends_with(".res") || path.ends_with(".pcap") => {}
            _ => ignored.push(path),
        }
    }
    if let Some(first) = ignored.first() {
        into.note(format!(
            "{} files are no logs of calls and were left alone, the first of them {first}.",
            ignored.len()
        ));
    }
    Ok(())
}

/// What the description beside a recording says: `None` without one, `Some(None)` if no exploit ran.
fn described(tree: &mut Tree<'_>, path: &str) -> Option<Option<u64>> {
    let stem = path.strip_suffix(".sc")?;
    let beside = format!("{stem}.json");
    let index = (0..tree.len()).find(|&index| tree.path(index) == beside)?;
    let mut text = Vec::new();
    tree.open(index).ok()?.take(LONGEST_DESCRIPTION).read_to_end(&mut text).ok()?;
    let description: Description = serde_json::from_slice(&text).ok()?;
    Some(description.begins())
}

/// The class that the folders of a path tell, the innermost first.
fn class_of(path: &str) -> Option<&'static str> {
    path.rsplit(['/', '!']).find_map(|part| {
        let part = part.to_ascii_lowercase();
        CLASS_WORDS.iter().find(|(word, _)| part.contains(word)).map(|(_, class)| *class)
    })
}

/// Files of `strace -ff` that differ in their thread alone are one recording.
fn group_of(tree: &Tree<'_>, path: &str) -> String {
    let whole = if tree.len() == 1 { tree.root_name().to_owned() } else { path.to_owned() };
    match whole.rsplit_once('.') {
        Some((stem, thread)) if !thread.is_empty() && thread.bytes().all(|b| b.is_ascii_digit()) => {
            stem.to_owned()
        }
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_tell_the_class() {
        assert_eq!(class_of("PLAID/baseline/web-1/trial3.txt.77"), Some("normal"));
        assert_eq!(class_of("test/normal_and_attack/a.sc"), Some("attack"));
        assert_eq!(class_of("trace.77"), None);
    }

    #[test]
    fn a_description_tells_when_the_exploit_began() {
        let parse = |text: &str| serde_json::from_str::<Description>(text).unwrap().begins();
        assert_eq!(parse(r#"{"exploit": false, "time": {"container_ready": {"absolute": 1.0}}}"#), None);
        assert_eq!(
            parse(r#"{"exploit": true, "time": {"exploit": [{"absolute": 2.5}, {"absolute": 2.0}]}}"#),
            Some(2_000_000_000)
        );
        assert_eq!(parse(r#"{"exploit": true}"#), Some(0));
    }
}
