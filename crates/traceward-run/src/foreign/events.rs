//! TensorBoard's folders: which event files are one run, and what their tags are.
//!
//! tf.keras writes `train/` and `validation/` side by side with the same tags (`epoch_loss`); they become one
//! run with `loss` and `val_loss`, as CSVLogger would have named them. Keras of TensorFlow 1 and PyTorch write
//! one folder with tags of any name. PyTorch's `add_scalars` makes a folder a curve, named after both. A folder
//! that is none of these is a run of its own, named by its path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::names::{Side, meaning};
use super::shape::{self, finished};
use super::table::Table;
use super::{LoggedRun, StepLog};
use crate::tensorboard::{self, Events, Scalar};

/// How deep below a folder event files are looked for.
const DEEPEST: usize = 6;
/// How many folders are looked into.
const MOST_FOLDERS: usize = 20_000;

/// The folders at or below `root` that hold event files.
pub(super) fn folders(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut pending, mut looked) = (Vec::new(), vec![(root.to_owned(), 0)], 0);
    while let Some((folder, depth)) = pending.pop() {
        looked += 1;
        if looked > MOST_FOLDERS {
            break;
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut events = false;
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEEPEST => pending.push((path, depth + 1)),
                Ok(kind) if !kind.is_dir() => {
                    events |= entry.file_name().to_string_lossy().contains("tfevents");
                }
                _ => {}
            }
        }
        if events {
            found.push(folder);
        }
    }
    found.sort();
    found
}

/// What a folder of event files is to its run.
struct Part {
    /// `train`, `validation`, or another side; `None` if it holds all of the run.
    side: Option<Side>,
    /// Per event file, in order.
    files: Vec<Vec<Scalar>>,
}

/// Reads every run at or below `root`, a folder.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read_folder(root: &Path, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let mut runs: BTreeMap<PathBuf, Vec<Part>> = BTreeMap::new();
    let folders = folders(root);
    for folder in &folders {
        let mut files = Vec::new();
        for file in tensorboard::event_files(folder).map_err(|error| error.to_string())? {
            match tensorboard::read_file(&file) {
                Ok(events) => files.push(noted(events, &file, notes)),
                Err(error) => notes.push(error.to_string()),
            }
        }
        files.retain(|file| !file.is_empty());
        if files.is_empty() {
            continue;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parent = folder.parent().filter(|_| folder != root);
        let (of, side) = match (parent, whole_side(&name)) {
            (Some(parent), Some(side)) => (parent.to_owned(), Some(side)),
            // A folder `train` that was named itself.
            (None, Some(side)) => (folder.clone(), Some(side)),
            (Some(parent), None) if curve_folder(&name, &mut files) => (parent.to_owned(), None),
            _ => (folder.clone(), None),
        };
        runs.entry(of).or_default().push(Part { side, files });
    }
    let mut read = Vec::new();
    let several = runs.len() > 1;
    for (folder, parts) in runs {
        let path = folder.strip_prefix(root).map(|path| path.display().to_string()).unwrap_or_default();
        let name = if several { path } else { String::new() };
        read.extend(join(parts, &name, notes)?);
    }
    if read.is_empty() {
        return Err(match folders.first() {
            Some(folder) => format!("the event files in {} hold no scalars", folder.display()),
            None => "no event file lies in it or below it".to_owned(),
        });
    }
    Ok(read)
}

/// Reads one event file.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read_file(path: &Path, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let events = tensorboard::read_file(path).map_err(|error| error.to_string())?;
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let side = whole_side(&folder);
    let files = vec![noted(events, path, notes)];
    join(vec![Part { side, files }], "", notes)
}

/// Reads one event file that is in memory.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read_bytes(bytes: &[u8], notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let events = tensorboard::read_events(bytes).map_err(|error| error.to_string())?;
    let files = vec![noted(events, Path::new("the event file"), notes)];
    join(vec![Part { side: None, files }], "", notes)
}

fn noted(events: Events, path: &Path, notes: &mut Vec<String>) -> Vec<Scalar> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    if let Some(damage) = events.damage {
        notes.push(format!("{name} is damaged at {damage}; what came before was read."));
    } else if events.torn {
        notes.push(format!(
            "The last record of {name} is cut off and was left out: the run was killed, or is still writing."
        ));
    }
    events.scalars
}

/// The side that a folder's whole name says.
fn whole_side(name: &str) -> Option<Side> {
    let meaning = meaning(name);
    (meaning.quantity.is_none() && meaning.is_plain()).then_some(meaning.side).flatten()
}

/// Whether a folder is one of `add_scalars(tag, {key: value})`: one tag, and a name of tag and key. The tag then
/// becomes `tag/key`.
fn curve_folder(name: &str, files: &mut [Vec<Scalar>]) -> bool {
    let Some(tag) = files.first().and_then(|file| file.first()).map(|scalar| scalar.tag.clone()) else {
        return false;
    };
    let Some(key) = name.strip_prefix(&tag.replace(['/', ' '], "_")).and_then(|rest| rest.strip_prefix('_'))
    else {
        return false;
    };
    if files.iter().flatten().any(|scalar| scalar.tag != tag) {
        return false;
    }
    let whole = format!("{tag}/{key}");
    for scalar in files.iter_mut().flatten() {
        scalar.tag.clone_from(&whole);
    }
    true
}

/// Tags that count batches or steps beside tags that count epochs.
fn is_of_steps(tag: &str) -> bool {
    tag.starts_with("batch_") || tag.contains("_vs_iterations") || tag.starts_with("Batch/")
}

/// Joins the parts of a run.
fn join(parts: Vec<Part>, name: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let keras = parts
        .iter()
        .flat_map(|part| part.files.iter().flatten())
        .any(|scalar| scalar.tag.starts_with("epoch_"));
    let mut joined: Vec<Table> = Vec::new();
    let mut steps: Vec<Table> = Vec::new();
    for part in parts {
        let name_of = |tag: &str| {
            let tag = if keras { tag.strip_prefix("epoch_").unwrap_or(tag) } else { tag };
            match part.side {
                Some(Side::Validation) => format!("val_{tag}"),
                Some(Side::Test) => format!("test_{tag}"),
                Some(Side::Train) | None => tag.to_owned(),
            }
        };
        let counter = if keras { "epoch" } else { "step" };
        let (mut by_row, mut by_step) = (Table::new(counter), Table::new("step"));
        for file in part.files {
            let (fine, coarse) = if keras {
                file.into_iter().partition(|scalar| is_of_steps(&scalar.tag))
            } else {
                by_two_counts(file)
            };
            add(&mut by_row, coarse, &name_of)?;
            add(&mut by_step, fine, &name_of)?;
        }
        lay_beside(&mut joined, by_row.into_runs(notes))?;
        lay_beside(&mut steps, by_step.into_runs(notes))?;
    }
    let several = joined.len() > 1;
    let mut runs = Vec::new();
    let mut steps = steps.into_iter();
    for (index, table) in joined.into_iter().enumerate() {
        let name = if several { shape::numbered(name, index) } else { name.to_owned() };
        for mut run in shape::runs(table, &name, notes) {
            if let Some(steps) = steps.next() {
                let (history, columns) = finished(steps);
                run.steps = Some(StepLog { history, columns });
            }
            runs.push(run);
        }
    }
    Ok(runs)
}

/// A tag's scalars: how many, up to which step, and the place of the last in the file.
#[derive(Clone, Copy, Default)]
struct Count {
    values: usize,
    last_step: i64,
    last_place: usize,
    by_one: bool,
}

/// Takes apart what is counted by step and what by epoch, where a writer was told both as its step: the steps,
/// and by epoch what was counted so with the means of the steps since the epoch before.
///
/// A file is in the order of time. So a tag whose own count goes up by one through most of the file, while
/// another's has gone four times as far, counts epochs.
fn by_two_counts(file: Vec<Scalar>) -> (Vec<Scalar>, Vec<Scalar>) {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for (place, scalar) in file.iter().enumerate() {
        let count = counts.entry(&scalar.tag).or_insert(Count { by_one: true, ..Count::default() });
        count.by_one &= count.values == 0 || scalar.step == count.last_step + 1;
        (count.values, count.last_step, count.last_place) = (count.values + 1, scalar.step, place);
    }
    let Some(finest) = counts.values().max_by_key(|count| count.last_step).copied() else {
        return (Vec::new(), file);
    };
    let by_epoch = |count: &Count| {
        count.by_one
            && count.values >= 2
            && count.last_step.saturating_mul(4) <= finest.last_step
            && count.values * 3 <= finest.values
            && count.last_place * 2 >= file.len()
    };
    let of_epochs: Vec<String> =
        counts.iter().filter(|(_, count)| by_epoch(count)).map(|(tag, _)| (*tag).to_owned()).collect();
    if of_epochs.is_empty() || counts.contains_key("epoch") {
        return (Vec::new(), file);
    }
    let (mut fine, mut coarse) = (Vec::new(), Vec::new());
    let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    let mut epoch = None;
    for scalar in file {
        if !of_epochs.contains(&scalar.tag) {
            let (sum, count) = sums.entry(scalar.tag.clone()).or_default();
            (*sum, *count) = (*sum + scalar.value, *count + 1);
            fine.push(scalar);
            continue;
        }
        if epoch != Some(scalar.step) {
            epoch = Some(scalar.step);
            for (tag, (sum, count)) in std::mem::take(&mut sums) {
                coarse.push(Scalar { tag, value: sum / count as f64, ..scalar.clone() });
            }
        }
        coarse.push(scalar);
    }
    (fine, coarse)
}

/// The n-th run of one folder belongs to the n-th of the other.
fn lay_beside(joined: &mut Vec<Table>, tables: Vec<Table>) -> Result<(), String> {
    for (index, table) in tables.into_iter().enumerate() {
        match joined.get_mut(index) {
            Some(there) => {
                *there = std::mem::take(there).join(&table, str::to_owned).map_err(shape::too_long)?;
            }
            None => joined.push(table),
        }
    }
    Ok(())
}

/// Adds the scalars of a file, those of one step in one row.
fn add(table: &mut Table, mut scalars: Vec<Scalar>, name_of: &impl Fn(&str) -> String) -> Result<(), String> {
    // Writers of several threads give steps out of order; a file never holds two runs unless a step comes
    // twice under one tag.
    let mut files: Vec<Vec<Scalar>> = vec![Vec::new()];
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for scalar in scalars.drain(..) {
        let before = last.insert(scalar.tag.clone(), scalar.step);
        if before.is_some_and(|before| scalar.step <= before) && scalar.step <= 1 {
            files.push(Vec::new());
            last.clear();
            last.insert(scalar.tag.clone(), scalar.step);
        }
        if let Some(file) = files.last_mut() {
            file.push(scalar);
        }
    }
    for mut file in files {
        file.sort_by_key(|scalar| scalar.step);
        let mut step = None;
        for scalar in file {
            if step != Some(scalar.step) {
                step = Some(scalar.step);
                table.row(u64::try_from(scalar.step).unwrap_or(0)).map_err(shape::too_long)?;
            }
            table.put(&name_of(&scalar.tag), scalar.value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::tensorboard::EventFile;

    /// An event file with these scalars: step, tag, value.
    fn write(folder: &Path, second: u64, scalars: &[(i64, &str, f64)]) {
        let at = UNIX_EPOCH + Duration::from_secs(second);
        let mut file = EventFile::create(folder, 0, at).unwrap();
        for (step, tag, value) in scalars {
            file.scalars(*step, &[(tag, *value)], at).unwrap();
        }
    }

    fn runs(root: &Path) -> Vec<(String, String)> {
        let runs = read_folder(root, &mut Vec::new()).unwrap();
        runs.into_iter().map(|run| (run.name, run.history.to_csv())).collect()
    }

    #[test]
    fn two_fits_into_one_folder_are_two_runs() {
        let root = tempfile::tempdir().unwrap();
        for (second, loss) in [(1, 2.0), (2, 4.0)] {
            write(
                &root.path().join("train"),
                second,
                &[(0, "epoch_loss", loss), (1, "epoch_loss", loss / 2.0)],
            );
            write(&root.path().join("validation"), second, &[(0, "epoch_loss", 8.0), (1, "epoch_loss", 4.0)]);
        }
        let csv = |losses: &str| format!("epoch,loss,val_loss\n{losses}");
        assert_eq!(
            runs(root.path()),
            [
                ("run 1".to_owned(), csv("0,2.0,8.0\n1,1.0,4.0\n")),
                ("run 2".to_owned(), csv("0,4.0,8.0\n1,2.0,4.0\n")),
            ]
        );
    }

    #[test]
    fn a_resumed_run_goes_on_in_another_file() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), 1, &[(0, "loss", 3.0), (1, "loss", 2.0), (2, "loss", 9.0)]);
        write(root.path(), 2, &[(2, "loss", 1.0), (3, "loss", 0.5)]);
        assert_eq!(
            runs(root.path()),
            [(String::new(), "step,loss\n0,3.0\n1,2.0\n2,1.0\n3,0.5\n".to_owned())]
        );
    }

    #[test]
    fn folders_side_by_side_are_runs_of_their_names() {
        let root = tempfile::tempdir().unwrap();
        for name in ["adam", "sgd"] {
            write(&root.path().join("runs").join(name), 1, &[(0, "Loss/train", 3.0), (1, "Loss/train", 2.0)]);
        }
        let names: Vec<String> = runs(root.path()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["runs/adam", "runs/sgd"]);
    }

    #[test]
    fn epochs_among_steps_are_told_by_their_place() {
        let root = tempfile::tempdir().unwrap();
        let mut scalars = Vec::new();
        for epoch in 0..4 {
            for batch in 0..10 {
                scalars.push((epoch * 10 + batch, "loss/train", (epoch * 10 + batch) as f64));
            }
            scalars.push((epoch, "loss/val", 0.5));
        }
        write(root.path(), 1, &scalars);
        let runs = read_folder(root.path(), &mut Vec::new()).unwrap();
        assert_eq!(
            runs[0].history.to_csv(),
            "step,loss/train,loss/val\n0,4.5,0.5\n1,14.5,0.5\n2,24.5,0.5\n3,34.5,0.5\n"
        );
        assert!(!runs[0].by_step);
        assert_eq!(runs[0].steps.as_ref().unwrap().history.len(), 40);
    }

    #[test]
    fn a_damaged_file_gives_what_came_before() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), 1, &[(0, "loss", 3.0), (1, "loss", 2.0)]);
        let path = tensorboard::event_files(root.path()).unwrap().remove(0);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let mut notes = Vec::new();
        let runs = read_folder(root.path(), &mut notes).unwrap();
        assert_eq!(runs[0].history.len(), 1);
        assert!(notes[0].contains("damaged at byte"), "{notes:?}");
        let empty = tempfile::tempdir().unwrap();
        assert!(read_folder(empty.path(), &mut Vec::new()).unwrap_err().contains("no event file"));
    }
}
