//! What Keras computes, we compute: the cases of `reference/keras`, each a network with given weights, a
//! batch, a loss and an optimizer, against its outputs, losses, gradients and weights after some steps.
//! `reference/README.md` describes the files and the measure.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use traceward_model::{Batch, Gradients, Network, Step};
use traceward_run::ModelSpec;
use traceward_run::config::{Loss, Optimizer};
use traceward_run::spec::Layer;
use traceward_train::{OptimizerState, clip_by_global_norm};

/// How far an array may be from Keras', in its largest value.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Case {
    model: ModelSpec,
    compile: Compile,
    batch: Traces,
    weights: BTreeMap<String, Array>,
    masks: Option<serde_json::Value>,
    outputs: Vec<Vec<f64>>,
    training_outputs: Option<Vec<Vec<f64>>>,
    losses: Vec<f64>,
    gradients: BTreeMap<String, Array>,
    final_weights: BTreeMap<String, Array>,
    final_outputs: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Compile {
    loss: Loss,
    optimizer: Optimizer,
    clip_norm: Option<f32>,
}

#[derive(Deserialize)]
struct Traces {
    classes: usize,
    tokens: Vec<Vec<u32>>,
    labels: Vec<u32>,
    sample_weight: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    data: Option<Vec<f64>>,
    lcg: Option<Formula>,
    norm: Option<f64>,
    largest: Option<Vec<(usize, f64)>>,
}

#[derive(Deserialize)]
struct Formula {
    seed: u64,
    scale: f64,
}

impl Array {
    fn values(&self) -> Vec<f32> {
        if let Some(data) = &self.data {
            return data.iter().map(|&v| v as f32).collect();
        }
        let formula = self.lcg.as_ref().expect("an array has data or a formula");
        let mut state = formula.seed;
        let mut next = || {
            state = (1_664_525 * state + 1_013_904_223) % (1 << 32);
            ((state as f64 / 2f64.powi(31) - 1.0) * formula.scale) as f32
        };
        (0..self.shape.iter().product()).map(|_| next()).collect()
    }

    /// Places of the array that the file tells, and what stands there.
    fn known(&self) -> Vec<(usize, f64)> {
        match (&self.data, &self.largest) {
            (Some(data), _) => data.iter().copied().enumerate().collect(),
            (None, Some(largest)) => largest.clone(),
            (None, None) => Vec::new(),
        }
    }
}

/// `1.forward.kernel` as we call it: `bidirectional/forward_lstm/kernel`.
fn our_name(spec: &ModelSpec, theirs: &str) -> String {
    let mut parts: Vec<&str> = theirs.split('.').collect();
    let layer: usize = parts.remove(0).parse().unwrap();
    let inner = match &spec.layers[layer].layer {
        Layer::Bidirectional { layer, .. } => layer.class_name().to_lowercase(),
        _ => String::new(),
    };
    let direction = if parts.len() == 2 { format!("{}_{inner}/", parts.remove(0)) } else { String::new() };
    format!("{}/{direction}{}", spec.names()[layer], parts[0])
}

/// The largest difference between `found` and `expected`, in units of `size`.
fn distance(found: &[f32], expected: &[(usize, f64)], size: f64) -> f64 {
    expected.iter().map(|&(at, e)| (f64::from(found[at]) - e).abs()).fold(0.0, f64::max) / size
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().fold(0.0, |m, v| m.max(v.abs()))
}

struct Comparison {
    report: String,
    worst: f64,
}

impl Comparison {
    fn rows(&mut self, what: &str, found: &[f32], expected: &[Vec<f64>]) {
        let expected: Vec<f64> = expected.concat();
        assert_eq!(found.len(), expected.len(), "{what}");
        let size = largest(&expected);
        self.note(what, distance(found, &expected.into_iter().enumerate().collect::<Vec<_>>(), size));
    }

    /// Arrays are measured by their own largest value; one that is a hundred thousandth of the largest of
    /// all, by that: a bias before a normalisation has a gradient of exactly zero, of which Keras too gives
    /// only rounding noise.
    fn arrays(
        &mut self,
        what: &str,
        spec: &ModelSpec,
        found: &Network,
        values: &[Vec<f32>],
        expected: &BTreeMap<String, Array>,
    ) {
        let all =
            largest(expected.values().flat_map(Array::known).map(|(_, v)| v).collect::<Vec<_>>().iter());
        for (theirs, array) in expected {
            let name = our_name(spec, theirs);
            let place =
                found.parameters().iter().position(|p| p.name == name).unwrap_or_else(|| panic!("no {name}"));
            assert_eq!(found.parameters()[place].shape, array.shape, "{name}");
            let known = array.known();
            let own = largest(known.iter().map(|(_, v)| v));
            let size = if own < 1e-5 * all { all } else { own };
            self.note(&format!("{what} {name}"), distance(&values[place], &known, size));
            if let Some(norm) = array.norm {
                let ours = traceward_model::norm(&values[place]);
                self.note(&format!("norm of {what} {name}"), (ours - norm).abs() / norm);
            }
        }
    }

    fn note(&mut self, what: &str, distance: f64) {
        if distance.is_nan() || distance >= TOLERANCE {
            let _ = writeln!(self.report, "    {what}: {distance:.2e}");
        }
        self.worst = if distance.is_nan() { f64::INFINITY } else { self.worst.max(distance) };
    }
}

fn compare(path: &Path) -> Comparison {
    let case: Case = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let Case { model, compile, batch, .. } = &case;
    let weights = case
        .weights
        .iter()
        .map(|(name, array)| (our_name(model, name), array.shape.clone(), array.values()))
        .collect();
    let vocabulary = case.weights["0.embeddings"].shape[0];
    let mut network = Network::with_weights(model, vocabulary, batch.classes, weights).unwrap();
    let traces: Vec<&[u32]> = batch.tokens.iter().map(Vec::as_slice).collect();
    let keys: Vec<u64> = (0..traces.len() as u64).collect();

    let mut comparison = Comparison { report: String::new(), worst: 0.0 };
    comparison.rows("outputs", network.predict(&traces).unwrap().values(), &case.outputs);
    if case.masks.is_some() {
        // Keras' masks cannot be given to our layers, which draw their own. What layers do with masks is
        // checked against finite differences.
        return comparison;
    }

    let step = |network: &Network| -> Gradients {
        network
            .gradients(&Step {
                batch: &Batch::new(&traces, &keys).unwrap(),
                labels: &batch.labels,
                weights: batch.sample_weight.as_deref(),
                loss: compile.loss.into(),
                mask_seed: 0,
                inspect: false,
            })
            .unwrap()
    };
    let mut state = OptimizerState::new(network.parameters().iter().map(|p| p.values.len()));
    let mut losses = Vec::new();
    for number in 0..case.losses.len() {
        let mut found = step(&network);
        losses.push(found.loss);
        if number == 0 {
            comparison.rows(
                "training outputs",
                &found.outputs,
                case.training_outputs.as_ref().unwrap_or(&case.outputs),
            );
            let gradients: Vec<Vec<f32>> =
                found.gradients.iter().map(|g| g.clone().unwrap_or_default()).collect();
            comparison.arrays("gradient of", model, &network, &gradients, &case.gradients);
        }
        if number + 1 == case.losses.len() {
            break;
        }
        if let Some(limit) = compile.clip_norm {
            clip_by_global_norm(&mut found.gradients, limit);
        }
        let rate = compile.optimizer.learning_rate();
        state.step(&compile.optimizer, rate, network.values_mut(), &found.gradients);
        network.follow(&mut found);
    }
    comparison.rows("losses", &losses, std::slice::from_ref(&case.losses));
    let values: Vec<Vec<f32>> = network.parameters().iter().map(|p| p.values.clone()).collect();
    comparison.arrays("final", model, &network, &values, &case.final_weights);
    comparison.rows("final outputs", network.predict(&traces).unwrap().values(), &case.final_outputs);
    comparison
}

#[test]
fn every_case_agrees() {
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../reference/keras"));
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    assert!(paths.len() > 50, "only {} cases", paths.len());
    let mut failed = String::new();
    for path in &paths {
        let Comparison { report, worst } = compare(path);
        let name = path.file_stem().unwrap().to_string_lossy();
        println!("{name}: {worst:.1e}");
        if !report.is_empty() {
            let _ = write!(failed, "{name}:\n{report}");
        }
    }
    assert!(failed.is_empty(), "further than {TOLERANCE:e} from Keras:\n{failed}");
}
