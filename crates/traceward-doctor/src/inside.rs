//! What was seen inside a network while it trained: a few numbers a layer, at sampled steps.
//!
//! A look costs a pass over the layer's values, so looks are taken a few times an epoch and not at each
//! step. The training loop that fills this in is not the doctor's: any loop can.

use serde::Serialize;

use crate::Place;

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

/// One weight array at one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WeightLook {
    /// Its name: `dense/kernel`.
    pub name: String,
    /// The layer's place in the network, from 0.
    pub layer: usize,
    /// How many numbers it holds.
    pub count: usize,
    /// Whether it is meant to learn.
    pub trainable: bool,
    /// Euclidean norm after the step.
    pub norm: f64,
    /// The largest absolute value after the step.
    pub largest: f64,
    /// Euclidean norm of the gradient, before any clipping.
    pub gradient_norm: f64,
    /// Share of the gradient's entries that are exactly zero.
    pub gradient_zeros: f64,
    /// Euclidean norm of the change that the step made.
    pub update_norm: f64,
    /// Share of the units whose weights point the same way as another unit's (cosine above 0.9999); `None`
    /// if that was not looked at.
    pub twins: Option<f64>,
    /// Mean of the forget gate's bias; `None` for anything else.
    pub forget_bias: Option<f64>,
}

impl WeightLook {
    /// Whether it is a matrix that multiplies inputs: no bias, no table.
    pub fn is_kernel(&self) -> bool {
        self.name.ends_with("kernel")
    }

    /// The layer's name: what stands before the first slash.
    pub fn layer_name(&self) -> &str {
        self.name.split_once('/').map_or(&self.name, |(layer, _)| layer)
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place::Layer { index: self.layer, name: self.layer_name().into() }
    }

    /// The root mean square of the gradient's entries.
    pub fn gradient_size(&self) -> f64 {
        self.gradient_norm / (self.count.max(1) as f64).sqrt()
    }
}

/// What one layer put out on one batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutputLook {
    /// The layer's name.
    pub name: String,
    /// The layer's place in the network, from 0.
    pub layer: usize,
    /// Keras' name of the activation it ends in; `tanh` for an LSTM or GRU.
    pub activation: String,
    /// Rows of the output: items, or items and time.
    pub rows: usize,
    /// Its width.
    pub units: usize,
    /// Mean over all rows and units.
    pub mean: f64,
    /// Standard deviation over the same.
    pub deviation: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// Share of exact zeros.
    pub zeros: f64,
    /// Which units are zero in every row. Not written into reports: it is long.
    #[serde(skip)]
    pub dead: Vec<bool>,
    /// Share of values at the flat end of a sigmoid or tanh (what went in was beyond ±5), or of an LSTM's
    /// or GRU's output (beyond ±0.99). 0 for other activations.
    pub saturated: f64,
    /// Share of units that are the same, to a millionth of their range, in every row.
    pub constant_units: f64,
    /// Whether any value is NaN or infinite.
    pub not_finite: bool,
}

impl OutputLook {
    /// Where it is.
    pub fn place(&self) -> Place {
        Place::Layer { index: self.layer, name: self.name.clone() }
    }

    /// Share of units that are zero in every row of this look.
    pub fn dead_units(&self) -> f64 {
        self.dead.iter().filter(|&&dead| dead).count() as f64 / self.dead.len().max(1) as f64
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
