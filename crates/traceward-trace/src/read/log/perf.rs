//! `perf trace`'s text, and `perf script`'s of the tracepoint `raw_syscalls:sys_enter`.
//!
//! ```text
//!      0.012 ( 0.004 ms): dd/12345 read(fd: 0, buf: 0x7ffd, count: 1)            = 1
//!      0.310 (         ): sleep/77 clock_nanosleep(rqtp: 0x7ffe)              ...
//!   1000.390 (1000.1 ms): sleep/77  ... [continued]: clock_nanosleep())           = 0
//! dd 12345 [001]  1234.567890: raw_syscalls:sys_enter: NR 0 (0, 7ffd, 1, 0, 0, 0)
//! ```
//!
//! A call that goes on (`...`) counts where it began; `[continued]` is its end. `perf script` leaves numbers,
//! and says nothing of their ABI.

use super::{Entered, Reader, Said, is_name, number};
use crate::read::calls::Reason;

/// Reads perf's lines.
#[derive(Debug)]
pub(super) struct Perf;

/// Whether a line is perf's.
pub(super) fn is_line(line: &[u8]) -> bool {
    traced(line).is_some() || scripted(line).is_some()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// A line of `perf trace`: thread, and the call unless it is the end of one.
fn traced(line: &[u8]) -> Option<(u64, Option<&[u8]>)> {
    let line = line.trim_ascii_start();
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
    if call.starts_with(b"...") {
        return Some((thread, None));
    }
    is_name(call).then_some((thread, Some(call)))
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
        match traced(line) {
            Some((thread, Some(call))) => Ok(Said::Call(Entered { thread, call, ..Entered::default() })),
            Some((_, None)) => Ok(Said::Nothing),
            None => Err("The line is not perf's: it has no time, thread and call.".into()),
        }
    }
}
