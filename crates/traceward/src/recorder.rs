//! Writes a run down while it happens: history.csv, steps.csv, TensorBoard files, status.json.
//!
//! A row is in its file before the checkpoint that knows of it is written, so a run that is killed and
//! resumed has every row once.

use std::time::SystemTime;

use traceward_run::RunDir;
use traceward_run::history::{Epoch, HistoryFile, StepsFile};
use traceward_run::run_dir::Status;
use traceward_run::tensorboard::TensorBoard;
use traceward_train::{Event, Observer};

use crate::error::Failure;

/// The files that grow while a run trains.
struct Files {
    history: HistoryFile,
    steps: StepsFile,
    tensorboard: TensorBoard,
}

/// Writes a run down. An observer cannot fail, so the first error is kept until [`Recorder::finish`].
pub struct Recorder<'a> {
    dir: &'a RunDir,
    status: Status,
    files: Option<Files>,
    failed: Option<Failure>,
}

impl<'a> Recorder<'a> {
    /// For the run in `dir`, whose status is written again after each epoch.
    pub fn new(dir: &'a RunDir, status: &Status) -> Self {
        Self { dir, status: status.clone(), files: None, failed: None }
    }

    /// Ends the files.
    ///
    /// # Errors
    /// The first error of all that was written.
    pub fn finish(mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        if let Some(files) = &mut self.files {
            files.history.sync()?;
            files.steps.sync()?;
        }
        Ok(())
    }

    fn open(&self, resumed_at: Option<(u32, u64)>) -> Result<Files, Failure> {
        let first_epoch = resumed_at.map_or(0, |(epoch, _)| epoch);
        let (history, steps) = (self.dir.history_path(), self.dir.steps_path());
        let tensorboard = TensorBoard::create(&self.dir.tensorboard(), first_epoch, SystemTime::now())?;
        let bad = |path: &std::path::Path, e: &dyn std::fmt::Display| {
            Failure::new(format_args!("{}: {e}", path.display()))
        };
        Ok(match resumed_at {
            None => Files {
                history: HistoryFile::create(&history)?,
                steps: StepsFile::create(&steps)?,
                tensorboard,
            },
            Some((epoch, step)) => Files {
                history: HistoryFile::resume(&history, epoch.into()).map_err(|e| bad(&history, &e))?.0,
                steps: StepsFile::resume(&steps, step).map_err(|e| bad(&steps, &e))?.0,
                tensorboard,
            },
        })
    }

    fn epoch(&mut self, row: &Epoch) -> Result<(), Failure> {
        let Some(files) = &mut self.files else { return Ok(()) };
        files.history.append(std::slice::from_ref(row))?;
        files.tensorboard.epoch(row, SystemTime::now())?;
        self.status.epochs_done = row.epoch + 1;
        self.dir.write_status(&self.status)?;
        Ok(())
    }
}

impl Observer for Recorder<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if self.failed.is_some() {
            return;
        }
        let done = match event {
            Event::RunStarted { resumed_at, .. } => {
                self.open(*resumed_at).map(|files| self.files = Some(files))
            }
            Event::StepEnded(step) => match &mut self.files {
                Some(files) => files.steps.append(std::slice::from_ref(&step.row)).map_err(Failure::from),
                None => Ok(()),
            },
            Event::EpochEnded(row) => self.epoch(row),
            _ => Ok(()),
        };
        self.failed = done.err();
    }
}
