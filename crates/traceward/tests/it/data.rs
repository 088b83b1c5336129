//! `data inspect`, `convert`, `split`, `fetch`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::harness::{Dir, real_data};

#[test]
fn the_built_in_corpus_is_what_its_card_says() {
    let dir = Dir::new();
    let profile = dir.json(&["data", "inspect"]);
    assert!(profile["traces"].as_u64().unwrap() >= 500);
    assert_eq!(profile["abi"], "x86_64");
    let classes: Vec<&str> = profile["classes"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(classes.len(), 7, "{classes:?}");
    assert!(classes.contains(&"normal"));
}

#[test]
fn inspect_text() {
    let dir = Dir::new();
    dir.small_data();
    let said = dir.run(&["data", "inspect", "small.jsonl"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn formats_hold_the_same_data() {
    let dir = Dir::new();
    dir.small_data();
    let profile = |name: &str| dir.json(&["data", "inspect", name]);
    let original = profile("small.jsonl");
    dir.json(&["data", "convert", "small.jsonl", "a.parquet"]);
    dir.json(&["data", "convert", "a.parquet", "b.jsonl"]);
    for key in ["traces", "calls", "distinct_calls", "distinct_traces", "classes", "lengths"] {
        assert_eq!(profile("a.parquet")[key], original[key], "{key}");
        assert_eq!(profile("b.jsonl")[key], original[key], "{key}");
    }
}

#[test]
fn convert_writes_the_articles_two_files() {
    let dir = Dir::new();
    dir.small_data();
    let written =
        dir.json(&["data", "convert", "small.jsonl", "article", "--to", "csv", "--split", "random"]);
    assert_eq!(written["files"].as_array().unwrap().len(), 2);
    let train = dir.json(&["data", "inspect", "article/train.csv"]);
    let validation = dir.json(&["data", "inspect", "article/validation.csv"]);
    assert_eq!(train["traces"].as_u64().unwrap() + validation["traces"].as_u64().unwrap(), 80);
    // Both at once, as a folder: what a reader of the article would have.
    assert_eq!(dir.json(&["data", "inspect", "article"])["traces"], 80);
    assert_eq!(dir.json(&["data", "inspect", "article/train.csv", "article/validation.csv"])["traces"], 80);
}

#[test]
fn split_keeps_groups_on_one_side() {
    let dir = Dir::new();
    dir.small_data();
    dir.json(&["data", "split", "small.jsonl", "--out", "cut", "--to", "jsonl", "--split", "grouped"]);
    let groups = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        let mut groups: Vec<String> = text
            .lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["group"].to_string())
            .collect();
        groups.sort();
        groups.dedup();
        groups
    };
    let (train, validation) = (groups("cut/train.jsonl"), groups("cut/validation.jsonl"));
    assert!(!validation.is_empty());
    assert!(train.iter().all(|g| !validation.contains(g)), "{train:?} {validation:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = Dir::new();
    dir.small_data();
    let mut child = dir
        .command(["data", "inspect", "small.jsonl"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert!(!stderr.contains("error"), "{stderr}");
}

/// Answers each request on a port of its own with `body`, `times` times.
fn serve(body: Vec<u8>, times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ADFA-LD.zip", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().take(times) {
            let mut stream = stream.unwrap();
            let mut request = [0_u8; 4096];
            let _ = stream.read(&mut request);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    });
    url
}

#[test]
fn fetch_shows_the_licence_and_wants_a_yes() {
    let dir = Dir::new();
    let said = dir.run(&["data", "fetch", "adfa-ld", "--url", "http://127.0.0.1:1/"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("Creech"), "{said:?}");
    assert!(said.stderr.contains("--yes"), "{said:?}");
    assert!(!dir.join("ADFA-LD.zip").exists());
}

#[test]
fn fetch_refuses_another_file() {
    let dir = Dir::new();
    for body in [b"not the data set".to_vec(), vec![7; 3_000_000]] {
        let url = serve(body, 1);
        let said = dir.run(&["data", "fetch", "adfa-ld", "--yes", "--url", &url]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains("not the expected file"), "{said:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "something was left behind");
    }
    dir.write("ADFA-LD.zip", "mine");
    let said = dir.run(&["data", "fetch", "adfa-ld", "--yes"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_eq!(fs::read_to_string(dir.join("ADFA-LD.zip")).unwrap(), "mine");
}

#[test]
fn fetch_says_when_nobody_answers() {
    let dir = Dir::new();
    let said = dir.run(&["data", "fetch", "adfa-ld", "--yes", "--url", "http://127.0.0.1:1/x.zip"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("cannot download http://127.0.0.1:1/x.zip"), "{said:?}");
}

#[test]
fn fetch_downloads_the_real_file() {
    let Some(zip) = real_data("adfa-ld/ADFA-LD.zip") else { return };
    let dir = Dir::new();
    let url = serve(fs::read(&zip).unwrap(), 1);
    let fetched = dir.json(&["data", "fetch", "adfa-ld", "--yes", "--url", &url]);
    assert_eq!(fetched["already_there"], false);
    assert_eq!(fs::read(dir.join("ADFA-LD.zip")).unwrap(), fs::read(&zip).unwrap());
    // The second time nothing is downloaded: nobody serves any more.
    assert_eq!(dir.json(&["data", "fetch", "adfa-ld", "--yes", "--url", &url])["already_there"], true);
}

#[test]
fn adfa_ld_has_the_figures_of_the_literature() {
    let Some(zip) = real_data("adfa-ld/ADFA-LD.zip") else { return };
    let dir = Dir::new();
    let profile = dir.json(&["data", "inspect", zip.to_str().unwrap()]);
    assert_eq!(profile["traces"], 5951);
    assert_eq!(profile["calls"], 2_747_550);
    assert_eq!(profile["distinct_calls"], 175);
    assert_eq!(profile["distinct_traces"], 3852);
    assert_eq!(profile["abi"], "i386");
    assert_eq!(profile["conflicting_groups"], 7);
    assert_eq!(profile["lengths"]["min"], 75);
    assert_eq!(profile["lengths"]["median"], 343);
    assert_eq!(profile["lengths"]["max"], 4494);
    let classes = &profile["classes"];
    for (class, traces) in [
        ("normal", 5205),
        ("Adduser", 91),
        ("Hydra_FTP", 162),
        ("Hydra_SSH", 176),
        ("Java_Meterpreter", 124),
        ("Meterpreter", 75),
        ("Web_Shell", 118),
    ] {
        assert_eq!(classes[class], traces, "{class}");
    }
    // The article's set: the training normals and the attacks.
    let small = dir.json(&["data", "inspect", zip.to_str().unwrap(), "--parts", "training,attack"]);
    assert_eq!(small["traces"], 833 + 746);
}
