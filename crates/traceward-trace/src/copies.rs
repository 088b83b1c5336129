//! Which traces hold the same calls, the one question that splits and profiles both ask.
//!
//! Traces are compared in full, by a hash table over their calls: a false match would drop an honest
//! trace in silence, so no shortened hash stands for one.

use std::collections::HashMap;

use crate::Dataset;

/// For each trace, the first trace of the data set with the same calls in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copies {
    first: Vec<u32>,
    distinct: usize,
}

impl Copies {
    /// Finds the copies in `data`, in time proportional to its calls.
    pub(crate) fn of(data: &Dataset) -> Self {
        let mut seen: HashMap<&[u16], u32> = HashMap::with_capacity(data.traces.len());
        let first = (0u32..)
            .zip(&data.traces)
            .map(|(index, trace)| *seen.entry(trace.calls.as_slice()).or_insert(index))
            .collect();
        Self { first, distinct: seen.len() }
    }

    /// The first trace that is equal to `trace`; itself, if there is no earlier one.
    pub(crate) fn first(&self, trace: u32) -> u32 {
        self.first[trace as usize]
    }

    /// How many distinct traces there are.
    pub(crate) fn distinct(&self) -> usize {
        self.distinct
    }

    /// The sets of two or more equal traces, each in file order, ordered by their first trace.
    pub(crate) fn sets(&self) -> Vec<Vec<u32>> {
        let mut sets: Vec<Vec<u32>> = vec![Vec::new(); self.first.len()];
        for (index, &first) in (0u32..).zip(&self.first) {
            sets[first as usize].push(index);
        }
        sets.retain(|set| set.len() > 1);
        sets
    }
}
