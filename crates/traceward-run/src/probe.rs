//! What probes found: short runs, seconds long, before the real one.
//!
//! The runs themselves are the training loop's and what they mean is the doctor's to say; here is what the
//! one tells the other.

use serde::Serialize;

/// What the probes found. Any may not have been run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Probes {
    /// The loss before the first step.
    pub start: Option<StartLoss>,
    /// Whether one batch can be learned by heart.
    pub overfit: Option<Overfit>,
    /// Whether the inputs matter.
    pub input: Option<InputMatters>,
    /// The loss over rising learning rates.
    pub range: Option<RangeTest>,
    /// Gradients against differences of the loss.
    pub gradient: Option<GradientCheck>,
}

/// The loss before the first step, and what it should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StartLoss {
    /// Mean over the items.
    pub loss: f64,
    /// The loss of a network that knows nothing: all classes alike.
    pub expected: f64,
    /// How that comes about: `ln 7`.
    pub formula: String,
    /// Items looked at.
    pub items: usize,
}

/// A few items, trained on again and again without regularisation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overfit {
    /// How many, all different.
    pub items: usize,
    /// Of how many classes.
    pub classes: usize,
    /// Steps made; it ends early once it has learned.
    pub steps: u64,
    /// Loss before the first step.
    pub start_loss: f64,
    /// Loss after the last.
    pub end_loss: f64,
    /// Accuracy after the last step.
    pub accuracy: f64,
    /// The best accuracy that these items allow: copies with different labels cannot all be right.
    pub ceiling: f64,
    /// The learning rate that it was done at.
    pub learning_rate: f64,
    /// Losses at some of the steps: step and loss.
    pub curve: Vec<(u64, f64)>,
    /// Whether time ran out before it was clear. Then it says nothing.
    #[serde(skip)]
    pub cut_short: bool,
}

/// The loss with each item's own input against the loss with another item's.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InputMatters {
    /// Items looked at.
    pub items: usize,
    /// Steps that the network was trained for before.
    pub steps: u64,
    /// Mean loss with the right inputs.
    pub own: f64,
    /// Mean loss with permuted inputs, over all permutations.
    pub permuted: f64,
    /// How many permutations.
    pub permutations: usize,
    /// Share of the permutations whose loss was not above that of the right inputs, with one added to
    /// both counts: the one-sided p of a permutation test.
    pub p: f64,
}

/// Learning rates rising from step to step, each with its loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RangeTest {
    /// Rate and smoothed loss, one a step. It ends early when the loss explodes.
    pub points: Vec<(f64, f64)>,
    /// The rate where the loss fell most steeply.
    pub steepest: Option<f64>,
    /// A third of that; `None` if the loss fell at no rate.
    pub suggested: Option<f64>,
    /// The rate from which on the loss is more than twice its minimum; `None` if it never is.
    pub bound: Option<f64>,
    /// The rate that the training is going to use, if known.
    pub current: Option<f64>,
}

/// Gradients of the backward pass against central differences of the loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GradientCheck {
    /// Items of the batch.
    pub items: usize,
    /// Weights compared.
    pub weights: usize,
    /// The largest relative error of a weight array, and whose it is.
    pub worst: f64,
    /// The weight array with the largest error.
    pub name: String,
}
