//! What can be done with a kept model: `eval`, `score`, `model inspect`, `runs`.

use std::fs;

use serde_json::Value;

use crate::harness::Dir;

/// A folder with a trained run in it.
fn trained() -> Dir {
    let dir = Dir::new();
    dir.small_data();
    dir.json(&[
        "train",
        "small.jsonl",
        "--epochs",
        "12",
        "--learning-rate",
        "0.01",
        "--seed",
        "3",
        "--out",
        "runs/one",
        "-q",
    ]);
    dir
}

#[test]
fn eval_on_the_training_set_uses_its_validation_side() {
    let dir = trained();
    let kept: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("runs/one/evaluation.json")).unwrap()).unwrap();
    let again = dir.json(&["eval", "runs/one", "small.jsonl"]);
    for key in ["accuracy", "macro_f1", "auc", "confusion", "per_class", "dr_at_far"] {
        assert_eq!(again[key], kept[key], "{key}");
    }
    let text = dir.run(&["eval", "runs/one/model.safetensors", "small.jsonl"]);
    assert_eq!(text.code, Some(0));
    assert!(text.stderr.contains("validation side"), "{text:?}");
}

#[test]
fn eval_on_other_traces_uses_them_all() {
    let dir = trained();
    let text = fs::read_to_string(dir.join("small.jsonl")).unwrap();
    let some: Vec<&str> = text.lines().step_by(3).collect();
    dir.write("other.jsonl", some.join("\n"));
    let said = dir.json(&["eval", "runs/one", "other.jsonl"]);
    let support: u64 =
        said["per_class"].as_object().unwrap().values().map(|c| c["support"].as_u64().unwrap()).sum();
    assert_eq!(support, some.len() as u64);
}

#[test]
fn score_gives_a_line_a_trace() {
    let dir = trained();
    let said = dir.run(&["score", "runs/one", "small.jsonl"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<Value> = said.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 80);
    assert_eq!(lines[4]["source"].as_str().unwrap().rsplit('/').next().unwrap(), "small.jsonl:5");
    for line in &lines {
        let sum: f64 = line["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{line}");
        let p_attack = line["p_attack"].as_f64().unwrap();
        assert!((p_attack - line["probabilities"]["probe"].as_f64().unwrap()).abs() < 1e-6, "{line}");
        assert_eq!(line["verdict"] == "normal", line["family"].is_null(), "{line}");
        assert_eq!(line["tainted"], false);
    }
    let right =
        lines.iter().enumerate().filter(|(i, line)| (*i < 40) == (line["verdict"] == "normal")).count();
    assert!(right > 76, "{right} of 80 right");
}

#[test]
fn score_does_not_depend_on_company() {
    let dir = trained();
    let text = fs::read_to_string(dir.join("small.jsonl")).unwrap();
    let alone = text.lines().nth(17).unwrap();
    dir.write("alone.jsonl", alone);
    let all = dir.run(&["score", "runs/one", "small.jsonl"]);
    let one = dir.run(&["score", "runs/one", "alone.jsonl"]);
    let probabilities = |line: &str| serde_json::from_str::<Value>(line).unwrap()["probabilities"].clone();
    assert_eq!(probabilities(all.stdout.lines().nth(17).unwrap()), probabilities(one.stdout.trim()));
}

#[test]
fn score_says_what_share_of_calls_another_abi_lacks() {
    let dir = trained();
    dir.write(
        "i386.jsonl",
        "{\"calls\": [\"open\", \"read\", \"close\", \"socketcall\", \"fstat64\"], \"abi\": \"i386\"}\n",
    );
    let said = dir.run(&["score", "runs/one", "i386.jsonl"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("i386") && said.stderr.contains('%'), "{said:?}");
}

#[test]
fn inspect_and_show() {
    let dir = trained();
    let model = dir.json(&["model", "inspect", "runs/one"]);
    assert_eq!(model["classes"], serde_json::json!(["normal", "probe"]));
    assert_eq!(model["abi"], "x86_64");
    let text = dir.run(&["model", "inspect", "runs/one/model.safetensors"]);
    assert!(text.stdout.contains("bidirectional"), "{text:?}");

    let runs = dir.json(&["runs", "list"]);
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
    assert_eq!(runs[0]["status"], "finished", "{runs}");
    let shown = dir.run(&["runs", "show", "runs/one"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("macro-F1"), "{shown:?}");
    let newest = dir.json(&["runs", "show"]);
    assert_eq!(newest["epochs"], 12, "{newest}");
}

#[test]
fn no_runs_yet() {
    let said = Dir::new().run(&["runs", "list"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("traceward train"), "{said:?}");
}
