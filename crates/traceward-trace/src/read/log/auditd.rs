//! auditd's log: `type=SYSCALL msg=audit(TIME:SERIAL): arch=c000003e syscall=59 … pid=1172 …`.
//!
//! Only `SYSCALL` records are calls; what belongs to them (`PATH`, `CWD`, `EXECVE`, `PROCTITLE`) is passed
//! over. `arch` says whose number it is. Threads are not in the log: `pid` is the kernel's, a thread's own
//! number, which is what is wanted. `node=`, which auditd writes where several hosts send to one log, tells
//! hosts apart. `ausearch -i` writes the same with names and a date, the kernel's own log with `audit: type=1300
//! audit(…)`.
//!
//! Records of several processors may come out of order, so calls are put in order by time and serial. The
//! serial wraps after 2^32 - 1 and begins anew with a boot ([`serials`]).
//!
//! What is missing between the serials was lost or left out of the log. Nothing says of which thread it was,
//! and not even that it was a call: it becomes a note in the report, as does what the kernel says of records that it
//! lost (`audit_lost=`).

mod serials;

use std::collections::HashMap;

use self::serials::Serials;
use super::{Entered, Reader, Said, number};
use crate::read::calls::Reason;

/// Serials are followed for this many hosts.
const MOST_HOSTS: usize = 1 << 12;

/// Reads auditd's records.
#[derive(Debug, Default)]
pub(super) struct Auditd {
    /// By host; `None` where lines name none.
    serials: HashMap<Option<Box<str>>, Serials>,
    /// What the kernel says it lost, the highest count.
    lost: u64,
}

/// A line's parts.
struct Record<'l> {
    host: Option<&'l str>,
    kind: &'l [u8],
    /// All that follows `audit(`, if there is one.
    stamped: Option<&'l [u8]>,
}

/// Whether a line is auditd's.
pub(super) fn is_line(line: &[u8]) -> bool {
    record(line).is_some_and(|record| record.stamped.is_some())
}

/// What stands before `type=`, such as a date or `kernel: audit:`, is passed over.
fn record(line: &[u8]) -> Option<Record<'_>> {
    let start = find(line, b"type=").filter(|&start| start == 0 || line[start - 1] == b' ')?;
    let host = line[..start]
        .split(u8::is_ascii_whitespace)
        .find_map(|word| word.strip_prefix(b"node="))
        .and_then(|host| std::str::from_utf8(host).ok());
    let rest = &line[start + 5..];
    let end = rest.iter().position(u8::is_ascii_whitespace)?;
    let after = rest[end..].trim_ascii_start();
    let stamped = after.strip_prefix(b"msg=").unwrap_or(after);
    if stamped.len() == after.len() && !after.starts_with(b"audit(") {
        return None;
    }
    Some(Record { host, kind: &rest[..end], stamped: stamped.strip_prefix(b"audit(") })
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

/// Milliseconds and serial of `1492037289.295:49)` and of `04/12/2017 18:48:09.295:49)`. Milliseconds of a
/// date count from no moment that has a name: they order, and no more.
fn stamp(text: &[u8]) -> Option<(u64, u32)> {
    let end = text.iter().take(64).position(|&b| b == b')')?;
    let serial = text[..end].iter().rposition(|&b| b == b':')?;
    let (time, serial) = (&text[..serial], u32::try_from(number(&text[serial + 1..end])?).ok()?);
    let mut parts = [0; 7];
    let mut count = 0;
    for part in time.split(|b| matches!(b, b'.' | b'/' | b' ' | b':')) {
        *parts.get_mut(count)? = number(part)?;
        count += 1;
    }
    let milliseconds = match (count, parts) {
        (2, [seconds, fraction, ..]) => seconds.checked_mul(1000)?.checked_add(fraction)?,
        (7, [month, day, year, hour, minute, second, fraction]) => {
            let within = [(year, 12), (month, 31), (day, 24), (hour, 60), (minute, 60), (second, 1000)];
            let sum = |sum: u64, (part, next): (u64, u64)| sum.checked_add(part)?.checked_mul(next);
            within.into_iter().try_fold(0, sum)?.checked_add(fraction)?
        }
        _ => return None,
    };
    Some((milliseconds, serial))
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

impl Auditd {
    /// Time above, unwrapped serial below.
    fn order(&mut self, host: Option<&str>, (milliseconds, serial): (u64, u32)) -> u128 {
        let host = host.map(Box::from);
        let number = if self.serials.len() < MOST_HOSTS || self.serials.contains_key(&host) {
            self.serials.entry(host).or_default().unwrapped(milliseconds, serial)
        } else {
            i64::from(serial)
        };
        (u128::from(milliseconds) << 64) | u128::from(number.wrapping_sub(i64::MIN) as u64)
    }
}

impl Reader for Auditd {
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason> {
        let Some(Record { host, kind, stamped }) = record(line) else {
            if let Some(place) = find(line, b"audit_lost=") {
                let count = line[place + 11..].split(|b| !b.is_ascii_digit()).next().and_then(number);
                self.lost = self.lost.max(count.unwrap_or_default());
                return Ok(Said::Nothing);
            }
            return Err("The line is no record of auditd's: it has no type and msg.".into());
        };
        // In numbers, as the netlink protocol has it.
        let is_call = matches!(kind, b"SYSCALL" | b"1300");
        let stamp = stamped.and_then(stamp);
        // The daemon's own records have a count of their own.
        let order = stamp.filter(|_| !kind.starts_with(b"DAEMON_")).map(|stamp| self.order(host, stamp));
        if !is_call {
            return Ok(Said::Nothing);
        }
        let (Some(rest), Some(order)) = (stamped, order) else {
            return Err("The record has no time and serial.".into());
        };
        let (Some(call), Some(pid)) = (value(rest, b"syscall="), value(rest, b"pid=").and_then(number))
        else {
            return Err("The record has no syscall or no pid.".into());
        };
        let arch = value(rest, b"arch=").unwrap_or_default();
        let abi = abi(arch).ok_or_else(|| {
            format!("The record is of arch {}, which is not known here.", String::from_utf8_lossy(arch))
        })?;
        Ok(Said::Call(Entered {
            thread: pid,
            call,
            order,
            abi: Some(abi),
            host,
            group: host,
            ..Entered::default()
        }))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let (mut missing, mut holes) = (0, 0);
        for serials in self.serials.values() {
            let (more, places) = serials.missing();
            missing += more;
            holes += places;
        }
        if missing > 0 {
            notes.push(format!(
                "By their serial numbers {missing} events are missing, in {holes} places: the log was filtered, or \
                 records were lost. Which threads they were of is not known."
            ));
        }
        if self.lost > 0 {
            notes.push(format!("The kernel says that it lost {} audit records.", self.lost));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_both_kinds() {
        assert_eq!(stamp(b"1492037289.295:49): x"), Some((1_492_037_289_295, 49)));
        let date = |text: &str| stamp(text.as_bytes()).unwrap().0;
        assert!(date("04/12/2017 18:48:09.295:49) :") < date("04/12/2017 18:48:10.000:1)"));
        assert!(date("12/31/2017 23:59:59.999:1)") < date("01/01/2018 00:00:00.000:1)"));
        for bad in
            ["1492037289.295:4294967296)", "1.2)", "1.2:3", "a.2:3)", "1:2)", "99999999999999999999.1:2)"]
        {
            assert_eq!(stamp(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_kernels_losses_and_records_without_a_stamp() {
        let mut reader = Auditd::default();
        let lines: [&[u8]; 3] = [
            b"audit: audit_lost=3 audit_rate_limit=0 audit_backlog_limit=64",
            b"type=UNKNOWN[1329] msg=?",
            b"[ 1.2] audit: audit_lost=17 audit_rate_limit=0 audit_backlog_limit=64",
        ];
        for line in lines {
            assert_eq!(reader.line(line), Ok(Said::Nothing));
        }
        assert_eq!(reader.notes(), ["The kernel says that it lost 17 audit records."]);
        assert!(reader.line(b"type=SYSCALL msg=?").is_err());
    }

    #[test]
    fn other_writers_lines() {
        let mut reader = Auditd::default();
        let mut call = |line: &'static str| match reader.line(line.as_bytes()) {
            Ok(Said::Call(entered)) => (entered.thread, entered.call, entered.host, entered.abi),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(
            call(
                "node=web-1 type=SYSCALL msg=audit(1.002:3): arch=40000003 syscall=5 ppid=1 pid=7 key=\"x\""
            ),
            (7, b"5".as_slice(), Some("web-1"), Some("i386"))
        );
        assert_eq!(
            call(
                "[   12.3] audit: type=1300 audit(1.002:4): arch=c00000b7 syscall=56 ppid=1 pid=8 comm=\"a\""
            ),
            (8, b"56".as_slice(), None, Some("aarch64"))
        );
        assert_eq!(
            call(
                "type=SYSCALL msg=audit(04/12/2017 18:48:09.295:49) : arch=x86_64 syscall=connect success=no pid=9 "
            ),
            (9, b"connect".as_slice(), None, Some("x86_64"))
        );
    }
}
