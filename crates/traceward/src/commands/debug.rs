//! `debug`: trains, diagnoses, treats and trains again, and writes down what happened.
//!
//! The loop is the doctor's; here are the bench that it works on, the folder that keeps everything, and
//! the words on stderr. What comes out is a folder: `debug.md` and `debug.html` to read, `debug.json` for
//! programs, `runs/` with each training's configuration and history, `traceward.toml` with the plan it
//! ended with, and `final/`, that plan trained once more on all the data, hold-out included.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use serde::Serialize;
use traceward_doctor::debug::{Event, Settings, Ward, debug};
use traceward_doctor::plan::Plan;
use traceward_doctor::record::{DebugRecord, Outcome as Ended, Verdict};
use traceward_doctor::trial::Run;
use traceward_doctor::{Diagnosis, Evidence, Level};
use traceward_run::TrainConfig;
use traceward_run::probe::Probes;
use traceward_run::run_dir::{unix_seconds, write_atomically};

use super::train;
use crate::bench::{Bench, HOLDOUT};
use crate::cli::DebugArgs;
use crate::error::{ExitStatus, Failure, Outcome};
use crate::interrupt::{self, StopFlag};
use crate::output::{self, Format, Output};

/// Runs the command.
pub(super) fn run(args: &DebugArgs, output: Output) -> Outcome {
    super::set_threads(args.plan.threads)?;
    let stop = interrupt::listen()?;
    let (config, data, source) = train::settled(&args.plan, output)?;
    let bench = Bench::new(&data, config.split.seed)?;
    let folder = Folder::new(args.out.as_deref())?;
    output.note(format_args!(
        "{}: {} traces of {} classes, and {} held out to judge by; records go to {}",
        data.name,
        bench.data.traces.len(),
        data.classes.len(),
        bench.holdout.traces.len(),
        folder.path.display()
    ));
    let seeds = args.seeds;
    let settings = Settings {
        seeds: (0..u64::from(seeds)).map(|n| config.seed.wrapping_add(n)).collect(),
        budget: args.budget.0,
        proposals: args.proposals,
    };
    let record = DebugRecord {
        traceward: env!("CARGO_PKG_VERSION").into(),
        name: config.preset.clone().unwrap_or_else(|| config.model.name.clone()),
        data: crate::input::shown(&source),
        began: Some(unix_seconds(SystemTime::now())),
        facts: vec![
            (
                "hold-out".into(),
                format!(
                    "{} of {} traces ({} % of the groups of each class), set aside before anything else and \
                     seen by no plan: copies and groups stay whole",
                    bench.holdout.traces.len(),
                    data.traces.len(),
                    (HOLDOUT * 100.0).round()
                ),
            ),
            ("seeds".into(), format!("{seeds} a plan, on the same split")),
            (
                "a change is kept".into(),
                "if the log loss on the hold-out, or where that does not differ macro-F1, gains more than two \
                 standard errors of the seeds' spread. Changes of split and order are kept if it is no worse, \
                 weights of classes if macro-F1 gains, more epochs if the best epoch is better by its validation \
                 loss: what is lost after that epoch is overfitting, and treated as such"
                    .into(),
            ),
        ],
        ..DebugRecord::default()
    };
    let mut ward =
        DebugWard { bench: &bench, folder: &folder, stop: stop.clone(), output, trained: 0, failed: None };
    let done = debug(Plan::from(config), &mut ward, &settings, record);
    if let Some(failure) = ward.failed {
        return Err(failure);
    }
    if let Ended::Failed(why) = &done.record.outcome {
        return Err(Failure::new(why));
    }
    done.plan.config.save(&folder.path.join("traceward.toml"))?;
    let interrupted = stop.load(Ordering::SeqCst);
    let last = if interrupted || args.no_final { None } else { Some(folder.path.join("final")) };
    if let Some(dir) = &last {
        output.note("the plan it ended with, trained on all the data");
        train::once(&done.plan.config, &source, data, dir, &stop, output)?;
    }
    say(&done.record, done.diagnosis.as_ref(), &folder.path, last.as_deref(), output)?;
    Ok(match done.record.outcome {
        Ended::Interrupted => ExitStatus::Interrupted,
        Ended::Healthy => ExitStatus::Fine,
        _ => ExitStatus::Findings,
    })
}

/// What JSON says of a debugging.
#[derive(Serialize)]
struct Said<'a> {
    out: &'a Path,
    run: Option<&'a Path>,
    record: &'a DebugRecord,
    findings: Vec<&'a traceward_doctor::Finding>,
}

fn say(
    record: &DebugRecord,
    diagnosis: Option<&Diagnosis>,
    out: &Path,
    run: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    if output.format == Format::Json {
        let findings = diagnosis.map(|d| d.findings.iter().collect()).unwrap_or_default();
        return output.json(&Said { out, run, record, findings });
    }
    output.text(&traceward_report::doctor::record_text(
        record,
        output::width(),
        traceward_report::terminal::Palette::COLOUR,
    ))?;
    let out = out.display();
    let next = match run {
        Some(run) => format!("  traceward eval {}\n", run.display()),
        None => format!("  traceward train --config {out}/traceward.toml\n"),
    };
    output.text(&format!("\nNext:\n  open {out}/debug.html\n{next}"))
}

/// The folder that keeps a debugging.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(asked: Option<&Path>) -> Result<Self, Failure> {
        let path = match asked {
            Some(path) => path.to_path_buf(),
            None => {
                let name = |n: u32| PathBuf::from("debug").join(format!("{n:03}"));
                (1..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
            }
        };
        if path.join("debug.json").exists() {
            return Err(Failure::new(format_args!("{} already holds a debugging", path.display()))
                .hint("name another folder with --out"));
        }
        fs::create_dir_all(path.join("runs"))?;
        Ok(Self { path })
    }

    fn keep(&self, record: &DebugRecord) -> Result<(), Failure> {
        let json = serde_json::to_vec_pretty(record)?;
        write_atomically(&self.path.join("debug.json"), &json)?;
        let markdown = traceward_report::doctor::record_markdown(record);
        write_atomically(&self.path.join("debug.md"), markdown.as_bytes())?;
        let html = traceward_report::doctor::record_html(record);
        write_atomically(&self.path.join("debug.html"), html.as_bytes())?;
        Ok(())
    }
}

/// The ward of the command: keeps every run, and says what happens.
struct DebugWard<'a> {
    bench: &'a Bench,
    folder: &'a Folder,
    stop: StopFlag,
    output: Output,
    trained: usize,
    /// The first failure to write the record; the debugging ends with it.
    failed: Option<Failure>,
}

impl Ward for DebugWard<'_> {
    type Error = Failure;

    fn train(&mut self, plan: &Plan, seed: u64) -> Result<Run, Failure> {
        let config = TrainConfig { seed, ..plan.config.clone() };
        let trained = self.bench.train(&config, &self.stop)?;
        self.trained += 1;
        let dir = self.folder.path.join("runs").join(format!("{:03}", self.trained));
        fs::create_dir_all(&dir)?;
        config.save(&dir.join("traceward.toml"))?;
        write_atomically(&dir.join("history.csv"), trained.history.to_csv().as_bytes())?;
        if self.output.verbose > 0 {
            self.output.line(&format!(
                "  run {:03}, seed {seed}: macro-F1 {:.3}, {:.1} s",
                self.trained, trained.holdout.macro_f1, trained.seconds
            ));
        }
        Ok(trained.run(seed, Some(PathBuf::from("runs").join(format!("{:03}", self.trained)))))
    }

    fn look(&mut self, plan: &Plan) -> Evidence {
        self.bench.look(&plan.config)
    }

    fn probes(&mut self, plan: &Plan) -> Probes {
        self.bench.probes(&plan.config, &self.stop)
    }

    fn fits(&self, plan: &Plan) -> Result<(), String> {
        self.bench.cut(&plan.config).map(drop).map_err(|failure| failure.message)
    }

    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Diagnosed { step, diagnosis } => {
                let word = diagnosis.primary.map_or("shows no curve", |label| label.meaning());
                self.output.line(&format!("\nStep {step}: the training {word}"));
                for finding in diagnosis.findings.iter().filter(|f| f.level >= Level::Warning) {
                    self.output.line(&format!("  {} {}: {}", finding.rule, finding.level, finding.symptom));
                }
            }
            Event::Trying { finding, treatment } => {
                self.output.line(&format!("  against {}: {treatment}", finding.rule));
            }
            Event::Tried(trial) => {
                let verdict = match trial.verdict {
                    Verdict::Accepted => "kept",
                    Verdict::Rejected => "not kept",
                    Verdict::Failed => "failed",
                };
                self.output.line(&format!("    {verdict}, {}  ({:.0} s)", trial.why, trial.seconds));
            }
            Event::NotTried { treatment, why } => {
                if self.output.verbose > 0 {
                    self.output.line(&format!("  not tried: {treatment}, since {why}"));
                }
            }
        }
    }

    fn keep(&mut self, record: &DebugRecord) {
        if let Err(failure) = self.folder.keep(record) {
            self.failed.get_or_insert(failure);
            self.stop.store(true, Ordering::SeqCst);
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
