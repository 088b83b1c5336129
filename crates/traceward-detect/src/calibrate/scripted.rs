//! A model for tests whose answers stand in the trace: the last call's token is P(attack) in thousandths.

use traceward_run::classifier::{Session, Unreadable};
use traceward_run::{Classifier, Scores};

/// Three classes: normal, and two families between which `families` shares the attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scripted {
    /// The first family's share of P(attack).
    pub(crate) first_family: f32,
    /// Whether it can be asked after each call.
    pub(crate) streams: bool,
    /// Whether novelty is the share of token 1000 in the trace.
    pub(crate) novelty: bool,
}

/// Its classes.
pub(crate) fn classes() -> Vec<String> {
    ["normal", "adduser", "web_shell"].map(str::to_owned).to_vec()
}

impl Scripted {
    pub(crate) const WHOLE: Self = Self { first_family: 0.8, streams: false, novelty: false };
    pub(crate) const STREAM: Self = Self { streams: true, ..Self::WHOLE };

    fn row(self, last: u32) -> [f32; 3] {
        let p = last as f32 / 1000.0;
        [1.0 - p, p * self.first_family, p * (1.0 - self.first_family)]
    }
}

impl Classifier for Scripted {
    fn classes(&self) -> usize {
        3
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        let mut values = Vec::new();
        for (trace, calls) in traces.iter().enumerate() {
            let bad = |reason: &str| Unreadable { trace, reason: reason.into() };
            if calls.iter().any(|&token| token > 1000) {
                return Err(bad("a token outside the vocabulary"));
            }
            values.extend(self.row(*calls.last().ok_or_else(|| bad("it is empty"))?));
        }
        Ok(Scores::new(3, values))
    }

    fn novelty(&self, traces: &[&[u32]]) -> Option<Vec<f32>> {
        let share = |calls: &[u32]| calls.iter().filter(|&&c| c == 1000).count() as f32 / calls.len() as f32;
        self.novelty.then(|| traces.iter().map(|calls| share(calls)).collect())
    }

    fn session(&self) -> Option<Box<dyn Session + '_>> {
        self.streams.then(|| -> Box<dyn Session> { Box::new(Reading { model: *self, last: 0 }) })
    }
}

struct Reading {
    model: Scripted,
    last: u32,
}

impl Session for Reading {
    fn push(&mut self, token: u32) {
        self.last = token;
    }

    fn scores(&mut self, into: &mut [f32]) {
        into.copy_from_slice(&self.model.row(self.last));
    }

    fn reset(&mut self) {
        self.last = 0;
    }
}
