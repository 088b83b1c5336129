use proptest::prelude::*;
use traceward_trace::Abi;
use traceward_trace::rng::Rng;

use super::*;

fn vocabulary() -> Vocabulary {
    let names =
        ["read", "write", "open", "close", "mmap", "socket", "connect", "brk"].map(str::to_owned).to_vec();
    Vocabulary { abi: Abi::X86_64, names }
}

/// Traces of programs that favour one call each; `programs` are their weights.
fn traces(count: usize, programs: &[u64], seed: u64) -> Vec<Vec<u32>> {
    let mut rng = Rng::new(seed);
    let all: u64 = programs.iter().sum();
    let trace = |_| {
        let mut draw = rng.below(all);
        let program = programs.iter().position(|&weight| {
            let here = draw < weight;
            draw = draw.saturating_sub(weight);
            here
        });
        let favourite = 2 + program.unwrap_or(0) as u32;
        (0..200).map(|_| if rng.below(2) == 0 { favourite } else { 2 + rng.below(8) as u32 }).collect()
    };
    (0..count).map(trace).collect()
}

fn score(trace: &[u32]) -> f64 {
    trace.iter().filter(|&&call| call == 2).count() as f64 / trace.len() as f64
}

fn reference(traces: &[Vec<u32>]) -> Reference {
    let scores: Vec<f64> = traces.iter().map(|trace| score(trace)).collect();
    Reference::of(&traces.iter().map(Vec::as_slice).collect::<Vec<_>>(), &scores, 10)
}

fn report(reference: &Reference, sources: &[(&str, Vec<Vec<u32>>)]) -> Report {
    let mut drift = Drift::new(reference).unwrap();
    for (source, traces) in sources {
        traces.iter().for_each(|trace| drift.add(source, trace, Some(score(trace))));
    }
    drift.report(&vocabulary())
}

#[test]
fn the_same_is_stable_and_another_thing_is_not() {
    let usual = reference(&traces(2000, &[4, 3, 2, 1], 1));
    let got = report(&usual, &[("a", traces(500, &[4, 3, 2, 1], 2)), ("b", traces(500, &[1, 1, 1, 7], 3))]);
    let [same, other] = &got.sources[..] else { panic!("{got:?}") };
    assert_eq!((same.level, same.hint.as_deref()), (Level::Stable, None));
    assert_eq!((other.level, other.score_level), (Level::Drifted, Some(Level::Drifted)));
    assert_eq!(other.moved[0].call, "close");
    assert!((got.level, got.retrain) == (Level::Drifted, true));
    insta::assert_json_snapshot!("report", got);
}

#[test]
fn few_traces_do_not_cry_wolf() {
    let usual = reference(&traces(3000, &[4, 3, 2, 1], 1));
    for few in [1, 5, 29] {
        let got = report(&usual, &[("few", traces(few, &[0, 0, 0, 1], 4))]);
        assert_eq!((got.level, got.retrain, got.sources[0].hint.as_ref()), (Level::TooFew, false, None));
    }
    // Of a hundred small sources in which nothing changed, next to none may be said to have.
    let sources: Vec<(String, Vec<Vec<u32>>)> =
        (0..100).map(|i| (format!("host-{i}"), traces(40, &[4, 3, 2, 1], 100 + i))).collect();
    let sources: Vec<(&str, Vec<Vec<u32>>)> =
        sources.iter().map(|(name, t)| (name.as_str(), t.clone())).collect();
    let got = report(&usual, &sources);
    let moved = got.sources.iter().filter(|source| source.level > Level::Stable).count();
    assert!(moved <= 3, "{moved}");
    // And one in which everything did is found among forty traces.
    assert_eq!(report(&usual, &[("x", traces(40, &[0, 0, 0, 1], 4))]).level, Level::Drifted);
}

#[test]
fn unknown_calls_are_named_as_such() {
    let usual = reference(&traces(1000, &[1, 1], 1));
    let mut newer = traces(200, &[1, 1], 2);
    newer.iter_mut().for_each(|trace| trace[..8].fill(Vocabulary::UNKNOWN));
    let got = report(&usual, &[("newer", newer.clone())]);
    let source = &got.sources[0];
    assert_eq!((source.unknown_share, source.unknown_traces), (0.04, 1.0));
    assert_eq!((source.level, got.retrain), (Level::Shifting, false));
    assert!(
        source.hint.as_ref().unwrap().starts_with("4.0 % of the calls of newer are unknown"),
        "{source:?}"
    );
    newer.iter_mut().for_each(|trace| trace[..20].fill(77));
    assert!(report(&usual, &[("newer", newer.clone())]).retrain);
    // Where they are as usual, nobody is woken.
    assert_eq!(report(&reference(&newer), &[("newer", newer)]).level, Level::Stable);
}

#[test]
fn scores_alone_can_drift() {
    let usual = traces(1000, &[1, 1, 1], 1);
    let own = reference(&usual);
    let mut drift = Drift::new(&own).unwrap();
    usual.iter().for_each(|trace| drift.add("a", trace, Some(score(trace) + 0.2)));
    let got = drift.report(&vocabulary());
    assert_eq!(
        (got.sources[0].calls_level, got.sources[0].score_level),
        (Level::Stable, Some(Level::Drifted))
    );
    assert!(got.sources[0].hint.as_ref().unwrap().starts_with("Scores of a"));
    assert!(!got.retrain);
}

#[test]
fn sources_are_bounded() {
    let usual = reference(&traces(50, &[1, 1], 1));
    let mut drift = Drift::new(&usual).unwrap();
    (0..SOURCES + 50).for_each(|i| drift.add(&format!("{i:05}"), &[2, 3], None));
    let got = drift.report(&vocabulary());
    assert_eq!(got.sources.len(), SOURCES + 1);
    assert_eq!((got.sources[0].source.as_str(), got.sources[0].traces), (OTHERS, 50));
    assert_eq!(got.sources[0].score_psi, None);
}

#[test]
fn a_reference_that_contradicts_itself_is_refused() {
    let sound = reference(&traces(50, &[1, 1], 1));
    assert!(Drift::new(&sound).is_some());
    let spoilt: [fn(&mut Reference); 4] = [
        |r| r.calls[3] = f64::NAN,
        |r| r.score_edges.reverse(),
        |r| r.score_shares.truncate(2),
        |r| r.unknown_traces = -1.0,
    ];
    for spoil in spoilt {
        let mut reference = sound.clone();
        spoil(&mut reference);
        assert!(Drift::new(&reference).is_none(), "{reference:?}");
    }
}

#[test]
fn scores_that_are_all_alike_need_no_bins() {
    let traces = traces(60, &[1], 1);
    let slices: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
    let usual = Reference::of(&slices, &[0.5; 60], 10);
    assert_eq!((usual.score_edges.as_slice(), usual.score_shares.as_slice()), (&[0.5][..], &[0.0, 1.0][..]));
    assert!(Reference::of(&slices, &[f64::NAN], 10).score_shares.is_empty());
}

proptest! {
    #[test]
    fn a_reference_survives_its_file(seed: u64, scored: bool) {
        let traces = traces(30, &[2, 1], seed);
        let slices: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
        let scores: Vec<f64> = if scored { traces.iter().map(|t| score(t)).collect() } else { Vec::new() };
        let reference = Reference::of(&slices, &scores, 10);
        let text = serde_json::to_string(&reference).unwrap();
        let back: Reference = serde_json::from_str(&text).unwrap();
        prop_assert!(Drift::new(&back).is_some());
        let mut drift = Drift::new(&reference).unwrap();
        traces.iter().for_each(|trace| drift.add("a", trace, Some(score(trace))));
        let report = drift.report(&vocabulary());
        let text = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<Report>(&text).unwrap().level, report.level);
        prop_assert!(report.sources[0].calls_psi.abs() < 1e-9);
    }
}
