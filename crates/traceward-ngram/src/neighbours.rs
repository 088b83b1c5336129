//! The training traces most like a trace: a classifier by itself, and features for others.
//!
//! Likeness is the cosine between n-gram counts, damped ([`Damping`]) and not weighted by rarity. A `Bank`
//! finds it to all training traces at once through an inverted index. What is learnt from it must not be
//! learnt from traces' likeness to themselves, so for a training trace its own group is left out: an attack
//! run's traces are as like each other as copies are, and a new run has no such company.

mod memory;

use serde::{Deserialize, Serialize};
use traceward_run::classifier::Neighbour;

pub(crate) use memory::Memory;

use crate::Sparse;
use crate::features::{Columns, FeatureConfig, log};
use crate::model::View;

/// In what two traces are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likeness {
    /// The n-grams.
    pub features: FeatureConfig,
    /// How much more several occurrences say than one.
    #[serde(default)]
    pub damping: Damping,
}

/// How much more several occurrences of an n-gram say than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damping {
    /// ln(1 + count).
    #[default]
    Log,
    /// Nothing: 1.
    Presence,
}

impl Damping {
    fn of(self, count: f32) -> f32 {
        match self {
            Self::Log => log(count + 1.0),
            Self::Presence => 1.0,
        }
    }
}

/// How many of the nearest traces of each class are remembered for each trace.
pub const DEPTH: usize = 10;

/// Training traces that can be asked which of them are most like a trace.
#[derive(Clone, Debug)]
pub(crate) struct Bank {
    damping: Damping,
    view: View,
    /// Where each column's traces start in `postings`; one more than there are columns.
    starts: Vec<u32>,
    /// The traces that hold a column's n-gram, and its weight in the trace.
    postings: Vec<(u32, f32)>,
    traces: usize,
}

impl Bank {
    /// A bank of the traces whose counts are `rows` of `counts`, compared by `columns` of it.
    pub(crate) fn new(damping: Damping, columns: Columns, counts: &Sparse, rows: &[u32]) -> Self {
        let own = columns.of(counts, rows.iter().map(|&row| row as usize));
        let mut starts = vec![0u32; own.columns() + 1];
        for row in 0..own.rows() {
            own.row(row).0.iter().for_each(|&column| starts[column as usize + 1] += 1);
        }
        for column in 0..own.columns() {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut postings = vec![(0, 0.0); own.stored()];
        let mut weights = Vec::new();
        for row in 0..own.rows() {
            let (index, values) = own.row(row);
            weigh(damping, values, &mut weights);
            for (&column, &weight) in index.iter().zip(&weights) {
                let at = &mut next[column as usize];
                postings[*at as usize] = (row as u32, weight);
                *at += 1;
            }
        }
        let view = View::new(columns, counts.columns());
        Self { damping, view, starts, postings, traces: rows.len() }
    }

    pub(crate) fn view(&mut self) -> &mut View {
        &mut self.view
    }

    /// The cosine of a trace, of which `columns` and `counts` are the n-grams, to each trace of the bank.
    pub(crate) fn similarities(&self, columns: &[u32], counts: &[f32], into: &mut Vec<f32>) {
        into.clear();
        into.resize(self.traces, 0.0);
        self.view.with(columns, counts, |columns, counts| {
            let mut weights = Vec::new();
            weigh(self.damping, counts, &mut weights);
            for (&column, &weight) in columns.iter().zip(&weights) {
                let span = self.starts[column as usize] as usize..self.starts[column as usize + 1] as usize;
                for &(trace, own) in &self.postings[span] {
                    into[trace as usize] += weight * own;
                }
            }
        });
    }
}

/// Damped counts, divided by the length of their row.
fn weigh(damping: Damping, counts: &[f32], weights: &mut Vec<f32>) {
    weights.clear();
    weights.extend(counts.iter().map(|&count| damping.of(count)));
    let length = weights.iter().map(|w| f64::from(*w) * f64::from(*w)).sum::<f64>().sqrt();
    if length > 0.0 {
        weights.iter_mut().for_each(|w| *w = (f64::from(*w) / length) as f32);
    }
}

/// The greatest similarities to traces of each class: a row of [`DEPTH`] a class, greatest first, 0 where a
/// class has not so many. Traces of the group `but` are left out.
pub(crate) fn by_class(
    similarities: &[f32],
    labels: &[u16],
    classes: usize,
    but: Option<(&[u32], u32)>,
) -> Vec<f32> {
    let mut nearest = vec![0.0; classes * DEPTH];
    for (trace, (&similarity, &label)) in similarities.iter().zip(labels).enumerate() {
        let own = &mut nearest[usize::from(label) * DEPTH..][..DEPTH];
        if similarity <= own[DEPTH - 1] || but.is_some_and(|(groups, group)| groups[trace] == group) {
            continue;
        }
        let mut place = DEPTH - 1;
        while place > 0 && own[place - 1] < similarity {
            own[place] = own[place - 1];
            place -= 1;
        }
        own[place] = similarity;
    }
    nearest
}

/// The mean of the `count` greatest similarities to traces of a class; `nearest` is [`by_class`]'s.
pub(crate) fn mean_of(nearest: &[f32], class: usize, count: usize) -> f32 {
    let count = count.clamp(1, DEPTH);
    nearest[class * DEPTH..][..count].iter().sum::<f32>() / count as f32
}

/// The `count` nearest traces, nearest first, the earlier of equals first.
pub(crate) fn nearest(similarities: &[f32], labels: &[u16], count: usize) -> Vec<Neighbour> {
    let mut traces: Vec<u32> = (0..similarities.len() as u32).collect();
    let nearer =
        |a: &u32, b: &u32| similarities[*b as usize].total_cmp(&similarities[*a as usize]).then(a.cmp(b));
    let count = count.min(traces.len());
    if count > 0 && count < traces.len() {
        traces.select_nth_unstable_by(count - 1, nearer);
        traces.truncate(count);
    }
    traces.truncate(count);
    traces.sort_unstable_by(nearer);
    let neighbour = |trace: u32| Neighbour {
        trace,
        class: labels[trace as usize],
        similarity: similarities[trace as usize].min(1.0),
    };
    traces.into_iter().map(neighbour).collect()
}

/// How near the nearest traces of each class are, as margins: -ln of the distance, so that a near copy says
/// far more than a likeness. The small constant keeps a copy's finite.
pub(crate) fn margins(nearest: &[f32], count: usize, margins: &mut [f32]) {
    for (class, margin) in margins.iter_mut().enumerate() {
        *margin = -(1.02 - mean_of(nearest, class, count)).max(0.005).ln();
    }
}

#[cfg(test)]
mod tests;
