//! The thread that writes files, one at a time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use super::Options;
use super::rows::{self, Row};

/// Writes files on a thread of its own, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Sender<(PathBuf, Vec<Row>)>,
    done: Receiver<Written>,
    /// What is being written.
    at: Option<PathBuf>,
}

/// What became of a file.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    /// Why it is not there, and what should have stood in it.
    pub(super) failed: Option<(io::Error, Vec<Row>)>,
}

impl Writer {
    pub(super) fn new(options: Arc<Options>) -> io::Result<Self> {
        let (jobs, todo) = channel::<(PathBuf, Vec<Row>)>();
        let (tell, done) = channel();
        std::thread::Builder::new().name("recording".to_owned()).spawn(move || {
            for (path, mut rows) in todo {
                let failed = rows::write(&mut rows, &options, &path).err().map(|error| (error, rows));
                // Where nobody listens any more, nobody wants to know.
                let _ = tell.send(Written { path, failed });
            }
        })?;
        Ok(Self { jobs, done, at: None })
    }

    /// Whether a file is being written.
    pub(super) fn busy(&self) -> bool {
        self.at.is_some()
    }

    /// Begins a file; the one before must be done.
    pub(super) fn begin(&mut self, path: PathBuf, rows: Vec<Row>) {
        self.at = Some(path.clone());
        // The thread ends only by a panic; then `poll` and `wait` say so.
        let _ = self.jobs.send((path, rows));
    }

    /// What became of the file, if that is known by now.
    pub(super) fn poll(&mut self) -> Option<Written> {
        let path = self.at.take()?;
        match self.done.try_recv() {
            Ok(written) => Some(written),
            Err(TryRecvError::Empty) => {
                self.at = Some(path);
                None
            }
            Err(TryRecvError::Disconnected) => Some(gone(path)),
        }
    }

    /// Waits for the file, if one is being written.
    pub(super) fn wait(&mut self) -> Option<Written> {
        let path = self.at.take()?;
        Some(self.done.recv().unwrap_or_else(|_| gone(path)))
    }
}

fn gone(path: PathBuf) -> Written {
    Written { path, failed: Some((io::Error::other("the thread that writes is gone"), Vec::new())) }
}
