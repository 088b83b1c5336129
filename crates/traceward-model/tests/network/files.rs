//! Model files: whole, or refused.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use traceward_model::ModelFile;
use traceward_run::About;
use traceward_run::config::Input;
use traceward_run::tensors::{self, TensorRef};
use traceward_trace::split::{Method, SplitConfig};
use traceward_trace::{Abi, Vocabulary};

use crate::nets::{all, built, slices, traces};

fn model(place: usize) -> ModelFile {
    let names = ["read", "write", "open", "close", "mmap"].map(str::to_owned).into();
    let about = About {
        version: "0.1.0".into(),
        vocabulary: Vocabulary { abi: Abi::I386, names },
        classes: ["normal", "hydra_ftp", "web_shell"].map(str::to_owned).into(),
        input: Input { max_len: Some(500), ..Input::default() },
        fingerprint: "abc".into(),
        split: Some(SplitConfig {
            method: Method::Grouped,
            validation_share: 0.2,
            seed: 1,
            shuffle_first: false,
        }),
        calibration: Some(json!({"far": 0.01})),
        metrics: [("accuracy".to_owned(), json!(0.75))].into_iter().collect(),
    };
    ModelFile { about, network: built(&all()[place]) }
}

#[test]
fn a_model_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let traces = traces(&[5, 1, 8]);
    for place in 0..all().len() {
        let (first, second) = (dir.path().join("a.safetensors"), dir.path().join("b.safetensors"));
        let model = model(place);
        model.save(&first).unwrap();
        let loaded = ModelFile::load(&first).unwrap();
        assert_eq!(loaded.about, model.about);
        assert_eq!(loaded.network.parameters(), model.network.parameters());
        assert_eq!(loaded.network.spec(), model.network.spec());
        let predict = |model: &ModelFile| model.network.predict(&slices(&traces)).unwrap();
        assert_eq!(predict(&loaded), predict(&model));
        loaded.save(&second).unwrap();
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    }
}

#[test]
fn others_read_the_file_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    model(4).save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(read.tensor("bidirectional/backward_lstm/recurrent_kernel").unwrap().shape(), [4, 16]);
    assert_eq!(read.tensor("embedding/embeddings").unwrap().shape(), [7, 5]);
}

fn refusal(path: &Path) -> String {
    ModelFile::load(path).unwrap_err().to_string().replace(&*path.to_string_lossy(), "FILE")
}

#[test]
fn every_kind_of_wrong_file_has_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    assert!(refusal(&path).starts_with("cannot read FILE: "));
    fs::write(&path, b"").unwrap();
    assert!(refusal(&path).starts_with("FILE: not a traceward model: no safetensors file, or a damaged one"));

    let model = model(0);
    let arrays: Vec<TensorRef<'_>> = model
        .network
        .parameters()
        .iter()
        .map(|p| TensorRef { name: &p.name, shape: &p.shape, values: &p.values })
        .collect();
    let written = |change: &dyn Fn(&mut Value), arrays: &[TensorRef<'_>]| {
        model.save(&path).unwrap();
        let (document, _) = tensors::read(&path).unwrap();
        let mut document: Value = serde_json::from_str(&document).unwrap();
        change(&mut document);
        tensors::write(&path, &document.to_string(), arrays).unwrap();
        refusal(&path)
    };
    let text = written(&|d| d["format"] = json!(2), &arrays);
    assert_eq!(text, "FILE: not a traceward model: its format is 2, and this version reads 1");
    let text = written(&|d| d["classes"] = json!(["a", "b"]), &arrays);
    assert!(text.contains("2 classes") || text.contains("(None, 2)"), "{text}");
    let text = written(&|d| d["spec"]["layers"][1]["config"]["units"] = json!(5), &arrays);
    assert!(text.ends_with("weight lstm/kernel: its shape is [5, 16], and must be [5, 20]"), "{text}");
    let text = written(&|d| d["spec"]["layers"][1]["config"]["units"] = json!(1u64 << 40), &arrays);
    assert!(text.contains("lstm"), "{text}");
    let text = written(&|_| (), &arrays[1..]);
    assert!(text.ends_with("weight embedding/embeddings: it is missing"), "{text}");
    let more: Vec<_> =
        arrays.iter().copied().chain([TensorRef { name: "more", shape: &[1], values: &[0.0] }]).collect();
    let text = written(&|_| (), &more);
    assert!(text.ends_with("weight more: the network has no such weight"), "{text}");
}

/// A model's file, written once: a write waits for the disk.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("whole.safetensors");
        model(4).save(&path).unwrap();
        fs::read(path).unwrap()
    })
}

/// Every number in a document, by its path, to be replaced.
fn numbers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| numbers(item, &format!("{at}/{i}"), found));
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| numbers(item, &format!("{at}/{key}"), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_damaged_file_is_refused_and_never_loads_as_something_else(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = whole().to_vec();
        for (place, change) in &flips {
            let place = place.index(bytes.len());
            bytes[place] ^= change;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let path = dir.path().join("damaged.safetensors");
        fs::write(&path, &bytes).unwrap();
        if let Ok(model_read) = ModelFile::load(&path) {
            // Only blanks behind the header may change without harm.
            let expected = model(4);
            prop_assert_eq!(model_read.network.parameters(), expected.network.parameters());
            prop_assert_eq!(model_read.about, expected.about);
        }
    }

    #[test]
    fn a_document_with_senseless_numbers_is_refused_without_panic(
        which in any::<prop::sample::Index>(),
        new in prop::sample::select(vec![
            json!(0), json!(1), json!(-1), json!(3.5), json!(1e300), json!(u64::MAX), json!(1u64 << 33), json!("x"), json!(null),
        ]),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.safetensors");
        fs::write(&path, whole()).unwrap();
        let (document, arrays) = tensors::read(&path).unwrap();
        let mut document: Value = serde_json::from_str(&document).unwrap();
        let mut places = Vec::new();
        numbers(&document, "", &mut places);
        *document.pointer_mut(&places[which.index(places.len())]).unwrap() = new;
        let arrays: Vec<_> =
            arrays.iter().map(|(name, shape, values)| TensorRef { name, shape, values }).collect();
        tensors::write(&path, &document.to_string(), &arrays).unwrap();
        let _ = ModelFile::load(&path);
    }
}
