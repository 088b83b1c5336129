//! Sessions of small networks with drawn weights: what they give, and what it must not depend on.
//!
//! That they give what the training network gives is tested where that network is.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::sync::Arc;

use proptest::prelude::*;
use traceward_run::classifier::{Classifier, Session};
use traceward_run::spec::{
    Activation, Layer, LayerFacts, LayerSpec, NgramSketch, Padding, Recurrent, branch_names,
};
use traceward_run::tensors::{Tensor, TensorRef};
use traceward_run::{ModelSpec, Scores};
use traceward_stream::{Pool, Stream, StreamError};
use traceward_trace::rng::Rng;

const VOCABULARY: usize = 9;
const CLASSES: usize = 3;

fn causal(filters: usize, kernel_size: usize, strides: usize) -> Layer {
    Layer::Conv1D {
        filters,
        kernel_size,
        strides,
        padding: Padding::Causal,
        activation: Activation::Relu,
        use_bias: true,
    }
}

fn embedding(output_dim: usize) -> Layer {
    Layer::Embedding { input_dim: 0, output_dim }
}

fn softmax() -> Layer {
    Layer::dense(0, Activation::Softmax)
}

/// Arrays of the shapes that the layers have, in the order of the spec.
fn draw(layers: &[LayerSpec], names: &[String], facts: &[LayerFacts], rng: &mut Rng, into: &mut Vec<Tensor>) {
    for ((spec, name), facts) in layers.iter().zip(names).zip(facts) {
        let width = facts.input.features();
        let shapes: Vec<(&str, Vec<usize>)> = match &spec.layer {
            &Layer::Embedding { input_dim, output_dim } => vec![("embeddings", vec![input_dim, output_dim])],
            &Layer::Conv1D { filters, kernel_size, .. } => {
                vec![("kernel", vec![kernel_size, width, filters]), ("bias", vec![filters])]
            }
            Layer::Lstm(lstm) => vec![
                ("kernel", vec![width, 4 * lstm.units]),
                ("recurrent_kernel", vec![lstm.units, 4 * lstm.units]),
                ("bias", vec![4 * lstm.units]),
            ],
            Layer::Gru(gru) => vec![
                ("kernel", vec![width, 3 * gru.units]),
                ("recurrent_kernel", vec![gru.units, 3 * gru.units]),
                ("bias", vec![2, 3 * gru.units]),
            ],
            &Layer::GlobalAttentionPooling1D { units } => {
                vec![("kernel", vec![width, units]), ("bias", vec![units]), ("query", vec![units, 1])]
            }
            Layer::NgramSketch(sketch) => {
                let NgramSketch { output_dim, buckets, .. } = *sketch;
                vec![("embeddings", vec![buckets, output_dim]), ("idf", vec![buckets])]
            }
            &Layer::Dense { units, .. } => vec![("kernel", vec![width, units]), ("bias", vec![units])],
            Layer::BatchNormalization { .. } => {
                ["gamma", "beta", "moving_mean", "moving_variance"].map(|part| (part, vec![width])).to_vec()
            }
            Layer::Concatenate { branches } => {
                for ((branch, names), facts) in
                    branches.iter().zip(branch_names(name, branches)).zip(&facts.branches)
                {
                    draw(branch, &names, facts, rng, into);
                }
                Vec::new()
            }
            _ => Vec::new(),
        };
        for (part, shape) in shapes {
            let count = shape.iter().product();
            let mut values: Vec<f32> = (0..count).map(|_| rng.uniform() as f32 * 2.0 - 1.0).collect();
            if part == "moving_variance" {
                values.iter_mut().for_each(|v| *v = v.abs() + 0.1);
            }
            into.push((format!("{name}/{part}"), shape, values));
        }
    }
}

fn weights(spec: &ModelSpec, seed: u64) -> Vec<Tensor> {
    let spec = spec.resolve(VOCABULARY, CLASSES);
    let mut tensors = Vec::new();
    draw(&spec.layers, &spec.names(), &spec.facts().unwrap(), &mut Rng::new(seed), &mut tensors);
    tensors
}

fn prepare(spec: &ModelSpec, tensors: &[Tensor]) -> Result<Stream, StreamError> {
    let refs = tensors.iter().map(|(name, shape, values)| TensorRef { name, shape, values });
    Stream::new(spec, VOCABULARY, CLASSES, refs)
}

fn stream(layers: impl IntoIterator<Item = Layer>, seed: u64) -> Stream {
    let spec = ModelSpec::new("", layers);
    prepare(&spec, &weights(&spec, seed)).unwrap()
}

/// One of each kind of network that a session can carry.
fn networks() -> Vec<Vec<Layer>> {
    let lstm = |units| Layer::Lstm(Recurrent::new(units));
    let steps = |units| Recurrent::new(units).return_sequences();
    vec![
        vec![embedding(4), lstm(5), softmax()],
        vec![embedding(4), Layer::Gru(steps(18)), Layer::GlobalMaxPooling1D, softmax()],
        vec![embedding(4), causal(20, 3, 1), Layer::GlobalAveragePooling1D, softmax()],
        vec![embedding(4), causal(6, 3, 2), Layer::Lstm(steps(7)), lstm(5), softmax()],
        vec![
            embedding(4),
            Layer::dense(6, Activation::Tanh),
            Layer::batch_normalization(),
            causal(5, 2, 1),
            causal(8, 3, 3),
            Layer::dense(4, Activation::Gelu),
            Layer::GlobalAttentionPooling1D { units: 3 },
            Layer::dense(9, Activation::Relu),
            softmax(),
        ],
        vec![
            embedding(4),
            Layer::concatenate([
                vec![causal(5, 3, 1), Layer::GlobalMaxPooling1D],
                vec![Layer::GlobalAveragePooling1D, Layer::dense(3, Activation::Relu)],
                vec![Layer::Gru(Recurrent::new(4))],
            ]),
            softmax(),
        ],
        vec![
            Layer::concatenate([
                vec![embedding(3), causal(4, 18, 1), Layer::GlobalMaxPooling1D],
                vec![embedding(2), lstm(4)],
            ]),
            softmax(),
        ],
        vec![Layer::NgramSketch(sketch(20)), softmax()],
        vec![
            Layer::concatenate([
                vec![Layer::NgramSketch(sketch(3)), Layer::dense(4, Activation::Relu)],
                vec![embedding(2), Layer::GlobalAveragePooling1D],
            ]),
            softmax(),
        ],
    ]
}

/// So few counters that they are shared and fill up.
fn sketch(output_dim: usize) -> NgramSketch {
    NgramSketch { output_dim, buckets: 50, ngrams: 3, skips: 3, counters: 30 }
}

fn trace(length: usize, rng: &mut Rng) -> Vec<u32> {
    (0..length).map(|_| rng.below(VOCABULARY as u64) as u32).collect()
}

fn after_each_call(stream: &Stream, trace: &[u32]) -> Vec<Vec<f32>> {
    let mut session = stream.begin();
    let scores = |&token: &u32| {
        session.push(token);
        let mut row = vec![0.0; CLASSES];
        session.scores(&mut row);
        row
    };
    trace.iter().map(scores).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn after_every_call_the_scores_are_those_of_the_prefix(which in 0usize..9, length in 1usize..40, seed: u64) {
        let (stream, trace) = (stream(networks().swap_remove(which), seed), trace(length, &mut Rng::new(seed)));
        let prefixes: Vec<&[u32]> = (1..=length).map(|end| &trace[..end]).collect();
        let whole = stream.predict(&prefixes).unwrap();
        for (row, wanted) in after_each_call(&stream, &trace).iter().zip(whole.rows()) {
            prop_assert_eq!(row.as_slice(), wanted);
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn sessions_do_not_see_each_other(which in 0usize..9, lengths in prop::collection::vec(1usize..30, 1..8), seed: u64) {
        let stream = Arc::new(stream(networks().swap_remove(which), seed));
        let mut rng = Rng::new(seed);
        let traces: Vec<Vec<u32>> = lengths.iter().map(|&length| trace(length, &mut rng)).collect();
        let mut pool = Pool::new(Arc::clone(&stream));
        let slots: Vec<_> = traces.iter().map(|_| pool.open()).collect();
        // Calls of all sessions in any order that keeps each session's own, handed over in pieces.
        let mut read = vec![0; traces.len()];
        let mut calls = Vec::new();
        while calls.len() < lengths.iter().sum() {
            let at = rng.below(traces.len() as u64) as usize;
            if let Some(&token) = traces[at].get(read[at]) {
                calls.push((slots[at], token));
                read[at] += 1;
            }
        }
        let mut rest = calls.as_slice();
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rng.below(rest.len() as u64) as usize + 1);
            match piece {
                &[(slot, token)] => pool.push(slot, token),
                piece => pool.push_all(piece),
            }
            rest = left;
        }
        for (slot, trace) in slots.into_iter().zip(&traces) {
            let mut row = vec![0.0; CLASSES];
            pool.scores(slot, &mut row);
            prop_assert_eq!(&row, &after_each_call(&stream, trace)[trace.len() - 1]);
        }
    }
}

#[test]
fn a_stretch_is_read_as_its_calls_are() {
    let stream = Arc::new(stream(networks().swap_remove(4), 3));
    let trace = trace(30, &mut Rng::new(5));
    let wanted = after_each_call(&stream, &trace);
    let mut pool = Pool::new(stream);
    let (other, slot) = (pool.open(), pool.open());
    let mut told = Vec::new();
    pool.read(slot, &trace[..7], 7, &mut |place, _| told.push((place, Vec::new())));
    assert!(told.is_empty(), "nobody asked");
    pool.read(slot, &trace[7..], 13, &mut |place, row| told.push((7 + place, row.to_vec())));
    let wanted: Vec<_> = wanted.into_iter().enumerate().skip(20).collect();
    assert_eq!(told, wanted);
    let mut untouched = [0.0; CLASSES];
    pool.scores(other, &mut untouched);
    assert_eq!(untouched, [1.0 / 3.0; CLASSES]);
}

/// The convolution, its pooling and the Dense written plainly.
#[test]
fn a_convolution_is_what_its_formula_says() {
    let spec = ModelSpec::new("", [embedding(4), causal(6, 3, 1), Layer::GlobalMaxPooling1D, softmax()]);
    let tensors = weights(&spec, 3);
    let of = |name: &str| &tensors.iter().find(|tensor| tensor.0 == name).unwrap().2;
    let (table, kernel, bias) = (of("embedding/embeddings"), of("conv1d/kernel"), of("conv1d/bias"));
    let (dense, shift) = (of("dense/kernel"), of("dense/bias"));
    let trace = [3u32, 8, 0, 5, 5];
    let mut largest = [f64::NEG_INFINITY; 6];
    for now in 0..trace.len() {
        for (filter, largest) in largest.iter_mut().enumerate() {
            let mut sum = f64::from(bias[filter]);
            for tap in 0..3 {
                let Some(call) = (now + tap).checked_sub(2) else { continue };
                for unit in 0..4 {
                    let weight = kernel[(tap * 4 + unit) * 6 + filter];
                    sum += f64::from(table[trace[call] as usize * 4 + unit]) * f64::from(weight);
                }
            }
            *largest = largest.max(sum.max(0.0));
        }
    }
    let logits: Vec<f64> = (0..CLASSES)
        .map(|class| {
            let of = |(unit, x): (usize, &f64)| x * f64::from(dense[unit * CLASSES + class]);
            largest.iter().enumerate().map(of).sum::<f64>() + f64::from(shift[class])
        })
        .collect();
    let total: f64 = logits.iter().map(|z| z.exp()).sum();
    let row = prepare(&spec, &tensors).unwrap().predict(&[&trace]).unwrap();
    for (found, z) in row.row(0).iter().zip(logits) {
        assert!((f64::from(*found) - z.exp() / total).abs() < 1e-6);
    }
}

#[test]
fn a_session_begins_again_and_knows_nothing_before_the_first_call() {
    for layers in networks() {
        let stream = stream(layers, 5);
        let mut session = stream.begin();
        let mut before = [0.0; CLASSES];
        session.scores(&mut before);
        assert_eq!(before, [1.0 / 3.0; CLASSES]);
        let (mut first, mut again) = ([0.0; CLASSES], [0.0; CLASSES]);
        [1, 2, 3].into_iter().for_each(|token| session.push(token));
        session.scores(&mut first);
        session.reset();
        session.scores(&mut again);
        assert_eq!(again, before);
        [1, 2, 3].into_iter().for_each(|token| session.push(token));
        session.scores(&mut again);
        assert_eq!(again, first);
    }
}

#[test]
fn a_slot_that_was_closed_begins_anew() {
    let stream = Arc::new(stream(networks().swap_remove(0), 1));
    let mut pool = Pool::new(stream);
    let (first, second) = (pool.open(), pool.open());
    pool.push_all(&[(first, 3), (second, 4), (first, 1), (first, 2)]);
    pool.close(first);
    assert_eq!(pool.len(), 1);
    let third = pool.open();
    let (mut fresh, mut kept) = ([0.0; CLASSES], [0.0; CLASSES]);
    pool.scores(third, &mut fresh);
    pool.scores(second, &mut kept);
    assert_eq!(fresh, [1.0 / 3.0; CLASSES]);
    assert_ne!(kept, fresh);
}

/// The state is what a session costs: it does not grow, and its size is what the layers add up to.
#[test]
fn a_session_takes_what_its_layers_keep() {
    let layers = [embedding(4), causal(64, 4, 1), Layer::GlobalMaxPooling1D, softmax()];
    let stream = Arc::new(stream(layers, 1));
    // The count of calls, three calls back, a maximum of 64.
    assert_eq!(stream.state_len(), 1 + 3 + 64);
    let mut pool = Pool::new(Arc::clone(&stream));
    let slots: Vec<_> = (0..1000).map(|_| pool.open()).collect();
    let bytes = pool.bytes();
    assert!(bytes < 1070 * 4 * 68, "little more than the states themselves: {bytes}");
    for call in 0..100 {
        slots.iter().for_each(|&slot| pool.push(slot, call % VOCABULARY as u32));
    }
    assert_eq!(pool.bytes(), bytes);
}

#[test]
fn calls_that_the_network_does_not_know_are_unknown_calls() {
    let stream = stream(networks().swap_remove(2), 1);
    assert_eq!(after_each_call(&stream, &[2, 999, u32::MAX]), after_each_call(&stream, &[2, 1, 1]));
    let error = stream.predict(&[&[1], &[2, 9]]).unwrap_err();
    assert_eq!((error.trace, error.reason.contains("token 9")), (1, true));
    assert_eq!(stream.predict(&[&[1], &[]]).unwrap_err().trace, 1);
    assert_eq!(stream.predict(&[]).unwrap(), Scores::new(CLASSES, Vec::new()));
}

#[test]
fn what_cannot_be_read_call_by_call_is_refused_by_name() {
    let backwards = Recurrent { go_backwards: true, ..Recurrent::new(3) };
    let (steps, conv) = (Recurrent::new(3).return_sequences(), Layer::conv1d(3, 2, Activation::Relu));
    let end = || [Layer::GlobalMaxPooling1D, softmax()];
    let cases: [(Vec<Layer>, &str); 6] = [
        (vec![Layer::bidirectional(Layer::Lstm(steps))], "its backward half"),
        (vec![Layer::Lstm(backwards.return_sequences())], "it begins with the last call"),
        (vec![conv], "before its first whole window"),
        (vec![Layer::MaxPooling1D { pool_size: 2 }], "before its first whole window"),
        (
            vec![Layer::Conv1D {
                filters: 2,
                kernel_size: 3,
                strides: 1,
                padding: Padding::Same,
                activation: Activation::Relu,
                use_bias: false,
            }],
            "looks ahead",
        ),
        (vec![causal(2, 0, 1)], "kernel_size = 0"),
    ];
    for (middle, reason) in cases {
        let layers: Vec<Layer> = [embedding(4)].into_iter().chain(middle).chain(end()).collect();
        let error = prepare(&ModelSpec::new("", layers), &[]).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn weights_must_be_there_and_fit() {
    let spec = ModelSpec::new("", networks().swap_remove(0));
    let all = weights(&spec, 1);
    for at in 0..all.len() {
        let mut missing = all.clone();
        let name = missing.remove(at).0;
        let error = prepare(&spec, &missing).unwrap_err().to_string();
        assert_eq!(error, format!("weight {name}: it is missing"));
        let mut bent = all.clone();
        bent[at].1.reverse();
        bent[at].1.push(1);
        assert!(prepare(&spec, &bent).unwrap_err().to_string().contains("must be"));
    }
}
