//! What a classifier is worth, with how sure we are of it and what a trivial one would reach.
//!
//! Everything comes from one pass of the network over labelled traces: a row of class scores each. The
//! figures are scikit-learn's (`f1_score(average="macro", zero_division=0)`, `roc_auc_score`,
//! `log_loss`), which the tests hold them to. Besides the classes there is one question, attack or not:
//! its score is one minus the normal class's share, and the *detection rate at a false-alarm rate* of,
//! say, 1 % is the share of attacks found by the lowest threshold that flags at most 1 % of the normals.
//!
//! The serialised form is an interface: keys are only ever added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// False-alarm rates at which the detection rate is given.
pub const FALSE_ALARM_RATES: [f64; 2] = [0.01, 0.001];

/// Resamples of the bootstrap, if the data is not so large that fewer do.
const RESAMPLES: usize = 1000;
/// Draws over all resamples: bounds the time on large data.
const DRAWS: usize = 20_000_000;

/// What goes in.
#[derive(Clone, Copy, Debug)]
pub struct Predictions<'a> {
    /// The network's outputs, `[traces, classes]` by rows. A row that does not sum to 1 (sigmoid) is
    /// divided by its sum, as the loss does.
    pub probabilities: &'a [f32],
    /// The true class of each trace.
    pub labels: &'a [u16],
    /// Class names.
    pub classes: &'a [String],
    /// The class that means "no attack", if there is one.
    pub normal: Option<u16>,
    /// How often each class stands in the training data; the trivial baseline predicts the most frequent.
    /// Absent: counted in `labels`.
    pub training_counts: Option<&'a [usize]>,
    /// How training and validation data were told apart, in a word or two: `grouped`, `random`, `given`.
    pub protocol: &'a str,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Why nothing could be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// No trace.
    #[error("there are no traces to evaluate")]
    Empty,
    /// The outputs are not one row of class scores a trace.
    #[error("{outputs} outputs for {traces} traces of {classes} classes; expected {}", traces * classes)]
    Shape {
        /// How many numbers there are.
        outputs: usize,
        /// How many traces.
        traces: usize,
        /// How many classes.
        classes: usize,
    },
    /// A class that is not there.
    #[error("trace {trace} has class {label}, but there are {classes} classes")]
    Label {
        /// Which trace, from 0.
        trace: usize,
        /// Its class.
        label: u16,
        /// How many classes there are.
        classes: usize,
    },
}

/// What a classifier is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How training and validation data were told apart.
    pub protocol: String,
    /// How many traces were judged.
    pub traces: usize,
    /// The class that means "no attack".
    pub normal: Option<String>,
    /// Share of traces whose class was right.
    pub accuracy: f64,
    /// Mean of the classes' F1, each class counting alike, 0 for a class that is never found.
    pub macro_f1: f64,
    /// Mean of -ln of the true class's share; `None` if an output was not a number.
    pub log_loss: Option<f64>,
    /// Area under the ROC curve of attack or not; `None` without both normals and attacks.
    pub auc: Option<f64>,
    /// Detection rate by false-alarm rate (`"0.01"`, `"0.001"`); `None` as for `auc`.
    pub dr_at_far: BTreeMap<String, Option<f64>>,
    /// The thresholds behind `dr_at_far`, and what they rest on.
    pub operating_points: Vec<OperatingPoint>,
    /// Precision, recall, F1 and support of each class, in the classes' order.
    #[serde(with = "by_class")]
    pub per_class: Vec<ClassScores>,
    /// `confusion[true class][predicted class]`: numbers of traces.
    pub confusion: Vec<Vec<u64>>,
    /// 95 % intervals, by figure: Wilson's for `accuracy` and `dr_at_far.…`, a bootstrap's for `macro_f1`.
    pub intervals: BTreeMap<String, [f64; 2]>,
    /// What others reach on the same traces.
    pub baselines: Vec<Baseline>,
    /// What a reader should know before quoting a number, in full sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How well one class was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    /// The class.
    pub name: String,
    /// Share of the traces called so that are; 0 if none was called so.
    pub precision: f64,
    /// Share of the class's traces that were called so; 0 if there is none.
    pub recall: f64,
    /// Their harmonic mean; 0 if both are.
    pub f1: f64,
    /// How many traces of the class there are.
    pub support: u64,
}

/// A threshold on the attack score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The false-alarm rate that must not be passed.
    pub far: f64,
    /// Traces that score this much or more are flagged; `None` if nothing may be.
    pub threshold: Option<f64>,
    /// Share of attacks flagged.
    pub detection_rate: f64,
    /// Attacks there are.
    pub attacks: u64,
    /// Normals flagged.
    pub false_alarms: u64,
    /// Normals there are.
    pub normals: u64,
}

/// Another classifier's figures on the same traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What it is.
    pub name: String,
    /// Its accuracy.
    pub accuracy: f64,
    /// Its macro-F1.
    pub macro_f1: f64,
    /// Its area under the ROC curve, attack or not.
    #[serde(default)]
    pub auc: Option<f64>,
    /// Its detection rates, as [`Evaluation::dr_at_far`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dr_at_far: BTreeMap<String, Option<f64>>,
}

impl Evaluation {
    /// Computes all figures.
    ///
    /// A trace is called the class of its largest output, the first of equals; an output that is not a
    /// number makes it the first such class, as NumPy's `argmax` has it.
    ///
    /// # Errors
    /// If there is no trace, or outputs, labels and classes do not fit together.
    pub fn new(predictions: &Predictions<'_>) -> Result<Self, EvaluationError> {
        let rows = Rows::new(predictions)?;
        let classes = predictions.classes.len();
        let mut confusion = vec![vec![0_u64; classes]; classes];
        for (&label, row) in predictions.labels.iter().zip(rows.iter()) {
            confusion[usize::from(label)][argmax(row)] += 1;
        }
        let traces = predictions.labels.len();
        let per_class = class_scores(&confusion, predictions.classes);
        let correct: u64 = (0..classes).map(|c| confusion[c][c]).sum();

        let mut notes = Vec::new();
        let not_finite = rows.iter().filter(|row| row.iter().any(|p| !p.is_finite())).count();
        if not_finite > 0 {
            notes.push(format!(
                "For {not_finite} of {traces} traces the network gave no numbers (nan or infinite): their class means nothing, and no curve can be drawn."
            ));
        }
        let missing: Vec<&str> =
            per_class.iter().filter(|class| class.support == 0).map(|class| class.name.as_str()).collect();
        if !missing.is_empty() {
            notes.push(format!(
                "No trace of {} is among those judged; its F1 counts as 0 in the macro-F1.",
                missing.join(", ")
            ));
        }

        let normal = predictions.normal.map(usize::from).filter(|&normal| normal < classes);
        let roc = normal.filter(|_| not_finite == 0).and_then(|normal| {
            let scored = predictions.labels.iter().zip(rows.iter());
            Roc::new(scored.map(|(&label, row)| (attack_score(row, normal), usize::from(label) != normal)))
        });
        let mut intervals = BTreeMap::new();
        let mut dr_at_far = BTreeMap::new();
        let mut operating_points = Vec::new();
        for far in FALSE_ALARM_RATES {
            let point = roc.as_ref().map(|roc| roc.operating_point(far));
            dr_at_far.insert(far.to_string(), point.as_ref().map(|point| point.detection_rate));
            let Some(point) = point else { continue };
            let found = (point.detection_rate * point.attacks as f64).round() as u64;
            intervals.insert(format!("dr_at_far.{far}"), wilson(found, point.attacks));
            if (point.normals as f64) * far < 1.0 {
                notes.push(format!(
                    "A false-alarm rate of {} % cannot be measured on {} normals: one false alarm is {:.2} % already. The detection rate there is that without any false alarm.",
                    far * 100.0,
                    point.normals,
                    100.0 / point.normals as f64
                ));
            }
            operating_points.push(point);
        }
        intervals.insert("accuracy".into(), wilson(correct, traces as u64));
        intervals.insert("macro_f1".into(), bootstrap_macro_f1(&confusion, predictions.seed));

        let counted: Vec<usize> =
            per_class.iter().map(|class| usize::try_from(class.support).unwrap_or(usize::MAX)).collect();
        let counts = predictions.training_counts.filter(|counts| counts.len() == classes).unwrap_or(&counted);
        let baselines = vec![most_frequent(counts, &confusion, predictions.classes, roc.is_some())];

        Ok(Self {
            protocol: predictions.protocol.into(),
            traces,
            normal: normal.map(|normal| predictions.classes[normal].clone()),
            accuracy: correct as f64 / traces as f64,
            macro_f1: macro_f1(&confusion),
            log_loss: (not_finite == 0).then(|| log_loss(predictions.labels, &rows)),
            auc: roc.as_ref().map(Roc::auc),
            dr_at_far,
            operating_points,
            per_class,
            confusion,
            intervals,
            baselines,
            notes,
        })
    }
}

/// The outputs as rows that sum to 1.
struct Rows {
    classes: usize,
    shares: Vec<f64>,
}

impl Rows {
    fn new(predictions: &Predictions<'_>) -> Result<Self, EvaluationError> {
        let (traces, classes) = (predictions.labels.len(), predictions.classes.len());
        if traces == 0 {
            return Err(EvaluationError::Empty);
        }
        let outputs = predictions.probabilities.len();
        if classes == 0 || outputs != traces * classes {
            return Err(EvaluationError::Shape { outputs, traces, classes });
        }
        let outside = predictions.labels.iter().position(|&label| usize::from(label) >= classes);
        if let Some(trace) = outside {
            return Err(EvaluationError::Label { trace, label: predictions.labels[trace], classes });
        }
        let mut shares: Vec<f64> = predictions.probabilities.iter().copied().map(f64::from).collect();
        for row in shares.chunks_exact_mut(classes) {
            let sum: f64 = row.iter().sum();
            // A softmax in f32 is off by a few 1e-7; only what is no softmax is divided.
            if (sum - 1.0).abs() > 1e-3 && sum > 0.0 {
                row.iter_mut().for_each(|share| *share /= sum);
            }
        }
        Ok(Self { classes, shares })
    }

    fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.shares.chunks_exact(self.classes)
    }
}

fn argmax(row: &[f64]) -> usize {
    let mut best = 0;
    for (class, &share) in row.iter().enumerate() {
        if share.is_nan() {
            return class;
        }
        if share > row[best] {
            best = class;
        }
    }
    best
}

fn attack_score(row: &[f64], normal: usize) -> f64 {
    1.0 - row[normal]
}

/// Clipped at f64's epsilon, as scikit-learn's is for float64.
fn log_loss(labels: &[u16], rows: &Rows) -> f64 {
    let sum: f64 = labels
        .iter()
        .zip(rows.iter())
        .map(|(&label, row)| -row[usize::from(label)].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln())
        .sum();
    sum / labels.len() as f64
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// 2·tp / (2·tp + fp + fn) of a class, which is 0 rather than undefined for one that is neither there nor called.
/// Rows of `confusion` are true classes, columns what they were called.
///
/// # Panics
/// If there is no such class.
pub fn f1(confusion: &[Vec<u64>], class: usize) -> f64 {
    let called: u64 = confusion.iter().map(|row| row[class]).sum();
    let support: u64 = confusion[class].iter().sum();
    ratio(2 * confusion[class][class], called + support)
}

/// The mean of the classes' [`f1`]; 0 without a class.
pub fn macro_f1(confusion: &[Vec<u64>]) -> f64 {
    (0..confusion.len()).map(|class| f1(confusion, class)).sum::<f64>() / confusion.len().max(1) as f64
}

fn class_scores(confusion: &[Vec<u64>], classes: &[String]) -> Vec<ClassScores> {
    let scores = classes.iter().enumerate().map(|(class, name)| {
        let found = confusion[class][class];
        let called: u64 = confusion.iter().map(|row| row[class]).sum();
        let support: u64 = confusion[class].iter().sum();
        ClassScores {
            name: name.clone(),
            precision: ratio(found, called),
            recall: ratio(found, support),
            f1: f1(confusion, class),
            support,
        }
    });
    scores.collect()
}

/// What "always the most frequent class" reaches: the least that any classifier has to beat.
fn most_frequent(counts: &[usize], confusion: &[Vec<u64>], classes: &[String], scored: bool) -> Baseline {
    let mut most = 0;
    for (class, count) in counts.iter().enumerate() {
        if *count > counts[most] {
            most = class;
        }
    }
    let supports: Vec<u64> = confusion.iter().map(|row| row.iter().sum()).collect();
    let trivial: Vec<Vec<u64>> = supports
        .iter()
        .map(|support| (0..classes.len()).map(|called| if called == most { *support } else { 0 }).collect())
        .collect();
    Baseline {
        name: format!("always {}", classes[most]),
        accuracy: ratio(supports[most], supports.iter().sum()),
        macro_f1: macro_f1(&trivial),
        // A constant score: the curve is the diagonal, and no threshold but "nothing" keeps to the rates.
        auc: scored.then_some(0.5),
        dr_at_far: FALSE_ALARM_RATES.iter().map(|far| (far.to_string(), scored.then_some(0.0))).collect(),
    }
}

/// The ROC curve of attack or not: numbers of false and true alarms at each distinct score, from the
/// highest down. Traces of equal score cannot be told apart by any threshold and make one step.
struct Roc {
    steps: Vec<RocStep>,
    normals: u64,
    attacks: u64,
}

#[derive(Clone, Copy)]
struct RocStep {
    threshold: f64,
    false_alarms: u64,
    detections: u64,
}

impl Roc {
    /// `None` without at least one normal and one attack.
    fn new(scored: impl Iterator<Item = (f64, bool)>) -> Option<Self> {
        let mut scored: Vec<(f64, bool)> = scored.collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps: Vec<RocStep> = Vec::new();
        let (mut false_alarms, mut detections) = (0, 0);
        for (threshold, attack) in scored {
            if attack {
                detections += 1;
            } else {
                false_alarms += 1;
            }
            let step = RocStep { threshold, false_alarms, detections };
            match steps.last_mut() {
                Some(last) if last.threshold == threshold => *last = step,
                _ => steps.push(step),
            }
        }
        (false_alarms > 0 && detections > 0).then_some(Self {
            steps,
            normals: false_alarms,
            attacks: detections,
        })
    }

    /// By trapezia; the same as the chance that an attack scores above a normal, equal scores counting half.
    fn auc(&self) -> f64 {
        let (mut twice_area, mut before) = (0_u128, (0_u64, 0_u64));
        for step in &self.steps {
            let width = u128::from(step.false_alarms - before.0);
            twice_area += width * u128::from(step.detections + before.1);
            before = (step.false_alarms, step.detections);
        }
        twice_area as f64 / 2.0 / (self.normals as f64 * self.attacks as f64)
    }

    /// The furthest point of the curve whose false-alarm rate is at most `far`.
    fn operating_point(&self, far: f64) -> OperatingPoint {
        let within = |step: &&RocStep| step.false_alarms as f64 / self.normals as f64 <= far;
        let last = self.steps.iter().take_while(within).last();
        OperatingPoint {
            far,
            threshold: last.map(|step| step.threshold),
            detection_rate: last.map_or(0.0, |step| ratio(step.detections, self.attacks)),
            attacks: self.attacks,
            false_alarms: last.map_or(0, |step| step.false_alarms),
            normals: self.normals,
        }
    }
}

/// Wilson's 95 % interval of a share (Wilson 1927), which stays within 0 and 1 and is honest at both ends.
pub fn wilson(part: u64, whole: u64) -> [f64; 2] {
    /// The normal distribution's 97.5 % point.
    const Z: f64 = 1.959_963_984_540_054;
    if whole == 0 {
        return [0.0, 1.0];
    }
    let n = whole as f64;
    let share = part as f64 / n;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// The 95 % interval of the macro-F1 by bootstrap over traces. A trace matters only by its cell of the
/// confusion matrix, so traces are drawn as cells.
fn bootstrap_macro_f1(confusion: &[Vec<u64>], seed: u64) -> [f64; 2] {
    let classes = confusion.len();
    let traces: u64 = confusion.iter().flatten().sum();
    let cells: Vec<usize> = confusion
        .iter()
        .flatten()
        .enumerate()
        .flat_map(|(cell, count)| std::iter::repeat_n(cell, usize::try_from(*count).unwrap_or(0)))
        .collect();
    let resamples = (DRAWS / cells.len().max(1)).clamp(100, RESAMPLES);
    let mut random = SplitMix(seed);
    let mut drawn = vec![vec![0_u64; classes]; classes];
    let mut scores: Vec<f64> = (0..resamples)
        .map(|_| {
            drawn.iter_mut().for_each(|row| row.fill(0));
            for _ in 0..traces {
                let cell = cells[random.below(cells.len())];
                drawn[cell / classes][cell % classes] += 1;
            }
            macro_f1(&drawn)
        })
        .collect();
    scores.sort_by(f64::total_cmp);
    [quantile(&scores, 0.025), quantile(&scores, 0.975)]
}

/// Between the two nearest of sorted values, as NumPy's default.
///
/// # Panics
/// If there is no value.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, rest) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + rest * (sorted[above] - sorted[below])
}

/// SplitMix64 (Steele, Lea & Flood 2014): a few lines, the same on every machine, good enough to resample.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias of the multiplication is below 2^-32 for any real data.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

/// [`ClassScores`] as a JSON object by class name, in the order of the classes: for `#[serde(with)]`.
pub mod by_class {
    use std::fmt;

    use serde::de::{MapAccess, Visitor};
    use serde::ser::SerializeMap;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::ClassScores;

    #[derive(Serialize, Deserialize)]
    struct Scores {
        precision: f64,
        recall: f64,
        f1: f64,
        support: u64,
    }

    /// Writes them.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(classes: &[ClassScores], serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(classes.len()))?;
        for ClassScores { name, precision, recall, f1, support } in classes {
            let (precision, recall, f1, support) = (*precision, *recall, *f1, *support);
            map.serialize_entry(name, &Scores { precision, recall, f1, support })?;
        }
        map.end()
    }

    /// Reads them. The order of the keys is the order of the classes, so no ordinary map will do.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ClassScores>, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<ClassScores>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from class name to its precision, recall, f1 and support")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut classes = Vec::new();
                while let Some((name, scores)) = map.next_entry()? {
                    let Scores { precision, recall, f1, support } = scores;
                    classes.push(ClassScores { name, precision, recall, f1, support });
                }
                Ok(classes)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| if i == 0 { "normal".into() } else { format!("attack-{i}") }).collect()
    }

    fn evaluate(probabilities: &[f32], labels: &[u16], classes: usize) -> Evaluation {
        Evaluation::new(&Predictions {
            probabilities,
            labels,
            classes: &names(classes),
            normal: Some(0),
            training_counts: None,
            protocol: "grouped",
            seed: 1,
        })
        .unwrap()
    }

    #[track_caller]
    fn near(got: f64, expected: f64, what: &str) {
        assert!((got - expected).abs() < 1e-12, "{what}: {got}, scikit-learn has {expected}");
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../tests/sklearn/cases.json")).unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let name = case["name"].as_str().unwrap();
            let numbers = |key: &str| -> Vec<f64> {
                case[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
            };
            let labels: Vec<u16> = numbers("labels").into_iter().map(|x| x as u16).collect();
            let outputs: Vec<f32> = numbers("outputs").into_iter().map(|x| x as f32).collect();
            let got = evaluate(&outputs, &labels, case["classes"].as_u64().unwrap() as usize);
            near(got.accuracy, case["accuracy"].as_f64().unwrap(), name);
            near(got.macro_f1, case["macro_f1"].as_f64().unwrap(), name);
            near(got.auc.unwrap(), case["auc"].as_f64().unwrap(), name);
            near(got.log_loss.unwrap(), case["log_loss"].as_f64().unwrap(), name);
            for far in FALSE_ALARM_RATES {
                let far = far.to_string();
                near(got.dr_at_far[&far].unwrap(), case["dr_at_far"][&far].as_f64().unwrap(), name);
            }
            assert_eq!(serde_json::to_value(&got.confusion).unwrap(), case["confusion"], "{name}");
            for (class, scores) in got.per_class.iter().enumerate() {
                near(scores.precision, numbers("precision")[class], name);
                near(scores.recall, numbers("recall")[class], name);
                near(scores.f1, numbers("f1")[class], name);
                assert_eq!(scores.support as f64, numbers("support")[class], "{name}");
            }
        }
    }

    #[test]
    fn thresholds_keep_to_their_false_alarm_rate() {
        // 200 normals scoring 0.000, 0.001, …; 4 attacks, of which one scores below the highest normals.
        let normals = (0..200).map(|i| (i as f32 / 1000.0, 0));
        let attacks = [(0.9, 1), (0.8, 1), (0.1985, 1), (0.05, 1)];
        let scored: Vec<(f32, u16)> = normals.chain(attacks).collect();
        let outputs: Vec<f32> = scored.iter().flat_map(|(score, _)| [1.0 - score, *score]).collect();
        let labels: Vec<u16> = scored.iter().map(|(_, label)| *label).collect();
        let got = evaluate(&outputs, &labels, 2);
        let [at_1_percent, at_1_permille] = &got.operating_points[..] else { panic!() };
        assert_eq!((at_1_percent.detection_rate, at_1_percent.false_alarms), (0.75, 2));
        assert_eq!((at_1_permille.detection_rate, at_1_permille.false_alarms), (0.5, 0));
        assert!((at_1_permille.threshold.unwrap() - 0.8).abs() < 1e-6);
        assert!(got.notes.iter().any(|note| note.contains("200 normals")), "{:?}", got.notes);
    }

    #[test]
    fn the_trivial_baseline_is_the_training_datas() {
        let predictions = Predictions {
            probabilities: &[0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.6, 0.4],
            labels: &[0, 1, 1, 1],
            classes: &names(2),
            normal: Some(0),
            training_counts: Some(&[9, 3]),
            protocol: "given",
            seed: 1,
        };
        let baseline = &Evaluation::new(&predictions).unwrap().baselines[0];
        assert_eq!(baseline.name, "always normal");
        assert_eq!(baseline.accuracy, 0.25);
        assert_eq!(baseline.macro_f1, 0.2);
        let counted = Predictions { training_counts: None, ..predictions };
        assert_eq!(Evaluation::new(&counted).unwrap().baselines[0].name, "always attack-1");
    }

    #[test]
    fn outputs_that_are_no_numbers_are_said_to_be() {
        let got = evaluate(&[f32::NAN, f32::NAN, 0.5, 0.5], &[0, 1], 2);
        assert_eq!((got.auc, got.log_loss, got.dr_at_far["0.01"]), (None, None, None));
        assert_eq!(got.confusion, [[1, 0], [1, 0]]);
        assert!(got.notes[0].contains("1 of 2 traces"), "{:?}", got.notes);
    }

    #[test]
    fn without_attacks_there_is_no_curve() {
        let got = evaluate(&[0.9, 0.1, 0.4, 0.6], &[0, 0], 2);
        assert_eq!((got.auc, got.dr_at_far["0.001"]), (None, None));
        assert!(got.operating_points.is_empty());
        assert!(got.notes[0].contains("attack-1"), "{:?}", got.notes);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let classes = names(2);
        let fitting = Predictions {
            probabilities: &[0.5, 0.5],
            labels: &[0],
            classes: &classes,
            normal: None,
            training_counts: None,
            protocol: "",
            seed: 0,
        };
        let error = |predictions| Evaluation::new(&predictions).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                error(Predictions { labels: &[], ..fitting }),
                error(Predictions { probabilities: &[0.5; 3], ..fitting }),
                error(Predictions { labels: &[2], ..fitting }),
            ]
            .join("\n"),
            @r"
        there are no traces to evaluate
        3 outputs for 1 traces of 2 classes; expected 2
        trace 0 has class 2, but there are 2 classes
        "
        );
    }

    /// `statsmodels.stats.proportion.proportion_confint(8, 10, method="wilson")`, and the ends.
    #[test]
    fn wilson_intervals() {
        let [low, high] = wilson(8, 10);
        assert!((low - 0.490_162_472).abs() < 1e-8 && (high - 0.943_317_848).abs() < 1e-8, "{low} {high}");
        assert_eq!(wilson(0, 10)[0], 0.0);
        assert!((wilson(10, 10)[1] - 1.0).abs() < 1e-12);
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }

    #[test]
    fn the_bootstrap_is_seeded_and_surrounds_the_figure() {
        let confusion = vec![vec![90, 10], vec![15, 35]];
        let interval = bootstrap_macro_f1(&confusion, 3);
        assert_eq!(interval, bootstrap_macro_f1(&confusion, 3));
        assert_ne!(interval, bootstrap_macro_f1(&confusion, 4));
        let figure = macro_f1(&confusion);
        assert!(interval[0] < figure && figure < interval[1], "{interval:?} {figure}");
        // 20,000 resamples of NumPy's `multinomial` give 0.7354 to 0.8719.
        assert!((interval[0] - 0.7354).abs() < 0.01 && (interval[1] - 0.8719).abs() < 0.01, "{interval:?}");
        assert_eq!(bootstrap_macro_f1(&[vec![5, 0], vec![0, 5]], 1)[1], 1.0);
    }

    #[test]
    fn json_is_an_interface() {
        let outputs = [0.8, 0.1, 0.1, 0.2, 0.7, 0.1, 0.3, 0.3, 0.4, 0.5, 0.3, 0.2];
        insta::assert_json_snapshot!(evaluate(&outputs, &[0, 1, 2, 1], 3));
    }

    proptest! {
        #[test]
        fn round_trip_and_ranges(
            classes in 1_usize..5,
            draws in prop::collection::vec((0_u16..5, prop::collection::vec(0.0_f32..1.0, 5)), 1..40),
        ) {
            let labels: Vec<u16> = draws.iter().map(|(label, _)| label % classes as u16).collect();
            let outputs: Vec<f32> = draws.iter().flat_map(|(_, row)| row[..classes].to_vec()).collect();
            let got = evaluate(&outputs, &labels, classes);
            let text = serde_json::to_string(&got).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Evaluation>(&text).unwrap(), &got);
            for figure in [Some(got.accuracy), Some(got.macro_f1), got.auc].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&figure));
            }
            for [low, high] in got.intervals.values() {
                prop_assert!(low <= high && *low >= 0.0 && *high <= 1.0);
            }
            prop_assert!(got.dr_at_far["0.001"] <= got.dr_at_far["0.01"]);
        }

        /// The curve against the definition: over all thresholds, the best that keeps to the rate.
        #[test]
        fn detection_rate_by_brute_force(scored in prop::collection::vec((0_u8..12, any::<bool>()), 2..60), far in 0.0_f64..0.5) {
            let scored: Vec<(f64, bool)> = scored.into_iter().map(|(score, attack)| (score.into(), attack)).collect();
            let Some(roc) = Roc::new(scored.iter().copied()) else { return Ok(()) };
            let share = |attack: bool, threshold: f64| {
                let of_kind: Vec<f64> = scored.iter().filter(|s| s.1 == attack).map(|s| s.0).collect();
                of_kind.iter().filter(|score| **score >= threshold).count() as f64 / of_kind.len() as f64
            };
            let best = scored
                .iter()
                .filter(|(threshold, _)| share(false, *threshold) <= far)
                .map(|(threshold, _)| share(true, *threshold))
                .fold(0.0, f64::max);
            prop_assert!((roc.operating_point(far).detection_rate - best).abs() < 1e-12);
            let pairs = scored.iter().filter(|s| s.1).flat_map(|attack| {
                scored.iter().filter(|s| !s.1).map(|normal| match attack.0.total_cmp(&normal.0) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                })
            });
            let (count, sum) = pairs.fold((0.0, 0.0), |(count, sum), won| (count + 1.0, sum + won));
            prop_assert!((roc.auc() - sum / count).abs() < 1e-12);
        }
    }
}
