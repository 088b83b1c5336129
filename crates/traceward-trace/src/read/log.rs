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
//! | strace, all usual options | `strace` | logs of strace 6.1 |
//! | auditd | `auditd` | logs of auditd 3.0.9, RHEL 6 and 7, Ubuntu 14 to 17 |
//! | LID-DS 2021 (`.sc`), LID-DS 2019, sysdig | `sysdig` | lines of LID-DS 2021, an eBPF capture; 2019 and sysdig's own output: lines made from their description |
//! | `perf trace`, `perf script` of `raw_syscalls` | `perf` | lines made from their description |
//! | Tracee, Tetragon | `events` | lines made from their description |
//! | NGIDS-DS, BETH | `event_table` | lines made from their description |

mod auditd;
mod event_table;
mod events;
mod perf;
mod strace;
mod sysdig;
mod tree;

use std::collections::HashMap;
use std::io::BufRead;

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
    Exit(u64),
    /// Something else, which is no error: a signal, a header, the second half of a call.
    Nothing,
}

/// A thread entered a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entered<'l> {
    /// The thread, or the process where threads are not told apart.
    thread: u64,
    /// A name, or a number in digits.
    call: &'l [u8],
    /// The line tells of the call's exit: it counts only if no line tells of the entry.
    exit: bool,
    /// Puts the calls of a thread in order where lines may come out of it; 0 where they cannot.
    order: u64,
    /// Whose number it is, where the line says so.
    abi: Option<&'static str>,
    /// The line itself is labelled: an attack, by this name.
    class: Option<&'l str>,
    /// Host, container or execution that the thread belongs to, where the line says so.
    group: Option<&'l str>,
}

/// What makes sense of the lines of one format.
trait Reader {
    /// What a line says.
    ///
    /// # Errors
    /// Why it is no line of this format.
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason>;
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

/// What is known of a whole log.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording<'a> {
    /// What lines do not say.
    pub(super) labels: Labels<'a>,
    /// Where the recording is described: no attack in it, or one from this moment on, in the log's own order.
    pub(super) attack_from: Option<Option<u64>>,
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
        Dialect::Auditd => Box::new(auditd::Auditd),
        Dialect::Sysdig => Box::new(sysdig::Sysdig),
        Dialect::Perf => Box::new(perf::Perf),
        Dialect::Events => Box::new(events::Events),
        Dialect::Table(table) => Box::new(table.clone()),
    };
    let mut threads = Threads::new(file, into.options.limits.trace_calls);
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
            Ok(Said::Exit(thread)) => {
                threads.exit(thread);
                Ok(())
            }
            Ok(Said::Nothing) => Ok(()),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = outcome {
            into.bad(&at, reason)?;
        }
    }
    let mut recording = recording.clone();
    if let (Dialect::Table(_), None) = (dialect, &recording.labels.class) {
        recording.labels.class = Some("normal".into());
    }
    threads.finish(&recording, into)
}

/// The threads of a log, taken apart.
struct Threads {
    file: Source,
    /// In order of their first call.
    traces: Vec<Thread>,
    /// Which trace a live thread's calls go to.
    live: HashMap<u64, usize>,
    /// Calls and threads held: what bounds memory.
    weight: usize,
    trace_limit: usize,
}

/// One thread's calls.
struct Thread {
    line: u64,
    calls: Vec<u16>,
    /// One a call, where the format has an order of its own; empty otherwise.
    order: Vec<u64>,
    /// Which of `calls` are exits, where the format has any; empty otherwise.
    exits: Vec<bool>,
    abi: Option<&'static str>,
    class: Option<String>,
    group: Option<String>,
}

impl Threads {
    fn new(file: &Source, trace_limit: usize) -> Self {
        Self { file: file.clone(), traces: Vec::new(), live: HashMap::new(), weight: 0, trace_limit }
    }

    /// Takes a call. The outer error ends everything, the inner spoils the line.
    fn enter(
        &mut self,
        entered: &Entered<'_>,
        at: &Source,
        into: &mut Collector<'_>,
    ) -> Result<Result<(), Reason>, Error> {
        let call = match into.calls.token(entered.call) {
            Ok(call) => call,
            Err(reason) => return Ok(Err(reason)),
        };
        let place = *self.live.entry(entered.thread).or_insert_with(|| {
            self.weight += 1;
            self.traces.push(Thread {
                line: at.line.unwrap_or_default(),
                calls: Vec::new(),
                order: Vec::new(),
                exits: Vec::new(),
                abi: entered.abi,
                class: None,
                group: entered.group.map(str::to_owned),
            });
            self.traces.len() - 1
        });
        let thread = &mut self.traces[place];
        if thread.class.is_none() {
            thread.class = entered.class.map(str::to_owned);
        }
        if thread.abi != entered.abi {
            return Ok(Err(format!(
                "Thread {} calls by {} here and by {} before; the call was left out.",
                entered.thread,
                entered.abi.unwrap_or("another table"),
                thread.abi.unwrap_or("another table"),
            )
            .into()));
        }
        // One call over the limit is kept, so that the trace is refused for its length.
        if thread.calls.len() <= self.trace_limit {
            self.weight += 1;
            thread.calls.push(call);
            if entered.order > 0 {
                thread.order.push(entered.order);
            }
            if entered.exit {
                thread.exits.resize(thread.calls.len() - 1, false);
                thread.exits.push(true);
            }
        }
        let total = into.options.limits.total_calls;
        if self.weight > total {
            return Err(Error::TooLarge {
                source_at: at.clone(),
                what: "the data set".into(),
                limit: format!("{total} calls and rows"),
            });
        }
        Ok(Ok(()))
    }

    /// The next call of this number is another thread's.
    fn exit(&mut self, thread: u64) {
        self.live.remove(&thread);
    }

    fn finish(self, recording: &Recording<'_>, into: &mut Collector<'_>) -> Result<(), Error> {
        let labels = &recording.labels;
        for mut thread in self.traces {
            thread.put_in_order();
            let described = recording.attack_from.map(|begins| thread.class_by(begins));
            let at = Source { file: self.file.file.clone(), line: Some(thread.line) };
            let labels = Labels {
                class: thread
                    .class
                    .map(Into::into)
                    .or(described.map(Into::into))
                    .or_else(|| labels.class.clone()),
                group: thread.group.map(Into::into).or_else(|| labels.group.clone()),
                abi: thread.abi.map(Into::into).or_else(|| labels.abi.clone()),
                ..labels.clone()
            };
            into.trace(&thread.calls, labels, &at)?;
        }
        Ok(())
    }
}

impl Thread {
    /// The class of a thread of a described recording: an attack, if it called after the attack began.
    fn class_by(&self, begins: Option<u64>) -> &'static str {
        let last = self.order.iter().max();
        if begins.is_some_and(|begins| last.is_none_or(|last| *last >= begins)) { "attack" } else { "normal" }
    }

    /// Sorts the calls by the format's own order, calls of the same moment as they were written, and takes
    /// out the exits whose entries are there.
    fn put_in_order(&mut self) {
        self.exits.resize(self.calls.len(), false);
        let mut places: Vec<usize> = (0..self.calls.len()).collect();
        if self.order.len() == self.calls.len() {
            places.sort_by_key(|&place| self.order[place]);
        }
        let mut inside = None;
        let kept = places.into_iter().filter_map(|place| {
            let (call, exit) = (self.calls[place], self.exits[place]);
            let entered = exit && inside == Some(call);
            inside = (!exit).then_some(call);
            (!entered).then_some(call)
        });
        self.calls = kept.collect();
    }
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
