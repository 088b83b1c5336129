//! `perf trace`'s text, and `perf script`'s of the tracepoint `raw_syscalls:sys_enter`.
//!
//! ```text
//!      0.012 ( 0.004 ms): dd/12345 read(fd: 0, buf: 0x7ffd, count: 1)            = 1
//!      0.310 (         ): sleep/77 clock_nanosleep(rqtp: 0x7ffe)              ...
//!   1000.390 (1000.1 ms): sleep/77  ... [continued]: clock_nanosleep())           = 0
//! dd 12345 [001]  1234.567890: raw_syscalls:sys_enter: NR 0 (0, 7ffd, 1, 0, 0, 0)
//! ```
//!
//! A call that goes on (`...`) counts where it began; `[continued]` is its end, and counts only if the log began
//! between the two. A child returns from a `clone` that it never entered: that is its parent's call. `perf
//! script` leaves numbers, and says nothing of their ABI. `perf trace` writes how many events were lost, without
//! saying of which thread.

use std::collections::HashSet;

use super::{Entered, Reader, Said, is_name, number};
use crate::read::calls::Reason;

/// Reads perf's lines.
#[derive(Debug, Default)]
pub(super) struct Perf {
    /// Threads inside a call whose beginning was read.
    inside: HashSet<u64>,
    lost: u64,
}

/// Events that a line says were lost: `LOST 12 events!`.
fn lost(line: &[u8]) -> Option<u64> {
    let rest = &line[find(line, b"LOST ")? + 5..];
    let end = rest.iter().position(u8::is_ascii_whitespace)?;
    rest[end..].trim_ascii_start().starts_with(b"events").then(|| number(&rest[..end]))?
}

/// Whether a line is perf's.
pub(super) fn is_line(line: &[u8]) -> bool {
    traced(line).is_some() || scripted(line).is_some()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// A line of `perf trace`.
struct Traced<'l> {
    thread: u64,
    call: &'l [u8],
    /// It is the end of a call.
    continued: bool,
    /// The call goes on.
    unfinished: bool,
}

fn traced(line: &[u8]) -> Option<Traced<'_>> {
    let line = line.trim_ascii();
    let open = find(line, b" (")?;
    let time = line[..open].trim_ascii();
    if !(time == b"?" || time.iter().all(|b| b.is_ascii_digit() || *b == b'.')) {
        return None;
    }
    let rest = line[open..].trim_ascii_start();
    let close = find(rest, b"): ")?;
    let rest = &rest[close + 3..];
    // The command's name may hold blanks and slashes; a thread follows the last slash before the call.
    let paren = find(rest, b"(").unwrap_or(rest.len());
    let head = &rest[..paren];
    let slash = head.iter().rposition(|&b| b == b'/')?;
    let after = &head[slash + 1..];
    let end = after.iter().position(|b| !b.is_ascii_digit()).unwrap_or(after.len());
    let thread = number(&after[..end])?;
    let call = after[end..].trim_ascii();
    let ended = call.strip_prefix(b"... [continued]: ");
    let call = ended.unwrap_or(call);
    let (continued, unfinished) = (ended.is_some(), rest.ends_with(b" ..."));
    is_name(call).then_some(Traced { thread, call, continued, unfinished })
}

/// A line of `perf script`: thread and number.
fn scripted(line: &[u8]) -> Option<(u64, &[u8])> {
    let place = find(line, b"raw_syscalls:sys_enter: NR ")?;
    let call = line[place + 27..].split(|b| !b.is_ascii_digit()).next().filter(|call| !call.is_empty())?;
    // COMM PID/TID [CPU] TIME: or COMM TID [CPU] TIME:
    let mut before = line[..place].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).rev();
    let thread = before.find(|word| !word.ends_with(b":") && !word.starts_with(b"["))?;
    let thread = thread.rsplit(|&b| b == b'/').next()?;
    Some((number(thread)?, call))
}

impl Reader for Perf {
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason> {
        if let Some((thread, call)) = scripted(line) {
            return Ok(Said::Call(Entered { thread, call, ..Entered::default() }));
        }
        let Some(Traced { thread, call, continued, unfinished }) = traced(line) else {
            let more = lost(line).ok_or("The line is not perf's: it has no time, thread and call.")?;
            self.lost = self.lost.saturating_add(more);
            return Ok(Said::Nothing);
        };
        let was_inside = self.inside.remove(&thread);
        if unfinished {
            self.inside.insert(thread);
        }
        if continued && (was_inside || matches!(call, b"clone" | b"clone3" | b"fork" | b"vfork")) {
            return Ok(Said::Nothing);
        }
        Ok(Said::Call(Entered { thread, call, ..Entered::default() }))
    }

    fn notes(&self) -> Vec<String> {
        let lost = || {
            format!("perf says that it lost {} events. Which threads they were of is not known.", self.lost)
        };
        (self.lost > 0).then(lost).into_iter().collect()
    }
}
