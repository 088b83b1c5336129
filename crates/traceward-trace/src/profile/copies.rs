//! Traces that equal others, and what it costs.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::Dataset;
use crate::copies::Copies;

use super::classes::part_names;
use super::{Counts, share};

/// Traces that equal others, whatever their labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CopyProfile {
    /// How many traces equal an earlier one.
    pub traces: usize,
    /// Their share of all traces.
    pub share: f64,
    /// How many sets of two or more equal traces there are.
    pub sets: usize,
    /// The biggest of them.
    pub biggest: Option<BiggestSet>,
    /// For each two parts of the data set, how many traces of one equal a trace of the other. Pairs
    /// without any are left out.
    pub across_parts: Vec<PartOverlap>,
}

/// The biggest set of equal traces.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BiggestSet {
    /// How many traces are equal.
    pub traces: usize,
    /// How many calls each has.
    pub length: usize,
    /// The labels they carry.
    pub classes: Counts,
}

/// Traces of one part that stand in another as well.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartOverlap {
    /// The part whose traces are counted.
    pub part: String,
    /// The part that they also stand in.
    pub also_in: String,
    /// How many traces of `part` equal one of `also_in`.
    pub traces: usize,
    /// Their share of `part`.
    pub share: f64,
}

impl CopyProfile {
    /// Looks at `data`, whose copies are `copies`.
    pub(super) fn of(data: &Dataset, copies: &Copies) -> Self {
        let sets = copies.sets();
        let traces = data.traces.len() - copies.distinct();
        // The first of equals in size.
        let biggest = sets.iter().rev().max_by_key(|set| set.len()).map(|set| BiggestSet {
            traces: set.len(),
            length: data.traces[set[0] as usize].calls.len(),
            classes: Counts(
                labels(data, set)
                    .into_iter()
                    .map(|(c, n)| (data.classes[usize::from(c)].clone(), n))
                    .collect(),
            ),
        });
        Self {
            traces,
            share: share(traces, data.traces.len()),
            sets: sets.len(),
            biggest,
            across_parts: across_parts(data, copies),
        }
    }
}

/// How many traces of `set` carry each label, by class index, unlabelled ones left out.
fn labels(data: &Dataset, set: &[u32]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for class in set.iter().filter_map(|&i| data.traces[i as usize].class) {
        *counts.entry(class).or_default() += 1;
    }
    counts
}

/// Each part against each earlier one.
fn across_parts(data: &Dataset, copies: &Copies) -> Vec<PartOverlap> {
    let parts = part_names(data);
    let members = |part: &str| -> Vec<u32> {
        let of_part =
            |(i, t): (u32, &crate::Trace)| (t.part.as_deref() == Some(part)).then(|| copies.first(i));
        (0u32..).zip(&data.traces).filter_map(of_part).collect()
    };
    let mut overlaps = Vec::new();
    for (place, also_in) in parts.iter().enumerate() {
        let there: HashSet<u32> = members(also_in).into_iter().collect();
        for part in &parts[place + 1..] {
            let here = members(part);
            let traces = here.iter().filter(|first| there.contains(first)).count();
            if traces > 0 {
                overlaps.push(PartOverlap {
                    part: (*part).into(),
                    also_in: (*also_in).into(),
                    traces,
                    share: share(traces, here.len()),
                });
            }
        }
    }
    overlaps
}

/// Equal traces under different labels: no classifier of the calls alone can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Conflicts {
    /// How many sets of equal traces carry more than one label.
    pub sets: usize,
    /// How many labelled traces stand in them.
    pub traces: usize,
    /// The best accuracy that a classifier of the calls alone can reach on the labelled traces: each
    /// set given its most frequent label.
    pub accuracy_ceiling: f64,
}

impl Conflicts {
    /// Looks at `data`, whose copies are `copies`.
    pub(super) fn of(data: &Dataset, copies: &Copies) -> Self {
        let labelled = data.traces.iter().filter(|t| t.class.is_some()).count();
        let (mut sets, mut traces, mut lost) = (0, 0, 0);
        for set in copies.sets() {
            let labels = labels(data, &set);
            if labels.len() > 1 {
                let all: usize = labels.values().sum();
                sets += 1;
                traces += all;
                lost += all - labels.values().max().unwrap_or(&0);
            }
        }
        let accuracy_ceiling = if labelled == 0 { 1.0 } else { share(labelled - lost, labelled) };
        Self { sets, traces, accuracy_ceiling }
    }
}
