//! Which n-grams are counted.

use serde::{Deserialize, Serialize};

/// The stretch of a trace in which n-grams are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All of it.
    Whole,
    /// Its first calls, this many.
    First(u32),
    /// Its last calls, this many.
    Last(u32),
}

impl Part {
    /// Where this part of a trace of `length` calls lies.
    pub fn span(self, length: usize) -> std::ops::Range<usize> {
        match self {
            Self::Whole => 0..length,
            Self::First(calls) => 0..length.min(calls as usize),
            Self::Last(calls) => length.saturating_sub(calls as usize)..length,
        }
    }
}

/// N-grams of one kind in one part of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Where they are counted.
    pub part: Part,
    /// 0 for neighbouring calls; else pairs of calls with this many calls between them, left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gap: u8,
    /// The longest n-grams; every shorter one counts too. Pairs with a gap are always of two.
    #[serde(default = "two")]
    pub order: u8,
}

fn is_zero(gap: &u8) -> bool {
    *gap == 0
}

fn two() -> u8 {
    2
}

/// Which n-grams a model sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureConfig {
    /// The kinds of n-grams.
    pub series: Vec<Series>,
    /// An n-gram must stand in at least this many training traces.
    #[serde(default = "two_traces")]
    pub min_traces: u32,
}

fn two_traces() -> u32 {
    2
}

impl FeatureConfig {
    /// N-grams of 1 to `order` neighbouring calls of the whole trace.
    pub fn grams(order: u8) -> Self {
        Self { series: vec![Series { part: Part::Whole, gap: 0, order }], min_traces: two_traces() }
    }

    /// The same of the last `calls` calls only.
    pub fn last(calls: u32, order: u8) -> Self {
        Self { series: vec![Series { part: Part::Last(calls), gap: 0, order }], min_traces: two_traces() }
    }

    /// And pairs with 1 to `gaps` calls left out between them.
    #[must_use]
    pub fn with_skips(mut self, gaps: u8) -> Self {
        self.series.extend((1..=gaps).map(|gap| Series { part: Part::Whole, gap, order: 2 }));
        self
    }

    /// And n-grams of up to `order` calls of the first and of the last calls, for each of these lengths.
    #[must_use]
    pub fn with_ends(mut self, lengths: &[u32], order: u8) -> Self {
        for &calls in lengths {
            for part in [Part::First(calls), Part::Last(calls)] {
                self.series.push(Series { part, gap: 0, order });
            }
        }
        self
    }
}
