//! The webhook's queue on disk: an alert is on disk before it is sent, and leaves it when the receiver has it.
//!
//! ```text
//! append -> written, synced -> peek -> sent, 2xx -> acknowledge -> file removed when all of it is
//! ```
//!
//! After a crash at any moment all that was appended and not acknowledged is there again, in order, with the
//! same ids; what was acknowledged may be, too, if the power failed before the note of it was on disk: a
//! receiver that looks at ids has each alert once.
//!
//! **A full spool refuses the newest.** The first alarms of an incident tell how it began, and whoever can
//! make the guard alarm could otherwise push them out with a flood of others. What is refused is counted.
//!
//! **A full disk** loses nothing at once: alerts wait in memory, as many as a bound allows, are sent from there,
//! and are written when there is room again.

mod record;
mod segment;

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use self::record::Record;
use self::segment::{Place, Segment};

/// Bounds of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes on disk.
    pub disk: u64,
    /// Bytes that wait in memory while the disk is full.
    pub memory: usize,
}

impl Default for Bounds {
    /// 64 MiB on disk: some 50,000 alerts; 4 MiB in memory.
    fn default() -> Self {
        Self { disk: 64 << 20, memory: 4 << 20 }
    }
}

/// An alert in a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the spool: they follow each other as the alerts came.
    pub number: u64,
    /// Its id, as one word of ASCII.
    pub id: String,
    /// Its JSON.
    pub json: String,
}

/// Where an appended alert is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// On disk, synced.
    OnDisk,
    /// In memory only, since the disk would not take it, and why.
    InMemory(String),
    /// Nowhere: the spool is as large as it may be.
    Refused,
}

/// What an opened spool was found to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Alerts that no receiver has acknowledged.
    pub pending: usize,
    /// Lines that were damaged on disk, and are lost.
    pub damaged: u64,
    /// Whether a torn last line was cut off.
    pub torn: bool,
}

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has it.
    #[error("the spool {} is in use by another process; give every guard a spool of its own", .0.display())]
    InUse(PathBuf),
    /// It cannot be read or written.
    #[error("the spool {}: {error}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

/// A queue of alerts that survives its owner.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    bounds: Bounds,
    /// Held as long as the spool is open.
    _lock: File,
    /// In order; the last is written to.
    segments: VecDeque<Segment>,
    /// Pending alerts on disk, in order.
    disk: VecDeque<Place>,
    /// Those that the disk would not take; younger than all on disk.
    memory: VecDeque<Entry>,
    memory_bytes: usize,
    /// The number of the next alert.
    next: u64,
    /// All up to this one are acknowledged.
    through: u64,
    damaged: u64,
}

/// A spool is cut into so many files, so that room comes back as receivers acknowledge.
const SEGMENTS: u64 = 16;

/// A file of which nothing is pending is emptied beyond this size.
const CLEAR: u64 = 64 << 10;

impl Spool {
    /// Opens the spool in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// If another process has it, or the folder cannot be read or written.
    pub fn open(folder: &Path, bounds: Bounds) -> Result<(Self, Found), SpoolError> {
        let io = |error| SpoolError::Io { path: folder.into(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("lock"))
            .map_err(io)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SpoolError::InUse(folder.into()),
            TryLockError::Error(error) => io(error),
        })?;
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            files.extend(segment::number(&path).map(|number| (number, path)));
        }
        files.sort();
        let mut spool = Self {
            folder: folder.into(),
            bounds,
            _lock: lock,
            segments: VecDeque::new(),
            disk: VecDeque::new(),
            memory: VecDeque::new(),
            memory_bytes: 0,
            next: 1,
            through: 0,
            damaged: 0,
        };
        let mut found = Found::default();
        for (number, path) in files {
            let (segment, contents) =
                Segment::open(&path, number).map_err(|error| SpoolError::Io { path, error })?;
            spool.next = spool.next.max(segment.last + 1).max(contents.through + 1);
            spool.through = spool.through.max(contents.through);
            spool.disk.extend(contents.places);
            spool.segments.push_back(segment);
            found.damaged += contents.damaged;
            found.torn |= contents.torn;
        }
        let through = spool.through;
        spool.disk.retain(|place| place.number > through);
        spool.compact();
        found.pending = spool.len();
        spool.damaged = found.damaged;
        Ok((spool, found))
    }

    /// Keeps an alert. If this returns [`Kept::OnDisk`], it survives a failure of the power.
    pub fn append(&mut self, id: &str, json: &str) -> Kept {
        let entry = Entry { number: self.next, id: record::token(id), json: json.to_owned() };
        if self.bytes() + self.memory_bytes as u64 + json.len() as u64 > self.bounds.disk {
            return Kept::Refused;
        }
        let failed = match self.flush().and_then(|()| self.write(&entry)) {
            Ok(()) => {
                self.next += 1;
                return Kept::OnDisk;
            }
            Err(error) => error,
        };
        let bytes = entry.id.len() + entry.json.len();
        if self.memory_bytes + bytes > self.bounds.memory {
            return Kept::Refused;
        }
        self.next += 1;
        self.memory_bytes += bytes;
        self.memory.push_back(entry);
        Kept::InMemory(failed.to_string())
    }

    /// Writes what waits in memory, as far as there is room.
    ///
    /// # Errors
    /// If the disk still takes nothing.
    pub fn flush(&mut self) -> io::Result<()> {
        while let Some(entry) = self.memory.pop_front() {
            if let Err(error) = self.write(&entry) {
                self.memory.push_front(entry);
                return Err(error);
            }
            self.memory_bytes -= entry.id.len() + entry.json.len();
        }
        Ok(())
    }

    /// The first pending alerts: at most `alerts`, and, after the first, at most `bytes` of JSON.
    pub fn peek(&mut self, alerts: usize, bytes: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut left = bytes;
        let mut at = 0;
        while entries.len() < alerts && at < self.disk.len() {
            let Some(entry) = self.read(self.disk[at]) else {
                // Nobody will ever read it.
                self.disk.remove(at);
                self.damaged += 1;
                continue;
            };
            if !entries.is_empty() && entry.json.len() > left {
                return entries;
            }
            left = left.saturating_sub(entry.json.len());
            entries.push(entry);
            at += 1;
        }
        for entry in &self.memory {
            if entries.len() >= alerts || !entries.is_empty() && entry.json.len() > left {
                break;
            }
            left = left.saturating_sub(entry.json.len());
            entries.push(entry.clone());
        }
        entries
    }

    /// The receiver has all alerts up to this number.
    ///
    /// That is noted without waiting for the disk: if the note is lost the alerts are sent again, and the
    /// receiver knows their ids.
    pub fn acknowledge(&mut self, through: u64) {
        self.through = self.through.max(through);
        while self.disk.front().is_some_and(|place| place.number <= through) {
            self.disk.pop_front();
        }
        while let Some(entry) = self.memory.pop_front_if(|entry| entry.number <= through) {
            self.memory_bytes -= entry.id.len() + entry.json.len();
        }
        if let Some(segment) = self.segments.back_mut() {
            // On a full disk the next one may find room, and tells as much.
            segment.append(&record::acknowledged(self.through), false).ok();
        }
        self.compact();
    }

    /// How many alerts are pending.
    pub fn len(&self) -> usize {
        self.disk.len() + self.memory.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them are in memory only.
    pub fn in_memory(&self) -> usize {
        self.memory.len()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// Alerts that were damaged on disk, and are lost.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let line = record::alert(entry.number, &entry.id, &entry.json);
        let full = self.bounds.disk / SEGMENTS;
        let room = self
            .segments
            .back()
            .is_some_and(|last| last.length == 0 || last.length + line.len() as u64 <= full);
        if !room {
            let number = self.segments.back().map_or(1, |last| last.number + 1);
            self.segments.push_back(Segment::create(&self.folder, number)?);
        }
        let Some(segment) = self.segments.back_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        let place = segment.place(entry.number, &line).ok_or(io::ErrorKind::FileTooLarge)?;
        segment.append(&line, true)?;
        segment.last = entry.number;
        self.disk.push_back(place);
        Ok(())
    }

    fn read(&self, place: Place) -> Option<Entry> {
        let line = self.segments.iter().find(|segment| segment.number == place.segment)?.read(place).ok()?;
        match record::read(&line)? {
            Record::Alert { number, id, json } => Some(Entry { number, id: id.into(), json: json.into() }),
            Record::Acknowledged { .. } => None,
        }
    }

    /// Gives room back. The oldest files go first: a note that alerts are acknowledged is never older than they.
    fn compact(&mut self) {
        while self.segments.len() > 1 && self.segments[0].last <= self.through {
            // A file that cannot be removed is tried again at the next start.
            self.segments[0].remove().ok();
            self.segments.pop_front();
        }
        if let [segment] = self.segments.make_contiguous()
            && segment.last <= self.through
            && segment.length > CLEAR
        {
            segment.clear().ok();
        }
    }
}

#[cfg(test)]
mod tests;
