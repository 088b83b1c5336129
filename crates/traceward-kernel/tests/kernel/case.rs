//! Layers, batches and inputs drawn from a seed, as the kernels take them and as the reference does.

use traceward_kernel::{Call, Cell, Dropout, Input, Isa, Output, Ragged, Shape, Tape, Weights, reference};

/// A seeded source of numbers (SplitMix64).
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Uniform in `-scale..scale`.
    pub(crate) fn floats(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| ((self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * scale).collect()
    }

    pub(crate) fn tokens(&mut self, count: usize, vocabulary: usize) -> Vec<u32> {
        (0..count).map(|_| (self.next() % vocabulary as u64) as u32).collect()
    }
}

/// Everything that a pass takes, owned.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) batch: Ragged,
    pub(crate) kernel: Vec<f32>,
    pub(crate) recurrent: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    /// Tokens and table, or rows.
    pub(crate) tokens: Option<Vec<u32>>,
    pub(crate) values: Vec<f32>,
    pub(crate) rates: (f32, f32),
    pub(crate) keys: Vec<u64>,
    pub(crate) reverse: bool,
    pub(crate) output: Output,
    pub(crate) d_out: Vec<f32>,
}

pub(crate) const VOCABULARY: usize = 11;

impl Case {
    pub(crate) fn new(
        shape: Shape,
        lengths: &[u32],
        tokens: bool,
        rates: (f32, f32),
        reverse: bool,
        output: Output,
    ) -> Self {
        let mut draw = Draw(shape.units as u64 * 1000 + lengths.len() as u64);
        let batch = Ragged::new(lengths);
        let rows = batch.rows();
        let scale = 1.5 / (shape.units.max(shape.inputs) as f32).sqrt();
        Self {
            name: format!(
                "{shape:?} lengths {lengths:?} tokens {tokens} rates {rates:?} reverse {reverse} {output:?}"
            ),
            kernel: draw.floats(shape.kernel_len(), scale),
            recurrent: draw.floats(shape.recurrent_len(), scale),
            bias: draw.floats(shape.bias_len(), 0.5),
            tokens: tokens.then(|| draw.tokens(rows, VOCABULARY)),
            values: draw.floats(if tokens { VOCABULARY } else { rows } * shape.inputs, 1.0),
            keys: lengths.iter().map(|_| draw.next()).collect(),
            d_out: draw.floats(shape.output_len(&batch, output), 1.0),
            rates,
            reverse,
            output,
            shape,
            batch,
        }
    }

    /// Both cells, both inputs, both outputs, both directions, with and without masks, for this shape and
    /// these lengths.
    pub(crate) fn all(inputs: usize, units: usize, lengths: &[u32]) -> Vec<Self> {
        let mut cases = Vec::new();
        for cell in [Cell::Lstm, Cell::Gru] {
            for tokens in [true, false] {
                for rates in [(0.0, 0.0), (0.3, 0.0), (0.0, 0.25), (0.2, 0.4)] {
                    for (reverse, output) in [
                        (false, Output::Last),
                        (true, Output::Last),
                        (false, Output::Sequences),
                        (true, Output::Sequences),
                    ] {
                        let shape = Shape { cell, inputs, units };
                        cases.push(Self::new(shape, lengths, tokens, rates, reverse, output));
                    }
                }
            }
        }
        cases
    }

    pub(crate) fn call(&self) -> Call<'_> {
        let (input, recurrent) = self.rates;
        let dropout = Dropout { input, recurrent, seed: 17, keys: &self.keys };
        Call {
            shape: self.shape,
            batch: &self.batch,
            dropout: (self.rates != (0.0, 0.0)).then_some(dropout),
            reverse: self.reverse,
            output: self.output,
        }
    }

    pub(crate) fn weights(&self) -> Weights<'_> {
        Weights { kernel: &self.kernel, recurrent: &self.recurrent, bias: &self.bias }
    }

    pub(crate) fn input(&self) -> Input<'_> {
        match &self.tokens {
            Some(tokens) => Input::Tokens { tokens, table: &self.values },
            None => Input::Rows(&self.values),
        }
    }

    pub(crate) fn forward(&self, isa: Isa) -> Vec<f32> {
        let mut out = vec![f32::NAN; self.d_out.len()];
        traceward_kernel::forward(&mut Tape::new(isa), &self.call(), self.weights(), self.input(), &mut out);
        out
    }

    pub(crate) fn reference_layer(&self) -> reference::Layer {
        reference::Layer {
            kernel: wide(&self.kernel),
            recurrent: wide(&self.recurrent),
            bias: wide(&self.bias),
        }
    }

    pub(crate) fn reference_input(&self) -> reference::Input {
        match &self.tokens {
            Some(tokens) => reference::Input::Tokens { tokens: tokens.clone(), table: wide(&self.values) },
            None => reference::Input::Rows(wide(&self.values)),
        }
    }
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}
