//! `eval`: a kept model on labelled traces.
//!
//! Traces that the model was trained on say nothing about it. When DATA is the set it was trained on,
//! known by its fingerprint, the split is made again and only the validation side is used.

use traceward_model::ModelFile;
use traceward_trace::Dataset;
use traceward_trace::split;
use traceward_train::Traces;

use super::model;
use crate::cli::EvalArgs;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::evaluate::{Judged, evaluate};
use crate::input;
use crate::output::{self, Format, Output};

/// Runs the command.
pub(super) fn run(args: &EvalArgs, output: Output) -> Outcome {
    super::set_threads(args.threads)?;
    let model = model::load(&args.model)?;
    let source = input::source(args.data.as_slice(), &args.read)?;
    let data = input::load(&source, output)?;
    let (indices, protocol) = held_out(&model, &data, output)?;
    let traces = labelled(&model, &data, &indices, output)?;
    let evaluation = evaluate(
        &model.network,
        &traces,
        &Judged {
            classes: &model.about.classes,
            protocol: &protocol,
            seed: model.about.split.as_ref().map_or(0, |split| split.seed),
            training_counts: None,
        },
    )?;
    match output.format {
        Format::Json => output.json(&evaluation)?,
        Format::Text => output.text(&traceward_report::evaluation::text(&evaluation, output::width()))?,
    }
    Ok(ExitStatus::Fine)
}

/// The traces of `data` that the model has not seen, as far as that can be known, and in a word how
/// they were told apart.
fn held_out(model: &ModelFile, data: &Dataset, output: Output) -> Result<(Vec<u32>, String), Failure> {
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

/// Encodes the labelled traces among `indices`; their classes must be the model's.
fn labelled(model: &ModelFile, data: &Dataset, indices: &[u32], output: Output) -> Result<Traces, Failure> {
    let classes: Vec<Option<u32>> = data
        .classes
        .iter()
        .map(|class| model.about.classes.iter().position(|known| known == class).map(|i| i as u32))
        .collect();
    let tokens = super::score::encode(model, data, output);
    let mut traces = Traces::new();
    let (mut foreign, mut unlabelled) = (0_u64, 0_u64);
    for &index in indices {
        let trace = &data.traces[index as usize];
        match trace.class.map(|class| classes[usize::from(class)]) {
            Some(Some(label)) => {
                let calls = model.about.input.cut(&trace.calls);
                traces.push(calls.iter().map(|&call| tokens[usize::from(call)]), label);
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
    Ok(traces)
}
