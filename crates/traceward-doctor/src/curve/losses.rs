//! The shapes of a run's losses and accuracies, side by side, and what several rules ask of them.
//!
//! A rule about a trend must know that an earlier rule has not already explained the curve: a loss that
//! diverges has no plateau. What two rules ask is answered here, once, so that they cannot disagree.

use crate::curve::{Curve, Curves, Shape};
use crate::{Evidence, Missing, Need};

/// From this accuracy on a run has nothing more to gain that a loss could tell.
pub const SATURATED: f64 = 0.975;

/// An accuracy below this is poor, whatever the task: it is not called healthy.
pub const POOR: f64 = 0.6;

/// The shapes of the curves that rules compare.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    /// Training loss.
    pub train: Option<Shape>,
    /// Validation loss.
    pub val: Option<Shape>,
    /// Training accuracy.
    pub accuracy: Option<Shape>,
    /// Validation accuracy.
    pub val_accuracy: Option<Shape>,
    /// Whether a row is a step, so that the training loss is that of single batches.
    pub steps: bool,
}

impl Losses {
    /// The shapes of these curves.
    pub fn of(curves: &Curves) -> Self {
        let shape = |curve: &Option<Curve>| curve.as_ref().and_then(Curve::shape);
        Self {
            train: shape(&curves.loss),
            val: shape(&curves.val_loss),
            accuracy: shape(&curves.accuracy),
            val_accuracy: shape(&curves.val_accuracy),
            steps: curves.steps,
        }
    }

    /// The shapes of the evidence's curves, if its loss, in training or validation, has at least `least`
    /// finite values.
    ///
    /// # Errors
    /// If there are no curves, no loss among them, or too few values.
    pub fn with(evidence: &Evidence, least: usize) -> Result<Self, Missing> {
        let curves = evidence.curves()?;
        if curves.loss.is_none() && curves.val_loss.is_none() {
            return Err(Missing(Need::Curves));
        }
        let losses = Self::of(curves);
        if losses.len() < least { Err(Missing(Need::MoreEpochs)) } else { Ok(losses) }
    }

    /// How many values the longer of both losses has.
    pub fn len(&self) -> usize {
        [&self.train, &self.val].into_iter().flatten().map(Shape::len).max().unwrap_or(0)
    }

    /// Whether neither loss has a value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The training loss, with at least `least` values.
    ///
    /// # Errors
    /// If it has fewer.
    pub fn training(&self, least: usize) -> Result<&Shape, Missing> {
        let train = self.train.as_ref().ok_or(Missing(Need::Curves))?;
        if train.len() < least { Err(Missing(Need::MoreEpochs)) } else { Ok(train) }
    }

    /// The validation loss, with at least `least` values.
    ///
    /// # Errors
    /// If it has fewer.
    pub fn validation(&self, least: usize) -> Result<&Shape, Missing> {
        let val = self.val.as_ref().ok_or(Missing(Need::Validation))?;
        if val.len() < least { Err(Missing(Need::MoreEpochs)) } else { Ok(val) }
    }

    /// The loss that says how well the run did: that of validation where it has enough values for a trend,
    /// else that of training.
    pub fn judged(&self) -> Option<&Shape> {
        let enough = self.val.as_ref().filter(|val| val.len() >= 4);
        enough.or(self.train.as_ref()).or(self.val.as_ref())
    }

    /// The accuracy that says how well the run did: that of validation, else that of training.
    pub fn score(&self) -> Option<&Shape> {
        self.val_accuracy.as_ref().or(self.accuracy.as_ref())
    }

    /// Whether the accuracy is as high as it can usefully get.
    pub fn saturated(&self) -> bool {
        self.score().is_some_and(|score| score.end() >= SATURATED)
    }

    /// How far the training loss fell from `row` to its end, as a share of what it was there.
    pub fn training_fall_since(&self, row: usize) -> Option<f64> {
        let train = self.train.as_ref()?;
        let then = train.smooth()[train.index_at_row(row)];
        Some((then - train.end()) / then.abs().max(f64::MIN_POSITIVE))
    }
}

/// The loss of the best answer that ignores its input, when that answer is right for a share `accuracy` of
/// the items: at least the entropy of two classes of that share. A loss below it has learned something.
pub fn least_constant_loss(accuracy: f64) -> f64 {
    let entropy = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    entropy(accuracy) + entropy(1.0 - accuracy)
}
