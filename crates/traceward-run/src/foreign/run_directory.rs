//! Our own run directories: `history.csv`, `steps.csv`, and how the run stands.

use std::path::Path;

use super::{LoggedRun, StepLog, csv};
use crate::run_dir::RunDir;

/// Reads the run in a directory.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read(path: &Path, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let run_dir = RunDir::open(path).map_err(|error| error.to_string())?;
    let history = std::fs::read_to_string(run_dir.history_path());
    let steps = std::fs::read_to_string(run_dir.steps_path()).ok();
    let steps = steps.and_then(|text| csv::read(&text, "", &mut Vec::new()).ok()?.into_iter().next());
    let mut runs = match history {
        Ok(text) => csv::read(&text, "", notes)?,
        Err(_) if steps.is_some() => Vec::new(),
        Err(error) => return Err(format!("{}: {error}", run_dir.history_path().display())),
    };
    match (runs.first_mut(), steps) {
        (Some(run), Some(steps)) => {
            run.steps = Some(StepLog { history: steps.history, columns: steps.columns });
        }
        // Stopped before its first epoch was over.
        (None, Some(steps)) => runs.push(LoggedRun { by_step: true, ..steps }),
        _ => {}
    }
    Ok(runs)
}
