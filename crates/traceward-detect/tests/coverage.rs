//! A calibrated model keeps its promise on real traces: of normals that neither trained nor calibrated it, the
//! share that alarms is the one that was asked for, and varies as the theory says.
//!
//! `cargo test -p traceward-detect --release --test coverage -- --nocapture` prints the figures.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that prints its figures")]

use std::path::PathBuf;

use traceward_detect::calibrate::conformal::realised;
use traceward_detect::calibrate::{Life, Tail, Temperature, Watch, follow_all};
use traceward_detect::early::{LENGTHS, with_prefixes};
use traceward_ngram::Recipe;
use traceward_run::Labelled;
use traceward_trace::rng::Rng;
use traceward_trace::split::folds;
use traceward_trace::{Dataset, ReadOptions, Vocabulary, builtin, read};

const SPLITS: u64 = 200;

/// A way of looking, and its score of a life.
type Way = (&'static str, fn(&Life) -> f64);

/// The two ways of looking, and the score that each holds against its threshold.
const WAYS: [Way; 2] =
    [("over the life", |life| life.course.peak), ("at the end", |life| life.course.p_attack)];

/// Traces that a linear classifier was not trained on, followed over their lives.
struct HeldOut {
    normals: Vec<Life>,
    attacks: Vec<Life>,
}

/// Trains on two of five honest folds, and on their traces' beginnings.
fn held_out(data: &Dataset) -> HeldOut {
    let folds = folds(data, 5, 0).unwrap();
    let training: Vec<u32> = folds[..2].iter().flat_map(|fold| fold.validation.clone()).collect();
    let vocabulary = Vocabulary::learn(data, &training);
    let table = vocabulary.encode(data).tokens;
    let tokens = |&index: &u32| -> Vec<u32> {
        data.traces[index as usize].calls.iter().map(|&call| table[usize::from(call)]).collect()
    };
    let class = |&index: &u32| data.traces[index as usize].class.unwrap();
    let traces: Vec<Vec<u32>> = training.iter().map(tokens).collect();
    let labelled = Labelled {
        traces: traces.iter().map(Vec::as_slice).collect(),
        labels: training.iter().map(class).collect(),
        groups: (0..training.len() as u32).collect(),
        classes: data.classes.len(),
        normal: data.normal_class(),
        vocabulary: vocabulary.size(),
    };
    let recipe = Recipe::named("svm-3").unwrap();
    let model = recipe.fit(&with_prefixes(&labelled, &LENGTHS), 0, &|_| ()).unwrap();
    let others = |normal: bool| -> Vec<Vec<u32>> {
        let validation = folds[2..].iter().flat_map(|fold| &fold.validation);
        validation.filter(|index| (Some(class(index)) == data.normal_class()) == normal).map(tokens).collect()
    };
    let watch = Watch::to_calibrate(&model, data.normal_class().unwrap(), Temperature::NONE);
    let follow = |traces: &[Vec<u32>]| {
        let traces: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
        follow_all(&watch, &traces).unwrap()
    };
    HeldOut { normals: follow(&others(true)), attacks: follow(&others(false)) }
}

/// Deals the normals into two random parts, calibrates on one and counts alarms in the other, many times.
/// Where scores are `distinct`, the rate is reached and not only kept to: equal scores make fewer alarms.
fn covers(data: &Dataset, calibrating: usize, rates: &[f64], distinct: bool) {
    let HeldOut { normals, attacks } = held_out(data);
    let judged = (normals.len() - calibrating) as u64;
    println!("{}: {calibrating} calibrate, {judged} judge, {SPLITS} splits", data.name);
    for &far in rates {
        let expected = realised(calibrating as u64, far, judged, 0.95);
        for (way, score) in WAYS {
            let (mut alarms, mut beyond, mut below, mut found, mut promised) = (0, 0, 0, 0, 0.0);
            for seed in 0..SPLITS {
                let mut scores: Vec<f64> = normals.iter().map(score).collect();
                Rng::new(seed).shuffle(&mut scores);
                let others = scores.split_off(calibrating);
                let threshold = Tail::of(scores, &[far]).unwrap().threshold(far);
                assert!(threshold.enough, "{calibrating} are enough for {far}");
                let flagged = others.iter().filter(|score| threshold.flags(**score)).count() as u64;
                found += attacks.iter().filter(|life| threshold.flags(score(life))).count();
                alarms += flagged;
                beyond += u64::from(flagged > *expected.end());
                below += u64::from(flagged < *expected.start());
                promised = threshold.guaranteed;
            }
            let rate = alarms as f64 / (SPLITS * judged) as f64;
            let one = (promised / calibrating as f64 + promised / judged as f64).sqrt();
            println!(
                "  asked {far}, judged {way}: realised {rate:.5} (spread of one split {one:.5}); beyond the 95 % range {expected:?} in {beyond} splits, below it in {below}; {:.3} of {} attacks found",
                found as f64 / SPLITS as f64 / attacks.len() as f64,
                attacks.len(),
            );
            let of_mean = 4.0 * one / (SPLITS as f64).sqrt();
            assert!(rate <= promised + of_mean, "{rate} for {promised}");
            assert!(!distinct || rate >= promised - of_mean - 0.05 * promised, "{rate} for {promised}");
            // 2.5 % of 200 is 5, and more than 13 come with a chance of 0.0005.
            assert!(beyond <= 13, "{beyond} of {SPLITS} splits beyond {expected:?}");
        }
    }
}

#[test]
fn on_the_built_in_corpus() {
    covers(&builtin::corpus().unwrap(), 100, &[0.01, 0.05], false);
}

#[test]
fn on_adfa_ld() {
    let folder = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into(), PathBuf::from);
    let path = folder.join("adfa-ld/ADFA-LD.zip");
    if !path.exists() {
        println!("skipped: no {}", path.display());
        return;
    }
    covers(&read(&path, &ReadOptions::default()).unwrap(), 999, &[0.001, 0.01, 0.05], true);
}
