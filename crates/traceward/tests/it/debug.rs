//! `debug`: a broken training in, its story and its cure out.

use std::fs;

use serde_json::Value;

use crate::harness::Dir;

/// A short debugging of the article's first network on the small data.
const ARGS: [&str; 13] = [
    "debug",
    "small.jsonl",
    "--preset",
    "article-1",
    "--epochs",
    "4",
    "--seeds",
    "2",
    "--max-len",
    "20",
    "--budget",
    "60s",
    "--quiet",
];

fn debugged(dir: &Dir, more: &[&str]) -> Value {
    let mut args = ARGS.to_vec();
    args.extend(["--out", "story", "--format", "json"]);
    args.extend(more);
    let said = dir.run(&args);
    assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
    serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {said:?}"))
}

#[test]
fn every_trial_is_written_down_and_what_was_kept_is_a_plan() {
    let dir = Dir::new();
    dir.small_data();
    let said = debugged(&dir, &[]);
    let steps = said["record"]["steps"].as_array().unwrap();
    let found: Vec<&str> =
        steps[0]["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    for rule in ["S01", "S05", "S09", "D01"] {
        assert!(found.contains(&rule), "{rule} is missing: {found:?}");
    }
    let trials: Vec<&Value> =
        steps.iter().flat_map(|step| step["trials"].as_array().into_iter().flatten()).collect();
    assert!(!trials.is_empty());
    for trial in &trials {
        assert!(trial["change"].as_str().unwrap().contains("@@"), "{trial}");
        assert_eq!(trial["before"].as_array().unwrap().len(), 2, "{trial}");
        assert!(!trial["why"].as_str().unwrap().is_empty(), "{trial}");
    }
    assert!(trials.iter().any(|trial| trial["verdict"] == "accepted"), "{trials:?}");
    for file in [
        "debug.md",
        "debug.html",
        "debug.json",
        "traceward.toml",
        "runs/001/history.csv",
        "final/model.safetensors",
    ] {
        assert!(dir.join("story").join(file).exists(), "{file} is missing");
    }
    let cured = fs::read_to_string(dir.join("story/traceward.toml")).unwrap();
    let first = fs::read_to_string(dir.join("story/runs/001/traceward.toml")).unwrap();
    assert!(first.contains("\"sigmoid\"") && first.contains("shuffle_first = false"), "{first}");
    assert_ne!(cured, first);
    let record: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("story/debug.json")).unwrap()).unwrap();
    assert_eq!(record, said["record"]);
    assert_ne!(record["outcome"], "running");
}

#[test]
fn the_cured_plan_is_a_file_that_train_repeats() {
    let dir = Dir::new();
    dir.small_data();
    debugged(&dir, &["--no-final"]);
    assert!(!dir.join("story/final").exists());
    let said = dir.json(&[
        "train",
        "small.jsonl",
        "--config",
        "story/traceward.toml",
        "--epochs",
        "1",
        "--out",
        "run",
        "-q",
    ]);
    assert_eq!(said["epochs"], 1);
}

#[test]
fn wrong_use_is_said_before_anything_is_trained() {
    let dir = Dir::new();
    dir.small_data();
    for (args, needle) in [
        (&["debug", "small.jsonl", "--budget", "soon"][..], "90s"),
        (&["debug", "small.jsonl", "--seeds", "0"][..], "seeds"),
        (&["debug", "nowhere.jsonl"][..], "nowhere.jsonl"),
    ] {
        let said = dir.run(args);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(needle), "{said:?}");
    }
    dir.write("story/debug.json", "{}");
    let said = dir.run(&["debug", "small.jsonl", "--out", "story"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("already holds a debugging"), "{said:?}");
}
