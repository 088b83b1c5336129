//! Rules judged on kinds of curves rather than on logs: 200 of each kind drawn at random, then disturbed.
//!
//! The levels are what a rule must hold on curves that nobody chose. `--nocapture` prints the table.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "tables of tests")]

#[path = "curves/make.rs"]
mod make;
#[path = "curves/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::fmt::Write;

use traceward_doctor::curve::{Curve, Curves};
use traceward_doctor::{Diagnosis, Evidence, Label, Level, diagnose};

use make::{KINDS, Kind};
use random::Random;

const VARIANTS: u64 = 200;

fn diagnosis(curves: Curves) -> Diagnosis {
    diagnose(&Evidence { curves: Some(curves), ..Default::default() })
}

fn harmful(diagnosis: &Diagnosis) -> bool {
    diagnosis.findings.iter().any(|finding| finding.level > Level::Note)
}

fn draw(kind: &Kind, variant: u64) -> Curves {
    (kind.draw)(&mut Random::new(variant * 7919 + kind.name.len() as u64))
}

struct Score {
    /// Share of variants with one of the right words.
    right: f64,
    /// Share with a finding above a note.
    harmful: f64,
    words: BTreeMap<String, usize>,
}

fn score(kind: &Kind, disturb: impl Fn(Curves, &mut Random) -> Curves) -> Score {
    let (mut right, mut harmful_count, mut words) = (0, 0, BTreeMap::new());
    for variant in 0..VARIANTS {
        let mut random = Random::new(variant + 99);
        let found = diagnosis(disturb(draw(kind, variant), &mut random));
        let primary = found.primary.unwrap();
        right += u64::from(kind.right.contains(&primary));
        harmful_count += u64::from(harmful(&found));
        *words.entry(format!("{primary:?}")).or_default() += 1;
    }
    let share = |count: u64| count as f64 / VARIANTS as f64;
    Score { right: share(right), harmful: share(harmful_count), words }
}

/// Prints the scores and gives the kinds that fall short.
fn judge(right: f64, harmful: f64, disturb: impl Fn(Curves, &mut Random) -> Curves) -> Vec<String> {
    let (mut table, mut short) = (String::new(), Vec::new());
    for kind in KINDS {
        let score = score(kind, &disturb);
        let line = format!(
            "{:26} right {:.3} harmful {:.3} {:?}",
            kind.name, score.right, score.harmful, score.words
        );
        let _ = writeln!(table, "{line}");
        if score.right < right || (kind.harmless && score.harmful > harmful) {
            short.push(line);
        }
    }
    println!("{table}");
    short
}

#[test]
fn kinds_are_told_apart() {
    let short = judge(0.95, 0.02, |curves, _| curves);
    assert!(short.is_empty(), "{short:#?}");
}

fn each_loss(mut curves: Curves, mut change: impl FnMut(&mut Curve)) -> Curves {
    for loss in [&mut curves.loss, &mut curves.val_loss].into_iter().flatten() {
        change(loss);
    }
    curves
}

#[test]
fn one_per_cent_of_noise_changes_little() {
    let short = judge(0.85, 0.03, |curves, random| {
        each_loss(curves, |loss| {
            for value in &mut loss.values {
                *value *= 1.0 + 0.01 * random.gauss();
            }
        })
    });
    assert!(short.is_empty(), "{short:#?}");
}

#[test]
fn units_do_not_matter() {
    // Twice all losses is the same shape; only entropies and chance levels have a scale.
    for kind in KINDS {
        for variant in 0..20 {
            let curves = draw(kind, variant);
            let twice =
                each_loss(curves.clone(), |loss| loss.values.iter_mut().for_each(|value| *value *= 2.0));
            let (one, two) = (diagnosis(curves).primary, diagnosis(twice).primary);
            let by_level = [Some(Label::Stuck), Some(Label::Plateau)];
            assert!(
                one == two || by_level.contains(&one) || by_level.contains(&two),
                "{} {variant}",
                kind.name
            );
        }
    }
}
