//! Traces of different lengths, side by side, without padding.
//!
//! A batch is stored trace after trace. The kernels go through it step by step, all traces at once, so they
//! need for each step the traces that still run. With the traces sorted by falling length those are always
//! the first `n`, and the steps at which `n` stays the same form a [`Run`]. There are at most as many runs as
//! traces, so a batch of one trace of a million calls takes no more room than one of ten.

/// How the rows of a batch divide into traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ragged {
    offsets: Vec<usize>,
    order: Vec<u32>,
    runs: Vec<Run>,
}

/// Consecutive steps at which the same traces are still running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The first of these steps.
    pub(crate) first_step: usize,
    /// How many steps there are.
    pub(crate) steps: usize,
    /// How many traces are running: the first so many of [`Ragged::order`].
    pub(crate) traces: usize,
    /// The time-major packed row of the first trace at the first step. Step `s`, place `r` is row
    /// `first_row + (s - first_step) * traces + r`.
    pub(crate) first_row: usize,
}

/// One step of a [`Ragged`] batch: `traces` rows from the packed row `row` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// How many calls each trace has read before.
    pub(crate) index: usize,
    /// How many traces are running.
    pub(crate) traces: usize,
    /// How many of them go on to the next step; the others end here.
    pub(crate) next_traces: usize,
    /// The packed row of the first of them.
    pub(crate) row: usize,
}

impl Ragged {
    /// A batch of traces of these lengths, in this order. A length may be 0.
    #[must_use]
    pub fn new(lengths: &[u32]) -> Self {
        let mut batch = Self::default();
        batch.set(lengths);
        batch
    }

    /// Makes this the batch of traces of these lengths, reusing its memory.
    ///
    /// # Panics
    ///
    /// When there are more than `u32::MAX` traces.
    pub fn set(&mut self, lengths: &[u32]) {
        let traces = u32::try_from(lengths.len()).expect("a batch has fewer than 2^32 traces");
        self.offsets.clear();
        self.offsets.push(0);
        let mut end = 0;
        for &length in lengths {
            end += length as usize;
            self.offsets.push(end);
        }
        self.order.clear();
        self.order.extend(0..traces);
        // Stable, so that equal lengths stay in the caller's order.
        self.order.sort_by_key(|&trace| std::cmp::Reverse(lengths[trace as usize]));
        self.runs.clear();
        let (mut step, mut row) = (0, 0);
        for place in (0..lengths.len()).rev() {
            let length = lengths[self.order[place] as usize] as usize;
            if length > step {
                let run = Run { first_step: step, steps: length - step, traces: place + 1, first_row: row };
                row += run.steps * run.traces;
                step = length;
                self.runs.push(run);
            }
        }
    }

    /// Number of traces.
    #[must_use]
    pub fn traces(&self) -> usize {
        self.order.len()
    }

    /// Number of rows: the calls of all traces together.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// Trace `b` owns the rows `offsets()[b]..offsets()[b + 1]`.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Length of trace `trace`.
    #[must_use]
    pub fn length(&self, trace: usize) -> usize {
        self.offsets[trace + 1] - self.offsets[trace]
    }

    /// The traces by falling length.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The row that the trace `trace` reads at step `step` of its way.
    pub(crate) fn source_row(&self, trace: usize, step: usize, reverse: bool) -> usize {
        if reverse { self.offsets[trace + 1] - 1 - step } else { self.offsets[trace] + step }
    }

    /// The steps in order; `.rev()` goes from the last to the first.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = Step> + '_ {
        self.steps_from(0)
    }

    /// The steps from the `first`-th on, found without passing those before.
    pub(crate) fn steps_from(&self, first: usize) -> impl DoubleEndedIterator<Item = Step> + '_ {
        let begin = self.runs.partition_point(|run| run.first_step + run.steps <= first);
        self.runs.iter().enumerate().skip(begin).flat_map(move |(index, run)| {
            let after = self.runs.get(index + 1).map_or(0, |next| next.traces);
            (first.saturating_sub(run.first_step)..run.steps).map(move |within| Step {
                index: run.first_step + within,
                traces: run.traces,
                next_traces: if within + 1 == run.steps { after } else { run.traces },
                row: run.first_row + within * run.traces,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_count_the_traces_still_going() {
        let batch = Ragged::new(&[2, 0, 5, 2]);
        assert_eq!(batch.offsets(), [0, 2, 2, 7, 9]);
        assert_eq!(batch.order(), [2, 0, 3, 1]);
        let steps: Vec<_> =
            batch.steps().map(|step| (step.index, step.traces, step.next_traces, step.row)).collect();
        assert_eq!(steps, [(0, 3, 3, 0), (1, 3, 1, 3), (2, 1, 1, 6), (3, 1, 1, 7), (4, 1, 0, 8)]);
    }

    #[test]
    fn a_long_trace_takes_no_more_room_than_a_short_one() {
        let batch = Ragged::new(&[u32::MAX, u32::MAX, 1]);
        assert_eq!(batch.rows(), 2 * (u32::MAX as usize) + 1);
        assert_eq!(batch.runs.len(), 2);
        let last = batch.steps().next_back().expect("it has steps");
        assert_eq!(last.row + last.traces, batch.rows());
    }

    #[test]
    fn nothing_is_a_batch_too() {
        assert_eq!(Ragged::new(&[]).rows(), 0);
        assert_eq!(Ragged::new(&[]).steps().count(), 0);
        assert_eq!(Ragged::new(&[0, 0]).steps().count(), 0);
        assert_eq!(Ragged::default().rows(), 0);
    }

    proptest! {
        #[test]
        fn every_row_is_read_once(lengths in prop::collection::vec(0u32..30, 0..20), reverse: bool) {
            let batch = Ragged::new(&lengths);
            let mut seen = vec![0; batch.rows()];
            let mut packed = 0;
            for step in batch.steps() {
                prop_assert_eq!(step.row, packed);
                packed += step.traces;
                for &trace in &batch.order()[..step.traces] {
                    seen[batch.source_row(trace as usize, step.index, reverse)] += 1;
                }
            }
            prop_assert_eq!(packed, batch.rows());
            for first in 0..32 {
                let from: Vec<_> = batch.steps_from(first).collect();
                prop_assert_eq!(from, batch.steps().skip(first).collect::<Vec<_>>());
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
        }
    }
}
