//! Folders that are classes: `<class>/<group>/<file>` or `<class>/<file>`, one file a trace.
//!
//! Deeper folders belong to the group's name. Files at the top, beside class folders, are no traces; a
//! folder without folders in it holds traces without labels. Archives often wrap everything in one
//! folder of their own name: it is looked through, unless it says `normal`.

use super::Format;
use super::collect::{Collector, Labels};
use super::trace_file;
use super::tree::Tree;
use crate::Error;
use crate::trace::is_normal;

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
        if !shared || !holds_folders || is_normal(first) {
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
    for index in 0..tree.len() {
        let path = tree.path(index).to_owned();
        let parts: Vec<&str> = path.split('/').skip(skip).collect();
        let labels = match parts.as_slice() {
            [class, group @ .., _] => Labels {
                class: Some((*class).into()),
                group: (!group.is_empty()).then(|| group.join("/").into()),
                ..Labels::default()
            },
            _ if labelled => {
                ignored.push(path);
                continue;
            }
            _ => Labels::default(),
        };
        let at = tree.source(index);
        trace_file::read(tree.open(index), labels, &at, into)?;
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
