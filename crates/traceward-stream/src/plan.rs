//! From a written spec and its weights to a [`Branch`].

use std::collections::HashMap;

use traceward_kernel::row::Matrix;
use traceward_kernel::{Cell, Isa, Prepared, Shape, Weights};
use traceward_run::spec::{Activation, Layer, LayerFacts, LayerSpec, Recurrent as Config, branch_names};
use traceward_run::tensors::TensorRef;

use crate::branch::Branch;
use crate::end::{Attention, End};
use crate::error::StreamError;
use crate::row::{RowLayer, apply_all};
use crate::sketch::Sketch;
use crate::step::{MOST_TAPS, Recurrent, Step, Stride, Taps, Window};

/// The most numbers of a convolution's tables: a larger one is computed from rows.
const LARGEST_TABLE: usize = 1 << 24;

/// Weights by name.
pub(crate) struct Arrays<'a>(HashMap<&'a str, TensorRef<'a>>);

impl<'a> Arrays<'a> {
    pub(crate) fn new(tensors: impl IntoIterator<Item = TensorRef<'a>>) -> Self {
        Self(tensors.into_iter().map(|tensor| (tensor.name, tensor)).collect())
    }

    /// The numbers of `layer/name`, which must have this shape.
    fn get(&self, layer: &str, name: &str, shape: &[usize]) -> Result<&'a [f32], StreamError> {
        let name = format!("{layer}/{name}");
        let count = shape.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        match self.0.get(name.as_str()) {
            Some(found) if found.shape == shape && Some(found.values.len()) == count => Ok(found.values),
            Some(found) => {
                let reason = format!("its shape is {:?}, and must be {shape:?}", found.shape);
                Err(StreamError::Weight { name, reason })
            }
            None => Err(StreamError::Weight { name, reason: "it is missing".into() }),
        }
    }
}

/// What the next layer reads.
#[derive(Clone)]
enum Reads {
    /// The calls themselves.
    Tokens,
    /// A row that depends on the call alone, `[vocabulary, width]`: not a step of its own yet.
    Table { rows: Vec<f32>, width: usize },
    /// What the steps so far give.
    Rows { width: usize },
}

/// Plans branches and deals out places in the state.
pub(crate) struct Planner<'a> {
    pub(crate) isa: Isa,
    pub(crate) arrays: Arrays<'a>,
    /// The state before the first call.
    pub(crate) initial: Vec<f32>,
}

impl Planner<'_> {
    /// Plans the whole network.
    pub(crate) fn network(
        &mut self,
        layers: &[LayerSpec],
        names: &[String],
        facts: &[LayerFacts],
    ) -> Result<Branch, StreamError> {
        self.branch(layers, names, facts, Reads::Tokens)
    }

    fn branch(
        &mut self,
        layers: &[LayerSpec],
        names: &[String],
        facts: &[LayerFacts],
        mut reads: Reads,
    ) -> Result<Branch, StreamError> {
        let (mut steps, mut end, mut after) = (Vec::new(), None, Vec::new());
        for ((spec, name), facts) in layers.iter().zip(names).zip(facts) {
            let width = facts.input.features();
            if let Some(layers) = self.row_layers(&spec.layer, name, width)? {
                if end.is_some() {
                    after.extend(layers);
                } else if let Reads::Table { rows, width } = &mut reads {
                    *width = apply_all(&layers, self.isa, rows, *width, &mut Vec::new());
                } else {
                    if let Reads::Rows { width } = &mut reads {
                        *width = facts.output.features();
                    }
                    steps.extend(layers.into_iter().map(Step::Row));
                }
                continue;
            }
            match &spec.layer {
                &Layer::Embedding { input_dim, output_dim } => {
                    let rows = self.arrays.get(name, "embeddings", &[input_dim, output_dim])?.to_vec();
                    reads = Reads::Table { rows, width: output_dim };
                }
                Layer::Conv1D { activation, .. } => {
                    reads = self.convolution(&spec.layer, name, reads, &mut steps)?;
                    if *activation != Activation::Linear {
                        steps.push(Step::Row(RowLayer::Activation(*activation)));
                    }
                }
                Layer::Lstm(config) | Layer::Gru(config) => {
                    let cell = if matches!(spec.layer, Layer::Lstm(_)) { Cell::Lstm } else { Cell::Gru };
                    let layer = self.recurrent(cell, config, name, &reads)?;
                    if !config.return_sequences {
                        end = Some(End::Last { offset: layer.offset, width: config.units });
                    }
                    reads = Reads::Rows { width: config.units };
                    steps.push(Step::Recurrent(layer));
                }
                Layer::GlobalMaxPooling1D => {
                    let width = self.rows(&mut reads, &mut steps);
                    let offset = self.keep(width, f32::NEG_INFINITY);
                    end = Some(End::Max { offset, width });
                }
                Layer::GlobalAveragePooling1D => {
                    let width = self.rows(&mut reads, &mut steps);
                    let offset = self.keep(1 + width, 0.0);
                    end = Some(End::Mean { offset, width });
                }
                &Layer::GlobalAttentionPooling1D { units } => {
                    let width = self.rows(&mut reads, &mut steps);
                    let kernel = self.arrays.get(name, "kernel", &[width, units])?;
                    let bias = self.arrays.get(name, "bias", &[units])?;
                    let query = self.arrays.get(name, "query", &[units, 1])?.to_vec();
                    let hidden = Matrix::new(self.isa, width, units, kernel, Some(bias));
                    let offset = self.keep(2 + width, 0.0);
                    self.initial[offset] = f32::NEG_INFINITY;
                    end = Some(End::Attention(Attention { hidden, query, offset, width }));
                }
                Layer::NgramSketch(sketch) => {
                    let table = self.arrays.get(name, "embeddings", &[sketch.buckets, sketch.output_dim])?;
                    let idf = self.arrays.get(name, "idf", &[sketch.buckets])?;
                    let offset = self.keep(Sketch::size(sketch), 0.0);
                    end = Some(End::Sketch(Sketch::new(sketch, table, idf, offset)));
                }
                Layer::Concatenate { branches } => {
                    let inner = branch_names(name, branches);
                    let planned = branches.iter().zip(&inner).zip(&facts.branches);
                    let planned: Result<Vec<Branch>, _> = planned
                        .map(|((layers, names), facts)| self.branch(layers, names, facts, reads.clone()))
                        .collect();
                    end = Some(End::Branches(planned?));
                }
                // Refused before, by `carries`; or done above, by `row_layers`.
                _ => {}
            }
        }
        match end {
            Some(end) => Ok(Branch { steps, end, after }),
            None => Err(StreamError::Layer {
                name: names.last().cloned().unwrap_or_default(),
                class_name: facts.last().map_or_else(String::new, |facts| facts.class_name.clone()),
                why: "nothing before it pools over time",
            }),
        }
    }

    /// What the layer does to single rows, where that is all that it does.
    fn row_layers(
        &self,
        layer: &Layer,
        name: &str,
        width: usize,
    ) -> Result<Option<Vec<RowLayer>>, StreamError> {
        Ok(Some(match layer {
            Layer::Dropout { .. } | Layer::SpatialDropout1D { .. } => Vec::new(),
            Layer::Activation { activation: Activation::Linear } => Vec::new(),
            Layer::Activation { activation } => vec![RowLayer::Activation(*activation)],
            &Layer::Dense { units, activation, use_bias } => {
                let kernel = self.arrays.get(name, "kernel", &[width, units])?;
                let bias = use_bias.then(|| self.arrays.get(name, "bias", &[units])).transpose()?;
                let mut layers = vec![RowLayer::Matrix(Matrix::new(self.isa, width, units, kernel, bias))];
                if activation != Activation::Linear {
                    layers.push(RowLayer::Activation(activation));
                }
                layers
            }
            &Layer::BatchNormalization { epsilon, .. } => {
                let get = |part: &str| self.arrays.get(name, part, &[width]);
                let (gamma, variance) = (get("gamma")?, get("moving_variance")?);
                let scale = gamma.iter().zip(variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
                let (mean, shift) = (get("moving_mean")?.to_vec(), get("beta")?.to_vec());
                vec![RowLayer::Normalization { mean, scale, shift }]
            }
            _ => return Ok(None),
        }))
    }

    /// Makes rows of what is read; returns their width.
    fn rows(&mut self, reads: &mut Reads, steps: &mut Vec<Step>) -> usize {
        let width = match reads {
            Reads::Tokens => 0,
            Reads::Rows { width } => *width,
            Reads::Table { rows, width } => {
                steps.push(Step::Taps(Taps {
                    tables: std::mem::take(rows),
                    bias: vec![0.0; *width],
                    taps: 1,
                    offset: self.initial.len(),
                    stride: Stride { every: 1, offset: self.initial.len() },
                }));
                *width
            }
        };
        *reads = Reads::Rows { width };
        width
    }

    /// A causal convolution, its activation left out; returns what the next layer reads.
    fn convolution(
        &mut self,
        layer: &Layer,
        name: &str,
        mut reads: Reads,
        steps: &mut Vec<Step>,
    ) -> Result<Reads, StreamError> {
        let &Layer::Conv1D { filters, kernel_size: taps, strides, use_bias, .. } = layer else {
            return Ok(reads);
        };
        let width = match &reads {
            Reads::Tokens => 0,
            Reads::Table { width, .. } | Reads::Rows { width } => *width,
        };
        let kernel = self.arrays.get(name, "kernel", &[taps, width, filters])?;
        let bias = use_bias.then(|| self.arrays.get(name, "bias", &[filters])).transpose()?;
        let stride = Stride { every: strides, offset: self.keep(usize::from(strides > 1), 0.0) };
        let small = |rows: &[f32]| (rows.len() / width).saturating_mul(taps * filters) <= LARGEST_TABLE;
        match &reads {
            Reads::Table { rows, .. } if taps <= MOST_TAPS && small(rows) => {
                let mut tables = vec![0.0; taps * (rows.len() / width) * filters];
                let parts = tables.chunks_exact_mut(rows.len() / width * filters);
                for (kernel, table) in kernel.chunks_exact(width * filters).zip(parts) {
                    Matrix::new(self.isa, width, filters, kernel, None).apply(rows, table);
                }
                let bias = bias.map_or_else(|| vec![0.0; filters], <[f32]>::to_vec);
                let offset = self.keep(taps - 1, 0.0);
                steps.push(Step::Taps(Taps { tables, bias, taps, offset, stride }));
            }
            _ => {
                self.rows(&mut reads, steps);
                let kernel = Matrix::new(self.isa, taps * width, filters, kernel, bias);
                let offset = self.keep((taps - 1) * width, 0.0);
                steps.push(Step::Window(Window { kernel, taps, offset, stride }));
            }
        }
        Ok(Reads::Rows { width: filters })
    }

    fn recurrent(
        &mut self,
        cell: Cell,
        config: &Config,
        name: &str,
        reads: &Reads,
    ) -> Result<Recurrent, StreamError> {
        let (inputs, table) = match reads {
            Reads::Table { rows, width } => (*width, Some(rows)),
            Reads::Rows { width } => (*width, None),
            Reads::Tokens => (0, None),
        };
        let shape = Shape { cell, inputs, units: config.units };
        let bias = match cell {
            Cell::Lstm => vec![shape.columns()],
            Cell::Gru => vec![2, shape.columns()],
        };
        let weights = Weights {
            kernel: self.arrays.get(name, "kernel", &[inputs, shape.columns()])?,
            recurrent: self.arrays.get(name, "recurrent_kernel", &[config.units, shape.columns()])?,
            bias: self.arrays.get(name, "bias", &bias)?,
        };
        let layer = match table {
            Some(table) => Prepared::tokens(self.isa, shape, weights, table),
            None => Prepared::rows(self.isa, shape, weights),
        };
        let mut planned = Recurrent { layer, tokens: table.is_some(), offset: 0 };
        planned.offset = self.keep(planned.size(), 0.0);
        Ok(planned)
    }

    /// A place in the state for `count` numbers that begin at `value`.
    fn keep(&mut self, count: usize, value: f32) -> usize {
        let offset = self.initial.len();
        self.initial.resize(offset + count, value);
        offset
    }
}
