//! Branches that read the same input, their outputs side by side.

use burn::tensor::Tensor;

use super::{Node, Pass, Signal};

/// Concatenate: every branch runs on the same input and gives one row a trace.
#[derive(Debug)]
pub(crate) struct BranchesNode {
    pub(crate) branches: Vec<Vec<Box<dyn Node>>>,
}

impl Node for BranchesNode {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal {
        let run = |branch: &Vec<Box<dyn Node>>| {
            branch.iter().fold(input.clone(), |signal, node| node.run(signal, pass)).expect_values()
        };
        let rows: Vec<Tensor<2>> = self.branches.iter().map(run).collect();
        Signal::Vector(Tensor::cat(rows, 1))
    }

    fn adapt(&self, traces: &[&[u32]], set: &mut dyn FnMut(usize, Vec<f32>)) {
        self.branches.iter().flatten().for_each(|node| node.adapt(traces, set));
    }
}
