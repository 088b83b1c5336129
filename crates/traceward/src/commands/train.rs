//! `train`: data in, classifier out, everything kept in a run directory.
//!
//! A fresh run and a resumed one differ in where their plan comes from, the command line or the run's
//! record; from there on they are the same. Ctrl-C ends the loop after the batch at hand, and what was
//! trained so far is saved and evaluated like a finished run.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use traceward_model::{About, ModelFile, Network};
use traceward_report::html;
use traceward_run::config::{
    ClassWeight, DataRecord, EarlyStopping, Monitor, Optimizer, RunRecord, Truncating as Cut,
};
use traceward_run::run_dir::{State, Status, unix_seconds};
use traceward_run::{Evaluation, ModelSpec, Preset, RunDir, TrainConfig, summary};
use traceward_trace::profile::Profile;
use traceward_trace::split::{self, Method, Split};
use traceward_trace::{Dataset, Vocabulary};
use traceward_train::{Checkpoints, Control, Examples, Observer, Outcome as Fitted, Stopped, fit};

use crate::cli::{ClassWeightName, OptimizerName, TrainArgs, Truncating};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::evaluate::{Judged, class_counts, evaluate};
use crate::input::{self, shown};
use crate::interrupt;
use crate::output::{self, Format, Output};
use crate::progress::Progress;
use crate::recorder::Recorder;

/// What JSON says of a training.
#[derive(Serialize)]
struct Trained<'a> {
    run: &'a Path,
    model: &'a Path,
    epochs: usize,
    seconds: f64,
    seconds_per_epoch: f64,
    best_epoch: Option<u32>,
    stopped: &'static str,
    evaluation: Option<&'a Evaluation>,
    findings: [(); 0],
}

/// Everything that is settled before the first step.
struct Plan {
    record: RunRecord,
    data: Dataset,
    split: Split,
    vocabulary: Vocabulary,
}

/// Runs the command.
pub(super) fn run(args: TrainArgs, output: Output) -> Outcome {
    super::set_threads(args.threads)?;
    if let Some(run) = args.resume {
        return resume(run, output);
    }
    let plan = Plan::new(&args, output)?;
    if args.summary {
        let spec = plan.record.config.model.resolve(plan.vocabulary.size(), plan.data.classes.len());
        output.text(&summary::summary(&spec, None, output::width()))?;
        return Ok(ExitStatus::Fine);
    }
    let dir = match &args.out {
        Some(out) => RunDir::create_at(out)?,
        None => RunDir::create(Path::new("runs"), &plan.record.config.model.name, SystemTime::now())?,
    };
    dir.write_record(&plan.record)?;
    let status = Status {
        state: State::Running,
        started: unix_seconds(SystemTime::now()),
        ended: None,
        epochs_done: 0,
    };
    train(&plan, &dir, status, false, output)
}

/// Goes on with a run that was cut off.
fn resume(run: Option<PathBuf>, output: Output) -> Outcome {
    let path = match run {
        Some(path) => path,
        None => newest_interrupted()?,
    };
    let dir = RunDir::open_to_resume(&path)?;
    let mut status = dir.read_status()?;
    let plan = Plan::again(dir.read_record()?, &path, output)?;
    if status.state == State::Finished {
        output.note(format_args!("{} is finished; there is nothing to resume", path.display()));
        return Ok(ExitStatus::Fine);
    }
    output.note(format_args!("going on with {}", path.display()));
    status.state = State::Running;
    status.ended = None;
    train(&plan, &dir, status, true, output)
}

fn newest_interrupted() -> Result<PathBuf, Failure> {
    let runs = traceward_run::run_dir::list(Path::new("runs"))?;
    let cut_off = |run: &&traceward_run::run_dir::RunEntry| {
        run.status.as_ref().is_some_and(|status| status.state == State::Interrupted)
    };
    runs.iter().rfind(cut_off).map(|run| run.path.clone()).ok_or_else(|| {
        Failure::new("no run under runs/ was cut off")
            .hint("name the run directory: traceward train --resume DIR")
    })
}

impl Plan {
    /// A plan from the command line.
    fn new(args: &TrainArgs, output: Output) -> Result<Self, Failure> {
        let (mut config, recorded) = starting_point(args)?;
        let source = match recorded {
            Some(source) if args.data.is_empty() => source,
            _ => input::source(&args.data, &args.read)?,
        };
        let data = input::load(&source, output)?;
        set_flags(&mut config, args);
        let two_files = source.paths.len() == 2;
        if args.split.split.is_none() && args.config.is_none() && (two_files || args.preset.is_none()) {
            config.split.method = Method::default_for(&data);
            config.split.shuffle_first = false;
        }
        let mut record = RunRecord::new(
            config,
            DataRecord {
                source,
                name: data.name.clone(),
                fingerprint: data.fingerprint().to_string(),
                traces: data.traces.len(),
                classes: data.classes.clone(),
                abi: data.abi.to_string(),
                training_traces: 0,
                validation_traces: 0,
            },
        );
        let (split, vocabulary) = cut(&record.config, &data)?;
        record.data.training_traces = split.train.len();
        record.data.validation_traces = split.validation.len();
        Ok(Self { record, data, split, vocabulary })
    }

    /// The plan of a run that was begun: the same data, cut the same way.
    fn again(record: RunRecord, run: &Path, output: Output) -> Result<Self, Failure> {
        let data = input::load(&record.data.source, output)?;
        let fingerprint = data.fingerprint().to_string();
        if fingerprint != record.data.fingerprint {
            return Err(Failure::new(format_args!(
                "{} is not the data that {} was begun on: its fingerprint is {fingerprint}, not {}",
                shown(&record.data.source),
                run.display(),
                record.data.fingerprint
            ))
            .hint("start a new run"));
        }
        let (split, vocabulary) = cut(&record.config, &data)?;
        Ok(Self { record, data, split, vocabulary })
    }
}

/// Cuts the data as the configuration says, and checks that the network fits it.
fn cut(config: &TrainConfig, data: &Dataset) -> Result<(Split, Vocabulary), Failure> {
    if data.classes.len() < 2 {
        return Err(Failure::new(format_args!(
            "{} has {}; training needs labelled traces of at least two classes",
            data.name,
            output::counted(data.classes.len() as u64, "class", "classes")
        )));
    }
    config.check_values()?;
    let split = split::split(data, &config.split)?;
    let vocabulary = Vocabulary::learn(data, &split.train);
    config.check(vocabulary.size(), data.classes.len())?;
    Ok((split, vocabulary))
}

/// The configuration that the flags change, and the data set that came with it.
fn starting_point(
    args: &TrainArgs,
) -> Result<(TrainConfig, Option<traceward_run::config::DataSource>), Failure> {
    let Some(path) = &args.config else {
        let name = args.preset.as_deref().unwrap_or(Preset::Article5.name());
        return Ok((name.parse::<Preset>().map_err(Failure::new)?.config(), None));
    };
    // A run's record says which data it saw; a plain configuration does not.
    match RunRecord::load(path) {
        Ok(record) => Ok((record.config, Some(record.data.source))),
        Err(error) if error.is_no_record() => Ok((TrainConfig::load(path)?, None)),
        Err(error) => Err(error.into()),
    }
}

/// Changes the settings that were given as flags.
fn set_flags(config: &mut TrainConfig, args: &TrainArgs) {
    if let Some(seed) = args.seed {
        config.seed = seed;
        config.split.seed = seed;
    }
    if let Some(method) = args.split.split {
        config.split.method = method.into();
    }
    if let Some(share) = args.split.validation_share {
        config.split.validation_share = share;
    }
    if let Some(epochs) = args.epochs {
        config.fit.epochs = epochs;
    }
    if let Some(size) = args.batch_size {
        config.fit.batch_size = size;
    }
    if let Some(len) = args.max_len {
        config.input.max_len = (len > 0).then_some(len);
    }
    if let Some(end) = args.truncating {
        config.input.truncating = match end {
            Truncating::Pre => Cut::Pre,
            Truncating::Post => Cut::Post,
        };
    }
    if let Some(name) = args.optimizer {
        let rate = config.compile.optimizer.learning_rate();
        config.compile.optimizer = match name {
            OptimizerName::Sgd => Optimizer::sgd(rate),
            OptimizerName::Adam => Optimizer::adam(rate),
            OptimizerName::Adamw => Optimizer::adamw(rate),
            OptimizerName::Rmsprop => Optimizer::rmsprop(rate),
        };
    }
    if let Some(rate) = args.learning_rate {
        config.compile.optimizer.set_learning_rate(rate);
    }
    if args.clip_norm.is_some() {
        config.compile.clip_norm = args.clip_norm;
    }
    if let Some(weights) = args.class_weight {
        config.fit.class_weight = match weights {
            ClassWeightName::None => ClassWeight::None,
            ClassWeightName::Balanced => ClassWeight::Balanced,
        };
    }
    if let Some(patience) = args.patience {
        config.fit.early_stopping = Some(EarlyStopping {
            monitor: Monitor::ValLoss,
            patience,
            min_delta: 0.0,
            restore_best_weights: true,
        });
    }
}

/// Trains, evaluates, keeps and reports.
fn train(plan: &Plan, dir: &RunDir, mut status: Status, resumed: bool, output: Output) -> Outcome {
    let stop = interrupt::listen()?;
    dir.write_status(&status)?;
    let config = &plan.record.config;
    let examples = Examples::of(&plan.data, &plan.split, &plan.vocabulary, &config.input);
    let spec = config.model.resolve(plan.vocabulary.size(), plan.data.classes.len());
    announce(plan, &spec, &examples, dir, output);
    let mut network = Network::build(&spec, plan.vocabulary.size(), plan.data.classes.len(), config.seed)?;
    let mut recorder = Recorder::new(dir, &status);
    let mut progress = Progress::new(config.fit.epochs, output);
    let control = Control {
        stop: stop.clone(),
        checkpoints: Some(Checkpoints::new(dir.checkpoints())),
        resume: resumed,
        ..Control::default()
    };
    let fitted = {
        let observers: &mut [&mut dyn Observer] = &mut [&mut recorder, &mut progress];
        fit(&mut network, &examples, config, observers, &control)?
    };
    progress.finish();
    recorder.finish()?;

    let evaluation = if examples.validation.is_empty() {
        None
    } else {
        Some(evaluate(
            &network,
            &examples.validation,
            &Judged {
                classes: &plan.data.classes,
                protocol: &config.split.method.to_string(),
                seed: config.seed,
                training_counts: Some(&class_counts(&examples.train, plan.data.classes.len())),
            },
        )?)
    };
    let interrupted = matches!(fitted.stopped, Stopped::Interrupted);
    let model = ModelFile { about: about(plan, evaluation.as_ref()), network };
    model.save(&dir.model_path())?;
    if let Some(evaluation) = &evaluation {
        dir.write_evaluation(evaluation)?;
    }
    status.state = if interrupted { State::Interrupted } else { State::Finished };
    status.ended = Some(unix_seconds(SystemTime::now()));
    status.epochs_done = u32::try_from(fitted.rows.len()).unwrap_or(u32::MAX);
    let page = html::run_page(&html::RunPage {
        record: &plan.record,
        status: &status,
        history: &dir.read_history()?,
        evaluation: evaluation.as_ref(),
        profile: &Profile::of(&plan.data),
        model: &spec,
        traceward: env!("CARGO_PKG_VERSION"),
    });
    dir.write(&dir.report_path(), page.as_bytes())?;
    dir.write_status(&status)?;

    say(dir, &fitted, evaluation.as_ref(), plan, output)?;
    if interrupted {
        output.note(format_args!(
            "stopped by Ctrl-C; go on with: traceward train --resume {}",
            dir.path().display()
        ));
        return Ok(ExitStatus::Interrupted);
    }
    Ok(ExitStatus::Fine)
}

/// What the model file says of where it comes from.
fn about(plan: &Plan, evaluation: Option<&Evaluation>) -> About {
    let mut metrics = serde_json::Map::new();
    if let Some(evaluation) = evaluation {
        metrics.insert("macro_f1".into(), evaluation.macro_f1.into());
        metrics.insert("accuracy".into(), evaluation.accuracy.into());
        metrics.insert("auc".into(), evaluation.auc.into());
    }
    About {
        version: env!("CARGO_PKG_VERSION").into(),
        vocabulary: plan.vocabulary.clone(),
        classes: plan.data.classes.clone(),
        input: plan.record.config.input.clone(),
        fingerprint: plan.record.data.fingerprint.clone(),
        split: Some(plan.record.config.split.clone()),
        calibration: None,
        metrics,
    }
}

/// Says, before the first step, what will be trained on what.
fn announce(plan: &Plan, spec: &ModelSpec, examples: &Examples, dir: &RunDir, output: Output) {
    let config = &plan.record.config;
    let parameters: usize = spec
        .facts()
        .map(|facts| facts.iter().map(|layer| layer.trainable + layer.non_trainable).sum())
        .unwrap_or_default();
    output.note(format_args!(
        "{}: {} traces of {} classes; {} train, {} validate{} ({} split)",
        plan.data.name,
        plan.data.traces.len(),
        plan.data.classes.len(),
        examples.train.len(),
        examples.validation.len(),
        match plan.split.dropped.len() {
            0 => String::new(),
            n => format!(", {n} copies left out"),
        },
        config.split.method,
    ));
    output.note(format_args!(
        "{}: {} parameters, {}; run directory {}",
        config.model.name,
        parameters,
        match config.input.max_len {
            Some(n) => format!(
                "the {} {n} calls of a trace",
                match config.input.truncating {
                    Cut::Pre => "last",
                    Cut::Post => "first",
                }
            ),
            None => "whole traces".into(),
        },
        dir.path().display()
    ));
}

/// Writes the result.
fn say(
    dir: &RunDir,
    fitted: &Fitted,
    evaluation: Option<&Evaluation>,
    plan: &Plan,
    output: Output,
) -> Result<(), Failure> {
    let model = dir.model_path();
    let epochs = fitted.rows.len();
    if output.format == Format::Json {
        let seconds: f64 = fitted.rows.iter().map(|row| row.seconds).sum();
        return output.json(&Trained {
            run: dir.path(),
            model: &model,
            epochs,
            seconds: fitted.seconds,
            seconds_per_epoch: seconds / epochs.max(1) as f64,
            best_epoch: fitted.best.as_ref().map(|best| best.epoch),
            stopped: match fitted.stopped {
                Stopped::Finished => "finished",
                Stopped::EarlyStopping { .. } => "early stopping",
                Stopped::Interrupted => "interrupted",
                Stopped::NotFinite => "loss not finite",
            },
            evaluation,
            findings: [],
        });
    }
    if let Some(evaluation) = evaluation {
        output.text(&traceward_report::evaluation::text(evaluation, output::width()))?;
    } else {
        output.text("No trace was held back for validation, so there is nothing to evaluate on.\n")?;
    }
    let dir = dir.path().display();
    let data = shown(&plan.record.data.source);
    output.text(&format!(
        "\nRun directory: {dir}\n\
         \nNext:\n  open {dir}/report.html\n  traceward eval {dir}{}\n  traceward score {dir} TRACES...\n  tensorboard --logdir {dir}/tensorboard\n",
        if plan.record.data.source.paths.is_empty() { String::new() } else { format!(" {data}") }
    ))
}
