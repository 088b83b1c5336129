//! strace's text, whatever its options: `-f`, `-ff`, `-t`, `-tt`, `-ttt`, `-r`, `-T`, `-y`, `-n`, `-k`, `-i`, `-Y`.
//!
//! A line is `PID<COMM> TIME [NUMBER] [POINTER] NAME(…`, of which all but the name may be absent. What stands in the parentheses is passed over. A call that
//! another thread interrupts is written in two halves, `NAME(… <unfinished ...>` and
//! `<... NAME resumed>…`: the first counts, and the second only if the log began between the two. strace's own
//! word on a new thread breaks a line too: `clone3({…}strace: Process 7 attached`, and later
//! ` => {parent_tid=[7]}, 88) = 7`. A thread that starts another program takes the number of its process:
//! `+++ superseded by execve in pid 9 +++`, and the second half of the call comes by that number.
//!
//! On a terminal strace leaves the thread out as long as there is one. The first number that was never said to
//! be attached is then the thread's that was there from the beginning.

use std::collections::HashSet;

use super::{Entered, Reader, Said, is_name, number};
use crate::read::calls::Reason;

/// What must be known from line to line.
#[derive(Debug, Default)]
pub(super) struct Strace {
    /// The thread of lines without one: the file's, as `-ff` names it.
    thread: u64,
    /// Threads inside a call whose first half was read.
    unfinished: HashSet<u64>,
    /// Threads that strace said it attached to.
    attached: HashSet<u64>,
    /// A line had no thread.
    unnumbered: bool,
    /// The number of the thread that lines without one are of.
    first: Option<u64>,
    /// strace's own word broke the last line: the next may be its end.
    broken: bool,
}

impl Strace {
    /// A reader of the file `name`, whose last part `-ff` makes the thread: `trace.21411`.
    pub(super) fn of_file(name: &str) -> Self {
        let thread = name.rsplit('.').next().and_then(|end| number(end.as_bytes())).unwrap_or_default();
        Self { thread, ..Self::default() }
    }

    /// The thread of a line.
    fn thread(&mut self, said: Option<u64>) -> u64 {
        let Some(number) = said else {
            self.unnumbered = true;
            return self.thread;
        };
        if self.unnumbered && self.first.is_none() && !self.attached.contains(&number) {
            self.first = Some(number);
        }
        if self.first == Some(number) { self.thread } else { number }
    }
}

/// A line's parts.
struct Parts<'l> {
    thread: Option<u64>,
    body: Body<'l>,
}

/// What a line tells of.
enum Body<'l> {
    Call {
        name: &'l [u8],
        unfinished: bool,
    },
    Resumed {
        name: &'l [u8],
    },
    Gone,
    /// Another thread's `execve` took this number.
    Superseded,
    Other,
}

/// Whether a line is strace's.
pub(super) fn is_line(line: &[u8]) -> bool {
    is_stack(line) || parts(line).is_some()
}

/// What `-k` writes below each call, ` > /lib/x86_64/libc.so.6(write+0x17) [0xe7]`.
fn is_stack(line: &[u8]) -> bool {
    line.starts_with(b" > ") && line.ends_with(b"]")
}

fn parts(line: &[u8]) -> Option<Parts<'_>> {
    let mut rest = line.trim_ascii_start();
    let mut thread = None;
    if let Some(inner) = rest.strip_prefix(b"[pid") {
        // As strace writes to a terminal.
        let (pid, after) = pid(inner.trim_ascii_start())?;
        (thread, rest) = (Some(pid), after.strip_prefix(b"]")?.trim_ascii_start());
    } else if let Some((pid, after)) = pid(rest)
        && after.first().is_some_and(u8::is_ascii_whitespace)
    {
        (thread, rest) = (Some(pid), after.trim_ascii_start());
    }
    while let Some(after) = past_prefix(rest) {
        rest = after.trim_ascii_start();
    }
    Some(Parts { thread, body: body(rest)? })
}

/// A thread's number, with its name behind it under `-Y`: `7<my cmd>`.
fn pid(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|b| !b.is_ascii_digit())?;
    let pid = number(&text[..end])?;
    let after = &text[end..];
    if after.first() != Some(&b'<') {
        return Some((pid, after));
    }
    let close = after.windows(2).position(|w| w[0] == b'>' && matches!(w[1], b' ' | b']'))?;
    Some((pid, &after[close + 1..]))
}

/// What follows a time, a time since the last line, a call's number or an instruction pointer.
fn past_prefix(text: &[u8]) -> Option<&[u8]> {
    let (inner, close) = match text.first()? {
        b'[' => (&text[1..], b']'),
        b'(' => (text.strip_prefix(b"(+")?, b')'),
        _ => {
            let end = text.iter().position(u8::is_ascii_whitespace)?;
            let is_time = text[..end].iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':'))
                && text[..end].iter().any(|b| matches!(b, b'.' | b':'));
            return is_time.then(|| &text[end..]);
        }
    };
    let end = inner.iter().position(|&b| b == close)?;
    let fits = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b' ' | b'?' | b'.');
    inner[..end].iter().all(fits).then(|| &inner[end + 1..])
}

fn body(rest: &[u8]) -> Option<Body<'_>> {
    if let Some(inner) = rest.strip_prefix(b"<... ") {
        let end = inner.iter().position(|&b| b == b' ')?;
        return (inner[end..].starts_with(b" resumed") && is_name(&inner[..end]))
            .then_some(Body::Resumed { name: &inner[..end] });
    }
    if rest.starts_with(b"+++ ") {
        return Some(if rest.starts_with(b"+++ exited") || rest.starts_with(b"+++ killed") {
            Body::Gone
        } else if rest.starts_with(b"+++ superseded") {
            Body::Superseded
        } else {
            Body::Other
        });
    }
    // The end of a line that something broke.
    let is_end = rest.starts_with(b")") && has(rest, b" = ");
    if rest.starts_with(b"--- ") || rest.starts_with(b"strace: ") || is_end {
        return Some(Body::Other);
    }
    let end = rest.iter().position(|&b| b == b'(')?;
    let name = &rest[..end];
    let unfinished =
        rest.ends_with(b"<unfinished ...>") || rest.ends_with(b"<detached ...>") || attached(rest).is_some();
    let whole = unfinished || has(rest, b"= ");
    // `syscall_0x1c7(` is a number that this strace has no name for.
    (whole && is_name(name)).then_some(Body::Call { name, unfinished })
}

/// The thread that strace says it attached to.
fn attached(line: &[u8]) -> Option<u64> {
    let before = line.strip_suffix(b" attached")?;
    let start = before.iter().rposition(|&b| b == b' ')?;
    before[..start].ends_with(b"strace: Process").then(|| number(&before[start + 1..]))?
}

fn has(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}

impl Reader for Strace {
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason> {
        if is_stack(line) {
            return Ok(Said::Nothing);
        }
        let attached = attached(line);
        self.attached.extend(attached);
        if line.starts_with(b"strace: ") {
            return Ok(Said::Nothing);
        }
        let broken = std::mem::replace(&mut self.broken, attached.is_some());
        let Some(parts) = parts(line) else {
            let other = "The line is not strace's: it has no call, signal or exit.";
            return if broken { Ok(Said::Nothing) } else { Err(other.into()) };
        };
        let thread = self.thread(parts.thread);
        let enter = |name| Ok(Said::Call(Entered { thread, call: name, ..Entered::default() }));
        match parts.body {
            Body::Call { name, unfinished } => {
                if unfinished {
                    self.unfinished.insert(thread);
                } else {
                    self.unfinished.remove(&thread);
                }
                enter(name)
            }
            Body::Resumed { name } => {
                if self.unfinished.remove(&thread) {
                    Ok(Said::Nothing)
                } else {
                    enter(name)
                }
            }
            Body::Gone => {
                self.unfinished.remove(&thread);
                Ok(Said::Exit(thread.into()))
            }
            Body::Superseded => {
                self.unfinished.insert(thread);
                Ok(Said::Exit(thread.into()))
            }
            Body::Other => Ok(Said::Nothing),
        }
    }
}
