//! Keras model files as Keras wrote them (`models/make.py`), and configurations of real ones where at hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

use std::path::{Path, PathBuf};

use traceward_doctor::facts::{Argument, Layer, Network};
use traceward_doctor::{Level, Place, diagnose, read};

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

fn network(name: &str) -> Network {
    read::keras_model(&model(name)).unwrap().network.unwrap()
}

fn classes(network: &Network) -> Vec<&str> {
    network.layers.iter().map(|layer| layer.class_name.as_str()).collect()
}

fn given(text: &str) -> Argument<String> {
    Argument::Given(text.into())
}

#[test]
fn an_archive_and_an_hdf5_file_of_one_model_say_the_same() {
    let archive = network("sequential.keras");
    assert_eq!(archive, network("sequential.h5"));
    assert_eq!(classes(&archive), ["Dense", "Dropout", "Dense", "Activation"]);
    assert!(!archive.branched);
    assert_eq!(archive.layers[0].activation.value, given("relu"));
    assert_eq!(archive.layers[1].number("rate"), Some(0.3));
    assert_eq!(archive.layers[2].activation.value, Argument::Absent);
    assert_eq!(archive.layers[2].text("kernel_initializer"), Some("zeros"));
    assert_eq!(archive.layers[2].place, Some(Place::Layer { index: 2, name: "out".into() }));
    assert_eq!(archive.output_activation().value, given("softmax"));
    assert_eq!(archive.output_units(), Some(3));
    let compile = archive.compile.unwrap();
    assert_eq!(compile.loss.value, given("categorical_crossentropy"));
    assert_eq!(compile.from_logits, Argument::Given(true));
    assert_eq!(compile.optimizer.value, given("sgd"));
    assert_eq!(compile.learning_rate.value, Argument::Given(0.05));
    assert_eq!(compile.momentum, Argument::Given(0.9));
    assert_eq!(compile.clip, Argument::Given(1.0));
    let metrics: Vec<_> = compile.metrics.iter().map(|metric| metric.value.as_str()).collect();
    assert_eq!(metrics, ["accuracy", "auc"]);
}

#[test]
fn branches_are_seen_and_chains_are_not_branches() {
    let branched = network("functional.keras");
    assert!(branched.branched);
    assert_eq!(
        classes(&branched),
        ["Embedding", "Bidirectional", "GlobalMaxPooling1D", "Concatenate", "Dense"]
    );
    assert_eq!(branched.layers[1].inner.as_deref().map(|inner| inner.class_name.as_str()), Some("LSTM"));
    assert!(branched.is_recurrent());
    let compile = branched.compile.as_ref().unwrap();
    assert_eq!(compile.learning_rate.value, Argument::Given(0.01));
    assert_eq!(compile.schedule.as_deref(), Some("ExponentialDecay"));

    let bare = network("functional.json");
    assert_eq!(bare.layers, branched.layers);

    let chain = network("chain.json");
    assert!(!chain.branched);
    assert_eq!(classes(&chain), ["Dense", "ReLU", "Dense"]);
}

#[test]
fn keras_2_says_lr_and_lists_its_layers() {
    let old = network("keras2.h5");
    assert_eq!(classes(&old), ["Dense", "Activation", "Dense"]);
    let compile = old.compile.unwrap();
    assert_eq!(compile.learning_rate.value, Argument::Given(3.0));
    assert_eq!(compile.loss.value, given("mean_squared_error"));
}

#[test]
fn what_is_no_model_says_why() {
    let error = read::keras_model(&model("weights.h5")).unwrap_err().to_string();
    assert!(error.contains("weights.h5") && error.contains("only weights"), "{error}");
    let error = read::keras_model(&model("make.py")).unwrap_err().to_string();
    assert!(error.contains("no JSON"), "{error}");
    assert!(read::keras_model(&model("nowhere.keras")).is_err());
    assert!(read::keras_json("{}").is_err());
    assert!(read::keras_json("[1, 2]").is_err());
    let torn = std::fs::read(model("sequential.keras")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("torn.keras", &torn[..torn.len() / 2]), ("torn.h5", b"\x89HDF\r\n\x1a\n\0\0".as_slice())]
    {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert!(read::keras_model(&path).is_err());
    }
}

#[test]
fn kinds_are_seen_in_the_bytes() {
    for name in ["sequential.keras", "sequential.h5", "functional.json", "keras2.h5"] {
        let bytes = std::fs::read(model(name)).unwrap();
        assert!(read::is_keras_model(&bytes[..bytes.len().min(512)]), "{name}");
    }
    assert!(!read::is_keras_model(b"import keras\n"));
    assert!(!read::is_keras_model(br#"{"loss": [1, 2]}"#));
}

/// Configurations of 33 real files, faulty and healthy.
#[test]
fn real_configurations_are_read() {
    let cases = std::env::var("TRACEWARD_CASES").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/doctor/cases")),
        PathBuf::from,
    );
    let path = cases.join("h5_configs/configs.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let files: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(files.len() > 20);
    for (name, file) in files {
        let evidence = read::keras_json(&file["model_config"].to_string()).unwrap();
        let network = evidence.network.as_ref().unwrap();
        let weighted = network.layers.iter().filter(|layer| layer.has_weights()).count();
        assert!(weighted > 0, "{name}");
        assert!(
            network.layers.iter().filter(|layer| layer.is_dense()).all(|layer| layer
                .innermost()
                .units
                .given()
                .is_some())
        );
        let errors = diagnose(&evidence).findings.into_iter().filter(|finding| finding.level == Level::Error);
        let rules: Vec<_> = errors.map(|finding| (finding.rule, finding.symptom)).collect();
        println!("{}: {} layers, {rules:?}", name.rsplit('/').nth(1).unwrap_or(&name), network.layers.len());
        assert!(network.layers.iter().all(|layer: &Layer| !layer.name.is_empty()));
    }
}
