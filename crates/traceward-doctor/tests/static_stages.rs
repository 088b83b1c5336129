//! The article's presets, judged before they train: by what they ask for, and by the data they would see.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adfa;

use std::path::Path;

use traceward_doctor::curve::Curves;
use traceward_doctor::facts::Data;
use traceward_doctor::{CauseKind, Diagnosis, Evidence, Level, diagnose, read};
use traceward_run::{History, Preset};
use traceward_trace::split::split;
use traceward_trace::{Dataset, Vocabulary, builtin};

use adfa::adfa_ld;

/// All that is known of a preset on a data set before it trains.
fn evidence(preset: Preset, dataset: &Dataset) -> Evidence {
    let config = preset.config();
    let parts = split(dataset, &config.split).unwrap();
    let words = Vocabulary::learn(dataset, &parts.train);
    let data = Data::of(dataset, Some((&config.split, &parts)), Some(&config.input), Some(&words));
    let (network, fit) = read::config(&config, dataset.classes.len(), words.size());
    Evidence { network: Some(network), fit: Some(fit), data: Some(data), ..Evidence::default() }
}

/// Rules that found something above a note, with the level.
fn loud(diagnosis: &Diagnosis) -> Vec<(&'static str, Level)> {
    let above = diagnosis.findings.iter().filter(|finding| finding.level > Level::Note);
    let mut loud: Vec<_> = above.map(|finding| (finding.rule, finding.level)).collect();
    loud.sort_unstable();
    loud
}

/// ADFA-LD's training normals and attacks, as the article seems to have used them.
fn article_data() -> Option<Dataset> {
    let mut data = adfa_ld()?;
    data.keep_parts(&["training".into(), "attack".into()]).unwrap();
    Some(data)
}

fn check_stages(dataset: &Dataset) {
    for preset in [Preset::Article1, Preset::Article2] {
        let diagnosis = diagnose(&evidence(preset, dataset));
        let loud = loud(&diagnosis);
        let has = |rule| loud.iter().any(|(found, _)| *found == rule);
        let first = preset == Preset::Article1;
        assert_eq!((has("S01"), has("S05")), (first, first), "{preset}: {loud:?}");
        assert!(loud.contains(&("S09", Level::Warning)), "{preset}: {loud:?}");
        assert!(loud.contains(&("D01", Level::Error)), "{preset}: {loud:?}");
        assert!(loud.contains(&("D02", Level::Error)), "{preset}: {loud:?}");
        if first {
            let linear: Vec<_> = diagnosis.findings.iter().filter(|finding| finding.rule == "S05").collect();
            assert_eq!(linear.len(), 1, "Dense 7 has its activation in the next layer");
            assert_eq!(linear[0].symptom, "Dense(64) is without activation");
            assert_eq!(linear[0].level, Level::Warning);
        }
        let order: Vec<_> = diagnosis.findings.iter().map(|finding| finding.rule).collect();
        assert!(order.starts_with(&["D01", "D02"]), "data first: {order:?}");
    }
    for preset in [Preset::Article3, Preset::Article4, Preset::Article5] {
        let loud = loud(&diagnose(&evidence(preset, dataset)));
        // Rare attacks are the nature of the data.
        let unnatural: Vec<_> = loud.iter().filter(|(rule, _)| *rule != "D06").collect();
        assert!(unnatural.is_empty(), "{preset}: {loud:?}");
    }
}

#[test]
fn the_built_in_corpus_under_the_article_s_presets() {
    check_stages(&builtin::corpus().unwrap());
}

#[test]
fn the_article_s_data_under_its_presets() {
    if let Some(data) = article_data() {
        check_stages(&data);
    }
}

#[test]
fn static_findings_and_curve_name_the_same_cause_first() {
    let Some(data) = article_data() else { return };
    let histories = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traceward-run/tests/histories");
    let ranked = |preset: Preset, history: &str| {
        let curves = Curves::from(&History::load(&histories.join(history)).unwrap());
        let diagnosis = diagnose(&Evidence { curves: Some(curves), ..evidence(preset, &data) });
        diagnosis.causes().into_iter().map(|cause| cause.kind).collect::<Vec<_>>()
    };
    let first = ranked(Preset::Article1, "article-1.csv");
    assert!(first[..2].contains(&CauseKind::OutputActivation), "{first:?}");
    assert!(first[..4].contains(&CauseKind::SortedData), "{first:?}");
    let third = ranked(Preset::Article3, "article-3.csv");
    assert_eq!(third[0], CauseKind::TooFewEpochs, "{third:?}");
}
