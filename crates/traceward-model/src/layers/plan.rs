//! From a written spec to nodes: every layer checked, named and given its weights.
//!
//! What does not fit together is found by [`ModelSpec::check`]; what is left to refuse here is size.

use traceward_run::ModelSpec;
use traceward_run::spec::{self, Activation, Layer};
use traceward_trace::rng::Rng;

use super::Node;
use super::activation::ActivationNode;
use super::dense::DenseNode;
use super::dropout::DropoutNode;
use super::embedding::EmbeddingNode;
use super::normalization::BatchNormNode;
use super::pooling::PoolNode;
use super::recurrent::RecurrentNode;
use super::windows::ConvNode;
use crate::init::Initializer;
use crate::{Error, Parameter};

/// A network that is checked and has its first weights.
pub(crate) struct Plan {
    /// The spec with every open size filled in.
    pub(crate) spec: ModelSpec,
    /// The layers' names.
    pub(crate) names: Vec<String>,
    /// Nodes with the place of the layer that they end.
    pub(crate) nodes: Vec<(usize, Box<dyn Node>)>,
    /// The last activation, kept apart: losses want what goes into it.
    pub(crate) output_activation: Activation,
    /// The weights.
    pub(crate) parameters: Vec<Parameter>,
    /// How many tokens the Embedding knows.
    pub(crate) vocabulary: usize,
}

/// The most numbers that one weight array may hold: a spec from a file must not ask for all memory.
const LARGEST_WEIGHT: usize = 1 << 28;

/// Adds one layer's weights; what layers see of the plan while it is made.
pub(crate) struct Weights<'a> {
    parameters: &'a mut Vec<Parameter>,
    /// `None` where the numbers come from a file: then only shapes are noted.
    seed: Option<u64>,
    layer: usize,
    prefix: &'a str,
    /// What the spec says of the layer's weights.
    asked: &'a spec::Weights,
}

impl Weights<'_> {
    /// Adds `layer/name` and returns its place. Every array draws from a stream of its own, so that no
    /// layer's first weights depend on the sizes of the others.
    pub(crate) fn add(
        &mut self,
        name: &str,
        shape: &[usize],
        init: Initializer,
        trainable: bool,
    ) -> Result<usize, Error> {
        let asked = match name.rsplit('/').next() {
            Some("kernel" | "embeddings") => self.asked.kernel,
            Some("recurrent_kernel") => self.asked.recurrent,
            Some("bias") => self.asked.bias,
            _ => None,
        };
        let init = asked.map_or(init, |asked| Initializer::of_spec(asked, shape));
        let trainable = trainable && self.asked.trainable;
        let place = self.parameters.len();
        let name = format!("{}/{name}", self.prefix);
        let count = shape.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        if count.is_none_or(|n| n > LARGEST_WEIGHT) {
            let reason = format!("its shape is {shape:?}; the most is {LARGEST_WEIGHT} numbers");
            return Err(Error::Weight { name, reason });
        }
        let columns = shape.last().copied().unwrap_or(1);
        let rows = shape.iter().rev().skip(1).product();
        let values = match self.seed {
            Some(seed) => init.draw(rows, columns, &mut Rng::stream(seed, place as u64)),
            None => Vec::new(),
        };
        let (layer, shape) = (self.layer, shape.to_vec());
        self.parameters.push(Parameter { name, shape, layer, trainable, values });
        Ok(place)
    }

    /// The place of the layer in the spec; masks differ by it.
    pub(crate) fn layer(&self) -> usize {
        self.layer
    }
}

/// Plans `spec` for a vocabulary of `vocabulary` tokens and `classes` classes; without a seed, weights
/// stay empty.
pub(crate) fn plan(
    spec: &ModelSpec,
    vocabulary: usize,
    classes: usize,
    seed: Option<u64>,
) -> Result<Plan, Error> {
    spec.check(vocabulary, classes)?;
    let spec = spec.resolve(vocabulary, classes);
    let facts = spec.facts()?;
    let names = spec.names();

    let mut parameters = Vec::new();
    let mut nodes: Vec<(usize, Box<dyn Node>)> = Vec::new();
    let mut table = None;
    let mut known = 0;
    for (layer, written) in spec.layers.iter().enumerate() {
        let asked = &written.weights;
        let mut weights = Weights { parameters: &mut parameters, seed, layer, prefix: &names[layer], asked };
        let width = facts[layer].input.features();
        let mut activation = Activation::Linear;
        let node: Option<Box<dyn Node>> = match &written.layer {
            &Layer::Embedding { input_dim, output_dim } => {
                known = input_dim;
                let init = Initializer::Uniform { from: -0.05, to: 0.05 };
                let place = weights.add("embeddings", &[input_dim, output_dim], init, true)?;
                if matches!(
                    spec.layers.get(layer + 1).map(|next| &next.layer),
                    Some(Layer::Lstm(_) | Layer::Gru(_) | Layer::Bidirectional { .. })
                ) {
                    table = Some(place);
                    None
                } else {
                    Some(Box::new(EmbeddingNode { table: place, width: output_dim }))
                }
            }
            layer @ (Layer::Lstm(_) | Layer::Gru(_) | Layer::Bidirectional { .. }) => {
                RecurrentNode::plan(layer, width, table.take(), &mut weights)?.map(|node| Box::new(node) as _)
            }
            Layer::Conv1D { activation: after, .. } => {
                activation = *after;
                ConvNode::plan(&written.layer, width, &mut weights)?.map(|node| Box::new(node) as _)
            }
            &Layer::MaxPooling1D { pool_size } => Some(Box::new(PoolNode::max(pool_size))),
            &Layer::AveragePooling1D { pool_size } => Some(Box::new(PoolNode::average(pool_size))),
            Layer::GlobalMaxPooling1D => Some(Box::new(PoolNode::global_max())),
            Layer::GlobalAveragePooling1D => Some(Box::new(PoolNode::global_average())),
            &Layer::Dropout { rate } => Some(Box::new(DropoutNode { rate, whole_channels: false, layer })),
            &Layer::SpatialDropout1D { rate } => {
                Some(Box::new(DropoutNode { rate, whole_channels: true, layer }))
            }
            &Layer::Dense { units, activation: after, use_bias } => {
                activation = after;
                Some(Box::new(DenseNode::plan(width, units, use_bias, &mut weights)?))
            }
            &Layer::Activation { activation: after } => {
                activation = after;
                None
            }
            &Layer::BatchNormalization { momentum, epsilon } => {
                Some(Box::new(BatchNormNode::plan(width, momentum, epsilon, &mut weights)?))
            }
            Layer::Other(_) => None,
        };
        nodes.extend(node.map(|node| (layer, node)));
        if activation != Activation::Linear {
            nodes.push((layer, Box::new(ActivationNode(activation))));
        }
    }
    let output_activation = nodes.last().and_then(|(_, node)| node.as_activation());
    if output_activation.is_some() {
        nodes.pop();
    }
    let output_activation = output_activation.unwrap_or_default();
    Ok(Plan { spec, names, nodes, output_activation, parameters, vocabulary: known })
}
