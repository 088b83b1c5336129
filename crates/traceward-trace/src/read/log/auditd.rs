//! auditd's log: `type=SYSCALL msg=audit(TIME:SERIAL): arch=c000003e syscall=59 … pid=1172 …`.
//!
//! Only `SYSCALL` records are calls; what belongs to them (`PATH`, `CWD`, `EXECVE`, `PROCTITLE`) is passed
//! over. `arch` says whose number it is. Records of several processors may come out of order, so calls are
//! put in order by time and serial; the serial goes back to 0 after 2^32 - 1, so time comes first. Threads
//! are not in the log: `pid` is the kernel's, a thread's own number, which is what is wanted.

use super::{Entered, Reader, Said, number};
use crate::read::calls::Reason;

/// Reads auditd's records.
#[derive(Debug)]
pub(super) struct Auditd;

/// Whether a line is auditd's.
pub(super) fn is_line(line: &[u8]) -> bool {
    record(line).is_some()
}

/// A record's type and all that follows its `msg=audit(`; what `ausearch` and journals put before it
/// (`node=…`, a date) is left out.
fn record(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = find(line, b"type=")?;
    let rest = &line[start + 5..];
    let end = rest.iter().position(u8::is_ascii_whitespace)?;
    let message = find(&rest[end..], b"msg=audit(")?;
    Some((&rest[..end], &rest[end + message + 10..]))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The value of ` KEY=` in a record.
fn value<'l>(record: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    let mut from = 0;
    while let Some(place) = find(&record[from..], key) {
        let start = from + place;
        if start > 0 && record[start - 1] == b' ' {
            let rest = &record[start + key.len()..];
            let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            return Some(&rest[..end]);
        }
        from = start + key.len();
    }
    None
}

/// Time in milliseconds above, serial below: time alone orders records of different moments. A serial
/// that began again within one millisecond does not.
fn order(stamp: &[u8]) -> Option<u64> {
    let end = stamp.iter().position(|&b| b == b')')?;
    let mut parts = stamp[..end].split(|b| matches!(b, b'.' | b':'));
    let (seconds, fraction, serial) =
        (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    // Milliseconds since 1970 take 41 bits; the serial's low 23 tell records of a moment apart.
    Some((seconds.saturating_mul(1000).saturating_add(fraction) << 23) | (serial & 0x7f_ffff))
}

/// The name of an ABI, by the kernel's `AUDIT_ARCH_…`.
fn abi(arch: &[u8]) -> Option<&'static str> {
    match arch {
        b"c000003e" | b"x86_64" => Some("x86_64"),
        b"40000003" | b"i386" | b"i686" => Some("i386"),
        b"c00000b7" | b"aarch64" => Some("aarch64"),
        _ => None,
    }
}

impl Reader for Auditd {
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason> {
        let (kind, rest) =
            record(line).ok_or("The line is no record of auditd's: it has no type and msg.")?;
        // In numbers, as the netlink protocol has it.
        if kind != b"SYSCALL" && kind != b"1300" {
            return Ok(Said::Nothing);
        }
        let (Some(call), Some(pid)) = (value(rest, b"syscall="), value(rest, b"pid=").and_then(number))
        else {
            return Err("The record has no syscall or no pid.".into());
        };
        let arch = value(rest, b"arch=").unwrap_or_default();
        let abi = abi(arch).ok_or_else(|| {
            format!("The record is of arch {}, which is not known here.", String::from_utf8_lossy(arch))
        })?;
        let order = order(rest).ok_or("The record has no time and serial.")?;
        Ok(Said::Call(Entered { thread: pid, call, order, abi: Some(abi), ..Entered::default() }))
    }
}
