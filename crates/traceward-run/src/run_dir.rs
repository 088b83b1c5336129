//! The directory of a training run: where each file stands, and how it is written.
//!
//! ```text
//! runs/2026-11-23T04-56-12Z-article-5/
//!   traceward.toml     all that repeats the run
//!   status.json        running, finished or interrupted, and how far it came
//!   history.csv        one row an epoch          steps.csv   one row a step
//!   checkpoints/       what --resume goes on from
//!   model.safetensors  the classifier            evaluation.json, findings.json, report.html
//!   tensorboard/       event files
//! ```
//!
//! Every file but the two that grow is written whole or not at all, see [`write_atomically`]. A training
//! holds a lock on `.lock` for as long as it lives; the system gives it back even after `kill -9`, so a
//! status that says "running" without the lock being held means that the run was cut off. The clock is
//! always an argument: nothing here asks for the time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, RecipeRecord, RunRecord};
use crate::{Evaluation, History};

/// The directory of one training run.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    lock: Option<File>,
}

/// Why a run directory could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunDirError {
    /// The system said no.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A directory was asked for by name, and has something in it.
    #[error("{} is not empty; name a new directory, or go on with the run in it by --resume", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Not a run directory.
    #[error("{} is not the directory of a run: it has no traceward.toml", path.display())]
    NoRun {
        /// What was named.
        path: PathBuf,
    },
    /// Another training is at work in it.
    #[error("another training is writing to {}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A file of ours does not read as one.
    #[error("{}: {reason}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The run's record does not read, or could not be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl RunDirError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { action, path, error }
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// At work.
    Running,
    /// It did all that it was asked to, or stopped early by its own rule.
    Finished,
    /// Stopped by Ctrl-C, or cut off: `--resume` goes on.
    Interrupted,
}

impl State {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What `status.json` holds. Times are seconds since 1970, UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// How it stands.
    pub state: State,
    /// When it began.
    pub started: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// Epochs done.
    pub epochs_done: u32,
}

/// A line of `runs list`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEntry {
    /// The directory.
    pub path: PathBuf,
    /// Its last part.
    pub name: String,
    /// How it stands, and since when; `None` if `status.json` does not read.
    pub status: Option<Status>,
    /// The preset it started from.
    pub preset: Option<String>,
    /// Epochs asked for.
    pub epochs: Option<u32>,
    /// The data set's name.
    pub data: Option<String>,
    /// The last row's training loss.
    pub loss: Option<f64>,
    /// The least validation loss.
    pub best_val_loss: Option<f64>,
    /// Of the final evaluation.
    pub accuracy: Option<f64>,
    /// Of the final evaluation.
    pub macro_f1: Option<f64>,
}

impl RunDir {
    /// Makes a new directory under `runs`, named by time and `name`, and locks it.
    ///
    /// A directory that is already there is never used: the name gets a number instead.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(runs: &Path, name: &str, now: SystemTime) -> Result<Self, RunDirError> {
        fs::create_dir_all(runs).map_err(RunDirError::io("make", runs))?;
        let safe: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
            .collect();
        let stem = format!("{}-{safe}", file_time(now));
        let mut attempt = 1;
        let path = loop {
            let path = runs.join(if attempt == 1 { stem.clone() } else { format!("{stem}-{attempt}") });
            match fs::create_dir(&path) {
                Ok(()) => break path,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                Err(error) => return Err(RunDirError::io("make", &path)(error)),
            }
        };
        Self::prepare(path)
    }

    /// Makes the directory `path` itself, or takes it if it is there and empty, and locks it.
    ///
    /// # Errors
    /// If it cannot be made, or holds anything.
    pub fn create_at(path: &Path) -> Result<Self, RunDirError> {
        fs::create_dir_all(path).map_err(RunDirError::io("make", path))?;
        if fs::read_dir(path).map_err(RunDirError::io("list", path))?.next().is_some() {
            return Err(RunDirError::NotEmpty { path: path.into() });
        }
        Self::prepare(path.into())
    }

    fn prepare(path: PathBuf) -> Result<Self, RunDirError> {
        let mut run = Self { path, lock: None };
        run.lock()?;
        let checkpoints = run.checkpoints();
        fs::create_dir_all(&checkpoints).map_err(RunDirError::io("make", &checkpoints))?;
        Ok(run)
    }

    /// Opens the directory of a run, to read it.
    ///
    /// # Errors
    /// If it is none.
    pub fn open(path: &Path) -> Result<Self, RunDirError> {
        let run = Self { path: path.into(), lock: None };
        if run.config_path().is_file() { Ok(run) } else { Err(RunDirError::NoRun { path: path.into() }) }
    }

    /// Opens the directory of a run and locks it, to go on with it.
    ///
    /// # Errors
    /// If it is none, or another training is at work in it.
    pub fn open_to_resume(path: &Path) -> Result<Self, RunDirError> {
        let mut run = Self::open(path)?;
        run.lock()?;
        Ok(run)
    }

    /// Takes the lock. On a file system without locks this does nothing: it is a guard against a slip,
    /// not a guarantee.
    fn lock(&mut self) -> Result<(), RunDirError> {
        let path = self.path.join(".lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(RunDirError::io("make", &path))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => return Err(RunDirError::Locked { path: self.path.clone() }),
            Err(TryLockError::Error(_)) => {}
        }
        Ok(())
    }

    fn is_locked_by_another(&self) -> bool {
        if self.lock.is_some() {
            return false;
        }
        let Ok(file) = File::options().append(true).open(self.path.join(".lock")) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `traceward.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.path.join("traceward.toml")
    }

    /// `status.json`.
    pub fn status_path(&self) -> PathBuf {
        self.path.join("status.json")
    }

    /// `history.csv`.
    pub fn history_path(&self) -> PathBuf {
        self.path.join("history.csv")
    }

    /// `steps.csv`.
    pub fn steps_path(&self) -> PathBuf {
        self.path.join("steps.csv")
    }

    /// `checkpoints/`.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// `model.safetensors`.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// `evaluation.json`.
    pub fn evaluation_path(&self) -> PathBuf {
        self.path.join("evaluation.json")
    }

    /// `findings.json`.
    pub fn findings_path(&self) -> PathBuf {
        self.path.join("findings.json")
    }

    /// `report.html`.
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// `tensorboard/`.
    pub fn tensorboard(&self) -> PathBuf {
        self.path.join("tensorboard")
    }

    /// Writes `traceward.toml`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_record(&self, record: &RunRecord) -> Result<(), RunDirError> {
        self.write(&self.config_path(), record.to_toml()?.as_bytes())
    }

    /// Reads `traceward.toml`.
    ///
    /// # Errors
    /// If it does not read.
    pub fn read_record(&self) -> Result<RunRecord, RunDirError> {
        Ok(RunRecord::load(&self.config_path())?)
    }

    /// Writes `traceward.toml` of a training without epochs.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_recipe(&self, record: &RecipeRecord) -> Result<(), RunDirError> {
        self.write(&self.config_path(), record.to_toml()?.as_bytes())
    }

    /// Reads `traceward.toml` of a training without epochs; `None` if it is a network's.
    ///
    /// # Errors
    /// If it does not read.
    pub fn read_recipe(&self) -> Result<Option<RecipeRecord>, RunDirError> {
        let path = self.config_path();
        if RecipeRecord::is_one(&path) { Ok(Some(RecipeRecord::load(&path)?)) } else { Ok(None) }
    }

    /// Writes `status.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_status(&self, status: &Status) -> Result<(), RunDirError> {
        self.write_json(&self.status_path(), status)
    }

    /// How the run stands. A run that says it is running while nobody holds its lock is interrupted.
    ///
    /// # Errors
    /// If `status.json` does not read.
    pub fn read_status(&self) -> Result<Status, RunDirError> {
        let mut status: Status = read_json(&self.status_path())?;
        if status.state == State::Running && self.lock.is_none() && !self.is_locked_by_another() {
            status.state = State::Interrupted;
        }
        Ok(status)
    }

    /// Writes `evaluation.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_evaluation(&self, evaluation: &Evaluation) -> Result<(), RunDirError> {
        self.write_json(&self.evaluation_path(), evaluation)
    }

    /// Reads `evaluation.json`.
    ///
    /// # Errors
    /// If it does not read.
    pub fn read_evaluation(&self) -> Result<Evaluation, RunDirError> {
        read_json(&self.evaluation_path())
    }

    /// Reads `history.csv`.
    ///
    /// # Errors
    /// If it does not read.
    pub fn read_history(&self) -> Result<History, RunDirError> {
        let path = self.history_path();
        History::load(&path).map_err(|error| RunDirError::Bad { path, reason: error.to_string() })
    }

    /// Writes a file of the run, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), RunDirError> {
        write_atomically(path, bytes).map_err(RunDirError::io("write", path))
    }

    fn write_json(&self, path: &Path, value: &impl Serialize) -> Result<(), RunDirError> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|error| RunDirError::Bad { path: path.into(), reason: error.to_string() })?;
        text.push('\n');
        self.write(path, text.as_bytes())
    }

    /// This run as a line of a list. What does not read is left out.
    pub fn entry(&self) -> RunEntry {
        let record = self.read_record().ok();
        let recipe = self.read_recipe().ok().flatten();
        let history = self.read_history().ok();
        let evaluation = self.read_evaluation().ok();
        let best = |history: &History| {
            let row = history.best(crate::config::Monitor::ValLoss)?;
            history.column("val_loss")?[row]
        };
        RunEntry {
            path: self.path.clone(),
            name: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            status: self.read_status().ok(),
            preset: match &recipe {
                Some(recipe) => Some(recipe.model.clone()),
                None => record.as_ref().and_then(|record| record.config.preset.clone()),
            },
            epochs: record.as_ref().map(|record| record.config.fit.epochs),
            data: record.map(|record| record.data.name).or(recipe.map(|recipe| recipe.data.name)),
            loss: history.as_ref().and_then(|history| history.last("loss")),
            best_val_loss: history.as_ref().and_then(best),
            accuracy: evaluation.as_ref().map(|evaluation| evaluation.accuracy),
            macro_f1: evaluation.map(|evaluation| evaluation.macro_f1),
        }
    }
}

/// The runs under `runs`, the earliest first. A missing directory has none.
///
/// # Errors
/// If the directory cannot be listed.
pub fn list(runs: &Path) -> Result<Vec<RunEntry>, RunDirError> {
    let directories = match fs::read_dir(runs) {
        Ok(directories) => directories,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RunDirError::io("list", runs)(error)),
    };
    let mut entries = Vec::new();
    for directory in directories {
        let directory = directory.map_err(RunDirError::io("list", runs))?;
        if let Ok(run) = RunDir::open(&directory.path()) {
            entries.push(run.entry());
        }
    }
    let started = |entry: &RunEntry| entry.status.as_ref().map_or(0, |status| status.started);
    entries.sort_by(|a, b| (started(a), &a.name).cmp(&(started(b), &b.name)));
    Ok(entries)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, RunDirError> {
    let text = fs::read_to_string(path).map_err(RunDirError::io("read", path))?;
    serde_json::from_str(&text)
        .map_err(|error| RunDirError::Bad { path: path.into(), reason: error.to_string() })
}

/// Writes a file so that a reader, or a crash at any moment, finds either all of the old or all of the new.
///
/// The bytes go to a temporary file in the same directory, which is flushed to the disk and then takes
/// the place of the old one; the directory is flushed last, so that the new name survives too.
///
/// # Errors
/// If any of this fails; the old file is then untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = new_file().tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // Not every system lets a directory be opened and flushed; the file itself is safe by now.
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// Temporary files are private; results are as readable as any other new file of this user.
fn new_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

/// Seconds since 1970.
pub fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// `2026-11-23 04:56:12`, in UTC, of seconds since 1970.
pub fn readable_time(seconds: u64) -> String {
    let [year, month, day, hour, minute, second] = calendar(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// `2026-11-23T04-56-12Z`: sorts by time, and holds no character that a file system forbids.
fn file_time(time: SystemTime) -> String {
    let [year, month, day, hour, minute, second] = calendar(unix_seconds(time));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}Z")
}

/// Year, month, day, hour, minute, second in UTC. The calendar runs in eras of 400 years (146,097 days)
/// and years that begin in March, so that the leap day is a year's last (Hinnant, "chrono-compatible
/// low-level date algorithms").
fn calendar(seconds: u64) -> [u64; 6] {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    let rest = seconds % 86_400;
    [year, month, day, rest / 3_600, rest / 60 % 60, rest % 60]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;
    use crate::config::{DataRecord, DataSource};
    use crate::history::{Epoch, HistoryFile};

    /// 2026-11-23 04:56:12 UTC.
    const NOW: u64 = 1_795_409_772;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn record() -> RunRecord {
        let data = DataRecord {
            source: DataSource::default(),
            name: "built-in corpus".into(),
            fingerprint: "00ff".into(),
            traces: 500,
            classes: vec!["normal".into(), "adduser".into()],
            abi: "x86_64".into(),
            training_traces: 400,
            validation_traces: 100,
        };
        RunRecord::new(Preset::Article5.config(), data)
    }

    #[test]
    fn a_run_never_takes_anothers_directory() {
        let runs = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..3)
            .map(|_| RunDir::create(runs.path(), "article 5/x", now()).unwrap())
            .map(|run| run.path().file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        let stem = "2026-11-23T04-56-12Z-article-5-x";
        assert_eq!(names, [stem.into(), format!("{stem}-2"), format!("{stem}-3")]);
    }

    #[test]
    fn a_named_directory_must_be_empty() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/run");
        drop(RunDir::create_at(&path).unwrap());
        let error = RunDir::create_at(&path).unwrap_err();
        assert!(matches!(error, RunDirError::NotEmpty { .. }), "{error}");
    }

    #[test]
    fn one_training_at_a_time() {
        let runs = tempfile::tempdir().unwrap();
        let first = RunDir::create(runs.path(), "a", now()).unwrap();
        first.write_record(&record()).unwrap();
        let error = RunDir::open_to_resume(first.path()).unwrap_err();
        assert!(matches!(error, RunDirError::Locked { .. }), "{error}");
        let path = first.path().to_owned();
        drop(first);
        assert_eq!(RunDir::open_to_resume(&path).unwrap().read_record().unwrap(), record());
        let error = RunDir::open(runs.path()).unwrap_err().to_string();
        assert!(error.contains("has no traceward.toml"), "{error}");
    }

    #[test]
    fn a_run_that_was_cut_off_is_seen_to_be() {
        let runs = tempfile::tempdir().unwrap();
        let run = RunDir::create(runs.path(), "a", now()).unwrap();
        run.write_record(&record()).unwrap();
        run.write_status(&Status { state: State::Running, started: NOW, ended: None, epochs_done: 3 })
            .unwrap();
        let reader = RunDir::open(run.path()).unwrap();
        assert_eq!(reader.read_status().unwrap().state, State::Running);
        drop(run);
        let status = reader.read_status().unwrap();
        assert_eq!((status.state, status.epochs_done), (State::Interrupted, 3));
    }

    #[test]
    fn runs_are_listed_by_their_start() {
        let runs = tempfile::tempdir().unwrap();
        for (name, started) in [("late", NOW + 5), ("early", NOW)] {
            let run = RunDir::create_at(&runs.path().join(name)).unwrap();
            run.write_record(&record()).unwrap();
            let mut history = HistoryFile::create(&run.history_path()).unwrap();
            let epochs = [(0, 2.0, 1.5), (1, 1.0, 1.75)].map(|(epoch, loss, val_loss)| Epoch {
                epoch,
                accuracy: 0.5,
                loss,
                val_accuracy: None,
                val_loss: Some(val_loss),
                learning_rate: 0.01,
                seconds: 1.0,
            });
            history.append(&epochs).unwrap();
            let status = Status { state: State::Finished, started, ended: Some(started + 1), epochs_done: 2 };
            run.write_status(&status).unwrap();
        }
        fs::create_dir(runs.path().join("no run")).unwrap();
        let entries = list(runs.path()).unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["early", "late"]);
        assert_eq!((entries[0].loss, entries[0].best_val_loss), (Some(1.0), Some(1.5)));
        assert_eq!(entries[0].preset.as_deref(), Some("article-5"));
        assert_eq!(list(&runs.path().join("none")).unwrap(), []);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.json");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let occupied = directory.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        fs::write(occupied.join("file"), b"").unwrap();
        assert!(write_atomically(&occupied, b"new").is_err());
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "no temporary file is left: {left:?}");
    }

    #[test]
    fn dates() {
        assert_eq!(readable_time(0), "1970-01-01 00:00:00");
        assert_eq!(readable_time(951_782_399), "2000-02-28 23:59:59");
        assert_eq!(readable_time(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(readable_time(4_107_542_400), "2100-03-01 00:00:00");
        assert_eq!(readable_time(NOW), "2026-11-23 04:56:12");
    }
}
