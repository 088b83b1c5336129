//! MLflow's folders: `mlruns/<experiment>/<run>/metrics/<name>`, a line `milliseconds value step` each time.
//!
//! A metric's name may hold slashes, which are folders then. Settings stand in `params/<name>`, the run's name in
//! `meta.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::csv::BadLines;
use super::shape;
use super::table::Table;
use super::value::json_number;
use super::{LoggedRun, number, yaml};

/// Runs and metrics beyond these are left out.
const MOST_RUNS: usize = 200;
const MOST_METRICS: usize = 500;

/// Whether a folder is a run.
pub(super) fn is_run(folder: &Path) -> bool {
    folder.join("meta.yaml").is_file() && folder.join("metrics").is_dir()
}

/// The runs at or below a folder, in order of their names.
pub(super) fn runs(folder: &Path) -> Vec<PathBuf> {
    if is_run(folder) {
        return vec![folder.to_owned()];
    }
    let mut found = Vec::new();
    let mut pending = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten().take(5000) {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if is_run(&path) {
                found.push(path);
            } else if depth < 3 {
                pending.push((path, depth + 1));
            }
        }
    }
    found.sort();
    found
}

/// Reads the runs at or below a folder.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read(folder: &Path, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let folders = runs(folder);
    if folders.len() > MOST_RUNS {
        notes.push(format!("Of {} runs the first {MOST_RUNS} are read.", folders.len()));
    }
    let several = folders.len() > 1;
    let mut started = Vec::new();
    for folder in folders.iter().take(MOST_RUNS) {
        let settings =
            yaml::small_file(&folder.join("meta.yaml")).map(|text| yaml::scalars(&text)).unwrap_or_default();
        let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let named = settings.get("run_name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = named.map_or(id, str::to_owned);
        let table = metrics(&folder.join("metrics"), notes)?;
        let hyperparameters = parameters(&folder.join("params"));
        let time = settings.get("start_time").and_then(Value::as_i64).unwrap_or(0);
        for mut run in shape::runs(shape::promoted(table), if several { &name } else { "" }, notes) {
            run.hyperparameters.clone_from(&hyperparameters);
            started.push((time, run));
        }
    }
    // Folders are named at random; people think of their runs in the order they began them.
    started.sort_by_key(|(time, _)| *time);
    let read: Vec<LoggedRun> = started.into_iter().map(|(_, run)| run).collect();
    if read.is_empty() { Err("no run in it has logged a loss or an accuracy".to_owned()) } else { Ok(read) }
}

/// The files below a folder, each with its path in it.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let (mut found, mut pending) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((inner, depth)) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&inner) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < 4 => pending.push((path, depth + 1)),
                Ok(kind) if kind.is_file() && found.len() < MOST_METRICS => {
                    let name =
                        path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                    found.push((name, path));
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn metrics(folder: &Path, notes: &mut Vec<String>) -> Result<Table, String> {
    let mut rows: BTreeMap<i64, Vec<(usize, f64)>> = BTreeMap::new();
    let files = files(folder);
    for (metric, (name, path)) in files.iter().enumerate() {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut bad = BadLines::default();
        let last = text.lines().count();
        for (index, line) in text.lines().enumerate() {
            let mut parts = line.split_whitespace();
            let (_, value, step) = (
                parts.next(),
                parts.next().and_then(number::parse),
                parts.next().unwrap_or("0").parse::<i64>(),
            );
            match (value, step) {
                (Some(value), Ok(step)) => rows.entry(step).or_default().push((metric, value)),
                _ if index + 1 == last && !text.ends_with('\n') => {
                    notes.push(format!("The last line of {name} is cut off and was left out."));
                }
                _ => bad.add(index + 1, || format!("{name} needs a time, a value and a step")),
            }
        }
        bad.note(notes);
    }
    let mut table = Table::new("row");
    for (step, values) in rows {
        table.row(table.len() as u64).map_err(shape::too_long)?;
        table.put("step", step as f64);
        for (metric, value) in values {
            table.put(&files[metric].0, value);
        }
    }
    Ok(table)
}

fn parameters(folder: &Path) -> Map<String, Value> {
    let read = files(folder).into_iter().filter_map(|(name, path)| {
        let text = yaml::small_file(&path)?;
        let value = number::parse(&text).map_or_else(|| text.trim().into(), json_number);
        Some((name, value))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A folder of one run with these metrics.
    fn folder(metrics: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("0").join("a1");
        std::fs::create_dir_all(run.join("metrics/val")).unwrap();
        std::fs::write(run.join("meta.yaml"), "run_name: first\nstart_time: 17\n").unwrap();
        for (name, text) in metrics {
            std::fs::write(run.join("metrics").join(name), text).unwrap();
        }
        root
    }

    #[test]
    fn steps_of_several_metrics_are_laid_side_by_side() {
        let root = folder(&[("loss", "5 1.5 0\n6 0.5 1\n7 0.25"), ("val/loss", "5 nan 1\nx\n")]);
        let mut notes = Vec::new();
        let runs = read(root.path(), &mut notes).unwrap();
        assert_eq!(runs[0].history.to_csv(), "step,loss,val/loss\n0,0.25,NA\n1,0.5,nan\n");
        assert_eq!(notes, ["1 line was skipped: line 2: val/loss needs a time, a value and a step."]);
    }

    proptest! {
        #[test]
        fn any_lines_are_read(text in "[0-9a-z. \n-]{0,60}") {
            let root = folder(&[("loss", &text)]);
            let _ = read(root.path(), &mut Vec::new());
        }
    }
}
