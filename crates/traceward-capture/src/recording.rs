//! Traces kept: what a [`Cutter`](crate::Cutter) cuts is written down, with whose it was, as a data set that
//! everything else reads.
//!
//! A recording is one file, or a folder of files that follow each other by size and by age. A file appears under
//! its name once it is complete; it is written on a thread of its own, so that a capture at a million calls a
//! second need not wait for compression. What is held is bounded: one file in the making, one being written, and
//! the traces that are still open. If the disk is full, traces stay in memory until the next try, and the oldest
//! are dropped, and counted, when there is no more room for them.
//!
//! # Columns
//!
//! Those of a data set ([`mod@traceward_trace::read`]): `calls`, `class` (the label, if one was given), `group`
//! (the recording), `abi`, `source` (`GROUP!TASK-FIRST COMM[TID]`), `lost` (calls lost right before and right
//! after). And beside them:
//!
//! | column | what |
//! |---|---|
//! | `task` | the task's number in this recording |
//! | `parent` | the number of the task that made it |
//! | `first` | how many calls the task had made before the first of these, since it was met |
//! | `pid`, `tid`, `ppid`, `uid` | as the kernel counts |
//! | `comm`, `exe`, `cmdline` | name, file and arguments, as they were at the trace's end |
//! | `container` | the container's id or name |
//! | `start` | when the first call was entered, in nanoseconds since 1970 |
//! | `born` | 1 if the task was seen being born, 0 if it ran before |
//! | `end` | why the trace ended: `exit`, `window`, `lost`, `evicted`, `stopped` |

mod rows;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::{Call, CaptureError, Cut, Head, Names, Processes, Tail, clock};

use rows::Row;
use writer::{Writer, Written};

/// What a recording is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One row a trace, small: the interchange format.
    #[default]
    Parquet,
    /// One JSON object a trace.
    JsonLines,
}

impl Format {
    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::JsonLines => "jsonl",
        }
    }
}

/// Where a recording goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One file. Where it would take too much memory, the recording goes on in `NAME-2`, `NAME-3`, …
    File(PathBuf),
    /// A folder, made if it is not there, of files whose names sort by time.
    Folder(PathBuf),
}

/// How to record.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to.
    pub target: Target,
    /// What as.
    pub format: Format,
    /// The group of all traces: what tells this recording from others. Traces of one recording have more in
    /// common than those of two, and no split should tear them apart.
    pub group: String,
    /// The class of all traces, if it is known: `normal`.
    pub class: Option<String>,
    /// The calls in a file, after which another is begun; a trace counts as [`TRACE_COSTS`] more. A call
    /// takes two bytes of memory until it is written.
    pub file_calls: u64,
    /// In a folder, how long a file may be in the making.
    pub file_age: Duration,
    /// What calls are called.
    pub names: Names,
}

/// What a trace costs beside its calls, in calls of two bytes: 256 bytes for its row.
pub const TRACE_COSTS: u64 = 128;

impl Options {
    /// 2^24 calls: 32 MiB.
    pub const FILE_CALLS: u64 = 1 << 24;

    /// Ten minutes.
    pub const FILE_AGE: Duration = Duration::from_secs(600);

    /// A recording to `target` with all else as usual.
    pub fn new(target: Target, group: String) -> Self {
        Self {
            target,
            format: Format::default(),
            group,
            class: None,
            file_calls: Self::FILE_CALLS,
            file_age: Self::FILE_AGE,
            names: Names::here(),
        }
    }
}

/// What has been recorded so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Traces that ended, whether they are on disk yet or not.
    pub traces: u64,
    /// Calls in them.
    pub calls: u64,
    /// Traces with a hole right before or right after.
    pub tainted: u64,
    /// Traces dropped because they could not be written in time.
    pub dropped_traces: u64,
    /// Calls in those.
    pub dropped_calls: u64,
    /// Files written.
    pub files: u64,
    /// The first of them.
    pub first_files: Vec<PathBuf>,
}

impl Tally {
    /// How many files are named.
    pub const NAMED: usize = 16;
}

/// How long after a failure the next try to write comes, in nanoseconds.
const RETRY: u64 = 10_000_000_000;

/// Listens to a cutter and keeps its traces.
#[derive(Debug)]
pub struct Recorder {
    options: Arc<Options>,
    open: Vec<Option<Open>>,
    rows: Vec<Row>,
    /// What `rows` cost, in calls.
    cost: u64,
    /// When the first of `rows` ended.
    since: u64,
    writer: Writer,
    /// The last file could not be written.
    failing: bool,
    /// No try to write before this moment.
    not_before: u64,
    number: u64,
    started: i64,
    tally: Tally,
}

#[derive(Debug)]
struct Open {
    head: Head,
    start: i64,
    calls: Vec<u16>,
}

impl Recorder {
    /// A recording that has not begun.
    ///
    /// # Errors
    /// If nothing can be written where it should go.
    pub fn new(options: Options) -> Result<Self, CaptureError> {
        let here = Path::new(".");
        let refused = |path: &Path| {
            let path = path.to_path_buf();
            |error| CaptureError::Write { path, error }
        };
        let (named, folder) = match &options.target {
            Target::Folder(folder) => {
                fs::create_dir_all(folder).map_err(refused(folder))?;
                (folder.as_path(), folder.as_path())
            }
            Target::File(file) if file.is_dir() => {
                return Err(refused(file)(io::ErrorKind::IsADirectory.into()));
            }
            Target::File(file) => (
                file.as_path(),
                file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(here),
            ),
        };
        // Said now, not after an hour of recording.
        let writable = nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK;
        nix::unistd::access(folder, writable).map_err(|error| refused(named)(error.into()))?;
        let options = Arc::new(options);
        let kernel = |error| CaptureError::Kernel { what: "starting a thread", error };
        Ok(Self {
            writer: Writer::new(Arc::clone(&options)).map_err(kernel)?,
            options,
            open: Vec::new(),
            rows: Vec::new(),
            cost: 0,
            since: 0,
            failing: false,
            not_before: 0,
            number: 0,
            started: clock::wall(),
            tally: Tally::default(),
        })
    }

    /// What has been recorded so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes note of what happens to a trace. Its task must still be known when it ends: call
    /// [`Processes::forget`] after this has seen [`Cut::Forget`].
    pub fn cut(&mut self, cut: &Cut<'_>, processes: &Processes) {
        match *cut {
            Cut::Begin(slot, head) => {
                let slot = slot as usize;
                if self.open.len() <= slot {
                    self.open.resize_with(slot + 1, || None);
                }
                self.open[slot] = Some(Open { head, start: clock::wall_of(head.at), calls: Vec::new() });
            }
            Cut::Calls(slot, calls) => {
                if let Some(Some(open)) = self.open.get_mut(slot as usize) {
                    let names = &self.options.names;
                    open.calls.extend(calls.iter().map(|&call: &Call| names.id(call)));
                }
            }
            Cut::End(slot, tail) => {
                if let Some(open) = self.open.get_mut(slot as usize).and_then(Option::take) {
                    self.end(open, tail, processes);
                }
            }
            Cut::Forget(..) => {}
        }
    }

    /// Writes what is due by `now`, the monotonic clock. To be called now and then: after each poll.
    ///
    /// # Errors
    /// If a file could not be written. Its traces are kept, and the next try comes after ten seconds.
    pub fn tick(&mut self, now: u64) -> Result<(), CaptureError> {
        let full = self.cost >= self.options.file_calls;
        // While the file before is being written and the next one is full, there is no room for a third.
        let written = if full { self.writer.wait() } else { self.writer.poll() };
        let outcome = self.take(written, now);
        let old = matches!(self.options.target, Target::Folder(_))
            && now.saturating_sub(self.since) >= self.options.file_age.as_nanos() as u64;
        if (full || old) && !self.rows.is_empty() && !self.writer.busy() && now >= self.not_before {
            self.begin();
        }
        outcome
    }

    /// Writes all that is left. The traces that are still open are not in it: let the cutter finish first.
    ///
    /// # Errors
    /// If it cannot be written. What could not be is still held, and may be tried again.
    pub fn finish(&mut self, now: u64) -> Result<(), CaptureError> {
        let written = self.writer.wait();
        let before = self.take(written, now);
        if self.rows.is_empty() {
            return before;
        }
        // With what the file before could not take.
        self.begin();
        let written = self.writer.wait();
        self.take(written, now)
    }

    /// What is lost if no more is written: traces that are held.
    pub fn held(&self) -> usize {
        self.rows.len()
    }

    fn end(&mut self, open: Open, tail: Tail, processes: &Processes) {
        let Open { head, start, calls } = open;
        let row = Row {
            start,
            calls: calls.into_boxed_slice(),
            task: processes.task(head.task).cloned(),
            head,
            tail,
        };
        self.tally.traces += 1;
        self.tally.calls += row.calls.len() as u64;
        self.tally.tainted += u64::from(row.lost() > 0);
        if self.rows.is_empty() {
            self.since = tail.at;
        }
        self.cost += row.cost();
        self.rows.push(row);
        // Without a failure, a tick writes what a poll has brought, however much that was.
        if self.failing && self.cost > 2 * self.options.file_calls {
            let mut over = self.cost - self.options.file_calls;
            let mut dropped = 0;
            while over > 0 && dropped < self.rows.len() - 1 {
                over = over.saturating_sub(self.rows[dropped].cost());
                dropped += 1;
            }
            self.drop_first(dropped);
        }
    }

    fn drop_first(&mut self, count: usize) {
        for row in self.rows.drain(..count) {
            self.cost -= row.cost();
            self.tally.dropped_traces += 1;
            self.tally.dropped_calls += row.calls.len() as u64;
        }
    }

    /// Begins to write all rows to a file.
    fn begin(&mut self) {
        let path = self.next_path();
        self.cost = 0;
        self.writer.begin(path, std::mem::take(&mut self.rows));
    }

    /// Takes note of what became of a file.
    fn take(&mut self, written: Option<Written>, now: u64) -> Result<(), CaptureError> {
        let Some(Written { path, failed }) = written else { return Ok(()) };
        let Some((error, rows)) = failed else {
            self.failing = false;
            self.tally.files += 1;
            if self.tally.first_files.len() < Tally::NAMED {
                self.tally.first_files.push(path);
            }
            return Ok(());
        };
        // The name is free for the next try, and these come before those that came since.
        self.number -= 1;
        self.cost += rows.iter().map(Row::cost).sum::<u64>();
        let newer = std::mem::replace(&mut self.rows, rows);
        self.rows.extend(newer);
        self.failing = true;
        self.not_before = now.saturating_add(RETRY);
        Err(CaptureError::Write { path, error })
    }

    fn next_path(&mut self) -> PathBuf {
        let extension = self.options.format.extension();
        loop {
            self.number += 1;
            match &self.options.target {
                Target::File(file) if self.number == 1 => return file.clone(),
                Target::File(file) => {
                    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
                    let ending = file.extension().map_or(extension.into(), |ending| ending.to_string_lossy());
                    return file.with_file_name(format!("{stem}-{}.{ending}", self.number));
                }
                Target::Folder(folder) => {
                    let time = clock::compact(self.started);
                    let path = folder.join(format!("recording-{time}-{:06}.{extension}", self.number));
                    // Another recording of the same second.
                    if !path.exists() {
                        return path;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
