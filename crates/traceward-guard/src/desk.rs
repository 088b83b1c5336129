//! What stands between an alert and the people who are told: suppressions, folding, a limit on the rate.
//!
//! ```text
//! alert -> suppressed? -> the like of it told within the window? -> a token left? -> told
//!          counted        folded, told with the next or at its end  held back, told in a summary
//! ```
//!
//! An attack of a thousand processes is one thing to look at, and a desk that passes a thousand lines on is
//! switched off by its second day. But nothing is dropped in silence: what is folded is counted in the next
//! alert of its like, what is held back in a [`Held`], and both in [`Counts`].
//!
//! Time is passed in, as long as it has run since any fixed moment.

mod bucket;
mod fold;
mod held;

use std::time::Duration;

use self::bucket::Bucket;
use self::fold::{First, Folds};
pub use self::held::{Group, Held};
use crate::Alert;
use crate::suppress::Suppressions;

/// How alerts pass a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// For how long the like of an alert is folded; zero folds nothing.
    pub window: Duration,
    /// How many alerts pass a minute in the long run.
    pub per_minute: u32,
    /// How many pass at once.
    pub burst: u32,
    /// How many kinds of alerts are remembered; room for another is made by telling what is pending of the
    /// oldest.
    pub kinds: usize,
}

impl Default for Options {
    /// A minute's window; 60 a minute, 20 at once, which a person and a ticket system bear.
    fn default() -> Self {
        Self { window: Duration::from_secs(60), per_minute: 60, burst: 20, kinds: 4096 }
    }
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is told.
    Told,
    /// The like of it was told within the window: it is counted, and told when the window ends.
    Folded,
    /// Too many were told: it is counted in a summary.
    Held,
    /// The rule of this number, from 1, silences it.
    Suppressed(usize),
}

/// What goes out.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// An alert.
    Alert(Box<Alert>),
    /// A summary of alerts held back.
    Held(Box<Held>),
}

/// How many alerts took which way; those that still wait, [`Desk::pending`], have taken none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed on.
    pub told: u64,
    /// Counted in another alert.
    pub folded: u64,
    /// Counted in a summary.
    pub held: u64,
    /// Silenced.
    pub suppressed: u64,
}

/// Decides which alerts go out.
#[derive(Debug)]
pub struct Desk {
    options: Options,
    suppressions: Suppressions,
    folds: Folds,
    bucket: Bucket,
    held: Option<Box<Held>>,
    /// When the open summary was begun, and when an alert was held back last.
    held_since: Duration,
    held_last: Duration,
    counts: Counts,
}

/// A summary is told once nothing was held back for as long.
const QUIET: Duration = Duration::from_secs(10);

/// And this often while it goes on.
const AT_LEAST: Duration = Duration::from_secs(60);

impl Desk {
    /// A desk on which nothing lies.
    pub fn new(options: Options, suppressions: Suppressions) -> Self {
        Self {
            folds: Folds::new(options.kinds),
            bucket: Bucket::new(options.per_minute, options.burst),
            options,
            suppressions,
            held: None,
            held_since: Duration::ZERO,
            held_last: Duration::ZERO,
            counts: Counts::default(),
        }
    }

    /// Takes an alert, and tells what is due now: this one, perhaps, and what other windows' ends bring.
    pub fn alert(&mut self, alert: Alert, now: Duration, tell: &mut dyn FnMut(Told)) -> Decision {
        self.tick(now, tell);
        if let Some(rule) = self.suppressions.silences(&alert) {
            self.counts.suppressed += 1;
            return Decision::Suppressed(rule);
        }
        if self.options.window.is_zero() {
            return self.pass(alert, now, tell);
        }
        let Some(First { alert, evicted }) = self.folds.take(alert, now + self.options.window) else {
            return Decision::Folded;
        };
        if let Some(evicted) = evicted {
            self.counts.folded += evicted.folded;
            self.pass(evicted, now, tell);
        }
        self.pass(alert, now, tell)
    }

    /// Tells what is due by now: what was folded in windows that have ended, and summaries. To be called about
    /// once a second.
    pub fn tick(&mut self, now: Duration, tell: &mut dyn FnMut(Told)) {
        while let Some(pending) = self.folds.due(now, now + self.options.window) {
            self.counts.folded += pending.folded;
            self.pass(pending, now, tell);
        }
        let over =
            now.saturating_sub(self.held_last) >= QUIET || now.saturating_sub(self.held_since) >= AT_LEAST;
        if over && let Some(held) = self.held.take() {
            tell(Told::Held(held));
        }
    }

    /// Tells all that is pending, whatever the limit: the guard ends.
    pub fn finish(&mut self, tell: &mut dyn FnMut(Told)) {
        while let Some(pending) = self.folds.due(Duration::MAX, Duration::MAX) {
            self.counts.folded += pending.folded;
            self.counts.told += 1;
            tell(Told::Alert(Box::new(pending)));
        }
        if let Some(held) = self.held.take() {
            tell(Told::Held(held));
        }
    }

    /// The suppressions; reloaded, they apply to the alerts that come, and what is folded or held stays.
    pub fn suppressions(&mut self) -> &mut Suppressions {
        &mut self.suppressions
    }

    /// The suppressions, to look at.
    pub fn rules(&self) -> &Suppressions {
        &self.suppressions
    }

    /// How many alerts took which way.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many alerts wait to be told.
    pub fn pending(&self) -> u64 {
        self.folds.pending() + self.held.as_ref().map_or(0, |held| held.held)
    }

    fn pass(&mut self, alert: Alert, now: Duration, tell: &mut dyn FnMut(Told)) -> Decision {
        if self.bucket.take(now) {
            self.counts.told += 1;
            tell(Told::Alert(Box::new(alert)));
            return Decision::Told;
        }
        self.counts.held += 1;
        self.held_last = now;
        match &mut self.held {
            Some(held) => held.add(&alert),
            none => {
                self.held_since = now;
                *none = Some(Box::new(Held::new(&alert)));
            }
        }
        Decision::Held
    }
}

#[cfg(test)]
mod tests;
