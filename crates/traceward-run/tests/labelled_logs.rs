//! Logs of other people's trainings, read as a careful person read them.
//!
//! Beside each log lies `curve.csv`, the curves that a person took from it by hand. They are not in this
//! repository; without them the test is skipped. `$TRACEWARD_CASES` says where they are.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use traceward_run::foreign::{self, Kind, LoggedRun};

fn cases() -> Option<PathBuf> {
    let folder = std::env::var_os("TRACEWARD_CASES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/doctor/cases"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no labelled logs in {}", folder.display());
    None
}

/// A hand-made curve: its columns without gaps.
fn curve(path: &Path) -> BTreeMap<String, Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().trim().split(',').collect();
    let mut columns: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in lines {
        for (name, cell) in names.iter().zip(line.trim().split(',')) {
            if !cell.is_empty() {
                columns.entry((*name).to_owned()).or_default().push(cell.parse().unwrap());
            }
        }
    }
    columns
}

fn values(run: &LoggedRun, column: Option<&String>) -> Option<Vec<f64>> {
    Some(run.history.column(column?)?.iter().flatten().copied().collect())
}

/// What a person calls the four curves in these files.
const NAMES: [&[&str]; 4] = [
    &["train_loss_epoch", "train_loss", "mean_loss", "loss"],
    &["val_loss", "eval_loss"],
    &["train_acc_epoch", "sparse_categorical_accuracy", "accuracy", "acc", "categorical_accuracy"],
    &["val_sparse_categorical_accuracy", "val_accuracy", "val_acc", "val_categorical_accuracy"],
];

fn same(left: Option<&Vec<f64>>, right: Option<&Vec<f64>>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(a, b)| (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * b.abs())
        }
        _ => false,
    }
}

#[test]
fn every_log_is_read_as_by_hand() {
    let Some(folder) = cases() else { return };
    let (mut read, mut wrong) = (0, Vec::new());
    let mut entries: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for case in entries {
        let by_hand = case.join("curve.csv");
        if !by_hand.is_file() {
            continue;
        }
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let raw = ["raw.csv", "raw.txt", "raw.json"]
            .into_iter()
            .map(|raw| case.join(raw))
            .find(|raw| raw.is_file());
        // TensorBoard's two folders are taken out, so that the curve beside them does not win.
        let (log, _guard) = match raw {
            Some(raw) => (raw, None),
            None => {
                let alone = tempfile::tempdir().unwrap();
                for part in ["train", "validation"] {
                    fs::create_dir(alone.path().join(part)).unwrap();
                    for file in fs::read_dir(case.join(part)).unwrap() {
                        let file = file.unwrap().path();
                        fs::copy(&file, alone.path().join(part).join(file.file_name().unwrap())).unwrap();
                    }
                }
                (alone.path().to_owned(), Some(alone))
            }
        };
        let log = match foreign::read(&log) {
            Ok(log) => log,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        read += 1;
        if log.runs.len() != 1 {
            wrong.push(format!("{name}: {} runs", log.runs.len()));
        }
        if !log.notes.is_empty() {
            println!("{name}: {}", log.notes.join(" "));
        }
        let run = &log.runs[0];
        let by_hand = curve(&by_hand);
        let columns =
            [&run.columns.loss, &run.columns.val_loss, &run.columns.accuracy, &run.columns.val_accuracy];
        for (names, column) in NAMES.iter().zip(columns) {
            let expected = names.iter().find_map(|name| by_hand.get(*name));
            let got = values(run, column.as_ref());
            if !same(got.as_ref(), expected) {
                wrong.push(format!(
                    "{name}: {} as {column:?}: {:?} values, by hand {:?}; of {:?}",
                    names[names.len() - 1],
                    got.map(|values| values.len()),
                    expected.map(Vec::len),
                    run.history.names().collect::<Vec<_>>()
                ));
            }
        }
    }
    assert!(read >= 65, "only {read} logs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_histories_that_name_their_curves() {
    let Some(folder) = cases() else { return };
    let mut read = 0;
    for entry in fs::read_dir(folder.join("overfitguard_real")).unwrap() {
        let path = entry.unwrap().path();
        // Python's NaN is no JSON; as null it drops out of the list below, and so it does on the other side.
        let text = fs::read_to_string(&path).unwrap().replace("NaN", "null");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let log = foreign::read(&path).unwrap();
        assert_eq!((log.kind, log.runs.len()), (Kind::HistoryJson, 1), "{}", path.display());
        let run = &log.runs[0];
        let read_column = |column: &Option<String>| -> Option<Vec<f64>> {
            values(run, column.as_ref())
                .map(|values| values.into_iter().filter(|value| !value.is_nan()).collect())
        };
        // A resumed run repeats an epoch: the later counts.
        let epochs = json.get("Epoch").or(json.get("epoch")).and_then(serde_json::Value::as_array);
        let named = |key: &str| -> Option<Vec<f64>> {
            let list = json.get(json.get(key)?.as_str()?)?.as_array()?;
            let epoch = |row: usize| epochs.and_then(|epochs| epochs[row].as_u64()).unwrap_or(row as u64);
            let by_epoch: BTreeMap<u64, Option<f64>> =
                list.iter().enumerate().map(|(row, value)| (epoch(row), value.as_f64())).collect();
            Some(by_epoch.into_values().flatten().collect())
        };
        assert!(
            same(read_column(&run.columns.loss).as_ref(), named("train_metric").as_ref()),
            "{}",
            path.display()
        );
        assert!(
            same(read_column(&run.columns.val_loss).as_ref(), named("monitor_metric").as_ref()),
            "{}",
            path.display()
        );
        if json.get("train_metric_acc").is_some() {
            assert!(same(read_column(&run.columns.accuracy).as_ref(), named("train_metric_acc").as_ref()));
            assert!(same(
                read_column(&run.columns.val_accuracy).as_ref(),
                named("monitor_metric_acc").as_ref()
            ));
        }
        read += 1;
    }
    assert!(read >= 40, "only {read} histories");
}
