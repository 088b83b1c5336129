//! Logs of any framework, read into [`History`]s; what a file is, is found by looking into it.
//!
//! [`look`] tells a path's [`Kind`] from its content, never its name. [`read`] gives its runs: a log may hold
//! several, where a program was started again or trains several models. A run's [`Columns`] say which of its
//! columns are the losses and accuracies that everything else asks for, by a table of words.
//!
//! | kind | what is read |
//! |---|---|
//! | run directory | our own `history.csv`, `steps.csv` |
//! | CSV | Keras' CSVLogger, AutoTrainer, YOLO's `results.csv`, anything with a header of metrics |
//! | Lightning | `metrics.csv`, whose rows are events, with `hparams.yaml` beside it |
//! | JSON | dictionaries of lists, lists of dictionaries, a dictionary a line, Python's prints of them |
//! | console | Keras' progress bars and summaries, PyTorch prints, tables, timestamps before and text around |
//! | TensorBoard | event files of TensorFlow 1 and 2 and PyTorch; `train/` and `validation/` joined |
//! | Hugging Face | `trainer_state.json` |
//! | W&B | a run's folder or its `.wandb` file |
//! | MLflow | `mlruns`, an experiment or a run |
//!
//! Logs are written by programs that crash. What can be read is read; what could not be is said in
//! [`Log::notes`], with line numbers. Only a path of which nothing can be read is an error. A gap is not NaN:
//! an empty cell is an absent value, a `nan` is a value. No length that a file claims is believed, and memory is
//! bounded by the file's size and [`LARGEST`].

mod console;
mod csv;
mod events;
mod json;
mod look;
mod mlflow;
mod names;
mod number;
mod run_directory;
mod shape;
mod table;
mod value;
mod wandb;
mod yaml;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::console::{ModelSummary, SummaryLayer};
pub use self::look::{look, look_at};
pub use self::names::{AccuracyUnit, Columns};
use crate::history::History;

/// The largest file that is read as one, in bytes: event files and run records are read piece by piece.
pub const LARGEST: u64 = 512 << 20;

/// What a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A directory of ours.
    RunDirectory,
    /// A log in CSV, as Keras' CSVLogger writes it.
    KerasCsv,
    /// A log in JSON.
    HistoryJson,
    /// Console output.
    Console,
    /// TensorBoard's event files.
    TensorBoard,
    /// Lightning's metrics.csv.
    LightningCsv,
    /// Hugging Face's trainer_state.json.
    HuggingFace,
    /// A run of Weights & Biases.
    #[serde(rename = "wandb")]
    WandB,
    /// Runs of MLflow.
    #[serde(rename = "mlflow")]
    MLflow,
    /// A model of Keras: `.keras`, HDF5, or JSON.
    KerasModel,
    /// A Python program, or a notebook.
    Script,
    /// A data set.
    DataSet,
    /// Nothing that is known.
    Unknown,
}

impl Kind {
    /// Whether [`read`] reads it.
    pub fn is_log(self) -> bool {
        !matches!(self, Self::KerasModel | Self::Script | Self::DataSet | Self::Unknown)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RunDirectory => "run directory",
            Self::KerasCsv => "CSV log",
            Self::HistoryJson => "JSON history",
            Self::Console => "console output",
            Self::TensorBoard => "TensorBoard events",
            Self::LightningCsv => "Lightning metrics",
            Self::HuggingFace => "Hugging Face trainer state",
            Self::WandB => "W&B run",
            Self::MLflow => "MLflow runs",
            Self::KerasModel => "Keras model",
            Self::Script => "Python script",
            Self::DataSet => "data set",
            Self::Unknown => "unknown",
        })
    }
}

/// What a log holds.
#[derive(Clone, Debug)]
pub struct Log {
    /// What it is.
    pub kind: Kind,
    /// Its runs, in the order of the log; at least one.
    pub runs: Vec<LoggedRun>,
    /// What a person should know of the reading: lines skipped, a torn end, rows put in order. Sentences.
    pub notes: Vec<String>,
}

/// A run that was logged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggedRun {
    /// What tells it from the other runs of its log; empty if it is the only one.
    pub name: String,
    /// Its scalars, a row an epoch where the log gives the loss by epoch; counters are the log's own, which may
    /// begin at 0 or 1.
    pub history: History,
    /// Which columns are what.
    pub columns: Columns,
    /// Whether a row of `history` is a step, or a stretch of steps, rather than an epoch.
    pub by_step: bool,
    /// What is logged more finely than `history`, where that is by epoch.
    pub steps: Option<StepLog>,
    /// Settings that are logged beside the curves.
    pub hyperparameters: Map<String, Value>,
    /// What was said once, at the end: a test's accuracy.
    pub results: Map<String, Value>,
    /// The model, where its summary is printed.
    pub model: Option<ModelSummary>,
    /// How many epochs were to be run, where the log says so: `Epoch 3/10`.
    pub planned_epochs: Option<u64>,
    /// Whether the log says that early stopping ended the run.
    pub stopped_early: bool,
    /// What ended the run before its end, in the log's words: an interrupt, an error.
    pub interrupted: Option<String>,
}

/// Scalars by step, beside a history by epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepLog {
    /// Its scalars, a row a step.
    pub history: History,
    /// Which columns are what.
    pub columns: Columns,
}

impl LoggedRun {
    /// Whether it has a loss or an accuracy at all.
    fn has_metrics(&self) -> bool {
        let Columns { loss, val_loss, accuracy, val_accuracy, .. } = &self.columns;
        [loss, val_loss, accuracy, val_accuracy].into_iter().any(Option::is_some)
    }
}

/// Why a path is not read as a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// It could not be opened or read.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// It is something else than a log.
    #[error("{place} is no training log but a {kind}")]
    NotALog {
        /// Which.
        place: String,
        /// What it is.
        kind: Kind,
    },
    /// Nothing in it looks like a log.
    #[error(
        "{place} is no training log: {reason}; give a CSV or JSON history, console output with losses, \
         TensorBoard event files, or a folder that holds one of them"
    )]
    Unknown {
        /// Which.
        place: String,
        /// What was missed.
        reason: String,
    },
    /// It is a log, but nothing of it can be read.
    #[error("{place} looks like {kind}, but nothing of it can be read: {reason}")]
    Nothing {
        /// Which.
        place: String,
        /// What it looks like.
        kind: Kind,
        /// What is wrong, with the line.
        reason: String,
    },
    /// It is too large to be held.
    #[error("{place} has {bytes} bytes, more than the {LARGEST} that are read: keep every tenth line of it")]
    TooLarge {
        /// Which.
        place: String,
        /// How large.
        bytes: u64,
    },
}

/// Reads the log at `path`, a file or a directory, whatever it is.
///
/// # Errors
/// If it cannot be read, is no log, or nothing of it can be read.
pub fn read(path: &Path) -> Result<Log, ForeignError> {
    let io_error = |error| ForeignError::Io { path: path.to_owned(), error };
    let found = look::find(path).map_err(io_error)?;
    let (kind, at) = (found.kind, found.path.as_path());
    let mut notes = Vec::new();
    if at != path {
        let inner = at.strip_prefix(path).unwrap_or(at);
        notes.push(format!("Of the folder, {} was read.", inner.display()));
    }
    let runs = match kind {
        Kind::RunDirectory => run_directory::read(at, &mut notes),
        Kind::TensorBoard if at.is_dir() => events::read_folder(at, &mut notes),
        Kind::TensorBoard => events::read_file(at, &mut notes),
        Kind::MLflow => mlflow::read(at, &mut notes),
        Kind::WandB => wandb::read(at, &mut notes),
        Kind::KerasModel | Kind::Script | Kind::DataSet => {
            return Err(ForeignError::NotALog { place: path.display().to_string(), kind });
        }
        Kind::Unknown => {
            return Err(ForeignError::Unknown { place: path.display().to_string(), reason: found.reason });
        }
        _ => {
            let bytes = contents(at)?;
            let text = decoded(&bytes, &mut notes);
            let mut runs = of_text(kind, &text, &mut notes);
            if let (Kind::LightningCsv, Ok(runs)) = (kind, &mut runs) {
                yaml::beside(at, runs);
            }
            runs
        }
    };
    finished(kind, runs, notes, || path.display().to_string())
}

/// Reads a log that is in memory: what was pasted or piped. `name` stands for it in messages.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Log, ForeignError> {
    let found = look_at(bytes);
    let place = || name.to_owned();
    let mut notes = Vec::new();
    let runs = match found {
        Kind::TensorBoard => events::read_bytes(bytes, &mut notes),
        Kind::WandB => wandb::read_bytes(bytes, &mut notes),
        kind if !kind.is_log() && kind != Kind::Unknown => {
            return Err(ForeignError::NotALog { place: place(), kind });
        }
        Kind::Unknown => {
            return Err(ForeignError::Unknown { place: place(), reason: look::reason(bytes) });
        }
        kind => of_text(kind, &decoded(bytes, &mut notes), &mut notes),
    };
    finished(found, runs, notes, place)
}

/// Reads a log that is text, as [`read_bytes`].
///
/// # Errors
/// As [`read`].
pub fn read_text(name: &str, text: &str) -> Result<Log, ForeignError> {
    read_bytes(name, text.as_bytes())
}

fn of_text(kind: Kind, text: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    match kind {
        Kind::KerasCsv | Kind::LightningCsv => csv::read(text, "", notes),
        Kind::HistoryJson | Kind::HuggingFace => json::read(text, "", notes),
        _ => console::read(text, "", notes),
    }
}

fn finished(
    kind: Kind,
    runs: Result<Vec<LoggedRun>, String>,
    mut notes: Vec<String>,
    place: impl Fn() -> String,
) -> Result<Log, ForeignError> {
    let runs = runs.map_err(|reason| ForeignError::Nothing { place: place(), kind, reason })?;
    if runs.is_empty() {
        let reason = "no row of it holds a loss or an accuracy".to_owned();
        return Err(ForeignError::Nothing { place: place(), kind, reason });
    }
    notes.dedup();
    Ok(Log { kind, runs, notes })
}

fn contents(path: &Path) -> Result<Vec<u8>, ForeignError> {
    let io_error = |error| ForeignError::Io { path: path.to_owned(), error };
    let file = File::open(path).map_err(io_error)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > LARGEST {
        let bytes = path.metadata().map_or(bytes.len() as u64, |metadata| metadata.len());
        return Err(ForeignError::TooLarge { place: path.display().to_string(), bytes });
    }
    Ok(bytes)
}

/// The text of a file: UTF-8, or the UTF-16 that PowerShell redirects into; bytes that are neither become `�`.
fn decoded<'a>(bytes: &'a [u8], notes: &mut Vec<String>) -> std::borrow::Cow<'a, str> {
    let units = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units).into()
    };
    if bytes.starts_with(&[0xff, 0xfe]) {
        return units(u16::from_le_bytes);
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return units(u16::from_be_bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    if let std::borrow::Cow::Owned(text) = &text
        && !text.ends_with('\u{fffd}')
    {
        notes.push("Some of its bytes are no UTF-8 and were passed over.".to_owned());
    }
    text
}

/// `1 row was`, `3 rows were`.
fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing} was") } else { format!("{count} {thing}s were") }
}

/// `1:05` and `0:01:05` in seconds.
fn clock(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.split(':').collect();
    let numbers = parts
        .iter()
        .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !(2..=3).contains(&parts.len()) || !numbers {
        return None;
    }
    parts.iter().try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}
