//! Probes made by hand.

use crate::{CauseKind, Evidence, Finding, rules};
use traceward_run::probe::{GradientCheck, InputMatters, Overfit, Probes, RangeTest, StartLoss};

fn healthy() -> Probes {
    Probes {
        start: Some(StartLoss { loss: 1.97, expected: 7f64.ln(), formula: "ln 7".into(), items: 512 }),
        overfit: Some(Overfit {
            items: 32,
            classes: 7,
            steps: 210,
            start_loss: 1.95,
            end_loss: 0.04,
            accuracy: 1.0,
            ceiling: 1.0,
            learning_rate: 1e-3,
            curve: vec![(0, 1.95), (210, 0.04)],
            cut_short: false,
        }),
        input: Some(InputMatters {
            items: 100,
            steps: 100,
            own: 1.1,
            permuted: 2.4,
            permutations: 99,
            p: 0.01,
        }),
        range: Some(RangeTest {
            points: Vec::new(),
            steepest: Some(9e-3),
            suggested: Some(3e-3),
            bound: Some(0.2),
            current: Some(1e-3),
        }),
        gradient: Some(GradientCheck { items: 3, weights: 100, worst: 1e-4, name: "dense/kernel".into() }),
    }
}

fn findings(rule: &str, probes: Probes) -> Vec<Finding> {
    let evidence = Evidence { probes: Some(probes), ..Evidence::default() };
    (rules::by_id(rule).unwrap().check)(&evidence).unwrap()
}

fn first_cause(rule: &str, probes: Probes) -> CauseKind {
    let found = findings(rule, probes);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].causes[0].kind
}

#[test]
fn healthy_probes_find_nothing_and_missing_ones_are_said_to_be_missing() {
    for number in 1..=5 {
        let id = format!("P{number:02}");
        assert_eq!(findings(&id, healthy()), [], "{id}");
        let nothing = Evidence { probes: Some(Probes::default()), ..Evidence::default() };
        (rules::by_id(&id).unwrap().check)(&nothing).unwrap_err();
    }
}

#[test]
fn a_start_loss_far_from_ln_k() {
    let mut probes = healthy();
    probes.start.as_mut().unwrap().loss = 11.4;
    let found = findings("P01", probes);
    assert!(found[0].symptom.contains("11.400") && found[0].symptom.contains("ln 7 = 1.946"), "{found:?}");
}

#[test]
fn a_batch_that_is_not_learned_says_which_way_the_rate_is_wrong() {
    let stuck = |curve: Vec<(u64, f64)>, end_loss| {
        let mut probes = healthy();
        let overfit = probes.overfit.as_mut().unwrap();
        (overfit.accuracy, overfit.end_loss, overfit.curve) = (0.3, end_loss, curve);
        probes
    };
    let jagged = (0..20).map(|at| (at * 50, if at % 2 == 0 { 1.0 } else { 1.9 })).collect();
    assert_eq!(first_cause("P02", stuck(jagged, 1.9)), CauseKind::LearningRateHigh);
    let slow = (0..20u32).map(|at| (u64::from(at) * 50, 1.95 - 0.01 * f64::from(at))).collect();
    assert_eq!(first_cause("P02", stuck(slow, 1.75)), CauseKind::LearningRateLow);
}

#[test]
fn contradicting_items_need_not_be_learned() {
    let mut probes = healthy();
    let overfit = probes.overfit.as_mut().unwrap();
    (overfit.accuracy, overfit.ceiling, overfit.end_loss) = (0.9, 0.9, 0.5);
    assert_eq!(findings("P02", probes), []);
}

#[test]
fn permuted_inputs_that_do_as_well() {
    let mut probes = healthy();
    let input = probes.input.as_mut().unwrap();
    (input.permuted, input.p) = (1.1, 0.4);
    assert_eq!(first_cause("P03", probes), CauseKind::BadLabels);
}

#[test]
fn a_rate_above_the_bound_and_one_far_below() {
    let at = |rate| {
        let mut probes = healthy();
        probes.range.as_mut().unwrap().current = Some(rate);
        probes
    };
    let high = findings("P04", at(0.3));
    assert!(
        high[0].symptom.contains("is 0.30; the loss falls best at 0.0090, and climbs from 0.20 on"),
        "{high:?}"
    );
    assert_eq!(first_cause("P04", at(1e-6)), CauseKind::LearningRateLow);
    assert_eq!(findings("P04", at(1e-2)), []);
}

#[test]
fn a_wrong_derivative() {
    let mut probes = healthy();
    probes.gradient.as_mut().unwrap().worst = 0.2;
    assert_eq!(findings("P05", probes).len(), 1);
}
