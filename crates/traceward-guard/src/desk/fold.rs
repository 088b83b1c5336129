//! Alerts of one kind within a window, folded into one.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use traceward_detect::verdict::Word;

use crate::{Alert, Kind};

/// What makes two alerts alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Like {
    verdict: Word,
    family: Option<String>,
    who: Who,
    container: Option<String>,
    uid: Option<u32>,
}

/// Whose alerts are alike. What is not known is never taken for the same: without a program the name serves,
/// and without a name only the process itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Exe(String),
    Comm(String),
    Pid(Option<u32>),
}

impl Like {
    fn of(alert: &Alert) -> Self {
        let process = &alert.process;
        let who = match (&process.exe, &process.comm) {
            (Some(exe), _) => Who::Exe(exe.clone()),
            (None, Some(comm)) => Who::Comm(comm.clone()),
            (None, None) => Who::Pid(process.pid),
        };
        Self {
            verdict: alert.verdict,
            family: alert.family.clone(),
            who,
            container: process.container.clone(),
            uid: process.uid,
        }
    }
}

/// What fell into a window.
#[derive(Debug, Default)]
struct Window {
    /// The one that is told for all.
    pending: Option<Alert>,
    /// How many.
    alerts: u64,
}

impl Window {
    /// The alert that is told for all.
    fn told(self) -> Option<Alert> {
        self.pending.map(|alert| Alert { folded: self.alerts - 1, ..alert })
    }
}

/// The windows that are open, at most so many.
#[derive(Debug)]
pub(super) struct Folds {
    windows: HashMap<Like, Window>,
    /// Windows by their ends, which come in order since all are of one length.
    ends: VecDeque<(Duration, Like)>,
    most: usize,
    pending: u64,
}

/// The first alert of its kind, which opened a window.
pub(super) struct First {
    pub(super) alert: Alert,
    /// What was pending in the window that made room.
    pub(super) evicted: Option<Alert>,
}

impl Folds {
    pub(super) fn new(most: usize) -> Self {
        Self { windows: HashMap::new(), ends: VecDeque::new(), most: most.max(1), pending: 0 }
    }

    pub(super) fn pending(&self) -> u64 {
        self.pending
    }

    /// Takes an alert and counts it, unless it is the first of its kind; a window that it opens ends at `end`.
    pub(super) fn take(&mut self, alert: Alert, end: Duration) -> Option<First> {
        let like = Like::of(&alert);
        if let Some(window) = self.windows.get_mut(&like) {
            window.alerts += 1;
            self.pending += 1;
            // The last word counts, but no update outranks an alarm.
            let outranked = alert.kind != Kind::Alarm
                && window.pending.as_ref().is_some_and(|pending| pending.kind == Kind::Alarm);
            if !outranked {
                window.pending = Some(alert);
            }
            return None;
        }
        let evicted = if self.windows.len() >= self.most { self.close_oldest() } else { None };
        self.open(like, end);
        Some(First { alert, evicted })
    }

    /// What is pending in a window that has ended by `now`. Told, it opens the next, which ends at `end`; with
    /// [`Duration::MAX`] for both it is the last.
    pub(super) fn due(&mut self, now: Duration, end: Duration) -> Option<Alert> {
        while self.ends.front().is_some_and(|(at, _)| *at <= now) {
            let (_, like) = self.ends.pop_front()?;
            let window = self.windows.remove(&like)?;
            self.pending -= window.alerts;
            if let Some(alert) = window.told() {
                if now != Duration::MAX {
                    self.open(like, end);
                }
                return Some(alert);
            }
        }
        None
    }

    fn open(&mut self, like: Like, end: Duration) {
        self.windows.insert(like.clone(), Window::default());
        self.ends.push_back((end, like));
    }

    fn close_oldest(&mut self) -> Option<Alert> {
        let (_, like) = self.ends.pop_front()?;
        let window = self.windows.remove(&like)?;
        self.pending -= window.alerts;
        window.told()
    }
}
