//! LSTM, GRU and Bidirectional: the fused kernel as a burn operation.
//!
//! An Embedding just before is part of the node: the kernel then reads tokens and the table, and projects
//! each distinct token once. The two directions run on two threads; neither sees the other, so the result
//! does not depend on threads.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Tensor;
use traceward_kernel as kernel;
use traceward_kernel::{Call, Cell, Gradients, Input, Output, Ragged, Tape};
use traceward_run::spec::{Layer, MergeMode, Recurrent};

use super::plan::Weights;
use super::windows::reverse_rows;
use super::{Node, Pass, Signal};
use crate::init::Initializer;
use crate::op::{Kept, SliceOp, apply_4, apply_7};
use crate::random::derive;
use crate::{Batch, Error};

/// A recurrent layer of one or two directions.
#[derive(Debug)]
pub(crate) struct RecurrentNode {
    /// The table of the Embedding that is part of this node.
    table: Option<usize>,
    /// kernel, recurrent kernel and bias of each direction.
    weights: Vec<[usize; 3]>,
    merge: MergeMode,
    /// Keras leaves the sequence of a layer that goes backwards in reading order, last call first.
    turn_round: bool,
    core: Core,
    pool: Arc<TapePool>,
}

/// What the operation needs to know of the layer.
#[derive(Clone, Debug)]
struct Core {
    shape: kernel::Shape,
    /// Whether each direction reads from the end.
    reverse: Vec<bool>,
    output: Output,
    dropout: f32,
    recurrent_dropout: f32,
    layer: usize,
}

impl RecurrentNode {
    /// Plans an LSTM, a GRU or a Bidirectional of one; of any other layer there is nothing to plan.
    pub(crate) fn plan(
        layer: &Layer,
        width: usize,
        table: Option<usize>,
        weights: &mut Weights<'_>,
    ) -> Result<Option<Self>, Error> {
        let (inner, merge, both) = match layer {
            Layer::Bidirectional { layer, merge_mode } => (&**layer, *merge_mode, true),
            other => (other, MergeMode::Concat, false),
        };
        let (cell, class, config) = match inner {
            Layer::Lstm(config) => (Cell::Lstm, "lstm", config),
            Layer::Gru(config) => (Cell::Gru, "gru", config),
            _ => return Ok(None),
        };
        let &Recurrent { units, dropout, recurrent_dropout, return_sequences, go_backwards } = config;
        let columns = cell.gates().saturating_mul(units);
        let directions = if both {
            vec![(format!("forward_{class}/"), go_backwards), (format!("backward_{class}/"), !go_backwards)]
        } else {
            vec![(String::new(), go_backwards)]
        };
        let mut places = Vec::with_capacity(directions.len());
        for (prefix, _) in &directions {
            let glorot = Initializer::GlorotUniform { fan_in: width, fan_out: columns };
            let (bias_shape, bias) = match cell {
                Cell::Lstm => (vec![columns], Initializer::UnitForget { units }),
                Cell::Gru => (vec![2, columns], Initializer::Zeros),
            };
            places.push([
                weights.add(&format!("{prefix}kernel"), &[width, columns], glorot, true)?,
                weights.add(
                    &format!("{prefix}recurrent_kernel"),
                    &[units, columns],
                    Initializer::Orthogonal,
                    true,
                )?,
                weights.add(&format!("{prefix}bias"), &bias_shape, bias, true)?,
            ]);
        }
        Ok(Some(Self {
            table,
            weights: places,
            merge,
            turn_round: return_sequences && go_backwards,
            core: Core {
                shape: kernel::Shape { cell, inputs: width, units },
                reverse: directions.into_iter().map(|(_, reverse)| reverse).collect(),
                output: if return_sequences { Output::Sequences } else { Output::Last },
                dropout,
                recurrent_dropout,
                layer: weights.masks(),
            },
            pool: Arc::default(),
        }))
    }

    fn merged(&self, both: Tensor<2>) -> Tensor<2> {
        let units = self.core.shape.units;
        if self.core.reverse.len() == 1 || self.merge == MergeMode::Concat {
            return both;
        }
        let (forward, backward) = (both.clone().narrow(1, 0, units), both.narrow(1, units, units));
        match self.merge {
            MergeMode::Sum => forward + backward,
            MergeMode::Ave => (forward + backward) * 0.5,
            MergeMode::Mul | MergeMode::Concat => forward * backward,
        }
    }
}

impl Node for RecurrentNode {
    fn run(&self, input: Signal, pass: &Pass<'_>) -> Signal {
        let (read, ragged, fused) = match (input, self.table) {
            (Signal::Sequence { values, ragged }, None) => (values, ragged, false),
            (_, Some(table)) => (pass.weights[table].clone(), Arc::clone(&pass.batch.ragged), true),
            (other, None) => return other,
        };
        let op = RecurrentOp {
            core: self.core.clone(),
            fused,
            batch: pass.batch.clone(),
            ragged: Arc::clone(&ragged),
            seed: pass.training,
            pool: Arc::clone(&self.pool),
        };
        let weight = |place: usize| pass.weights[place].clone();
        let values = match *self.weights {
            [[a, b, c], [d, e, f]] => {
                apply_7(op, [read, weight(a), weight(b), weight(c), weight(d), weight(e), weight(f)])
            }
            [[a, b, c], ..] => apply_4(op, [read, weight(a), weight(b), weight(c)]),
            [] => read,
        };
        let values = self.merged(values);
        match self.core.output {
            Output::Last => Signal::Vector(values),
            Output::Sequences => {
                let values = if self.turn_round { reverse_rows(values, &ragged) } else { values };
                Signal::Sequence { values, ragged }
            }
        }
    }
}

/// Tapes that no step uses just now: they hold megabytes, which are worth keeping from step to step.
#[derive(Default)]
struct TapePool(Mutex<Vec<Tape>>);

impl fmt::Debug for TapePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TapePool")
    }
}

impl TapePool {
    fn lend(self: &Arc<Self>) -> Lent {
        let tape = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Lent { tape, pool: Arc::clone(self) }
    }
}

/// A tape that goes back to its pool when it is dropped, used or not.
struct Lent {
    tape: Tape,
    pool: Arc<TapePool>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let tape = std::mem::take(&mut self.tape);
        self.pool.0.lock().unwrap_or_else(PoisonError::into_inner).push(tape);
    }
}

/// Inputs: the table or the rows, then kernel, recurrent kernel and bias of each direction. Output: the
/// directions side by side, `[traces or rows, directions * units]`.
#[derive(Debug)]
struct RecurrentOp {
    core: Core,
    fused: bool,
    batch: Batch,
    ragged: Arc<Ragged>,
    seed: Option<u64>,
    pool: Arc<TapePool>,
}

impl RecurrentOp {
    fn directions(&self) -> usize {
        self.core.reverse.len()
    }

    fn rows(&self) -> usize {
        match self.core.output {
            Output::Last => self.ragged.traces(),
            Output::Sequences => self.ragged.rows(),
        }
    }

    fn call(&self, direction: usize) -> Call<'_> {
        let Core { shape, ref reverse, output, dropout, recurrent_dropout, layer } = self.core;
        let masks = self.seed.filter(|_| dropout > 0.0 || recurrent_dropout > 0.0);
        Call {
            shape,
            batch: &self.ragged,
            dropout: masks.map(|seed| kernel::Dropout {
                input: dropout,
                recurrent: recurrent_dropout,
                seed: derive(derive(seed, layer as u64), direction as u64),
                keys: &self.batch.keys,
            }),
            reverse: reverse[direction],
            output,
        }
    }

    fn input<'a>(&'a self, inputs: &[&'a [f32]]) -> Input<'a> {
        if self.fused {
            Input::Tokens { tokens: &self.batch.tokens, table: inputs[0] }
        } else {
            Input::Rows(inputs[0])
        }
    }

    /// Runs `work` for every direction, two of them on two threads.
    fn each<T: Send>(&self, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        if self.directions() == 2 {
            let (forward, backward) = kernel::both(|| work(0), || work(1));
            vec![forward, backward]
        } else {
            vec![work(0)]
        }
    }
}

fn weights<'a>(inputs: &[&'a [f32]], direction: usize) -> kernel::Weights<'a> {
    let first = 1 + 3 * direction;
    kernel::Weights { kernel: inputs[first], recurrent: inputs[first + 1], bias: inputs[first + 2] }
}

impl SliceOp for RecurrentOp {
    fn shape(&self) -> [usize; 2] {
        [self.rows(), self.directions() * self.core.shape.units]
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], keep: bool) -> Option<Kept> {
        let units = self.core.shape.units;
        let done = self.each(|direction| {
            let mut lent = self.pool.lend();
            let mut out = vec![0.0; self.rows() * units];
            let (call, weights, input) =
                (self.call(direction), weights(inputs, direction), self.input(inputs));
            if keep || call.dropout.is_some() {
                kernel::forward(&mut lent.tape, &call, weights, input, &mut out);
            } else {
                kernel::infer(&mut lent.tape, &call, weights, input, &mut out);
            }
            (lent, out)
        });
        let width = self.directions() * units;
        for (direction, (_, part)) in done.iter().enumerate() {
            for (out, part) in out.chunks_exact_mut(width).zip(part.chunks_exact(units)) {
                out[direction * units..(direction + 1) * units].copy_from_slice(part);
            }
        }
        let tapes: Vec<Mutex<Lent>> = done.into_iter().map(|(lent, _)| Mutex::new(lent)).collect();
        keep.then(|| Box::new(tapes) as Kept)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        kept: Option<Kept>,
        d_out: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let tapes =
            kept.and_then(|k| k.downcast::<Vec<Mutex<Lent>>>().ok()).expect("the forward pass kept it");
        let (units, width) = (self.core.shape.units, self.directions() * self.core.shape.units);
        let mut done = self.each(|direction| {
            let mut lent = tapes[direction].lock().unwrap_or_else(PoisonError::into_inner);
            let own = direction * units..(direction + 1) * units;
            let d_out: Vec<f32> =
                d_out.chunks_exact(width).flat_map(|row| &row[own.clone()]).copied().collect();
            let (weights, input) = (weights(inputs, direction), self.input(inputs));
            let mut found = [
                vec![0.0; weights.kernel.len()],
                vec![0.0; weights.recurrent.len()],
                vec![0.0; weights.bias.len()],
                vec![0.0; if wanted[0] { input.gradient_len() } else { 0 }],
            ];
            let [kernel, recurrent, bias, input_gradient] = &mut found;
            let gradients = Gradients {
                kernel,
                recurrent,
                bias,
                input: wanted[0].then_some(input_gradient.as_mut_slice()),
            };
            kernel::backward(&mut lent.tape, &self.call(direction), weights, input, &d_out, gradients);
            found
        });
        let mut out = vec![None];
        for [kernel, recurrent, bias, input] in done.drain(..) {
            out.extend([Some(kernel), Some(recurrent), Some(bias)]);
            match &mut out[0] {
                None => out[0] = wanted[0].then_some(input),
                Some(sum) => sum.iter_mut().zip(&input).for_each(|(a, b)| *a += b),
            }
        }
        out
    }
}
