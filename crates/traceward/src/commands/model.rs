//! `model inspect`, and how every command finds the model file behind what was typed.

use std::path::Path;

use serde_json::json;
use traceward_model::ModelFile;
use traceward_run::summary;

use crate::classifier::file_of;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::output::{self, Format, Output};

/// Loads a model: the file itself, or the one in a run directory.
pub(super) fn load(path: &Path) -> Result<ModelFile, Failure> {
    let file = file_of(path)?;
    ModelFile::load(&file).map_err(|e| Failure::new(format_args!("{}: {e}", file.display())))
}

/// Shows what a model is.
pub(super) fn inspect(path: &Path, output: Output) -> Outcome {
    let model = load(path)?;
    let (about, network) = (&model.about, &model.network);
    if output.format == Format::Json {
        output.json(&json!({
            "model": path,
            "version": about.version,
            "abi": about.vocabulary.abi,
            "classes": about.classes,
            "vocabulary": about.vocabulary.names,
            "input": about.input,
            "spec": network.spec(),
            "parameters": network.parameters().iter().map(|p| json!({"name": p.name, "shape": p.shape, "trainable": p.trainable})).collect::<Vec<_>>(),
            "training_data": about.fingerprint,
            "split": about.split,
            "calibration": about.calibration,
            "metrics": about.metrics,
        }))?;
        return Ok(ExitStatus::Fine);
    }
    let metrics: Vec<String> = about
        .metrics
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} {:.3}", value.as_f64()?)))
        .collect();
    output.text(&format!(
        "{}\nReads: {} calls of {}, {}\nClasses: {}\nTrained by traceward {} on data {}\nOn its validation side: {}\n",
        summary::summary(network.spec(), None, output::width()),
        about.vocabulary.names.len(),
        about.vocabulary.abi,
        match about.input.max_len {
            Some(n) => format!("at most {n} of a trace"),
            None => "whole traces".to_owned(),
        },
        about.classes.join(", "),
        about.version,
        about.fingerprint,
        if metrics.is_empty() { "not evaluated".to_owned() } else { metrics.join(", ") },
    ))?;
    Ok(ExitStatus::Fine)
}
