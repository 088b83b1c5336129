//! What the tracer has heard and nobody has polled yet.
//!
//! Calls are gathered by task, up to [`BATCH`], and a poll takes all there are. When more than [`MOST`] wait, the
//! tracer does, and with it the command: nothing is lost.

use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Call, Comm, Event, Exec, Start, TaskId, clock};

/// Calls of a task that are passed on together.
const BATCH: usize = 128;

/// The most calls, and the most events, that wait to be polled.
const MOST: usize = 1 << 20;

/// An event that owns what it tells.
#[derive(Debug)]
pub(super) enum Kept {
    Start(Start),
    Exec { task: TaskId, at: u64, uid: u32, comm: Comm, exe: Vec<u8>, cmdline: Vec<u8> },
    Calls { task: TaskId, first: u64, at: u64, calls: Vec<Call> },
    Exit { task: TaskId, calls: u64, at: u64 },
}

impl Kept {
    pub(super) fn lent(&self) -> Event<'_> {
        match self {
            Self::Start(start) => Event::Start(*start),
            Self::Exec { task, at, uid, comm, exe, cmdline } => {
                Event::Exec(Exec { task: *task, at: *at, uid: *uid, comm: *comm, exe, cmdline, cgroup: 0 })
            }
            Self::Calls { task, first, at, calls } => {
                Event::Calls { task: *task, first: *first, at: *at, calls }
            }
            Self::Exit { task, calls, at } => Event::Exit { task: *task, calls: *calls, at: *at },
        }
    }
}

/// Between the thread that traces and the one that polls.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<Waiting>,
    news: Condvar,
    room: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Kept>,
    /// Where among `events` the calls of a task stand that has made no batch yet.
    begun: HashMap<TaskId, usize>,
    calls: usize,
    seen: u64,
    /// Something is worth waking whoever polls.
    wake: bool,
    ended: bool,
    exit_code: Option<i32>,
    /// Nobody polls any more.
    closed: bool,
    /// Processes that live.
    pids: HashSet<u32>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every change is done whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, once there is room for more.
    fn roomy(&self) -> MutexGuard<'_, Waiting> {
        let full = |state: &mut Waiting| (state.calls >= MOST || state.events.len() >= MOST) && !state.closed;
        self.room.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what happened to `task`; what it calls from now on is told after it.
    pub(super) fn add(&self, task: TaskId, event: Kept) {
        let mut state = self.roomy();
        state.begun.remove(&task);
        state.events.push(event);
        state.wake = true;
        self.news.notify_one();
    }

    /// Adds the call number `index` of `task`.
    pub(super) fn call(&self, task: TaskId, index: u64, call: Call) {
        let mut state = self.roomy();
        let Waiting { events, begun, calls, seen, wake, closed, .. } = &mut *state;
        if *closed {
            return;
        }
        *calls += 1;
        *seen += 1;
        let place = *begun.entry(task).or_insert_with(|| {
            events.push(Kept::Calls {
                task,
                first: index,
                at: clock::monotonic(),
                calls: Vec::with_capacity(BATCH),
            });
            events.len() - 1
        });
        let Kept::Calls { calls: batch, .. } = &mut events[place] else { return };
        batch.push(call);
        if batch.len() == BATCH {
            begun.remove(&task);
            *wake = true;
            self.news.notify_one();
        }
    }

    /// A process began or ended to live.
    pub(super) fn lives(&self, pid: u32, lives: bool) {
        let mut state = self.lock();
        if lives {
            state.pids.insert(pid);
        } else {
            state.pids.remove(&pid);
        }
    }

    pub(super) fn exited(&self, code: i32) {
        self.lock().exit_code = Some(code);
    }

    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.news.notify_one();
    }

    pub(super) fn closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for a batch or another event, at most `timeout`, and takes all there is; and whether that was all
    /// there ever will be.
    pub(super) fn take(&self, timeout: Duration) -> (Vec<Kept>, bool) {
        let idle = |state: &mut Waiting| !state.wake && !state.ended;
        let waited = self.news.wait_timeout_while(self.lock(), timeout, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.begun.clear();
        (state.calls, state.wake) = (0, false);
        self.room.notify_one();
        (std::mem::take(&mut state.events), state.ended)
    }

    /// Nobody will poll any more: the command is killed, with all that it started.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for &pid in &state.pids {
            super::kernel::kill(pid);
        }
        self.room.notify_one();
    }

    pub(super) fn seen(&self) -> u64 {
        self.lock().seen
    }

    pub(super) fn exit_code(&self) -> Option<i32> {
        self.lock().exit_code
    }
}
