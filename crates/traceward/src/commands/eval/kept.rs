//! `eval MODEL`: a kept model of any kind on labelled traces.
//!
//! Traces that the model was trained on say nothing about it. When DATA is the set it was trained on,
//! known by its fingerprint, the split is made again and only the validation side is used.

use std::path::Path;

use serde::Serialize;
use traceward_detect::calibrate::{Calibration, Temperature};
use traceward_detect::early::{Curve, curve};
use traceward_run::evaluation::{Evaluation, Predictions};
use traceward_trace::split;
use traceward_trace::{Dataset, normal_class};

use crate::classifier::AnyModel;
use crate::cli::EvalArgs;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::input;
use crate::output::{self, Format, Output};

pub(super) fn run(path: &Path, args: &EvalArgs, output: Output) -> Outcome {
    let model = AnyModel::load(path)?;
    let source = input::source(args.data.as_slice(), &args.read)?;
    let data = input::load(&source, output)?;
    let (indices, protocol) = held_out(&model, &data, output)?;
    let (traces, labels) = labelled(&model, &data, &indices, output)?;
    let traces: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
    let scores = model.classifier().predict(&traces).map_err(Failure::new)?;
    let evaluation = Evaluation::new(&Predictions {
        probabilities: scores.values(),
        labels: &labels,
        classes: &model.about.classes,
        normal: normal_class(&model.about.classes),
        training_counts: None,
        protocol: &protocol,
        seed: model.about.split.as_ref().map_or(0, |split| split.seed),
    })
    .map_err(Failure::new)?;
    let curve = if args.early { Some(early(&model, &traces, &labels)?) } else { None };
    match output.format {
        Format::Json => output.json(&Kept { evaluation: &evaluation, early: curve.as_ref() })?,
        Format::Text => {
            output.text(&traceward_report::evaluation::text(&evaluation, output::width()))?;
            if let Some(curve) = &curve {
                output.text(&format!("\n{}", traceward_report::early::text(curve, output::width())))?;
            }
        }
    }
    Ok(ExitStatus::Fine)
}

/// What JSON says of a kept model.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    early: Option<&'a Curve>,
}

/// P(attack) above this is an attack where no calibration says otherwise.
const UNCALIBRATED: f64 = 0.5;

/// What the model says as calls come in, at the threshold that it was calibrated for.
fn early(model: &AnyModel, traces: &[&[u32]], labels: &[u16]) -> Result<Curve, Failure> {
    let normal = normal_class(&model.about.classes)
        .ok_or_else(|| Failure::new("the model has no normal class, so nothing in it means an alarm"))?;
    let calibration =
        model.about.calibration.as_ref().map(Calibration::from_json).transpose().map_err(Failure::new)?;
    let (temperature, threshold) = match &calibration {
        Some(known) => (known.temperature, known.table(false).attack.threshold(known.far).above),
        None => (Temperature::NONE, UNCALIBRATED),
    };
    curve(model.classifier(), temperature, traces, labels, normal, threshold).map_err(Failure::new)
}

/// The traces of `data` that the model has not seen, as far as that can be known, and in a word how
/// they were told apart.
fn held_out(model: &AnyModel, data: &Dataset, output: Output) -> Result<(Vec<u32>, String), Failure> {
    if let Some(config) = &model.about.split
        && data.fingerprint().to_string() == model.about.fingerprint
    {
        let split = split::split(data, config)?;
        output.note(format_args!(
            "this is the data set the model was trained on: evaluating on its validation side, {} ({} split)",
            output::counted(split.validation.len() as u64, "trace", "traces"),
            config.method
        ));
        return Ok((split.validation, config.method.to_string()));
    }
    output.warning(
        "not the data set the model was trained on: traces that it shares with it, if any, flatter the model",
    );
    Ok(((0..data.traces.len() as u32).collect(), "other data".to_owned()))
}

/// The labelled traces among `indices` as tokens, and their classes, which must be the model's.
fn labelled(
    model: &AnyModel,
    data: &Dataset,
    indices: &[u32],
    output: Output,
) -> Result<(Vec<Vec<u32>>, Vec<u16>), Failure> {
    let known = |class: &String| model.about.classes.iter().position(|known| known == class);
    let classes: Vec<Option<u16>> =
        data.classes.iter().map(|class| known(class).map(|at| at as u16)).collect();
    let encoding = model.about.vocabulary.encode(data);
    if let Some(warning) = encoding.warning() {
        output.warning(warning);
    }
    let (mut traces, mut labels) = (Vec::new(), Vec::new());
    let (mut foreign, mut unlabelled) = (0_u64, 0_u64);
    for &index in indices {
        let trace = &data.traces[index as usize];
        match trace.class.map(|class| classes[usize::from(class)]) {
            Some(Some(label)) => {
                traces.push(trace.calls.iter().map(|&call| encoding.tokens[usize::from(call)]).collect());
                labels.push(label);
            }
            Some(None) => foreign += 1,
            None => unlabelled += 1,
        }
    }
    if foreign > 0 {
        output.warning(format_args!(
            "{} of classes that the model does not know left out",
            output::counted(foreign, "trace", "traces")
        ));
    }
    if unlabelled > 0 {
        output.warning(format_args!(
            "{} without a label left out",
            output::counted(unlabelled, "trace", "traces")
        ));
    }
    if traces.is_empty() {
        return Err(Failure::new(format_args!(
            "{} has no trace of the model's classes ({})",
            data.name,
            model.about.classes.join(", ")
        )));
    }
    Ok((traces, labels))
}
