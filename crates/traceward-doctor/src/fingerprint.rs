//! The fingerprint of a stuck loss: which value it is, and what answers give exactly that value.
//!
//! A loss that does not move stands at a level, and the level tells what the network answers. A network
//! that gives all K classes the same probability has the cross-entropy ln K; one that answers the classes'
//! shares has their entropy; one whose outputs are saturated has −ln 1e-7 = 16.118 (Keras clips
//! probabilities there) times the share of items that it gets wrong. Compared with the accuracy, which then
//! is the share of one class, the level names what is broken.
//!
//! Equal numbers may be a coincidence. Where the number of classes is not known, K is searched for, and
//! the chance that some K fits any level as well as this is stated.

use serde::Serialize;

use crate::curve::{figure, percent};
use crate::{CauseKind, Evidence};

/// −ln 1e-7: the largest cross-entropy of one item in Keras, which clips probabilities to 1e-7.
pub const CLIPPED: f64 = 16.118_095_650_958_32;
/// −ln(1 − (1 − 1e-7)) where 1 − 1e-7 is rounded to single precision, as in a binary cross-entropy.
const CLIPPED_SINGLE: f64 = 15.942_385_152_878_742;
/// The most that PyTorch's BCELoss gives one item: it clamps the logarithm.
const CLAMPED: f64 = 100.0;

/// A value counts as found within this share of it, when nothing was searched for.
const TOLERANCE: f64 = 0.01;
/// The same when K was searched for.
const SEARCHED_TOLERANCE: f64 = 0.002;
/// As long as a K fits a random level with less than this chance, it says something.
const MOST_CHANCE: f64 = 0.1;
/// The most classes searched for.
const MOST_CLASSES: usize = 1000;

/// What kind of answer has a value as its loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// The same for every input: all classes alike, or by their shares.
    Constant,
    /// Outputs driven to 0 or 1, so that each is clipped, and right only for one class.
    Saturated,
    /// The mean of the targets.
    Mean,
}

/// One value that the level was compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Match {
    /// How it is computed: `ln 7`.
    pub name: String,
    /// What it comes to.
    pub value: f64,
    /// How far the level lies from it, as a share of it.
    pub distance: f64,
    /// Whether that is close enough to be it.
    pub hit: bool,
    /// What a network answers whose loss this is.
    pub meaning: String,
    /// The same in one word.
    pub answers: Answers,
}

/// A level and the values it was compared with, nearest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fingerprint {
    /// The loss.
    pub level: f64,
    /// The accuracy beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// What it was compared with.
    pub table: Vec<Match>,
    /// What is to be said of coincidences, and of the accuracy.
    pub notes: Vec<String>,
}

impl Fingerprint {
    /// The nearest value that is close enough.
    pub fn hit(&self) -> Option<&Match> {
        self.table.iter().find(|entry| entry.hit)
    }

    /// What the hit speaks for, likeliest first.
    pub fn causes(&self) -> &'static [(CauseKind, &'static str)] {
        match self.hit().map(|hit| hit.answers) {
            Some(Answers::Saturated) => &[
                (CauseKind::OutputActivation, "outputs that are driven to 0 or 1 and clipped there"),
                (
                    CauseKind::LearningRateHigh,
                    "first steps so large that they drove the outputs to their ends",
                ),
                (CauseKind::Scaling, "inputs so large that the outputs saturate at once"),
            ],
            Some(Answers::Constant | Answers::Mean) => &[
                (
                    CauseKind::DeadUnits,
                    "units that answer 0 to everything, so that only the last bias learns",
                ),
                (
                    CauseKind::LearningRateHigh,
                    "steps that killed the hidden units, or jump over every minimum",
                ),
                (CauseKind::HiddenLinear, "hidden layers that cannot tell the classes apart"),
                (CauseKind::BadLabels, "labels that do not belong to their inputs"),
            ],
            None => &[],
        }
    }
}

/// Compares a stuck `level` of the loss, and the accuracy beside it, with what is known of classes and loss.
pub fn fingerprint(level: f64, accuracy: Option<f64>, evidence: &Evidence) -> Fingerprint {
    let loss = evidence.compile().ok().and_then(|compile| compile.loss.value.given()).map(String::as_str);
    let prior = evidence.data.as_ref().and_then(crate::facts::Data::prior);
    let classes = evidence.classes();
    let family = Family::of(loss, accuracy.is_some() || prior.is_some());
    let mut compared = Comparison { level, table: Vec::new(), notes: Vec::new() };
    if family.cross_entropy {
        compared.uniform(classes, accuracy);
        compared.entropies(prior.as_deref(), classes, accuracy);
        compared.saturated(accuracy, prior.as_deref());
    }
    if family.squared {
        compared.squares(prior.as_deref(), classes, accuracy);
        let variance = evidence.data.as_ref().and_then(|data| data.more.get("target_variance").copied());
        if let Some(variance) = variance {
            compared.add(
                "variance of the targets",
                variance,
                "the mean of the targets, always",
                Answers::Mean,
            );
        }
    }
    compared.share(accuracy, prior.as_deref());
    let Comparison { mut table, notes, .. } = compared;
    table.sort_by(|a, b| b.hit.cmp(&a.hit).then(a.distance.abs().total_cmp(&b.distance.abs())));
    Fingerprint { level, accuracy, table, notes }
}

/// Which losses the level may be of.
struct Family {
    cross_entropy: bool,
    squared: bool,
}

impl Family {
    fn of(loss: Option<&str>, classification: bool) -> Self {
        match loss {
            Some(loss) if loss.contains("crossentropy") => Self { cross_entropy: true, squared: false },
            Some(loss) if loss.contains("squared") || loss == "mse" => {
                Self { cross_entropy: false, squared: true }
            }
            Some(_) => Self { cross_entropy: false, squared: false },
            None => Self { cross_entropy: true, squared: classification },
        }
    }
}

struct Comparison {
    level: f64,
    table: Vec<Match>,
    notes: Vec<String>,
}

impl Comparison {
    fn add(&mut self, name: impl Into<String>, value: f64, meaning: impl Into<String>, answers: Answers) {
        self.add_within(TOLERANCE, name, value, meaning, answers);
    }

    fn add_within(
        &mut self,
        tolerance: f64,
        name: impl Into<String>,
        value: f64,
        meaning: impl Into<String>,
        answers: Answers,
    ) {
        if !value.is_finite() || value <= 0.0 {
            return;
        }
        let distance = (self.level - value) / value;
        let hit = distance.abs() <= tolerance;
        self.table.push(Match { name: name.into(), value, distance, hit, meaning: meaning.into(), answers });
    }

    /// ln K.
    fn uniform(&mut self, classes: Option<usize>, accuracy: Option<f64>) {
        const MEANING: &str = "the same probability for every class";
        if let Some(classes) = classes.filter(|&classes| classes >= 2) {
            self.add(format!("ln {classes}"), (classes as f64).ln(), MEANING, Answers::Constant);
            if classes != 2 {
                let meaning = "one half for every yes-or-no answer";
                self.add("ln 2", std::f64::consts::LN_2, meaning, Answers::Constant);
            }
            return;
        }
        let nearest = self.level.exp().round();
        if !(2.0..=MOST_CLASSES as f64).contains(&nearest) {
            self.add(
                "ln 2",
                std::f64::consts::LN_2,
                "one half for every yes-or-no answer",
                Answers::Constant,
            );
            return;
        }
        // Levels near ln K lie 1/K apart, so that a level drawn at random is this near to one of them with
        // this chance.
        let chance = (2.0 * SEARCHED_TOLERANCE * nearest.ln() * nearest).min(1.0);
        let by_accuracy = accuracy.is_some_and(|accuracy| (accuracy * nearest - 1.0).abs() < 0.3);
        let telling = chance < MOST_CHANCE || by_accuracy;
        let tolerance = if telling { SEARCHED_TOLERANCE } else { 0.0 };
        self.add_within(tolerance, format!("ln {nearest}"), nearest.ln(), MEANING, Answers::Constant);
        let near = (self.level - nearest.ln()).abs() <= SEARCHED_TOLERANCE * nearest.ln();
        if near && by_accuracy {
            self.notes.push(format!("the accuracy is about 1/{nearest} too"));
        } else if near {
            self.notes.push(format!(
                "the number of classes is not known; some ln K fits a random level as well with a chance of {}",
                percent(chance)
            ));
        }
    }

    /// Entropies of the classes' shares.
    fn entropies(&mut self, prior: Option<&[f64]>, classes: Option<usize>, accuracy: Option<f64>) {
        if let Some(prior) = prior {
            let entropy: f64 = prior.iter().map(|&p| bits(p)).sum();
            // That of even classes is ln K, which is in the table.
            if entropy < 0.999 * (prior.len() as f64).ln() {
                let meaning = "every class by its share, whatever the input";
                self.add("entropy of the class shares", entropy, meaning, Answers::Constant);
            }
            if prior.len() > 2 {
                let binary = prior.iter().map(|&p| bits(p) + bits(1.0 - p)).sum::<f64>() / prior.len() as f64;
                let name = "binary cross-entropy of the class shares";
                self.add(name, binary, "every output by its class's share", Answers::Constant);
            }
            return;
        }
        if let Some(classes) = classes.filter(|&classes| classes > 2) {
            let share = 1.0 / classes as f64;
            let name = format!("binary cross-entropy of 1/{classes}");
            self.add(name, bits(share) + bits(1.0 - share), "1/K for every output", Answers::Constant);
        }
        if let Some(accuracy) = accuracy.filter(|accuracy| (0.5..0.98).contains(accuracy)) {
            let name = format!("entropy of {} and the rest", figure(accuracy));
            let meaning = "two classes by their shares, if the accuracy is that of the larger";
            self.add(name, bits(accuracy) + bits(1.0 - accuracy), meaning, Answers::Constant);
        }
    }

    /// Saturated outputs, wrong for all items but one class's.
    fn saturated(&mut self, accuracy: Option<f64>, prior: Option<&[f64]>) {
        let wrong = accuracy.map(|accuracy| 1.0 - accuracy).or_else(|| {
            let most = prior?.iter().copied().fold(0.0, f64::max);
            Some(1.0 - most)
        });
        let Some(wrong) = wrong else {
            // Any level is 16.118 times something: without an accuracy only all and half are telling.
            let meaning = "outputs of 0 or 1, clipped at 1e-7, and all wrong";
            self.add_within(SEARCHED_TOLERANCE, "16.118", CLIPPED, meaning, Answers::Saturated);
            let meaning = "outputs of 0 or 1, clipped at 1e-7, and wrong for half of the items";
            self.add_within(SEARCHED_TOLERANCE, "16.118 / 2", CLIPPED / 2.0, meaning, Answers::Saturated);
            return;
        };
        let meaning =
            format!("outputs of 0 or 1, clipped at 1e-7, and wrong for {} of the items", percent(wrong));
        for (most, name) in [(CLIPPED, "16.118"), (CLIPPED_SINGLE, "15.942")] {
            self.add(
                format!("{name} x {}", figure(wrong)),
                most * wrong,
                meaning.clone(),
                Answers::Saturated,
            );
        }
        let meaning = format!("outputs of 0 or 1, clamped as in PyTorch, and wrong for {}", percent(wrong));
        self.add(format!("100 x {}", figure(wrong)), CLAMPED * wrong, meaning, Answers::Saturated);
    }

    /// Mean squared errors of one-hot labels.
    fn squares(&mut self, prior: Option<&[f64]>, classes: Option<usize>, accuracy: Option<f64>) {
        if let Some(prior) = prior.filter(|prior| prior.len() > 1) {
            let value = prior.iter().map(|p| p * (1.0 - p)).sum::<f64>() / prior.len() as f64;
            let meaning = "every class by its share, squared error of one-hot labels";
            self.add("squared error of the class shares", value, meaning, Answers::Constant);
        }
        let by_accuracy = accuracy.filter(|a| *a > 0.0).map(|a| (1.0 / a).round() as usize);
        if let Some(classes) =
            classes.or(by_accuracy).filter(|&classes| (2..=MOST_CLASSES).contains(&classes))
        {
            let k = classes as f64;
            let meaning = format!("1/{classes} for every class, squared error of one-hot labels");
            self.add(format!("(K-1)/K² of {classes}"), (k - 1.0) / (k * k), meaning, Answers::Constant);
            if let Some(accuracy) = accuracy {
                let value = 2.0 * (1.0 - accuracy) / k;
                let meaning = "one class with certainty, squared error of one-hot labels";
                self.add(
                    format!("2 x {} / {classes}", figure(1.0 - accuracy)),
                    value,
                    meaning,
                    Answers::Saturated,
                );
            }
        }
        if let Some(accuracy) = accuracy.filter(|accuracy| (0.5..0.98).contains(accuracy)) {
            let value = accuracy * (1.0 - accuracy);
            let meaning = "the share of one class, squared error of labels 0 and 1";
            self.add(format!("{0} x (1 - {0})", figure(accuracy)), value, meaning, Answers::Mean);
            let meaning = "always 0 or always 1, squared error of labels 0 and 1";
            self.add(format!("1 - {}", figure(accuracy)), 1.0 - accuracy, meaning, Answers::Saturated);
        }
    }

    /// Whether the accuracy is the share of one class.
    fn share(&mut self, accuracy: Option<f64>, prior: Option<&[f64]>) {
        let (Some(accuracy), Some(prior)) = (accuracy, prior) else { return };
        let nearest =
            prior.iter().copied().min_by(|a, b| (a - accuracy).abs().total_cmp(&(b - accuracy).abs()));
        if let Some(share) = nearest.filter(|share| (share - accuracy).abs() < 0.01) {
            self.notes.push(format!(
                "the accuracy of {} is the share of one class ({}): it always answers that one",
                figure(accuracy),
                figure(share)
            ));
        }
    }
}

/// −p ln p.
fn bits(p: f64) -> f64 {
    if p > 0.0 { -p * p.ln() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Data;

    fn with_classes(counts: &[usize]) -> Evidence {
        let classes = counts.iter().enumerate().map(|(i, &n)| (format!("class {i}"), n)).collect();
        Evidence { data: Some(Data { classes, ..Default::default() }), ..Default::default() }
    }

    fn hit(level: f64, accuracy: Option<f64>, evidence: &Evidence) -> Option<String> {
        fingerprint(level, accuracy, evidence).hit().map(|hit| hit.name.clone())
    }

    #[test]
    fn seven_classes_alike() {
        let evidence = with_classes(&[10; 7]);
        assert_eq!(hit(1.9459, None, &evidence).as_deref(), Some("ln 7"));
        assert_eq!(hit(0.46, None, &evidence), None, "0.46 is not ln 7");
    }

    #[test]
    fn the_shares_of_uneven_classes() {
        let evidence = with_classes(&[80, 10, 10]);
        let entropy = -(0.8f64 * 0.8f64.ln() + 0.2 * 0.1f64.ln());
        let name = hit(entropy * 1.003, Some(0.8), &evidence);
        assert_eq!(name.as_deref(), Some("entropy of the class shares"));
        let found = fingerprint(entropy, Some(0.8), &evidence);
        assert!(found.notes.iter().any(|note| note.contains("always answers that one")), "{:?}", found.notes);
    }

    #[test]
    fn saturated_outputs_by_their_accuracy() {
        let found = fingerprint(5.4876, Some(0.6595), &Evidence::default());
        let hit = found.hit().expect("16.118 x 0.3405 = 5.488");
        assert!(hit.name.starts_with("16.118 x 0.3405"), "{}", hit.name);
        assert_eq!(hit.answers, Answers::Saturated);
        assert_eq!(found.causes()[0].0, CauseKind::OutputActivation);
        assert!(fingerprint(CLIPPED, Some(0.0), &Evidence::default()).hit().is_some(), "all wrong");
    }

    #[test]
    fn an_unknown_number_of_classes_is_found_where_it_can_be() {
        let none = Evidence::default();
        assert_eq!(hit(std::f64::consts::LN_2, Some(0.5), &none).as_deref(), Some("ln 2"));
        assert_eq!(hit(10_f64.ln(), Some(0.112), &none).as_deref(), Some("ln 10"));
        assert_eq!(hit(10_f64.ln(), None, &none).as_deref(), Some("ln 10"));
        assert_eq!(hit(6.2, None, &none), None, "some ln K is always near 6.2");
        assert_eq!(hit(1.06, Some(0.36), &none), None, "ln 3 is 1.0986");
    }

    #[test]
    fn squared_errors_only_where_the_loss_may_be_one() {
        let none = Evidence::default();
        assert_eq!(hit(0.09, Some(0.1), &none).as_deref(), Some("(K-1)/K² of 10"));
        let mut evidence = with_classes(&[10; 10]);
        let compile = crate::facts::Compile {
            loss: crate::facts::Placed {
                value: crate::facts::Argument::Given("categorical_crossentropy".into()),
                place: None,
            },
            ..Default::default()
        };
        evidence.network = Some(crate::facts::Network { compile: Some(compile), ..Default::default() });
        assert_eq!(hit(0.09, Some(0.1), &evidence), None);
    }

    #[test]
    fn nearest_hits_come_first() {
        let found = fingerprint(1.94, Some(0.15), &with_classes(&[10; 7]));
        assert!(found.table[0].hit);
        let misses: Vec<f64> = found.table.iter().filter(|m| !m.hit).map(|m| m.distance.abs()).collect();
        assert!(misses.is_sorted(), "{misses:?}");
    }
}
