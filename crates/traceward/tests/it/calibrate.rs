//! `calibrate`, and what `score` makes of it.

use std::fs;

use serde_json::Value;

use crate::harness::{Dir, Said};

/// A folder with a model in it, and 60 normals that it has not seen (`normals.jsonl`), two attacks and an
/// unlabelled trace beside them (`mixed.jsonl`).
fn trained() -> Dir {
    let dir = Dir::new();
    dir.small_data();
    let said =
        dir.run(&["train", "small.jsonl", "--model", "svm-3", "--seed", "3", "--out", "runs/one", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let row = |i: usize, calls: [&str; 3], class: &str| {
        let calls: Vec<&str> = (0..30 + i % 7).map(|step| calls[(step * (1 + i % 2) + i) % 3]).collect();
        let class = if class.is_empty() { Value::Null } else { class.into() };
        serde_json::json!({ "calls": calls, "class": class, "abi": "x86_64" }).to_string()
    };
    let normals: Vec<String> = (0..60).map(|i| row(i, ["openat", "read", "close"], "normal")).collect();
    dir.write("normals.jsonl", normals.join("\n"));
    let mut mixed = vec![row(1, ["openat", "read", "close"], "")];
    mixed.extend((0..2).map(|i| row(i, ["socket", "connect", "sendto"], "probe")));
    dir.write("mixed.jsonl", format!("{}\n{}", normals.join("\n"), mixed.join("\n")));
    dir.write("attacks.jsonl", mixed[1..].join("\n"));
    dir
}

fn lines(said: &Said) -> Vec<Value> {
    assert_eq!(said.code, Some(0), "{said:?}");
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn calibrate_and_score() {
    let dir = trained();
    let before = lines(&dir.run(&["score", "runs/one", "mixed.jsonl"]));
    assert_eq!((&before[0]["threshold"], &before[0]["p_value"]), (&Value::from(0.5), &Value::Null));

    let report = dir.json(&["calibrate", "runs/one", "normals.jsonl", "--far", "5%"]);
    assert_eq!(
        (&report["normals"], &report["enough"], &report["normals_needed"]),
        (&60.into(), &true.into(), &19.into())
    );
    assert_eq!(report["far"], 0.05);
    assert!(report["guaranteed"].as_f64().unwrap() <= 0.05, "{report}");
    let rates: Vec<f64> =
        report["levels"].as_array().unwrap().iter().map(|l| l["far"].as_f64().unwrap()).collect();
    assert_eq!(rates, [0.001, 0.01, 0.05]);

    let after = lines(&dir.run(&["score", "runs/one", "mixed.jsonl", "--life"]));
    assert_eq!(after.len(), 63);
    let alarms = after[..60].iter().filter(|line| line["verdict"] == "attack").count();
    assert!(alarms <= 3, "5 % of the normals it was calibrated on are 3, not {alarms}");
    for line in &after[61..] {
        assert_eq!((&line["verdict"], &line["family"]), (&"attack".into(), &"probe".into()), "{line}");
        assert_eq!(line["threshold"], report["threshold"]);
        assert!(line["p_value"].as_f64().unwrap() < 0.05, "{line}");
        assert!(line["score"].as_f64() > line["threshold"].as_f64(), "{line}");
        assert!(line["first_alarm"].as_u64().is_some_and(|calls| calls >= 20), "{line}");
        assert!(line["reasons"][0].as_str().unwrap().contains("is above"), "{line}");
        assert!(line["evidence"]["reasons"].is_array(), "{line}");
    }
    let once = lines(&dir.run(&["score", "runs/one", "mixed.jsonl", "--reasons", "none"]));
    assert!(once.iter().all(|line| line["threshold"] == report["threshold_at_end"]));
    assert!(once.iter().all(|line| line["score"] == line["p_attack"] && line.get("evidence").is_none()));
}

#[test]
fn too_few_normals_are_said_to_be() {
    let dir = trained();
    let original = fs::read(dir.join("runs/one/model.safetensors")).unwrap();
    let said = dir.run(&["calibrate", "runs/one", "mixed.jsonl", "--out", "other.safetensors"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("that takes 999"), "{said:?}");
    assert!(said.stderr.contains("2 traces of mixed.jsonl labelled as no normals left out"), "{said:?}");
    assert!(said.stdout.contains("61 normal traces"), "{said:?}");
    assert_eq!(fs::read(dir.join("runs/one/model.safetensors")).unwrap(), original, "--out leaves the model");
    let inspected = dir.json(&["model", "inspect", "other.safetensors"]);
    assert_eq!(inspected["calibration"]["far"], 0.001);
    // Scoring with it repeats the warning; the same normals and the same flags give the same file.
    let scored = dir.run(&["score", "other.safetensors", "attacks.jsonl"]);
    assert!(scored.stderr.contains("too few for a false-alarm rate of 0.001"), "{scored:?}");
    let first = fs::read(dir.join("other.safetensors")).unwrap();
    dir.run(&["calibrate", "runs/one", "mixed.jsonl", "--out", "other.safetensors"]);
    assert_eq!(fs::read(dir.join("other.safetensors")).unwrap(), first);
}

#[test]
fn what_was_trained_on_does_not_calibrate() {
    let dir = trained();
    let report = dir.run(&["calibrate", "runs/one", "small.jsonl", "--far", "10%", "--format", "json"]);
    assert!(report.stderr.contains("only its validation side is used"), "{report:?}");
    let normals = serde_json::from_str::<Value>(&report.stdout).unwrap()["normals"].as_u64().unwrap();
    assert!((1..=16).contains(&normals), "{report:?}");
}

#[test]
fn calibrate_says_what_it_cannot_do() {
    let dir = trained();
    let refused = |args: &[&str], needle: &str| {
        let said = dir.run(args);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(needle), "{needle}: {said:?}");
    };
    refused(&["calibrate", "runs/one", "attacks.jsonl"], "no normal traces");
    refused(&["calibrate", "runs/one", "normals.jsonl", "--far", "0"], "no rate between 0 and 1");
    refused(&["calibrate", "runs/one", "normals.jsonl", "--far", "120%"], "no rate between 0 and 1");
    refused(&["calibrate", "runs/one", "nowhere.jsonl"], "nowhere.jsonl");
    refused(&["score", "runs/one", "normals.jsonl", "--far", "1%"], "traceward calibrate");
    refused(&["score", "runs/one", "normals.jsonl", "--threshold", "1.5"], "no probability");
}

#[test]
fn score_for_people_and_for_scripts() {
    let dir = trained();
    let text = dir.run(&["score", "runs/one", "mixed.jsonl", "--format", "text", "-v"]);
    assert_eq!(text.code, Some(0), "{text:?}");
    assert_eq!(text.stdout.lines().count(), 63);
    assert!(text.stdout.lines().last().unwrap().starts_with("attack probe"), "{text:?}");
    assert!(text.stderr.contains("not calibrated"), "{text:?}");
    assert!(text.stderr.contains("63 traces") && text.stderr.contains("calls/s"), "{text:?}");
    let failing = dir.run(&["score", "runs/one", "mixed.jsonl", "--fail-on-attack", "-q"]);
    assert_eq!((failing.code, failing.stderr.as_str()), (Some(1), ""));
    assert_eq!(
        dir.run(&["score", "runs/one", "normals.jsonl", "--threshold", "1", "--fail-on-attack"]).code,
        Some(0)
    );
    let beginnings = lines(&dir.run(&["score", "runs/one", "mixed.jsonl", "--prefix", "7"]));
    assert!(beginnings.iter().all(|line| line["calls"] == 7));
}
