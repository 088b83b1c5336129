//! `train` of a model that is no network: fitted in one go, without epochs, and kept like any run.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use serde::Serialize;
use traceward_detect::protocol::labelled;
use traceward_ngram::Recipe;
use traceward_run::config::{DataRecord, DataSource, RecipeRecord};
use traceward_run::evaluation::Predictions;
use traceward_run::run_dir::{State, Status, unix_seconds};
use traceward_run::{About, Evaluation, RunDir};
use traceward_trace::split::{self, Method, Split, SplitConfig};
use traceward_trace::{Dataset, Vocabulary};

use crate::classifier::AnyModel;
use crate::cli::TrainArgs;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::input::{self, shown};
use crate::interrupt::StopFlag;
use crate::output::{self, Format, Output};
use crate::progress::Steps;

/// The share of groups that is held back where nobody says otherwise.
const VALIDATION_SHARE: f64 = 0.2;

/// What JSON says of such a training.
#[derive(Serialize)]
struct Trained<'a> {
    run: &'a Path,
    model: &'a Path,
    recipe: &'a str,
    seconds: f64,
    evaluation: Option<&'a Evaluation>,
    findings: [(); 0],
}

/// The recipe that was asked for, and what a record adds to it.
pub(super) struct Asked {
    name: String,
    recipe: Recipe,
    recorded: Option<RecipeRecord>,
}

/// The recipe that the command line asks for; `None` if it asks for a network.
///
/// # Errors
/// If nothing is called so, or a record does not read.
pub(super) fn asked(args: &TrainArgs) -> Result<Option<Asked>, Failure> {
    if let Some(path) = args.plan.config.as_ref().filter(|path| RecipeRecord::is_one(path)) {
        let record = RecipeRecord::load(path)?;
        let recipe = serde_json::from_value(record.recipe.clone())
            .map_err(|error| Failure::new(format_args!("{}: [recipe]: {error}", path.display())))?;
        return Ok(Some(Asked { name: record.model.clone(), recipe, recorded: Some(record) }));
    }
    let Some(name) = args.model.as_ref().or(args.plan.preset.as_ref()) else { return Ok(None) };
    match Recipe::named(name) {
        Some(recipe) => Ok(Some(Asked { name: name.clone(), recipe, recorded: None })),
        None if args.model.is_none() => Ok(None),
        None => Err(Failure::new(format_args!("no recipe is called {name:?}"))
            .hint(format!("there are {}", Recipe::names().join(", ")))),
    }
}

/// Trains a recipe, evaluates it on what was held back, and keeps it in a run directory.
///
/// # Errors
/// If the data cannot be read or cut, the recipe not be fitted to it, or the directory not be written.
pub(super) fn run(asked: Asked, args: &TrainArgs, stop: &StopFlag, output: Output) -> Outcome {
    let plan = Plan::new(asked, args, output)?;
    let dir = match &args.out {
        Some(out) => RunDir::create_at(out)?,
        None => RunDir::create(Path::new("runs"), &plan.record.model, SystemTime::now())?,
    };
    dir.write_recipe(&plan.record)?;
    let mut status = Status { state: State::Running, started: now(), ended: None, epochs_done: 0 };
    dir.write_status(&status)?;
    plan.announce(&dir, output);

    let began = Instant::now();
    let tokens = plan.vocabulary.encode(&plan.data).tokens;
    let rows = |indices: &[u32]| -> Vec<Vec<u32>> {
        let calls = |&index: &u32| &plan.data.traces[index as usize].calls;
        indices.iter().map(|i| calls(i).iter().map(|&call| tokens[usize::from(call)]).collect()).collect()
    };
    let train = rows(&plan.split.train);
    let learnt = labelled(&plan.data, &plan.split.train, &train, plan.vocabulary.size());
    let steps = Steps::new(output);
    let fitted =
        plan.recipe.fit(&learnt, plan.record.seed, &|step| steps.step(step.what, step.done, step.all));
    steps.finish();
    let model = fitted.map_err(Failure::new)?;
    let seconds = began.elapsed().as_secs_f64();
    if stop.load(std::sync::atomic::Ordering::SeqCst) {
        status.state = State::Interrupted;
        status.ended = Some(now());
        dir.write_status(&status)?;
        output.note("stopped by Ctrl-C; a recipe is fitted in one go, so there is nothing to go on from");
        return Ok(ExitStatus::Interrupted);
    }

    let mut model = AnyModel::of_recipe(plan.about(), plan.recipe.clone(), model);
    let evaluation = plan.evaluate(&model, &rows(&plan.split.validation), &learnt.class_counts())?;
    if let Some(evaluation) = &evaluation {
        dir.write_evaluation(evaluation)?;
        let metrics = &mut model.about.metrics;
        metrics.insert("macro_f1".into(), evaluation.macro_f1.into());
        metrics.insert("accuracy".into(), evaluation.accuracy.into());
        metrics.insert("auc".into(), evaluation.auc.into());
    }
    model.save(&dir.model_path())?;
    status.state = State::Finished;
    status.ended = Some(now());
    dir.write_status(&status)?;
    plan.say(&dir, seconds, evaluation.as_ref(), output)?;
    Ok(ExitStatus::Fine)
}

fn now() -> u64 {
    unix_seconds(SystemTime::now())
}

/// Everything that is settled before the fit.
struct Plan {
    record: RecipeRecord,
    recipe: Recipe,
    data: Dataset,
    split: Split,
    vocabulary: Vocabulary,
}

impl Plan {
    fn new(asked: Asked, args: &TrainArgs, output: Output) -> Result<Self, Failure> {
        let Asked { name, recipe, recorded } = asked;
        let source: DataSource = match &recorded {
            Some(record) if args.plan.data.is_empty() => record.data.source.clone(),
            _ => input::source(&args.plan.data, &args.plan.read)?,
        };
        let mut data = input::load(&source, output)?;
        // What is like nothing normal needs no attack to learn from, only a name.
        if matches!(recipe, Recipe::Novelty(_)) && data.classes.len() == 1 && data.normal_class().is_some() {
            data.classes.push("attack".to_owned());
        }
        if data.classes.len() < 2 {
            return Err(Failure::new(format_args!(
                "{} has {}; training needs labelled traces of at least two classes",
                data.name,
                output::counted(data.classes.len() as u64, "class", "classes")
            )));
        }
        let mut config = recorded.as_ref().map_or_else(
            || SplitConfig {
                method: Method::default_for(&data),
                validation_share: VALIDATION_SHARE,
                seed: 0,
                shuffle_first: false,
            },
            |record| record.split.clone(),
        );
        let flags = &args.plan;
        let seed = flags.seed.or(recorded.map(|record| record.seed)).unwrap_or_default();
        config.seed = flags.seed.unwrap_or(config.seed);
        config.method = flags.split.split.map_or(config.method, Into::into);
        config.validation_share = flags.split.validation_share.unwrap_or(config.validation_share);
        let split = split::split(&data, &config)?;
        let vocabulary = Vocabulary::learn(&data, &split.train);
        let record = RecipeRecord {
            version: env!("CARGO_PKG_VERSION").into(),
            model: name,
            seed,
            split: config,
            recipe: serde_json::to_value(&recipe)?,
            data: DataRecord {
                source,
                name: data.name.clone(),
                fingerprint: data.fingerprint().to_string(),
                traces: data.traces.len(),
                classes: data.classes.clone(),
                abi: data.abi.to_string(),
                training_traces: split.train.len(),
                validation_traces: split.validation.len(),
            },
        };
        Ok(Self { record, recipe, data, split, vocabulary })
    }

    fn announce(&self, dir: &RunDir, output: Output) {
        output.note(format_args!(
            "{}: {} traces of {} classes; {} train, {} validate{} ({} split)",
            self.data.name,
            self.data.traces.len(),
            self.data.classes.len(),
            self.split.train.len(),
            self.split.validation.len(),
            match self.split.dropped.len() {
                0 => String::new(),
                n => format!(", {n} copies left out"),
            },
            self.record.split.method,
        ));
        output.note(format_args!("{}: run directory {}", self.record.model, dir.path().display()));
    }

    /// What the model file says of where it comes from.
    fn about(&self) -> About {
        About {
            version: env!("CARGO_PKG_VERSION").into(),
            vocabulary: self.vocabulary.clone(),
            classes: self.data.classes.clone(),
            input: Default::default(),
            fingerprint: self.record.data.fingerprint.clone(),
            split: Some(self.record.split.clone()),
            calibration: None,
            metrics: Default::default(),
        }
    }

    /// What it is worth on what was held back; nothing if nothing was.
    fn evaluate(
        &self,
        model: &AnyModel,
        rows: &[Vec<u32>],
        training_counts: &[usize],
    ) -> Result<Option<Evaluation>, Failure> {
        if rows.is_empty() {
            return Ok(None);
        }
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let scores = model.classifier().predict(&rows).map_err(Failure::new)?;
        let class = |&index: &u32| self.data.traces[index as usize].class;
        let labels: Vec<u16> = self.split.validation.iter().filter_map(class).collect();
        Evaluation::new(&Predictions {
            probabilities: scores.values(),
            labels: &labels,
            classes: &self.data.classes,
            normal: self.data.normal_class(),
            training_counts: Some(training_counts),
            protocol: &self.record.split.method.to_string(),
            seed: self.record.seed,
        })
        .map(Some)
        .map_err(Failure::new)
    }

    fn say(
        &self,
        dir: &RunDir,
        seconds: f64,
        evaluation: Option<&Evaluation>,
        output: Output,
    ) -> Result<(), Failure> {
        let model: PathBuf = dir.model_path();
        if output.format == Format::Json {
            return output.json(&Trained {
                run: dir.path(),
                model: &model,
                recipe: &self.record.model,
                seconds,
                evaluation,
                findings: [],
            });
        }
        match evaluation {
            Some(evaluation) => {
                output.text(&traceward_report::evaluation::text(evaluation, output::width()))?;
            }
            None => {
                output
                    .text("No trace was held back for validation, so there is nothing to evaluate on.\n")?;
            }
        }
        let source = &self.record.data.source;
        let data = if source.paths.is_empty() { String::new() } else { format!(" {}", shown(source)) };
        let dir = dir.path().display();
        output.text(&format!(
            "\nRun directory: {dir}, trained in {seconds:.1} s\n\
             \nNext:\n  traceward eval --model {}{data}\n  traceward calibrate {dir} NORMALS --far 0.1%\n  traceward score {dir} TRACES...\n",
            self.record.model,
        ))
    }
}
