//! What a training step costs, and what part of it is the kernel's.
//!
//! ```sh
//! cargo run --release -p traceward-train --example step_cost
//! ```
//!
//! The article's network (Embedding 64, BiLSTM 32 with recurrent dropout 0.1, Dropout, Dense 64, Dense 7) on
//! 32 traces of random calls, as the minimum and the median of many steps. "kernel" is the fused embedding
//! and BiLSTM alone, forward and backward, both directions; "step" is all that `fit` does for a batch.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program to be run by hand")]

use std::hint::black_box;
use std::time::Instant;

use traceward_kernel::{Call, Cell, Dropout, Gradients, Input, Output, Ragged, Shape, Tape, Weights};
use traceward_model::{Batch, Network, Step};
use traceward_run::config::{Loss, Optimizer};
use traceward_run::spec::{Activation, Layer, ModelSpec, Recurrent};
use traceward_trace::rng::Rng;
use traceward_train::OptimizerState;

const VOCABULARY: usize = 177;
const EMBEDDING: usize = 64;
const UNITS: usize = 32;
const TRACES: usize = 32;

fn article() -> ModelSpec {
    ModelSpec::new(
        "article-5",
        [
            Layer::Embedding { input_dim: 0, output_dim: EMBEDDING },
            Layer::bidirectional(Layer::Lstm(Recurrent::new(UNITS).recurrent_dropout(0.1))),
            Layer::Dropout { rate: 0.25 },
            Layer::dense(64, Activation::Relu),
            Layer::dense(7, Activation::Softmax),
        ],
    )
}

fn milliseconds(repeats: usize, mut work: impl FnMut(u64)) -> (f64, f64) {
    let mut times: Vec<f64> = (0..repeats + 3)
        .map(|number| {
            let began = Instant::now();
            work(number as u64);
            began.elapsed().as_secs_f64() * 1e3
        })
        .skip(3)
        .collect();
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

fn main() {
    println!(
        "{:>5} {:>18} {:>18} {:>22} {:>10}",
        "calls", "kernel min/med ms", "step min/med ms", "gradients min/med ms", "rest ms"
    );
    for length in [100, 500] {
        let mut rng = Rng::new(1);
        // A window of 100 calls of ADFA-LD holds 12 distinct ones: draw each trace's from 16.
        let traces: Vec<Vec<u32>> = (0..TRACES)
            .map(|_| {
                let own: Vec<u32> = (0..16).map(|_| 2 + rng.below(VOCABULARY as u64 - 2) as u32).collect();
                (0..length).map(|_| own[rng.below(16) as usize]).collect()
            })
            .collect();
        let slices: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
        let keys: Vec<u64> = (0..TRACES as u64).collect();
        let labels: Vec<u32> = (0..TRACES as u32).map(|t| t % 7).collect();
        let repeats = 30_000 / length;

        let mut network = Network::build(&article(), VOCABULARY, 7, 1).unwrap();
        let kernel = kernel(&network, &slices, &keys, repeats);
        let optimizer = Optimizer::adam(1e-4);
        let mut state = OptimizerState::new(network.parameters().iter().map(|p| p.values.len()));
        let mut gradient_times = Vec::new();
        let step = milliseconds(repeats, |number| {
            let began = Instant::now();
            let batch = Batch::new(&slices, &keys).unwrap();
            let loss = Loss::CategoricalCrossentropy;
            let step = Step {
                batch: &batch,
                labels: &labels,
                weights: None,
                loss: loss.into(),
                mask_seed: number,
                inspect: false,
            };
            let mut found = network.gradients(&step).unwrap();
            gradient_times.push(began.elapsed().as_secs_f64() * 1e3);
            state.step(&optimizer, 1e-4, network.values_mut(), &found.gradients);
            network.follow(&mut found);
        });
        gradient_times.sort_by(f64::total_cmp);
        println!(
            "{length:>5} {:>9.2} {:>8.2} {:>9.2} {:>8.2} {:>11.2} {:>10.2} {:>10.2}",
            kernel.0,
            kernel.1,
            step.0,
            step.1,
            gradient_times[0],
            gradient_times[gradient_times.len() / 2],
            step.0 - kernel.0
        );
    }
}

/// The same batch through the kernel alone.
fn kernel(network: &Network, traces: &[&[u32]], keys: &[u64], repeats: usize) -> (f64, f64) {
    let tokens = traces.concat();
    let lengths: Vec<u32> = traces.iter().map(|t| t.len() as u32).collect();
    let values = |place: usize| &network.parameters()[place].values[..];
    let input = Input::Tokens { tokens: &tokens, table: values(0) };
    let d_out = vec![0.01f32; traces.len() * UNITS];
    let mut tapes = [Tape::default(), Tape::default()];
    milliseconds(repeats, |seed| {
        let batch = Ragged::new(&lengths);
        let [forward, backward] = &mut tapes;
        let one = |tape: &mut Tape, first: usize, reverse: bool| {
            let weights =
                Weights { kernel: values(first), recurrent: values(first + 1), bias: values(first + 2) };
            let dropout = Dropout { input: 0.0, recurrent: 0.1, seed, keys };
            let shape = Shape { cell: Cell::Lstm, inputs: EMBEDDING, units: UNITS };
            let call = Call { shape, batch: &batch, dropout: Some(dropout), reverse, output: Output::Last };
            let mut out = vec![0.0; traces.len() * UNITS];
            traceward_kernel::forward(tape, &call, weights, input, &mut out);
            let mut found = [0, 1, 2].map(|at| vec![0.0; values(first + at).len()]);
            let mut table = vec![0.0; values(0).len()];
            let [kernel, recurrent, bias] = &mut found;
            let gradients = Gradients { kernel, recurrent, bias, input: Some(&mut table) };
            traceward_kernel::backward(tape, &call, weights, input, &d_out, gradients);
            black_box((out, found, table));
        };
        traceward_kernel::both(|| one(forward, 1, false), || one(backward, 4, true));
    })
}
