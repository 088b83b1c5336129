//! `train`, and what it leaves behind.

use std::fs;

use serde_json::Value;

use crate::harness::Dir;

/// A few epochs on the small data.
const QUICK: [&str; 11] = [
    "train",
    "small.jsonl",
    "--preset",
    "article-5",
    "--epochs",
    "3",
    "--seed",
    "7",
    "--out",
    "run",
    "--quiet",
];

fn quick(dir: &Dir, more: &[&str]) -> Value {
    let mut args = QUICK.to_vec();
    args.extend(more);
    dir.json(&args)
}

#[test]
fn learns_what_can_be_learnt() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.json(&[
        "train",
        "small.jsonl",
        "--epochs",
        "20",
        "--learning-rate",
        "0.01",
        "--out",
        "run",
        "--split",
        "grouped",
    ]);
    assert_eq!(said["epochs"], 20);
    assert!(said["evaluation"]["macro_f1"].as_f64().unwrap() > 0.95, "{said}");
    assert!(said["seconds_per_epoch"].as_f64().unwrap() > 0.0);
    for file in [
        "traceward.toml",
        "history.csv",
        "steps.csv",
        "model.safetensors",
        "evaluation.json",
        "report.html",
        "checkpoints",
        "tensorboard",
    ] {
        assert!(dir.join("run").join(file).exists(), "{file} is missing");
    }
    let history = fs::read_to_string(dir.join("run/history.csv")).unwrap();
    assert!(history.starts_with("epoch,accuracy,loss,val_accuracy,val_loss"), "{history}");
    assert_eq!(history.lines().count(), 21);
}

#[test]
fn text_ends_with_what_to_try_next() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.run(&["train", "small.jsonl", "--epochs", "2", "--out", "run"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for needle in ["macro-F1", "AUC", "precision", "1 %", "0.1 %", "run", "traceward eval", "traceward score"]
    {
        assert!(said.stdout.contains(needle), "{needle:?} is missing: {said:?}");
    }
    assert!(said.stderr.contains("poch 1/2"), "progress on stderr: {said:?}");
    assert!(!said.stderr.contains('\u{1b}'), "no escapes in a pipe: {said:?}");
    let quiet = dir.run(&["train", "small.jsonl", "--epochs", "1", "--out", "run2", "--quiet"]);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn same_seed_same_weights() {
    let weights = |seed: &str, threads: &str| {
        let dir = Dir::new();
        dir.small_data();
        dir.json(&[
            "train",
            "small.jsonl",
            "--epochs",
            "2",
            "--seed",
            seed,
            "--threads",
            threads,
            "--out",
            "run",
            "-q",
        ]);
        weights_of(&dir, "run")
    };
    let first = weights("1", "2");
    assert_eq!(first, weights("1", "2"));
    assert_ne!(first, weights("2", "2"));
}

/// The weights of a run's model, without the metadata that holds times.
pub(crate) fn weights_of(dir: &Dir, run: &str) -> Vec<u8> {
    let bytes = fs::read(dir.join(run).join("model.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn a_config_repeats_a_run() {
    let dir = Dir::new();
    dir.small_data();
    quick(&dir, &["--class-weight", "balanced", "--batch-size", "16", "--max-len", "9"]);
    dir.json(&["train", "--config", "run/traceward.toml", "--out", "again", "-q"]);
    assert_eq!(weights_of(&dir, "run"), weights_of(&dir, "again"));
    assert_eq!(
        fs::read_to_string(dir.join("run/evaluation.json")).unwrap(),
        fs::read_to_string(dir.join("again/evaluation.json")).unwrap()
    );
}

#[test]
fn a_run_directory_is_never_overwritten() {
    let dir = Dir::new();
    dir.small_data();
    quick(&dir, &[]);
    let before = fs::read(dir.join("run/model.safetensors")).unwrap();
    let said = dir.run(&QUICK);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("run"), "{said:?}");
    assert_eq!(fs::read(dir.join("run/model.safetensors")).unwrap(), before);
}

#[test]
fn summary_is_keras_table() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.run(&["train", "small.jsonl", "--preset", "article-5", "--summary"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!dir.join("runs").exists());
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn early_stopping_goes_back_to_the_best_epoch() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.json(&[
        "train",
        "small.jsonl",
        "--epochs",
        "200",
        "--learning-rate",
        "0.03",
        "--patience",
        "3",
        "--out",
        "run",
        "-q",
    ]);
    let epochs = said["epochs"].as_u64().unwrap();
    assert!(epochs < 200, "{said}");
    assert!(said["best_epoch"].as_u64().unwrap() < epochs, "{said}");
}

#[test]
fn two_files_are_the_split() {
    let dir = Dir::new();
    dir.small_data();
    dir.json(&["data", "convert", "small.jsonl", "article", "--to", "csv", "--split", "random"]);
    let said = dir.json(&[
        "train",
        "article/train.csv",
        "article/validation.csv",
        "--epochs",
        "1",
        "--out",
        "run",
        "-q",
        "--preset",
        "article-3",
    ]);
    let validation = fs::read_to_string(dir.join("article/validation.csv")).unwrap().lines().count() - 1;
    let support: u64 = said["evaluation"]["per_class"]
        .as_object()
        .unwrap()
        .values()
        .map(|c| c["support"].as_u64().unwrap())
        .sum();
    assert_eq!(support, validation as u64);
}
