//! Whether labels have to do with their inputs, asked of a simple classifier.
//!
//! A logistic regression on which calls and which pairs of neighbouring calls occur is trained on two thirds
//! of the rows and asked about the others, three times over, so that every row is asked about once by a
//! classifier that has not seen it. Equal rows always stand in the same third. It takes a fraction of a
//! second, and finds on system-call traces much of what a recurrent network finds, so:
//!
//! - If it explains nothing of the labels' entropy, they may be shuffled against the inputs.
//! - If it is denied where it is surest, labels are in doubt. By the class that it takes rows for, the surer
//!   half is looked at: there it is right on clean data, however hard the rest is, while wrong labels lie
//!   anywhere. The share of other labels among them is [`LabelCheck::wrong`].
//! - Rows that deny it, and of whose class it is surer than it is of rows of that class on average, are
//!   named. That threshold is the one of Northcutt, Jiang and Chuang ("Confident Learning", JAIR 2021).
//!
//! Measured, with a share of the labels drawn anew, each class as often as another:
//!
//! ```text
//!                               0         5 %       20 %      50 %      all
//! built-in corpus   explained   0.88      0.69      0.39      0.07     -0.07
//!                   wrong       0.01      0.06      0.17      0.47      0.85
//! ADFA-LD           explained   0.58      0.30      0.09     -0.02     -0.06
//!                   wrong       0.01      0.06      0.20      0.46      0.86
//! its 1,579 traces  explained   0.58      0.41      0.22     -0.02     -0.16
//!                   wrong       0.09      0.15      0.27      0.57      0.86
//! 417 of these      explained   0.29      (20 % of labels of few and hard items are not to be told
//!                   wrong       0.30       from this)
//! ```

use std::collections::HashMap;

use traceward_trace::rng::Rng;

use crate::facts::{DoubtedLabel, LabelCheck};

use super::Reads;

/// Rows are asked about in this many parts.
const FOLDS: usize = 3;
/// With fewer rows nothing can be said of labels.
const FEWEST_ROWS: usize = 60;
/// A class with fewer rows has no average worth the name.
const FEWEST_IN_CLASS: usize = 6;
/// More rows than this are sampled: the answer is the same, and the time stays.
const MOST_ROWS: usize = 12_000;
/// Passes over the training rows, if they are many; of fewer rows more, until so many steps are made.
const PASSES: usize = 6;
const STEPS: usize = 15_000;
/// Pairs of calls are told apart by a hash of this many values.
const PAIRS: usize = 4096;
/// Doubted labels that are named.
const NAMED: usize = 10;

/// Asks. `None` with too few rows, or fewer than two classes of some size.
pub(super) fn check(read: &Reads<'_>, rows: &[u32]) -> Option<LabelCheck> {
    let mut rows: Vec<u32> = rows.to_vec();
    if rows.len() > MOST_ROWS {
        Rng::new(1).shuffle(&mut rows);
        rows.truncate(MOST_ROWS);
        rows.sort_unstable();
    }
    let mut sizes = vec![0usize; read.dataset.classes.len()];
    for &row in &rows {
        sizes[usize::from(read.class(row)?)] += 1;
    }
    let kept: Vec<usize> = (0..sizes.len()).filter(|&class| sizes[class] >= FEWEST_IN_CLASS).collect();
    rows.retain(|&row| read.class(row).is_some_and(|class| kept.contains(&usize::from(class))));
    if rows.len() < FEWEST_ROWS || kept.len() < 2 {
        return None;
    }
    let position = |class: u16| kept.iter().position(|&k| k == usize::from(class)).unwrap_or(0);
    let labels: Vec<usize> = rows.iter().map(|&row| read.class(row).map_or(0, position)).collect();
    let width = read.dataset.calls.len() + PAIRS;
    let features: Vec<Vec<(u32, f32)>> =
        rows.iter().map(|&row| features(read.calls(row), read.dataset.calls.len())).collect();
    let folds = folds(read, &rows);
    let mut answers = vec![vec![0.0f32; kept.len()]; rows.len()];
    for fold in 0..FOLDS {
        let train: Vec<usize> = (0..rows.len()).filter(|&i| folds[i] != fold).collect();
        let model = Logistic::fit(&features, &labels, &train, kept.len(), width);
        for i in (0..rows.len()).filter(|&i| folds[i] == fold) {
            answers[i] = model.answer(&features[i]);
        }
    }
    Some(judge(read, &rows, &labels, &answers, &kept))
}

/// Which third each row stands in: equal rows in the same.
fn folds(read: &Reads<'_>, rows: &[u32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    Rng::new(2).shuffle(&mut order);
    let mut seen: HashMap<&[u16], usize> = HashMap::new();
    let mut next = 0;
    let mut folds = vec![0; rows.len()];
    for i in order {
        let fold = *seen.entry(read.calls(rows[i])).or_insert_with(|| {
            next += 1;
            next % FOLDS
        });
        folds[i] = fold;
    }
    folds
}

/// Which calls and pairs occur, how often by its logarithm, scaled to length 1.
fn features(calls: &[u16], distinct: usize) -> Vec<(u32, f32)> {
    let mut counts: HashMap<u32, f32> = HashMap::new();
    for &call in calls {
        *counts.entry(u32::from(call)).or_default() += 1.0;
    }
    for pair in calls.windows(2) {
        let mixed = (u32::from(pair[0]) << 16 | u32::from(pair[1])).wrapping_mul(0x9E37_79B1) >> 20;
        *counts.entry(distinct as u32 + mixed % PAIRS as u32).or_default() += 1.0;
    }
    let mut features: Vec<(u32, f32)> =
        counts.into_iter().map(|(feature, count)| (feature, count.ln_1p())).collect();
    // A hash table has no order of its own, and sums of floats have.
    features.sort_unstable_by_key(|(feature, _)| *feature);
    let length = features.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    for (_, value) in &mut features {
        *value /= length;
    }
    features
}

/// Multinomial logistic regression by AdaGrad, weights `[feature][class]`.
struct Logistic {
    weights: Vec<f32>,
    bias: Vec<f32>,
    classes: usize,
}

impl Logistic {
    fn fit(
        features: &[Vec<(u32, f32)>],
        labels: &[usize],
        train: &[usize],
        classes: usize,
        width: usize,
    ) -> Self {
        const STEP: f32 = 0.3;
        let mut model = Self { weights: vec![0.0; width * classes], bias: vec![0.0; classes], classes };
        // It starts from the class shares, so that what it cannot learn it answers by them.
        for &i in train {
            model.bias[labels[i]] += 1.0;
        }
        for bias in &mut model.bias {
            *bias = ((*bias + 0.5) / (train.len() as f32 + 1.0)).ln();
        }
        let mut squares = vec![1e-3f32; width * classes];
        let mut bias_squares = vec![1.0f32; classes];
        let mut order = train.to_vec();
        for pass in 0..PASSES.max(STEPS / train.len().max(1)) {
            Rng::stream(3, pass as u64).shuffle(&mut order);
            for &i in &order {
                let mut error = model.answer(&features[i]);
                error[labels[i]] -= 1.0;
                for &(feature, value) in &features[i] {
                    let at = feature as usize * classes;
                    for (class, &e) in error.iter().enumerate() {
                        let gradient = e * value;
                        squares[at + class] += gradient * gradient;
                        model.weights[at + class] -= STEP * gradient / squares[at + class].sqrt();
                    }
                }
                for (class, &e) in error.iter().enumerate() {
                    bias_squares[class] += e * e;
                    model.bias[class] -= STEP * e / bias_squares[class].sqrt();
                }
            }
        }
        model
    }

    /// The classes' probabilities.
    fn answer(&self, features: &[(u32, f32)]) -> Vec<f32> {
        let mut sums = self.bias.clone();
        for &(feature, value) in features {
            let at = feature as usize * self.classes;
            for (sum, weight) in sums.iter_mut().zip(&self.weights[at..at + self.classes]) {
                *sum += weight * value;
            }
        }
        let most = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut total = 0.0;
        for sum in &mut sums {
            *sum = (*sum - most).exp();
            total += *sum;
        }
        for sum in &mut sums {
            *sum /= total;
        }
        sums
    }
}

fn judge(
    read: &Reads<'_>,
    rows: &[u32],
    labels: &[usize],
    answers: &[Vec<f32>],
    kept: &[usize],
) -> LabelCheck {
    let n = rows.len() as f64;
    let mut sizes = vec![0usize; kept.len()];
    let mut mean = vec![0.0f64; kept.len()];
    let (mut right, mut loss) = (0usize, 0.0f64);
    for (answer, &label) in answers.iter().zip(labels) {
        sizes[label] += 1;
        mean[label] += f64::from(answer[label]);
        right += usize::from(likeliest(answer, |_| true) == Some(label));
        loss -= f64::from(answer[label]).max(1e-6).ln();
    }
    for (mean, &size) in mean.iter_mut().zip(&sizes) {
        *mean /= size.max(1) as f64;
    }
    let entropy: f64 =
        sizes.iter().filter(|&&size| size > 0).map(|&size| size as f64 / n).map(|p| -p * p.ln()).sum();
    // By the class that they are taken for, the surer half: there the classifier is right on clean data,
    // however hard the rest is.
    let mut taken: Vec<Vec<(f32, usize)>> = vec![Vec::new(); kept.len()];
    for (i, answer) in answers.iter().enumerate() {
        if let Some(likely) = likeliest(answer, |_| true) {
            taken[likely].push((answer[likely], i));
        }
    }
    let (mut asked, mut denied) = (0usize, 0usize);
    let mut doubted: Vec<(f32, usize, usize)> = Vec::new();
    for (likely, mut items) in taken.into_iter().enumerate() {
        items.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        items.truncate(items.len().div_ceil(2));
        asked += items.len();
        for (probability, i) in items {
            // As in confident learning, surer than rows of that class are on average.
            if labels[i] != likely {
                denied += 1;
                if f64::from(probability) >= mean[likely] {
                    doubted.push((probability, i, likely));
                }
            }
        }
    }
    doubted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let name = |position: usize| read.dataset.classes[kept[position]].clone();
    LabelCheck {
        items: rows.len(),
        accuracy: right as f64 / n,
        chance: sizes.iter().copied().max().unwrap_or(0) as f64 / n,
        explained: if entropy > 0.0 { 1.0 - loss / n / entropy } else { 0.0 },
        wrong: denied as f64 / asked.max(1) as f64,
        doubted_count: doubted.len(),
        doubted: doubted
            .iter()
            .take(NAMED)
            .map(|&(probability, i, likely)| DoubtedLabel {
                row: read.dataset.traces[rows[i] as usize].source.to_string(),
                given: name(labels[i]),
                likely: name(likely),
                probability: f64::from(probability),
            })
            .collect(),
    }
}

/// The class of the highest probability among those that `allowed` says yes to.
fn likeliest(answer: &[f32], allowed: impl Fn(usize) -> bool) -> Option<usize> {
    (0..answer.len())
        .filter(|&class| allowed(class))
        .max_by(|&a, &b| answer[a].total_cmp(&answer[b]).then(b.cmp(&a)))
}
