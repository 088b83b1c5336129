//! What cannot be run is refused by name.

use traceward_model::{Batch, Network};
use traceward_run::ModelSpec;
use traceward_run::spec::{Activation, Layer, Recurrent};

use crate::nets::{all, built};

fn refusal(layers: Vec<Layer>) -> String {
    Network::build(&ModelSpec::new("net", layers), 7, 3, 0).unwrap_err().to_string()
}

#[test]
fn a_layer_that_cannot_be_run_is_named() {
    let embedding = || Layer::Embedding { input_dim: 0, output_dim: 4 };
    let attention: Layer =
        serde_json::from_str(r#"{"class_name": "MultiHeadAttention", "config": {"num_heads": 2}}"#).unwrap();
    let text = refusal(vec![embedding(), attention, Layer::dense(0, Activation::Softmax)]);
    assert!(text.starts_with("layer 2 (multi_head_attention): MultiHeadAttention cannot be run"), "{text}");
    let twice = vec![Layer::Lstm(Recurrent::new(3)), Layer::Lstm(Recurrent::new(3))];
    let text = refusal([embedding()].into_iter().chain(twice).collect());
    assert!(text.starts_with("layer 3 (lstm_1): LSTM takes a sequence"), "{text}");
    let text = refusal(vec![embedding(), Layer::dense(0, Activation::Softmax)]);
    assert!(text.starts_with("the network ends in (None, None, 3)"), "{text}");
}

#[test]
fn a_network_that_asks_for_all_memory_is_refused() {
    for units in [1 << 20, 1 << 40, usize::MAX] {
        let layers = vec![
            Layer::Embedding { input_dim: 0, output_dim: 4 },
            Layer::Lstm(Recurrent::new(units)),
            Layer::dense(0, Activation::Softmax),
        ];
        assert!(refusal(layers).contains("lstm"));
    }
}

#[test]
fn a_trace_that_cannot_be_read_is_named() {
    let network = built(&all()[0]);
    let long: &[u32] = &[1, 2, 3, 4];
    let text = network.predict(&[long, &[1, 7]]).unwrap_err().to_string();
    assert_eq!(text, "trace 1: token 7 is not among the 7 that the network knows");
    let text = network.predict(&[long, &[]]).unwrap_err().to_string();
    assert_eq!(text, "trace 1: it holds no call");
    assert_eq!(Batch::new(&[], &[]).unwrap_err().to_string(), "trace 0: there is none");
}
