//! Lines with a direction, `>` at a call's entry and `<` at its exit: sysdig's, and LID-DS's, which are
//! sysdig's.
//!
//! | written by | line |
//! |---|---|
//! | LID-DS 2021 (`.sc`) | `TIME_NS UID PID COMM TID CALL DIR ARGS` |
//! | LID-DS 2019 | `NUMBER HH:MM:SS.NS CPU UID COMM TID DIR CALL ARGS` |
//! | sysdig | `NUMBER HH:MM:SS.NS CPU COMM (TID) DIR CALL ARGS` |
//! | sysdig `-p '%thread.tid %evt.dir %syscall.type'` | `TID DIR CALL` |
//!
//! The direction is the first word that is one, so a name with blanks in it does no harm. An exit counts
//! only if its entry is missing, as it is where a recording begins inside a call. Lines of several
//! processors may come out of order by their time, and each thread's calls are put in order; a clock of the
//! day goes on after midnight. A child returns from a `clone` that it never entered: that is its parent's
//! call. Events that are no calls (`switch`, `signaldeliver`) are passed over; `drop`
//! says that events were dropped around it, and is counted.

use super::{Entered, Reader, Said, number};
use crate::read::calls::Reason;

/// What sysdig writes between the calls: its own names for what is no call.
const NO_CALLS: [&[u8]; 11] = [
    b"switch",
    b"signaldeliver",
    b"page_fault",
    b"procinfo",
    b"container",
    b"cpu_hotplug",
    b"notification",
    b"infra",
    b"tracer",
    b"pluginevent",
    b"scapevent",
];

/// Nanoseconds of a day.
const DAY: u64 = 24 * 3600 * 1_000_000_000;

/// Reads lines with a direction.
#[derive(Debug, Default)]
pub(super) struct Sysdig {
    /// The last time of a clock that begins anew every day, and the days before it.
    clock: Option<(u64, u128)>,
    drops: u64,
}

/// A line's parts.
struct Parts<'l> {
    thread: u64,
    call: &'l [u8],
    entry: bool,
    time: Time,
}

#[derive(Clone, Copy)]
enum Time {
    None,
    /// Nanoseconds since 1970.
    Absolute(u64),
    /// Nanoseconds of the day.
    OfDay(u64),
}

/// Whether a line has a direction and what belongs to it.
pub(super) fn is_line(line: &[u8]) -> bool {
    parts(line).is_some()
}

fn parts(line: &[u8]) -> Option<Parts<'_>> {
    let words: Vec<&[u8]> =
        line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(24).collect();
    let place = words.iter().position(|word| matches!(*word, b">" | b"<"))?;
    let entry = words[place] == b">";
    let before = words[place.checked_sub(1)?];
    let bracketed = before.strip_prefix(b"(").and_then(|word| word.strip_suffix(b")")).and_then(number);
    let after = words.get(place + 1).copied().filter(|word| is_call(word));
    let (thread, call, time) = match (place, bracketed, number(before)) {
        (1, _, Some(thread)) => (thread, after?, Time::None),
        (5.., Some(thread), _) => (thread, after?, Time::OfDay(clock(words[1])?)),
        // The last word before a direction is the call only where the first is a time.
        (6.., _, _) if words[0].len() >= 13 && number(words[place - 2]).is_some() && is_call(before) => {
            (number(words[place - 2])?, before, Time::Absolute(number(words[0])?))
        }
        (6.., _, Some(thread)) => (thread, after?, Time::OfDay(clock(words[1])?)),
        _ => return None,
    };
    Some(Parts { thread, call, entry, time })
}

/// A name, or a number that the tracer had no name for.
fn is_call(word: &[u8]) -> bool {
    super::is_name(word) || number(word).is_some()
}

/// Nanoseconds of the day in `HH:MM:SS.nnnnnnnnn`.
fn clock(word: &[u8]) -> Option<u64> {
    let mut parts = word.split(|b| matches!(b, b':' | b'.'));
    let (hours, minutes, seconds) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    let nanoseconds = parts.next().map_or(Some(0), number)?;
    let whole = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?;
    whole.checked_mul(1_000_000_000)?.checked_add(nanoseconds).filter(|time| *time < DAY)
}

impl Sysdig {
    /// The order of a time, from 1: 0 means none. A clock of the day that goes back by half a day has passed
    /// midnight, and one that goes on by half a day is a late line from before.
    fn order(&mut self, time: Time) -> u128 {
        match time {
            Time::None => 0,
            Time::Absolute(time) => u128::from(time) + 1,
            Time::OfDay(time) => {
                let (last, days) = self.clock.unwrap_or((time, 1));
                let days = if time + DAY / 2 < last {
                    days + 1
                } else if last + DAY / 2 < time {
                    days.saturating_sub(1)
                } else {
                    days
                };
                self.clock = Some((time, days));
                u128::from(DAY) * days + u128::from(time) + 1
            }
        }
    }
}

impl Reader for Sysdig {
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason> {
        let Parts { thread, call, entry, time } =
            parts(line).ok_or("The line has no direction, > or <, with a thread and a call beside it.")?;
        let order = self.order(time);
        if call == b"drop" {
            self.drops += 1;
            return Ok(Said::Nothing);
        }
        if NO_CALLS.contains(&call) {
            return Ok(Said::Nothing);
        }
        // A child's first event is its return from the call that made it, which its parent entered.
        if !entry && matches!(call, b"clone" | b"clone3" | b"fork" | b"vfork") {
            return Ok(Said::Nothing);
        }
        // sysdig's own event for a thread that is gone.
        if call == b"procexit" {
            return Ok(Said::Exit(thread.into()));
        }
        Ok(Said::Call(Entered { thread, call, exit: !entry, order, ..Entered::default() }))
    }

    fn notes(&self) -> Vec<String> {
        let note = || {
            format!("sysdig says {} times that it dropped events; of which threads is not known.", self.drops)
        };
        (self.drops > 0).then(note).into_iter().collect()
    }
}
