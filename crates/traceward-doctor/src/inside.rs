//! What was seen inside a network while it trained: a few numbers a layer, at sampled steps.
//!
//! A look costs a pass over the layer's values, so looks are taken a few times an epoch and not at each
//! step. The training loop that fills this in is not the doctor's: any loop can.

use serde::Serialize;

use crate::Place;

pub use traceward_run::inside::{OutputLook, WeightLook};

/// The looks at one training, first to last.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inside {
    /// The looks.
    pub looks: Vec<Look>,
    /// Steps an epoch, if known.
    pub steps_per_epoch: Option<u64>,
}

/// What was seen at one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Look {
    /// The step, from 0 over the whole run.
    pub step: u64,
    /// The epoch, from 0.
    pub epoch: u32,
    /// The step's loss.
    pub loss: f64,
    /// The step's learning rate.
    pub learning_rate: f64,
    /// Norm of all gradients together, before any clipping.
    pub gradient_norm: f64,
    /// The weight arrays, first layer to last. Moving statistics are none.
    pub weights: Vec<WeightLook>,
    /// What the layers put out, first to last.
    pub outputs: Vec<OutputLook>,
    /// The loss of the step's batch by a normalisation's moving statistics instead of the batch's own;
    /// `None` for a network without any.
    pub evaluated_loss: Option<f64>,
}

impl From<&WeightLook> for Place {
    fn from(weight: &WeightLook) -> Self {
        Self::Layer { index: weight.layer, name: weight.layer_name().into() }
    }
}

impl From<&OutputLook> for Place {
    fn from(output: &OutputLook) -> Self {
        Self::Layer { index: output.layer, name: output.name.clone() }
    }
}

impl Look {
    /// The kernels that are meant to learn, first layer to last.
    pub fn kernels(&self) -> impl DoubleEndedIterator<Item = &WeightLook> {
        self.weights.iter().filter(|weight| weight.trainable && weight.is_kernel())
    }
}

impl Inside {
    /// The newest `count` looks, oldest first; `None` if there are not so many.
    pub fn newest(&self, count: usize) -> Option<&[Look]> {
        self.looks.len().checked_sub(count).map(|first| &self.looks[first..])
    }

    /// One weight array over the looks.
    pub fn weight<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a WeightLook> {
        self.looks.iter().filter_map(move |look| look.weights.iter().find(|weight| weight.name == name))
    }

    /// One layer's output over the looks.
    pub fn output<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a OutputLook> {
        self.looks.iter().filter_map(move |look| look.outputs.iter().find(|output| output.name == name))
    }

    /// How much of the first look's loss is left: the median of the newest three, over the first. A batch's
    /// loss is noisy, so this tells "has learned" from "has not", and no more. `None` with fewer than three
    /// looks, or without a loss to speak of.
    pub fn loss_left(&self) -> Option<f64> {
        let first = self.looks.first()?.loss;
        let left = median(self.newest(3)?.iter().map(|look| look.loss))? / first;
        left.is_finite().then_some(left)
    }
}

/// The middle value; of an even count the upper one. `None` of nothing, or if any is NaN.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
