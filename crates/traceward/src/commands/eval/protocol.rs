//! `eval DATA`: models trained and judged on data by a protocol, baselines beside them.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use traceward_detect::Trainer;
use traceward_detect::compare::compare;
use traceward_detect::protocol::{
    Config, Control, Inflation, Protocol, ProtocolError, ProtocolReport, ProtocolResult, Run, run as judge,
};
use traceward_report::detection;
use traceward_run::run_dir::write_atomically;
use traceward_trace::Dataset;
use traceward_trace::profile::Profile;

use super::progress::Trainings;
use crate::cli::EvalArgs;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::input;
use crate::interrupt::{self, StopFlag};
use crate::output::{self, Format, Output};
use crate::trainers;

/// What stands beside every model: strong, and done in seconds.
const BASELINE: &str = "svm";
/// The same where only normals train.
const NORMAL_BASELINE: &str = "stide";

pub(super) fn run(args: &EvalArgs, output: Output) -> Outcome {
    let stop = interrupt::listen()?;
    let paths: Vec<_> = args.subject.iter().chain(&args.data).cloned().collect();
    let mut data = input::load(&input::source(&paths, &args.read)?, output)?;
    if let Some(only) = &args.only {
        keep_only(&mut data, only)?;
    }
    let config = Config {
        protocol: args.protocol.map_or_else(|| default_for(&paths), Into::into),
        folds: args.folds,
        seed: args.seed,
        seeds: args.seeds,
    };
    let trainers = trainers(args, &data, config.protocol, &stop, output)?;
    let mut runs: Vec<Run> = Vec::new();
    for (place, trainer) in trainers.iter().enumerate() {
        match train_and_judge(&data, &config, trainer.as_ref(), &stop, output) {
            Ok(run) => runs.push(run),
            Err(ProtocolError::Stopped) => break,
            // Figures that took hours are not thrown away because the next model fails.
            Err(error) if place > 0 => output.warning(error),
            Err(error) => return Err(failure(error)),
        }
    }
    let interrupted = stop.load(Ordering::SeqCst);
    let Some((first, others)) = runs.split_first() else {
        return Err(Failure::new("stopped before anything was judged"));
    };
    let result = ProtocolResult::new(&data, first).map_err(failure)?;
    let inflation = if config.protocol == Protocol::Random && !args.no_compare && !interrupted {
        inflation(&data, &config, trainers[0].as_ref(), &result, &stop, output)?
    } else {
        None
    };
    let report = assemble(&data, result, others, first, inflation, output)?;
    if let Some(dir) = &args.out {
        keep(dir, &report, output)?;
    }
    match output.format {
        Format::Json => output.json(&report)?,
        Format::Text => output.text(&detection::text(&report, output::width()))?,
    }
    if let Some(inflation) = &report.inflation {
        output.warning(&inflation.warning);
    }
    if stop.load(Ordering::SeqCst) {
        output.note("stopped by Ctrl-C: the figures rest on what was judged until then");
        return Ok(ExitStatus::Interrupted);
    }
    Ok(ExitStatus::Fine)
}

/// Two files are a split that somebody made; everything else is judged honestly.
fn default_for(paths: &[std::path::PathBuf]) -> Protocol {
    if paths.len() == 2 { Protocol::Given } else { Protocol::Honest }
}

/// The traces whose file is called like this.
fn keep_only(data: &mut Dataset, only: &str) -> Result<(), Failure> {
    let is_called = |source: &str| {
        source.split('!').any(|part| part.rsplit('/').next().is_some_and(|name| name.contains(only)))
    };
    data.traces.retain(|trace| is_called(&trace.source.file));
    if data.traces.is_empty() {
        return Err(Failure::new(format_args!("no file of {} has {only:?} in its name", data.name)));
    }
    data.name = format!("{} ({only})", data.name);
    Ok(())
}

/// The models asked for, and the baseline behind them.
fn trainers(
    args: &EvalArgs,
    data: &Dataset,
    protocol: Protocol,
    stop: &StopFlag,
    output: Output,
) -> Result<Vec<Box<dyn Trainer>>, Failure> {
    let known = trainers::names();
    let baseline = if protocol == Protocol::NormalOnly { NORMAL_BASELINE } else { BASELINE };
    let mut names: Vec<&str> = args.model.iter().chain(&args.preset).map(String::as_str).collect();
    if names.is_empty() && args.config.is_empty() {
        output.note(format_args!(
            "no model was named: judging {baseline} (--model takes {}; --config a network's toml)",
            known.join(", ")
        ));
        names.push(baseline);
    }
    let mut trainers = Vec::new();
    for path in &args.config {
        trainers.push(trainers::of_config(path, &data.classes, stop)?);
    }
    if !args.no_compare && !names.contains(&baseline) && known.contains(&baseline) {
        names.push(baseline);
    }
    for (place, name) in names.iter().enumerate() {
        if !names[..place].contains(name) {
            trainers.push(trainers::trainer(name, &data.classes, stop)?);
        }
    }
    Ok(trainers)
}

fn train_and_judge(
    data: &Dataset,
    config: &Config,
    trainer: &dyn Trainer,
    stop: &StopFlag,
    output: Output,
) -> Result<Run, ProtocolError> {
    let trainings = Trainings::new(output);
    let control = Control { stop, progress: &|progress| trainings.show(progress) };
    let run = judge(data, config, trainer, &control);
    trainings.finish();
    run
}

/// The first model once more, by the honest protocol.
fn inflation(
    data: &Dataset,
    config: &Config,
    trainer: &dyn Trainer,
    random: &ProtocolResult,
    stop: &StopFlag,
    output: Output,
) -> Result<Option<Inflation>, Failure> {
    output.note(format_args!(
        "judging {} by the honest protocol, too, to measure how much random folds flatter (--no-compare leaves it out)",
        trainer.name()
    ));
    let honest = Config { protocol: Protocol::Honest, ..config.clone() };
    match train_and_judge(data, &honest, trainer, stop, output) {
        Ok(run) => Ok(Inflation::of(random, &ProtocolResult::new(data, &run).map_err(failure)?)),
        Err(ProtocolError::Stopped) => Ok(None),
        Err(error) => {
            output.warning(format_args!("how much random folds flatter cannot be measured: {error}"));
            Ok(None)
        }
    }
}

fn assemble(
    data: &Dataset,
    result: ProtocolResult,
    others: &[Run],
    first: &Run,
    inflation: Option<Inflation>,
    output: Output,
) -> Result<ProtocolReport, Failure> {
    let mut models = Vec::new();
    let mut comparisons = Vec::new();
    for other in others {
        models.push(ProtocolResult::new(data, other).map_err(failure)?);
        match compare(data, first, other) {
            Ok(comparison) => comparisons.push(comparison),
            Err(error) => output.note(error),
        }
    }
    let mut baselines: Vec<_> = result.most_frequent().into_iter().collect();
    let standing = |result: &ProtocolResult| [BASELINE, NORMAL_BASELINE].contains(&result.model.as_str());
    baselines.extend(
        std::iter::once(&result).chain(&models).filter(|r| standing(r)).map(ProtocolResult::standing),
    );
    Ok(ProtocolReport {
        data: data.name.clone(),
        fingerprint: data.fingerprint().to_string(),
        baselines,
        result,
        models,
        comparisons,
        inflation,
        flaws: Profile::of(data).flaws,
    })
}

/// Writes `evaluation.json` and `evaluation.html`.
fn keep(dir: &Path, report: &ProtocolReport, output: Output) -> Result<(), Failure> {
    fs::create_dir_all(dir)
        .map_err(|error| Failure::new(format_args!("cannot create {}: {error}", dir.display())))?;
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    let page = detection::html::page(report, env!("CARGO_PKG_VERSION"));
    for (name, text) in [("evaluation.json", json), ("evaluation.html", page)] {
        let path = dir.join(name);
        write_atomically(&path, text.as_bytes())
            .map_err(|error| Failure::new(format_args!("cannot write {}: {error}", path.display())))?;
    }
    output.note(format_args!("written: {}", dir.join("evaluation.html").display()));
    Ok(())
}

fn failure(error: ProtocolError) -> Failure {
    match error {
        ProtocolError::Split(error) => error.into(),
        ProtocolError::Lacks { protocol: Protocol::NormalOnly | Protocol::LeaveOneFamilyOut, .. } => {
            Failure::new(error).hint("--protocol honest asks for classes of any kind")
        }
        error => Failure::new(error),
    }
}
