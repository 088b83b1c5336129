//! Whether what is scored still looks like what was trained on.
//!
//! A model keeps a [`Reference`]: how often each call occurs in the traces that it knows as usual, how they
//! score, and how many of their calls it does not know. Whatever is scored later is held against it, each
//! source (a host, a container, a file) by itself, by the population stability index over bins,
//! PSI = Σ (a - e) ln(a / e), e being the shares expected and a those found. Under 0.1 it is stable, from 0.25
//! it has drifted: the rule of thumb of credit scoring (Siddiqi, "Credit Risk Scorecards", 2006).
//!
//! **Small sources do not cry wolf.** Where nothing has changed, PSI / (1/N + 1/M) follows a χ² distribution
//! with one degree of freedom less than there are bins (Yurdakul & Naranjo, "Statistical properties of the
//! population stability index", 2020), N and M being independent observations. Calls of one trace are not
//! independent, so a trace counts as one observation: its shares of calls are averaged over traces, and a
//! mean of shares varies at most as much as as many single calls would. A PSI that such luck explains (1 %)
//! is [`Level::TooFew`] to judge, whatever its size.

mod report;
mod stability;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traceward_trace::Vocabulary;

use stability::Found;

pub use report::{CallShift, Report, SourceReport};

/// PSI from which a distribution is said to shift, and from which it has drifted.
pub const SHIFTING: f64 = 0.1;
/// See [`SHIFTING`].
pub const DRIFTED: f64 = 0.25;
/// Traces under which nothing is said of a source.
pub const FEWEST: u64 = 30;
/// Share of unknown calls from which a source's are worth a word, and from which the model no longer knows
/// what it reads. Ours: no literature gives one.
pub const UNKNOWN: [f64; 2] = [0.01, 0.05];

/// Calls that have less than this share of the reference are one bin together.
const OWN_BIN: f64 = 0.01;
/// Bins of scores, each holding the same share of the reference.
const SCORE_BINS: usize = 10;
/// Sources that are kept apart; later ones are counted together, so that memory is bounded.
const SOURCES: usize = 1000;
/// What those are called.
const OTHERS: &str = "(other sources)";

/// What is usual. It stands in the model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Traces it is of.
    pub traces: u64,
    /// Mean share of each token's calls in a trace.
    pub calls: Vec<f64>,
    /// Share of traces that hold a call which the model does not know.
    pub unknown_traces: f64,
    /// Scores below which a tenth, two tenths, … of the traces are; without repetitions, and empty if no
    /// scores were kept.
    pub score_edges: Vec<f64>,
    /// Share of the traces in each bin between those edges: one more than there are edges.
    pub score_shares: Vec<f64>,
}

/// How far something is from the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Chance explains it: too few traces to say more.
    TooFew,
    /// As in the reference.
    Stable,
    /// It moves; worth a look.
    Shifting,
    /// It is another thing than the reference.
    Drifted,
}

impl Reference {
    /// The reference of these traces and of their scores, one a trace; no scores where they say nothing of
    /// new traces, as on the traces that a model was trained on.
    ///
    /// `vocabulary` is how many tokens there are; tokens beyond are not known.
    pub fn of(traces: &[&[u32]], scores: &[f64], vocabulary: usize) -> Self {
        let mut usual = Usual::new(vocabulary);
        traces.iter().for_each(|trace| usual.add(trace));
        usual.finish(scores)
    }

    fn new(found: &Found, scores: &[f64]) -> Self {
        let mut sorted: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> = Vec::new();
        if !sorted.is_empty() {
            edges.extend(
                (1..SCORE_BINS).map(|bin| sorted[(bin * sorted.len() / SCORE_BINS).min(sorted.len() - 1)]),
            );
            edges.dedup();
        }
        let mut counts = vec![0_u64; edges.len() + 1];
        sorted.iter().for_each(|score| counts[stability::bin(&edges, *score)] += 1);
        let shares = counts.iter().map(|&count| count as f64 / sorted.len() as f64);
        Self {
            traces: found.traces,
            calls: found.call_shares(),
            unknown_traces: found.unknown_trace_share(),
            score_shares: if edges.is_empty() { Vec::new() } else { shares.collect() },
            score_edges: edges,
        }
    }

    /// Whether its parts fit together; what stands in a file may be anything.
    fn is_sound(&self) -> bool {
        let shares = |of: &[f64]| of.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share));
        shares(&self.calls)
            && shares(&self.score_shares)
            && (0.0..=1.0).contains(&self.unknown_traces)
            && self.score_edges.is_sorted_by(|a, b| a < b)
            && self.score_shares.len()
                == if self.score_edges.is_empty() { 0 } else { self.score_edges.len() + 1 }
    }
}

/// A [`Reference`] in the making, of traces that are not kept.
#[derive(Clone, Debug)]
pub struct Usual(Found);

impl Usual {
    /// Of no trace yet; `vocabulary` is how many tokens there are.
    pub fn new(vocabulary: usize) -> Self {
        Self(Found::new(vocabulary, 0))
    }

    /// Takes in a trace.
    pub fn add(&mut self, trace: &[u32]) {
        self.0.add(trace, None);
    }

    /// How many traces it is of.
    pub fn traces(&self) -> u64 {
        self.0.traces
    }

    /// The reference of all traces taken in, and of scores as [`Reference::of`] wants them.
    pub fn finish(&self, scores: &[f64]) -> Reference {
        Reference::new(&self.0, scores)
    }
}

/// What was scored, by source.
#[derive(Clone, Debug)]
pub struct Drift<'a> {
    reference: &'a Reference,
    sources: BTreeMap<String, Found>,
}

impl<'a> Drift<'a> {
    /// Nothing was scored yet. `None` if the reference contradicts itself.
    pub fn new(reference: &'a Reference) -> Option<Self> {
        reference.is_sound().then(|| Self { reference, sources: BTreeMap::new() })
    }

    /// Takes in a trace of a source and its score, the same kind of score as the reference's.
    pub fn add(&mut self, source: &str, trace: &[u32], score: Option<f64>) {
        let known = self.sources.contains_key(source) || self.sources.len() < SOURCES;
        let source = if known { source } else { OTHERS };
        let edges = &self.reference.score_edges;
        let bin =
            score.filter(|s| s.is_finite() && !edges.is_empty()).map(|score| stability::bin(edges, score));
        let bins = self.reference.score_shares.len();
        let fresh = || Found::new(self.reference.calls.len(), bins);
        if let Some(found) = self.sources.get_mut(source) {
            found.add(trace, bin);
        } else {
            self.sources.entry(source.to_owned()).or_insert_with(fresh).add(trace, bin);
        }
    }

    /// Where things stand. The vocabulary gives calls their names.
    pub fn report(&self, vocabulary: &Vocabulary) -> Report {
        Report::new(self.reference, &self.sources, vocabulary)
    }
}

#[cfg(test)]
mod tests;
