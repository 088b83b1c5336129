//! Logs in folders and archives: a file of strace a thread (`-ff`), recordings in class folders, LID-DS.
//!
//! Each file is a group, and files of `strace -ff` that differ in their thread alone are one: PLAID's
//! `name-..trial3.txt.77` are the trial's. Folders tell the class where one of them is called `normal`, `benign`,
//! `baseline` (PLAID) or `attack`, `exploit`, `intrusion`, `abnormal` (DongTing), and the part where one is called
//! `training`, `validation` or `test` (LID-DS 2021).
//!
//! A recording of LID-DS 2021 is a zip of a `.sc` file and a `.json` that says whether and when its exploit
//! ran: threads that made no call after that moment are normal, the others attacks. LID-DS 2019 says the same
//! of all recordings of a folder in `runs.csv`.

mod described;

use std::io::BufReader;

use self::described::{Runs, described};
use super::{Recording, read};
use crate::Error;
use crate::read::budget::Budget;
use crate::read::collect::{Collector, Labels, Refusal};
use crate::read::look::{HEAD, Kind, Text, look};
use crate::read::tree::Tree;

/// Words in the name of a folder that tell its class; the first that fits counts.
const CLASS_WORDS: [(&str, &str); 7] = [
    ("attack", "attack"),
    ("exploit", "attack"),
    ("intrusion", "attack"),
    ("abnormal", "attack"),
    ("normal", "normal"),
    ("benign", "normal"),
    ("baseline", "normal"),
];

/// Names of folders that are parts of a data set.
const PARTS: [&str; 3] = ["training", "validation", "test"];

/// Reads all logs of a tree.
pub(in crate::read) fn read_tree(
    tree: &mut Tree<'_>,
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    read_below(tree, "", budget, into)
}

/// Reads all logs of a tree that lies at `outer` in another.
fn read_below(
    tree: &mut Tree<'_>,
    outer: &str,
    budget: &Budget,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    let runs = Runs::of(tree);
    let mut ignored = Vec::new();
    for index in 0..tree.len() {
        let path = tree.path(index).to_owned();
        let at = tree.source(index);
        // A member that cannot be opened is reported when it is read.
        let (head, all) = tree.head(index, HEAD).unwrap_or((Vec::new(), true));
        match look(&head, all, into.options) {
            Ok(Kind::Text(Text::Log(dialect))) => {
                let attack = described(tree, &runs, &path);
                let class =
                    class_of(&path).or_else(|| class_of(outer)).or_else(|| class_of(tree.root_name()));
                let labels = Labels {
                    class: class.map(Into::into),
                    group: Some(group_of(tree, outer, &path).into()),
                    part: part_of(&path).or_else(|| part_of(outer)).map(Into::into),
                    ..Labels::default()
                };
                let recording = Recording { labels, attack };
                match tree.open(index) {
                    Ok(mut input) => read(&dialect, &mut *input, &recording, &at, into)?,
                    Err(error) => into.row(&at, |_| Err(Refusal::reading(&at)(error)))?,
                }
            }
            // LID-DS 2021 packs each recording.
            Ok(Kind::Zip) => match tree.open_seekable(index) {
                Ok(input) => {
                    let packed = Box::new(BufReader::new(input));
                    let mut packed = Tree::zip(&at.to_string(), packed, budget.clone())?;
                    read_below(&mut packed, &path, budget, into)?;
                }
                Err(error) => into.row(&at, |_| Err(Refusal::reading(&at)(error)))?,
            },
            _ if path.ends_with(".json") || path.ends_with(".res") || path.ends_with(".pcap") => {}
            _ if Runs::is_list(&path) => {}
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

/// The class that the folders of a path tell, the innermost first.
fn class_of(path: &str) -> Option<&'static str> {
    path.rsplit(['/', '!']).find_map(|part| {
        let part = part.to_ascii_lowercase();
        CLASS_WORDS.iter().find(|(word, _)| part.contains(word)).map(|(_, class)| *class)
    })
}

/// The part that the folders of a path tell, the outermost first.
fn part_of(path: &str) -> Option<&'static str> {
    let (folders, _) = path.rsplit_once('/')?;
    folders.split('/').find_map(|folder| PARTS.into_iter().find(|part| folder.eq_ignore_ascii_case(part)))
}

/// Files of `strace -ff` that differ in their thread alone are one recording.
fn group_of(tree: &Tree<'_>, outer: &str, path: &str) -> String {
    let whole = match outer {
        "" if tree.len() == 1 => tree.root_name().to_owned(),
        "" => path.to_owned(),
        outer => format!("{outer}!{path}"),
    };
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
    fn folders_tell_the_class_and_the_part() {
        assert_eq!(class_of("PLAID/baseline/web-1/trial3.txt.77"), Some("normal"));
        assert_eq!(class_of("test/normal_and_attack/a.sc"), Some("attack"));
        assert_eq!(class_of("Abnormal_data/5.1/a.log"), Some("attack"));
        assert_eq!(class_of("trace.77"), None);
        assert_eq!(part_of("CVE-2017-7529/test/normal/a.zip"), Some("test"));
        assert_eq!(part_of("training/a.zip"), Some("training"));
        assert_eq!(part_of("test"), None);
        assert_eq!(part_of("my-test/a.sc"), None);
    }
}
