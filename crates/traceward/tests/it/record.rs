//! `record`: by ptrace, which needs no rights, and by eBPF where this host allows it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Dir, Said};

/// Whether commands can be captured so here; says it where they cannot.
#[expect(clippy::print_stdout, reason = "a test that cannot run here says so")]
pub(crate) fn possible(dir: &Dir, with: &str) -> bool {
    let said = dir.run(&["record", "--with", with, "--out", "probe.parquet", "--", "true"]);
    if said.code == Some(2) && said.stderr.contains("cannot be done") {
        println!("skipped: {}", said.stderr.trim());
        return false;
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    fs::remove_file(dir.join("probe.parquet")).unwrap();
    true
}

/// A folder in which commands can be captured by ptrace.
fn dir() -> Option<Dir> {
    let dir = Dir::new();
    possible(&dir, "ptrace").then_some(dir)
}

fn rows(dir: &Dir, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(dir.join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn report(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn a_command_is_recorded_with_whose_calls_they_were() {
    let Some(dir) = dir() else { return };
    let script = "echo hello; ls / > /dev/null; exit 3";
    let said = dir.run(&[
        "record", "--with", "ptrace", "--out", "r.jsonl", "--label", "normal", "--group", "monday",
        "--format", "json", "--", "sh", "-c", script,
    ]);
    assert_eq!(said.code, Some(3), "the command's exit code: {said:?}");
    assert!(said.stdout.starts_with("hello\n"), "the command's output is its own: {said:?}");
    let report = report(&said);
    let rows = rows(&dir, "r.jsonl");
    assert_eq!(rows.len(), 2);
    let calls = |row: &Value| row["calls"].as_array().unwrap().len();
    assert_eq!(report["calls"], rows.iter().map(calls).sum::<usize>());
    assert_eq!(
        (&report["traces"], &report["threads"], &report["exit_code"]),
        (&2.into(), &2.into(), &3.into())
    );
    assert_eq!((&report["files"], &report["first_files"][0]), (&1.into(), &"r.jsonl".into()));
    assert_eq!(report["lost"], serde_json::json!({ "ring_full": 0, "events": 0, "no_memory": 0 }));
    let [ls, sh] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((&ls["comm"], &ls["cmdline"]), (&"ls".into(), &"ls /".into()));
    assert_eq!((&sh["comm"], &sh["cmdline"]), (&"sh".into(), &format!("sh -c {script}").into()));
    assert_eq!((&ls["ppid"], &ls["parent"]), (&sh["pid"], &sh["task"]));
    for row in &rows {
        assert_eq!(
            (&row["class"], &row["group"], &row["end"]),
            (&"normal".into(), &"monday".into(), &"exit".into())
        );
        assert_eq!((&row["born"], &row["first"], &row["abi"]), (&1.into(), &0.into(), &"x86_64".into()));
        assert!(row["exe"].as_str().unwrap().starts_with('/'), "{row}");
        assert!(row["start"].as_i64().unwrap() > 1_600_000_000_000_000_000, "{row}");
    }
    assert_eq!(sh["calls"][0], "execve");
}

#[test]
fn a_model_scores_a_recording_as_it_is() {
    let Some(dir) = dir() else { return };
    dir.small_data();
    let said = dir.run(&["train", "small.jsonl", "--model", "svm-3", "--out", "runs/one", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = dir.run(&["record", "--with", "ptrace", "--out", "r.parquet", "--", "sh", "-c", "ls / | cat"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = dir.run(&["score", "runs/one", "r.parquet"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let verdicts: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sources: Vec<&str> = verdicts.iter().map(|line| line["source"].as_str().unwrap()).collect();
    assert_eq!(verdicts.len(), 3, "{said:?}");
    assert!(sources.iter().any(|source| source.contains(" cat[")), "{sources:?}");
    assert!(verdicts.iter().all(|line| line["tainted"] == false), "{said:?}");
}

#[test]
fn long_traces_are_cut_and_files_follow_each_other() {
    let Some(dir) = dir() else { return };
    let said = dir.run(&[
        "record",
        "--with",
        "ptrace",
        "--out",
        "all/",
        "--window",
        "100",
        "--rotate",
        "1K",
        "--format",
        "json",
        "--",
        "dd",
        "if=/dev/zero",
        "of=/dev/null",
        "bs=1",
        "count=500",
        "status=none",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = report(&said);
    assert!(report["traces"].as_u64().unwrap() > 10, "{report}");
    assert_eq!(report["dropped_traces"], 0, "{report}");
    assert!(fs::read_dir(dir.join("all")).unwrap().count() as u64 == report["files"].as_u64().unwrap());
    let inspected = dir.json(&["data", "inspect", "all"]);
    assert_eq!((&inspected["traces"], &inspected["calls"]), (&report["traces"], &report["calls"]));
    assert_eq!(inspected["lengths"]["max"], 100);
}

#[test]
fn what_cannot_be_recorded_is_said() {
    let Some(dir) = dir() else { return };
    let refused = |args: &[&str], needle: &str| {
        let mut all = vec!["record"];
        all.extend(args);
        let said = dir.run(&all);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(needle), "{needle}: {said:?}");
    };
    refused(&["--with", "ptrace", "--", "no-such-command"], "cannot start no-such-command");
    refused(&["--with", "ebpf", "--", "no-such-command"], "cannot");
    refused(&["--with", "ptrace"], "name one after two dashes");
    refused(&["--out", "no/such/folder/r.parquet", "--", "true"], "cannot write no/such/folder/r.parquet");
    refused(&["--rotate", "much", "--", "true"], "no amount of memory");
    refused(&["--window", "0", "--", "true"], "--window");
    refused(&["--pid", "1", "--", "true"], "cannot be used with");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "and nothing is left behind");
}

/// A recording that runs, once the command has said a line.
fn running(dir: &Dir, with: &str, script: &str) -> Child {
    let args = ["record", "--with", with, "--out", "r.jsonl", "--", "sh", "-c", script];
    let mut child = dir.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_signal_ends_the_command_and_keeps_the_recording() {
    let Some(dir) = dir() else { return };
    for (name, script, code) in [
        ("TERM", "echo ready; exec sleep 1000", 143),
        ("HUP", "echo ready; exec sleep 1000", 143),
        ("TERM", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done", 9),
    ] {
        let child = running(&dir, "ptrace", script);
        signal(&child, name);
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(code), "{name} {script}: {said:?}");
        let rows = rows(&dir, "r.jsonl");
        assert!(rows[0]["calls"].as_array().unwrap().len() > 10, "{rows:?}");
        fs::remove_file(dir.join("r.jsonl")).unwrap();
    }
}

#[test]
fn a_command_that_will_not_end_is_killed_at_the_second_word() {
    let Some(dir) = dir() else { return };
    let child = running(&dir, "ptrace", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
    signal(&child, "TERM");
    // The first is heard within a tenth of a second; both at once would be one.
    std::thread::sleep(std::time::Duration::from_millis(500));
    signal(&child, "TERM");
    let said = child.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(137), "{said:?}");
    assert!(!rows(&dir, "r.jsonl").is_empty());
}

#[test]
fn ebpf_and_ptrace_agree() {
    let Some(dir) = dir() else { return };
    if !possible(&dir, "ebpf") {
        return;
    }
    let count = |with: &str, count: u32| {
        let count = format!("count={count}");
        let said = dir.run(&[
            "record",
            "--with",
            with,
            "--out",
            "r.jsonl",
            "--format",
            "json",
            "--",
            "dd",
            "if=/dev/zero",
            "of=/dev/null",
            "bs=1",
            &count,
            "status=none",
        ]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(report(&said)["tainted"], 0, "{said:?}");
        let rows = rows(&dir, "r.jsonl");
        assert_eq!(rows.iter().map(|row| &row["comm"]).collect::<Vec<_>>(), ["dd"]);
        let calls = rows[0]["calls"].as_array().unwrap();
        // What the one start costs and the other does not is before the program's own first call.
        let own = calls.iter().rposition(|call| call == "execve").unwrap();
        calls[own..].to_vec()
    };
    assert_eq!(count("ebpf", 700), count("ptrace", 700));
    assert_eq!(count("ebpf", 700).len() - count("ebpf", 0).len(), 1400);
}
