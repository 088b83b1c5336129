//! Read call by call, a network gives what it gives for the calls so far.

use proptest::prelude::*;
use traceward_model::Network;
use traceward_run::ModelSpec;
use traceward_run::classifier::Classifier;
use traceward_run::spec::{Activation, Layer, NgramSketch, Padding, Recurrent};
use traceward_trace::rng::Rng;

const VOCABULARY: usize = 12;
const CLASSES: usize = 4;

fn causal() -> impl Strategy<Value = Layer> {
    (1usize..20, 1usize..6, 1usize..4, any::<bool>(), activation()).prop_map(
        |(filters, kernel_size, strides, use_bias, activation)| Layer::Conv1D {
            filters,
            kernel_size,
            strides,
            padding: Padding::Causal,
            activation,
            use_bias,
        },
    )
}

fn activation() -> impl Strategy<Value = Activation> {
    let rows = Activation::ALL.into_iter().filter(|&a| a != Activation::Softmax);
    prop::sample::select(rows.collect::<Vec<_>>())
}

fn recurrent(layer: fn(Recurrent) -> Layer) -> impl Strategy<Value = Layer> {
    (1usize..20, 0f32..0.5).prop_map(move |(units, rate)| {
        layer(Recurrent::new(units).dropout(rate).recurrent_dropout(rate).return_sequences())
    })
}

/// A layer from rows to rows that a session can carry.
fn over_time() -> impl Strategy<Value = Layer> {
    prop_oneof![
        3 => causal(),
        2 => recurrent(Layer::Lstm),
        2 => recurrent(Layer::Gru),
        1 => (1usize..9, activation()).prop_map(|(units, activation)| Layer::dense(units, activation)),
        1 => Just(Layer::batch_normalization()),
        1 => Just(Layer::SpatialDropout1D { rate: 0.2 }),
        1 => activation().prop_map(|activation| Layer::Activation { activation }),
    ]
}

fn end() -> impl Strategy<Value = Layer> {
    prop_oneof![
        Just(Layer::GlobalMaxPooling1D),
        Just(Layer::GlobalAveragePooling1D),
        (1usize..6).prop_map(|units| Layer::GlobalAttentionPooling1D { units }),
        (1usize..20).prop_map(|units| Layer::Lstm(Recurrent::new(units))),
        (1usize..20).prop_map(|units| Layer::Gru(Recurrent::new(units))),
    ]
}

/// From calls to one row: an embedding, layers over time, an end; or n-grams.
fn branch() -> impl Strategy<Value = Vec<Layer>> {
    let sequence =
        (1usize..9, prop::collection::vec(over_time(), 0..3), end()).prop_map(|(output_dim, middle, end)| {
            let embedding = Layer::Embedding { input_dim: 0, output_dim };
            [embedding].into_iter().chain(middle).chain([end]).collect()
        });
    let ngrams =
        (1usize..20, 1usize..5, 0usize..5, 5usize..200).prop_map(|(output_dim, ngrams, skips, counters)| {
            vec![Layer::NgramSketch(NgramSketch { output_dim, buckets: 500, ngrams, skips, counters })]
        });
    prop_oneof![3 => sequence, 1 => ngrams]
}

fn spec() -> impl Strategy<Value = ModelSpec> {
    let middle = prop_oneof![
        branch(),
        (branch(), branch()).prop_map(|(a, b)| vec![Layer::concatenate([a, b])]),
        (1usize..9, over_time(), end(), over_time(), end()).prop_map(|(output_dim, a, b, c, d)| {
            let embedding = Layer::Embedding { input_dim: 0, output_dim };
            vec![embedding, Layer::concatenate([vec![a, b], vec![c, d]])]
        }),
    ];
    (middle, any::<bool>()).prop_map(|(mut layers, hidden)| {
        if hidden {
            layers.extend([Layer::dense(6, Activation::Relu), Layer::Dropout { rate: 0.3 }]);
        }
        layers.push(Layer::dense(0, Activation::Softmax));
        ModelSpec::new("", layers)
    })
}

/// The network, its weights large enough for traces to differ.
fn network(spec: &ModelSpec, seed: u64) -> Network {
    let mut network = Network::build(spec, VOCABULARY, CLASSES, seed).unwrap();
    let mut rng = Rng::new(seed);
    let names: Vec<String> = network.parameters().iter().map(|parameter| parameter.name.clone()).collect();
    for (values, name) in network.values_mut().zip(names) {
        for value in values.iter_mut() {
            let drawn = rng.uniform() as f32 - 0.5;
            *value = if name.ends_with("variance") || name.ends_with("idf") {
                drawn + 1.0
            } else {
                *value * 2.0 + drawn
            };
        }
    }
    network
}

fn trace(length: usize, rng: &mut Rng) -> Vec<u32> {
    (0..length).map(|_| rng.below(VOCABULARY as u64) as u32).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_prefix_has_the_scores_of_the_whole_network(spec in spec(), length in 1usize..50, seed: u64) {
        let (network, trace) = (network(&spec, seed), trace(length, &mut Rng::new(seed ^ 1)));
        let prefixes: Vec<&[u32]> = (1..=length).map(|end| &trace[..end]).collect();
        let wanted = Network::predict(&network, &prefixes).unwrap();
        let mut session = network.session().expect("it reads forwards");
        let mut row = [0.0; CLASSES];
        for (&token, wanted) in trace.iter().zip(wanted.rows()) {
            session.push(token);
            session.scores(&mut row);
            for (found, wanted) in row.iter().zip(wanted) {
                prop_assert!((found - wanted).abs() < 1e-5, "{row:?} against {wanted:?}: {}", serde_json::to_string(&spec).unwrap());
            }
        }
        let batch = Classifier::predict(&network, &prefixes).unwrap();
        for (found, wanted) in batch.values().iter().zip(wanted.values()) {
            prop_assert!((found - wanted).abs() < 1e-5);
        }
    }
}

#[test]
fn sessions_follow_the_weights() {
    let spec = ModelSpec::new(
        "",
        [
            Layer::Embedding { input_dim: 0, output_dim: 3 },
            Layer::Lstm(Recurrent::new(4)),
            Layer::dense(0, Activation::Softmax),
        ],
    );
    let mut network = network(&spec, 3);
    let scores = |network: &Network| {
        let (mut session, mut row) = (network.session().unwrap(), [0.0; CLASSES]);
        session.push(5);
        session.scores(&mut row);
        row
    };
    let before = scores(&network);
    network.values_mut().for_each(|values| values.iter_mut().for_each(|value| *value *= 2.0));
    let after = scores(&network);
    assert_ne!(before, after);
    let wanted = Network::predict(&network, &[&[5]]).unwrap();
    assert!(after.iter().zip(wanted.row(0)).all(|(found, wanted)| (found - wanted).abs() < 1e-6));
}

#[test]
fn a_network_of_both_directions_has_no_session() {
    let spec = ModelSpec::new(
        "",
        [
            Layer::Embedding { input_dim: 0, output_dim: 3 },
            Layer::bidirectional(Layer::Lstm(Recurrent::new(4))),
            Layer::dense(0, Activation::Softmax),
        ],
    );
    let network = network(&spec, 3);
    assert!(network.session().is_none());
    let why = network.stream().unwrap_err().to_string();
    assert_eq!(
        why,
        "bidirectional: Bidirectional cannot be read call by call: its backward half begins with the last call"
    );
}
