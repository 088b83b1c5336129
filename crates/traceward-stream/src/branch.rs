//! A stretch of the network from calls (or rows) over time to one row a trace.

use traceward_kernel::Isa;

use crate::end::End;
use crate::row::{RowLayer, apply_all};
use crate::step::Step;
use crate::wave::{Scratch, States, Wave};

/// Layers over time, the end of time, layers after it. The last are not computed call by call but when the
/// row is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
    pub(crate) after: Vec<RowLayer>,
}

impl Branch {
    /// Takes in the calls (or rows) of the wave.
    pub(crate) fn advance(&self, isa: Isa, scratch: &mut Scratch, wave: &mut Wave, states: &mut States<'_>) {
        for step in &self.steps {
            step.advance(isa, scratch, wave, states);
            if wave.sessions.is_empty() {
                return;
            }
        }
        self.end.advance(isa, scratch, wave, states);
    }

    /// Adds this branch's row to `row`.
    pub(crate) fn finish(&self, isa: Isa, state: &[f32], row: &mut Vec<f32>, scratch: &mut Scratch) {
        if self.after.is_empty() {
            return self.end.finish(isa, state, row, scratch);
        }
        let mut own = std::mem::take(&mut scratch.rows[0]);
        let mut spare = std::mem::take(&mut scratch.rows[1]);
        own.clear();
        self.end.finish(isa, state, &mut own, scratch);
        let width = own.len();
        apply_all(&self.after, isa, &mut own, width, &mut spare);
        row.extend_from_slice(&own);
        scratch.rows = [own, spare];
    }
}
