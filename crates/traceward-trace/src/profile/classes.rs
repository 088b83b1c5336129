//! The classes and parts of a data set.

use std::collections::HashSet;

use serde::Serialize;

use crate::Dataset;
use crate::copies::Copies;
use crate::split::Role;

use super::{Counts, Lengths, share};

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassProfile {
    /// Its name.
    pub name: String,
    /// How many traces it has.
    pub traces: usize,
    /// Their share of all labelled traces.
    pub share: f64,
    /// How many calls they hold together.
    pub calls: usize,
    /// How many traces remain if each is kept once.
    pub distinct_traces: usize,
    /// How many groups its traces stand in.
    pub groups: usize,
    /// How many of its traces stand in no group.
    pub ungrouped: usize,
    /// How long its traces are.
    pub lengths: Lengths,
}

impl ClassProfile {
    /// All classes of `data`, in its order.
    pub(super) fn all(data: &Dataset, copies: &Copies) -> Vec<Self> {
        let labelled = data.traces.iter().filter(|t| t.class.is_some()).count();
        (0u16..)
            .zip(&data.classes)
            .map(|(class, name)| {
                let mine = || (0u32..).zip(&data.traces).filter(|(_, t)| t.class == Some(class));
                let traces = mine().count();
                Self {
                    name: name.clone(),
                    traces,
                    share: share(traces, labelled),
                    calls: mine().map(|(_, t)| t.calls.len()).sum(),
                    distinct_traces: mine().map(|(i, _)| copies.first(i)).collect::<HashSet<_>>().len(),
                    groups: mine().filter_map(|(_, t)| t.group.as_deref()).collect::<HashSet<_>>().len(),
                    ungrouped: mine().filter(|(_, t)| t.group.is_none()).count(),
                    lengths: Lengths::of(mine().map(|(_, t)| t.calls.len())),
                }
            })
            .collect()
    }
}

/// One part, as the data set names it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartProfile {
    /// Its name.
    pub name: String,
    /// How many traces it has.
    pub traces: usize,
    /// How many of each class; classes that it lacks are left out.
    pub classes: Counts,
}

impl PartProfile {
    /// All parts of `data`, in the order of [`part_names`].
    pub(super) fn all(data: &Dataset) -> Vec<Self> {
        part_names(data)
            .into_iter()
            .map(|part| {
                let mine = || data.traces.iter().filter(|t| t.part.as_deref() == Some(part));
                let mut classes = Vec::new();
                for (class, name) in (0u16..).zip(&data.classes) {
                    let count = mine().filter(|t| t.class == Some(class)).count();
                    if count > 0 {
                        classes.push((name.clone(), count));
                    }
                }
                Self { name: part.into(), traces: mine().count(), classes: Counts(classes) }
            })
            .collect()
    }
}

/// The names of the parts: those to train on first, then those to check on, then others, each in order
/// of first appearance.
pub(super) fn part_names(data: &Dataset) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    for part in data.traces.iter().filter_map(|t| t.part.as_deref()) {
        if seen.insert(part) {
            names.push(part);
        }
    }
    names.sort_by_key(|name| Role::of(name).map_or((1, None), |role| (0, Some(role))));
    names
}

/// How many traces each class has.
pub(super) fn counts(data: &Dataset) -> Counts {
    let mut counts = vec![0; data.classes.len()];
    for class in data.traces.iter().filter_map(|t| t.class) {
        counts[usize::from(class)] += 1;
    }
    Counts(data.classes.iter().cloned().zip(counts).collect())
}

/// How many different groups there are.
pub(super) fn groups(data: &Dataset) -> usize {
    data.traces.iter().filter_map(|t| t.group.as_deref()).collect::<HashSet<_>>().len()
}

/// How unequal the classes are, empty ones left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Imbalance {
    /// The class with the most traces.
    pub largest: String,
    /// The class with the fewest.
    pub smallest: String,
    /// The share of the largest.
    pub largest_share: f64,
    /// How many traces the largest has for each of the smallest.
    pub ratio: f64,
}

impl Imbalance {
    /// The share of the largest class from which accuracy says little.
    pub const GRAVE_SHARE: f64 = 0.8;
    /// The ratio from which it does.
    pub const GRAVE_RATIO: f64 = 10.0;

    /// `None` with fewer than two classes.
    pub(super) fn of(classes: &Counts) -> Option<Self> {
        let held: Vec<_> = classes.0.iter().filter(|(_, n)| *n > 0).collect();
        // The first of equals, for both.
        let largest = held.iter().rev().max_by_key(|(_, n)| n)?;
        let smallest = held.iter().min_by_key(|(_, n)| n)?;
        let all = held.iter().map(|(_, n)| n).sum();
        (held.len() > 1).then(|| Self {
            largest: largest.0.clone(),
            smallest: smallest.0.clone(),
            largest_share: share(largest.1, all),
            ratio: largest.1 as f64 / smallest.1 as f64,
        })
    }

    /// Whether accuracy alone would mislead.
    pub fn is_grave(&self) -> bool {
        self.largest_share > Self::GRAVE_SHARE || self.ratio > Self::GRAVE_RATIO
    }
}
