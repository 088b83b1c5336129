//! `eval DATA`: models judged by a protocol, in one command.

use std::fs;

use serde_json::Value;

use crate::harness::Dir;

/// Two models of which the second is the standing baseline, on few folds.
const QUICK: [&str; 8] = ["--model", "svm-3,svm", "--folds", "4", "--seeds", "1", "--threads", "1"];

fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    first.iter().chain(&QUICK).chain(more).copied().collect()
}

#[test]
fn data_is_judged_honestly_without_being_asked() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.json(&with(&["eval", "small.jsonl"], &["--out", "judged"]));
    assert_eq!((said["protocol"].as_str(), said["model"].as_str()), (Some("honest"), Some("svm-3")));
    for key in ["accuracy", "macro_f1", "auc"] {
        assert!(said[key].as_f64().unwrap() > 0.95, "{key}: {}", said[key]);
        assert_eq!(said["intervals"][key].as_array().unwrap().len(), 2, "{key}");
    }
    for key in ["dr_at_far", "per_class", "confusion", "thresholds", "families", "incidents", "flaws"] {
        assert!(!said[key].is_null(), "{key}");
    }
    let names = |list: &str| -> Vec<&str> {
        said[list]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|b| b["name"].as_str().or(b["model"].as_str()))
            .collect()
    };
    assert_eq!((names("baselines"), names("models")), (vec!["always normal", "svm"], vec!["svm"]));
    assert_eq!(said["comparisons"][0]["with"], "svm");
    let kept: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("judged/evaluation.json")).unwrap()).unwrap();
    assert_eq!(kept["macro_f1"], said["macro_f1"]);
    assert!(fs::read_to_string(dir.join("judged/evaluation.html")).unwrap().contains("ROC point"));
}

#[test]
fn text_shows_the_threshold_and_the_roc_point() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.run(&with(&["eval", "small.jsonl"], &[]));
    assert_eq!(said.code, Some(0), "{said:?}");
    for needle in ["honest protocol", "ROC point", "95 % intervals", "svm-3", "always normal", "Incidents"] {
        assert!(said.stdout.contains(needle), "{needle}: {said:?}");
    }
    assert!(said.stderr.contains("of 4 trainings done"), "{said:?}");
}

#[test]
fn a_random_split_comes_with_what_it_flatters_by() {
    let dir = Dir::new();
    dir.small_data();
    let random = with(&["eval", "small.jsonl", "--protocol", "random"], &[]);
    let said = dir.run(&random);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("Random folds with copies change what svm-3 seems to be worth"), "{said:?}");
    let without = dir.json(&with(&["eval", "small.jsonl", "--protocol", "random", "--no-compare"], &[]));
    assert!(without["inflation"].is_null());
}

#[test]
fn what_a_protocol_lacks_is_said() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.run(&with(&["eval", "small.jsonl", "--protocol", "leave-one-family-out"], &[]));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("a second attack family"), "{said:?}");
    let said = dir.run(&with(&["eval", "small.jsonl", "--only", "nothing"], &[]));
    assert!(said.code == Some(2) && said.stderr.contains("\"nothing\" in its name"), "{said:?}");
    let said = dir.run(&["eval", "small.jsonl", "--model", "no-such-model"]);
    assert!(said.code == Some(2) && said.stderr.contains("svm"), "{said:?}");
}

#[test]
fn a_kept_model_is_judged_by_no_protocol() {
    let dir = Dir::new();
    let said = dir.run(&["eval", "kept.safetensors", "--protocol", "honest"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("--protocol is about training"), "{said:?}");
}
