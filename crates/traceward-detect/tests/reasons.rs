//! Reasons on real traces: what a model names is missed more than what it does not.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![expect(clippy::print_stdout, reason = "the figures are for people to read")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use traceward_detect::reasons::{DeletionTest, Effort, Names, Question, deletion_test, explain};
use traceward_ngram::Recipe;
use traceward_run::{Classifier, Labelled};
use traceward_trace::read::{ReadOptions, read};
use traceward_trace::{Dataset, Vocabulary};

fn adfa_ld() -> Option<Dataset> {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join("adfa-ld/ADFA-LD.zip");
    if !path.exists() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    Some(read(&path, &ReadOptions::default()).unwrap())
}

#[test]
fn named_calls_are_missed_more_than_others() {
    let Some(data) = adfa_ld() else { return };
    // Trains on attack runs 1 to 5 and a quarter of the normals, explains some traces of the other runs.
    let normal = data.normal_class().unwrap();
    let run = |group: &str| group.rsplit('_').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let (mut training, mut judged): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for (at, trace) in (0_u32..).zip(&data.traces) {
        match (trace.class, trace.group.as_deref()) {
            (Some(class), _) if class == normal => training.extend((at % 4 == 0).then_some(at)),
            (_, Some(group)) if run(group) <= 5 => training.push(at),
            _ => judged.extend((at % 8 == 0).then_some(at)),
        }
    }
    let vocabulary = Vocabulary::learn(&data, &training);
    let tokens = vocabulary.encode(&data).tokens;
    let rows = |of: &[u32]| -> Vec<Vec<u32>> {
        let row =
            |&at: &u32| data.traces[at as usize].calls.iter().map(|&c| tokens[usize::from(c)]).collect();
        of.iter().map(row).collect()
    };
    let (own, judged) = (rows(&training), rows(&judged));
    let labelled = Labelled {
        traces: own.iter().map(Vec::as_slice).collect(),
        labels: training.iter().map(|&at| data.traces[at as usize].class.unwrap()).collect(),
        groups: (0..own.len() as u32).collect(),
        classes: data.classes.len(),
        normal: Some(normal),
        vocabulary: vocabulary.size(),
    };
    let judged: Vec<&[u32]> = judged.iter().map(Vec::as_slice).collect();
    let names = Names { vocabulary: &vocabulary, classes: &data.classes, sources: &[] };
    let not_normal = Question::Not(usize::from(normal));
    for (name, question) in
        [("svm-3", not_normal), ("knn", not_normal), ("novelty", not_normal), ("novelty", Question::Novelty)]
    {
        let model = Recipe::named(name).unwrap().fit(&labelled, 0, &|_| {}).unwrap();
        let began = Instant::now();
        let got = deletion_test(&model, &judged, question, names, Effort::default(), 1).unwrap();
        println!("{name} {question:?}: {:.1} ms a trace, {got:.3?}", each(began, judged.len()));
        println!(
            "  {}",
            explain(&model, judged[0], question, names, Effort::default()).unwrap().sentences().join("\n  ")
        );
        // Every trace says something, and the difference is no luck.
        let DeletionTest { traces, difference, standard_error, share_greater, .. } = got;
        assert!(traces > judged.len() / 3, "{name} {got:?}");
        assert!(difference > 3.0 * standard_error && share_greater > 0.6, "{name} {got:?}");
        assert!(model.classes() == data.classes.len());
    }
}

fn each(began: Instant, of: usize) -> f64 {
    began.elapsed().as_secs_f64() * 1e3 / of as f64
}
