use proptest::prelude::*;
use traceward_run::classifier::Neighbour;
use traceward_run::{Classifier, Scores};
use traceward_trace::Abi;
use traceward_trace::rng::Rng;

use super::*;

/// Two classes, normal and attack. Each call 7 followed by an 8 is worth 2 of log-odds, each 9 takes 0.3 off.
struct Pairs {
    /// Whether it says what each call adds.
    additive: bool,
}

impl Pairs {
    fn shares(trace: &[u32]) -> Vec<f32> {
        let mut shares: Vec<f32> = trace.iter().map(|&call| if call == 9 { -0.3 } else { 0.0 }).collect();
        for place in 1..trace.len() {
            if trace[place - 1..=place] == [7, 8] {
                shares[place - 1] += 1.0;
                shares[place] += 1.0;
            }
        }
        shares
    }
}

impl Classifier for Pairs {
    fn classes(&self) -> usize {
        2
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        let mut rows = Vec::new();
        for (place, trace) in traces.iter().enumerate() {
            if trace.is_empty() {
                return Err(Unreadable { trace: place, reason: "it is empty".into() });
            }
            let odds = Self::shares(trace).iter().sum::<f32>() - 3.0;
            let p = 1.0 / (1.0 + (-odds).exp());
            rows.extend([1.0 - p, p]);
        }
        Ok(Scores::new(2, rows))
    }

    fn novelty(&self, traces: &[&[u32]]) -> Option<Vec<f32>> {
        Some(traces.iter().map(|trace| trace.iter().filter(|c| **c == 5).count() as f32).collect())
    }

    fn contributions(&self, trace: &[u32], class: usize) -> Option<Vec<f32>> {
        let sign = if class == 1 { 1.0 } else { -1.0 };
        self.additive.then(|| Self::shares(trace).into_iter().map(|share| sign * share).collect())
    }

    fn nearest(&self, _: &[u32], _: usize) -> Vec<Neighbour> {
        vec![Neighbour { trace: 1, class: 1, similarity: 0.875 }]
    }
}

fn vocabulary() -> Vocabulary {
    let names =
        ["read", "write", "open", "close", "mmap", "socket", "connect", "brk"].map(str::to_owned).to_vec();
    Vocabulary { abi: Abi::X86_64, names }
}

fn ask(model: &Pairs, trace: &[u32], question: Question) -> Reasons {
    let (vocabulary, classes) = (vocabulary(), ["normal".to_owned(), "web_shell".to_owned()]);
    let sources = ["a.txt".to_owned(), "b.txt:7".to_owned()];
    let names = Names { vocabulary: &vocabulary, classes: &classes, sources: &sources };
    explain(model, trace, question, names, Effort::default()).unwrap()
}

/// A long trace of reads and writes with `pairs` at these places.
fn with_pairs(length: usize, places: &[usize]) -> Vec<u32> {
    let mut trace: Vec<u32> = (0..length).map(|i| 2 + (i % 2) as u32).collect();
    places.iter().for_each(|&place| trace[place..place + 2].copy_from_slice(&[7, 8]));
    trace
}

#[test]
fn both_ways_find_what_counts() {
    let trace = with_pairs(700, &[123, 400]);
    for additive in [true, false] {
        let reasons = ask(&Pairs { additive }, &trace, Question::Not(0));
        assert_eq!(reasons.reasons.len(), 2, "{reasons:?}");
        for (reason, place) in reasons.reasons.iter().zip([123, 400]) {
            assert!(
                reason.from <= place && reason.to >= place + 2
                    || reason.from == place + 1
                    || reason.to == place + 1,
                "{additive} {reason:?}"
            );
            assert!((reason.weight - 2.0).abs() < 0.01, "{reason:?}");
            assert!(reason.to - reason.from <= 12);
        }
        assert!(
            (reasons.score - 1.0).abs() < 1e-3 && (reasons.score_without + 3.0).abs() < 1e-3,
            "{reasons:?}"
        );
        let of_class = ask(&Pairs { additive }, &trace, Question::Class(1));
        let places =
            |of: &Reasons| of.reasons.iter().map(|reason| (reason.from, reason.to)).collect::<Vec<_>>();
        assert_eq!(places(&of_class), places(&reasons));
        assert!((of_class.score - reasons.score).abs() < 1e-5);
    }
}

#[test]
fn nothing_is_made_up() {
    for additive in [true, false] {
        let reasons = ask(&Pairs { additive }, &with_pairs(300, &[]), Question::Not(0));
        assert!(reasons.reasons.is_empty() && reasons.score == reasons.score_without, "{reasons:?}");
        assert!(ask(&Pairs { additive }, &[7], Question::Not(0)).reasons.is_empty());
    }
    let reasons = ask(&Pairs { additive: true }, &[7, 8], Question::Not(0));
    assert!(reasons.reasons.is_empty(), "a trace of nothing cannot be asked about: {reasons:?}");
}

#[test]
fn novelty_is_explained_by_occlusion() {
    let mut trace = with_pairs(200, &[]);
    trace[90..96].fill(5);
    let reasons = ask(&Pairs { additive: true }, &trace, Question::Novelty);
    assert!(reasons.of_novelty && reasons.score == 6.0);
    assert!(reasons.reasons[0].weight >= 3.0 && (84..96).contains(&reasons.reasons[0].from), "{reasons:?}");
}

#[test]
fn told_in_words_and_json() {
    let mut trace = with_pairs(40, &[20]);
    trace[22..26].copy_from_slice(&[7, 8, 7, 8]);
    trace[30] = 1;
    let reasons = ask(&Pairs { additive: true }, &trace, Question::Not(0));
    insta::assert_json_snapshot!("json", reasons);
    insta::assert_snapshot!("words", reasons.sentences().join("\n"));
    let alone = ask(&Pairs { additive: true }, &with_pairs(9, &[]), Question::Not(0));
    insta::assert_snapshot!("no_reason", alone.sentences().join("\n"));
}

#[test]
fn a_trace_that_cannot_be_read_is_an_error() {
    let (vocabulary, classes) = (vocabulary(), []);
    let names = Names { vocabulary: &vocabulary, classes: &classes, sources: &[] };
    let error =
        explain(&Pairs { additive: true }, &[], Question::Not(0), names, Effort::default()).unwrap_err();
    assert_eq!(error.to_string(), "trace 0: it is empty");
}

#[test]
fn what_is_named_is_missed_more_than_what_is_not() {
    let mut rng = Rng::new(3);
    let traces: Vec<Vec<u32>> = (0..20)
        .map(|_| {
            let places: Vec<usize> = (0..3).map(|_| 2 * rng.below(200) as usize).collect();
            with_pairs(420, &places)
        })
        .chain([with_pairs(50, &[])])
        .collect();
    let traces: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
    let (vocabulary, classes) = (vocabulary(), []);
    let names = Names { vocabulary: &vocabulary, classes: &classes, sources: &[] };
    for additive in [true, false] {
        let model = Pairs { additive };
        let test =
            |seed| deletion_test(&model, &traces, Question::Not(0), names, Effort::default(), seed).unwrap();
        let got = test(1);
        assert_eq!((got.traces, got.without_reason), (20, 1), "{got:?}");
        assert!(got.named > 4.0 && got.random < 1.0 && got.share_greater > 0.9, "{got:?}");
        assert!(
            (got.named - got.random - got.difference).abs() < 1e-9 && got.standard_error < 0.5,
            "{got:?}"
        );
        assert_eq!(got, test(1));
    }
}

proptest! {
    #[test]
    fn reasons_are_places_of_the_trace_and_weights_add_up(
        trace in prop::collection::vec(2_u32..10, 1..300),
        additive: bool,
        reasons in 0_usize..5,
        calls in 1_usize..20,
        predictions in 0_usize..150,
    ) {
        let (vocabulary, classes) = (vocabulary(), []);
        let names = Names { vocabulary: &vocabulary, classes: &classes, sources: &[] };
        let effort = Effort { reasons, calls, predictions };
        let got = explain(&Pairs { additive }, &trace, Question::Not(0), names, effort).unwrap();
        prop_assert!(got.reasons.len() <= reasons);
        let mut named = vec![false; trace.len()];
        for reason in &got.reasons {
            prop_assert!(reason.from < reason.to && reason.to - reason.from <= 4 * calls);
            prop_assert!(reason.weight > 0.0 && reason.times >= 1 && reason.calls.len() == reason.to - reason.from);
            let fresh = named[reason.from..reason.to].iter_mut().all(|named| !std::mem::replace(named, true));
            prop_assert!(fresh, "named twice");
        }
        let weights: f64 = got.reasons.iter().map(|reason| reason.weight).sum();
        prop_assert!((got.score - weights - got.score_without).abs() < 1e-6);
        prop_assert!(!got.reasons.is_empty() || got.score == got.score_without);
    }
}
