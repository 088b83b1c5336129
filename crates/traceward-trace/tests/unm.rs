//! UNM's real recordings, where they are at hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy knows test functions only")]

use std::path::{Path, PathBuf};

use traceward_trace::read::Format;
use traceward_trace::{Abi, Dataset, ReadOptions, read};

/// A folder of the collection, or a word on why the test is skipped.
#[expect(clippy::print_stdout, reason = "who runs the tests should see what they left out")]
fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join("unm").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there; set TRACEWARD_DATA to a folder that has it", path.display());
    None
}

fn unm(name: &str, options: &ReadOptions) -> Option<Dataset> {
    let data = read(&folder(name)?, options).unwrap();
    assert_eq!(data.report.format, Some(Format::Unm));
    Some(data)
}

/// Calls by class, and how often the most frequent call came.
fn figures(data: &Dataset) -> (Vec<(&str, usize)>, String) {
    let mut calls = vec![0; data.classes.len()];
    let mut counts = vec![0u64; data.calls.len()];
    for trace in &data.traces {
        calls[usize::from(trace.class.unwrap())] += trace.calls.len();
        for &id in &trace.calls {
            counts[usize::from(id)] += 1;
        }
    }
    let top = (0..counts.len()).max_by_key(|&i| counts[i]).unwrap();
    (data.classes.iter().map(String::as_str).zip(calls).collect(), data.calls.names()[top].to_string())
}

/// SunOS numbers, named by the mapping file beside them. Every line of every `.int` file is a call.
#[test]
fn sendmail_speaks_by_its_own_table() {
    let Some(data) = unm("synthetic-sendmail", &ReadOptions { strict: true, ..ReadOptions::default() })
    else {
        return;
    };
    assert_eq!(data.abi, Abi::Custom("unm-synthetic-sendmail".into()));
    assert!(data.report.outside_table.is_empty(), "{:?}", data.report.outside_table);
    let (classes, _) = figures(&data);
    assert_eq!(classes, [("normal", 228_181), ("intrusion", 6_755)]);
    let first = &data.traces[0];
    let names: Vec<&str> = first.calls.iter().take(5).map(|&id| data.calls.name(id)).collect();
    assert_eq!(names, ["open", "read", "mmap", "mmap", "open"]);
}

/// The files in names hold what those in numbers do, once the mapping is applied.
#[test]
fn names_and_mapped_numbers_agree() {
    let Some(folder) = folder("synthetic-sendmail") else { return };
    let options = ReadOptions { mapping: Some(folder.join("syscallMap.txt")), ..ReadOptions::default() };
    let numbers = read(&folder.join("normal-data/bounce.int"), &options).unwrap();
    let names = read(&folder.join("normal-data/result-bounce.txt"), &options).unwrap();
    assert_eq!(numbers.calls, names.calls);
    let calls = |data: &Dataset| data.traces.iter().map(|t| t.calls.clone()).collect::<Vec<_>>();
    assert_eq!(calls(&numbers), calls(&names));
    assert_eq!(numbers.classes, ["normal"]);
}

/// Later sets are Linux on i386, without a mapping: the guess must find that.
#[test]
fn linux_sets_are_guessed_to_be_i386() {
    for name in ["login-and-ps", "xlock"] {
        let Some(data) = unm(name, &ReadOptions::default()) else { return };
        assert_eq!(data.abi, Abi::I386, "{:?}", data.report.notes);
        let guess = data.report.abi_guess.unwrap();
        assert!(guess.margin() > 0.15, "{name}: {:#?}", guess.evidence);
    }
}

#[test]
fn tars_of_gzips_are_read_where_they_lie() {
    let Some(tar) = folder("xlock/normal/xlock-synth-unm.tar") else { return };
    let data = read(&tar, &ReadOptions { strict: true, ..ReadOptions::default() }).unwrap();
    assert_eq!(data.abi, Abi::I386);
    let groups: std::collections::HashSet<_> = data.traces.iter().map(|t| t.group.clone()).collect();
    assert_eq!(groups.len(), 71);
    let Some(packed) = folder("xlock/intrusion/xlock-intrusions.tar.gz") else { return };
    let data = read(&packed, &ReadOptions { strict: true, ..ReadOptions::default() }).unwrap();
    assert_eq!((data.classes.as_slice(), data.traces.len()), (&["intrusion".to_owned()][..], 2));
}
