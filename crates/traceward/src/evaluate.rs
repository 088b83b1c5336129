//! A network's answers on labelled traces, as an [`Evaluation`].

use traceward_model::Network;
use traceward_run::evaluation::{Evaluation, Predictions};
use traceward_trace::normal_class;
use traceward_train::Traces;

use crate::error::Failure;

/// What an evaluation needs to know besides traces and network.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Class names, in the order of the network's outputs.
    pub classes: &'a [String],
    /// How the traces were kept apart from the training traces, in a word.
    pub protocol: &'a str,
    /// Seed of the bootstrap behind the intervals.
    pub seed: u64,
    /// How often each class stands in the training traces, where that is known.
    pub training_counts: Option<&'a [usize]>,
}

/// Judges a network by labelled traces.
///
/// # Errors
/// If the network cannot read them, or there are none.
pub fn evaluate(network: &Network, traces: &Traces, judged: &Judged<'_>) -> Result<Evaluation, Failure> {
    let answers = network.predict(&traces.all())?;
    let labels: Vec<u16> = traces.labels().iter().map(|&label| label as u16).collect();
    Evaluation::new(&Predictions {
        probabilities: answers.values(),
        labels: &labels,
        classes: judged.classes,
        normal: normal_class(judged.classes),
        training_counts: judged.training_counts,
        protocol: judged.protocol,
        seed: judged.seed,
    })
    .map_err(Failure::new)
}

/// How often each of `classes` classes stands in `traces`.
pub fn class_counts(traces: &Traces, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in traces.labels() {
        counts[label as usize] += 1;
    }
    counts
}
