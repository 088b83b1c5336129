//! Reasons for warnings, as many as there is time for.
//!
//! An explanation asks the model a hundred times, and alarms come in bursts: what is explained is bounded, by
//! warnings a second and by calls read for each. A warning that finds no room goes out without, and says so.
//! Nothing here is needed to follow traces, so it may run on another thread than the guard.

use traceward_detect::reasons::{Effort, Names, Question, explain};
use traceward_detect::verdict::{Verdict, Word};
use traceward_run::{About, Classifier};
use traceward_trace::normal_class;

use crate::finding::{Calls, Warning};

/// How much is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Warnings a second; as many at once. 0 explains nothing.
    pub per_second: u32,
    /// Calls that the model may read for one, over all the times that it is asked.
    pub calls: usize,
    /// What an explanation takes at most.
    pub effort: Effort,
}

impl Default for Limits {
    /// Four a second, each a tenth of a second's work or less at the speed of a stream.
    fn default() -> Self {
        Self { per_second: 4, calls: 100_000, effort: Effort::default() }
    }
}

/// Fewer predictions than this find nothing: the first cut alone takes sixteen.
const LEAST_PREDICTIONS: usize = 20;

/// Finds reasons for warnings.
pub struct Explainer<'a> {
    model: &'a dyn Classifier,
    about: &'a About,
    limits: Limits,
    /// Warnings that may be explained now, in thousandths.
    left: u64,
    since: u64,
    skipped: u64,
}

impl<'a> Explainer<'a> {
    /// Explains what this model says.
    pub fn new(model: &'a dyn Classifier, about: &'a About, limits: Limits) -> Self {
        Self { model, about, limits, left: u64::from(limits.per_second) * 1000, since: 0, skipped: 0 }
    }

    /// How many warnings went without reasons because there were too many at once.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Why a trace got its verdict, in full sentences; those of the verdict itself are not repeated.
    pub fn reasons(&mut self, warning: &Warning) -> Vec<String> {
        let (calls, question) = match (&warning.calls, self.question(&warning.verdict)) {
            (Calls::Unasked, _) | (_, None) => return Vec::new(),
            (Calls::Gone, _) => {
                return vec!["Which calls it were is not known: they are no longer kept.".into()];
            }
            (Calls::Kept(calls), Some(question)) => (calls, question),
        };
        if !self.granted(warning.at) {
            self.skipped += 1;
            return vec!["Which calls it were was not computed: too many alarms at once.".into()];
        }
        // An alarm is explained by the calls that it was raised on, as `score` does it.
        let upto = match warning.verdict.score_at {
            Some(at) if question != Question::Novelty => calls.len().min(at as usize),
            _ => calls.len(),
        };
        let Limits { effort, calls: work, .. } = self.limits;
        let predictions = effort.predictions.min((work / upto.max(1)).max(LEAST_PREDICTIONS));
        let names = Names { vocabulary: &self.about.vocabulary, classes: &self.about.classes, sources: &[] };
        let reasons = explain(self.model, &calls[..upto], question, names, Effort { predictions, ..effort });
        reasons.map_or_else(|_| Vec::new(), |reasons| reasons.sentences())
    }

    fn question(&self, verdict: &Verdict) -> Option<Question> {
        let normal = normal_class(&self.about.classes).map(usize::from)?;
        match verdict.word {
            Word::Attack | Word::UnknownAttack => Some(Question::Not(normal)),
            Word::Novel => Some(Question::Novelty),
            Word::Normal | Word::Abstain => None,
        }
    }

    /// Whether there is room for one more at `now`, nanoseconds of the monotonic clock.
    fn granted(&mut self, now: u64) -> bool {
        let most = u64::from(self.limits.per_second) * 1000;
        let passed = now.saturating_sub(self.since) / 1_000_000;
        if passed > 0 {
            let more = passed.saturating_mul(u64::from(self.limits.per_second));
            self.left = self.left.saturating_add(more).min(most);
            self.since = now;
        }
        let granted = self.left >= 1000;
        if granted {
            self.left -= 1000;
        }
        granted
    }
}
