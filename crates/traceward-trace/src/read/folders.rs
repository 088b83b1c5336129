//! Folders that are classes: `<class>/<group>/<file>` or `<class>/<file>`, one file a trace.
//!
//! Deeper folders belong to the group's name. Files at the top, beside class folders, are no traces; a
//! folder without folders in it holds traces without labels. Archives often wrap everything in one
//! folder of their own name: it is looked through, unless it is a class itself.
//!
//! Some data sets call their folders otherwise than others call the class: PLAID's `baseline` and DongTing's
//! `Normal_data` are `normal`, DongTing's `Abnormal_data` is `attack`. DongTing writes a trace twice, names in
//! `sy_NAME.log` and x86_64's numbers in `ml_NAME.log`: where both are there the names are read.

use super::Format;
use super::collect::{Collector, Labels};
use super::trace_file;
use super::tree::Tree;
use crate::trace::is_normal;
use crate::{Abi, Error};

/// Names of folders that mean a class of another name: PLAID's and DongTing's.
const CLASSES: [(&str, &str); 5] = [
    ("baseline", "normal"),
    ("normal_data", "normal"),
    ("dt-normal", "normal"),
    ("abnormal_data", "attack"),
    ("dt-abnormal", "attack"),
];

/// The class that a folder's name means, if it is another name.
fn known_class(folder: &str) -> Option<&'static str> {
    CLASSES.iter().find(|(name, _)| folder.eq_ignore_ascii_case(name)).map(|(_, class)| *class)
}

/// Which of DongTing's two files of a trace this is the second of: the path of the other.
fn names_beside(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/')?;
    Some(format!("{folder}/sy_{}", name.strip_prefix("ml_")?))
}

/// How many parts at the front of every path say nothing.
fn wrapping(tree: &Tree<'_>) -> usize {
    if !tree.is_archive() {
        return 0;
    }
    let mut depth = 0;
    loop {
        let parts = |path: &str| -> Vec<String> { path.split('/').skip(depth).map(str::to_owned).collect() };
        let all: Vec<Vec<String>> = tree.paths().map(parts).collect();
        let Some(first) = all.first().and_then(|p| p.first()) else { return depth };
        let shared = all.iter().all(|p| p.len() >= 2 && p[0] == *first);
        // A folder that holds nothing but files is a class.
        let holds_folders = all.iter().any(|p| p.len() >= 3);
        if !shared || !holds_folders || is_normal(first) || known_class(first).is_some() {
            return depth;
        }
        depth += 1;
    }
}

/// Reads every file below the class folders as one trace.
pub(super) fn read(tree: &mut Tree<'_>, into: &mut Collector<'_>) -> Result<(), Error> {
    into.set_format(Format::Folders);
    let skip = wrapping(tree);
    let labelled = tree.paths().any(|path| path.split('/').count() > skip + 1);
    let mut ignored = Vec::new();
    let mut doubled = 0_usize;
    for index in 0..tree.len() {
        let path = tree.path(index).to_owned();
        let parts: Vec<&str> = path.split('/').skip(skip).collect();
        let labels = match parts.as_slice() {
            [class, group @ .., _] => Labels {
                class: Some(known_class(class).unwrap_or(class).into()),
                group: (!group.is_empty()).then(|| group.join("/").into()),
                ..Labels::default()
            },
            _ if labelled => {
                ignored.push(path);
                continue;
            }
            _ => Labels::default(),
        };
        let is_dongting = parts.first().is_some_and(|class| known_class(class).is_some());
        if let Some(other) = names_beside(&path).filter(|_| is_dongting) {
            if tree.find(&other).is_some() {
                doubled += 1;
                continue;
            }
            into.layout_means(Abi::X86_64, "DongTing numbers calls by the table of x86_64.");
        }
        let at = tree.source(index);
        trace_file::read(tree.open(index), labels, &at, into)?;
    }
    if doubled > 0 {
        into.note(format!("{doubled} files hold in numbers what others hold in names, and were left alone."));
    }
    if let Some(first) = ignored.first() {
        into.note(format!(
            "{} beside the class folders {} left alone: {first}{}.",
            if ignored.len() == 1 { "One file".to_owned() } else { format!("{} files", ignored.len()) },
            if ignored.len() == 1 { "was" } else { "were" },
            if ignored.len() == 1 { "" } else { ", …" },
        ));
    }
    Ok(())
}
