//! Small networks, one for every layer and for the ways that layers follow each other.

use traceward_model::Network;
use traceward_run::ModelSpec;
use traceward_run::spec::{Activation, Layer, LayerSpec, MergeMode, NgramEmbedding, Padding, Recurrent};
use traceward_trace::rng::Rng;

pub(crate) const VOCABULARY: usize = 7;
pub(crate) const CLASSES: usize = 3;

fn lstm(units: usize) -> Recurrent {
    Recurrent::new(units).dropout(0.2).recurrent_dropout(0.3)
}

fn conv(padding: Padding, strides: usize, activation: Activation) -> Layer {
    Layer::Conv1D { filters: 4, kernel_size: 3, strides, padding, activation, use_bias: true }
}

fn backwards(mut recurrent: Recurrent) -> Recurrent {
    recurrent.go_backwards = true;
    recurrent
}

fn attention(units: usize) -> Layer {
    Layer::GlobalAttentionPooling1D { units }
}

fn ngrams(output_dim: usize) -> Layer {
    Layer::NgramEmbedding(NgramEmbedding { output_dim, buckets: 64, ngrams: 3, skips: 3, ends: vec![4] })
}

/// Between an embedding and a softmax.
fn net(name: &str, layers: Vec<Layer>) -> ModelSpec {
    let first = Layer::Embedding { input_dim: 0, output_dim: 5 };
    let last = Layer::dense(0, Activation::Softmax);
    let layers = std::iter::once(first).chain(layers).chain([last]).map(LayerSpec::from).collect();
    ModelSpec { name: name.into(), layers }
}

/// All of them; dropout is on wherever a layer has it.
pub(crate) fn all() -> Vec<ModelSpec> {
    use Activation::{Elu, Gelu, Linear, Relu, Selu, Sigmoid, Softmax, Softplus, Tanh};
    let mut nets = vec![
        net("lstm", vec![Layer::Lstm(lstm(4))]),
        net("lstm without masks", vec![Layer::Lstm(Recurrent::new(3))]),
        net("lstm backwards", vec![Layer::Lstm(backwards(lstm(4)))]),
        net("gru", vec![Layer::Gru(lstm(4))]),
        net("bilstm", vec![Layer::bidirectional(Layer::Lstm(lstm(4)))]),
        net("bilstm, first direction backwards", vec![Layer::bidirectional(Layer::Lstm(backwards(lstm(2))))]),
        net("bigru", vec![Layer::bidirectional(Layer::Gru(lstm(3)))]),
        net(
            "stacked",
            vec![
                Layer::bidirectional(Layer::Lstm(lstm(3).return_sequences())),
                Layer::Gru(backwards(lstm(3)).return_sequences()),
                Layer::bidirectional(Layer::Lstm(lstm(2))),
            ],
        ),
        net("spatial dropout", vec![Layer::SpatialDropout1D { rate: 0.3 }, Layer::Lstm(lstm(4))]),
        net("dropout over time", vec![Layer::Dropout { rate: 0.3 }, Layer::GlobalAveragePooling1D]),
        net("dense over time", vec![Layer::dense(4, Tanh), Layer::GlobalMaxPooling1D]),
        net(
            "pooled max",
            vec![conv(Padding::Same, 1, Tanh), Layer::MaxPooling1D { pool_size: 2 }, Layer::Gru(lstm(3))],
        ),
        net("pooled mean", vec![Layer::AveragePooling1D { pool_size: 3 }, Layer::Lstm(lstm(3))]),
        net(
            "normalised",
            vec![Layer::Lstm(lstm(4)), Layer::batch_normalization(), Layer::Activation { activation: Tanh }],
        ),
        net("attention", vec![Layer::Lstm(lstm(3).return_sequences()), attention(4)]),
        net(
            "pools side by side",
            vec![
                Layer::Gru(lstm(3).return_sequences()),
                Layer::concatenate([
                    vec![Layer::GlobalMaxPooling1D],
                    vec![Layer::GlobalAveragePooling1D, Layer::dense(2, Tanh)],
                    vec![Layer::Dropout { rate: 0.3 }, attention(2)],
                ]),
            ],
        ),
        ModelSpec::new("n-grams", [ngrams(4), Layer::dense(0, Softmax)]),
        ModelSpec::new(
            "n-grams and a recurrence",
            [
                Layer::concatenate([
                    vec![ngrams(3), Layer::Dropout { rate: 0.2 }],
                    vec![
                        Layer::Embedding { input_dim: 0, output_dim: 4 },
                        Layer::bidirectional(Layer::Lstm(lstm(3).return_sequences())),
                        Layer::concatenate([vec![Layer::GlobalMaxPooling1D], vec![attention(3)]]),
                    ],
                ]),
                Layer::dense(0, Softmax),
            ],
        ),
        net("normalised over time", vec![Layer::batch_normalization(), Layer::GlobalAveragePooling1D]),
    ];
    for padding in [Padding::Valid, Padding::Same, Padding::Causal] {
        for strides in [1, 2] {
            let name = format!("conv {padding:?} {strides}");
            nets.push(net(&name, vec![conv(padding, strides, Sigmoid), Layer::GlobalAveragePooling1D]));
        }
    }
    for merge_mode in [MergeMode::Sum, MergeMode::Ave, MergeMode::Mul] {
        let sequences = Box::new(Layer::Lstm(lstm(3).return_sequences()));
        let layer = Layer::Bidirectional { layer: sequences, merge_mode };
        nets.push(net(&format!("merged {merge_mode:?}"), vec![layer, Layer::GlobalMaxPooling1D]));
    }
    for activation in [Linear, Relu, Sigmoid, Tanh, Softmax, Elu, Selu, Gelu, Softplus] {
        nets.push(net(&format!("{activation}"), vec![Layer::Lstm(lstm(3)), Layer::dense(5, activation)]));
    }
    nets
}

/// A network of the size that people use, for products that are cut into blocks.
pub(crate) fn wide() -> ModelSpec {
    let conv = Layer::Conv1D {
        filters: 48,
        kernel_size: 11,
        strides: 1,
        padding: Padding::Same,
        activation: Activation::Relu,
        use_bias: true,
    };
    let layers = [
        Layer::Embedding { input_dim: 0, output_dim: 64 },
        conv,
        Layer::bidirectional(Layer::Lstm(Recurrent::new(32))),
        Layer::dense(700, Activation::Relu),
        Layer::dense(64, Activation::Relu),
        Layer::dense(0, Activation::Softmax),
    ];
    ModelSpec::new("wide", layers)
}

/// A network whose weights are all of a size that matters: initial biases of zero would hide mistakes.
pub(crate) fn built(spec: &ModelSpec) -> Network {
    let mut network = Network::build(spec, VOCABULARY, CLASSES, 1).unwrap();
    let mut rng = Rng::new(17);
    let trainable: Vec<bool> = network.parameters().iter().map(|p| p.trainable).collect();
    for (values, trainable) in network.values_mut().zip(trainable) {
        for value in values {
            let drawn = rng.uniform() as f32 - 0.5;
            *value = if trainable { 1.2 * drawn } else { 1.0 + drawn };
        }
    }
    network
}

/// Traces of these lengths.
pub(crate) fn traces(lengths: &[usize]) -> Vec<Vec<u32>> {
    let mut rng = Rng::new(5);
    let mut token = || 1 + rng.below(VOCABULARY as u64 - 1) as u32;
    lengths.iter().map(|&length| (0..length).map(|_| token()).collect()).collect()
}

pub(crate) fn slices(traces: &[Vec<u32>]) -> Vec<&[u32]> {
    traces.iter().map(Vec::as_slice).collect()
}
