//! The 65 labelled logs: one word for each curve, against the word that a person gave it.
//!
//! The logs are others' and not part of the project. `TRACEWARD_CASES` names their folder; without it the
//! tests say so and pass. The table of all logs is printed when a test fails, or with `--nocapture`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "tables of tests")]

#[path = "curves/cases.rs"]
mod cases;
#[path = "curves/folder.rs"]
mod folder;
#[path = "curves/random.rs"]
mod random;

use std::fmt::Write;

use traceward_doctor::curve::Curve;
use traceward_doctor::{Diagnosis, Level, diagnose};

use cases::Case;
use random::Random;

fn diagnosis(case: &Case) -> Diagnosis {
    diagnose(&case.evidence)
}

fn word(label: traceward_doctor::Label) -> String {
    serde_json::to_value(label).unwrap().as_str().unwrap().to_owned()
}

/// The primary label, and the labels of findings that are warnings or errors.
fn words(diagnosis: &Diagnosis) -> (String, Vec<String>) {
    let primary = diagnosis.primary.map(word).unwrap_or_default();
    let severe = diagnosis.findings.iter().filter(|finding| finding.level >= Level::Warning);
    (primary, severe.filter_map(|finding| finding.label).map(word).collect())
}

#[test]
fn primary_labels() {
    let Some(cases) = cases::labelled() else { return };
    let (mut right, mut acceptable, mut table) = (0, 0, String::new());
    let mut forbidden = Vec::new();
    for case in &cases {
        let diagnosis = diagnosis(case);
        let (primary, severe) = words(&diagnosis);
        let mark = if primary == case.primary {
            right += 1;
            " "
        } else if case.acceptable.contains(&primary) {
            acceptable += 1;
            "~"
        } else {
            "X"
        };
        for word in severe.iter().chain([&primary]).filter(|word| case.must_not.contains(word)) {
            forbidden.push(format!("{}: {word}", case.name));
        }
        let found: Vec<String> = diagnosis
            .findings
            .iter()
            .map(|finding| {
                format!("{}{}@{}", finding.rule, mark_of(finding.level), finding.epoch.unwrap_or(9999))
            })
            .collect();
        let _ = writeln!(
            table,
            "{mark} {:24} {:16} {:16} {:>4} {}",
            case.name,
            case.primary,
            primary,
            case.event.map(|event| event.to_string()).unwrap_or_default(),
            found.join(" ")
        );
    }
    println!("{table}\nright {right}, acceptable {acceptable}, of {}", cases.len());
    assert!(forbidden.is_empty(), "{table}\nmust not: {forbidden:?}");
    assert!(right >= 60, "{table}\nright {right}, acceptable {acceptable}, of {}", cases.len());
    assert!(right + acceptable >= 64, "{table}\nright {right}, acceptable {acceptable}");
}

fn mark_of(level: Level) -> char {
    match level {
        Level::Note => '.',
        Level::Warning => '!',
        Level::Error => '#',
    }
}

#[test]
fn healthy_models_get_notes_at_most() {
    let Some(cases) = cases::labelled() else { return };
    for case in
        cases.iter().filter(|case| ["c03", "c04", "c05", "c06", "c07", "c08"].contains(&&case.name[..3]))
    {
        let severe: Vec<_> =
            diagnosis(case).findings.into_iter().filter(|finding| finding.level > Level::Note).collect();
        assert!(severe.is_empty(), "{}: {severe:#?}", case.name);
    }
}

#[test]
fn findings_point_at_the_epoch_that_a_person_would() {
    let Some(cases) = cases::labelled() else { return };
    let mut wrong = Vec::new();
    let mut given = 0;
    for case in &cases {
        let Some(event) = case.event else { continue };
        given += 1;
        let diagnosis = diagnosis(case);
        let allowed = (case.evidence.curves.as_ref().unwrap().rows / 10).max(3);
        let near = |row: usize| row.abs_diff(event) <= allowed;
        let labelled = diagnosis.findings.iter().filter(|finding| finding.label == diagnosis.primary);
        let rows: Vec<usize> = labelled.filter_map(|finding| finding.epoch).collect();
        if !rows.iter().any(|&row| near(row)) {
            wrong.push(format!("{}: {event}, found {rows:?}", case.name));
        }
    }
    println!("{} of {given} epochs near: {wrong:#?}", given - wrong.len());
    assert!(wrong.len() * 5 <= given, "{wrong:#?} of {given}");
}

/// How many cases still get the right or an acceptable word after `disturb`, and how many get a forbidden one.
fn after(cases: &[Case], disturb: impl Fn(&mut Curve)) -> (usize, Vec<String>) {
    let (mut well, mut forbidden) = (0, Vec::new());
    for case in cases {
        let mut evidence = case.evidence.clone();
        let curves = evidence.curves.as_mut().unwrap();
        let all = [&mut curves.loss, &mut curves.val_loss, &mut curves.accuracy, &mut curves.val_accuracy];
        all.into_iter().flatten().for_each(&disturb);
        let found = diagnose(&evidence);
        let (primary, severe) = words(&found);
        let right = primary == case.primary || case.acceptable.contains(&primary);
        well += usize::from(right);
        if !right {
            println!("{}: {} became {primary}", case.name, case.primary);
        }
        if let Some(word) = severe.iter().chain([&primary]).find(|word| case.must_not.contains(word)) {
            forbidden.push(format!("{}: {word}", case.name));
        }
    }
    (well, forbidden)
}

#[test]
fn a_tenth_less_changes_little() {
    let Some(cases) = cases::labelled() else { return };
    let (well, forbidden) = after(&cases, |curve| {
        let keep = curve.len() - curve.len() / 10;
        curve.rows.truncate(keep);
        curve.values.truncate(keep);
    });
    println!("{well} of {}, must not: {forbidden:?}", cases.len());
    assert!(well >= 59 && forbidden.len() <= 1, "{well} of {}, must not: {forbidden:?}", cases.len());
}

#[test]
fn one_per_cent_of_noise_changes_little() {
    let Some(cases) = cases::labelled() else { return };
    for seed in 0..10 {
        let (well, forbidden) = after(&cases, |curve| {
            let mut random = Random::new(seed);
            for value in &mut curve.values {
                *value *= 1.0 + 0.01 * random.gauss();
            }
        });
        println!("{seed}: {well} of {}, must not: {forbidden:?}", cases.len());
        assert!(well >= 58 && forbidden.len() <= 1, "{well} of {}, must not: {forbidden:?}", cases.len());
    }
}
