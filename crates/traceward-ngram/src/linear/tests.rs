use serde::Deserialize;

use super::*;
use crate::features::{Corpus, FeatureConfig};

/// What scikit-learn makes of the same traces; `linear.py` beside it made it.
#[derive(Deserialize)]
struct Reference {
    traces: Vec<Vec<u32>>,
    labels: Vec<u16>,
    grams: Vec<Vec<u32>>,
    tf_idf: Vec<Vec<f32>>,
    svm: Vec<Vec<f32>>,
    logistic: Vec<Vec<f32>>,
}

fn reference() -> (Reference, Corpus) {
    let text = include_str!("../../tests/reference/linear.json");
    let reference: Reference = serde_json::from_str(text).unwrap();
    let traces: Vec<&[u32]> = reference.traces.iter().map(Vec::as_slice).collect();
    let corpus = Corpus::new(&traces, FeatureConfig::grams(2).series, 10, 2).unwrap();
    (reference, corpus)
}

fn tight(loss: Loss, c: f64) -> LinearConfig {
    LinearConfig { loss, c, tolerance: 1e-9, ..LinearConfig::default() }
}

#[test]
fn tf_idf_is_scikit_learns() {
    let (reference, corpus) = reference();
    let columns = corpus.columns(&FeatureConfig::grams(2), &(0..40).collect::<Vec<_>>());
    let dictionary = crate::features::Dictionary::new(&corpus, &columns);
    let grams: Vec<Vec<u32>> = (0..dictionary.len() as u32).map(|c| dictionary.gram(c).tokens).collect();
    assert_eq!(grams, reference.grams);
    let weighted = TfIdf::fit(corpus.counts(), Frequency::Log).weigh_all(corpus.counts());
    for (row, expected) in reference.tf_idf.iter().enumerate() {
        let mut dense = vec![0.0; expected.len()];
        let (index, values) = weighted.row(row);
        index.iter().zip(values).for_each(|(&i, &v)| dense[i as usize] = v);
        for (found, expected) in dense.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-6, "row {row}: {found} for {expected}");
        }
    }
}

#[test]
fn margins_are_scikit_learns() {
    let (reference, corpus) = reference();
    let counts = corpus.counts();
    let linear = Linear::fit(counts, &reference.labels, 3, &tight(Loss::SquaredHinge, 1.0), 5);
    let mut margins = [0.0; 3];
    for (row, expected) in reference.svm.iter().enumerate() {
        let (columns, values) = counts.row(row);
        linear.margins(columns, values, &mut margins);
        for (found, expected) in margins.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "row {row}: {found} for {expected}");
        }
    }
}

#[test]
fn probabilities_of_logistic_regression_are_scikit_learns() {
    let (reference, corpus) = reference();
    let counts = corpus.counts();
    let linear = Linear::fit(counts, &reference.labels, 3, &tight(Loss::Logistic, 10.0), 5);
    let mut probabilities = [0.0; 3];
    for (row, expected) in reference.logistic.iter().enumerate() {
        let (columns, values) = counts.row(row);
        linear.predict_into(columns, values, &mut probabilities);
        for (found, expected) in probabilities.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3, "row {row}: {found} for {expected}");
        }
    }
}

/// The slopes of a linear score add up to it: margins are sums over n-grams.
#[test]
fn slopes_add_up_to_the_margins() {
    let (reference, corpus) = reference();
    let counts = corpus.counts();
    let linear = Linear::fit(counts, &reference.labels, 2 + 1, &LinearConfig::default(), 5);
    let (columns, values) = counts.row(30);
    let (mut margins, mut p) = ([0.0; 3], [0.0; 3]);
    linear.margins(columns, values, &mut margins);
    linear.predict_into(columns, values, &mut p);
    let others = p[0] + p[2];
    let against = |row: [f32; 3]| row[1] - (p[0] * row[0] + p[2] * row[2]) / others;
    let bias: [f32; 3] = std::array::from_fn(|class| linear.bias[class]);
    let sum: f32 = linear.slopes(columns, values, 1).iter().sum();
    assert!((sum - (against(margins) - against(bias))).abs() < 1e-4);
}

#[test]
fn a_class_without_a_trace_is_never_the_answer() {
    let (reference, corpus) = reference();
    for loss in [Loss::SquaredHinge, Loss::Logistic] {
        let config = LinearConfig { loss, ..LinearConfig::default() };
        let linear = Linear::fit(corpus.counts(), &reference.labels, 5, &config, 1);
        let mut p = [0.0; 5];
        let (columns, values) = corpus.counts().row(0);
        linear.predict_into(columns, values, &mut p);
        assert!(p[3] < 0.01 && p[4] < 0.01 && p.iter().all(|p| p.is_finite()), "{p:?}");
    }
}

#[test]
fn columns_of_no_weight_can_be_dropped() {
    let (reference, corpus) = reference();
    let counts = corpus.counts();
    let mut linear = Linear::fit(counts, &reference.labels, 3, &LinearConfig::default(), 5);
    let heavy = linear.heavy(0.5);
    let kept = heavy.iter().filter(|kept| **kept).count();
    assert!(kept > 0 && kept < linear.columns());
    linear.keep(&heavy);
    assert_eq!((linear.columns(), linear.weights.len()), (kept, 3 * kept));
}
