//! `doctor`: other people's logs and scripts in, findings out.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Dir, Said};

/// A log of `epochs` rows as Keras' CSVLogger writes it; losses as functions of the epoch.
fn log(epochs: u32, loss: impl Fn(f64) -> f64, val_loss: impl Fn(f64) -> f64) -> String {
    let mut text = "epoch,loss,val_loss\n".to_owned();
    for epoch in 0..epochs {
        let at = f64::from(epoch);
        writeln!(text, "{epoch},{},{}", loss(at), val_loss(at)).unwrap();
    }
    text
}

fn overfitting() -> String {
    log(30, |e| 1.5 * (-e / 6.0).exp() + 0.01, |e| 0.5 + (e - 8.0).powi(2) / 300.0)
}

const SCRIPT: &str = r#"from keras.models import Sequential
from keras.layers import Dense, LSTM, Embedding
from keras.optimizers import Adam

model = Sequential()
model.add(Embedding(200, 32))
model.add(LSTM(32))
model.add(Dense(64)
model.add(Dense(7, activation='sigmond'))
model.compile(loss='categorical_crossentropy', optimizer=Adam(0.01), metrics=['accuracy'])
"#;

fn json_of(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {said:?}"))
}

fn rules(document: &Value) -> Vec<&str> {
    document["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

#[test]
fn a_log_gets_its_word_its_findings_and_what_could_not_be_checked() {
    let dir = Dir::new();
    dir.write("log.csv", overfitting());
    let document = dir.json(&["doctor", "log.csv"]);
    assert_eq!(document["path"], "log.csv");
    assert_eq!(document["kind"], "CSV log");
    assert_eq!(document["primary"], "OVERFIT");
    let finding = &document["findings"][0];
    assert_eq!(finding["rule"], "C11");
    assert_eq!(finding["level"], "warning");
    assert!((7..=9).contains(&finding["epoch"].as_u64().unwrap()), "{finding}");
    assert!(!finding["causes"].as_array().unwrap().is_empty());
    assert!(!finding["treatments"].as_array().unwrap().is_empty());
    assert!(!document["not_checked"].as_array().unwrap().is_empty());
}

#[test]
fn the_exit_code_follows_the_level() {
    let dir = Dir::new();
    dir.write("overfit.csv", overfitting());
    dir.write("nan.csv", "epoch,loss\n0,1.0\n1,nan\n2,nan\n3,nan\n");
    assert_eq!(dir.run(&["doctor", "overfit.csv"]).code, Some(0), "a warning");
    assert_eq!(dir.run(&["doctor", "overfit.csv", "--fail-on", "warning"]).code, Some(1));
    assert_eq!(dir.run(&["doctor", "nan.csv"]).code, Some(1), "an error");
    assert_eq!(dir.run(&["doctor", "nan.csv", "--fail-on", "never"]).code, Some(0));
}

#[test]
fn a_script_is_read_although_it_does_not_parse() {
    let dir = Dir::new();
    dir.write("train.py", SCRIPT);
    let said = dir.run(&["doctor", "train.py"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("train.py:8:"), "the line with the bracket: {}", said.stdout);
    assert!(said.stdout.contains("\"sigmoid\""), "{}", said.stdout);
    let document = json_of(&dir.run(&["doctor", "train.py", "--format", "json"]));
    let found = rules(&document);
    for rule in ["S00", "S07", "S05", "S09"] {
        assert!(found.contains(&rule), "{rule} is missing among {found:?}");
    }
    let bracket = document["findings"].as_array().unwrap().iter().find(|f| f["rule"] == "S00").unwrap();
    assert_eq!(bracket["place"]["line"], 8, "{bracket}");
}

#[test]
fn a_script_explains_its_log() {
    let dir = Dir::new();
    dir.write(
        "train.py",
        SCRIPT.replace("Dense(64)\n", "Dense(64, activation='relu'))\n").replace("sigmond", "sigmoid"),
    );
    let stuck = log(20, |e| 1.9459 + 1e-4 * (e * 7.0).sin(), |e| 1.9459 + 1e-4 * (e * 5.0).cos());
    dir.write("log.csv", stuck);
    let said = dir.run(&["doctor", "--together", "train.py", "log.csv", "--format", "json"]);
    let document = json_of(&said);
    assert_eq!(document["primary"], "STUCK");
    let found = rules(&document);
    assert!(found.contains(&"C04") && found.contains(&"S01"), "{found:?}");
    assert_eq!(document["causes"][0]["kind"], "output_activation", "{}", document["causes"]);
    let twice = dir.run(&["doctor", "--together", "train.py", "train.py"]);
    assert_eq!(twice.code, Some(2), "{twice:?}");
}

#[test]
fn standard_input_is_read_and_several_trainings_are_an_array() {
    let dir = Dir::new();
    dir.write("log.csv", overfitting());
    let mut child = dir
        .command(["doctor", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = "Epoch 1/3\n10/10 [====] - 1s 4ms/step - loss: 2.3026 - accuracy: 0.1000\nEpoch 2/3\n\
                10/10 [====] - 1s 4ms/step - loss: nan - accuracy: 0.0980\nEpoch 3/3\n\
                10/10 [====] - 1s 4ms/step - loss: nan - accuracy: 0.0980\n";
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["primary"], "NAN");
    assert_eq!(output.status.code(), Some(1));

    dir.write("nan.csv", "epoch,loss\n0,1.0\n1,nan\n2,nan\n3,nan\n");
    let several = json_of(&dir.run(&["doctor", "log.csv", "nan.csv", "--format", "json"]));
    let primaries: Vec<&Value> =
        several.as_array().unwrap().iter().map(|document| &document["primary"]).collect();
    assert_eq!(primaries, ["OVERFIT", "NAN"]);
}

#[test]
fn a_folder_is_searched_for_what_can_be_read() {
    let dir = Dir::new();
    dir.write("project/src/train.py", SCRIPT);
    dir.write("project/src/helper.py", "import os\nprint(os.getcwd())\n");
    dir.write("project/logs/log.csv", overfitting());
    dir.write("project/notes.md", "nothing\n");
    let said = dir.run(&["doctor", "project", "--format", "json"]);
    let documents = json_of(&said);
    let kinds: Vec<&Value> = documents.as_array().unwrap().iter().map(|document| &document["kind"]).collect();
    assert_eq!(kinds, ["CSV log", "Python script"], "{said:?}");
}

#[test]
fn every_format_is_written() {
    let dir = Dir::new();
    dir.write("train.py", SCRIPT);
    let sarif = json_of(&dir.run(&["doctor", "train.py", "--format", "sarif"]));
    assert_eq!(sarif["version"], "2.1.0");
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
    let html = dir.run(&["doctor", "train.py", "--format", "html"]).stdout;
    assert!(html.to_lowercase().starts_with("<!doctype html>") && html.contains("sigmond"));
    assert!(dir.run(&["doctor", "train.py", "--format", "markdown"]).stdout.starts_with("# "));
    let elsewhere = dir.run(&["data", "inspect", "--format", "sarif"]);
    assert_eq!(elsewhere.code, Some(2), "{elsewhere:?}");
}

#[test]
fn pages_of_rules_are_printed() {
    let dir = Dir::new();
    let page = dir.run(&["doctor", "--explain", "c11"]);
    assert!(page.stdout.starts_with("C11: overfitting"), "{page:?}");
    let list = dir.run(&["doctor", "--explain"]);
    assert!(list.stdout.lines().count() > 61, "{}", list.stdout);
    let unknown = dir.run(&["doctor", "--explain", "X1"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

#[test]
fn what_cannot_be_read_is_said_with_the_way_out() {
    let dir = Dir::new();
    dir.write("empty.csv", "");
    dir.write("noise.bin", [0_u8, 159, 146, 150, 7, 7, 200].repeat(40));
    for path in ["empty.csv", "noise.bin", "nowhere.csv"] {
        let said = dir.run(&["doctor", path]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.stderr.contains(path), "{said:?}");
    }
    let nothing = dir.run(&["doctor"]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("traceward doctor PATH"), "{nothing:?}");
}

#[test]
fn a_growing_log_is_followed_until_it_is_interrupted() {
    let dir = Dir::new();
    let full = overfitting();
    let lines: Vec<&str> = full.lines().collect();
    dir.write("log.csv", format!("{}\n", lines[..4].join("\n")));
    let mut child = dir
        .command(["doctor", "--watch=0.05", "log.csv", "--format", "json", "-q"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    dir.write("log.csv", format!("{}\n", lines.join("\n")));
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["finding"]["rule"], "C11", "{told}");
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
