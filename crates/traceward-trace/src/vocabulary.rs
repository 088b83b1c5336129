//! From call names to a model's tokens.

use serde::{Deserialize, Serialize};

use crate::{Abi, Dataset};

/// The calls that a model knows, in token order.
///
/// Token 0 is padding (Keras' `mask_zero`), token 1 any call the model has not seen, and the calls
/// follow from 2 on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// The ABI that the names were learnt from.
    pub abi: Abi,
    /// Call names; `names[i]` is token `i + 2`.
    pub names: Vec<String>,
}

/// How a data set's calls found their tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    /// `tokens[call id]` is the token of that call of the data set's table.
    pub tokens: Vec<u32>,
    /// The share of all calls, weighted by how often each occurs, that became [`Vocabulary::UNKNOWN`].
    pub unknown_share: f64,
    /// The share of all calls found only through canonical names, for another ABI's data.
    pub translated_share: f64,
    /// The most frequent calls without a token, with their counts, at most ten.
    pub unknown_calls: Vec<(String, u64)>,
}

impl Vocabulary {
    /// The token of padding.
    pub const PADDING: u32 = 0;
    /// The token of a call that is not in the vocabulary.
    pub const UNKNOWN: u32 = 1;

    /// The calls of the traces `indices` of `data`, in the table's order.
    pub fn learn(data: &Dataset, indices: &[u32]) -> Self {
        let _ = (data, indices);
        Self { abi: data.abi.clone(), names: Vec::new() }
    }

    /// How many tokens there are, padding and unknown included: the Embedding's `input_dim`.
    pub fn size(&self) -> usize {
        self.names.len() + 2
    }

    /// Tokens for the calls of `data`: by name when the ABIs agree, by canonical name otherwise.
    pub fn encode(&self, data: &Dataset) -> Encoding {
        let _ = data;
        Encoding { tokens: Vec::new(), unknown_share: 0.0, translated_share: 0.0, unknown_calls: Vec::new() }
    }
}
