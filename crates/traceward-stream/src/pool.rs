//! Many sessions at once: a host has thousands of threads, and each is a trace of its own.
//!
//! States lie one after the other in one allocation, so that a hundred thousand sessions take what their
//! numbers take and nothing beside it. Which session is worth its place is for the caller to know.

use std::sync::Arc;

use crate::stream::Stream;
use crate::wave::Scratch;

/// A session of a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(u32);

/// Sessions of one network.
#[derive(Debug)]
pub struct Pool {
    stream: Arc<Stream>,
    states: Vec<f32>,
    free: Vec<Slot>,
    scratch: Scratch,
    /// For [`Pool::push_all`]: the wave in the making, and in which wave each session was last.
    wave: (Vec<u32>, Vec<u32>),
    waves: u64,
    last: Vec<u64>,
}

impl Pool {
    /// A pool without sessions.
    pub fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            states: Vec::new(),
            free: Vec::new(),
            scratch: Scratch::default(),
            wave: (Vec::new(), Vec::new()),
            waves: 0,
            last: Vec::new(),
        }
    }

    /// The network.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// How many sessions are open.
    pub fn len(&self) -> usize {
        self.last.len() - self.free.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the sessions take, closed ones too, whose places wait for others.
    pub fn bytes(&self) -> usize {
        4 * self.states.capacity() + 8 * self.last.capacity() + 4 * self.free.capacity()
    }

    /// Opens a session that has read nothing.
    ///
    /// # Panics
    /// If 2^32 are open.
    pub fn open(&mut self) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.reset(slot);
            return slot;
        }
        let slot = Slot(u32::try_from(self.last.len()).expect("fewer than 2^32 sessions"));
        self.states.extend_from_slice(self.stream.initial());
        self.last.push(0);
        slot
    }

    /// Closes a session; its slot is another's from now on.
    pub fn close(&mut self, slot: Slot) {
        debug_assert!(!self.free.contains(&slot), "a session is closed once");
        self.free.push(slot);
    }

    /// Back to before the first call.
    pub fn reset(&mut self, slot: Slot) {
        let len = self.stream.state_len();
        self.states[slot.0 as usize * len..][..len].copy_from_slice(self.stream.initial());
    }

    /// Reads the next call of a session.
    pub fn push(&mut self, slot: Slot, token: u32) {
        self.stream.advance(&mut self.scratch, &mut self.states, &[slot.0], &[token]);
    }

    /// Reads calls of many sessions, each session's in the order in which they stand. States come out as if
    /// every call had been pushed alone; recurrent layers do several sessions at a time, which is faster.
    pub fn push_all(&mut self, calls: &[(Slot, u32)]) {
        self.waves += 1;
        for &(Slot(session), token) in calls {
            if self.last[session as usize] == self.waves {
                self.advance();
                self.waves += 1;
            }
            self.last[session as usize] = self.waves;
            self.wave.0.push(session);
            self.wave.1.push(token);
        }
        self.advance();
    }

    fn advance(&mut self) {
        self.stream.advance(&mut self.scratch, &mut self.states, &self.wave.0, &self.wave.1);
        self.wave.0.clear();
        self.wave.1.clear();
    }

    /// Class probabilities of the calls that a session has read.
    ///
    /// # Panics
    /// If `into` has not one place a class.
    pub fn scores(&mut self, slot: Slot, into: &mut [f32]) {
        let len = self.stream.state_len();
        let state = &self.states[slot.0 as usize * len..][..len];
        self.stream.scores(&mut self.scratch, state, into);
    }
}
