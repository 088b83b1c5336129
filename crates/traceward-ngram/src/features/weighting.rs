//! tf-idf: common n-grams count less, repeated ones less each time, and every trace has length 1.

use serde::{Deserialize, Serialize};

use crate::Sparse;

/// What a count says, before rarity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frequency {
    /// 1 + ln(count): scikit-learn's `sublinear_tf=True`.
    #[default]
    Log,
    /// The square root of the count.
    Root,
}

impl Frequency {
    fn of(self, count: f32) -> f32 {
        match self {
            Self::Log => 1.0 + log(count),
            Self::Root => count.sqrt(),
        }
    }
}

/// Inverse document frequencies, and how they weigh counts. The formulas are scikit-learn's
/// `TfidfTransformer(sublinear_tf=True, smooth_idf=True, norm="l2")`: a count c of an n-gram that stands in d
/// of n traces becomes (1 + ln c) (1 + ln((1 + n) / (1 + d))), and the row is divided by its length.
#[derive(Clone, Debug, PartialEq)]
pub struct TfIdf {
    pub(crate) frequency: Frequency,
    pub(crate) idf: Vec<f32>,
}

impl TfIdf {
    /// The frequencies of these traces.
    pub fn fit(counts: &Sparse, frequency: Frequency) -> Self {
        let mut in_traces = vec![0u32; counts.columns()];
        for row in 0..counts.rows() {
            for &column in counts.row(row).0 {
                in_traces[column as usize] += 1;
            }
        }
        let traces = counts.rows() as f64;
        let idf = |&d: &u32| (1.0 + ((1.0 + traces) / (1.0 + f64::from(d))).ln()) as f32;
        Self { frequency, idf: in_traces.iter().map(idf).collect() }
    }

    /// The weights of a row of counts, into `weights`.
    pub fn weigh(&self, columns: &[u32], counts: &[f32], weights: &mut Vec<f32>) {
        weights.clear();
        let weigh = |(&column, &count): (&u32, &f32)| self.frequency.of(count) * self.idf[column as usize];
        weights.extend(columns.iter().zip(counts).map(weigh));
        let length = weights.iter().map(|w| f64::from(*w) * f64::from(*w)).sum::<f64>().sqrt();
        if length > 0.0 {
            weights.iter_mut().for_each(|w| *w = (f64::from(*w) / length) as f32);
        }
    }

    /// The weights of all rows.
    pub fn weigh_all(&self, counts: &Sparse) -> Sparse {
        let mut weighted = Sparse::new(counts.columns());
        let mut weights = Vec::new();
        for row in 0..counts.rows() {
            let (columns, values) = counts.row(row);
            self.weigh(columns, values, &mut weights);
            weighted.push(columns.iter().copied().zip(weights.iter().copied()));
        }
        weighted
    }
}

/// Logarithms of whole numbers below this are looked up: most counts are small.
const TABULATED: usize = 64;

/// The natural logarithm of a count.
pub(crate) fn log(count: f32) -> f32 {
    use std::sync::LazyLock;
    static LOGS: LazyLock<[f32; TABULATED]> =
        LazyLock::new(|| std::array::from_fn(|n| (n.max(1) as f32).ln()));
    if count < TABULATED as f32 { LOGS[count as usize] } else { count.ln() }
}
