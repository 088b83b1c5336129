//! From a written spec to nodes: every layer checked, named and given its weights.
//!
//! What does not fit together is found by [`ModelSpec::check`]; what is left to refuse here is size.

use traceward_run::ModelSpec;
use traceward_run::spec::{self, Activation, Layer, LayerFacts, LayerSpec};
use traceward_trace::rng::Rng;

use super::Node;
use super::activation::ActivationNode;
use super::attention::AttentionNode;
use super::branches::BranchesNode;
use super::dense::DenseNode;
use super::dropout::DropoutNode;
use super::embedding::EmbeddingNode;
use super::ngrams::NgramNode;
use super::normalization::BatchNormNode;
use super::pooling::PoolNode;
use super::recurrent::RecurrentNode;
use super::sketch::SketchNode;
use super::windows::ConvNode;
use crate::init::Initializer;
use crate::random::derive;
use crate::{Error, Parameter};

/// Nodes in a row, each with the place of the layer that it ends.
pub(crate) type Nodes = Vec<(usize, Box<dyn Node>)>;

/// A network that is checked and has its first weights.
pub(crate) struct Plan {
    /// The spec with every open size filled in.
    pub(crate) spec: ModelSpec,
    /// The layers' names.
    pub(crate) names: Vec<String>,
    /// Nodes with the place of the layer that they end.
    pub(crate) nodes: Nodes,
    /// The last activation, kept apart: losses want what goes into it.
    pub(crate) output_activation: Activation,
    /// The weights.
    pub(crate) parameters: Vec<Parameter>,
    /// How many tokens the Embedding knows.
    pub(crate) vocabulary: usize,
}

/// The most numbers that one weight array may hold: a spec from a file must not ask for all memory.
const LARGEST_WEIGHT: usize = 1 << 28;

/// What tells masks in branches from those of layers in a row.
const BRANCHES: u64 = 0x6272_616e_6368_0000;

/// Adds one layer's weights; what layers see of the plan while it is made.
pub(crate) struct Weights<'a> {
    parameters: &'a mut Vec<Parameter>,
    /// `None` where the numbers come from a file: then only shapes are noted.
    seed: Option<u64>,
    layer: usize,
    masks: usize,
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

    /// What tells the layer's masks from those of others: its place in the spec, or, in a branch, a number
    /// drawn from where it stands.
    pub(crate) fn masks(&self) -> usize {
        self.masks
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
    let mut planner = Planner { parameters: Vec::new(), seed };
    let mut nodes = planner.layers(&spec.layers, &facts, None)?;
    let output_activation = nodes.last().and_then(|(_, node)| node.as_activation());
    if output_activation.is_some() {
        nodes.pop();
    }
    let output_activation = output_activation.unwrap_or_default();
    let known = spec.tokens_known().unwrap_or(vocabulary);
    let (names, parameters) = (spec.names(), planner.parameters);
    Ok(Plan { spec, names, nodes, output_activation, parameters, vocabulary: known })
}

/// What grows while the plan is made.
struct Planner {
    parameters: Vec<Parameter>,
    seed: Option<u64>,
}

/// Where a branch stands: the place of its Concatenate in the spec, and what tells its masks from others.
#[derive(Clone, Copy)]
struct Branch {
    layer: usize,
    masks: u64,
}

impl Planner {
    /// The nodes of layers in a row, each with the place of the layer that it ends.
    fn layers(
        &mut self,
        layers: &[LayerSpec],
        facts: &[LayerFacts],
        within: Option<Branch>,
    ) -> Result<Nodes, Error> {
        let mut nodes: Nodes = Vec::new();
        let mut table = None;
        for (index, (written, facts)) in layers.iter().zip(facts).enumerate() {
            let layer = within.map_or(index, |branch| branch.layer);
            let masks = within.map_or(index, |branch| derive(branch.masks, index as u64) as usize);
            let mut weights = Weights {
                parameters: &mut self.parameters,
                seed: self.seed,
                layer,
                masks,
                prefix: &facts.name,
                asked: &written.weights,
            };
            let width = facts.input.features();
            let mut activation = Activation::Linear;
            let node: Option<Box<dyn Node>> = match &written.layer {
                &Layer::Embedding { input_dim, output_dim } => {
                    let init = Initializer::Uniform { from: -0.05, to: 0.05 };
                    let place = weights.add("embeddings", &[input_dim, output_dim], init, true)?;
                    if matches!(
                        layers.get(index + 1).map(|next| &next.layer),
                        Some(Layer::Lstm(_) | Layer::Gru(_) | Layer::Bidirectional { .. })
                    ) {
                        table = Some(place);
                        None
                    } else {
                        Some(Box::new(EmbeddingNode { table: place, width: output_dim }))
                    }
                }
                layer @ (Layer::Lstm(_) | Layer::Gru(_) | Layer::Bidirectional { .. }) => {
                    RecurrentNode::plan(layer, width, table.take(), &mut weights)?
                        .map(|node| Box::new(node) as _)
                }
                Layer::Conv1D { activation: after, .. } => {
                    activation = *after;
                    ConvNode::plan(&written.layer, width, &mut weights)?.map(|node| Box::new(node) as _)
                }
                &Layer::MaxPooling1D { pool_size } => Some(Box::new(PoolNode::max(pool_size))),
                &Layer::AveragePooling1D { pool_size } => Some(Box::new(PoolNode::average(pool_size))),
                Layer::GlobalMaxPooling1D => Some(Box::new(PoolNode::global_max())),
                Layer::GlobalAveragePooling1D => Some(Box::new(PoolNode::global_average())),
                &Layer::GlobalAttentionPooling1D { units } => {
                    Some(Box::new(AttentionNode::plan(width, units, &mut weights)?))
                }
                Layer::NgramSketch(sketch) => Some(Box::new(SketchNode::plan(sketch, &mut weights)?)),
                Layer::NgramEmbedding(ngrams) => Some(Box::new(NgramNode::plan(ngrams, &mut weights)?)),
                Layer::Concatenate { branches } => {
                    let mut planned = Vec::with_capacity(branches.len());
                    for (number, (branch, facts)) in branches.iter().zip(&facts.branches).enumerate() {
                        let masks = derive(derive(BRANCHES, masks as u64), number as u64);
                        let nodes = self.layers(branch, facts, Some(Branch { layer, masks }))?;
                        planned.push(nodes.into_iter().map(|(_, node)| node).collect());
                    }
                    Some(Box::new(BranchesNode { branches: planned }))
                }
                &Layer::Dropout { rate } => {
                    Some(Box::new(DropoutNode { rate, whole_channels: false, layer: masks }))
                }
                &Layer::SpatialDropout1D { rate } => {
                    Some(Box::new(DropoutNode { rate, whole_channels: true, layer: masks }))
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
        Ok(nodes)
    }
}
