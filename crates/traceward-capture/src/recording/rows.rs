//! Held traces as rows of a data set.

use std::io;
use std::path::Path;
use std::sync::Arc;

use traceward_trace::write::{Extra, Values, atomically, json_lines_to, parquet_to};
use traceward_trace::{Dataset, ReadReport, Source, Trace};

use super::{Format, Options, TRACE_COSTS};
use crate::{Head, Process, Tail, Task, Why};

/// A trace that has ended.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) head: Head,
    pub(super) tail: Tail,
    /// When it began, in nanoseconds since 1970.
    pub(super) start: i64,
    /// By the table of [`Options::names`].
    pub(super) calls: Box<[u16]>,
    /// Whose it is, as known at its end.
    pub(super) task: Option<Task>,
}

impl Row {
    /// What it takes to hold it, in calls of two bytes. What processes share is counted for each, since nobody
    /// knows how many do.
    pub(super) fn cost(&self) -> u64 {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let words = self.process().map_or(0, |process| text(&process.exe) + text(&process.cmdline));
        self.calls.len() as u64 + TRACE_COSTS + words as u64 / 2
    }

    /// Calls lost around it.
    pub(super) fn lost(&self) -> u64 {
        self.head.lost.saturating_add(self.tail.lost)
    }

    fn process(&self) -> Option<&Process> {
        self.task.as_ref().map(|task| &*task.process)
    }

    fn born(&self) -> bool {
        self.task.as_ref().map_or(!self.head.joined && self.head.first == 0, |task| task.born)
    }

    /// `GROUP!TASK-FIRST COMM[TID]`: the first part tells it from all others, the second tells people what it is.
    fn source(&self, group: &str) -> String {
        let Head { task, first, .. } = self.head;
        let mut source = format!("{group}!{}-{first}", task.0);
        if let Some(task) = &self.task {
            source.push_str(&format!(" {}[{}]", task.comm.to_text(), task.tid));
        }
        source
    }
}

impl Why {
    /// The word for it in a recording.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Window => "window",
            Self::Lost => "lost",
            Self::Evicted => "evicted",
            Self::Stopped => "stopped",
        }
    }
}

/// Writes rows to a file, whole or not at all.
pub(super) fn write(rows: &mut [Row], options: &Options, path: &Path) -> io::Result<()> {
    let data = dataset(rows, options);
    let written = write_with(&data, rows, options, path);
    if written.is_err() {
        for (row, trace) in rows.iter_mut().zip(data.traces) {
            row.calls = trace.calls.into_boxed_slice();
        }
    }
    written
}

fn write_with(data: &Dataset, rows: &[Row], options: &Options, path: &Path) -> io::Result<()> {
    let comms: Vec<Option<String>> =
        rows.iter().map(|row| row.task.as_ref().map(|task| task.comm.to_text())).collect();
    let extra = columns(rows, &comms);
    let written = atomically(path, |out| match options.format {
        Format::Parquet => parquet_to(data, &extra, out),
        Format::JsonLines => json_lines_to(data, &extra, out),
    });
    written.map_err(|error| match error {
        traceward_trace::Error::Io { error, .. } => error,
        error => io::Error::other(error),
    })
}

/// The rows as a data set, which takes their calls.
fn dataset(rows: &mut [Row], options: &Options) -> Dataset {
    let group: Arc<str> = options.group.as_str().into();
    let traces = rows
        .iter_mut()
        .map(|row| Trace {
            calls: std::mem::take(&mut row.calls).into_vec(),
            class: options.class.as_ref().map(|_| 0),
            group: Some(Arc::clone(&group)),
            part: None,
            source: Source { file: row.source(&options.group).into(), line: None },
            lost: row.lost(),
        })
        .collect();
    Dataset {
        name: options.group.clone(),
        abi: options.names.abi().clone(),
        calls: options.names.table().clone(),
        classes: options.class.iter().cloned().collect(),
        traces,
        report: ReadReport::default(),
    }
}

fn columns<'a>(rows: &'a [Row], comms: &'a [Option<String>]) -> Vec<Extra<'a>> {
    let whole = |name, of: &dyn Fn(&Row) -> Option<i64>| Extra {
        name,
        values: Values::Whole(rows.iter().map(of).collect()),
    };
    let text = |name, of: &dyn Fn(&'a Process) -> Option<&'a str>| Extra {
        name,
        values: Values::Text(rows.iter().map(|row| row.process().and_then(of)).collect()),
    };
    let number = |number: u64| i64::try_from(number).ok();
    vec![
        whole("task", &|row| number(row.head.task.0)),
        whole("parent", &|row| number(row.task.as_ref()?.parent?.0)),
        whole("first", &|row| number(row.head.first)),
        whole("pid", &|row| Some(row.process()?.pid.into())),
        whole("tid", &|row| Some(row.task.as_ref()?.tid.into())),
        whole("ppid", &|row| Some(row.process()?.parent.as_ref()?.pid.into())),
        whole("uid", &|row| Some(row.process()?.uid?.into())),
        Extra { name: "comm", values: Values::Text(comms.iter().map(Option::as_deref).collect()) },
        text("exe", &|process| process.exe.as_deref()),
        text("cmdline", &|process| process.cmdline.as_deref()),
        text("container", &|process| process.container.as_deref()),
        whole("start", &|row| Some(row.start)),
        whole("born", &|row| Some(row.born().into())),
        Extra {
            name: "end",
            values: Values::Text(rows.iter().map(|row| Some(row.tail.why.name())).collect()),
        },
    ]
}
