//! Novelty on the data sets that papers judge it by: trained on normals, judged on other normals and attacks.
//!
//! ADFA-LD: the 833 training normals train; the 4,372 validation normals and 746 attacks judge, once with
//! their copies and once distinct. UNM: each program by itself, 70 % of the normal processes train and the
//! others judge, over a few draws; processes of a single call cannot be judged and are left out.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![expect(clippy::print_stdout, reason = "the figures are for people to read")]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use traceward_ngram::novelty::{Novelty, NoveltyConfig};
use traceward_run::Labelled;
use traceward_trace::read::{ReadOptions, read};
use traceward_trace::rng::Rng;

/// The folder of the data sets, or nothing where they are not.
fn data(of: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(of);
    if !path.exists() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    Some(path)
}

/// Traces as tokens, one numbering for all files of a program.
#[derive(Default)]
struct Numbering(HashMap<String, u32>);

impl Numbering {
    fn read(&mut self, path: &Path) -> Vec<(String, Vec<u32>)> {
        let data = read(path, &ReadOptions::default()).unwrap();
        let mut token = |name: &str| {
            let next = self.0.len() as u32 + 2;
            *self.0.entry(name.to_owned()).or_insert(next)
        };
        let tokens: Vec<u32> = data.calls.names().iter().map(|name| token(name)).collect();
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let calls = |calls: &[u16]| calls.iter().map(|&call| tokens[usize::from(call)]).collect();
        data.traces.iter().map(|trace| (part(trace.part.as_deref()), calls(&trace.calls))).collect()
    }

    fn size(&self) -> usize {
        self.0.len() + 2
    }
}

fn fit(traces: &[Vec<u32>], vocabulary: usize, config: &NoveltyConfig) -> Novelty {
    let data = Labelled {
        traces: traces.iter().map(Vec::as_slice).collect(),
        labels: vec![0; traces.len()],
        groups: (0..traces.len() as u32).collect(),
        classes: 2,
        normal: Some(0),
        vocabulary,
    };
    Novelty::fit(&data, config, 0).unwrap()
}

/// AUC, and detection rates at 1 % and 0.1 % false alarms: the share of attacks that score more than all but
/// that share of the normals.
fn judge(model: &Novelty, normals: &[Vec<u32>], attacks: &[Vec<u32>]) -> [f64; 3] {
    let of = |traces: &[Vec<u32>]| -> Vec<f32> {
        let mut scores: Vec<f32> = traces.iter().map(|trace| model.score(trace)).collect();
        scores.sort_by(f32::total_cmp);
        scores
    };
    let (normals, attacks) = (of(normals), of(attacks));
    let below = |attack: f32| {
        let (less, at_most) =
            (normals.partition_point(|n| *n < attack), normals.partition_point(|n| *n <= attack));
        (less + at_most) as f64 / 2.0
    };
    let auc =
        attacks.iter().map(|&attack| below(attack)).sum::<f64>() / (normals.len() * attacks.len()) as f64;
    let rate = |far: f64| {
        let allowed = (far * normals.len() as f64) as usize;
        let threshold = normals[normals.len() - 1 - allowed];
        attacks.iter().filter(|attack| **attack > threshold).count() as f64 / attacks.len() as f64
    };
    [auc, rate(0.01), rate(0.001)]
}

fn distinct(traces: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut seen = HashSet::new();
    traces.iter().filter(|trace| seen.insert(trace.as_slice())).cloned().collect()
}

fn configs() -> [(&'static str, NoveltyConfig); 3] {
    [
        ("stide", NoveltyConfig::stide()),
        ("markov", NoveltyConfig::markov()),
        ("novelty", NoveltyConfig::default()),
    ]
}

#[test]
fn adfa_ld_from_its_training_normals() {
    let Some(path) = data("adfa-ld/ADFA-LD.zip") else { return };
    let mut numbering = Numbering::default();
    let traces = numbering.read(&path);
    let part = |name: &str| -> Vec<Vec<u32>> {
        traces.iter().filter(|(part, _)| part == name).map(|(_, calls)| calls.clone()).collect()
    };
    let [training, normals, attacks] = ["training", "validation", "attack"].map(part);
    assert_eq!([training.len(), normals.len(), attacks.len()], [833, 4372, 746]);
    let known: HashSet<&[u32]> = training.iter().map(Vec::as_slice).collect();
    let fresh: Vec<Vec<u32>> =
        distinct(&normals).into_iter().filter(|t| !known.contains(t.as_slice())).collect();
    let mut figures = Vec::new();
    for (name, config) in configs() {
        let model = fit(&training, numbering.size(), &config);
        let all = judge(&model, &normals, &attacks);
        let without_copies = judge(&model, &fresh, &distinct(&attacks));
        println!("{name}: all {all:.4?}, distinct and not in training {without_copies:.4?}");
        figures.push((all, without_copies));
    }
    let [auc, at_1, _] = figures[2].0;
    assert!(auc >= 0.86 && at_1 >= 0.23, "{auc} {at_1}");
    assert!(figures[2].1[0] >= 0.81, "{figures:?}");
    // The models of one figure are the weaker ones.
    assert!(figures[..2].iter().all(|(all, _)| all[0] < auc && all[1] < at_1), "{figures:?}");
}

/// How often the normals are dealt anew.
const DRAWS: u64 = 10;

const UNM: [(&str, &[&str], &[&str]); 4] = [
    (
        "synthetic-sendmail",
        &["bounce-1.int", "bounce-2.int", "bounce.int", "plus.int", "queue.int", "sendmail.log.int"],
        &[
            "fwd-loops-1.int",
            "fwd-loops-2.int",
            "fwd-loops-3.int",
            "fwd-loops-4.int",
            "fwd-loops-5.int",
            "sm-10763.int",
            "sm-10801.int",
            "sm-10814.int",
            "sm-280.int",
            "sm-314.int",
        ],
    ),
    ("login-and-ps", &["login-normal.txt"], &["login-homegrown.int", "login-recovered.int"]),
    ("login-and-ps", &["ps-normal.txt"], &["ps-homegrown.int", "ps-recovered.int"]),
    (
        "xlock",
        &["normal-xlock.txt"],
        &[
            "nonself.cs.unm.edu-07.24.97-xlock-2822_new.log.int",
            "nonself.cs.unm.edu-07.25.97-xlock-2691_new.log.int",
        ],
    ),
];

#[test]
fn unm_from_seventy_percent_of_the_normals() {
    let Some(root) = data("unm") else { return };
    for (name, config) in configs() {
        let mut means = [0.0; 3];
        for (folder, normal_files, attack_files) in UNM {
            let mut numbering = Numbering::default();
            let mut of = |inner: [&str; 2], files: &[&str]| -> Vec<Vec<u32>> {
                let folder =
                    inner.iter().map(|i| root.join(folder).join(i)).find(|path| path.exists()).unwrap();
                let all = files.iter().flat_map(|file| numbering.read(&folder.join(file)));
                all.map(|(_, calls)| calls).filter(|calls| calls.len() > 1).collect()
            };
            let normals = of(["normal-data", "normal"], normal_files);
            let attacks = of(["Intrusion-trace-data", "intrusion"], attack_files);
            let known: HashSet<&[u32]> = normals.iter().map(Vec::as_slice).collect();
            let unlike: Vec<Vec<u32>> =
                attacks.iter().filter(|a| !known.contains(a.as_slice())).cloned().collect();
            let mut figures = [0.0; 3];
            for draw in 0..DRAWS {
                let model_and_rest = |normals: &[Vec<u32>]| {
                    let mut order: Vec<usize> = (0..normals.len()).collect();
                    Rng::new(draw).shuffle(&mut order);
                    let (train, rest) = order.split_at((normals.len() * 7).div_ceil(10));
                    let take =
                        |of: &[usize]| -> Vec<Vec<u32>> { of.iter().map(|&i| normals[i].clone()).collect() };
                    (fit(&take(train), numbering.size(), &config), take(rest))
                };
                let (model, rest) = model_and_rest(&normals);
                figures[0] += judge(&model, &rest, &attacks)[0] / DRAWS as f64;
                figures[2] += judge(&model, &rest, &unlike)[0] / DRAWS as f64;
                let (model, rest) = model_and_rest(&distinct(&normals));
                figures[1] += judge(&model, &rest, &distinct(&attacks))[0] / DRAWS as f64;
            }
            let counts = [
                normals.len(),
                distinct(&normals).len(),
                attacks.len(),
                distinct(&attacks).len(),
                unlike.len(),
            ];
            println!(
                "{name} {folder} {}: {counts:?} all, distinct, without attacks that equal a normal {figures:.3?}",
                normal_files[0]
            );
            means.iter_mut().zip(figures).for_each(|(mean, figure)| *mean += figure / UNM.len() as f64);
        }
        println!("{name} mean {means:.3?}");
        if name == "novelty" {
            assert!(means[0] >= 0.9 && means[2] >= 0.93, "{means:?}");
        }
    }
}
