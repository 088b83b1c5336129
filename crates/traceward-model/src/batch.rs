//! Traces of different lengths, one after the other, without padding.

use std::sync::Arc;

use traceward_kernel::Ragged;

use crate::Error;

/// Some traces, packed: trace `b` owns the rows from `offsets[b]` to `offsets[b + 1]`.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) tokens: Arc<[u32]>,
    pub(crate) keys: Arc<[u64]>,
    pub(crate) ragged: Arc<Ragged>,
}

impl Batch {
    /// Packs `traces`. A trace's key names it whatever batch it comes in: its dropout masks depend on it.
    ///
    /// # Errors
    /// If there is no trace, a trace is empty, or all of them hold more than `i32::MAX` calls.
    ///
    /// # Panics
    /// If there are not as many keys as traces.
    pub fn new(traces: &[&[u32]], keys: &[u64]) -> Result<Self, Error> {
        assert_eq!(traces.len(), keys.len(), "one key a trace");
        if traces.is_empty() {
            return Err(Error::Trace { trace: 0, reason: "there is none".into() });
        }
        let mut lengths = Vec::with_capacity(traces.len());
        let mut total = 0usize;
        for (trace, tokens) in traces.iter().enumerate() {
            if tokens.is_empty() {
                return Err(Error::Trace { trace, reason: "it holds no call".into() });
            }
            total += tokens.len();
            if total > i32::MAX as usize {
                return Err(Error::Trace { trace, reason: "the batch holds too many calls".into() });
            }
            lengths.push(tokens.len() as u32);
        }
        Ok(Self {
            tokens: traces.concat().into(),
            keys: keys.into(),
            ragged: Arc::new(Ragged::new(&lengths)),
        })
    }

    /// How many traces there are.
    pub fn traces(&self) -> usize {
        self.keys.len()
    }

    /// How many calls they hold together.
    pub fn calls(&self) -> usize {
        self.tokens.len()
    }
}
