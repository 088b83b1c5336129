//! Logs to judge by, read from the folder that `TRACEWARD_CASES` names.

use std::fs;
use std::path::Path;

use traceward_doctor::{Evidence, read};
use traceward_run::foreign;

use crate::folder::folder;

/// A log and what a person said of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) evidence: Evidence,
    pub(crate) primary: String,
    pub(crate) acceptable: Vec<String>,
    pub(crate) must_not: Vec<String>,
    pub(crate) event: Option<usize>,
}

/// All labelled logs.
pub(crate) fn labelled() -> Option<Vec<Case>> {
    let folder = folder()?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .quoting(false)
        .from_path(folder.join("labels.tsv"))
        .unwrap();
    let words = |cell: &str| cell.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let cases = reader.records().map(|record| {
        let record = record.unwrap();
        let cell = |index: usize| record.get(index).unwrap_or_default();
        Case {
            name: cell(0).to_owned(),
            evidence: evidence(&folder.join(cell(0))),
            primary: cell(1).to_owned(),
            acceptable: words(cell(2)),
            must_not: words(cell(3)),
            event: cell(4).parse().ok(),
        }
    });
    Some(cases.collect())
}

/// What a case's log says, as our own reader reads it: the way that users' logs go.
fn evidence(case: &Path) -> Evidence {
    let raw =
        ["raw.csv", "raw.txt", "raw.json"].map(|name| case.join(name)).into_iter().find(|raw| raw.is_file());
    let log = match raw {
        Some(raw) => foreign::read(&raw),
        // TensorBoard's two folders are taken out, so that the curve beside them does not win.
        None => {
            let alone = tempfile::tempdir().unwrap();
            for part in ["train", "validation"] {
                fs::create_dir(alone.path().join(part)).unwrap();
                for file in fs::read_dir(case.join(part)).unwrap() {
                    let file = file.unwrap().path();
                    fs::copy(&file, alone.path().join(part).join(file.file_name().unwrap())).unwrap();
                }
            }
            foreign::read(alone.path())
        }
    };
    let log = log.unwrap();
    read::logged(&log, &log.runs[0])
}
