//! Tasks' calls cut into traces of bounded length, the same way for everybody who listens.
//!
//! A trace is at most [`Cutter::window`] consecutive calls of one task. It ends with the task, at its length,
//! where calls were lost (what lies on both sides of a hole is never joined), when its task is the one that
//! has been silent longest and room is needed for another, or with the capture. The next call begins another.
//! Long-lived servers would otherwise be one trace for months, longer than anything that a model was trained
//! on, and no verdict on them would ever be final.
//!
//! Recordings and scores hang on the same cutter, so that a verdict given live is the verdict that the
//! recorded trace gets.

use std::collections::HashMap;

use crate::{Call, Event, TaskId};

/// No slot: the end of the list.
const NONE: u32 = u32::MAX;

/// How a trace begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose calls they are.
    pub task: TaskId,
    /// How many calls the task had made before the first of these, since it was met.
    pub first: u64,
    /// When the first call was entered, as closely as the capture knows: within the batch that told of it.
    pub at: u64,
    /// Calls of the task lost right before.
    pub lost: u64,
    /// The task's first calls were not seen: it ran before the capture, or was forgotten since.
    pub joined: bool,
}

/// Why a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The task is gone.
    Exit,
    /// It is as long as traces get.
    Window,
    /// The task's next calls were lost.
    Lost,
    /// Room was needed, and its task had been silent longest.
    Evicted,
    /// The capture ended.
    Stopped,
}

/// How a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Why.
    pub why: Why,
    /// When this was known.
    pub at: u64,
    /// Calls of the task lost right after; at least these.
    pub lost: u64,
}

/// What happens to a trace. Slots are small numbers, used again once a task is forgotten; a slot holds one
/// trace at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut<'a> {
    /// It begins; calls follow at once.
    Begin(u32, Head),
    /// It goes on.
    Calls(u32, &'a [Call]),
    /// It ends.
    End(u32, Tail),
    /// Its task will not be heard of again; the slot is free.
    Forget(u32, TaskId),
}

/// Cuts tasks' calls into traces.
#[derive(Debug)]
pub struct Cutter {
    window: u32,
    most: usize,
    slots: Vec<Slot>,
    free: Vec<u32>,
    of: HashMap<TaskId, u32>,
    /// The slot silent longest, and the one that called last.
    oldest: u32,
    newest: u32,
    evictions: u64,
}

/// What is kept of a task.
#[derive(Clone, Copy, Debug)]
struct Slot {
    task: TaskId,
    /// Calls told so far: the index of the next.
    told: u64,
    /// Calls in the open trace; 0 if none is open.
    calls: u32,
    /// Calls lost since the last trace.
    lost: u64,
    joined: bool,
    older: u32,
    newer: u32,
}

impl Cutter {
    /// How long traces get unless told otherwise: as long as the longest that the built-in corpus and ADFA-LD
    /// hold, about.
    pub const WINDOW: u32 = 4096;

    /// How many tasks are followed unless told otherwise.
    pub const MOST: usize = 100_000;

    /// A cutter that makes traces of at most `window` calls and follows at most `most` tasks at a time; both at
    /// least 1.
    pub fn new(window: u32, most: usize) -> Self {
        Self {
            window: window.max(1),
            most: most.clamp(1, NONE as usize - 1),
            slots: Vec::new(),
            free: Vec::new(),
            of: HashMap::new(),
            oldest: NONE,
            newest: NONE,
            evictions: 0,
        }
    }

    /// The most calls of a trace.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// How many tasks are followed.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// How many tasks were forgotten though they lived, because room was needed.
    pub fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Takes an event and tells what follows from it.
    pub fn event(&mut self, event: &Event<'_>, each: &mut dyn FnMut(Cut<'_>)) {
        match *event {
            Event::Start(start) => {
                if !self.of.contains_key(&start.task) {
                    self.open(start.task, 0, !start.born, start.at, each);
                }
            }
            Event::Exec(_) => {}
            Event::Calls { task, first, at, calls } => self.calls(task, first, at, calls, each),
            Event::Exit { task, calls, at } => {
                if let Some(&slot) = self.of.get(&task) {
                    let lost = calls.saturating_sub(self.slots[slot as usize].told);
                    self.end(slot, Tail { why: Why::Exit, at, lost }, each);
                    self.forget(slot, each);
                }
            }
        }
    }

    /// Ends the traces of tasks that `gone` says are gone: their exits were lost, and who knows what else.
    pub fn bury(&mut self, at: u64, gone: &mut dyn FnMut(TaskId) -> bool, each: &mut dyn FnMut(Cut<'_>)) {
        let mut next = self.oldest;
        while next != NONE {
            let slot = next;
            let Slot { task, newer, .. } = self.slots[slot as usize];
            next = newer;
            if gone(task) {
                self.end(slot, Tail { why: Why::Lost, at, lost: 1 }, each);
                self.forget(slot, each);
            }
        }
    }

    /// Ends all traces: the capture is over.
    pub fn finish(&mut self, at: u64, each: &mut dyn FnMut(Cut<'_>)) {
        while self.oldest != NONE {
            let slot = self.oldest;
            self.end(slot, Tail { why: Why::Stopped, at, lost: 0 }, each);
            self.forget(slot, each);
        }
    }

    fn calls(&mut self, task: TaskId, first: u64, at: u64, calls: &[Call], each: &mut dyn FnMut(Cut<'_>)) {
        let slot = match self.of.get(&task) {
            Some(&slot) => slot,
            None => self.open(task, first, first > 0, at, each),
        };
        let told = self.slots[slot as usize].told;
        // Told before, in part or whole.
        let known = usize::try_from(told.saturating_sub(first)).unwrap_or(usize::MAX);
        let Some(mut calls) = calls.get(known..).filter(|calls| !calls.is_empty()) else { return };
        self.touch(slot);
        if let Some(lost) = first.checked_sub(told).filter(|&lost| lost > 0) {
            self.end(slot, Tail { why: Why::Lost, at, lost }, each);
            let state = &mut self.slots[slot as usize];
            (state.told, state.lost) = (first, lost);
        }
        while !calls.is_empty() {
            let state = &mut self.slots[slot as usize];
            if state.calls == 0 {
                let Slot { told: first, lost, joined, .. } = *state;
                (state.lost, state.joined) = (0, false);
                each(Cut::Begin(slot, Head { task, first, at, lost, joined }));
            }
            let room = (self.window - state.calls) as usize;
            let (now, later) = calls.split_at(calls.len().min(room));
            state.calls += now.len() as u32;
            state.told += now.len() as u64;
            let full = state.calls == self.window;
            each(Cut::Calls(slot, now));
            if full {
                self.end(slot, Tail { why: Why::Window, at, lost: 0 }, each);
            }
            calls = later;
        }
    }

    fn open(&mut self, task: TaskId, told: u64, joined: bool, at: u64, each: &mut dyn FnMut(Cut<'_>)) -> u32 {
        if self.of.len() >= self.most {
            let slot = self.oldest;
            self.evictions += 1;
            self.end(slot, Tail { why: Why::Evicted, at, lost: 0 }, each);
            self.forget(slot, each);
        }
        let new = Slot { task, told, calls: 0, lost: 0, joined, older: NONE, newer: NONE };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = new;
                slot
            }
            None => {
                self.slots.push(new);
                self.slots.len() as u32 - 1
            }
        };
        self.of.insert(task, slot);
        self.link(slot);
        slot
    }

    fn end(&mut self, slot: u32, tail: Tail, each: &mut dyn FnMut(Cut<'_>)) {
        if std::mem::take(&mut self.slots[slot as usize].calls) > 0 {
            each(Cut::End(slot, tail));
        }
    }

    fn forget(&mut self, slot: u32, each: &mut dyn FnMut(Cut<'_>)) {
        let task = self.slots[slot as usize].task;
        self.unlink(slot);
        self.of.remove(&task);
        self.free.push(slot);
        each(Cut::Forget(slot, task));
    }

    /// The slot called just now.
    fn touch(&mut self, slot: u32) {
        if self.newest != slot {
            self.unlink(slot);
            self.link(slot);
        }
    }

    fn link(&mut self, slot: u32) {
        let newest = self.newest;
        let state = &mut self.slots[slot as usize];
        (state.older, state.newer) = (newest, NONE);
        match newest {
            NONE => self.oldest = slot,
            newest => self.slots[newest as usize].newer = slot,
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: u32) {
        let Slot { older, newer, .. } = self.slots[slot as usize];
        match older {
            NONE => self.oldest = newer,
            older => self.slots[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.slots[newer as usize].older = older,
        }
    }
}

#[cfg(test)]
mod tests;
