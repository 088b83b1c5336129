//! The network: a spec's layers in a row, run on packed batches.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use traceward_run::classifier::{Classifier, Session, Unreadable};
use traceward_run::config::Objective;
use traceward_run::inside::{OutputLook, WeightLook};
use traceward_run::spec::{Activation, Layer};
use traceward_run::tensors::TensorRef;
use traceward_run::{ModelSpec, Scores};
use traceward_stream::{Stream, StreamError};

use crate::internals::{GradientStats, LayerOutput, distance, output_look, twins};
use crate::layers::{Node, Pass, Signal, Updates, activate, plan};
use crate::loss;
use crate::op::numbers;
use crate::{Batch, Error, Parameter, norm};

/// The most rows and traces of a batch while predicting: what bounds memory there.
const PREDICT_ROWS: usize = 1 << 15;
const PREDICT_TRACES: usize = 64;

/// A network with its weights.
///
/// Cloning copies the weights and shares the rest.
#[derive(Clone, Debug)]
pub struct Network {
    spec: ModelSpec,
    names: Arc<[String]>,
    nodes: Arc<[(usize, Box<dyn Node>)]>,
    output_activation: Activation,
    parameters: Vec<Parameter>,
    vocabulary: usize,
    classes: usize,
    /// Prepared when the first session is asked for, forgotten when a weight changes.
    stream: OnceLock<Option<Arc<Stream>>>,
}

/// One training step's question: a batch, its labels, and what counts.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The traces.
    pub batch: &'a Batch,
    /// Their classes.
    pub labels: &'a [u32],
    /// Weights of the traces in the loss; `None` weighs all alike. As in Keras, the weighted losses are
    /// added and divided by the number of traces, not by the sum of the weights.
    pub weights: Option<&'a [f32]>,
    /// What is minimised.
    pub loss: Objective,
    /// Seed of this step's dropout masks: a function of the run's seed and the step's number.
    pub mask_seed: u64,
    /// Whether to look at the layers' outputs as well; costs a pass over them.
    pub inspect: bool,
}

/// One training step's answer.
#[derive(Debug)]
pub struct Gradients {
    /// The loss that was minimised: the weighted mean over the batch.
    pub loss: f32,
    /// The outputs, with dropout, `[traces, classes]`.
    pub outputs: Vec<f32>,
    /// The gradient of each parameter, in the network's order; `None` where it is not trainable.
    pub gradients: Vec<Option<Vec<f32>>>,
    /// What the layers put out, first to last, if it was asked for.
    pub activations: Vec<OutputLook>,
    /// How long it took to look at them.
    pub look_seconds: f64,
    updates: Updates,
}

impl Network {
    /// Builds `spec` with Keras' initial weights, drawn from `seed`, for a vocabulary of `vocabulary`
    /// tokens (padding and unknown included) and `classes` classes; sizes that the spec leaves open are
    /// taken from these.
    ///
    /// # Errors
    /// Names the first layer that cannot be run, or that does not fit the one before it.
    pub fn build(spec: &ModelSpec, vocabulary: usize, classes: usize, seed: u64) -> Result<Self, Error> {
        Self::planned(spec, vocabulary, classes, Some(seed))
    }

    /// Builds `spec` with weights that come from elsewhere; see [`Network::load`] for what is refused.
    ///
    /// # Errors
    /// As [`Network::build`] and [`Network::load`].
    pub fn with_weights(
        spec: &ModelSpec,
        vocabulary: usize,
        classes: usize,
        weights: Vec<(String, Vec<usize>, Vec<f32>)>,
    ) -> Result<Self, Error> {
        let mut network = Self::planned(spec, vocabulary, classes, None)?;
        network.load(weights)?;
        Ok(network)
    }

    fn planned(
        spec: &ModelSpec,
        vocabulary: usize,
        classes: usize,
        seed: Option<u64>,
    ) -> Result<Self, Error> {
        let plan = plan(spec, vocabulary, classes, seed)?;
        Ok(Self {
            names: plan.names.into(),
            spec: plan.spec,
            nodes: plan.nodes.into(),
            output_activation: plan.output_activation,
            parameters: plan.parameters,
            vocabulary: plan.vocabulary,
            classes,
            stream: OnceLock::new(),
        })
    }

    /// The spec, its open sizes filled in.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// The layers' names, `bidirectional`, `dense_1`.
    pub fn layer_names(&self) -> &[String] {
        &self.names
    }

    /// How many tokens the Embedding knows; larger ones are refused.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Width of the output.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The weights, first layer to last.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The weights' values, to be changed by an optimizer.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        self.parameters_mut().iter_mut().map(|p| &mut p.values)
    }

    /// Every change of a weight comes through here.
    fn parameters_mut(&mut self) -> &mut [Parameter] {
        self.stream = OnceLock::new();
        &mut self.parameters
    }

    /// [`Network::stream`], made once for these weights.
    fn prepared(&self) -> Option<&Stream> {
        self.stream.get_or_init(|| self.stream().ok().map(Arc::new)).as_deref()
    }

    /// The network ready to be read call by call, with its weights as they are now.
    ///
    /// # Errors
    /// If it must see the end of a trace first; the error names the layer.
    pub fn stream(&self) -> Result<Stream, StreamError> {
        let weights = self.parameters.iter().map(|parameter| {
            let Parameter { name, shape, values, .. } = parameter;
            TensorRef { name, shape, values }
        });
        Stream::new(&self.spec, self.vocabulary, self.classes, weights)
    }

    /// Takes over weights by name.
    ///
    /// # Errors
    /// If a name is missing, twice, or unknown, or a shape differs; the network is unchanged then.
    pub fn load(&mut self, weights: Vec<(String, Vec<usize>, Vec<f32>)>) -> Result<(), Error> {
        let refuse = |name: &str, reason: String| Error::Weight { name: name.to_owned(), reason };
        let mut new: Vec<Option<Vec<f32>>> = vec![None; self.parameters.len()];
        for (name, shape, values) in weights {
            let Some(place) = self.parameters.iter().position(|p| p.name == name) else {
                return Err(refuse(&name, "the network has no such weight".into()));
            };
            let expected = &self.parameters[place];
            if shape != expected.shape || values.len() != expected.len() {
                return Err(refuse(
                    &name,
                    format!("its shape is {shape:?}, and must be {:?}", expected.shape),
                ));
            }
            if new[place].replace(values).is_some() {
                return Err(refuse(&name, "it is there twice".into()));
            }
        }
        if let Some(missing) = new.iter().position(Option::is_none) {
            return Err(refuse(&self.parameters[missing].name, "it is missing".into()));
        }
        for (parameter, values) in self.parameters_mut().iter_mut().zip(new) {
            parameter.values = values.unwrap_or_default();
        }
        Ok(())
    }

    /// The loss of a batch and its gradient with respect to every trainable weight. Nothing is changed.
    ///
    /// # Errors
    /// If a token is outside the vocabulary or a label outside the classes.
    ///
    /// # Panics
    /// If there are not as many labels (and weights) as traces.
    pub fn gradients(&self, step: &Step<'_>) -> Result<Gradients, Error> {
        let Step { batch, labels, weights, .. } = *step;
        assert_eq!(labels.len(), batch.traces(), "one label a trace");
        assert!(weights.is_none_or(|w| w.len() == labels.len()), "one weight a trace");
        self.check(batch)?;
        if let Some(trace) = labels.iter().position(|&l| l as usize >= self.classes) {
            let reason = format!(
                "its class is number {}, and the network has {} outputs",
                labels[trace], self.classes
            );
            return Err(Error::Trace { trace, reason });
        }

        let tensors = self.tensors(&Device::flex().autodiff(), true);
        let updates = Mutex::new(Updates::new());
        let pass = Pass { batch, weights: &tensors, training: Some(step.mask_seed), updates: &updates };
        let mut activations = Vec::new();
        let mut look_seconds = 0.0;
        let logits = self.run(&pass, |layer, signal| {
            if step.inspect {
                let began = Instant::now();
                activations
                    .extend(signal.values().map(|v| self.stats(layer, v.dims()[1], &numbers(v.clone()))));
                look_seconds += began.elapsed().as_secs_f64();
            }
        });
        let mut judged =
            loss::judge(step.loss, self.output_activation, &numbers(logits.clone()), labels, self.classes);
        if step.inspect && self.output_activation != Activation::Linear {
            // What a last Dense puts out is seen after its activation, like any other layer's.
            let output = self.spec.layers.len() - 1;
            activations.pop_if(|last| last.layer == output);
            activations.push(self.stats(output, self.classes, &judged.outputs));
        }

        let traces = labels.len() as f32;
        let mut loss = 0.0;
        for (at, row) in judged.gradient.chunks_exact_mut(self.classes).enumerate() {
            let weight = weights.map_or(1.0, |w| w[at]);
            loss += judged.losses[at] * weight;
            row.iter_mut().for_each(|g| *g *= weight / traces);
        }
        // With every layer frozen there is no way back to go.
        let learns = self.parameters.iter().any(|parameter| parameter.trainable);
        let mut found = learns.then(|| loss::seed(logits, judged.gradient).backward());
        let gradients = self.parameters.iter().zip(&tensors).map(|(parameter, tensor)| {
            let found = found.as_mut().filter(|_| parameter.trainable)?;
            Some(match tensor.grad_remove(found) {
                Some(gradient) => numbers(gradient),
                None => vec![0.0; parameter.len()],
            })
        });
        Ok(Gradients {
            loss: loss / traces,
            gradients: gradients.collect(),
            outputs: judged.outputs,
            activations,
            look_seconds,
            updates: updates.into_inner().unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// Learns from the training traces what layers want to know before the first step, Keras' `adapt`: the
    /// inverse document frequencies of an n-gram layer. Without such a layer nothing happens.
    pub fn adapt(&mut self, traces: &[&[u32]]) {
        let (nodes, parameters) = (Arc::clone(&self.nodes), self.parameters_mut());
        let mut set = |place: usize, values| parameters[place].values = values;
        nodes.iter().for_each(|(_, node)| node.adapt(traces, &mut set));
    }

    /// Takes over the moving statistics that came out of a step.
    pub fn follow(&mut self, gradients: &mut Gradients) {
        let parameters = self.parameters_mut();
        for (place, values) in gradients.updates.drain(..) {
            parameters[place].values = values;
        }
    }

    /// Class probabilities of each trace. The result does not depend on which traces come together, and
    /// memory not on how many there are, apart from the result.
    ///
    /// # Errors
    /// If a trace is empty or holds a token outside the vocabulary.
    pub fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Error> {
        let mut values = self.logits(traces)?;
        activate(self.output_activation, &mut values, self.classes);
        Ok(Scores::new(self.classes, values))
    }

    /// Class probabilities and the loss of each trace, as after an epoch: no dropout, no weights.
    ///
    /// # Errors
    /// As [`Network::predict`]; and if a label is outside the classes.
    pub fn evaluate(
        &self,
        traces: &[&[u32]],
        labels: &[u32],
        loss: impl Into<Objective>,
    ) -> Result<(Scores, Vec<f32>), Error> {
        if let Some(trace) = labels.iter().position(|&l| l as usize >= self.classes) {
            let reason = format!(
                "its class is number {}, and the network has {} outputs",
                labels[trace], self.classes
            );
            return Err(Error::Trace { trace, reason });
        }
        let logits = self.logits(traces)?;
        let judged = loss::judge(loss.into(), self.output_activation, &logits, labels, self.classes);
        Ok((Scores::new(self.classes, judged.outputs), judged.losses))
    }

    /// What goes into the last activation, `[traces, classes]`, traces of like length batched together and
    /// batches run in parallel.
    fn logits(&self, traces: &[&[u32]]) -> Result<Vec<f32>, Error> {
        let mut order: Vec<usize> = (0..traces.len()).collect();
        order.sort_by_key(|&trace| traces[trace].len());
        let mut groups: Vec<&[usize]> = Vec::new();
        let (mut start, mut rows) = (0, 0);
        for (at, &trace) in order.iter().enumerate() {
            let length = traces[trace].len();
            if at > start && (rows + length > PREDICT_ROWS || at - start == PREDICT_TRACES) {
                groups.push(&order[start..at]);
                (start, rows) = (at, 0);
            }
            rows += length;
        }
        groups.push(&order[start..]);

        let tensors = self.tensors(&Device::flex(), false);
        let parts: Vec<Vec<f32>> = groups
            .par_iter()
            .filter(|group| !group.is_empty())
            .map(|group| self.logits_of(group, traces, &tensors))
            .collect::<Result<_, _>>()?;
        let mut values = vec![0.0; traces.len() * self.classes];
        for (&trace, row) in order.iter().zip(parts.iter().flat_map(|p| p.chunks_exact(self.classes))) {
            values[trace * self.classes..(trace + 1) * self.classes].copy_from_slice(row);
        }
        Ok(values)
    }

    fn logits_of(
        &self,
        group: &[usize],
        traces: &[&[u32]],
        weights: &[Tensor<2>],
    ) -> Result<Vec<f32>, Error> {
        let name = |error| match error {
            Error::Trace { trace, reason } => Error::Trace { trace: group[trace], reason },
            other => other,
        };
        let members: Vec<&[u32]> = group.iter().map(|&trace| traces[trace]).collect();
        let batch = Batch::new(&members, &vec![0; members.len()]).map_err(name)?;
        self.check(&batch).map_err(name)?;
        let updates = Mutex::default();
        let pass = Pass { batch: &batch, weights, training: None, updates: &updates };
        Ok(numbers(self.run(&pass, |_, _| ())))
    }

    /// Runs all nodes; `look` sees what each layer puts out.
    fn run(&self, pass: &Pass<'_>, mut look: impl FnMut(usize, &Signal)) -> Tensor<2> {
        let mut signal = Signal::Tokens;
        for (at, (layer, node)) in self.nodes.iter().enumerate() {
            signal = node.run(signal, pass);
            if self.nodes.get(at + 1).is_none_or(|(next, _)| next != layer) {
                look(*layer, &signal);
            }
        }
        signal.expect_values()
    }

    fn tensors(&self, device: &Device, gradients: bool) -> Vec<Tensor<2>> {
        let of = |parameter: &Parameter| {
            let data = TensorData::new(parameter.values.clone(), parameter.matrix());
            let tensor = Tensor::from_data(data, device);
            if gradients && parameter.trainable { tensor.require_grad() } else { tensor }
        };
        self.parameters.iter().map(of).collect()
    }

    fn stats(&self, index: usize, units: usize, values: &[f32]) -> OutputLook {
        let layer = &self.spec.layers[index].layer;
        let activation = match layer {
            Layer::Dense { activation, .. }
            | Layer::Conv1D { activation, .. }
            | Layer::Activation { activation } => *activation,
            _ => Activation::Linear,
        };
        let recurrent = matches!(layer, Layer::Lstm(_) | Layer::Gru(_) | Layer::Bidirectional { .. });
        let layer = LayerOutput { name: &self.names[index], index, activation, recurrent, units };
        output_look(layer, values)
    }

    /// Whether training and prediction differ by more than dropout: a layer keeps moving statistics.
    pub fn has_moving_statistics(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.name.ends_with("/moving_mean"))
    }

    /// The mean of the forget gate's part of an LSTM's bias: the second of four.
    fn forget_bias(&self, parameter: &Parameter) -> Option<f64> {
        let layer = match &self.spec.layers[parameter.layer].layer {
            Layer::Bidirectional { layer, .. } => &**layer,
            layer => layer,
        };
        if !matches!(layer, Layer::Lstm(_)) || !parameter.name.ends_with("/bias") {
            return None;
        }
        let units = parameter.values.len() / 4;
        let part = parameter.values.get(units..2 * units)?;
        Some(part.iter().map(|&b| f64::from(b)).sum::<f64>() / units.max(1) as f64)
    }

    /// What a step did to the weights: `before` and `self` are the network on either side of it,
    /// `gradients` those before clipping, by weight array.
    pub fn weights_after(&self, before: &Self, gradients: &[Option<GradientStats>]) -> Vec<WeightLook> {
        let no_gradient = ["/moving_mean", "/moving_variance", "/idf"];
        let moving = |name: &str| no_gradient.iter().any(|end| name.ends_with(end));
        let pairs = before.parameters.iter().zip(&self.parameters).zip(gradients);
        pairs
            .filter(|((_, after), _)| !moving(&after.name))
            .map(|((before, after), gradient)| {
                let gradient = gradient.unwrap_or_default();
                let columns = after.shape.last().copied().unwrap_or(1);
                WeightLook {
                    name: after.name.clone(),
                    layer: after.layer,
                    count: after.values.len(),
                    trainable: after.trainable,
                    norm: norm(&after.values),
                    largest: after.values.iter().fold(0f32, |largest, v| largest.max(v.abs())).into(),
                    gradient_norm: gradient.norm,
                    gradient_zeros: gradient.zeros,
                    update_norm: distance(&before.values, &after.values),
                    twins: after.name.ends_with("kernel").then(|| twins(&after.values, columns)).flatten(),
                    forget_bias: self.forget_bias(after),
                }
            })
            .collect()
    }

    fn check(&self, batch: &Batch) -> Result<(), Error> {
        let Some(row) = batch.tokens.iter().position(|&t| t as usize >= self.vocabulary) else {
            return Ok(());
        };
        let trace = batch.ragged.offsets().partition_point(|&offset| offset <= row) - 1;
        let reason = format!(
            "token {} is not among the {} that the network knows",
            batch.tokens[row], self.vocabulary
        );
        Err(Error::Trace { trace, reason })
    }
}

impl Classifier for Network {
    fn classes(&self) -> usize {
        self.classes
    }

    /// A network that can be read call by call is read that way here too: it is several times faster, and what
    /// is judged is what will be at work.
    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        if let Some(stream) = self.prepared() {
            return stream.predict(traces);
        }
        Network::predict(self, traces).map_err(|error| match error {
            Error::Trace { trace, reason } => Unreadable { trace, reason },
            other => Unreadable { trace: 0, reason: other.to_string() },
        })
    }

    fn session(&self) -> Option<Box<dyn Session + '_>> {
        self.prepared()?.session()
    }
}
