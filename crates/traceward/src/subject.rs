//! What the doctor is asked to look at: from paths as typed to evidence, one [`Subject`] for each training.
//!
//! A path may hold several trainings: a log to which a restarted script went on appending, a folder of
//! scripts. And one training may be spread over several paths: a script, its log, its data. The first makes
//! several subjects of one path; [`together`] makes one of several.

use std::io::Read;
use std::path::{Path, PathBuf};

use traceward_doctor::curve::Curves;
use traceward_doctor::facts::Data;
use traceward_doctor::{Evidence, read};
use traceward_run::RunDir;
use traceward_run::config::DataRecord;
use traceward_run::foreign::{self, Kind};
use traceward_trace::{Dataset, Vocabulary, split};

use crate::error::Failure;
use crate::input;
use crate::output::Output;

/// One training to look at.
#[derive(Debug)]
pub struct Subject {
    /// The path as typed.
    pub path: PathBuf,
    /// Which training of the path, if it holds several.
    pub name: Option<String>,
    /// What the path holds.
    pub kind: Kind,
    /// What is known of it.
    pub evidence: Evidence,
}

/// The name under which standard input is read and reported.
pub const STDIN: &str = "-";

/// How deep a folder is searched for something to look at, and how much is looked at.
const DEPTH: usize = 4;
const FILES: usize = 500;

/// All trainings at a path.
///
/// # Errors
/// If the path cannot be read, or nothing in it is anything that the doctor reads.
pub fn at(path: &Path, output: Output) -> Result<Vec<Subject>, Failure> {
    if path.as_os_str() == STDIN {
        return stdin(output);
    }
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Err(Failure::new(format_args!("{}: no such file or folder", path.display()))),
        Err(e) => return Err(unreadable(path, &e)),
    }
    let kind = foreign::look(path).map_err(|e| unreadable(path, &e))?;
    if path.is_dir() && kind != Kind::RunDirectory {
        let found = Found::below(path);
        // A folder of logs is one training's; a folder with programs in it is a project's.
        if kind == Kind::Unknown || found.has_programs() {
            return folder(path, &found, output);
        }
    }
    of_kind(path, kind, output)
}

fn of_kind(path: &Path, kind: Kind, output: Output) -> Result<Vec<Subject>, Failure> {
    match kind {
        Kind::RunDirectory => run(path, output).map(|subject| vec![subject]),
        Kind::Script => {
            let bytes = std::fs::read(path).map_err(|e| unreadable(path, &e))?;
            Ok(script(path, &bytes))
        }
        Kind::KerasModel => {
            let evidence = read::keras_model(path).map_err(Failure::new)?;
            Ok(vec![Subject { path: path.into(), name: None, kind, evidence }])
        }
        Kind::DataSet => {
            let source = input::source(&[path.to_path_buf()], &crate::cli::ReadArgs::default())?;
            let data = input::load(&source, output)?;
            let evidence = Evidence { data: Some(Data::of(&data, None, None, None)), ..Evidence::default() };
            Ok(vec![Subject { path: path.into(), name: None, kind, evidence }])
        }
        Kind::Unknown => Err(Failure::new(format_args!("{}: nothing that the doctor reads", path.display())).hint(
            "readable are run directories, logs (Keras, TensorBoard, Lightning, Hugging Face, W&B, MLflow, \
             console text), Keras models, Python scripts, and data sets",
        )),
        _ => {
            let log = foreign::read(path).map_err(Failure::new)?;
            Ok(logged(path, &log, output))
        }
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format_args!("{}: {error}", path.display()))
}

fn stdin(output: Output) -> Result<Vec<Subject>, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let path = Path::new(STDIN);
    match foreign::look_at(&bytes) {
        Kind::Script => Ok(script(path, &bytes)),
        _ => {
            let log = foreign::read_bytes("stdin", &bytes).map_err(Failure::new)?;
            Ok(logged(path, &log, output))
        }
    }
}

fn script(path: &Path, bytes: &[u8]) -> Vec<Subject> {
    let read = read::script(path, &read::script_text(bytes));
    let several = read.len() > 1;
    let subject = |(i, evidence): (usize, Evidence)| Subject {
        path: path.into(),
        name: several.then(|| format!("model {}", i + 1)),
        kind: Kind::Script,
        evidence,
    };
    read.into_iter().enumerate().map(subject).collect()
}

/// The runs of a log.
fn logged(path: &Path, log: &foreign::Log, output: Output) -> Vec<Subject> {
    for note in &log.notes {
        output.note(format_args!("{}: {note}", path.display()));
    }
    let several = log.runs.len() > 1;
    let subject = |run: &foreign::LoggedRun| Subject {
        path: path.into(),
        name: several.then(|| run.name.clone()),
        kind: log.kind,
        evidence: read::logged(log, run),
    };
    log.runs.iter().map(subject).collect()
}

/// A run of ours: its record, its history, and its data if that is still where it was and what it was.
fn run(path: &Path, output: Output) -> Result<Subject, Failure> {
    let dir = RunDir::open(path)?;
    if let Some(recipe) = dir.read_recipe()? {
        output.note(format_args!(
            "{}: {} is fitted without epochs, so there is no curve; looking at its data",
            path.display(),
            recipe.model
        ));
        let data = recorded(path, &recipe.data, output).and_then(|data| {
            let split = split::split(&data, &recipe.split).ok()?;
            Some(Data::of(&data, Some((&recipe.split, &split)), None, None))
        });
        let evidence = Evidence { data, ..Evidence::default() };
        return Ok(Subject { path: path.into(), name: None, kind: Kind::RunDirectory, evidence });
    }
    let record = dir.read_record()?;
    let config = &record.config;
    let mut vocabulary_size = None;
    let data = recorded(path, &record.data, output).and_then(|data| {
        let split = split::split(&data, &config.split).ok()?;
        let vocabulary = Vocabulary::learn(&data, &split.train);
        vocabulary_size = Some(vocabulary.size());
        Some(Data::of(&data, Some((&config.split, &split)), Some(&config.input), Some(&vocabulary)))
    });
    let classes = record.data.classes.len();
    let (network, fit) = read::config(config, classes, vocabulary_size.unwrap_or_default());
    // A run that was stopped before its first epoch has no history; its network can be looked at all the same.
    let curves = dir.read_history().ok().map(|history| Curves::from(&history));
    let evidence = Evidence { network: Some(network), fit: Some(fit), data, curves, ..Evidence::default() };
    Ok(Subject { path: path.into(), name: None, kind: Kind::RunDirectory, evidence })
}

/// The data that a run was trained on, if it is still where it was and what it was.
fn recorded(path: &Path, record: &DataRecord, output: Output) -> Option<Dataset> {
    match input::load(&record.source, Output { quiet: true, ..output }) {
        Ok(data) if data.fingerprint().to_string() == record.fingerprint => Some(data),
        Ok(_) => {
            output
                .note(format_args!("{}: its data set has changed since; looking without it", path.display()));
            None
        }
        Err(failure) => {
            output.note(format_args!("{}: looking without its data set: {failure}", path.display()));
            None
        }
    }
}

/// What a folder holds that says what it is: scripts, models, logs, runs. Data sets are left out, since any
/// table might be one.
#[derive(Default)]
struct Found {
    paths: Vec<(PathBuf, Kind)>,
    /// There was more than is looked at.
    cut: bool,
}

impl Found {
    fn below(folder: &Path) -> Self {
        let mut found = Self::default();
        found.search(folder, DEPTH);
        found
    }

    fn has_programs(&self) -> bool {
        self.paths.iter().any(|(_, kind)| matches!(kind, Kind::Script | Kind::KerasModel))
    }

    fn search(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if self.paths.len() >= FILES {
                self.cut = true;
                return;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let elsewhere =
                matches!(&*name, "node_modules" | "site-packages" | "__pycache__" | "target" | "venv");
            if name.starts_with('.') || elsewhere || path.is_symlink() {
                continue;
            }
            match foreign::look(&path) {
                Ok(Kind::Unknown | Kind::DataSet) if path.is_dir() && depth > 0 => {
                    self.search(&path, depth - 1);
                }
                Ok(Kind::Unknown | Kind::DataSet) | Err(_) => {}
                // Programs and prose quote logs; named by themselves they are read, in passing they are not.
                Ok(Kind::Console) if !may_be_a_log(&path) => {}
                Ok(kind) => self.paths.push((path, kind)),
            }
        }
    }
}

/// All trainings that a folder holds.
fn folder(path: &Path, found: &Found, output: Output) -> Result<Vec<Subject>, Failure> {
    if found.cut {
        output.note(format_args!("{}: more than {FILES} files; looking at the first", path.display()));
    }
    let mut subjects = Vec::new();
    for (path, kind) in &found.paths {
        match of_kind(path, *kind, output) {
            // A script that builds no network is no training.
            Ok(mut some) => {
                some.retain(|s| s.kind != Kind::Script || s.evidence.network.is_some());
                subjects.append(&mut some);
            }
            Err(failure) => output.warning(failure),
        }
    }
    if subjects.is_empty() {
        return Err(Failure::new(format_args!(
            "{}: nothing in this folder is a run, a log, a model or a training script",
            path.display()
        ))
        .hint("name the file itself"));
    }
    Ok(subjects)
}

/// Whether console output would be kept under such a name.
fn may_be_a_log(path: &Path) -> bool {
    path.extension()
        .is_none_or(|extension| ["log", "txt", "out", "err"].iter().any(|known| extension == *known))
}

/// One training seen from several sides: each of its curves with the network, fit and data of the others.
///
/// # Errors
/// If two subjects both say what the network is, or both what the data is.
pub fn together(subjects: Vec<Subject>) -> Result<Vec<Subject>, Failure> {
    let (mut curves, rest): (Vec<Subject>, Vec<Subject>) =
        subjects.into_iter().partition(|subject| subject.evidence.curves.is_some());
    let mut context = Evidence::default();
    for subject in &rest {
        let twice = |what: &str| {
            Failure::new(format_args!(
                "--together: {} is a second {what} of one training",
                subject.path.display()
            ))
            .hint("leave one out, or look at each by itself without --together")
        };
        if subject.evidence.network.is_some() && context.network.is_some() {
            return Err(twice("network"));
        }
        if subject.evidence.data.is_some() && context.data.is_some() {
            return Err(twice("data set"));
        }
        context = context.or(&subject.evidence);
    }
    if curves.is_empty() {
        let first = rest.into_iter().next();
        return Ok(first.map(|subject| Subject { evidence: context, ..subject }).into_iter().collect());
    }
    for subject in &mut curves {
        subject.evidence = std::mem::take(&mut subject.evidence).or(&context);
    }
    Ok(curves)
}

/// How a subject is called in a report.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} ({name})", self.path.display()),
            None => write!(f, "{}", self.path.display()),
        }
    }
}
