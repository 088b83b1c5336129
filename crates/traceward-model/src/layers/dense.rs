//! The fully connected layer: burn's matrix product and sum.

use super::plan::Weights;
use super::product::product;
use super::{Node, Pass, Signal};
use crate::Error;
use crate::init::Initializer;

/// `x · kernel + bias`, for every row.
#[derive(Debug)]
pub(crate) struct DenseNode {
    kernel: usize,
    bias: Option<usize>,
}

impl DenseNode {
    pub(crate) fn plan(
        width: usize,
        units: usize,
        use_bias: bool,
        weights: &mut Weights<'_>,
    ) -> Result<Self, Error> {
        let init = Initializer::GlorotUniform { fan_in: width, fan_out: units };
        let kernel = weights.add("kernel", &[width, units], init, true)?;
        let bias = use_bias.then(|| weights.add("bias", &[units], Initializer::Zeros, true)).transpose()?;
        Ok(Self { kernel, bias })
    }
}

impl Node for DenseNode {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal {
        input.map(|values| {
            let product = product(values, &pass.weights[self.kernel], pass.training.is_some());
            match self.bias {
                Some(bias) => product + pass.weights[bias].clone(),
                None => product,
            }
        })
    }
}
