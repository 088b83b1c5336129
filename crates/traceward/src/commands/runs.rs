//! `runs list` and `runs show`: what was trained here, and how it went.

use std::path::{Path, PathBuf};

use serde_json::json;
use traceward_run::config::RecipeRecord;
use traceward_run::run_dir::{self, RunEntry};
use traceward_run::{RunDir, summary};

use crate::error::{ExitStatus, Failure, Outcome};
use crate::input;
use crate::output::{self, Format, Output};

/// Lists the runs under a folder, oldest first.
pub(super) fn list(dir: &Path, output: Output) -> Outcome {
    let runs = run_dir::list(dir)?;
    match output.format {
        Format::Json => output.json(&runs.iter().map(entry_json).collect::<Vec<_>>())?,
        Format::Text if runs.is_empty() => {
            output.note(format_args!("no run under {}; begin one with: traceward train", dir.display()));
        }
        Format::Text => output.text(&traceward_report::compare::runs_text(&runs, output::width()))?,
    }
    Ok(ExitStatus::Fine)
}

fn entry_json(run: &RunEntry) -> serde_json::Value {
    json!({
        "run": run.path,
        "name": run.name,
        "status": run.status.as_ref().map_or("unknown", |status| status.state.name()),
        "started": run.status.as_ref().map(|status| status.started),
        "epochs_done": run.status.as_ref().map(|status| status.epochs_done),
        "epochs": run.epochs,
        "preset": run.preset,
        "data": run.data,
        "loss": run.loss,
        "best_val_loss": run.best_val_loss,
        "accuracy": run.accuracy,
        "macro_f1": run.macro_f1,
    })
}

/// Shows one run.
pub(super) fn show(run: Option<&Path>, output: Output) -> Outcome {
    let path = match run {
        Some(path) => path.to_owned(),
        None => newest()?,
    };
    let dir = RunDir::open(&path)?;
    if let Some(recipe) = dir.read_recipe()? {
        return show_recipe(&path, &dir, &recipe, output);
    }
    let record = dir.read_record()?;
    let status = dir.read_status()?;
    let history = dir.read_history()?;
    let evaluation = if dir.evaluation_path().exists() { Some(dir.read_evaluation()?) } else { None };
    if output.format == Format::Json {
        output.json(&json!({
            "run": path,
            "status": status.state.name(),
            "epochs": history.len(),
            "config": record.config,
            "data": record.data,
            "loss": history.last("loss"),
            "val_loss": history.last("val_loss"),
            "evaluation": evaluation,
        }))?;
        return Ok(ExitStatus::Fine);
    }
    let mut text = format!(
        "{}: {}, {} of {} epochs\n{}: {} traces, {} train, {} validate ({} split, seed {})\n\n{}",
        path.display(),
        status.state.name(),
        history.len(),
        record.config.fit.epochs,
        input::shown(&record.data.source),
        record.data.traces,
        record.data.training_traces,
        record.data.validation_traces,
        record.config.split.method,
        record.config.split.seed,
        summary::summary(&record.config.model, None, output::width()),
    );
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.4}"));
    text.push_str(&format!(
        "\nlast epoch: loss {}  accuracy {}  val_loss {}  val_accuracy {}\n",
        number(history.last("loss")),
        number(history.last("accuracy")),
        number(history.last("val_loss")),
        number(history.last("val_accuracy")),
    ));
    if let Some(evaluation) = &evaluation {
        text.push('\n');
        text.push_str(&traceward_report::evaluation::text(evaluation, output::width()));
    }
    output.text(&text)?;
    Ok(ExitStatus::Fine)
}

/// Shows a training without epochs.
fn show_recipe(path: &Path, dir: &RunDir, record: &RecipeRecord, output: Output) -> Outcome {
    let status = dir.read_status()?;
    let evaluation = if dir.evaluation_path().exists() { Some(dir.read_evaluation()?) } else { None };
    if output.format == Format::Json {
        output.json(&json!({
            "run": path,
            "status": status.state.name(),
            "model": record.model,
            "recipe": record.recipe,
            "split": record.split,
            "seed": record.seed,
            "data": record.data,
            "evaluation": evaluation,
        }))?;
        return Ok(ExitStatus::Fine);
    }
    let mut text = format!(
        "{}: {}, {}\n{}: {} traces, {} train, {} validate ({} split, seed {})\n",
        path.display(),
        record.model,
        status.state.name(),
        input::shown(&record.data.source),
        record.data.traces,
        record.data.training_traces,
        record.data.validation_traces,
        record.split.method,
        record.split.seed,
    );
    if let Some(evaluation) = &evaluation {
        text.push('\n');
        text.push_str(&traceward_report::evaluation::text(evaluation, output::width()));
    }
    output.text(&text)?;
    Ok(ExitStatus::Fine)
}

fn newest() -> Result<PathBuf, Failure> {
    let runs = run_dir::list(Path::new("runs"))?;
    runs.last()
        .map(|run| run.path.clone())
        .ok_or_else(|| Failure::new("there is no run under runs/").hint("begin one with: traceward train"))
}
