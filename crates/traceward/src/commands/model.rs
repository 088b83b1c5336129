//! `model inspect`: what a kept model is.

use std::path::Path;

use serde_json::json;
use traceward_run::summary;

use crate::classifier::AnyModel;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::output::{self, Format, Output};

/// Shows what a model is.
pub(super) fn inspect(path: &Path, output: Output) -> Outcome {
    let model = AnyModel::load(path)?;
    let about = &model.about;
    if output.format == Format::Json {
        let mut found = json!({
            "model": path,
            "version": about.version,
            "abi": about.vocabulary.abi,
            "classes": about.classes,
            "vocabulary": about.vocabulary.names,
            "input": about.input,
            "training_data": about.fingerprint,
            "split": about.split,
            "calibration": about.calibration,
            "metrics": about.metrics,
        });
        if let Some(network) = model.network() {
            found["spec"] = json!(network.spec());
            found["parameters"] = network
                .parameters()
                .iter()
                .map(|p| json!({"name": p.name, "shape": p.shape, "trainable": p.trainable}))
                .collect();
        }
        if let Some(recipe) = model.recipe() {
            found["recipe"] = json!(recipe);
        }
        output.json(&found)?;
        return Ok(ExitStatus::Fine);
    }
    let metrics: Vec<String> = about
        .metrics
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} {:.3}", value.as_f64()?)))
        .collect();
    let what = match (model.network(), model.recipe()) {
        (Some(network), _) => summary::summary(network.spec(), None, output::width()),
        (None, Some(recipe)) => {
            format!("Recipe:\n{}", toml::to_string(recipe).map_err(Failure::new)?)
        }
        (None, None) => String::new(),
    };
    output.text(&format!(
        "{what}\nReads: {} calls of {}, {}\nClasses: {}\nTrained by traceward {} on data {}\nOn its validation side: {}\nThresholds: {}\n",
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
        if about.calibration.is_some() {
            "calibrated"
        } else {
            "none; set them with: traceward calibrate MODEL NORMALS --far 0.1%"
        },
    ))?;
    Ok(ExitStatus::Fine)
}
