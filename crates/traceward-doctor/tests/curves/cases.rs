//! Logs to judge by, read from the folder that `TRACEWARD_CASES` names.

use std::path::{Path, PathBuf};

use traceward_doctor::curve::{Curve, Curves};

/// A log and what a person said of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) curves: Curves,
    pub(crate) primary: String,
    pub(crate) acceptable: Vec<String>,
    pub(crate) must_not: Vec<String>,
    pub(crate) event: Option<usize>,
}

/// The folder, or why there is none.
pub(crate) fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/doctor/cases");
    let folder = std::env::var_os("TRACEWARD_CASES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no labelled logs at {}", folder.display());
    None
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
            curves: curves(&folder.join(cell(0)).join("curve.csv")),
            primary: cell(1).to_owned(),
            acceptable: words(cell(2)),
            must_not: words(cell(3)),
            event: cell(4).parse().ok(),
        }
    });
    Some(cases.collect())
}

/// The curves of a table with one column a quantity, under the names of many frameworks.
fn curves(path: &Path) -> Curves {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |name: &str| -> Option<Curve> {
        let index = names.iter().position(|found| found == name)?;
        let values: Vec<Option<f64>> =
            records.iter().map(|record| record[index].trim().parse().ok()).collect();
        let curve = Curve::of(&values);
        (!curve.is_empty()).then_some(curve)
    };
    let first = |names: &[&str]| names.iter().find_map(|name| column(name));
    let accuracies = ["accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy"];
    let val_accuracies = accuracies.map(|name| format!("val_{name}"));
    Curves {
        rows: records.len(),
        loss: first(&["loss", "train_loss", "mean_loss"]).or_else(|| {
            // Lightning logs both; with few epochs the steps tell more.
            let by_epoch = column("train_loss_epoch").filter(|curve| curve.len() >= 5);
            by_epoch.or_else(|| column("train_loss_step"))
        }),
        val_loss: first(&["val_loss", "eval_loss"]),
        accuracy: first(&accuracies).or_else(|| column("train_acc_epoch")),
        val_accuracy: val_accuracies.iter().find_map(|name| column(name)).or_else(|| column("val_acc")),
        learning_rate: first(&["learning_rate", "lr"]),
        ..Default::default()
    }
}
