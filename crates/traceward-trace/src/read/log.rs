//! Logs of system calls, one call a line: what strace, auditd, sysdig, perf and other tracers write.
//!
//! All of them interleave threads, and a sequence model is worth most on one thread's calls: on LID-DS
//! 3-grams find .112 of the attacks in interleaved recordings, and all of them thread by thread. So a log
//! is taken apart into its threads. A trace begins with a thread's first call, ends with its exit, and a
//! number that comes back after an exit is another thread.
//!
//! A call counts once, where it was entered: that is the order in which a live capture sees it too. What a
//! format tells only at the exit (auditd), or in two halves (strace's `unfinished` and `resumed`), its own
//! module puts right.
//!
//! | format | module | tried on |
//! |---|---|---|
//! | strace, all usual options | `strace` | logs of strace 6.1 with every option set, one of four threads |
//! | auditd | `auditd` | logs of auditd 3.0.9, RHEL 6 and 7, Ubuntu 16 to 24; against go-libaudit's reading of them |
//! | auditd by `ausearch -i`, in the kernel's log, of several hosts | `auditd` | lines made from their description |
//! | LID-DS 2021 (`.sc`) | `sysdig` | lines of LID-DS 2021, a whole eBPF capture of the same format |
//! | LID-DS 2021's zips and folders | `tree` | archives made from their description |
//! | LID-DS 2019 and its `runs.csv`, sysdig | `sysdig`, `tree` | lines made from their description and from published excerpts |
//! | `perf trace`, `perf script` of `raw_syscalls` | `perf` | output of perf 6.1; lines made from it |
//! | PLAID's raw files | `strace`, `tree` | files made from the description of its cleaning script |
//! | Tracee, Tetragon | `events` | lines made from their description |
//! | NGIDS-DS, BETH | `event_table` | rows made from their description and from published excerpts |
//!
//! What is not read: AWSCTD's tables of Windows calls, which are refused by name, `.scap` and CTF (let `sysdig`
//! and `babeltrace` write text), and the database beside DongTing's and PLAID's cleaned traces, which are class
//! folders and no logs.

mod auditd;
mod event_table;
mod events;
mod perf;
mod strace;
mod sysdig;
mod threads;
mod tree;

use std::io::BufRead;

use self::threads::Threads;
use super::calls::Reason;
use super::collect::{Collector, Labels, Refusal};
use super::lines::{Line, Lines, without_mark};
use crate::{Error, Source};

pub(super) use event_table::EventTable;
pub(super) use tree::read_tree;

/// Which tracer wrote a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Strace,
    Auditd,
    Sysdig,
    Perf,
    /// One JSON object an event: Tracee's or Tetragon's.
    Events,
    /// A table with one call a row.
    Table(EventTable),
}

/// What a line of a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said<'l> {
    /// A thread entered a call.
    Call(Entered<'l>),
    /// A thread is gone.
    Exit(Who<'l>),
    /// Something else, which is no error: a signal, a header, the second half of a call.
    Nothing,
}

/// Whose number a thread's is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Who<'l> {
    host: Option<&'l str>,
    thread: u64,
}

impl From<u64> for Who<'_> {
    fn from(thread: u64) -> Self {
        Self { host: None, thread }
    }
}

/// A thread entered a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entered<'l> {
    /// The thread, or the process where threads are not told apart.
    thread: u64,
    /// The host that the thread's number is of, where a log may hold several.
    host: Option<&'l str>,
    /// A name, or a number in digits.
    call: &'l [u8],
    /// The line tells of the call's exit: it counts only if no line tells of the entry.
    exit: bool,
    /// Puts the calls of a thread in order where lines may come out of it; 0 where they cannot. Nanoseconds
    /// where [`Attack`] is told in them.
    order: u128,
    /// Whose number it is, where the line says so.
    abi: Option<&'static str>,
    /// The line itself is labelled: an attack, by this name.
    class: Option<&'l str>,
    /// Host or container that the thread belongs to, where the line says so.
    group: Option<&'l str>,
}

/// What makes sense of the lines of one format.
trait Reader {
    /// What a line says.
    ///
    /// # Errors
    /// Why it is no line of this format.
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason>;

    /// What the whole log says of itself, at its end: above all what it lost.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The tracer that wrote a text, by its first lines; `all` says that there are no more.
pub(super) fn dialect(head: &[u8], all: bool) -> Option<Dialect> {
    let mut lines: Vec<&[u8]> = without_mark(head).split(|&b| b == b'\n').collect();
    if !all {
        lines.pop();
    }
    let lines: Vec<&[u8]> =
        lines.into_iter().map(<[u8]>::trim_ascii_end).filter(|l| !l.is_empty()).take(200).collect();
    if let Some(table) = lines.first().and_then(|first| EventTable::of_header(first)) {
        return Some(Dialect::Table(table));
    }
    let mostly = |known: fn(&[u8]) -> bool| {
        let hits = lines.iter().filter(|line| known(line)).count();
        hits > 0 && 2 * hits > lines.len()
    };
    if mostly(auditd::is_line) {
        Some(Dialect::Auditd)
    } else if mostly(events::is_line) {
        Some(Dialect::Events)
    } else if mostly(perf::is_line) {
        Some(Dialect::Perf)
    } else if mostly(sysdig::is_line) {
        Some(Dialect::Sysdig)
    } else if mostly(strace::is_line) {
        Some(Dialect::Strace)
    } else {
        None
    }
}

/// When the attack in a recording begins, as its description says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// There is none.
    None,
    /// At this moment of the log's own clock, in nanoseconds.
    At(u128),
    /// This many nanoseconds after the log's first call.
    After(u128),
}

/// What is known of a whole log.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording<'a> {
    /// What lines do not say.
    pub(super) labels: Labels<'a>,
    /// Where the recording is described.
    pub(super) attack: Option<Attack>,
}

/// Reads a log as one trace a thread, in order of their first calls. What lines say goes before what is
/// known of the whole.
pub(super) fn read(
    dialect: &Dialect,
    input: &mut dyn BufRead,
    recording: &Recording<'_>,
    file: &Source,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    into.set_format(super::Format::Log);
    let mut reader: Box<dyn Reader> = match dialect {
        Dialect::Strace => Box::new(strace::Strace::of_file(&file.file)),
        Dialect::Auditd => Box::new(auditd::Auditd::default()),
        Dialect::Sysdig => Box::new(sysdig::Sysdig::default()),
        Dialect::Perf => Box::new(perf::Perf::default()),
        Dialect::Events => Box::new(events::Events::default()),
        Dialect::Table(table) => Box::new(table.clone()),
    };
    let processes = matches!(dialect, Dialect::Table(table) if table.of_processes());
    let mut threads = Threads::new(file, processes, into.options.limits.trace_calls);
    let limit = into.options.limits.line_bytes;
    let mut lines = Lines::new(input, limit);
    loop {
        let at = Source { file: file.file.clone(), line: Some(lines.number() + 1) };
        let line = match lines.next() {
            Ok(Some(Line::Text(line))) => line.trim_ascii_end(),
            Ok(Some(Line::TooLong)) => {
                into.bad(&at, format!("The line is longer than {limit} bytes."))?;
                continue;
            }
            Ok(None) => break,
            Err(error) => {
                into.row(&at, |_| Err(Refusal::reading(&at)(error)))?;
                break;
            }
        };
        if line.is_empty() {
            continue;
        }
        let outcome = match reader.line(line) {
            Ok(Said::Call(entered)) => threads.enter(&entered, &at, into)?,
            Ok(Said::Exit(who)) => {
                threads.exit(who);
                Ok(())
            }
            Ok(Said::Nothing) => Ok(()),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = outcome {
            into.bad(&at, reason)?;
        }
    }
    let number = lines.number();
    for note in reader.notes() {
        into.note(format!("{}: {note}", file.file));
    }
    if threads.is_empty() {
        into.note(format!("{}: none of its {number} lines tells of a system call.", file.file));
    }
    let mut recording = recording.clone();
    if let (Dialect::Table(_), None) = (dialect, &recording.labels.class) {
        recording.labels.class = Some("normal".into());
    }
    threads.finish(&recording, into)
}

/// A whole number in decimal digits.
fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 20 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Whether a word can be the name of a call: `openat`, `rt_sigaction`, `_llseek`.
fn is_name(word: &[u8]) -> bool {
    word.first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'_')
        && word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
}

#[cfg(test)]
mod tests;
