//! Each curve rule on a curve that shows its symptom, and on the nearest one that does not.

use crate::curve::{Curve, Curves};
use crate::facts::{Argument, Compile, Data, Network, Placed, SplitFacts};
use crate::{CauseKind, Evidence, Finding, Label, Level, diagnose, rules};

fn curve(values: &[f64]) -> Option<Curve> {
    Some(Curve { rows: (0..values.len()).collect(), values: values.to_vec() })
}

fn made(n: usize, value: impl Fn(f64) -> f64) -> Option<Curve> {
    curve(&(0..n).map(|i| value(i as f64)).collect::<Vec<_>>())
}

fn losses(loss: Option<Curve>, val_loss: Option<Curve>) -> Evidence {
    let rows = [&loss, &val_loss].into_iter().flatten().map(Curve::len).max().unwrap_or(0);
    Evidence { curves: Some(Curves { rows, loss, val_loss, ..Default::default() }), ..Default::default() }
}

fn with_accuracy(loss: Option<Curve>, accuracy: Option<Curve>) -> Evidence {
    let mut evidence = losses(loss, None);
    evidence.curves.as_mut().expect("just made").accuracy = accuracy;
    evidence
}

fn compiled(mut evidence: Evidence, loss: &str, learning_rate: f64) -> Evidence {
    let compile = Compile {
        loss: Placed { value: Argument::Given(loss.into()), place: None },
        learning_rate: Placed { value: Argument::Given(learning_rate), place: None },
        ..Default::default()
    };
    evidence.network = Some(Network { compile: Some(compile), ..Default::default() });
    evidence
}

/// What one rule finds.
fn of(rule: &str, evidence: &Evidence) -> Vec<Finding> {
    let rule = rules::by_id(rule).expect("there is such a rule");
    (rule.check)(evidence).unwrap_or_else(|missing| panic!("{} lacks {}", rule.id, missing.0))
}

fn one(rule: &str, evidence: &Evidence) -> Finding {
    let mut found = of(rule, evidence);
    assert_eq!(found.len(), 1, "{rule}: {found:#?}");
    found.remove(0)
}

fn decay(i: f64) -> f64 {
    0.2 + 2.0 * (-i / 5.0).exp()
}

#[test]
fn not_a_number_from_the_start_is_of_the_data_and_later_of_the_steps() {
    let first = one("C01", &losses(curve(&[f64::NAN; 5]), None));
    assert_eq!((first.epoch, first.label, first.level), (Some(0), Some(Label::Nan), Level::Error));
    assert_eq!(first.causes[0].kind, CauseKind::BadValues);
    let later = one("C01", &losses(curve(&[2.0, 1.0, f64::INFINITY, f64::NAN]), None));
    assert_eq!(later.epoch, Some(2));
    assert_eq!(later.causes[0].kind, CauseKind::LearningRateHigh);
    assert!(later.symptom.contains("from row 2 on"), "{}", later.symptom);
    let gaps = Curve::of(&[Some(2.0), None, Some(1.0)]);
    assert_eq!(of("C01", &losses(Some(gaps), None)), [], "a gap is not NaN");
    let metric = one("C01", &with_accuracy(made(4, decay), curve(&[0.1, f64::NAN, 0.2, 0.3])));
    assert_eq!((metric.level, metric.label), (Level::Warning, None));
}

#[test]
fn a_negative_loss_is_wrong_where_it_cannot_be() {
    let falling = || made(6, |i| 0.5 - i * i);
    let known = one("C02", &compiled(losses(falling(), None), "binary_crossentropy", 1e-3));
    assert_eq!((known.label, known.epoch), (Some(Label::NegLoss), Some(1)));
    assert_eq!(of("C02", &compiled(losses(falling(), None), "cosine_similarity", 1e-3)), []);
    let unknown = one("C02", &losses(falling(), None));
    assert_eq!((unknown.level, unknown.label), (Level::Note, None));
    assert_eq!(one("C02", &with_accuracy(falling(), made(6, |_| 0.33))).label, Some(Label::NegLoss));
    assert_eq!(of("C02", &losses(made(6, decay), None)), []);
}

#[test]
fn a_loss_of_nothing_beside_an_accuracy_of_nothing() {
    let falling = || made(8, |i| (-2.0 * i).exp());
    let found = one("C03", &with_accuracy(falling(), made(8, |_| 0.1)));
    assert_eq!((found.label, found.causes[0].kind), (Some(Label::MetricMismatch), CauseKind::BadLabels));
    assert_eq!(of("C03", &with_accuracy(falling(), made(8, |i| 0.5 + 0.07 * i))), []);
}

#[test]
fn stuck_names_its_level_and_a_shoulder_that_ends_is_not_stuck() {
    let stuck = with_accuracy(made(20, |_| 10_f64.ln()), made(20, |_| 0.1));
    let found = one("C04", &stuck);
    assert!(found.symptom.contains("ln 10"), "{}", found.symptom);
    assert!(found.fingerprint.is_some());
    let shoulder = made(60, |i| if i < 30.0 { 0.69 } else { 0.69 - 0.015 * (i - 30.0) });
    let accuracy = made(60, |i| if i < 30.0 { 0.5 } else { 0.5 + 0.01 * (i - 30.0) });
    assert_eq!(of("C04", &with_accuracy(shoulder, accuracy)), []);
    let better_than_any_constant = with_accuracy(made(20, |i| 0.45 - 1e-4 * i), made(20, |_| 0.8));
    assert_eq!(of("C04", &better_than_any_constant), []);
}

#[test]
fn a_learning_rate_that_is_known_moves_the_suspicion() {
    let stuck = || with_accuracy(made(20, |_| 2.5), made(20, |_| 0.2));
    let weight = |rate: f64| {
        let found = one("C04", &compiled(stuck(), "categorical_crossentropy", rate));
        let cause = found.causes.into_iter().find(|cause| cause.kind == CauseKind::LearningRateHigh);
        cause.expect("it is suspected").weight
    };
    assert!(weight(1.0) > weight(3e-3) && weight(3e-3) > weight(1e-6));
}

#[test]
fn collapse_is_not_divergence() {
    let died = |end: fn(f64) -> f64| made(60, move |i| if i < 20.0 { 1.1 - 0.04 * i } else { end(i) });
    let found = one("C05", &losses(died(|_| 1.1), None));
    assert_eq!(found.label, Some(Label::Collapse));
    assert!(found.epoch.is_some_and(|row| (17..=19).contains(&row)), "{found:#?}");
    let climbing = losses(died(|i| 0.3 + 0.1 * (i - 20.0)), None);
    assert_eq!(of("C05", &climbing), []);
    assert_eq!(one("C06", &climbing).label, Some(Label::Diverge));
}

#[test]
fn noise_that_falls_does_not_diverge() {
    let noisy = made(200, |i| (100.0 / (1.0 + i / 10.0)) * (1.0 + 0.6 * (i * 2.1).sin()));
    assert_eq!(of("C06", &losses(noisy, None)), []);
}

#[test]
fn swings_and_a_first_epoch_that_overshot() {
    let swinging = losses(made(40, |i| 2.0 + if i % 2.0 == 0.0 { 0.8 } else { -0.8 }), None);
    assert_eq!(one("C07", &swinging).label, Some(Label::Oscillate));
    assert_eq!(of("C07", &losses(made(40, decay), None)), []);
    let mut overshot = compiled(
        losses(made(20, |i| if i == 0.0 { 9.0 } else { decay(i) }), None),
        "categorical_crossentropy",
        0.01,
    );
    let classes = (0..7).map(|i| (format!("class {i}"), 10)).collect();
    overshot.data = Some(Data { classes, ..Default::default() });
    let found = one("C07", &overshot);
    assert_eq!(found.causes[0].kind, CauseKind::LearningRateHigh);
    assert!(found.symptom.contains("ln 7"), "{}", found.symptom);
}

#[test]
fn a_peak_is_a_note_until_it_throws_everything_out() {
    let with_peak = |height: f64| losses(made(40, |i| if i == 20.0 { height } else { decay(i) }), None);
    let small = one("C08", &with_peak(1.5));
    assert_eq!((small.level, small.label, small.epoch), (Level::Note, None, Some(20)));
    let severe = one("C08", &with_peak(500.0));
    assert_eq!((severe.level, severe.label), (Level::Warning, Some(Label::Spike)));
    assert_eq!(of("C08", &losses(made(40, decay), None)), []);
}

#[test]
fn both_losses_turning_up_is_not_overfitting() {
    let rebound = || made(20, |i| if i < 17.0 { 1.2 - 0.03 * i } else { 1.0 });
    let both = losses(rebound(), rebound());
    assert_eq!(one("C09", &both).causes[0].kind, CauseKind::LearningRateHigh);
    assert_eq!(of("C11", &both), []);
    assert_eq!(of("C09", &losses(made(20, |i| 1.2 - 0.03 * i), rebound())), []);
}

#[test]
fn slow_is_neither_stuck_nor_fast() {
    let slow = losses(made(40, |i| 2.3 * (1.0 - 0.002 * i)), None);
    assert_eq!(one("C10", &slow).causes[0].kind, CauseKind::LearningRateLow);
    assert_eq!(of("C10", &losses(made(40, decay), None)), []);
    assert_eq!(of("C10", &losses(made(40, |_| 2.3), None)), []);
}

#[test]
fn overfitting_points_at_the_best_epoch_and_says_what_became_of_the_accuracy() {
    let val = || made(40, |i| if i < 10.0 { 1.0 - 0.05 * i } else { 0.5 + 0.02 * (i - 10.0) });
    let mut overfit = losses(made(40, |i| 1.2 * (-i / 10.0).exp()), val());
    let found = one("C11", &overfit);
    assert_eq!((found.epoch, found.label), (Some(10), Some(Label::Overfit)));
    overfit.curves.as_mut().expect("it has curves").val_accuracy =
        made(40, |i| 0.5 + 0.3 * (1.0 - (-i / 5.0).exp()));
    assert!(one("C11", &overfit).notes[0].contains("over-confident"));
    assert_eq!(of("C11", &losses(made(40, |i| 1.2 * (-i / 10.0).exp()), made(40, decay))), []);
}

#[test]
fn validation_that_stands_while_training_goes_on() {
    let train = || made(50, |i| 1.5 * (-i / 15.0).exp());
    let stands = losses(train(), made(50, |i| 0.6 + 0.9 * (-i / 4.0).exp() + 1e-3 * (i * 2.7).sin()));
    assert_eq!(one("C12", &stands).label, Some(Label::ValPlateau));
    assert_eq!(of("C12", &losses(train(), made(50, |i| 1.6 * (-i / 15.0).exp()))), []);
}

#[test]
fn a_run_that_had_not_finished() {
    let found = one("C13", &losses(made(20, |i| 2.0 - 0.05 * i), None));
    assert_eq!((found.level, found.label), (Level::Note, Some(Label::StillImproving)));
    assert_eq!(of("C13", &losses(made(60, decay), None)), []);
}

#[test]
fn a_plateau_is_poor_only_if_the_accuracy_is() {
    let at = |accuracy: f64| {
        with_accuracy(
            made(40, |i| 0.8 + 0.4 * (-i / 3.0).exp()),
            made(40, |i| accuracy - 0.2 * (-i / 3.0).exp()),
        )
    };
    assert_eq!(one("C14", &at(0.55)).label, Some(Label::Plateau));
    assert_eq!(of("C14", &at(0.93)), []);
}

#[test]
fn validation_below_training_asks_whether_items_are_shared() {
    let mut better = losses(made(20, |i| 1.5 * decay(i)), made(20, decay));
    assert_eq!(one("C15", &better).level, Level::Note);
    better.data = Some(Data {
        split: Some(SplitFacts { copies_across: 30, ..Default::default() }),
        ..Default::default()
    });
    let leak = one("C15", &better).causes.into_iter().find(|cause| cause.kind == CauseKind::Leak);
    assert!(leak.expect("it is suspected").weight > 0.5);
    assert_eq!(of("C15", &losses(made(20, decay), made(20, |i| 1.2 * decay(i)))), []);
}

#[test]
fn a_penalty_that_only_training_has() {
    let apart = losses(made(30, |i| 0.5 + 5.0 * i), made(30, |_| 0.48));
    assert_eq!(one("C16", &apart).label, Some(Label::PenaltyDominated));
    assert_eq!(of("C16", &losses(made(30, |i| 0.5 + 5.0 * i), made(30, |i| 0.48 + 5.0 * i))), []);
}

#[test]
fn few_validation_items_show_in_the_accuracy() {
    let mut coarse = losses(made(10, decay), made(10, decay));
    coarse.curves.as_mut().expect("it has curves").val_accuracy =
        curve(&[8.0, 9.0, 11.0, 11.0, 12.0, 12.0, 13.0, 12.0, 13.0, 13.0].map(|right| right / 13.0));
    let found = one("C17", &coarse);
    assert!(found.symptom.contains("1/13"), "{}", found.symptom);
    assert_eq!(found.causes[0].kind, CauseKind::SmallValidation);
}

#[test]
fn a_loss_that_falls_without_the_accuracy() {
    let falling = || made(30, |i| 1.0 - 0.02 * i);
    let apart = with_accuracy(falling(), made(30, |i| 0.7 + 0.01 * (i * 1.7).sin()));
    assert_eq!(one("C18", &apart).causes[0].kind, CauseKind::Metric);
    assert_eq!(of("C18", &with_accuracy(falling(), made(30, |i| 0.5 + 0.01 * i))), []);
}

#[test]
fn a_rate_that_went_out_while_the_loss_still_fell() {
    let mut put_out = losses(made(30, |i| if i < 12.0 { 2.0 - 0.1 * i } else { 0.8 }), None);
    let rates = |from: f64| made(30, move |i| if i < from { 1e-3 } else { 1e-7 });
    put_out.curves.as_mut().expect("it has curves").learning_rate = rates(12.0);
    assert_eq!(one("C19", &put_out).level, Level::Warning);
    put_out.curves.as_mut().expect("it has curves").learning_rate = rates(28.0);
    assert_eq!(of("C19", &put_out), [], "two epochs of thirty");
}

#[test]
fn the_word_is_that_which_explains_most() {
    let stuck = diagnose(&with_accuracy(made(20, |_| 10_f64.ln()), made(20, |_| 0.1)));
    assert_eq!(stuck.primary, Some(Label::Stuck));
    assert_eq!(diagnose(&losses(made(2, decay), None)).primary, Some(Label::TooShort));
    assert_eq!(diagnose(&losses(made(60, decay), made(60, decay))).primary, Some(Label::Healthy));
    assert_eq!(diagnose(&Evidence::default()).primary, None);
    let nothing_learned = losses(curve(&[1.0, 0.97, 0.99, 0.96, 0.97]), None);
    assert_eq!(diagnose(&nothing_learned).primary, Some(Label::TooShort), "not healthy");
}
