//! Many sessions at once: a host has thousands of threads, and each is a trace of its own.
//!
//! States lie one after the other in one allocation that grows by a thirty-second of itself, so that a hundred
//! thousand sessions take what their numbers take and little beside it: an allocator that moves pages rather
//! than bytes makes growing cheap, and doubling would hold half of the memory for nobody. Which session is
//! worth its place is for the caller to know.

use std::num::NonZero;
use std::sync::Arc;

use crate::stream::Stream;
use crate::wave::Scratch;

/// By what share of itself a pool grows, and by how many sessions at least.
const GROWTH: usize = 32;
/// See [`GROWTH`].
const LEAST_GROWTH: usize = 64;

/// A session of a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(NonZero<u32>);

impl Slot {
    fn of(place: usize) -> Option<Self> {
        Some(Self(NonZero::new(u32::try_from(place).ok()?.checked_add(1)?)?))
    }

    fn place(self) -> usize {
        self.number() as usize
    }

    fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// Sessions of one network.
#[derive(Debug)]
pub struct Pool {
    stream: Arc<Stream>,
    states: Vec<f32>,
    /// Sessions that there are places for.
    places: usize,
    free: Vec<Slot>,
    scratch: Scratch,
    /// For [`Pool::push_all`]: the wave in the making, and in which wave each session was last; empty before
    /// it is first asked for.
    wave: (Vec<u32>, Vec<u32>),
    waves: u64,
    last: Vec<u64>,
    row: Vec<f32>,
}

impl Pool {
    /// A pool without sessions.
    pub fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            states: Vec::new(),
            places: 0,
            free: Vec::new(),
            scratch: Scratch::default(),
            wave: (Vec::new(), Vec::new()),
            waves: 0,
            last: Vec::new(),
            row: Vec::new(),
        }
    }

    /// The network.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// How many sessions are open.
    pub fn len(&self) -> usize {
        self.places - self.free.len()
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
        let slot = Slot::of(self.places).expect("fewer than 2^32 sessions");
        let len = self.stream.state_len();
        if self.states.capacity() - self.states.len() < len {
            self.states.reserve_exact(len * (self.places / GROWTH).max(LEAST_GROWTH));
        }
        self.states.extend_from_slice(self.stream.initial());
        self.places += 1;
        slot
    }

    /// Closes a session; its slot is another's from now on.
    pub fn close(&mut self, slot: Slot) {
        debug_assert!(self.free.len() < self.places, "a session is closed once");
        self.free.push(slot);
    }

    /// Back to before the first call.
    pub fn reset(&mut self, slot: Slot) {
        let len = self.stream.state_len();
        self.states[slot.place() * len..][..len].copy_from_slice(self.stream.initial());
    }

    /// Reads the next call of a session.
    pub fn push(&mut self, slot: Slot, token: u32) {
        self.stream.advance(&mut self.scratch, &mut self.states, &[slot.number()], &[token]);
    }

    /// Reads calls of many sessions, each session's in the order in which they stand. States come out as if
    /// every call had been pushed alone; recurrent layers do several sessions at a time, which is faster.
    pub fn push_all(&mut self, calls: &[(Slot, u32)]) {
        self.waves += 1;
        self.last.resize(self.places, 0);
        for &(slot, token) in calls {
            let session = slot.number();
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

    /// Reads calls of one session, and from the `from`-th of them on (counted from 0) tells after each its place
    /// and the class probabilities so far: those of [`Pool::push`] and [`Pool::scores`].
    pub fn read(&mut self, slot: Slot, tokens: &[u32], from: usize, each: &mut dyn FnMut(usize, &[f32])) {
        let len = self.stream.state_len();
        let state = &mut self.states[slot.place() * len..][..len];
        let mut row = std::mem::take(&mut self.row);
        row.resize(self.stream.classes(), 0.0);
        for (place, token) in tokens.iter().enumerate() {
            self.stream.advance(&mut self.scratch, state, &[0], std::slice::from_ref(token));
            if place >= from {
                self.stream.scores(&mut self.scratch, state, &mut row);
                each(place, &row);
            }
        }
        self.row = row;
    }

    /// Class probabilities of the calls that a session has read.
    ///
    /// # Panics
    /// If `into` has not one place a class.
    pub fn scores(&mut self, slot: Slot, into: &mut [f32]) {
        let len = self.stream.state_len();
        let state = &self.states[slot.place() * len..][..len];
        self.stream.scores(&mut self.scratch, state, into);
    }
}
