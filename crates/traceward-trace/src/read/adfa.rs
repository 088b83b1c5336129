//! ADFA-LD: three folders of traces, one file a trace, blank-separated i386 numbers.
//!
//! ```text
//! Training_Data_Master/UTD-0001.txt                  normal, part training
//! Validation_Data_Master/UVD-0001.txt                normal, part validation
//! Attack_Data_Master/Adduser_3/UAD-Adduser-3-1.txt   class Adduser, group Adduser_3, part attack
//! ```
//!
//! Most copies carry a `ADFA-LD+Syscall+List.txt`. It is `asm-generic/unistd.h`, the table of another
//! architecture: none of its numbers means on i386 what it says. It is never read.

use super::collect::{Collector, Labels};
use super::tree::Tree;
use super::{Format, trace_file};
use crate::{Abi, Error};

/// The folders, in the order in which their traces are read, and the parts that they are.
const FOLDERS: [(&str, Part); 3] = [
    ("training_data_master", Part::Training),
    ("validation_data_master", Part::Validation),
    ("attack_data_master", Part::Attack),
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Training,
    Validation,
    Attack,
}

/// Whether the paths are laid out as ADFA-LD's.
pub(super) fn looks_like<'p>(mut paths: impl Iterator<Item = &'p str>) -> bool {
    paths.any(|path| place(path).is_some())
}

/// The part that a path stands in, and what is below its folder.
fn place(path: &str) -> Option<(Part, Vec<&str>)> {
    let mut parts = path.split('/');
    let part = parts.by_ref().find_map(|folder| {
        FOLDERS.iter().find(|(name, _)| folder.eq_ignore_ascii_case(name)).map(|(_, part)| *part)
    })?;
    let below: Vec<&str> = parts.collect();
    (!below.is_empty()).then_some((part, below))
}

/// The family of an attack run: `Hydra_FTP` of `Hydra_FTP_3`.
fn family(run: &str) -> &str {
    match run.rsplit_once('_') {
        Some((family, number)) if number.bytes().all(|b| b.is_ascii_digit()) && !family.is_empty() => family,
        _ => run,
    }
}

/// Reads the three folders: training, validation, attack, each by path.
pub(super) fn read(tree: &mut Tree<'_>, into: &mut Collector<'_>) -> Result<(), Error> {
    into.set_format(Format::AdfaLd);
    into.layout_means(
        Abi::I386,
        "The folders are ADFA-LD's, which was recorded on i386; a list of calls that came along with it is \
         asm-generic's and was not used.",
    );
    let mut order: Vec<(Part, usize)> = Vec::new();
    let mut ignored = Vec::new();
    for (index, path) in tree.paths().enumerate() {
        match place(path) {
            Some((part, _)) => order.push((part, index)),
            None => ignored.push(path.to_owned()),
        }
    }
    order.sort();
    for (part, index) in order {
        let at = tree.source(index);
        let path = tree.path(index).to_owned();
        let below = place(&path).map(|(_, below)| below).unwrap_or_default();
        let labels = match part {
            Part::Training | Part::Validation => Labels {
                class: Some("normal".into()),
                part: Some(if part == Part::Training { "training" } else { "validation" }.into()),
                ..Labels::default()
            },
            Part::Attack => match below.as_slice() {
                [run, _, ..] => Labels {
                    class: Some(family(run).into()),
                    group: Some((*run).into()),
                    part: Some("attack".into()),
                    ..Labels::default()
                },
                _ => {
                    into.bad(&at, "It lies in the attack folder itself, not in the folder of a run.")?;
                    continue;
                }
            },
        };
        trace_file::read(tree.open(index), labels, &at, into)?;
    }
    if let Some(first) = ignored.first() {
        into.note(format!(
            "{} outside the three folders of traces {} left alone: {first}{}.",
            if ignored.len() == 1 { "One file".to_owned() } else { format!("{} files", ignored.len()) },
            if ignored.len() == 1 { "was" } else { "were" },
            if ignored.len() == 1 { "" } else { ", …" },
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_runs_without_their_number() {
        assert_eq!(family("Hydra_FTP_3"), "Hydra_FTP");
        assert_eq!(family("Adduser_10"), "Adduser");
        assert_eq!(family("Web_Shell"), "Web_Shell");
        assert_eq!(family("_1"), "_1");
    }

    #[test]
    fn the_layout_is_found_at_any_depth() {
        assert!(looks_like(["x/ADFA-LD/Attack_Data_Master/Adduser_1/UAD-1.txt"].into_iter()));
        assert!(looks_like(["training_data_master/UTD-1.txt"].into_iter()));
        assert!(!looks_like(["Training_Data_Master"].into_iter()));
        assert!(!looks_like(["normal/a/1.txt"].into_iter()));
    }
}
