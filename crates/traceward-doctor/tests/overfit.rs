//! Overfitting, judged on OverfitGuard's 40 real training histories.
//!
//! How C11's thresholds were chosen: `cargo test -p traceward-doctor --test overfit -- --nocapture` prints, for
//! the 419 simulated histories alone, F1 and macro-F1 over a grid of rise and noise. The best F1 is at a rise
//! of 3 %; the noise clause changes nothing there, since those histories are of 1000 epochs and more, and
//! stands at twice the noise for the sake of short and noisy logs. Only then were the real ones looked at.
//!
//! The histories are others' and not part of the project: without `TRACEWARD_CASES` the tests say so and pass.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "tables of tests")]

#[path = "curves/folder.rs"]
mod folder;

use std::fs;
use std::io::Read;

use serde_json::Value;
use traceward_doctor::curve::{Curve, Curves, Losses, turning};
use traceward_doctor::{Evidence, Label, diagnose};

/// A history and whether it is one of overfitting.
struct Sample {
    name: String,
    overfits: bool,
    curves: Curves,
}

fn sample(name: &str, overfits: bool, text: &str) -> Sample {
    // The files were written by Python, whose NaN is no JSON.
    let json: Value =
        serde_json::from_str(&text.replace("NaN", "null").replace("Infinity", "1e300")).unwrap();
    let curve = |metric: &str| {
        let values: Vec<Option<f64>> =
            json.get(json.get(metric)?.as_str()?)?.as_array()?.iter().map(Value::as_f64).collect();
        let curve = Curve::of(&values);
        (!curve.is_empty()).then_some(curve)
    };
    let loss = curve("train_metric");
    let curves = Curves {
        rows: loss.as_ref().map_or(0, Curve::len),
        loss,
        val_loss: curve("monitor_metric"),
        accuracy: curve("train_metric_acc"),
        val_accuracy: curve("monitor_metric_acc"),
        ..Default::default()
    };
    Sample { name: name.to_owned(), overfits, curves }
}

fn real() -> Option<Vec<Sample>> {
    let folder = folder::folder()?.join("overfitguard_real");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = paths.iter().map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        sample(name, name.starts_with("overfit"), &fs::read_to_string(path).unwrap())
    });
    Some(read.collect())
}

/// The simulated ones, from their archive: a tar's headers are 512 bytes, with the name in the first 100 and the
/// size, in octal, from byte 124.
fn simulated() -> Option<Vec<Sample>> {
    let path = folder::folder()?.join("overfitguard_sim/simulated_419.tar.gz");
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut tar).unwrap();
    let mut samples = Vec::new();
    let mut at = 0;
    while at + 512 <= tar.len() && tar[at] != 0 {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&tar[at + range.start..at + range.end]).trim_end_matches('\0').to_owned()
        };
        let name = text(0..100);
        let size = usize::from_str_radix(text(124..136).trim(), 8).unwrap();
        if name.ends_with(".json") {
            let body = String::from_utf8_lossy(&tar[at + 512..at + 512 + size]);
            samples.push(sample(&name, name.starts_with("overfit"), &body));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    Some(samples)
}

/// F1 of "overfits" and the mean of both classes' F1.
fn scores<'a>(answers: impl Iterator<Item = (&'a Sample, bool)>) -> (f64, f64) {
    let mut counts = [[0.0_f64; 2]; 2];
    for (sample, answer) in answers {
        counts[usize::from(sample.overfits)][usize::from(answer)] += 1.0;
    }
    let f1 = |hit: f64, wrong: f64| if hit == 0.0 { 0.0 } else { 2.0 * hit / (2.0 * hit + wrong) };
    let wrong = counts[0][1] + counts[1][0];
    let (positive, negative) = (f1(counts[1][1], wrong), f1(counts[0][0], wrong));
    (positive, f64::midpoint(positive, negative))
}

#[test]
fn real_histories() {
    let Some(samples) = real() else { return };
    assert_eq!(samples.len(), 40);
    let answers: Vec<bool> = samples
        .iter()
        .map(|sample| {
            let evidence = Evidence { curves: Some(sample.curves.clone()), ..Default::default() };
            diagnose(&evidence).findings.iter().any(|finding| finding.label == Some(Label::Overfit))
        })
        .collect();
    for (sample, &answer) in samples.iter().zip(&answers) {
        if sample.overfits != answer {
            println!("wrong: {} {:?}", sample.name, turning(&Losses::of(&sample.curves)));
        }
    }
    let (f1, macro_f1) = scores(samples.iter().zip(answers));
    println!("F1 {f1:.3}, macro-F1 {macro_f1:.3}");
    assert!(f1 >= 0.97 && macro_f1 >= 0.95, "F1 {f1:.3}, macro-F1 {macro_f1:.3}");
}

#[test]
fn thresholds_come_from_the_simulated_histories() {
    let Some(samples) = simulated() else { return };
    assert_eq!(samples.len(), 419);
    let turnings: Vec<_> = samples.iter().map(|sample| turning(&Losses::of(&sample.curves))).collect();
    let score = |rise: f64, noise: f64| {
        let answers = turnings.iter().map(|turning| {
            turning.is_some_and(|t| t.rise > rise && t.rise_in_noise > noise && t.fall > 0.05)
        });
        scores(samples.iter().zip(answers))
    };
    let rises = [0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1];
    let mut best = (0.0, 0.0);
    for rise in rises {
        let row: Vec<String> = [0.0, 1.0, 2.0, 3.0]
            .map(|noise| {
                let (f1, macro_f1) = score(rise, noise);
                format!("{f1:.3}/{macro_f1:.3}")
            })
            .into();
        println!("rise {rise:.2}: noise 0, 1, 2, 3: {}", row.join("  "));
        let (f1, _) = score(rise, 2.0);
        if f1 > best.0 {
            best = (f1, rise);
        }
    }
    assert_eq!(best.1, 0.03, "C11's rise is the one with the best F1 here");
}
