//! Which n-grams a trace holds, counted in memory that does not grow: what [`NgramNode`](super::ngrams) does with
//! exact counts, for networks that are read call by call. How it counts stands in
//! [`traceward_stream::sketch`], which reads sessions by the same code.

use rayon::prelude::*;
use traceward_run::spec::NgramSketch;
use traceward_stream::sketch::bag;

use super::ngrams::{BagOp, inverse_document_frequency};
use super::plan::Weights;
use super::{Node, Pass, Signal};
use crate::Error;
use crate::init::Initializer;
use crate::op::{apply_1, numbers};

/// NgramSketch.
#[derive(Debug)]
pub(crate) struct SketchNode {
    spec: NgramSketch,
    table: usize,
    idf: usize,
}

impl SketchNode {
    pub(crate) fn plan(spec: &NgramSketch, weights: &mut Weights<'_>) -> Result<Self, Error> {
        let init = Initializer::Uniform { from: -0.05, to: 0.05 };
        Ok(Self {
            spec: spec.clone(),
            table: weights.add("embeddings", &[spec.buckets, spec.output_dim], init, true)?,
            idf: weights.add("idf", &[spec.buckets], Initializer::Ones, false)?,
        })
    }
}

impl Node for SketchNode {
    fn run(&self, _: Signal, pass: &Pass<'_>) -> Signal {
        let idf = numbers(pass.weights[self.idf].clone());
        let row = |trace: &[usize]| {
            let mut row = bag(&self.spec, &pass.batch.tokens[trace[0]..trace[1]]);
            row.iter_mut().for_each(|(bucket, weight)| *weight *= idf[*bucket as usize]);
            row.retain(|&(_, weight)| weight != 0.0);
            row
        };
        let rows = pass.batch.ragged.offsets().par_windows(2).map(row).collect();
        let op = BagOp { rows, width: self.spec.output_dim };
        Signal::Vector(apply_1(op, pass.weights[self.table].clone()))
    }

    fn adapt(&self, traces: &[&[u32]], set: &mut dyn FnMut(usize, Vec<f32>)) {
        let mut found_in = vec![0u32; self.spec.buckets];
        let bags: Vec<Vec<(u32, f32)>> = traces.par_iter().map(|trace| bag(&self.spec, trace)).collect();
        for (bucket, _) in bags.into_iter().flatten() {
            found_in[bucket as usize] += 1;
        }
        set(self.idf, inverse_document_frequency(&found_in, traces.len()));
    }
}
