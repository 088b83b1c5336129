//! Wrong use and broken files: one clear error, exit code 2, nothing written.

use std::fs;

use crate::harness::{Dir, Said};

/// Exactly one line starts with `error:`, it holds `needle`, and nothing was left in the folder.
fn fails_with(dir: &Dir, args: &[&str], needle: &str) -> Said {
    let before = names(dir);
    let said = dir.run(args);
    assert_eq!(said.code, Some(2), "{said:?}");
    let errors: Vec<&str> = said.stderr.lines().filter(|l| l.starts_with("error")).collect();
    assert_eq!(errors.len(), 1, "{said:?}");
    assert!(said.stderr.contains(needle), "wanted {needle:?} in {said:?}");
    assert!(said.stdout.is_empty(), "{said:?}");
    assert_eq!(names(dir), before, "something was written: {said:?}");
    said
}

fn names(dir: &Dir) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn missing_file() {
    let dir = Dir::new();
    fails_with(&dir, &["train", "nowhere.csv"], "nowhere.csv: no such file or folder");
    fails_with(&dir, &["data", "inspect", "nowhere"], "no such file or folder");
    fails_with(&dir, &["eval", "nowhere.safetensors"], "nowhere.safetensors");
    fails_with(&dir, &["score", "nowhere.safetensors", "also-nowhere"], "nowhere.safetensors");
    fails_with(&dir, &["model", "inspect", "nowhere"], "nowhere");
    fails_with(&dir, &["runs", "show", "nowhere"], "nowhere");
    fails_with(&dir, &["train", "--config", "nowhere.toml"], "nowhere.toml");
    fails_with(&dir, &["train", "--resume", "nowhere"], "nowhere");
}

#[test]
fn wrong_flags() {
    let dir = Dir::new();
    let said = dir.run(&["train", "--preset", "article-9"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("article-5"), "{said:?}");
    fails_with(&dir, &["train", "--epochs", "0"], "epochs");
    fails_with(&dir, &["train", "--batch-size", "0"], "batch");
    fails_with(&dir, &["train", "--learning-rate", "-1"], "learning");
    fails_with(&dir, &["train", "--validation-share", "1.5"], "validation");
    fails_with(&dir, &["train", "--threads", "0"], "--threads 0");
    fails_with(&dir, &["data", "inspect", "--abi", "vax"], "unknown ABI");
    fails_with(&dir, &["data", "inspect", "--parts", "attic"], "no part");
}

#[test]
fn garbage_is_named_for_what_it_is_not() {
    let dir = Dir::new();
    dir.write("garbage.bin", [0_u8, 159, 146, 150, 7, 7, 7]);
    fails_with(&dir, &["train", "garbage.bin"], "garbage.bin");
    dir.write("empty.csv", "");
    fails_with(&dir, &["train", "empty.csv"], "empty.csv");
    dir.write("model.safetensors", b"not a model");
    fails_with(&dir, &["model", "inspect", "model.safetensors"], "model.safetensors");
}

#[test]
fn a_bad_row_is_counted_named_and_skipped() {
    let dir = Dir::new();
    let path = dir.small_data();
    let mut text = fs::read_to_string(&path).unwrap();
    text.insert_str(0, "{\"calls\": [\"read\", \n");
    fs::write(&path, text).unwrap();
    let said = dir.run(&["data", "inspect", "small.jsonl"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("1 bad row or file skipped"), "{said:?}");
    assert!(said.stderr.contains("small.jsonl:1: "), "{said:?}");
    fails_with(&dir, &["data", "inspect", "small.jsonl", "--strict"], "small.jsonl:1: ");
}

#[test]
fn a_config_with_a_typo_names_the_line() {
    let dir = Dir::new();
    dir.write("config.toml", "seed = 1\nepochz = 3\n");
    fails_with(&dir, &["train", "--config", "config.toml"], "config.toml");
}
