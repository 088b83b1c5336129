//! Which n-grams a trace holds, as one vector: an embedding bag over hashes, weighed by tf-idf.
//!
//! A linear model on exactly these features is hard for a recurrent network to beat: which short sequences
//! occur at all, and which stand at the beginning or the end, says more of a process than its rhythm does.
//! Hashing keeps the table's size apart from the data, so a spec says how large a model is. N-grams that
//! share a bucket share a row; with a few times more buckets than n-grams that count, little is lost.
//!
//! Inverse document frequencies are learnt before the first step ([`Node::adapt`], Keras' `adapt`) and kept
//! as a weight that no gradient changes. A bucket met in fewer than [`FEWEST`] training traces weighs nothing:
//! what stands in one trace only can be learnt by heart, and says nothing of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use traceward_run::spec::NgramEmbedding;

use super::plan::Weights;
use super::{Node, Pass, Signal};
use crate::Error;
use crate::init::Initializer;
use crate::op::{Kept, SliceOp, apply_1, numbers};
use crate::random::mix;

/// A bucket must be met in so many training traces to count: scikit-learn's `min_df`.
const FEWEST: u32 = 2;

/// The most buckets (of all traces together) whose counts are kept from epoch to epoch: 64 MiB. Counting them
/// again takes longer than everything else that a step does with them.
const MOST_KEPT: usize = 1 << 23;

/// Buckets, ascending, each with how often it is hit.
type Counts = Arc<[(u32, u32)]>;

/// NgramEmbedding.
#[derive(Debug)]
pub(crate) struct NgramNode {
    spec: NgramEmbedding,
    table: usize,
    idf: usize,
    kept: Mutex<Memory>,
}

/// Counts of the traces that are trained on, by a hash of all their tokens.
#[derive(Debug, Default)]
struct Memory {
    buckets: usize,
    counts: HashMap<u64, Counts>,
}

impl NgramNode {
    pub(crate) fn plan(spec: &NgramEmbedding, weights: &mut Weights<'_>) -> Result<Self, Error> {
        let init = Initializer::Uniform { from: -0.05, to: 0.05 };
        Ok(Self {
            spec: spec.clone(),
            table: weights.add("embeddings", &[spec.buckets, spec.output_dim], init, true)?,
            idf: weights.add("idf", &[spec.buckets], Initializer::Ones, false)?,
            kept: Mutex::default(),
        })
    }

    /// The counts of a trace that will come again.
    fn remembered(&self, trace: &[u32]) -> Counts {
        let name = trace.iter().fold(trace.len() as u64, |hash, &token| mix(hash ^ u64::from(token)));
        let memory = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = memory().counts.get(&name) {
            return Arc::clone(counts);
        }
        let counts = self.counts(trace);
        let mut memory = memory();
        if memory.buckets + counts.len() <= MOST_KEPT {
            memory.buckets += counts.len();
            memory.counts.insert(name, Arc::clone(&counts));
        }
        counts
    }

    /// The buckets of a trace's n-grams.
    fn counts(&self, trace: &[u32]) -> Counts {
        let mut hits = Vec::new();
        let buckets = self.spec.buckets as u128;
        hashes(&self.spec, trace, |hash| hits.push(((u128::from(hash) * buckets) >> 64) as u32));
        hits.sort_unstable();
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for bucket in hits {
            match counts.last_mut() {
                Some((last, count)) if *last == bucket => *count += 1,
                _ => counts.push((bucket, 1)),
            }
        }
        counts.into()
    }

    /// Counts weighed and scaled to length 1.
    fn weighed(&self, counts: &[(u32, u32)], idf: &[f32]) -> Vec<(u32, f32)> {
        let weigh = |&(bucket, count): &(u32, u32)| {
            let weight = (1.0 + (count as f32).ln()) * idf[bucket as usize];
            (weight > 0.0).then_some((bucket, weight))
        };
        let mut weighed: Vec<(u32, f32)> = counts.iter().filter_map(weigh).collect();
        let norm = weighed.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        if norm > 0.0 {
            let scale = (self.spec.output_dim as f32).sqrt() / norm;
            weighed.iter_mut().for_each(|(_, weight)| *weight *= scale);
        }
        weighed
    }
}

impl Node for NgramNode {
    fn run(&self, _: Signal, pass: &Pass<'_>) -> Signal {
        let idf = numbers(pass.weights[self.idf].clone());
        let offsets = pass.batch.ragged.offsets();
        let row = |trace: &[usize]| {
            let tokens = &pass.batch.tokens[trace[0]..trace[1]];
            let counts = if pass.training.is_some() { self.remembered(tokens) } else { self.counts(tokens) };
            self.weighed(&counts, &idf)
        };
        let rows = offsets.par_windows(2).map(row).collect();
        let op = BagOp { rows, width: self.spec.output_dim };
        Signal::Vector(apply_1(op, pass.weights[self.table].clone()))
    }

    fn adapt(&self, traces: &[&[u32]], set: &mut dyn FnMut(usize, Vec<f32>)) {
        let mut found_in = vec![0u32; self.spec.buckets];
        let counts: Vec<Counts> = traces.par_iter().map(|trace| self.remembered(trace)).collect();
        for &(bucket, _) in counts.iter().flat_map(|counts| counts.iter()) {
            found_in[bucket as usize] += 1;
        }
        set(self.idf, inverse_document_frequency(&found_in, traces.len()));
    }
}

/// scikit-learn's smoothed `ln((1 + n) / (1 + df)) + 1`, and 0 below [`FEWEST`]; `found_in` counts for each bucket
/// the traces that hold it.
pub(super) fn inverse_document_frequency(found_in: &[u32], traces: usize) -> Vec<f32> {
    let all = 1.0 + traces as f64;
    let idf = |&found: &u32| {
        if found < FEWEST { 0.0 } else { ((all / (1.0 + f64::from(found))).ln() + 1.0) as f32 }
    };
    found_in.iter().map(idf).collect()
}

/// Every n-gram of a trace, hashed; what stands at an end, and what is a pair, differs from the same calls
/// elsewhere.
fn hashes(spec: &NgramEmbedding, trace: &[u32], mut each: impl FnMut(u64)) {
    let mut grams = |part: &[u32], salt: u64| {
        for start in 0..part.len() {
            let mut hash = mix(salt);
            for &token in part[start..].iter().take(spec.ngrams) {
                hash = mix(hash ^ (u64::from(token) + 1));
                each(hash);
            }
        }
    };
    grams(trace, 0);
    for &end in &spec.ends {
        let end_salt = (end as u64) << 2;
        grams(&trace[..end.min(trace.len())], end_salt | 1);
        grams(&trace[trace.len().saturating_sub(end)..], end_salt | 2);
    }
    for apart in 2..=spec.skips {
        let salt = mix((apart as u64) << 2 | 3);
        for (first, second) in trace.iter().zip(trace.iter().skip(apart)) {
            each(mix(mix(salt ^ (u64::from(*first) + 1)) ^ (u64::from(*second) + 1)));
        }
    }
}

/// The weighted sum of the table's rows that each trace asks for.
#[derive(Debug)]
pub(super) struct BagOp {
    pub(super) rows: Vec<Vec<(u32, f32)>>,
    pub(super) width: usize,
}

impl SliceOp for BagOp {
    fn shape(&self) -> [usize; 2] {
        [self.rows.len(), self.width]
    }

    fn forward(&self, inputs: &[&[f32]], out: &mut [f32], _: bool) -> Option<Kept> {
        for (out, row) in out.chunks_exact_mut(self.width).zip(&self.rows) {
            for &(bucket, weight) in row {
                let values = &inputs[0][bucket as usize * self.width..][..self.width];
                out.iter_mut().zip(values).for_each(|(o, v)| *o += weight * v);
            }
        }
        None
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        _: Option<Kept>,
        d_out: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let mut gradient = vec![0.0; inputs[0].len()];
        for (d, row) in d_out.chunks_exact(self.width).zip(&self.rows) {
            for &(bucket, weight) in row {
                let values = &mut gradient[bucket as usize * self.width..][..self.width];
                values.iter_mut().zip(d).for_each(|(g, d)| *g += weight * d);
            }
        }
        vec![Some(gradient)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(spec: NgramEmbedding) -> NgramNode {
        NgramNode { spec, table: 0, idf: 1, kept: Mutex::default() }
    }

    fn spec(ngrams: usize, skips: usize, ends: &[usize]) -> NgramEmbedding {
        NgramEmbedding { output_dim: 1, buckets: 1 << 20, ngrams, skips, ends: ends.to_vec() }
    }

    /// scikit-learn 1.x, `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)` on the same
    /// three documents: the weights of each, sorted.
    #[test]
    fn weights_are_those_of_scikit_learn() {
        let documents: [&[u32]; 3] = [&[1, 2, 1, 3, 1], &[1, 2, 2, 3], &[3, 1, 2, 4]];
        let node = node(spec(2, 0, &[]));
        let mut idf = Vec::new();
        node.adapt(&documents, &mut |_, values| idf = values);
        let expected: [&[f32]; 3] = [
            &[0.332_185_6, 0.332_185_6, 0.332_185_6, 0.427_749_5, 0.697_128_8],
            &[0.412_858_6, 0.412_858_6, 0.412_858_6, 0.699_030_3],
            &[0.420_401, 0.420_401, 0.420_401, 0.420_401, 0.541_342_8],
        ];
        for (document, expected) in documents.iter().zip(expected) {
            let mut found: Vec<f32> =
                node.weighed(&node.counts(document), &idf).into_iter().map(|(_, weight)| weight).collect();
            found.sort_by(f32::total_cmp);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-6), "{found:?}");
        }
    }

    #[test]
    fn every_ngram_and_pair_is_hashed_once_where_it_stands() {
        let count = |spec: NgramEmbedding, trace: &[u32]| {
            let mut found = Vec::new();
            hashes(&spec, trace, |hash| found.push(hash));
            let all = found.len();
            found.sort_unstable();
            found.dedup();
            (all, found.len())
        };
        let trace: Vec<u32> = (0..10).collect();
        assert_eq!(count(spec(3, 0, &[]), &trace), (10 + 9 + 8, 27));
        // Pairs 2 and 3 calls apart.
        assert_eq!(count(spec(1, 3, &[]), &trace), (10 + 8 + 7, 25));
        // The first and last 4 once more, and not the same as elsewhere, nor as each other.
        assert_eq!(count(spec(2, 0, &[4]), &trace), (19 + 2 * 7, 33));
        assert_eq!(count(spec(2, 3, &[4]), &[7]), (3, 3));
    }

    /// A model in a file finds its rows by these numbers: they must stay what they are.
    #[test]
    fn hashes_never_change() {
        let mut found = 0;
        hashes(&spec(3, 3, &[2]), &[5, 0, 9, 1], |hash| found = mix(found ^ hash));
        assert_eq!(found, 0xa784_b9c1_57e1_a7b2);
    }

    #[test]
    fn what_is_remembered_is_what_is_counted() {
        let node = node(spec(4, 4, &[3]));
        let trace = [3, 1, 4, 1, 5, 9, 2, 6];
        assert_eq!(node.remembered(&trace), node.counts(&trace));
        assert_eq!(node.remembered(&trace), node.counts(&trace));
        assert_ne!(node.remembered(&trace[1..]), node.counts(&trace));
    }
}
