//! Small data sets written in a line, for the tests of this crate.

use std::sync::Arc;

use proptest::prelude::*;

use crate::{Abi, CallTable, Dataset, ReadReport, Source, Trace};

/// A trace by hand: calls by name, class, group, part; the empty string stands for none.
pub(crate) type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

/// A data set of i386 from rows.
pub(crate) fn dataset(rows: &[Row<'_>]) -> Dataset {
    let mut data = Dataset {
        name: "sample".into(),
        abi: Abi::I386,
        calls: CallTable::default(),
        classes: Vec::new(),
        traces: Vec::new(),
        report: ReadReport::default(),
    };
    let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    for (line, &(calls, class, group, part)) in rows.iter().enumerate() {
        let class = (!class.is_empty()).then(|| {
            let index = data.classes.iter().position(|c| c == class).unwrap_or_else(|| {
                data.classes.push(class.into());
                data.classes.len() - 1
            });
            u16::try_from(index).unwrap()
        });
        data.traces.push(Trace {
            calls: calls.split_whitespace().map(|name| data.calls.intern(name).unwrap()).collect(),
            class,
            group: some(group),
            part: some(part),
            source: Source { file: "sample".into(), line: Some(line as u64 + 1) },
            lost: 0,
        });
    }
    data
}

/// Arbitrary small data sets: few distinct traces, so that copies and conflicts are common; groups that
/// may hold several classes; traces without label, group or part.
pub(crate) fn datasets() -> impl Strategy<Value = Dataset> {
    let calls = prop::sample::select(vec![
        "open",
        "open read",
        "open read close",
        "fork",
        "fork wait",
        "kill",
        "mmap",
    ]);
    let class = prop::sample::select(vec!["normal", "normal", "adduser", "web", "ssh", ""]);
    let group = prop::sample::select(vec!["", "", "a", "b", "c", "d", "e"]);
    let part = prop::sample::select(vec!["", "train", "validation"]);
    prop::collection::vec((calls, class, group, part), 0..60).prop_map(|rows| dataset(&rows))
}

/// As [`datasets`], but each group belongs to one class, as attack runs do.
pub(crate) fn datasets_of_runs() -> impl Strategy<Value = Dataset> {
    datasets().prop_map(|mut data| {
        let classes = data.classes.clone();
        for trace in &mut data.traces {
            if let (Some(class), Some(group)) = (trace.class, &trace.group) {
                trace.group = Some(format!("{}_{group}", classes[usize::from(class)]).into());
            }
        }
        data
    })
}
