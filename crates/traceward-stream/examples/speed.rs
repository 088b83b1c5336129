//! How fast calls are read one by one: `cargo run --release -p traceward-stream --example speed [MODEL]`.
//!
//! Nanoseconds a call on one thread, for the model file that is named or for a few networks with drawn weights:
//!
//! - `one`: one session, its calls pushed one by one;
//! - `asked`: the same, and the scores asked for after every call;
//! - `many`: calls dealt at random among 100,000 sessions, asked after every call, so that each finds its
//!   session's state in memory rather than in a cache;
//! - `waves`: the same sessions, `push_all` with 64 calls at a time, not asked;
//! - `batch`: whole traces through `predict`;
//! - `floor`: what it takes to touch the numbers of a random session among 100,000 (read, add one, write back),
//!   without a network: no session of this size can be served faster.
//!
//! Calls follow Zipf's law over the vocabulary, as system calls do. Where Linux says it, time is what the process
//! got of the processor, so that a busy machine does not count; set `RAYON_NUM_THREADS=1` for `batch`.

#![expect(clippy::print_stdout, reason = "a table is what this prints")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use traceward_run::ModelSpec;
use traceward_run::classifier::{Classifier, Session};
use traceward_run::spec::{Activation, Layer, NgramSketch, Padding, Recurrent};
use traceward_run::tensors::{Tensor, TensorRef};
use traceward_stream::{Pool, Stream};
use traceward_trace::rng::Rng;

const VOCABULARY: usize = 177;
const CLASSES: usize = 7;
const SESSIONS: usize = 100_000;
const CALLS: usize = 400_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:<28} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>12} {:>11}",
        "ns a call", "bytes", "one", "asked", "many", "waves", "batch", "floor", "asked/batch", "many/floor"
    );
    if let Some(path) = std::env::args().nth(1) {
        measure(&path, Stream::load(Path::new(&path))?);
        return Ok(());
    }
    for (name, spec) in networks() {
        measure(name, drawn(&spec)?);
    }
    Ok(())
}

fn networks() -> Vec<(&'static str, ModelSpec)> {
    let embedding = || Layer::Embedding { input_dim: 0, output_dim: 64 };
    let conv = |filters| Layer::Conv1D {
        filters,
        kernel_size: 5,
        strides: 1,
        padding: Padding::Causal,
        activation: Activation::Relu,
        use_bias: true,
    };
    let steps = |units| Layer::Lstm(Recurrent::new(units).return_sequences());
    let head = || Layer::dense(0, Activation::Softmax);
    let both = || Layer::concatenate([vec![Layer::GlobalMaxPooling1D], vec![Layer::GlobalAveragePooling1D]]);
    let spec = |layers: Vec<Layer>| ModelSpec::new("", layers);
    let sketch = || Layer::NgramSketch(NgramSketch::new(16, 1 << 16));
    vec![
        ("NgramSketch 16", spec(vec![sketch(), head()])),
        ("Conv1D 128, max and mean", spec(vec![embedding(), conv(128), both(), head()])),
        ("LSTM 32", spec(vec![embedding(), Layer::Lstm(Recurrent::new(32)), head()])),
        ("LSTM 64, max and mean", spec(vec![embedding(), steps(64), both(), head()])),
        ("Conv1D 64, LSTM 32", spec(vec![embedding(), conv(64), Layer::Lstm(Recurrent::new(32)), head()])),
    ]
}

/// The network with drawn weights: each array's shape is what [`Stream::new`] says it must be.
fn drawn(spec: &ModelSpec) -> Result<Stream, Box<dyn std::error::Error>> {
    let mut rng = Rng::new(0);
    let mut weights: Vec<Tensor> = Vec::new();
    let resolved = spec.resolve(VOCABULARY, CLASSES);
    for (facts, spec) in resolved.facts()?.iter().zip(&resolved.layers) {
        let width = facts.input.features();
        let shapes = match &spec.layer {
            &Layer::Embedding { input_dim, output_dim } => vec![("embeddings", vec![input_dim, output_dim])],
            &Layer::Conv1D { filters, kernel_size, .. } => {
                vec![("kernel", vec![kernel_size, width, filters]), ("bias", vec![filters])]
            }
            Layer::Lstm(lstm) => vec![
                ("kernel", vec![width, 4 * lstm.units]),
                ("recurrent_kernel", vec![lstm.units, 4 * lstm.units]),
                ("bias", vec![4 * lstm.units]),
            ],
            Layer::NgramSketch(sketch) => {
                let NgramSketch { output_dim, buckets, .. } = *sketch;
                vec![("embeddings", vec![buckets, output_dim]), ("idf", vec![buckets])]
            }
            &Layer::Dense { units, .. } => vec![("kernel", vec![width, units]), ("bias", vec![units])],
            _ => Vec::new(),
        };
        for (part, shape) in shapes {
            let values = (0..shape.iter().product()).map(|_| rng.uniform() as f32 * 0.4 - 0.2).collect();
            weights.push((format!("{}/{part}", facts.name), shape, values));
        }
    }
    let weights = weights.iter().map(|(name, shape, values)| TensorRef { name, shape, values });
    Ok(Stream::new(spec, VOCABULARY, CLASSES, weights)?)
}

fn measure(name: &str, stream: Stream) {
    let mut rng = Rng::new(1);
    let vocabulary = stream.vocabulary() as f64;
    let calls: Vec<u32> = (0..CALLS).map(|_| (vocabulary.powf(rng.uniform()) - 1.0) as u32).collect();
    let places: Vec<u32> = (0..CALLS).map(|_| rng.below(SESSIONS as u64) as u32).collect();
    let mut row = vec![0.0; stream.classes()];

    let mut session = stream.begin();
    let one = best(|| calls.iter().for_each(|&token| session.push(token)));
    let asked = best(|| {
        for &token in &calls {
            session.push(token);
            session.scores(&mut row);
            black_box(&row);
        }
    });
    let traces: Vec<&[u32]> = calls.chunks(400).collect();
    let batch = best(|| drop(black_box(stream.predict(&traces))));

    let len = stream.state_len();
    let stream = Arc::new(stream);
    let mut pool = Pool::new(Arc::clone(&stream));
    let slots: Vec<_> = (0..SESSIONS).map(|_| pool.open()).collect();
    let dealt: Vec<_> = calls.iter().zip(&places).map(|(&token, &at)| (slots[at as usize], token)).collect();
    let many = best(|| {
        for &(slot, token) in &dealt {
            pool.push(slot, token);
            pool.scores(slot, &mut row);
            black_box(&row);
        }
    });
    let waves = best(|| dealt.chunks(64).for_each(|calls| pool.push_all(calls)));
    let bytes = pool.bytes() / SESSIONS;
    drop(pool);

    let mut states = vec![0f32; SESSIONS * len];
    let floor = best(|| {
        for &at in &places {
            states[at as usize * len..][..len].iter_mut().for_each(|x| *x += 1.0);
        }
    });
    black_box(&states);
    print!(
        "{name:<28} {bytes:>6} {one:>6.0} {asked:>6.0} {many:>6.0} {waves:>6.0} {batch:>6.0} {floor:>6.0}"
    );
    println!(" {:>12.1} {:>11.1}", asked / batch, many / floor);
}

/// Nanoseconds a call, the best of five.
fn best(mut run: impl FnMut()) -> f64 {
    let began = Instant::now();
    let now = || processor_time().unwrap_or_else(|| began.elapsed().as_secs_f64());
    let time = |_| {
        let before = now();
        run();
        (now() - before) * 1e9 / CALLS as f64
    };
    (0..5).map(time).fold(f64::INFINITY, f64::min)
}

/// Seconds of processor time of all threads.
fn processor_time() -> Option<f64> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 * 1e-9)
}
