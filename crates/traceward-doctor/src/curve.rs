//! Curves: the losses and metrics of a run over its rows, and what can be computed of them.

/// One column of a history, without the rows that have no value in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Which row of the history each value stands in, from 0.
    pub rows: Vec<usize>,
    /// The values; NaN and infinities are kept, gaps are not values.
    pub values: Vec<f64>,
}

/// The curves of one run. `accuracy` stands for whatever metric is better when larger and lies in 0..=1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Rows in the history.
    pub rows: usize,
    /// Training loss.
    pub loss: Option<Curve>,
    /// Validation loss.
    pub val_loss: Option<Curve>,
    /// Training accuracy.
    pub accuracy: Option<Curve>,
    /// Validation accuracy.
    pub val_accuracy: Option<Curve>,
    /// Step size.
    pub learning_rate: Option<Curve>,
    /// Norm of the gradient.
    pub gradient_norm: Option<Curve>,
    /// Seconds a row.
    pub seconds: Option<Curve>,
    /// Whether a row is a step rather than an epoch.
    pub steps: bool,
}
