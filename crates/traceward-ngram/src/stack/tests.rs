use super::blend::{Answers, centre, log_odds};
use crate::probability::Temperature;

/// Two members on three classes, 0 being normal: the first tells families apart, the second is noise.
fn answers(margins: &mut Vec<f32>) -> Vec<u16> {
    let mut labels = Vec::new();
    for trace in 0..60u16 {
        let label = trace % 3;
        let sign = if label == 1 { 1.0 } else { -1.0 };
        // Right nine times in ten.
        let sign = if trace % 10 == 9 { -sign } else { sign };
        margins.extend([if label == 0 { 2.0 } else { -2.0 }, sign, -sign]);
        let noise = f32::from(trace % 7) - 3.0;
        margins.extend([0.0, noise, -noise]);
        labels.push(label);
    }
    labels
}

#[test]
fn log_odds_are_those_of_the_softmax() {
    let margins = [1.0, 0.5, 2.0];
    let p: Vec<f32> = margins.iter().map(|m: &f32| m.exp()).collect();
    let found = log_odds(&margins, 0, Temperature::default());
    assert!((found - ((p[1] + p[2]) / p[0]).ln()).abs() < 1e-6);
    assert!((centre(&margins, Some(0)) - 1.25).abs() < 1e-6);
    assert!((centre(&margins, None) - 3.5 / 3.0).abs() < 1e-6);
}

#[test]
fn a_member_that_knows_weighs_more_than_noise() {
    let mut margins = Vec::new();
    let labels = answers(&mut margins);
    let answers = Answers { normal: Some(0), classes: 3, members: 2, labels: &labels, margins: &margins };
    let families = answers.families(&[true, true]);
    assert!(families.weights[0] > 3.0 * families.weights[1].abs(), "{:?}", families.weights);
    assert_eq!(families.biases[0], 0.0);
    let only = answers.families(&[false, true]);
    assert_eq!(only.weights[0], 0.0);
    let none = answers.families(&[false, false]);
    assert_eq!((none.weights, none.biases), (vec![0.0; 2], vec![0.0; 3]));
}

/// Normals' log-odds lie around -2 - c and attacks' around 2 - c: what is added puts 0 between them.
#[test]
fn the_lean_separates_normals_from_attacks() {
    let mut margins = Vec::new();
    let labels = answers(&mut margins);
    for row in margins.chunks_exact_mut(6) {
        row[0] += 3.0;
    }
    let answers = Answers { normal: Some(0), classes: 3, members: 2, labels: &labels, margins: &margins };
    let families = answers.families(&[true, false]);
    let temperatures = [Temperature::default(); 2];
    let lean = answers.lean(&[1.0, 0.0], &temperatures, &families);
    let odds: Vec<f64> = margins
        .chunks_exact(6)
        .map(|row| f64::from(log_odds(&row[..3], 0, temperatures[0])) + lean)
        .collect();
    for (odds, label) in odds.iter().zip(&labels) {
        assert_eq!(*odds > 0.0, *label != 0, "{odds} for class {label}");
    }
    let nothing = Answers { normal: None, ..answers };
    assert_eq!(nothing.lean(&[1.0, 0.0], &temperatures, &families), 0.0);
}
