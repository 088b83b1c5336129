//! Alerts that a receiver will never take, kept for people.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::spool::Entry;

/// A file of JSON lines: what was answered, and the alert.
#[derive(Debug)]
pub(super) struct DeadLetters {
    path: PathBuf,
    most: u64,
}

impl DeadLetters {
    pub(super) fn new(folder: &Path, most: u64) -> Self {
        Self { path: folder.join("dead-letters.jsonl"), most }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps an alert, unless the file is as large as it may be: false then.
    pub(super) fn keep(&self, entry: &Entry, status: u16) -> io::Result<bool> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        let before = file.metadata()?.len();
        let line = format!("{{\"status\":{status},\"alert\":{}}}\n", entry.json);
        if before + line.len() as u64 > self.most {
            return Ok(false);
        }
        if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.sync_data()) {
            file.set_len(before)?;
            return Err(error);
        }
        Ok(true)
    }
}
