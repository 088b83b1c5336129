//! What was seen inside a network at one step: a few numbers a weight array and a layer.
//!
//! A network fills them in, and the doctor reads them; neither knows the other.

use serde::Serialize;

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
    /// Share of units that are zero in every row of this look.
    pub fn dead_units(&self) -> f64 {
        self.dead.iter().filter(|&&dead| dead).count() as f64 / self.dead.len().max(1) as f64
    }
}
