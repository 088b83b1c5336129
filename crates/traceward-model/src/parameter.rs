//! Weights as plain numbers with names.
//!
//! The network's own copy of its weights is flat `f32` vectors, not burn tensors: an optimizer, a
//! checkpoint and a model file all want exactly that, and bit-exact resume needs nothing more. A step
//! copies them into burn tensors (50,000 numbers for the article's network: about 10 µs).

/// One weight array of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `layer/kernel`, `bidirectional/forward_lstm/recurrent_kernel`: Keras' names.
    pub name: String,
    /// Keras' shape and layout, row-major.
    pub shape: Vec<usize>,
    /// Which layer it belongs to, by its place in the spec.
    pub layer: usize,
    /// Whether training changes it by gradients; moving statistics are not trainable.
    pub trainable: bool,
    /// The numbers.
    pub values: Vec<f32>,
}

impl Parameter {
    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows and columns as the network sees it: all axes but the last are rows.
    pub(crate) fn matrix(&self) -> [usize; 2] {
        let columns = self.shape.last().copied().unwrap_or(1);
        [self.len() / columns.max(1), columns]
    }
}
