//! The proof that reasons are reasons: leaving out the named calls lowers the score more than leaving out as
//! many others does.
//!
//! The others are the same stretches moved along the trace by a random distance (around its end if need be),
//! so the two deletions differ in nothing but the place: as many calls, in as many pieces.

use serde::Serialize;
use traceward_run::Classifier;
use traceward_run::classifier::Unreadable;
use traceward_trace::rng::Rng;

use super::{Asked, Effort, Names, Question, Reasons, explain};

/// How often the stretches are moved at random.
const DRAWS: usize = 10;

/// What deletions do to one trace's score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Deletion {
    /// How many calls are named.
    pub calls: usize,
    /// How much the score falls without the named calls.
    pub named: f64,
    /// How much it falls without as many others, on average.
    pub random: f64,
}

/// The same over many traces, in pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeletionTest {
    /// Traces that have a reason; the others say nothing here.
    pub traces: usize,
    /// Traces without one.
    pub without_reason: usize,
    /// Mean fall of the score without the named calls.
    pub named: f64,
    /// Mean fall without as many others.
    pub random: f64,
    /// Mean difference of the two, and its standard error over traces.
    pub difference: f64,
    /// See `difference`.
    pub standard_error: f64,
    /// Share of traces where the named calls are missed more.
    pub share_greater: f64,
}

/// Leaves out what `reasons` name of a trace, and as many other calls; `None` if they name none.
///
/// # Errors
/// If the model cannot read what is left of the trace.
pub fn deletion(
    model: &dyn Classifier,
    trace: &[u32],
    question: Question,
    reasons: &Reasons,
    seed: u64,
) -> Result<Option<Deletion>, Unreadable> {
    let mut named = vec![false; trace.len()];
    reasons.reasons.iter().for_each(|reason| named[reason.from..reason.to].fill(true));
    let calls = named.iter().filter(|named| **named).count();
    if calls == 0 || calls == trace.len() {
        return Ok(None);
    }
    let mut random = Rng::new(seed);
    let mut without = Vec::with_capacity(DRAWS + 1);
    for draw in 0..=DRAWS {
        // Not at all the first time, and at least by one call after that.
        let moved = if draw == 0 { 0 } else { 1 + random.below(trace.len() as u64 - 1) as usize };
        let there = |place: usize| named[(place + trace.len() - moved) % trace.len()];
        without.push((0..trace.len()).filter(|&p| !there(p)).map(|p| trace[p]).collect::<Vec<u32>>());
    }
    let scores = Asked { model, trace, question }.scores(&without)?;
    let falls = scores[1..].iter().map(|score| reasons.score - score);
    Ok(Some(Deletion { calls, named: reasons.score - scores[0], random: falls.sum::<f64>() / DRAWS as f64 }))
}

/// Explains each trace and compares the two deletions.
///
/// # Errors
/// If the model cannot read a trace.
pub fn deletion_test(
    model: &dyn Classifier,
    traces: &[&[u32]],
    question: Question,
    names: Names<'_>,
    effort: Effort,
    seed: u64,
) -> Result<DeletionTest, Unreadable> {
    let mut pairs = Vec::new();
    for (place, trace) in traces.iter().enumerate() {
        let of_trace = |error: Unreadable| Unreadable { trace: place, ..error };
        let reasons = explain(model, trace, question, names, effort).map_err(of_trace)?;
        let seed = Rng::stream(seed, place as u64).next_u64();
        pairs.extend(deletion(model, trace, question, &reasons, seed).map_err(of_trace)?);
    }
    let count = pairs.len().max(1) as f64;
    let mean = |of: &dyn Fn(&Deletion) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let difference = mean(&|pair| pair.named - pair.random);
    let variance =
        mean(&|pair| (pair.named - pair.random - difference).powi(2)) * count / (count - 1.0).max(1.0);
    Ok(DeletionTest {
        traces: pairs.len(),
        without_reason: traces.len() - pairs.len(),
        named: mean(&|pair| pair.named),
        random: mean(&|pair| pair.random),
        difference,
        standard_error: (variance / count).sqrt(),
        share_greater: mean(&|pair| f64::from(u8::from(pair.named > pair.random))),
    })
}
