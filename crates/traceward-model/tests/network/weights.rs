//! First weights as a spec asks for them, and layers that do not learn.

use traceward_model::{Batch, Network, Step};
use traceward_run::config::Loss;
use traceward_run::spec::{Activation, Initializer, Layer, LayerSpec, ModelSpec, Recurrent, Weights};

fn spec(weights: Weights) -> ModelSpec {
    let mut layers: Vec<LayerSpec> = [
        Layer::Embedding { input_dim: 0, output_dim: 6 },
        Layer::Lstm(Recurrent::new(50)),
        Layer::dense(200, Activation::Relu),
        Layer::dense(0, Activation::Softmax),
    ]
    .map(LayerSpec::from)
    .into();
    layers[2].weights = weights;
    ModelSpec { name: "weights".into(), layers }
}

fn network(spec: &ModelSpec) -> Network {
    Network::build(spec, 9, 3, 5).unwrap()
}

fn kernel(initializer: Initializer) -> Vec<f32> {
    let network = network(&spec(Weights { kernel: Some(initializer), ..Weights::default() }));
    network.parameters().iter().find(|p| p.name == "dense/kernel").unwrap().values.clone()
}

fn deviation(values: &[f32]) -> f64 {
    traceward_model::norm(values) / (values.len() as f64).sqrt()
}

#[test]
fn kernels_have_the_spread_that_their_names_promise() {
    // 50 inputs, 200 units.
    for (initializer, variance) in [
        (Initializer::GlorotNormal, 2.0 / 250.0),
        (Initializer::HeUniform, 2.0 / 50.0),
        (Initializer::HeNormal, 2.0 / 50.0),
        (Initializer::LecunUniform, 1.0 / 50.0),
        (Initializer::LecunNormal, 1.0 / 50.0),
        (Initializer::RandomNormal { mean: 0.0, stddev: 0.05 }, 0.0025),
    ] {
        let found = deviation(&kernel(initializer)).powi(2);
        assert!((found / variance - 1.0).abs() < 0.05, "{initializer:?}: {found} is not {variance}");
    }
    assert!(kernel(Initializer::Constant { value: 0.5 }).iter().all(|&v| v == 0.5));
    let drawn = kernel(Initializer::RandomUniform { minval: 1.0, maxval: 2.0 });
    assert!(drawn.iter().all(|v| (1.0..2.0).contains(v)));
}

#[test]
fn the_default_written_out_draws_the_same_numbers() {
    let plain = network(&spec(Weights::default()));
    let written = kernel(Initializer::GlorotUniform);
    let place = plain.parameters().iter().position(|p| p.name == "dense/kernel").unwrap();
    let spread = |values: &[f32]| values.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert!((spread(&plain.parameters()[place].values) / spread(&written) - 1.0).abs() < 1e-4);
}

fn gradients(network: &Network) -> Vec<Option<Vec<f32>>> {
    let batch = Batch::new(&[&[2, 3, 4], &[5, 6]], &[0, 1]).unwrap();
    let step = Step {
        batch: &batch,
        labels: &[0, 2],
        weights: None,
        loss: Loss::CategoricalCrossentropy.into(),
        mask_seed: 1,
        inspect: true,
    };
    network.gradients(&step).unwrap().gradients
}

#[test]
fn a_frozen_layer_has_no_gradient_and_passes_its_own_on() {
    let frozen = network(&spec(Weights { trainable: false, ..Weights::default() }));
    let free = network(&spec(Weights::default()));
    let (held, all) = (gradients(&frozen), gradients(&free));
    for ((parameter, held), all) in frozen.parameters().iter().zip(held).zip(all) {
        if parameter.name.starts_with("dense/") {
            assert!(held.is_none() && all.is_some(), "{}", parameter.name);
        } else {
            assert_eq!(held, all, "{}", parameter.name);
        }
    }
}

#[test]
fn with_all_layers_frozen_there_is_a_loss_and_no_gradient() {
    let mut spec = spec(Weights::default());
    spec.layers.iter_mut().for_each(|layer| layer.weights.trainable = false);
    assert!(gradients(&network(&spec)).iter().all(Option::is_none));
    assert_eq!(spec.resolve(9, 3).facts().unwrap().iter().map(|layer| layer.trainable).sum::<usize>(), 0);
}

#[test]
fn a_frozen_embedding_under_a_recurrent_layer_stays_out_of_the_way_back() {
    let mut spec = spec(Weights::default());
    spec.layers[0].weights.trainable = false;
    let network = network(&spec);
    let found = gradients(&network);
    assert!(found[0].is_none() && found[1..].iter().all(Option::is_some));
}
