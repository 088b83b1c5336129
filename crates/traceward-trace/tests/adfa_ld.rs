//! The real ADFA-LD, where it is at hand: its figures, and that formats lose nothing of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use traceward_trace::{Abi, Dataset, ReadOptions, read, write};

/// The archive, or a word on why the test is skipped.
#[expect(clippy::print_stdout, reason = "who runs the tests should see what they left out")]
fn archive() -> Option<PathBuf> {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let zip = root.join("adfa-ld/ADFA-LD.zip");
    if zip.is_file() {
        return Some(zip);
    }
    println!("skipped: {} is not there; set TRACEWARD_DATA to a folder that has it", zip.display());
    None
}

#[test]
fn the_archive_holds_what_its_authors_say() {
    let Some(zip) = archive() else { return };
    let data = read(&zip, &ReadOptions { strict: true, ..ReadOptions::default() }).unwrap();
    assert_eq!(data.abi, Abi::I386);
    assert_eq!(data.traces.len(), 5951);
    assert_eq!(data.call_count(), 2_747_550);
    assert_eq!(data.calls.len(), 175);
    let mut lengths: Vec<usize> = data.traces.iter().map(|t| t.calls.len()).collect();
    lengths.sort_unstable();
    assert_eq!((lengths[0], lengths[lengths.len() / 2], lengths[lengths.len() - 1]), (75, 343, 4494));
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for trace in &data.traces {
        let class = &data.classes[usize::from(trace.class.unwrap())];
        *counts.entry((class, trace.part.as_deref().unwrap())).or_default() += 1;
        assert_eq!(trace.group.is_some(), class != "normal");
    }
    let expected = [
        (("Adduser", "attack"), 91),
        (("Hydra_FTP", "attack"), 162),
        (("Hydra_SSH", "attack"), 176),
        (("Java_Meterpreter", "attack"), 124),
        (("Meterpreter", "attack"), 75),
        (("Web_Shell", "attack"), 118),
        (("normal", "training"), 833),
        (("normal", "validation"), 4372),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(data.classes[0], "normal");
    assert!(data.report.outside_table.is_empty(), "{:?}", data.report.outside_table);
    assert_eq!(data.report.skipped_count, 0);
}

/// The list in the archive is another architecture's. Under it the most frequent calls would be nonsense.
#[test]
fn the_list_in_the_archive_is_not_believed() {
    let Some(zip) = archive() else { return };
    let data = read(&zip, &ReadOptions::default()).unwrap();
    let mut counts = vec![0u64; data.calls.len()];
    for id in data.traces.iter().flat_map(|t| &t.calls) {
        counts[usize::from(*id)] += 1;
    }
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(counts[i]));
    let top: Vec<&str> = order.iter().take(11).map(|&i| &*data.calls.names()[i]).collect();
    for call in ["read", "open", "poll", "close", "stat64", "mmap2", "clock_gettime", "write", "socketcall"] {
        assert!(top.contains(&call), "{call} is not among {top:?}");
    }
    assert!(data.report.notes.iter().any(|n| n.contains("Syscall+List")), "{:?}", data.report.notes);
    let guess = data.report.abi_guess.unwrap();
    assert_eq!(guess.candidates[0].abi, Abi::I386, "{:#?}", guess.evidence);
    assert!(guess.margin() > 0.2, "{:#?}", guess.evidence);
}

/// What of ADFA-LD another ABI has a name for: by exact name, and with the names that mean the same.
#[test]
fn names_carry_it_across_abis() {
    let Some(zip) = archive() else { return };
    let data = read(&zip, &ReadOptions::default()).unwrap();
    let mut counts = vec![0u64; data.calls.len()];
    for id in data.traces.iter().flat_map(|t| &t.calls) {
        counts[usize::from(*id)] += 1;
    }
    let missing = |has: &dyn Fn(&str) -> bool| {
        let lost: u64 = data.calls.names().iter().zip(&counts).filter(|(n, _)| !has(n)).map(|(_, c)| c).sum();
        (1000.0 * lost as f64 / counts.iter().sum::<u64>() as f64).round() / 10.0
    };
    let exact = |abi: Abi| missing(&|name| abi.number_of(name).is_some());
    let translated = |abi: Abi| missing(&|name| !traceward_trace::abi::candidates(name, &abi).is_empty());
    assert_eq!((exact(Abi::X86_64), exact(Abi::Aarch64)), (25.8, 49.0));
    assert_eq!((translated(Abi::X86_64), translated(Abi::Aarch64)), (3.4, 3.5));
}

#[test]
fn formats_lose_nothing_of_it() {
    let Some(zip) = archive() else { return };
    let data = read(&zip, &ReadOptions::default()).unwrap();
    let same = |back: Dataset, format: &str| {
        assert_eq!(back.abi, data.abi, "{format}");
        assert_eq!(back.classes, data.classes, "{format}");
        assert_eq!(back.calls, data.calls, "{format}");
        assert!(back.traces == data.traces, "{format}: the traces differ");
    };
    let folder = tempfile::tempdir().unwrap();
    let parquet = folder.path().join("adfa");
    write::parquet(&data, &parquet).unwrap();
    same(read(&parquet, &ReadOptions::default()).unwrap(), "Parquet");
    let size = std::fs::metadata(&parquet).unwrap().len();
    assert!(size < std::fs::metadata(&zip).unwrap().len(), "{size} bytes of Parquet");
    let lines = folder.path().join("lines");
    write::json_lines(&data, &lines).unwrap();
    same(read(&lines, &ReadOptions::default()).unwrap(), "JSON Lines");
}
