//! Interruptions: whatever ends a training, what is done is kept, and resuming ends where an
//! uninterrupted run would have.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::harness::Dir;
use crate::train::weights_of;

const ARGS: [&str; 14] = [
    "train",
    "small.jsonl",
    "--epochs",
    "30",
    "--batch-size",
    "4",
    "--seed",
    "5",
    "--threads",
    "2",
    "--out",
    "run",
    "--format",
    "json",
];

#[test]
fn resume_after_kill_ends_where_the_uninterrupted_run_does() {
    let whole = Dir::new();
    whole.small_data();
    whole.json(&ARGS[..12]);
    let expected = weights_of(&whole, "run");
    let history = fs::read_to_string(whole.join("run/history.csv")).unwrap();
    let mut cut_off = 0;
    for delay_ms in [60, 150, 333, 700, 1500] {
        let dir = Dir::new();
        dir.small_data();
        let mut child = dir.command(ARGS).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(delay_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        if !dir.join("run/traceward.toml").exists() {
            continue; // Killed before there was a run to resume.
        }
        cut_off += usize::from(!dir.join("run/evaluation.json").exists());
        let said = dir.run(&["train", "--resume", "run"]);
        assert_eq!(said.code, Some(0), "after {delay_ms} ms: {said:?}");
        assert!(weights_of(&dir, "run") == expected, "other weights after a kill at {delay_ms} ms");
        let rows = |text: &str| -> Vec<String> {
            text.lines().map(|l| l.split(',').take(5).collect::<Vec<_>>().join(",")).collect()
        };
        assert_eq!(rows(&fs::read_to_string(dir.join("run/history.csv")).unwrap()), rows(&history));
    }
    assert!(cut_off > 0, "every run was over, or had not begun, when it was killed");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_evaluates() {
    let dir = Dir::new();
    dir.small_data();
    let child = dir
        .command(["train", "small.jsonl", "--epochs", "100000", "--out", "run", "--seed", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while fs::read_to_string(dir.join("run/history.csv")).map_or(0, |h| h.lines().count()) < 3 {
        sleep(Duration::from_millis(20));
    }
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stdout.contains("macro-F1"), "{stdout}");
    assert!(stderr.contains("--resume"), "{stderr}");
    assert!(dir.join("run/model.safetensors").exists());
    let runs = dir.json(&["runs", "list", "."]);
    assert_eq!(runs[0]["status"], "interrupted", "{runs}");
}

#[test]
fn nothing_to_resume() {
    let said = Dir::new().run(&["train", "--resume"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("no run"), "{said:?}");
}

#[test]
fn resume_refuses_other_data() {
    let dir = Dir::new();
    let path = dir.small_data();
    dir.json(&["train", "small.jsonl", "--epochs", "2", "--out", "run", "-q"]);
    fs::remove_file(dir.join("run/model.safetensors")).unwrap();
    let text = fs::read_to_string(&path).unwrap().replacen("openat", "openat2", 1);
    fs::write(&path, text).unwrap();
    let said = dir.run(&["train", "--resume", "run"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("not the data"), "{said:?}");
}
