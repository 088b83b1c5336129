use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use traceward_run::{Classifier, Labelled};
use traceward_trace::split::{Split, check_folds};
use traceward_trace::{Dataset, ReadOptions, read};

use super::*;
use crate::Trainer;
use crate::sample::{Centroids, attacks, dataset};

fn config(protocol: Protocol) -> Config {
    Config { protocol, folds: 5, seed: 0, seeds: 1 }
}

fn judged(data: &Dataset, config: &Config) -> Run {
    run(data, config, &Centroids, &Control { stop: &AtomicBool::new(false), progress: &|_| {} }).unwrap()
}

fn class(data: &Dataset, row: u32) -> &str {
    &data.classes[usize::from(data.traces[row as usize].class.unwrap())]
}

/// Traces with parts: normals to train on and to validate, and attacks besides.
fn parts() -> Dataset {
    let mut data = attacks(60, 3);
    for (place, trace) in data.traces.iter_mut().enumerate() {
        let part = match trace.class {
            Some(0) if place % 3 == 0 => "training",
            Some(0) => "validation",
            _ => "attack",
        };
        trace.part = Some(part.into());
    }
    data
}

#[test]
fn protocols_are_called_as_on_the_command_line() {
    for protocol in Protocol::ALL {
        assert_eq!(protocol.to_string().parse::<Protocol>().unwrap(), protocol);
        assert_eq!(serde_json::to_value(protocol).unwrap(), protocol.name());
    }
    assert!("honset".parse::<Protocol>().unwrap_err().contains("honest, random"));
}

#[test]
fn no_trace_judges_a_model_that_was_trained_on_it() {
    let data = parts();
    for protocol in [Protocol::Honest, Protocol::Random, Protocol::LeaveOneFamilyOut, Protocol::NormalOnly] {
        for case in plan(&data, &config(protocol), 7).unwrap() {
            let train: HashSet<u32> = case.train.iter().copied().collect();
            assert!(case.judge.iter().all(|row| !train.contains(row)), "{protocol}, {}", case.name);
            assert!(case.judge.is_sorted() && case.train.is_sorted(), "{protocol}, {}", case.name);
        }
    }
}

#[test]
fn honest_cases_keep_what_folds_promise() {
    let data = attacks(60, 3);
    let cases = plan(&data, &config(Protocol::Honest), 1).unwrap();
    let all: HashSet<u32> = (0..data.traces.len() as u32).collect();
    let folds: Vec<Split> = cases
        .iter()
        .map(|case| {
            let used: HashSet<u32> = case.train.iter().chain(&case.judge).copied().collect();
            let mut dropped: Vec<u32> = all.difference(&used).copied().collect();
            dropped.sort_unstable();
            Split { train: case.train.clone(), validation: case.judge.clone(), dropped }
        })
        .collect();
    check_folds(&data, &folds).unwrap();
}

#[test]
fn random_folds_keep_copies_and_the_share_of_each_class() {
    let data = attacks(100, 3);
    let cases = plan(&data, &config(Protocol::Random), 1).unwrap();
    let judged: Vec<u32> = cases.iter().flat_map(|case| case.judge.clone()).collect();
    assert_eq!(judged.len(), data.traces.len(), "every copy is judged");
    for case in &cases {
        let of = |name| case.judge.iter().filter(|&&row| class(&data, row) == name).count();
        assert_eq!((of("normal"), of("web")), (22, 6), "{}", case.name);
    }
    assert!(plan(&data, &Config { folds: 1, ..config(Protocol::Random) }, 1).is_err());
}

#[test]
fn a_family_left_out_trains_nowhere_and_is_judged_whole() {
    let data = attacks(60, 3);
    let cases = plan(&data, &config(Protocol::LeaveOneFamilyOut), 1).unwrap();
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["without adduser", "without web", "without ssh"]);
    for (case, family) in cases.iter().zip(["adduser", "web", "ssh"]) {
        assert!(case.train.iter().all(|&row| class(&data, row) != family));
        let judged: BTreeMap<&str, usize> = case.judge.iter().fold(BTreeMap::new(), |mut counts, &row| {
            *counts.entry(class(&data, row)).or_default() += 1;
            counts
        });
        assert_eq!(judged, BTreeMap::from([(family, 30), ("normal", 12)]), "{}", case.name);
    }
}

#[test]
fn normals_alone_train_by_the_training_part_if_there_is_one() {
    let data = parts();
    let [case] = &plan(&data, &config(Protocol::NormalOnly), 1).unwrap()[..] else { panic!() };
    let part = |row: &u32| data.traces[*row as usize].part.as_deref().unwrap();
    assert!(case.train.iter().all(|row| part(row) == "training"));
    assert_eq!(case.train.len() + case.judge.len(), data.traces.len());
}

#[test]
fn without_parts_normals_are_dealt_into_folds_by_process() {
    let mut data = attacks(60, 3);
    for trace in data.traces.iter_mut().filter(|t| t.class == Some(0)) {
        trace.group = Some("the only recording".into());
    }
    let cases = plan(&data, &config(Protocol::NormalOnly), 1).unwrap();
    assert_eq!(cases.len(), 5);
    assert!(cases.iter().all(|case| case.train.iter().all(|&row| class(&data, row) == "normal")));
    let judged: Vec<u32> = cases.iter().flat_map(|case| case.judge.clone()).collect();
    assert_eq!(judged.iter().filter(|&&row| class(&data, row) == "normal").count(), 66, "copies, too");
    assert_eq!(judged.iter().filter(|&&row| class(&data, row) != "normal").count(), 90);
    let result = ProtocolResult::new(&data, &judged_by(&data, Protocol::NormalOnly)).unwrap();
    let note = result.notes.iter().find(|note| note.contains("equal a trace that was trained on")).unwrap();
    assert!(note.contains("Without them, and each trace counted once, the AUC is 0."), "{note}");
}

fn judged_by(data: &Dataset, protocol: Protocol) -> Run {
    judged(data, &config(protocol))
}

#[test]
fn what_a_protocol_needs_is_said() {
    let only = |class| dataset(&[("a b", class, "", ""), ("b c", class, "", ""), ("c", class, "", "")]);
    for protocol in [Protocol::LeaveOneFamilyOut, Protocol::NormalOnly] {
        let error = plan(&only("normal"), &config(protocol), 0).unwrap_err().to_string();
        assert!(error.contains("attacks"), "{error}");
        let error = plan(&only("web"), &config(protocol), 0).unwrap_err().to_string();
        assert!(error.contains("a class called normal"), "{error}");
    }
}

#[test]
fn the_same_seeds_give_the_same_result_on_any_number_of_threads() {
    let data = attacks(80, 2);
    let config = Config { seeds: 2, ..config(Protocol::Honest) };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut run = judged(&data, &config);
            for judgement in &mut run.judgements {
                (judgement.training_seconds, judgement.judging_seconds) = (0.0, 0.0);
            }
            ProtocolResult::new(&data, &run).unwrap()
        })
    };
    let one = on(1);
    assert_eq!(one, on(3));
    assert_eq!((one.seeds.clone(), one.complete), (vec![0, 1], true));
    assert_ne!(one.per_seed[0], one.per_seed[1]);
}

#[test]
fn a_result_survives_json_and_lies_in_its_intervals() {
    let data = attacks(150, 2);
    let result =
        ProtocolResult::new(&data, &judged(&data, &Config { seeds: 2, ..config(Protocol::Honest) })).unwrap();
    let json = serde_json::to_string(&result).unwrap();
    assert_eq!(serde_json::from_str::<ProtocolResult>(&json).unwrap(), result);
    for (name, value) in [("macro_f1", result.macro_f1), ("auc", result.auc), ("accuracy", result.accuracy)] {
        let [low, high] = result.intervals[name];
        assert!((low..=high).contains(&value.unwrap()) && low < high, "{name}: {value:?} in {low} to {high}");
        let spread = result.seed_spread[name];
        assert!(spread.min <= value.unwrap() && value.unwrap() <= spread.max && spread.sd >= 0.0, "{name}");
    }
    assert_eq!(result.families.iter().map(|row| row.runs).collect::<Vec<_>>(), [10, 10, 10]);
    for row in &result.families {
        let sum = row.named.unwrap() + row.other_family.unwrap() + row.called_normal.unwrap();
        assert!((sum - 1.0).abs() < 1e-12, "{row:?}");
    }
    let trivial = result.most_frequent().unwrap();
    assert_eq!((trivial.name.as_str(), trivial.auc), ("always normal", Some(0.5)));
    assert!((trivial.accuracy.unwrap() - 150.0 / 240.0).abs() < 1e-12);
    assert_eq!(result.roc.first().zip(result.roc.last()), Some((&[0.0, 0.0], &[1.0, 1.0])));
}

/// The thresholds of one fold are chosen on the others' normals, so what is flagged there is counted by hand.
#[test]
fn a_threshold_is_chosen_where_it_does_not_judge() {
    let data = attacks(150, 2);
    let run = judged(&data, &config(Protocol::Honest));
    let judgement = &run.judgements[0];
    let normal = |i: usize| judgement.labels[i] == 0;
    let score = |i: usize| attack_score(judgement.scores.row(i), 0);
    let rows = 0..judgement.labels.len();
    let (mut alarms, mut found) = (0, 0);
    for i in rows.clone() {
        let others: Vec<f64> = rows
            .clone()
            .filter(|&j| normal(j) && judgement.cases[j] != judgement.cases[i])
            .map(score)
            .collect();
        if conformal_threshold(&others, 0.05).flags(score(i)) {
            *(if normal(i) { &mut alarms } else { &mut found }) += 1;
        }
    }
    let result = ProtocolResult::new(&data, &run).unwrap();
    let row = &result.thresholds[0];
    assert_eq!(row.far, 0.05);
    assert!((row.false_alarm_rate.unwrap() - f64::from(alarms) / 150.0).abs() < 1e-12);
    assert!((row.detection_rate.unwrap() - f64::from(found) / 90.0).abs() < 1e-12);
    assert!(found > 0 && alarms > 0, "{found} {alarms}");
    assert_eq!(row.roc_point, result.dr_at_far["0.05"]);
    let at_a_thousandth = &result.thresholds[2];
    assert_eq!(at_a_thousandth.detection_rate, None, "120 normals cannot choose it");
}

#[test]
fn one_case_is_halved_to_choose_thresholds() {
    let data = parts();
    let run = judged(&data, &config(Protocol::NormalOnly));
    let result = ProtocolResult::new(&data, &run).unwrap();
    assert_eq!((result.cases, result.macro_f1, result.accuracy), (1, None, None));
    assert!(result.auc.unwrap() > 0.7, "{:?}", result.auc);
    assert_eq!(result.novelty.as_ref().unwrap().auc, result.auc);
    let row = &result.thresholds[0];
    assert!(row.chosen_on < 45 && row.detection_rate.is_some(), "{row:?}");
    assert!(row.false_alarm_rate.unwrap() < 0.2, "{row:?}");
}

#[test]
fn leaving_families_out_gives_a_mean_over_them() {
    let data = attacks(100, 4);
    let result = ProtocolResult::new(&data, &judged(&data, &config(Protocol::LeaveOneFamilyOut))).unwrap();
    let mean = result.families.iter().map(|row| row.auc.unwrap()).sum::<f64>() / 3.0;
    assert!((result.auc.unwrap() - mean).abs() < 1e-12);
    assert_eq!((result.macro_f1, result.per_class.len()), (None, 0));
}

/// Gives up on the third training, or stops the work there.
struct Third<'a> {
    trainings: AtomicUsize,
    stop: Option<&'a AtomicBool>,
}

impl Trainer for Third<'_> {
    fn name(&self) -> &str {
        "third"
    }

    fn train(&self, data: &Labelled<'_>, seed: u64) -> Result<Box<dyn Classifier>, String> {
        if self.trainings.fetch_add(1, Ordering::SeqCst) == 2 {
            if let Some(stop) = self.stop {
                stop.store(true, Ordering::SeqCst);
            }
            return Err("no more".into());
        }
        Centroids.train(data, seed)
    }
}

#[test]
fn what_was_judged_before_a_stop_is_kept() {
    let data = attacks(100, 4);
    let stop = AtomicBool::new(false);
    let control = Control { stop: &stop, progress: &|_| {} };
    let config = Config { seeds: 2, ..config(Protocol::Honest) };
    let run =
        run(&data, &config, &Third { trainings: AtomicUsize::new(0), stop: Some(&stop) }, &control).unwrap();
    assert_eq!(run.judgements.len(), 1);
    assert_eq!((run.judgements[0].done, run.judgements[0].planned), (2, 5));
    let result = ProtocolResult::new(&data, &run).unwrap();
    assert!(!result.complete && result.notes[0].contains("2 trainings"), "{:?}", result.notes);
}

#[test]
fn a_training_that_fails_says_where() {
    let data = attacks(100, 4);
    let control = Control { stop: &AtomicBool::new(false), progress: &|_| {} };
    let third = Third { trainings: AtomicUsize::new(0), stop: None };
    let error = run(&data, &config(Protocol::Honest), &third, &control).unwrap_err().to_string();
    assert_eq!(error, "third could not be trained: fold 3 of 5: no more");
}

#[test]
fn inflation_is_measured_not_assumed() {
    let data = attacks(100, 4);
    let result = |protocol| ProtocolResult::new(&data, &judged(&data, &config(protocol))).unwrap();
    let (random, honest) = (result(Protocol::Random), result(Protocol::Honest));
    let inflation = Inflation::of(&random, &honest).unwrap();
    let by = inflation.figures["accuracy"].by;
    assert!((by - (random.accuracy.unwrap() - honest.accuracy.unwrap())).abs() < 1e-12);
    assert!(inflation.warning.contains("accuracy"), "{}", inflation.warning);
    assert!(
        random.notes.iter().any(|note| note.contains("equal a trace that was trained on")),
        "{:?}",
        random.notes
    );
    assert!(honest.notes.iter().all(|note| !note.contains("equal a trace")), "{:?}", honest.notes);
}

/// `scores` of the reference in Python (scikit-learn), on the same rows.
#[test]
fn figures_are_scikit_learns() {
    let cases: serde_json::Value =
        serde_json::from_str(include_str!("../../../traceward-run/tests/sklearn/cases.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let numbers = |key: &str| -> Vec<f64> {
            case[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
        };
        let classes = case["classes"].as_u64().unwrap() as usize;
        let labels: Vec<u16> = numbers("labels").into_iter().map(|x| x as u16).collect();
        let names: Vec<String> =
            (0..classes).map(|i| if i == 0 { "normal".into() } else { format!("a{i}") }).collect();
        let text: Vec<String> = (0..labels.len()).map(|i| format!("c{i}")).collect();
        let rows: Vec<_> = labels
            .iter()
            .zip(&text)
            .map(|(l, t)| (t.as_str(), names[usize::from(*l)].as_str(), "", ""))
            .collect();
        let mut data = dataset(&rows);
        data.classes = names.clone();
        for (trace, label) in data.traces.iter_mut().zip(&labels) {
            trace.class = Some(*label);
        }
        let judgement = Judgement {
            seed: 0,
            traces: (0..labels.len() as u32).collect(),
            cases: vec![0; labels.len()],
            scores: traceward_run::Scores::new(
                classes,
                numbers("outputs").into_iter().map(|x| x as f32).collect(),
            ),
            novelty: None,
            training_counts: vec![1; classes],
            planned: 1,
            done: 1,
            training_seconds: 0.0,
            judging_seconds: 0.0,
            calls: 0,
            labels,
        };
        let units = Units::of(&data, judgement.traces.iter().copied());
        let got = Pooled::new(&data, &judgement, Protocol::Honest, &units).figures(None);
        let name = &case["name"];
        for (key, value) in [("accuracy", got.accuracy), ("macro_f1", got.macro_f1), ("auc", got.auc)] {
            assert!((value.unwrap() - case[key].as_f64().unwrap()).abs() < 1e-9, "{name} {key}: {value:?}");
        }
        for far in ["0.01", "0.001"] {
            let expected = case["dr_at_far"][far].as_f64().unwrap();
            assert!((got.dr_at_far[far].unwrap() - expected).abs() < 1e-9, "{name} {far}");
        }
    }
}

/// The reference's `group_folds` and `random_folds` on the real data: as many traces of each class.
#[test]
fn adfa_ld_is_cut_as_the_reference_cuts_it() {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let zip = root.join("adfa-ld/ADFA-LD.zip");
    if !zip.is_file() {
        println!("skipped: {} is not there; set TRACEWARD_DATA to a folder that has it", zip.display());
        return;
    }
    let data = read(&zip, &ReadOptions::default()).unwrap();
    let cases = plan(&data, &config(Protocol::Honest), 0).unwrap();
    let judged: usize = cases.iter().map(|case| case.judge.len()).sum();
    assert!(
        (3843..=3856).contains(&judged),
        "the reference judges 3,849; how many conflicts are dropped depends on the draw: {judged}"
    );
    let normals = cases[0].judge.iter().filter(|&&row| class(&data, row) == "normal").count();
    assert!((620..=625).contains(&normals), "{normals}");
    for case in &cases {
        for family in ["Adduser", "Hydra_FTP", "Hydra_SSH", "Java_Meterpreter", "Meterpreter", "Web_Shell"] {
            let runs: HashSet<&str> = (case.judge.iter().filter(|&&row| class(&data, row) == family))
                .filter_map(|&row| data.traces[row as usize].group.as_deref())
                .collect();
            assert_eq!(runs.len(), 2, "{family} in {}", case.name);
        }
    }
    let [normal_only] = &plan(&data, &config(Protocol::NormalOnly), 0).unwrap()[..] else { panic!() };
    assert_eq!((normal_only.train.len(), normal_only.judge.len()), (833, 4372 + 746));
    let random: usize =
        plan(&data, &config(Protocol::Random), 0).unwrap().iter().map(|case| case.judge.len()).sum();
    assert_eq!(random, 5951);
}
