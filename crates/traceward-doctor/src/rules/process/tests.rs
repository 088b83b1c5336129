//! Each rule about the process on a log that shows its symptom, and on one that does not.

use crate::curve::{Curve, Curves};
use crate::process::Process;
use crate::{Evidence, Finding, rules};

fn of(rule: &str, evidence: &Evidence) -> Vec<Finding> {
    let rule = rules::by_id(rule).expect("there is such a rule");
    (rule.check)(evidence).unwrap_or_else(|missing| panic!("{} lacks {}", rule.id, missing.0))
}

fn with(process: Process, seconds: &[f64]) -> Evidence {
    let curve = |values: &[f64]| Some(Curve { rows: (0..values.len()).collect(), values: values.to_vec() });
    let curves = Curves {
        rows: seconds.len(),
        loss: curve(&vec![1.0; seconds.len()]),
        seconds: curve(seconds),
        ..Default::default()
    };
    Evidence { curves: Some(curves), process: Some(process), ..Default::default() }
}

fn ten_of(planned: u64) -> Process {
    Process { counters: (0..10).collect(), planned_epochs: Some(planned), runs: 1, ..Default::default() }
}

#[test]
fn a_log_that_ends_before_its_plan() {
    assert!(of("R01", &with(ten_of(100), &[1.0; 10]))[0].symptom.contains("10 of 100"));
    assert_eq!(of("R01", &with(ten_of(10), &[1.0; 10])), []);
    let stopped = Process { stopped_early: true, ..ten_of(100) };
    assert_eq!(of("R01", &with(stopped, &[1.0; 10])), []);
    let killed = Process { interrupted: Some("KeyboardInterrupt".into()), planned_epochs: None, ..ten_of(0) };
    assert!(of("R01", &with(killed, &[1.0; 10]))[0].symptom.contains("KeyboardInterrupt"));
}

#[test]
fn several_runs() {
    assert_eq!(of("R02", &with(Process { runs: 3, ..ten_of(10) }, &[1.0; 10])).len(), 1);
    assert_eq!(of("R02", &with(ten_of(10), &[1.0; 10])), []);
}

#[test]
fn epochs_that_grow_and_a_first_one_that_compiles() {
    let growing: Vec<f64> = (0..20).map(|i| 10.0 * 1.08_f64.powi(i)).collect();
    assert_eq!(of("R03", &with(ten_of(10), &growing)).len(), 1);
    let mut compiles = vec![10.0; 20];
    compiles[0] = 300.0;
    assert_eq!(of("R03", &with(ten_of(10), &compiles)), []);
}

#[test]
fn a_log_that_no_longer_grows() {
    let idle = |seconds: f64| Process { idle_seconds: Some(seconds), ..ten_of(100) };
    assert_eq!(of("R04", &with(idle(400.0), &[40.0; 10])).len(), 1);
    assert_eq!(of("R04", &with(idle(100.0), &[40.0; 10])), []);
}

#[test]
fn rows_that_go_back() {
    let twice = Process { counters: vec![7, 8, 9, 8, 9], ..Default::default() };
    assert_eq!(of("R05", &with(twice, &[1.0; 5]))[0].epoch, Some(3));
    assert_eq!(of("R05", &with(ten_of(10), &[1.0; 10])), []);
}

#[test]
fn a_first_epoch_that_is_a_mean() {
    let losses = |loss: &[f64], val: &[f64]| {
        let curve =
            |values: &[f64]| Some(Curve { rows: (0..values.len()).collect(), values: values.to_vec() });
        let curves =
            Curves { rows: loss.len(), loss: curve(loss), val_loss: curve(val), ..Default::default() };
        Evidence { curves: Some(curves), ..Default::default() }
    };
    assert_eq!(of("R06", &losses(&[0.77, 0.2, 0.09, 0.04, 0.02], &[0.42, 0.37, 0.29, 0.22, 0.18])).len(), 1);
    assert_eq!(of("R06", &losses(&[0.77, 0.5, 0.3, 0.2, 0.2], &[0.75, 0.5, 0.35, 0.3, 0.3])), []);
}
