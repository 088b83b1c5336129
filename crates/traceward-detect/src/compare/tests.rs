use std::sync::atomic::AtomicBool;

use super::*;
use crate::protocol::{Config, Control, Protocol, run};
use crate::sample::{Centroids, attacks};

fn judged(seeds: usize) -> (Dataset, Run) {
    let data = attacks(120, 1);
    let config = Config { protocol: Protocol::Honest, folds: 3, seed: 5, seeds };
    let control = Control { stop: &AtomicBool::new(false), progress: &|_| {} };
    let run = run(&data, &config, &Centroids, &control).unwrap();
    (data, run)
}

/// The same run, whose rows are wrong for every `nth` trace.
fn worse(run: &Run, nth: usize) -> Run {
    let mut worse = Run { model: "worse".into(), ..run.clone() };
    for judgement in &mut worse.judgements {
        let classes = judgement.scores.classes();
        let mut values = judgement.scores.values().to_vec();
        for row in values.chunks_exact_mut(classes).step_by(nth) {
            row.rotate_right(1);
        }
        judgement.scores = traceward_run::Scores::new(classes, values);
    }
    worse
}

/// `scipy.stats.binomtest(k, n).pvalue`
#[test]
fn the_sign_test_is_scipys() {
    let cases = [
        (3, 11, 0.057_373_046_875),
        (11, 3, 0.057_373_046_875),
        (0, 0, 1.0),
        (5, 5, 1.0),
        (40, 80, 0.000_330_400_018_391_318_15),
        (900, 1100, 8.457_089_535_503_81e-6),
    ];
    for (heads, tails, expected) in cases {
        let got = sign_test(heads, tails);
        assert!(
            (got - expected).abs() <= 1e-9 * expected.max(1e-6),
            "{heads} {tails}: {got}, scipy has {expected}"
        );
    }
}

#[test]
fn a_model_is_as_good_as_itself() {
    let (data, run) = judged(2);
    let comparison = compare(&data, &run, &run).unwrap();
    assert!(comparison.differences.values().all(|d| d.interval == [0.0; 2] && !d.is_more_than_luck()));
    assert_eq!(comparison.mcnemar.as_ref().unwrap().p_value, 1.0);
    assert!(comparison.verdict.contains("may be luck"), "{}", comparison.verdict);
}

#[test]
fn a_clear_difference_is_called_so_whichever_comes_first() {
    let (data, run) = judged(2);
    let worse = worse(&run, 3);
    let comparison = compare(&data, &run, &worse).unwrap();
    let difference = &comparison.differences["macro_f1"];
    assert!(difference.is_more_than_luck() && difference.mean > 0.1, "{difference:?}");
    assert!(difference.interval[0] < difference.mean && difference.mean < difference.interval[1]);
    assert_eq!((difference.better, difference.per_seed.len()), (1.0, 2));
    assert!(comparison.verdict.contains("is better than worse"), "{}", comparison.verdict);
    let back = compare(&data, &worse, &run).unwrap();
    assert!((back.differences["macro_f1"].mean + difference.mean).abs() < 1e-12);
    assert!(back.verdict.contains("worse is worse than centroids"), "{}", back.verdict);
    let json = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), comparison);
}

#[test]
fn other_folds_are_refused() {
    let (data, run) = judged(1);
    let mut other = run.clone();
    other.judgements[0].traces.reverse();
    let error = compare(&data, &run, &other).unwrap_err().to_string();
    assert!(error.contains("the same traces"), "{error}");
    other.judgements[0].seed = 99;
    let error = compare(&data, &run, &other).unwrap_err().to_string();
    assert!(error.contains("no seed"), "{error}");
}
