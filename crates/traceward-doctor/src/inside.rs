//! What was seen inside a network while it trained: a few numbers a layer, at sampled steps.
//!
//! A look costs a pass over the layer's values, so looks are taken a few times an epoch and not at each
//! step. The training loop that fills this in is not the doctor's: any loop can.

use serde::Serialize;

/// The looks at one training, first to last.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inside {
    /// The looks.
    pub looks: Vec<Look>,
    /// Steps an epoch, if known.
    pub steps_per_epoch: Option<u64>,
    /// One batch's loss both ways, if that was looked at.
    pub modes: Option<Modes>,
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

    /// The mean absolute size of a gradient's entry, taken from its norm.
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
    /// Share of units that are zero in every row.
    pub dead_units: f64,
    /// Share of values at the flat end of a sigmoid or tanh: what went in was beyond ±5. 0 for other
    /// activations.
    pub saturated: f64,
    /// Share of units that are the same, to a millionth of their range, in every row.
    pub constant_units: f64,
    /// Whether any value is NaN or infinite.
    pub not_finite: bool,
}

/// The loss of one batch as it is trained and as it is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Modes {
    /// With batch statistics; dropout off.
    pub training: f64,
    /// With moving statistics.
    pub evaluation: f64,
    /// The step before which this was seen.
    pub step: u64,
}

impl Inside {
    /// The newest look.
    pub fn last(&self) -> Option<&Look> {
        self.looks.last()
    }

    /// One weight array over the looks: step and what was seen of it.
    pub fn weight<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Look, &'a WeightLook)> {
        self.looks.iter().filter_map(move |look| {
            look.weights.iter().find(|weight| weight.name == name).map(|weight| (look, weight))
        })
    }
}
