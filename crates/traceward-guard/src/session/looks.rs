//! Looks at traces: when the model is asked, and what is made of its answers.

use std::ops::Range;

use traceward_detect::calibrate::{Course, Moments};
use traceward_trace::Vocabulary;

use super::{NEVER, Session, Sessions, State, unknown};
use crate::Model;

impl Sessions<'_> {
    /// Reads the newest calls into a trace's state and looks at it at its moments.
    pub(super) fn advance(&mut self, slot: u32, raises: impl Fn(&Course, u32) -> bool) -> Option<State> {
        let (session, watch) = (&mut self.table[slot as usize], &self.watch.0);
        let (state, pool) = (session.state?, self.pool.as_mut()?);
        let mut raised = None;
        let mut done = 0;
        while done < self.batch.len() {
            let Range { start, end } = piece(watch.moments, session, done..self.batch.len());
            let tokens = &self.batch[done..end];
            let looks = start - done;
            let mut missing = unknown(&tokens[..looks]);
            let (course, known) = (&mut session.course, session.unknown);
            let (before, told) = (session.calls, session.raised);
            let mut quiet = watch.quiet(course.peak);
            pool.read(state, tokens, looks, &mut |place, row| {
                missing += u32::from(tokens[place] == Vocabulary::UNKNOWN);
                let calls = before + place as u32 + 1;
                if quiet.covers(row) {
                    course.skip(calls);
                } else {
                    course.look(watch.p_attack(row), calls, watch.alarm_above);
                    quiet = watch.quiet(course.peak);
                }
                if !told && raised.is_none() && raises(course, known + missing) {
                    course.settle(watch.p_attack(row));
                    let mut probabilities = vec![0.0; row.len()];
                    watch.temperature.apply(row, &mut probabilities);
                    raised = Some(State {
                        course: *course,
                        probabilities,
                        unknown: known + missing,
                        i386: session.i386,
                    });
                }
            });
            self.counts.looks += (end - start) as u64;
            session.raised |= raised.is_some();
            session.unknown += missing;
            session.calls += tokens.len() as u32;
            session.due = watch.moments.after(session.calls).unwrap_or(NEVER);
            done = end;
        }
        raised
    }

    /// Asks about a whole trace at all moments that have come.
    pub(super) fn ask(&mut self, slot: u32, raises: impl Fn(&Course, u32) -> bool) -> Option<State> {
        let (session, watch) = (&mut self.table[slot as usize], &self.watch.0);
        let mut lengths = Vec::new();
        while session.due <= session.calls {
            lengths.push(session.due);
            session.due = watch.moments.after(session.due).unwrap_or(NEVER);
        }
        self.read_whole(slot, *lengths.last()?);
        let (session, watch) = (&mut self.table[slot as usize], &self.watch.0);
        let parts: Vec<&[u32]> = lengths.iter().map(|&length| &self.whole[..length as usize]).collect();
        let scores = watch.classifier.predict(&parts).ok();
        let novelty = watch.follow_novelty.then(|| watch.classifier.novelty(&parts)).flatten();
        self.counts.looks += parts.len() as u64;
        let mut raised = None;
        for (look, part) in parts.iter().enumerate() {
            match &scores {
                Some(scores) => self.row.copy_from_slice(scores.row(look)),
                None => self.row.fill(f32::NAN),
            }
            session.course.look(watch.p_attack(&self.row), part.len() as u32, watch.alarm_above);
            if let Some(&novelty) = novelty.as_ref().and_then(|novelty| novelty.get(look)) {
                session.course.look_novelty(novelty);
            }
            let unknown = unknown(part);
            if !session.raised && raises(&session.course, unknown) {
                session.raised = true;
                let mut probabilities = vec![0.0; self.row.len()];
                watch.temperature.apply(&self.row, &mut probabilities);
                raised = Some(State { course: session.course, probabilities, unknown, i386: session.i386 });
            }
        }
        raised
    }

    /// What the model says of a trace's first `calls` calls (a stream: of all of them), in `row`; and how novel
    /// they are, if that is asked.
    pub(super) fn answer(&mut self, slot: u32, calls: u32, novelty: bool) -> Option<f32> {
        if let Model::Stream(_) = self.model {
            self.open_state(slot);
            let state = self.table[slot as usize].state?;
            self.pool.as_mut()?.scores(state, &mut self.row);
            return None;
        }
        self.read_whole(slot, calls);
        let (watch, parts) = (&self.watch.0, [&self.whole[..]]);
        match watch.classifier.predict(&parts) {
            Ok(scores) => self.row.copy_from_slice(scores.row(0)),
            Err(_) => self.row.fill(f32::NAN),
        }
        novelty.then(|| watch.classifier.novelty(&parts)).flatten()?.first().copied()
    }

    fn read_whole(&mut self, slot: u32, calls: u32) {
        self.whole.clear();
        let tokens = &self.tokens;
        let log = &self.table[slot as usize].log;
        self.logs.read(log, calls as usize, |code| self.whole.push(tokens.token(code)));
    }
}

/// The calls to read at a time, and from which of them on to look: all that is left where every call is looked
/// at, else as many as lead to the next moment.
fn piece(moments: Moments, session: &Session, left: Range<usize>) -> Range<usize> {
    let ahead = session.due.saturating_sub(session.calls).max(1) as usize;
    let due = left.start.saturating_add(ahead - 1);
    match moments {
        Moments::EveryCall => due.min(left.end)..left.end,
        _ if due < left.end => due..due + 1,
        _ => left.end..left.end,
    }
}
