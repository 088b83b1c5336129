//! What a data set says by itself, clean and with faults put in.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adfa;

use std::sync::LazyLock;

use traceward_doctor::facts::Data;
use traceward_doctor::{CauseKind, Evidence, Finding, Level, diagnose};
use traceward_run::config::Input;
use traceward_trace::rng::Rng;
use traceward_trace::split::{Method, Split, SplitConfig, split};
use traceward_trace::{Dataset, Trace, builtin};

use adfa::adfa_ld;

static CORPUS: LazyLock<Dataset> = LazyLock::new(|| builtin::corpus().unwrap());

fn found(data: Data, rule: &str) -> Option<Finding> {
    let diagnosis = diagnose(&Evidence { data: Some(data), ..Evidence::default() });
    diagnosis.findings.into_iter().find(|finding| finding.rule == rule)
}

fn level(data: &Dataset, rule: &str) -> Option<Level> {
    found(Data::of(data, None, None, None), rule).map(|finding| finding.level)
}

/// This share of the labels drawn anew, each class as often as another.
fn relabelled(data: &Dataset, share: f64) -> Dataset {
    let mut noisy = data.clone();
    let mut rng = Rng::new(9);
    for trace in &mut noisy.traces {
        if rng.uniform() < share {
            trace.class = u16::try_from(rng.below(data.classes.len() as u64)).ok();
        }
    }
    noisy
}

/// Labels handed out to other items, each class as often as before.
fn shuffled(data: &Dataset) -> Dataset {
    let mut labels: Vec<_> = data.traces.iter().map(|trace| trace.class).collect();
    Rng::new(4).shuffle(&mut labels);
    let mut shuffled = data.clone();
    for (trace, label) in shuffled.traces.iter_mut().zip(labels) {
        trace.class = label;
    }
    shuffled
}

fn check_labels(data: &Dataset) {
    let quiet = |rule| level(data, rule).is_none_or(|level| level == Level::Note);
    assert!(quiet("D04") && quiet("D05"), "clean labels of {}", data.name);
    let labels = |data: &Dataset| Data::of(data, None, None, None).labels.unwrap();
    let clean = labels(data);
    let mut last = clean.explained;
    for share in [0.05, 0.2, 0.5] {
        let noisy = relabelled(data, share);
        let loud = |rule| level(&noisy, rule).is_some_and(|level| level > Level::Note);
        assert!(loud("D04") || loud("D05"), "{share} of the labels of {} drawn anew", data.name);
        let explained = labels(&noisy).explained;
        assert!(explained < last, "{share}: {explained} after {last}");
        last = explained;
    }
    let shuffled = shuffled(data);
    let finding = found(Data::of(&shuffled, None, None, None), "D05").unwrap();
    assert_eq!(finding.level, Level::Error, "{}", finding.symptom);
    assert_eq!(finding.causes[0].kind, CauseKind::BadLabels);
}

#[test]
fn labels_of_the_built_in_corpus() {
    check_labels(&CORPUS);
}

#[test]
fn labels_of_adfa_ld() {
    if let Some(data) = adfa_ld() {
        check_labels(&data);
    }
}

#[test]
fn labels_of_the_article_s_part_of_adfa_ld() {
    let Some(mut data) = adfa_ld() else { return };
    data.keep_parts(&["training".into(), "attack".into()]).unwrap();
    let loud = |data: &Dataset| {
        ["D04", "D05"].iter().any(|rule| level(data, rule).is_some_and(|level| level > Level::Note))
    };
    assert!(!loud(&data), "as published");
    for share in [0.2, 0.5, 1.0] {
        assert!(loud(&relabelled(&data, share)), "{share}");
    }
    assert_eq!(level(&shuffled(&data), "D05"), Some(Level::Error));
}

fn tail(shuffle_first: bool) -> SplitConfig {
    SplitConfig { method: Method::Tail, validation_share: 0.2, seed: 0, shuffle_first }
}

#[test]
fn the_split_is_looked_at() {
    let of = |config: &SplitConfig| {
        let parts = split(&CORPUS, config).unwrap();
        Data::of(&CORPUS, Some((config, &parts)), None, None)
    };
    let sorted = of(&tail(false));
    assert_eq!(sorted.split.as_ref().unwrap().method, "tail");
    assert!(found(sorted, "D02").is_some_and(|finding| finding.level == Level::Error));
    let random = of(&tail(true));
    assert_eq!(random.split.as_ref().unwrap().method, "random");
    assert!(found(random, "D02").is_none());
    let grouped = SplitConfig { method: Method::Grouped, ..tail(false) };
    let grouped = of(&grouped);
    assert_eq!(grouped.split.as_ref().unwrap().copies_across, 0);
    for rule in ["D02", "D03", "D10"] {
        assert!(found(grouped.clone(), rule).is_none(), "{rule}");
    }
    let all = SplitConfig { validation_share: 0.0, ..tail(true) };
    let all = of(&all);
    assert_eq!(all.validation_items, Some(0));
    assert!(found(all, "D02").is_none(), "no sides to compare");
}

#[test]
fn copies_put_into_training_are_found() {
    let config = SplitConfig { method: Method::Grouped, ..tail(false) };
    let parts = split(&CORPUS, &config).unwrap();
    let mut leaked = CORPUS.clone();
    let mut train = parts.train.clone();
    for &row in parts.validation.iter().take(parts.validation.len() / 5) {
        train.push(u32::try_from(leaked.traces.len()).unwrap());
        let copy = leaked.traces[row as usize].clone();
        leaked.traces.push(copy);
    }
    let parts = Split { train, ..parts };
    let finding = found(Data::of(&leaked, Some((&config, &parts)), None, None), "D03").unwrap();
    assert_eq!((finding.level, finding.causes[0].kind), (Level::Error, CauseKind::Leak));
}

#[test]
fn a_cut_that_leaves_nothing_is_found() {
    let level = |max_len| {
        let input = Input { max_len: Some(max_len), ..Input::default() };
        found(Data::of(&CORPUS, None, Some(&input), None), "S13").map(|finding| finding.level)
    };
    assert_eq!(level(5), Some(Level::Warning));
    assert_eq!(level(200), Some(Level::Note));
    assert_eq!(level(100_000), None);
}

#[test]
fn a_call_left_by_the_recorder_is_found() {
    assert_eq!(level(&CORPUS, "D11"), None);
    let mut marked = CORPUS.clone();
    let mark = marked.calls.intern("recorder_mark").unwrap();
    let web = u16::try_from(marked.classes.iter().position(|class| class == "web_shell").unwrap()).unwrap();
    for trace in marked.traces.iter_mut().filter(|trace| trace.class == Some(web)) {
        trace.calls.push(mark);
    }
    let finding = found(Data::of(&marked, None, None, None), "D11").unwrap();
    assert!(finding.symptom.starts_with("recorder_mark occurs in 100.0 of 100"), "{}", finding.symptom);
}

#[test]
fn another_world_in_validation_is_found() {
    let config = tail(true);
    let parts = split(&CORPUS, &config).unwrap();
    let mut other = CORPUS.clone();
    let (read, pread) = (other.calls.get("read").unwrap(), other.calls.intern("pread64").unwrap());
    for &row in &parts.validation {
        for call in other.traces[row as usize].calls.iter_mut().filter(|call| **call == read) {
            *call = pread;
        }
    }
    let finding = found(Data::of(&other, Some((&config, &parts)), None, None), "D10").unwrap();
    assert_eq!(finding.level, Level::Warning, "{}", finding.symptom);
}

#[test]
fn small_and_odd_sets_are_no_trouble() {
    let empty = Dataset { traces: Vec::new(), ..CORPUS.clone() };
    let one = Dataset { traces: CORPUS.traces[..1].to_vec(), ..CORPUS.clone() };
    let unlabelled: Vec<Trace> =
        CORPUS.traces.iter().take(100).map(|trace| Trace { class: None, ..trace.clone() }).collect();
    let unlabelled = Dataset { traces: unlabelled, ..CORPUS.clone() };
    for data in [&empty, &one, &unlabelled] {
        let facts = Data::of(data, None, Some(&Input { max_len: Some(3), ..Input::default() }), None);
        assert_eq!((facts.items, facts.labels, facts.telling), (data.traces.len(), None, None));
    }
    assert_eq!(Data::of(&unlabelled, None, None, None).unlabelled, 100);
}

#[test]
fn the_same_data_says_the_same_twice() {
    assert_eq!(Data::of(&CORPUS, None, None, None), Data::of(&CORPUS, None, None, None));
}
