//! What a guard has done so far, for whoever looks after it.

use serde::Serialize;
use traceward_detect::verdict::{Verdict, Word};

/// What a guard has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Traces begun.
    pub traces: u64,
    /// Calls read.
    pub calls: u64,
    /// Traces ended, by what was said of them, in the order of [`Word::ALL`].
    pub verdicts: [u64; Word::ALL.len()],
    /// Of these, tainted by losses.
    pub tainted: u64,
    /// Warnings that a trace is not as it should be.
    pub alarms: u64,
    /// Warnings that such a trace has changed.
    pub updates: u64,
    /// Warnings that such a trace has ended.
    pub ends: u64,
    /// Traces that are open now.
    pub sessions: u64,
    /// Bytes set aside for them.
    pub bytes: u64,
    /// Open traces that were given up because room for calls was needed: there is no verdict on them.
    pub evictions: u64,
    /// Open traces whose calls were dropped for others': verdicts stand, reasons cannot be given.
    pub calls_dropped: u64,
    /// How often the model was asked.
    pub looks: u64,
    /// Time spent with all of this.
    pub score_nanoseconds: u64,
}

impl Counts {
    pub(super) fn count(&mut self, verdict: &Verdict) {
        if let Some(place) = Word::ALL.iter().position(|word| *word == verdict.word) {
            self.verdicts[place] += 1;
        }
        self.tainted += u64::from(verdict.tainted);
    }
}
