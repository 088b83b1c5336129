//! The layers: what each one turns its input into, and what it needs for that.
//!
//! A layer is planned once ([`Plan`] checks that it fits, names and draws its weights) into a [`Node`],
//! and a node runs on every batch. Between nodes goes a [`Signal`]: tokens, rows of values with the
//! lengths that say whose they are, or one row a trace. There is no padding, hence no masking.

mod activation;
mod attention;
mod branches;
mod dense;
mod dropout;
mod embedding;
mod ngrams;
mod normalization;
mod plan;
mod pooling;
mod product;
mod recurrent;
mod sketch;
mod windows;

use std::fmt;
use std::sync::{Arc, Mutex};

use burn::tensor::Tensor;
use traceward_kernel::Ragged;
use traceward_run::spec::Activation;

pub(crate) use activation::{apply as activate, apply_gradient as activation_gradient};
pub(crate) use plan::plan;

use crate::Batch;

/// What goes from one layer to the next.
#[derive(Clone)]
pub(crate) enum Signal {
    /// The batch's tokens themselves.
    Tokens,
    /// `values` `[rows, width]`, the rows of one trace after those of the other, as `ragged` says.
    Sequence { values: Tensor<2>, ragged: Arc<Ragged> },
    /// One row a trace, `[traces, width]`.
    Vector(Tensor<2>),
}

impl Signal {
    /// The values, whatever the rows stand for.
    pub(crate) fn values(&self) -> Option<&Tensor<2>> {
        match self {
            Self::Tokens => None,
            Self::Sequence { values, .. } | Self::Vector(values) => Some(values),
        }
    }

    /// The same rows with other values.
    fn map(self, change: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        match self {
            Self::Tokens => Self::Tokens,
            Self::Sequence { values, ragged } => Self::Sequence { values: change(values), ragged },
            Self::Vector(values) => Self::Vector(change(values)),
        }
    }

    /// The values where the plan has made sure that there are some.
    pub(crate) fn expect_values(self) -> Tensor<2> {
        match self {
            Self::Sequence { values, .. } | Self::Vector(values) => values,
            Self::Tokens => unreachable!("the plan puts an Embedding before any layer that reads values"),
        }
    }
}

/// New values of non-trainable weights, by their place among the parameters.
pub(crate) type Updates = Vec<(usize, Vec<f32>)>;

/// One run of the network over one batch.
pub(crate) struct Pass<'a> {
    pub(crate) batch: &'a Batch,
    /// All weights, in the order of the network's parameters.
    pub(crate) weights: &'a [Tensor<2>],
    /// The seed of this step's masks while training; `None` when predicting.
    pub(crate) training: Option<u64>,
    /// Where layers leave their new moving statistics.
    pub(crate) updates: &'a Mutex<Updates>,
}

/// A layer ready to run.
pub(crate) trait Node: fmt::Debug + Send + Sync {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal;

    /// Learns from the training traces what is no weight of a gradient's, before the first step: calls
    /// `set` with the place among the parameters and their new values.
    fn adapt(&self, traces: &[&[u32]], set: &mut dyn FnMut(usize, Vec<f32>)) {
        let _ = (traces, set);
    }

    /// The activation, where the node is nothing else: the plan takes the last one off.
    fn as_activation(&self) -> Option<Activation> {
        None
    }
}
