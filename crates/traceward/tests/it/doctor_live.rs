//! The doctor at the side of `train`: findings as they arise, what they do to the run, and probes before it.

use std::fs;

use serde_json::Value;

use crate::harness::Dir;

/// The rules of a training's JSON or of a run's `findings.json`.
fn rules(findings: &Value) -> Vec<String> {
    let findings = findings["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

fn kept(dir: &Dir, run: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(dir.join(run).join("findings.json")).unwrap()).unwrap()
}

/// The article's first network on rows in file order: two classes, one after the other.
const FIRST: [&str; 10] =
    ["train", "small.jsonl", "--preset", "article-1", "--epochs", "3", "--split", "tail", "--out", "run"];

#[test]
fn a_faulty_training_is_told_so_before_its_first_epoch() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.run(&FIRST);
    assert_eq!(said.code, Some(0), "{said:?}");
    let first_epoch = said.stderr.find("Epoch 1/3").unwrap();
    for rule in ["[S05]", "[D01]", "[D02]"] {
        let told = said.stderr.find(rule).unwrap_or_else(|| panic!("no {rule} in {}", said.stderr));
        assert!(told < first_epoch, "{rule} is told late: {}", said.stderr);
        assert_eq!(said.stderr.matches(rule).count(), 1, "{}", said.stderr);
    }
    let rules = rules(&kept(&dir, "run"));
    assert!(rules.iter().any(|rule| rule == "S05"), "{rules:?}");
    assert!(kept(&dir, "run")["doctor_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_healthy_training_has_nothing_to_hear_while_it_trains() {
    let dir = Dir::new();
    dir.small_data();
    let json = dir.json(&[
        "train",
        "small.jsonl",
        "--epochs",
        "12",
        "--learning-rate",
        "0.003",
        "--split",
        "grouped",
        "--out",
        "run",
    ]);
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["level"] != "error"), "{findings:?}");
    assert!(!rules(&json).iter().any(|rule| rule.starts_with('G')), "{findings:?}");
}

#[test]
fn the_first_error_can_end_a_training() {
    let dir = Dir::new();
    dir.small_data();
    let mut args = FIRST.to_vec();
    args.extend(["--epochs", "40", "--on-finding", "stop"]);
    args.drain(4..6);
    let said = dir.run(&args);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("go on all the same with: traceward train --resume run"), "{}", said.stderr);
    assert!(!said.stderr.contains("Epoch 40/40"), "{}", said.stderr);
    assert!(dir.join("run/checkpoints").exists() && dir.join("run/findings.json").exists());
    let resumed = dir.run(&["train", "--resume", "run", "--quiet"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
}

#[test]
fn the_first_error_can_be_treated() {
    let dir = Dir::new();
    dir.small_data();
    let mut args = FIRST.to_vec();
    args.extend(["--on-finding", "treat"]);
    let said = dir.run(&args);
    assert!(said.stderr.contains("starting again"), "{}", said.stderr);
    let treated = fs::read_to_string(dir.join("run-2/traceward.toml")).unwrap();
    assert_ne!(treated, fs::read_to_string(dir.join("run/traceward.toml")).unwrap());
}

#[test]
fn without_the_doctor_nothing_is_looked_for() {
    let dir = Dir::new();
    dir.small_data();
    let mut args = FIRST.to_vec();
    args.push("--no-doctor");
    let said = dir.run(&args);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.stderr.contains("[S05]") && !dir.join("run/findings.json").exists(), "{said:?}");
}

#[test]
fn a_check_says_which_learning_rate_to_take() {
    let dir = Dir::new();
    dir.small_data();
    let check = ["train", "small.jsonl", "--check", "--split", "grouped", "--learning-rate", "0.003"];
    let json = dir.json(&check);
    let probes = &json["probes"];
    assert_eq!(probes["start"]["formula"], "ln 2");
    assert!(probes["overfit"]["accuracy"].as_f64().unwrap() >= 0.95, "{probes}");
    assert!(probes["input"]["p"].as_f64().unwrap() <= 0.01, "{probes}");
    let suggested = probes["range"]["suggested"].as_f64().unwrap();
    assert!((1e-5..1.0).contains(&suggested), "{suggested}");
    let said = dir.run(&check);
    assert!(said.stdout.contains("Learning rates") && said.stdout.contains('•'), "{}", said.stdout);
    assert!(!dir.join("runs").exists(), "a check keeps nothing");
}

#[test]
fn a_check_of_steps_a_thousand_times_too_large_names_them() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.run(&[
        "train",
        "small.jsonl",
        "--check",
        "--split",
        "grouped",
        "--learning-rate",
        "3",
        "--format",
        "json",
    ]);
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    let rules = rules(&json["doctor"]);
    assert!(rules.iter().any(|rule| rule == "P04"), "{rules:?}");
}
