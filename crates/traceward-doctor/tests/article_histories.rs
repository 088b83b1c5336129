//! The histories of the article's five stages, made by this program, each told apart by its curve.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use traceward_doctor::curve::Curves;
use traceward_doctor::facts::{Argument, Compile, Data, Network, Placed};
use traceward_doctor::{CauseKind, Diagnosis, Evidence, Finding, Label, Level, diagnose};
use traceward_run::History;

fn curves(name: &str) -> Curves {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traceward-run/tests/histories");
    Curves::from(&History::load(&folder.join(name)).unwrap())
}

fn by_curve_alone(name: &str) -> Diagnosis {
    diagnose(&Evidence { curves: Some(curves(name)), ..Default::default() })
}

/// With what a run directory knows besides: ADFA-LD's classes and how the network is compiled.
fn with_run(name: &str, learning_rate: f64) -> Diagnosis {
    let counts = [
        ("Normal", 833),
        ("Adduser", 91),
        ("FTP", 162),
        ("SSH", 176),
        ("Java", 124),
        ("Meterpreter", 75),
        ("Web", 118),
    ];
    let classes = counts.map(|(class, items)| (class.to_owned(), items)).into();
    let compile = Compile {
        loss: Placed { value: Argument::Given("categorical_crossentropy".into()), place: None },
        optimizer: Placed { value: Argument::Given("adam".into()), place: None },
        learning_rate: Placed { value: Argument::Given(learning_rate), place: None },
        ..Default::default()
    };
    let layer = traceward_doctor::facts::Layer { class_name: "LSTM".into(), ..Default::default() };
    let network = Network { layers: vec![layer], compile: Some(compile), ..Default::default() };
    diagnose(&Evidence {
        curves: Some(curves(name)),
        network: Some(network),
        data: Some(Data { classes, items: 1579, ..Default::default() }),
        ..Default::default()
    })
}

fn rule<'a>(diagnosis: &'a Diagnosis, id: &str) -> &'a Finding {
    let found = diagnosis.findings.iter().find(|finding| finding.rule == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", diagnosis.findings))
}

#[test]
fn stage_1_is_stuck_and_its_outputs_are_saturated() {
    for name in ["article-1.csv", "article-1-stratified.csv"] {
        let diagnosis = by_curve_alone(name);
        assert_eq!(diagnosis.primary, Some(Label::Stuck), "{name}");
        let stuck = rule(&diagnosis, "C04");
        assert!(stuck.symptom.contains("16.118 x"), "{name}: {}", stuck.symptom);
        assert_eq!(stuck.causes[0].kind, CauseKind::OutputActivation, "{name}");
    }
    let stuck = with_run("article-1.csv", 0.01);
    let print = rule(&stuck, "C04").fingerprint.clone().unwrap();
    assert!(print.hit().unwrap().name.starts_with("16.118"), "{print:#?}");
    assert!(print.table.iter().any(|entry| entry.name == "ln 7" && !entry.hit), "{print:#?}");
}

#[test]
fn stage_2_starts_wildly_and_validates_on_another_world() {
    let diagnosis = with_run("article-2.csv", 0.01);
    let jagged = rule(&diagnosis, "C07");
    assert_eq!(jagged.causes[0].kind, CauseKind::LearningRateHigh);
    assert!(jagged.causes[0].weight > 0.7, "{jagged:#?}");
    let world = rule(&diagnosis, "C11");
    assert_eq!(world.causes[0].kind, CauseKind::TailSplit, "{world:#?}");
    let calm = with_run("article-2-small-step.csv", 0.0001);
    assert!(calm.findings.iter().all(|finding| finding.rule != "C07"), "{:#?}", calm.findings);
}

#[test]
fn stage_3_ended_while_still_improving() {
    let diagnosis = by_curve_alone("article-3.csv");
    assert_eq!(diagnosis.primary, Some(Label::StillImproving), "{:#?}", diagnosis.findings);
    assert_eq!(rule(&diagnosis, "C13").causes[0].kind, CauseKind::TooFewEpochs);
}

#[test]
fn stage_4_overfits_with_the_larger_step() {
    let diagnosis = by_curve_alone("article-4-large-step.csv");
    assert_eq!(diagnosis.primary, Some(Label::Overfit));
    let overfit = rule(&diagnosis, "C11");
    assert!(overfit.epoch.unwrap().abs_diff(27) <= 3, "{overfit:#?}");
}

#[test]
fn small_steps_and_dropout_leave_nothing_above_a_note() {
    for name in ["article-4.csv", "article-5.csv"] {
        let diagnosis = by_curve_alone(name);
        let severe: Vec<_> =
            diagnosis.findings.iter().filter(|finding| finding.level > Level::Note).collect();
        assert!(severe.is_empty(), "{name}: {severe:#?}");
    }
}

#[test]
fn dropout_delays_the_best_epoch() {
    let best = |name| rule(&by_curve_alone(name), "C11").epoch.unwrap();
    assert!(best("article-5-large-step.csv") > best("article-4-large-step.csv"));
}
