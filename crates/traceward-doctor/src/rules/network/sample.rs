//! Networks written in a line, for the tests of these rules.

use crate::curve::{Curve, Curves};
use crate::facts::{Argument, Compile, Fit, Framework, Layer, Network, Placed};
use crate::{Evidence, Place};

/// A Dense layer; `linear` writes no activation.
pub(in crate::rules) fn dense(units: usize, activation: &str) -> Layer {
    layer("Dense", units, activation)
}

/// A layer of any class; 0 units are none written, and `linear` writes no activation.
pub(in crate::rules) fn layer(class: &str, units: usize, activation: &str) -> Layer {
    let written = if activation == "linear" { Argument::Absent } else { Argument::Given(activation.into()) };
    Layer {
        class_name: class.into(),
        written: class.into(),
        name: class.to_lowercase(),
        units: if units == 0 { Argument::Absent } else { Argument::Given(units) },
        activation: Placed { value: written, place: None },
        ..Layer::default()
    }
}

/// An activation as a layer of its own.
pub(in crate::rules) fn activation_layer(activation: &str) -> Layer {
    let mut made = layer("Activation", 0, "linear");
    made.activation.value = Argument::Given(activation.into());
    made
}

/// A layer with a number among its arguments.
pub(in crate::rules) fn with(mut layer: Layer, name: &str, value: impl Into<serde_json::Value>) -> Layer {
    layer.config.insert(name.into(), value.into());
    layer
}

/// A Keras network of these layers, with this loss and Adam.
pub(in crate::rules) fn model(layers: &[Layer], loss: &str) -> Evidence {
    let mut layers = layers.to_vec();
    for (index, layer) in layers.iter_mut().enumerate() {
        layer.place = Some(Place::Layer { index, name: layer.name.clone() });
    }
    let compile = Compile {
        loss: Placed { value: Argument::Given(loss.into()), place: None },
        optimizer: Placed { value: Argument::Given("adam".into()), place: None },
        ..Compile::default()
    };
    let network = Network { framework: Framework::Keras, layers, branched: false, compile: Some(compile) };
    Evidence { network: Some(network), fit: Some(Fit::default()), ..Evidence::default() }
}

/// The network, to change it.
pub(in crate::rules) fn network(evidence: &mut Evidence) -> &mut Network {
    evidence.network.get_or_insert_default()
}

/// Its compile step, to change it.
pub(in crate::rules) fn compile(evidence: &mut Evidence) -> &mut Compile {
    network(evidence).compile.get_or_insert_default()
}

/// Its fit, to change it.
pub(in crate::rules) fn fit(evidence: &mut Evidence) -> &mut Fit {
    evidence.fit.get_or_insert_default()
}

/// A training loss.
pub(in crate::rules) fn curves_at(loss: &[f64]) -> Curves {
    let curve = Curve { rows: (0..loss.len()).collect(), values: loss.to_vec() };
    Curves { rows: loss.len(), loss: Some(curve), ..Curves::default() }
}
