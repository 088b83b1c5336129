//! Why a trace got its verdict: the calls and n-grams that moved it, and the training trace most like it.
//!
//! A reason is a stretch of calls, with its place in the input and its names, and what leaving it out does to
//! the score: log-odds of the class in question, or novelty. So a weight is always something that was
//! measured on the model, never an attention or a gradient that may mean something else. Which stretches are
//! looked at comes from the model's own contributions of calls, where its score is a sum over them, and else
//! from occlusion: the trace is cut into pieces, each is left out, and the one that is missed most is cut
//! again. Reasons are found one after the other, each on what the earlier ones
//! left over: loops repeat themselves, and of two equal stretches neither is missed alone.
//!
//! Occlusion costs about thirty predictions a reason, asked for in a few batches, whatever the trace's
//! length; contributions cost one look and one batch. [`deletion`] is the proof that reasons are reasons.

mod contributions;
pub mod deletion;
mod occlusion;
mod text;

use serde::{Serialize, Serializer};
use traceward_run::Classifier;
use traceward_run::classifier::Unreadable;
use traceward_trace::Vocabulary;

pub use deletion::{Deletion, DeletionTest, deletion_test};

/// Probabilities this close to 0 or 1 are taken as that far from it: what is nearer is rounding in `f32`.
const LEAST: f64 = 1e-6;

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Why this class: its log-odds against all others.
    Class(usize),
    /// Why not this class (why an attack, if it is the normal one): the log-odds of all others against it.
    Not(usize),
    /// Why it is novel.
    Novelty,
}

/// How much is spent on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Reasons at most.
    pub reasons: usize,
    /// Calls of one reason at most, unless fewer do not move the score.
    pub calls: usize,
    /// Predictions at most.
    pub predictions: usize,
}

impl Default for Effort {
    /// Three reasons of about a dozen calls: what fits into an alarm.
    fn default() -> Self {
        Self { reasons: 3, calls: 12, predictions: 120 }
    }
}

/// What the answer is told with.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The model's vocabulary.
    pub vocabulary: &'a Vocabulary,
    /// The model's classes.
    pub classes: &'a [String],
    /// Where the model's training traces were read, in the order of training; empty if nobody knows.
    pub sources: &'a [String],
}

/// Why a trace got its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reasons {
    /// Whether `score` and weights are novelty; else they are log-odds (natural logarithm).
    pub of_novelty: bool,
    /// The score of the whole trace.
    #[serde(serialize_with = "rounded")]
    pub score: f64,
    /// Its score without any of the calls named: how much of it they carry.
    #[serde(serialize_with = "rounded")]
    pub score_without: f64,
    /// The stretches that moved it, the first found first; none if no stretch did.
    pub reasons: Vec<Reason>,
    /// The training trace most like it, if the model keeps any.
    pub nearest: Option<Nearest>,
}

/// One stretch of calls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The first call, counted from 0 in the input.
    pub from: usize,
    /// One past the last.
    pub to: usize,
    /// The calls' names.
    pub calls: Vec<String>,
    /// The same for people: repetitions are counted, and long stretches cut short.
    pub text: String,
    /// How often these calls stand in the trace in this order, this place included.
    pub times: usize,
    /// How much the score falls without them, the reasons before this one being left out already.
    #[serde(serialize_with = "rounded")]
    pub weight: f64,
}

/// A training trace like the one that was judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nearest {
    /// Its class.
    pub class: String,
    /// Cosine, 1 for the same direction.
    pub similarity: f32,
    /// Which training trace, in the order of training.
    pub trace: u32,
    /// Where it was read, if that is known.
    pub source: Option<String>,
}

/// Why a model says of a trace what it says.
///
/// # Errors
/// If the model cannot read the trace.
pub fn explain(
    model: &dyn Classifier,
    trace: &[u32],
    question: Question,
    names: Names<'_>,
    effort: Effort,
) -> Result<Reasons, Unreadable> {
    let asked = Asked { model, trace, question };
    let score = asked.scores(&[trace.to_vec()])?[0];
    let found = match asked.contributions() {
        Some(shares) => contributions::find(&asked, score, &shares, effort)?,
        None => occlusion::find(&asked, score, effort)?,
    };
    let score_without = found.last().map_or(score, |last| last.score_after);
    let mut before = score;
    let reasons = found
        .into_iter()
        .map(|Stretch { from, to, score_after }| {
            let weight = before - score_after;
            before = score_after;
            let calls = &trace[from..to];
            let names: Vec<String> = calls.iter().map(|&token| text::name(names.vocabulary, token)).collect();
            let times = trace.windows(calls.len()).filter(|window| *window == calls).count();
            Reason { from, to, text: text::abridged(&names), calls: names, times, weight }
        })
        .collect();
    let nearest = model.nearest(trace, 1).first().map(|neighbour| Nearest {
        class: names.classes.get(usize::from(neighbour.class)).cloned().unwrap_or_default(),
        similarity: neighbour.similarity,
        trace: neighbour.trace,
        source: names.sources.get(neighbour.trace as usize).cloned(),
    });
    let of_novelty = question == Question::Novelty;
    Ok(Reasons { of_novelty, score, score_without, reasons, nearest })
}

/// As JSON has it: a score in `f32` has no more digits.
fn rounded<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 1e4).round() / 1e4)
}

/// A stretch of the trace, and the score without it and the stretches before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    from: usize,
    to: usize,
    score_after: f64,
}

/// A question about a trace, put to a model.
struct Asked<'a> {
    model: &'a dyn Classifier,
    trace: &'a [u32],
    question: Question,
}

impl Asked<'_> {
    /// The score of each trace; a model that cannot say how novel a trace is finds none novel.
    fn scores(&self, traces: &[Vec<u32>]) -> Result<Vec<f64>, Unreadable> {
        let traces: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
        let odds = |p: f64| {
            let p = p.clamp(LEAST, 1.0 - LEAST);
            (p / (1.0 - p)).ln()
        };
        match self.question {
            Question::Novelty => {
                let scores = self.model.novelty(&traces).map(|all| all.into_iter().map(f64::from).collect());
                Ok(scores.unwrap_or_else(|| vec![0.0; traces.len()]))
            }
            Question::Class(class) | Question::Not(class) => {
                let sign = if matches!(self.question, Question::Not(_)) { -1.0 } else { 1.0 };
                let of = |row: &[f32]| row.get(class).map_or(0.0, |&p| sign * odds(f64::from(p)));
                Ok(self.model.predict(&traces)?.rows().map(of).collect())
            }
        }
    }

    /// What each call adds to the score, for a model whose score is a sum over calls.
    fn contributions(&self) -> Option<Vec<f64>> {
        let (class, sign) = match self.question {
            Question::Class(class) => (class, 1.0),
            Question::Not(class) => (class, -1.0),
            Question::Novelty => return None,
        };
        let shares = self.model.contributions(self.trace, class)?;
        (shares.len() == self.trace.len()).then(|| shares.into_iter().map(|s| sign * f64::from(s)).collect())
    }
}

#[cfg(test)]
mod tests;
