//! Real logs of tracers, where they are at hand: every call of every thread, against counts by other rules than
//! the readers'.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy knows test functions only")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use traceward_trace::{Abi, Dataset, ReadOptions, read};

/// A file or folder of real logs, or a word on why the test is skipped.
#[expect(clippy::print_stdout, reason = "who runs the tests should see what they left out")]
fn real(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRACEWARD_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = root.join("formats").join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there; set TRACEWARD_DATA to a folder that has it", path.display());
    None
}

fn strict() -> ReadOptions {
    ReadOptions { strict: true, ..ReadOptions::default() }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The files of a folder whose names end so.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    found.sort();
    assert!(!found.is_empty(), "{} has no file …{end}", folder.display());
    found
}

/// Every trace in names, sorted: the order of threads is not compared.
fn named(data: &Dataset) -> Vec<Vec<String>> {
    let name = |&call: &u16| data.calls.name(call).to_owned();
    let mut traces: Vec<Vec<String>> =
        data.traces.iter().map(|trace| trace.calls.iter().map(name).collect()).collect();
    traces.sort();
    traces
}

/// The same of calls by thread.
fn sorted<T>(threads: BTreeMap<T, Vec<String>>) -> Vec<Vec<String>> {
    let mut traces: Vec<Vec<String>> = threads.into_values().collect();
    traces.sort();
    traces
}

fn notes(data: &Dataset, word: &str) -> usize {
    data.report.notes.iter().filter(|note| note.contains(word)).count()
}

/// Straces of all option sets: a line is a call unless it is the second half of one, a signal or an exit.
#[test]
fn straces_have_the_calls_of_each_thread_that_their_lines_name() {
    let Some(folder) = real("strace") else { return };
    for path in files(&folder, "") {
        let mut threads: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text(&path).lines() {
            if ["resumed>", "+++ ", "--- SIG"].iter().any(|word| line.contains(word)) {
                continue;
            }
            let before = line.split('(').next().unwrap();
            let name = before.rsplit([' ', ']']).next().unwrap();
            let is_numbered =
                path.to_string_lossy().ends_with("f.txt") || line.starts_with(|c: char| c.is_ascii_digit());
            let thread = if is_numbered && !path.to_string_lossy().contains("-ff.") {
                line.split(' ').next().unwrap()
            } else {
                ""
            };
            threads.entry(thread.to_owned()).or_default().push(name.to_owned());
        }
        let data = read(&path, &strict()).unwrap();
        assert_eq!(named(&data), sorted(threads), "{}", path.display());
        assert_eq!(data.abi, Abi::X86_64);
    }
}

#[test]
fn straces_of_one_run_in_many_files_are_one_group() {
    let Some(folder) = real("strace") else { return };
    let copy = tempfile::tempdir().unwrap();
    let mut calls = 0;
    for thread in ["21411", "21412", "21413"] {
        let log = text(&folder.join(format!("strace-ff.{thread}")));
        calls += log.lines().filter(|line| line.contains(" = ") || line.contains("exit_group(")).count();
        std::fs::write(copy.path().join(format!("web-1_trial3.txt.{thread}")), log).unwrap();
    }
    let data = read(copy.path(), &strict()).unwrap();
    assert_eq!((data.traces.len(), data.call_count()), (3, calls));
    assert!(data.traces.iter().all(|trace| trace.group.as_deref() == Some("web-1_trial3.txt")));
}

/// What strace writes here, to a file and to a terminal, under options that change its lines. A call is where a
/// parenthesis follows a letter first; not a second half, nor a line of the stack.
#[test]
fn straces_made_here_with_all_options() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["-i -n", "-Y -r -T", "-y", "-t -Y -i -n", "-tt -r", "-ttt -yy -v -x"];
    for option in options {
        let run = |to_file: bool| {
            let log = folder.path().join("log");
            let mut strace = std::process::Command::new("strace");
            // cargo's search path for libraries makes logs ten times as long.
            strace.env_remove("LD_LIBRARY_PATH").arg("-f").args(option.split(' '));
            if to_file {
                strace.arg("-o").arg(&log);
            }
            let done = strace
                .args(["sh", "-c", "ls / | head -1; true"])
                .output()
                .ok()
                .filter(|o| o.status.success())?;
            let bytes = if to_file { std::fs::read(&log).unwrap() } else { done.stderr };
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        for to_file in [true, false] {
            let Some(log) = run(to_file) else {
                println!("skipped: there is no strace that can run here with {option}");
                continue;
            };
            let no_call = ["resumed>", "+++ ", "--- SIG"];
            let calls = log
                .lines()
                .filter(|line| !line.starts_with(" > ") && !no_call.iter().any(|word| line.contains(word)))
                .filter(|line| {
                    let before = line.split('(').find(|before| !before.ends_with(' ')).unwrap_or("");
                    let word = before.rsplit(' ').next().unwrap();
                    line.len() > before.len()
                        && !word.is_empty()
                        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                })
                .count();
            let data = read::bytes("log", log.as_bytes(), &ReadOptions::default()).unwrap();
            let skipped: Vec<_> =
                data.report.skipped.iter().filter_map(|skipped| skipped.source.line).collect();
            let skipped: Vec<_> =
                skipped.iter().filter_map(|&line| log.lines().nth(line as usize - 1)).collect();
            assert!(skipped.is_empty(), "{option}: {skipped:?}");
            assert_eq!(data.call_count(), calls, "{option}");
            assert!(data.traces.len() >= 3, "{option}: {} threads", data.traces.len());
        }
    }
}

/// The fields that a call is counted by, found by splitting at blanks.
fn auditd_calls(log: &str) -> Vec<(String, u32)> {
    let field = |line: &str, key: &str| -> String {
        line.split(' ').find_map(|word| word.strip_prefix(key)).unwrap().to_owned()
    };
    log.lines()
        .filter(|line| line.starts_with("type=SYSCALL "))
        .map(|line| (field(line, "pid="), field(line, "syscall=").parse().unwrap()))
        .collect()
}

#[test]
fn auditd_of_a_busy_hour() {
    let Some(path) = real("auditd-dd.log") else { return };
    let log = text(&path);
    let mut threads: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (pid, number) in auditd_calls(&log) {
        threads.entry(pid).or_default().push(Abi::X86_64.name_of(number).unwrap().to_owned());
    }
    let data = read(&path, &strict()).unwrap();
    assert_eq!(data.call_count(), log.matches("type=SYSCALL").count());
    assert_eq!(named(&data), sorted(threads));
    assert_eq!((data.abi, data.report.notes.len()), (Abi::X86_64, 0));
}

/// What go-libaudit parsed of the same files: RHEL 6 and 7, Ubuntu 14 to 17, and mixed ones.
#[test]
fn auditd_of_many_systems_as_another_parser_reads_it() {
    let Some(folder) = real("auditd-go-libaudit/auparse/testdata") else { return };
    let mut calls = 0;
    for golden in files(&folder, ".golden") {
        let path = golden.with_extension("");
        let records: Vec<Value> = serde_json::from_str(&text(&golden)).unwrap();
        let mut threads: BTreeMap<String, Vec<(String, u64, String)>> = BTreeMap::new();
        for record in records.iter().filter(|record| record["record_type"] == "syscall") {
            let data = |key: &str| record["data"][key].as_str().unwrap().to_owned();
            assert_eq!(data("arch"), "x86_64");
            let time = record["@timestamp"].as_str().unwrap().to_owned();
            let sequence = record["sequence"].as_u64().unwrap();
            threads.entry(data("pid")).or_default().push((time, sequence, data("syscall")));
        }
        let expected: BTreeMap<String, Vec<String>> = threads
            .into_iter()
            .map(|(pid, mut calls)| {
                calls.sort();
                (pid, calls.into_iter().map(|(_, _, call)| call).collect())
            })
            .collect();
        let outcome = read(&path, &strict());
        if expected.is_empty() {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("none of its"), "{error}");
            continue;
        }
        let data = outcome.unwrap();
        calls += data.call_count();
        assert_eq!(named(&data), sorted(expected), "{}", path.display());
        assert_eq!(data.call_count(), text(&path).matches("type=SYSCALL").count());
    }
    assert_eq!(calls, 13);
}

/// Its test cases of events: the records in YAML, what they mean in JSON. Ubuntu 16 to 24, RHEL 7; one is aarch64.
#[test]
fn auditd_events_as_another_parser_reads_them() {
    let Some(folder) = real("auditd-go-libaudit/aucoalesce/testdata") else { return };
    let (mut calls, mut silent) = (BTreeMap::new(), 0);
    for yaml in files(&folder, ".yaml") {
        let mut cases: BTreeMap<String, String> = BTreeMap::new();
        let mut case = String::new();
        for line in text(&yaml).lines() {
            if let Some(record) = line.strip_prefix("    ") {
                let log = cases.entry(case.clone()).or_default();
                log.push_str(record);
                log.push('\n');
            } else if let Some(name) = line.trim().strip_suffix(": |").or(line.trim().strip_suffix(": >")) {
                case = name.trim_matches(['\'', '"']).to_owned();
            }
        }
        let golden: Vec<Value> = serde_json::from_str(&text(&yaml.with_extension("json.golden"))).unwrap();
        assert_eq!(golden.len(), cases.len(), "{}", yaml.display());
        for event in golden {
            let name = event["test_name"].as_str().unwrap();
            let log = cases.get(name).unwrap();
            let outcome = read::bytes(name, log.as_bytes(), &strict());
            let Some(call) = event["event"]["data"]["syscall"].as_str() else {
                let error = outcome.unwrap_err().to_string();
                assert!(!log.contains("type=SYSCALL"), "{name}: {error}");
                silent += 1;
                continue;
            };
            let data = outcome.unwrap();
            assert_eq!(named(&data), [[call]], "{name}");
            assert_eq!(data.abi.to_string(), event["event"]["data"]["arch"].as_str().unwrap(), "{name}");
            *calls.entry(data.abi.to_string()).or_default() += log.matches("type=SYSCALL").count();
        }
    }
    assert_eq!(calls, BTreeMap::from([("aarch64".to_owned(), 1), ("x86_64".to_owned(), 22)]));
    assert!(silent > 10, "{silent}");
}

/// go-libaudit's own cases of order: what it expects of them stands in its tests.
#[test]
fn auditd_out_of_order_with_losses_and_over_the_end_of_the_count() {
    let Some(folder) = real("auditd-go-libaudit/testdata") else { return };
    let of = |name: &str| read(&folder.join(name), &strict()).unwrap();
    let normal = of("normal.log");
    assert_eq!(named(&normal), [["accept"], ["connect"], ["connect"], ["execve"], ["execve"]]);
    assert_eq!(normal.report.notes.len(), 0);
    let disordered = of("out_of_order.log");
    assert_eq!((named(&disordered), disordered.report.notes.len()), (named(&normal), 0));
    let lost = of("lost_messages.log");
    assert_eq!(named(&lost), named(&normal));
    assert_eq!(notes(&lost, "9 events are missing, in 1 places"), 1, "{:?}", lost.report.notes);
    let rollover = of("rollover.log");
    let expected = [vec!["accept", "accept"], vec!["connect"], vec!["connect"], vec!["execve"]];
    assert_eq!(named(&rollover), expected);
    assert_eq!(rollover.report.notes.len(), 0, "{:?}", rollover.report.notes);
    // The same as one thread's, in any order.
    let lines: Vec<String> = text(&folder.join("rollover.log"))
        .lines()
        .map(|line| {
            let pid = line.find(" pid=").unwrap();
            let end = line[pid + 1..].find(' ').unwrap();
            format!("{} pid=7{}\n", &line[..pid], &line[pid + 1 + end..])
        })
        .collect();
    for start in 0..lines.len() {
        for backwards in [false, true] {
            let mut lines = lines.clone();
            lines.rotate_left(start);
            if backwards {
                lines.reverse();
            }
            let data = read::bytes("a.log", lines.concat().as_bytes(), &strict()).unwrap();
            assert_eq!(named(&data), [["connect", "execve", "connect", "accept", "accept"]]);
            assert_eq!(data.report.notes.len(), 0, "{:?}", data.report.notes);
        }
    }
}

/// Attacks of the Open Threat Research project: auditd's text in a zip.
#[test]
fn attacks_in_zips_are_auditds_text() {
    let Some(folder) = real("otrf-linux") else { return };
    for (name, expected) in [("sh_arp_cache.zip", 2), ("sh_binary_padding_dd.zip", 1)] {
        let path = folder.join(name);
        let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
        let mut log = String::new();
        archive.by_index(0).unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(auditd_calls(&log).len(), expected);
        let data = read(&path, &strict()).unwrap();
        assert_eq!((data.traces.len(), data.call_count()), (expected, expected), "one process a call");
        assert!(named(&data).iter().all(|calls| calls == &["execve"]));
        assert_eq!(data.abi, Abi::X86_64);
    }
}

/// Lines with a direction, by thread and in order of time; `TIME UID PID COMM TID CALL DIR`.
fn directed(log: &str) -> BTreeMap<u64, Vec<(u64, String, bool)>> {
    let mut threads: BTreeMap<u64, Vec<(u64, String, bool)>> = BTreeMap::new();
    for line in log.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let (time, thread) = (words[0].parse().unwrap(), words[4].parse().unwrap());
        threads.entry(thread).or_default().push((time, words[5].to_owned(), words[6] == ">"));
    }
    for calls in threads.values_mut() {
        calls.sort_by_key(|(time, ..)| *time);
    }
    threads
}

#[test]
fn an_ebpf_capture_in_the_format_of_lid_ds() {
    let Some(path) = real("ebpf-flask-sc/normal_32.sc") else { return };
    let log = text(&path);
    // All calls have their entry but the first of one thread, which the capture found inside a poll.
    let mut cut = 0;
    let expected = directed(&log).into_iter().map(|(thread, events)| {
        let mut calls: Vec<String> = Vec::new();
        for (place, (_, call, entry)) in events.into_iter().enumerate() {
            if entry {
                calls.push(call);
            } else if place == 0 && call == "poll" {
                cut += 1;
                calls.push(call);
            }
        }
        (thread, calls)
    });
    let expected = sorted(expected.collect());
    let data = read(&path, &strict()).unwrap();
    assert_eq!(named(&data), expected);
    assert_eq!((cut, data.call_count()), (1, log.matches(" > ").count() + 1));
}

#[test]
fn lines_of_lid_ds_2021() {
    let Some(path) = real("lid-ds-2021-lines/sample_lines.sc") else { return };
    let log = text(&path);
    // An exit whose entry is not the event before it is a call that the sample cut.
    let expected = directed(&log).into_iter().map(|(thread, events)| {
        let mut calls = Vec::new();
        for (place, (_, call, entry)) in events.iter().enumerate() {
            let before = place.checked_sub(1).map(|before| &events[before]);
            if *entry || before.is_none_or(|(_, name, entry)| !entry || name != call) {
                calls.push(call.clone());
            }
        }
        (thread, calls)
    });
    // One line names a number that is no call's.
    let expected: Vec<Vec<String>> = sorted(expected.collect());
    let data = read(&path, &ReadOptions { abi: Some(Abi::X86_64), ..strict() }).unwrap();
    let found: Vec<Vec<String>> = named(&data)
        .into_iter()
        .map(|calls| calls.into_iter().map(|call| call.trim_start_matches('#').to_owned()).collect())
        .collect();
    assert_eq!(found, expected);
    assert_eq!(found.iter().map(Vec::len).sum::<usize>(), data.call_count());
}
