//! Linear classifiers over n-gram weights: the support vector machine that networks must beat.
//!
//! One weight a class and n-gram, on tf-idf rows ([`TfIdf`]), one machine a class against the rest
//! ([`svm`]) or all classes at once ([`logistic`]). Margins become probabilities by a softmax whose
//! temperature is fitted on margins of traces that the machine was not trained on (Guo et al., "On
//! calibration of modern neural networks", 2017): it moves no decision, only how sure they are.
//!
//! Why our own solver: 1-5-grams of 3,094 ADFA-LD traces are 98,259 columns of which 1.4 million values, one
//! in 215, are not 0: 11 MB. What crates there are (looked at in their current versions):
//!
//! | crate | why not |
//! |---|---|
//! | linfa-svm 0.8, linfa-logistic 0.8 | take dense arrays only (`Array2`): 2.4 GB in `f64` for that matrix; the former solves a kernel problem of all pairs |
//! | smartcore 0.7 | dense too; its `SVC` tells two classes apart, by kernels |
//! | liblinear 1.0 | sparse and fast, being LIBLINEAR's C++; it needs a C++ compiler and rests on `failure`, given up years ago |
//!
//! What is here finds LIBLINEAR's planes (the tests compare with scikit-learn's `LinearSVC` to 1e-4) in
//! about its time.

pub mod logistic;
pub mod svm;

mod lbfgs;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use lbfgs::minimise;

use crate::Sparse;
use crate::features::{Frequency, TfIdf};
use crate::parts::{PartsError, Reader, Writer};
use crate::probability::{Temperature, softmax};

/// How a linear classifier is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearConfig {
    /// What a trace on the wrong side costs.
    pub loss: Loss,
    /// How much the traces count against the size of the weights.
    pub c: f64,
    /// How much more a trace counts the fewer its class has: 0 not at all, 1 so that all classes weigh the same
    /// (scikit-learn's `class_weight="balanced"`), 0.5 by the square root of that.
    pub balance: f64,
    /// What a count says.
    pub frequency: Frequency,
    /// The largest violation of optimality that is left: LIBLINEAR's `eps`, scikit-learn's `tol`.
    pub tolerance: f64,
    /// N-grams that move no decision by more than this share of the largest weight are dropped.
    pub prune: f32,
}

impl Default for LinearConfig {
    fn default() -> Self {
        Self {
            loss: Loss::SquaredHinge,
            c: 1.0,
            balance: 1.0,
            frequency: Frequency::Log,
            tolerance: 1e-4,
            prune: 0.0,
        }
    }
}

/// What a trace on the wrong side costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// max(0, 1 - margin)², each class against the rest: a support vector machine.
    #[default]
    SquaredHinge,
    /// The negative log-likelihood of the softmax over all classes: logistic regression.
    Logistic,
}

/// The margin of a class that had no trace in training: far below any other.
const ABSENT: f32 = -5.0;

/// A trained linear classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    weighting: TfIdf,
    classes: usize,
    /// `[columns, classes]`: what an n-gram weighs for each class stands together.
    weights: Vec<f32>,
    bias: Vec<f32>,
    pub(crate) temperature: Temperature,
}

impl Linear {
    /// Trains on counts. The temperature is 1 until it is fitted.
    pub fn fit(counts: &Sparse, labels: &[u16], classes: usize, config: &LinearConfig, seed: u64) -> Self {
        let weighting = TfIdf::fit(counts, config.frequency);
        let rows = weighting.weigh_all(counts);
        let planes = match config.loss {
            Loss::SquaredHinge => svm::fit(&rows, labels, classes, config, seed),
            Loss::Logistic => logistic::fit(&rows, labels, classes, config),
        };
        let mut weights = vec![0.0; counts.columns() * classes];
        for (class, plane) in planes.iter().enumerate().filter_map(|(c, p)| Some((c, p.as_ref()?))) {
            for (column, weight) in plane.weights.iter().enumerate() {
                weights[column * classes + class] = *weight as f32;
            }
        }
        let bias = planes.iter().map(|p| p.as_ref().map_or(ABSENT, |p| p.bias as f32)).collect();
        Self { weighting, classes, weights, bias, temperature: Temperature::default() }
    }

    /// How far on its side of each class' plane a row of counts lies.
    pub fn margins(&self, columns: &[u32], counts: &[f32], margins: &mut [f32]) {
        let mut weights = Vec::new();
        self.weighting.weigh(columns, counts, &mut weights);
        margins.copy_from_slice(&self.bias);
        for (&column, &weight) in columns.iter().zip(&weights) {
            let planes = &self.weights[column as usize * self.classes..][..self.classes];
            margins.iter_mut().zip(planes).for_each(|(margin, plane)| *margin += weight * plane);
        }
    }

    /// The class probabilities of a row of counts.
    pub fn predict_into(&self, columns: &[u32], counts: &[f32], into: &mut [f32]) {
        self.margins(columns, counts, into);
        self.temperature.apply(into);
        softmax(into);
    }

    /// How much each n-gram of a row adds to the log-odds of `class`: its weight times the slope at this row,
    /// where the other classes weigh by their probabilities. (The length of the row is taken as given.)
    pub fn slopes(&self, columns: &[u32], counts: &[f32], class: usize) -> Vec<f32> {
        let mut probabilities = vec![0.0; self.classes];
        self.predict_into(columns, counts, &mut probabilities);
        let others: f32 = (0..self.classes).filter(|c| *c != class).map(|c| probabilities[c]).sum();
        let mut weights = Vec::new();
        self.weighting.weigh(columns, counts, &mut weights);
        let slope = |(&column, weight): (&u32, f32)| {
            let planes = &self.weights[column as usize * self.classes..][..self.classes];
            let against: f32 = (0..self.classes)
                .filter(|c| *c != class)
                .map(|c| planes[c] * if others > 0.0 { probabilities[c] / others } else { 0.0 })
                .sum();
            (planes[class] - against) * self.temperature.slope() * weight
        };
        columns.iter().zip(weights).map(slope).collect()
    }

    /// Which columns weigh more than `share` of the heaviest for any class.
    pub(crate) fn heavy(&self, share: f32) -> Vec<bool> {
        let heaviest = self.weights.iter().fold(0.0f32, |h, w| h.max(w.abs()));
        self.weights
            .chunks_exact(self.classes)
            .map(|w| w.iter().any(|w| w.abs() > share * heaviest))
            .collect()
    }

    /// The same classifier without the columns that are not `kept`.
    pub(crate) fn keep(&mut self, kept: &[bool]) {
        let classes = self.classes;
        let mut column = 0..;
        self.weighting.idf.retain(|_| column.next().is_some_and(|c| kept[c]));
        let mut place = 0..;
        self.weights.retain(|_| place.next().is_some_and(|p: usize| kept[p / classes]));
    }

    /// How many columns it has.
    pub fn columns(&self) -> usize {
        self.weighting.idf.len()
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) -> Value {
        into.tensor("idf", &[self.columns()], self.weighting.idf.clone());
        into.tensor("weights", &[self.columns(), self.classes], self.weights.clone());
        into.tensor("bias", &[self.classes], self.bias.clone());
        serde_json::json!({ "temperature": self.temperature, "frequency": self.weighting.frequency })
    }

    pub(crate) fn read(
        document: &Value,
        from: &Reader<'_>,
        columns: usize,
        classes: usize,
    ) -> Result<Self, PartsError> {
        #[derive(Deserialize)]
        struct Document {
            temperature: Temperature,
            frequency: Frequency,
        }
        let Document { temperature, frequency } = from.document(document)?;
        Ok(Self {
            weighting: TfIdf { frequency, idf: from.vector("idf", Some(columns))?.to_vec() },
            classes,
            weights: from.matrix("weights", Some(columns), classes)?.to_vec(),
            bias: from.vector("bias", Some(classes))?.to_vec(),
            temperature,
        })
    }
}

/// A plane between a class and the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plane {
    /// One weight a column.
    pub weights: Vec<f64>,
    /// What is added.
    pub bias: f64,
}

/// What a trace of each class counts: (traces / (classes seen · traces of the class)) to the power `balance`.
pub(crate) fn class_weights(labels: &[u16], classes: usize, balance: f64) -> Vec<f64> {
    let mut traces = vec![0u32; classes];
    labels.iter().for_each(|&label| traces[usize::from(label)] += 1);
    let seen = traces.iter().filter(|&&n| n > 0).count() as f64;
    let weight = |&n: &u32| match n {
        0 => 0.0,
        n => (labels.len() as f64 / (seen * f64::from(n))).powf(balance),
    };
    traces.iter().map(weight).collect()
}

#[cfg(test)]
mod tests;
