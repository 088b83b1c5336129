//! `train`: data in, classifier out, everything kept in a run directory.
//!
//! A fresh run and a resumed one differ in where their plan comes from, the command line or the run's
//! record; from there on they are the same. Ctrl-C ends the loop after the batch at hand, and what was
//! trained so far is saved and evaluated like a finished run.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use serde::Serialize;
use traceward_doctor::plan::PlanFacts;
use traceward_doctor::{Change, Diagnosis, Level, treat};
use traceward_model::{ModelFile, Network};
use traceward_report::{doctor, html};
use traceward_run::config::{
    ClassWeight, DataRecord, DataSource, EarlyStopping, Monitor, Optimizer, RunRecord, Truncating as Cut,
};
use traceward_run::run_dir::{State, Status, unix_seconds};
use traceward_run::{About, Evaluation, ModelSpec, Preset, RunDir, TrainConfig, summary};
use traceward_trace::profile::Profile;
use traceward_trace::split::{Method, Split};
use traceward_trace::{Dataset, Vocabulary};
use traceward_train::probe::Subject;
use traceward_train::{Checkpoints, Control, Examples, Observer, Outcome as Fitted, Stopped, fit};

use super::train_recipe;
use crate::cli::{ClassWeightName, OnFinding, OptimizerName, PlanArgs, TrainArgs, Truncating};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::evaluate::{Judged, class_counts, evaluate};
use crate::input::{self, shown};
use crate::interrupt::{self, StopFlag};
use crate::output::{self, Format, Output};
use crate::progress::Progress;
use crate::recorder::Recorder;
use crate::watch::{Doctor, Facts};

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
    findings: &'a [doctor::Finding],
}

/// What `findings.json` holds.
#[derive(Serialize)]
struct Findings<'a> {
    #[serde(flatten)]
    document: &'a doctor::Document,
    /// What looking and judging took, of the training's seconds.
    doctor_seconds: f64,
}

/// Everything that is settled before the first step.
struct Plan {
    record: RunRecord,
    data: Dataset,
    split: Split,
    vocabulary: Vocabulary,
}

/// How a training is told to deal with what the doctor finds.
#[derive(Clone, Copy, Debug)]
struct Care {
    watch: bool,
    on_finding: OnFinding,
    /// Nothing goes to stdout: the training is a part of something else.
    silent: bool,
}

/// How a training ended.
struct Ended {
    status: ExitStatus,
    /// The plan that it should be tried with instead, and why.
    instead: Option<(TrainConfig, String)>,
    /// It was the doctor who ended it.
    by_doctor: bool,
}

/// Most treatments of one call.
const TREATMENTS: usize = 6;

/// Runs the command.
pub(super) fn run(args: TrainArgs, output: Output) -> Outcome {
    super::set_threads(args.plan.threads)?;
    let care = Care { watch: !args.no_doctor, on_finding: args.on_finding, silent: false };
    let stop = interrupt::listen()?;
    if let Some(run) = args.resume {
        return resume(run, care, &stop, output);
    }
    if let Some(asked) = train_recipe::asked(&args)? {
        return train_recipe::run(asked, &args, &stop, output);
    }
    let mut plan = Plan::new(&args.plan, output)?;
    if args.summary {
        let spec = plan.record.config.model.resolve(plan.vocabulary.size(), plan.data.classes.len());
        output.text(&summary::summary(&spec, None, output::width()))?;
        return Ok(ExitStatus::Fine);
    }
    if args.check {
        return plan.check(&stop, output);
    }
    for attempt in 0.. {
        let dir = match &args.out {
            Some(out) => RunDir::create_at(&numbered(out, attempt))?,
            None => RunDir::create(Path::new("runs"), &plan.record.config.model.name, SystemTime::now())?,
        };
        dir.write_record(&plan.record)?;
        let ended = train(&plan, &dir, running(), false, care, &stop, output)?;
        match ended.instead {
            Some((config, why)) if attempt < TREATMENTS => {
                output.note(format_args!("{why}; starting again"));
                plan = plan.with(config)?;
                stop.store(false, Ordering::SeqCst);
            }
            _ if ended.by_doctor && care.on_finding == OnFinding::Treat => {
                // What cannot be treated is no reason to end what was asked for.
                stop.store(false, Ordering::SeqCst);
                let care = Care { on_finding: OnFinding::Warn, ..care };
                return Ok(train(&plan, &dir, running(), true, care, &stop, output)?.status);
            }
            _ => return Ok(ended.status),
        }
    }
    Ok(ExitStatus::Fine)
}

/// `out` for the first attempt, then `out-2`, `out-3`.
fn numbered(out: &Path, attempt: usize) -> PathBuf {
    if attempt == 0 {
        return out.to_owned();
    }
    let mut name = out.as_os_str().to_owned();
    name.push(format!("-{}", attempt + 1));
    name.into()
}

fn now() -> u64 {
    unix_seconds(SystemTime::now())
}

fn running() -> Status {
    Status { state: State::Running, started: now(), ended: None, epochs_done: 0 }
}

/// Goes on with a run that was cut off.
fn resume(run: Option<PathBuf>, care: Care, stop: &StopFlag, output: Output) -> Outcome {
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
    // A run that was killed before its first checkpoint has nothing to go on from but its plan.
    let checkpoint = |name: &std::ffi::OsStr| name.to_string_lossy().ends_with(".safetensors");
    let begun = std::fs::read_dir(dir.checkpoints())
        .is_ok_and(|files| files.flatten().any(|file| checkpoint(&file.file_name())));
    Ok(train(&plan, &dir, status, begun, care, stop, output)?.status)
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
    fn new(args: &PlanArgs, output: Output) -> Result<Self, Failure> {
        let (config, data, source) = settled(args, output)?;
        Self::of(config, data, source)
    }

    /// A plan of all that it is made of.
    fn of(config: TrainConfig, data: Dataset, source: DataSource) -> Result<Self, Failure> {
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

    /// The plan with another configuration, on the same data.
    fn with(self, config: TrainConfig) -> Result<Self, Failure> {
        let (split, vocabulary) = cut(&config, &self.data)?;
        let mut record = RunRecord::new(config, self.record.data);
        record.data.training_traces = split.train.len();
        record.data.validation_traces = split.validation.len();
        Ok(Self { record, data: self.data, split, vocabulary })
    }

    /// The network before the first step.
    fn network(&self) -> Result<Network, Failure> {
        let config = &self.record.config;
        let (vocabulary, classes) = (self.vocabulary.size(), self.data.classes.len());
        Ok(Network::build(&config.model.resolve(vocabulary, classes), vocabulary, classes, config.seed)?)
    }

    /// What the doctor may know before the first step.
    fn facts(&self) -> Facts<'_> {
        Facts::of(&self.record.config, &self.data, &self.split, &self.vocabulary)
    }

    /// Probes instead of a training.
    fn check(&self, stop: &StopFlag, output: Output) -> Outcome {
        let config = &self.record.config;
        let examples = Examples::of(&self.data, &self.split, &self.vocabulary, &config.input);
        let check = super::check::Check {
            config,
            examples: &examples,
            network: &self.network()?,
            data: self.facts().data,
            data_name: &self.data.name,
            stop,
        };
        super::check::run(check, output)
    }

    /// The first treatment that the program may try by itself and that fits, of what was found at error
    /// level: the plan with it, and what is done and why.
    fn treated(&self, diagnosis: &Diagnosis, stop: &StopFlag) -> Option<(TrainConfig, String)> {
        let plan = self.record.config.clone().into();
        let errors = diagnosis.findings.iter().filter(|finding| finding.level == Level::Error);
        for finding in errors {
            let automatic = finding.treatments.iter().filter(|treatment| treatment.automatic);
            for treatment in automatic {
                let Some(change) = &treatment.change else { continue };
                let facts = PlanFacts { suggested_rate: self.suggested_rate(change, stop) };
                if let Ok(after) = treat::apply(change, &plan, &facts) {
                    return Some((after.config, format!("{}: {}", finding.rule, treatment.text)));
                }
            }
        }
        None
    }

    /// What a range test suggests, if the change wants to know it.
    fn suggested_rate(&self, change: &Change, stop: &StopFlag) -> Option<f64> {
        if !matches!(change, Change::LearningRateFromRangeTest) {
            return None;
        }
        let config = &self.record.config;
        let examples = Examples::of(&self.data, &self.split, &self.vocabulary, &config.input);
        stop.store(false, Ordering::SeqCst);
        let subject = Subject { network: &self.network().ok()?, examples: &examples, config, stop };
        subject.range_test().ok()?.suggested
    }
}

/// The split that a configuration makes of labelled data, and the vocabulary of its training side.
fn cut(config: &TrainConfig, data: &Dataset) -> Result<(Split, Vocabulary), Failure> {
    if data.classes.len() < 2 {
        return Err(Failure::new(format_args!(
            "{} has {}; training needs labelled traces of at least two classes",
            data.name,
            output::counted(data.classes.len() as u64, "class", "classes")
        )));
    }
    input::cut(config, data)
}

/// What the command line asks for: the configuration, the data, and where that came from.
///
/// # Errors
/// If the configuration or the data cannot be read.
pub(super) fn settled(
    args: &PlanArgs,
    output: Output,
) -> Result<(TrainConfig, Dataset, DataSource), Failure> {
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
    Ok((config, data, source))
}

/// Trains a configuration on data that is at hand, in a run directory of its own.
///
/// # Errors
/// If it cannot be trained, or the directory cannot be written.
pub(super) fn once(
    config: &TrainConfig,
    source: &DataSource,
    data: Dataset,
    dir: &Path,
    stop: &StopFlag,
    output: Output,
) -> Result<(), Failure> {
    let plan = Plan::of(config.clone(), data, source.clone())?;
    let dir = RunDir::create_at(dir)?;
    dir.write_record(&plan.record)?;
    let care = Care { watch: true, on_finding: OnFinding::Warn, silent: true };
    train(&plan, &dir, running(), false, care, stop, output)?;
    Ok(())
}

/// The configuration that the flags change, and the data set that came with it.
fn starting_point(args: &PlanArgs) -> Result<(TrainConfig, Option<DataSource>), Failure> {
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
fn set_flags(config: &mut TrainConfig, args: &PlanArgs) {
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
fn train(
    plan: &Plan,
    dir: &RunDir,
    mut status: Status,
    resumed: bool,
    care: Care,
    stop: &StopFlag,
    output: Output,
) -> Result<Ended, Failure> {
    dir.write_status(&status)?;
    let config = &plan.record.config;
    let examples = Examples::of(&plan.data, &plan.split, &plan.vocabulary, &config.input);
    let spec = config.model.resolve(plan.vocabulary.size(), plan.data.classes.len());
    announce(plan, &spec, &examples, dir, output);
    let mut network = plan.network()?;
    let mut recorder = Recorder::new(dir, &status);
    let mut progress = Progress::new(config.fit.epochs, output);
    let mut doctor = care.watch.then(|| {
        let ends = care.on_finding != OnFinding::Warn;
        let began = Instant::now();
        let facts = plan.facts();
        let mut doctor = Doctor::new(facts, Some(progress.voice()), ends.then(|| stop.clone()));
        doctor.also_spent(began.elapsed());
        doctor
    });
    if let Some(doctor) = &mut doctor {
        // A run that was cut off in its first epoch has no history yet.
        if let (true, Ok(history)) = (resumed, dir.read_history()) {
            doctor.resume(history);
        }
        doctor.begin();
    }
    let control = Control {
        stop: stop.clone(),
        checkpoints: Some(Checkpoints::new(dir.checkpoints())),
        resume: resumed,
        ..Control::default()
    };
    let fitted = {
        let mut observers: Vec<&mut dyn Observer> = vec![&mut recorder, &mut progress];
        observers.extend(doctor.as_mut().map(|doctor| doctor as &mut dyn Observer));
        fit(&mut network, &examples, config, &mut observers, &control)?
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
    status.ended = Some(now());
    status.epochs_done = u32::try_from(fitted.rows.len()).unwrap_or(u32::MAX);
    let diagnosis = doctor.as_mut().map(Doctor::diagnosis);
    let document = match (&doctor, &diagnosis) {
        (Some(doctor), Some(diagnosis)) => Some(keep_findings(dir, doctor, diagnosis)?),
        _ => None,
    };
    let page = html::run_page(&html::RunPage {
        record: &plan.record,
        status: &status,
        history: &dir.read_history()?,
        evaluation: evaluation.as_ref(),
        profile: &Profile::of(&plan.data),
        diagnosis: diagnosis.as_ref(),
        model: &spec,
        traceward: env!("CARGO_PKG_VERSION"),
    });
    dir.write(&dir.report_path(), page.as_bytes())?;
    dir.write_status(&status)?;

    let stopped_by = doctor.as_ref().and_then(Doctor::stopped_by);
    if let (Some(finding), Some(diagnosis)) = (stopped_by, &diagnosis) {
        let instead = match care.on_finding {
            OnFinding::Treat => plan.treated(diagnosis, stop),
            OnFinding::Warn | OnFinding::Stop => None,
        };
        match (care.on_finding, &instead) {
            (OnFinding::Treat, None) => output.note(format_args!(
                "nothing that the program may try by itself is left against {}; going on",
                finding.rule
            )),
            (OnFinding::Treat, Some(_)) => {}
            _ => {
                say(dir, &fitted, evaluation.as_ref(), document.as_ref(), plan, output)?;
                output.note(format_args!(
                    "stopped by {}; go on all the same with: traceward train --resume {}",
                    finding.rule,
                    dir.path().display()
                ));
            }
        }
        return Ok(Ended { status: ExitStatus::Findings, instead, by_doctor: true });
    }
    if !care.silent {
        say(dir, &fitted, evaluation.as_ref(), document.as_ref(), plan, output)?;
    }
    if interrupted {
        output.note(format_args!(
            "stopped by Ctrl-C; go on with: traceward train --resume {}",
            dir.path().display()
        ));
        return Ok(Ended { status: ExitStatus::Interrupted, instead: None, by_doctor: false });
    }
    Ok(Ended { status: ExitStatus::Fine, instead: None, by_doctor: false })
}

/// Writes what was found to the run's directory.
fn keep_findings(dir: &RunDir, doctor: &Doctor, diagnosis: &Diagnosis) -> Result<doctor::Document, Failure> {
    let path = dir.path().display().to_string();
    let document = doctor::json(&doctor::Report {
        path: &path,
        run: None,
        kind: "training of traceward",
        diagnosis,
        source: None,
        curves: doctor.evidence().curves.as_ref(),
    });
    let findings = Findings { document: &document, doctor_seconds: doctor.spent().as_secs_f64() };
    let mut text = serde_json::to_string_pretty(&findings)?;
    text.push('\n');
    dir.write(&dir.findings_path(), text.as_bytes())?;
    Ok(document)
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
    found: Option<&doctor::Document>,
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
            findings: found.map_or(&[], |document| &document.findings),
        });
    }
    if let Some(evaluation) = evaluation {
        output.text(&traceward_report::evaluation::text(evaluation, output::width()))?;
    } else {
        output.text("No trace was held back for validation, so there is nothing to evaluate on.\n")?;
    }
    if let Some(found) = found {
        let counts = &found.counts;
        output.text(&format!(
            "\nThe doctor found {}, {} and {}.\n",
            output::counted(counts.error as u64, "error", "errors"),
            output::counted(counts.warning as u64, "warning", "warnings"),
            output::counted(counts.note as u64, "note", "notes"),
        ))?;
    }
    let dir = dir.path().display();
    let data = shown(&plan.record.data.source);
    output.text(&format!(
        "\nRun directory: {dir}\n\
         \nNext:\n  open {dir}/report.html\n  traceward doctor {dir}\n  traceward eval {dir}{}\n  traceward score {dir} TRACES...\n  tensorboard --logdir {dir}/tensorboard\n",
        if plan.record.data.source.paths.is_empty() { String::new() } else { format!(" {data}") }
    ))
}
