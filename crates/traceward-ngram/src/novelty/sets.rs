//! The training trace whose *set* of calls is most like a trace's: which calls, not how often or in what order.
//!
//! A process that does something else than the known programs often uses the same calls in another
//! combination, or lacks what each of them does at its start. The distance is one minus the largest cosine
//! between the sets as 0/1 vectors, plain or with rare calls weighing more (inverse document frequency,
//! ln((1 + n) / (1 + df)) + 1). A set grows by a call at most at each step, and only the training sets that
//! hold the new call come nearer, so following a trace costs next to nothing.

use std::collections::HashMap;

use crate::parts::{LARGEST_INTEGER, PartsError, Reader, Writer};

/// The distinct sets of calls of the training traces.
#[derive(Clone, Debug)]
pub(crate) struct Sets {
    /// The calls of each set, ascending.
    sets: Vec<Vec<u32>>,
    /// The first training trace of each set.
    traces: Vec<u32>,
    /// The square of each call's weight, by token; 0 for a call that no set has.
    weights: Vec<f32>,
    /// The sets that hold a call, by token.
    holders: Vec<Vec<u32>>,
    /// The squared lengths of the sets, plain and weighted.
    squares: Vec<[f32; 2]>,
}

/// How much a trace, so far, has in common with each set.
#[derive(Clone, Debug)]
pub(crate) struct Growing {
    seen: Vec<bool>,
    /// Scalar products with each set, plain and weighted.
    common: Vec<[f32; 2]>,
    square: [f32; 2],
}

impl Sets {
    pub(crate) fn new(traces: &[&[u32]], vocabulary: usize) -> Self {
        let mut number: HashMap<Vec<u32>, usize> = HashMap::new();
        let (mut sets, mut first) = (Vec::new(), Vec::new());
        let mut holding = vec![0_u32; vocabulary];
        for (place, trace) in traces.iter().enumerate() {
            let mut set = trace.to_vec();
            set.sort_unstable();
            set.dedup();
            set.iter().for_each(|&call| holding[call as usize] += 1);
            number.entry(set).or_insert_with_key(|set| {
                sets.push(set.clone());
                first.push(place as u32);
                sets.len() - 1
            });
        }
        let weight = |&holding: &u32| match holding {
            0 => 0.0,
            _ => ((1.0 + traces.len() as f32) / (1.0 + holding as f32)).ln() + 1.0,
        };
        let weights = holding.iter().map(weight).map(|w| w * w).collect();
        Self::derive(sets, first, weights)
    }

    fn derive(sets: Vec<Vec<u32>>, traces: Vec<u32>, weights: Vec<f32>) -> Self {
        let mut holders = vec![Vec::new(); weights.len()];
        let mut squares = Vec::with_capacity(sets.len());
        for (number, set) in sets.iter().enumerate() {
            set.iter().for_each(|&call| holders[call as usize].push(number as u32));
            squares.push([set.len() as f32, set.iter().map(|&call| weights[call as usize]).sum()]);
        }
        Self { sets, traces, weights, holders, squares }
    }

    /// Gives the first traces other numbers.
    pub(crate) fn rename(&mut self, number: impl Fn(u32) -> u32) {
        self.traces.iter_mut().for_each(|trace| *trace = number(*trace));
    }

    pub(crate) fn start(&self) -> Growing {
        Growing {
            seen: vec![false; self.weights.len()],
            common: vec![[0.0; 2]; self.sets.len()],
            square: [0.0; 2],
        }
    }

    /// Reads the next call, which some set holds.
    #[inline]
    pub(crate) fn step(&self, growing: &mut Growing, call: u32) {
        let seen = &mut growing.seen[call as usize];
        if *seen {
            return;
        }
        *seen = true;
        let weight = self.weights[call as usize];
        growing.square[0] += 1.0;
        growing.square[1] += weight;
        for &set in &self.holders[call as usize] {
            let [plain, weighted] = &mut growing.common[set as usize];
            *plain += 1.0;
            *weighted += weight;
        }
    }

    /// Cosines with each set, plain (0) or weighted (1).
    fn cosines(&self, growing: &Growing, kind: usize) -> impl Iterator<Item = f32> {
        let own = growing.square[kind];
        growing.common.iter().zip(&self.squares).map(move |(common, square)| {
            // Rounding may take it a little above 1.
            if common[kind] > 0.0 { (common[kind] / (own * square[kind]).sqrt()).min(1.0) } else { 0.0 }
        })
    }

    /// One minus the largest cosine, plain and weighted; 1 for a trace of no known call.
    pub(crate) fn distances(&self, growing: &Growing) -> [f32; 2] {
        [0, 1].map(|kind| 1.0 - self.cosines(growing, kind).fold(0.0, f32::max))
    }

    /// The first training traces of the sets most like a trace's, nearest first, with their plain cosines.
    pub(crate) fn nearest(&self, growing: &Growing, count: usize) -> Vec<(u32, f32)> {
        let mut all: Vec<(u32, f32)> = self.traces.iter().copied().zip(self.cosines(growing, 0)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(count);
        all
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) {
        into.integers("traces", self.traces.iter().map(|&t| t.min(LARGEST_INTEGER)));
        into.integers("sizes", self.sets.iter().map(|set| set.len() as u32));
        into.integers("calls", self.sets.iter().flatten().copied());
        into.tensor("weights", &[self.weights.len()], self.weights.clone());
    }

    pub(crate) fn read(from: &Reader<'_>, vocabulary: usize) -> Result<Self, PartsError> {
        let traces = from.integers("traces", None, u32::MAX)?;
        let sizes = from.integers("sizes", Some(traces.len()), u32::MAX)?;
        let calls = from.integers("calls", None, u32::try_from(vocabulary).unwrap_or(u32::MAX))?;
        let weights = from.vector("weights", Some(vocabulary))?.to_vec();
        let mut rest = calls.as_slice();
        let mut sets = Vec::with_capacity(sizes.len());
        for size in sizes {
            let (set, after) =
                rest.split_at_checked(size as usize).ok_or_else(|| from.damaged("a torn set"))?;
            if set.is_empty() || !set.is_sorted_by(|a, b| a < b) {
                return Err(from.damaged("a set that is empty or out of order"));
            }
            // A weight of 0 would be a call of no set.
            if set.iter().any(|&call| weights[call as usize] <= 0.0) {
                return Err(from.damaged("a call without weight"));
            }
            sets.push(set.to_vec());
            rest = after;
        }
        if sets.is_empty() || !rest.is_empty() {
            return Err(from.damaged("no sets, or more calls than they have"));
        }
        Ok(Self::derive(sets, traces, weights))
    }

    /// Whether some set holds a call.
    pub(crate) fn knows(&self, call: u32) -> bool {
        self.holders.get(call as usize).is_some_and(|sets| !sets.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn distances_are_cosines_of_sets(
            training in prop::collection::vec(prop::collection::vec(2_u32..12, 1..12), 1..8),
            judged in prop::collection::vec(2_u32..12, 1..20),
        ) {
            let slices: Vec<&[u32]> = training.iter().map(Vec::as_slice).collect();
            let sets = Sets::new(&slices, 12);
            let mut growing = sets.start();
            judged.iter().filter(|c| sets.knows(**c)).for_each(|&c| sets.step(&mut growing, c));
            let n = training.len() as f64;
            let holding = |call: u32| training.iter().filter(|t| t.contains(&call)).count() as f64;
            for (kind, weigh) in [false, true].into_iter().enumerate() {
                let vector = |trace: &[u32]| -> Vec<f64> {
                    let weight = |c: u32| if weigh { ((1.0 + n) / (1.0 + holding(c))).ln() + 1.0 } else { 1.0 };
                    (0..12).map(|c| if trace.contains(&c) && holding(c) > 0.0 { weight(c) } else { 0.0 }).collect()
                };
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let own = vector(&judged);
                let best = training.iter().map(|t| {
                    let other = vector(t);
                    let product = dot(&own, &other);
                    if product > 0.0 { product / (dot(&own, &own) * dot(&other, &other)).sqrt() } else { 0.0 }
                }).fold(0.0, f64::max);
                let got = f64::from(sets.distances(&growing)[kind]);
                prop_assert!((got - (1.0 - best)).abs() < 1e-5, "{} {}", got, 1.0 - best);
            }
        }
    }

    #[test]
    fn the_nearest_set_names_its_first_trace() {
        let sets = Sets::new(&[&[5, 6], &[2, 3], &[3, 2, 2], &[2, 4]], 8);
        let mut growing = sets.start();
        [3, 2, 3].into_iter().for_each(|call| sets.step(&mut growing, call));
        let nearest = sets.nearest(&growing, 2);
        assert_eq!((nearest[0], nearest[1].0), ((1, 1.0), 3));
    }
}
