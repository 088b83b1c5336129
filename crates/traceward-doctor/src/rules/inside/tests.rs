//! Looks made by hand, healthy but for one thing.

use crate::inside::{Inside, Look, OutputLook, WeightLook};
use crate::{CauseKind, Evidence, Finding, Level, rules};

fn kernel(name: &str, layer: usize) -> WeightLook {
    WeightLook {
        name: name.into(),
        layer,
        count: 1000,
        trainable: true,
        norm: 4.0,
        largest: 0.3,
        gradient_norm: 0.2,
        gradient_zeros: 0.0,
        update_norm: 0.008,
        twins: Some(0.0),
        forget_bias: None,
    }
}

fn output(name: &str, layer: usize, activation: &str) -> OutputLook {
    OutputLook {
        name: name.into(),
        layer,
        activation: activation.into(),
        rows: 32,
        units: 8,
        deviation: 0.5,
        zeros: 0.3,
        dead: vec![false; 8],
        ..OutputLook::default()
    }
}

/// Ten looks, ten steps apart, at a training that learns.
fn healthy() -> Inside {
    let look = |number: u64| Look {
        step: 10 * number,
        epoch: u32::try_from(number / 5).unwrap(),
        loss: 1.9 / (1.0 + number as f64 * 0.2),
        learning_rate: 1e-3,
        gradient_norm: 0.6,
        weights: vec![
            kernel("lstm/kernel", 1),
            WeightLook { forget_bias: Some(1.0), norm: 5.6, ..kernel("lstm/bias", 1) },
            kernel("dense/kernel", 2),
            kernel("dense_1/kernel", 3),
        ],
        outputs: vec![output("lstm", 1, "tanh"), output("dense", 2, "relu"), output("dense_1", 3, "softmax")],
        evaluated_loss: None,
    };
    Inside { looks: (0..10).map(look).collect(), steps_per_epoch: Some(50) }
}

fn findings(rule: &str, inside: Inside) -> Vec<Finding> {
    let evidence = Evidence { inside: Some(inside), ..Evidence::default() };
    (rules::by_id(rule).unwrap().check)(&evidence).unwrap()
}

/// The one finding of `rule`, after `change` has been made to each look.
fn changed(rule: &str, mut change: impl FnMut(&mut Look)) -> Finding {
    let mut inside = healthy();
    inside.looks.iter_mut().for_each(&mut change);
    let found = findings(rule, inside);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn nothing_is_wrong_with_a_healthy_training() {
    for number in 1..=10 {
        let found = findings(&format!("G{number:02}"), healthy());
        assert_eq!(found, [], "G{number:02}");
    }
}

#[test]
fn without_looks_every_rule_says_so() {
    for number in 1..=10 {
        let rule = rules::by_id(&format!("G{number:02}")).unwrap();
        (rule.check)(&Evidence::default()).unwrap_err();
    }
}

#[test]
fn a_first_layer_without_gradient() {
    let found = changed("G01", |look| {
        look.weights[0].gradient_norm = 1e-6;
        for output in &mut look.outputs[..2] {
            output.activation = "sigmoid".into();
        }
    });
    assert_eq!(found.causes[0].kind, CauseKind::HiddenActivation);
    assert!(found.symptom.contains("lstm/kernel has a norm of 1.0e-6"), "{}", found.symptom);
}

#[test]
fn small_gradients_at_the_end_of_learning_are_no_finding() {
    let mut inside = healthy();
    for (number, look) in inside.looks.iter_mut().enumerate() {
        look.loss = 1.9 * 0.3f64.powi(i32::try_from(number).unwrap());
        for weight in &mut look.weights {
            weight.gradient_norm = 1e-9;
        }
    }
    assert_eq!(findings("G01", inside), []);
}

#[test]
fn no_gradient_at_all_blames_a_clipped_output() {
    let found = changed("G01", |look| {
        look.loss = 1.9;
        look.weights.iter_mut().for_each(|weight| weight.gradient_norm = 0.0);
    });
    assert_eq!(found.causes[0].kind, CauseKind::OutputActivation);
}

#[test]
fn a_gradient_that_doubles_and_one_that_is_no_number() {
    let found = changed("G02", |look| look.gradient_norm = 2f64.powf(look.step as f64 / 10.0));
    assert!(found.symptom.contains("doubled"), "{}", found.symptom);
    let found = changed("G02", |look| {
        if look.step == 50 {
            look.gradient_norm = f64::NAN;
        }
    });
    assert!(found.symptom.contains("step 50"), "{}", found.symptom);
}

#[test]
fn one_peak_is_no_explosion() {
    let mut inside = healthy();
    inside.looks[8].gradient_norm = 80.0;
    inside.looks[8].loss = 4.0;
    assert_eq!(findings("G02", inside), []);
}

#[test]
fn half_a_layer_dead_is_a_warning_and_a_unit_that_serves_one_batch_is_alive() {
    let found = changed("G03", |look| look.outputs[1].dead = [true, false].repeat(4));
    assert_eq!(found.level, Level::Warning);
    assert!(found.symptom.contains("4 of 8 units of dense"), "{}", found.symptom);
    let mut inside = healthy();
    for (number, look) in inside.looks.iter_mut().enumerate() {
        look.outputs[1].dead = vec![true; 8];
        look.outputs[1].dead[number % 8] = false;
    }
    assert_eq!(findings("G03", inside), []);
}

#[test]
fn a_layer_that_is_dead_while_nothing_is_learned_is_an_error() {
    let found = changed("G03", |look| {
        look.loss = 1.9;
        look.outputs[1].dead = vec![true; 8];
    });
    assert_eq!(found.level, Level::Error);
}

#[test]
fn saturation_from_the_start_blames_what_goes_in() {
    let found = changed("G04", |look| look.outputs[0].saturated = 0.8);
    assert_eq!(found.causes[0].kind, CauseKind::Scaling);
    let found = changed("G04", |look| look.outputs[0].saturated = if look.step > 40 { 0.8 } else { 0.1 });
    assert_eq!(found.causes[0].kind, CauseKind::LearningRateHigh);
    let mut inside = healthy();
    inside.looks.iter_mut().for_each(|look| look.outputs[2].saturated = 0.9);
    assert_eq!(findings("G04", inside), [], "the output layer may be sure of itself");
}

#[test]
fn updates_that_rewrite_a_layer_and_updates_that_do_nothing() {
    let found = changed("G05", |look| look.weights[2].update_norm = 1.2);
    assert_eq!(found.causes[0].kind, CauseKind::LearningRateHigh);
    let found = changed("G05", |look| {
        look.loss = 1.9;
        look.weights.iter_mut().for_each(|weight| weight.update_norm = 1e-6);
    });
    assert_eq!(found.causes[0].kind, CauseKind::LearningRateLow);
}

#[test]
fn a_frozen_layer_is_named() {
    let found = changed("G06", |look| {
        for weight in look.weights.iter_mut().filter(|weight| weight.layer == 1) {
            (weight.trainable, weight.update_norm, weight.gradient_norm) = (false, 0.0, 0.0);
        }
    });
    assert_eq!(found.causes[0].kind, CauseKind::FrozenLayer);
    assert!(found.symptom.contains("lstm"), "{}", found.symptom);
}

#[test]
fn weights_that_have_grown_fiftyfold() {
    let found = changed("G07", |look| look.weights[2].largest = 0.3 + look.step as f64 / 6.0);
    assert!(found.symptom.contains("dense/kernel has grown from 0.30 to 15.3"), "{}", found.symptom);
}

#[test]
fn two_losses_of_one_batch() {
    let found = changed("G08", |look| {
        look.step *= 10;
        look.evaluated_loss = Some(2.5 * look.loss);
    });
    assert_eq!(found.rule, "G08");
}

#[test]
fn equal_units_from_the_start() {
    let found = changed("G09", |look| look.weights[2].twins = Some(1.0));
    assert_eq!((found.level, found.causes[0].kind), (Level::Error, CauseKind::Initialization));
    assert!(found.causes[0].weight > 0.9);
}

#[test]
fn a_forget_gate_driven_down() {
    let found = changed("G10", |look| look.weights[1].forget_bias = Some(1.0 - look.step as f64 / 30.0));
    assert_eq!(found.causes[0].kind, CauseKind::LearningRateHigh);
}
