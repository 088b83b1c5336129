//! From the kernel's monotonic clock, by which events are timed, to the wall clock, by which people read them.
//!
//! What lies between the two is asked anew each time: a wall clock that was set, or that a time server moved,
//! is followed, and only what was written before keeps the old time.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};

/// Now, by the monotonic clock, in nanoseconds: the clock of [`crate::Event`]s.
pub fn monotonic() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec of our own; the call writes it and keeps no pointer to it.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    debug_assert_eq!(failed, 0, "every Linux has this clock");
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// Now, by the wall clock, in nanoseconds since 1970.
pub fn wall() -> i64 {
    let nanos = |span: std::time::Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}

/// What the wall clock showed, or will show, when the monotonic clock shows `at` nanoseconds; in nanoseconds
/// since 1970.
pub fn wall_of(at: u64) -> i64 {
    let (wall, now) = (wall(), monotonic());
    let ago = i128::from(now) - i128::from(at);
    i64::try_from(i128::from(wall) - ago).unwrap_or(wall)
}

/// Nanoseconds since 1970 as RFC 3339 writes them, in UTC, with milliseconds: `2026-11-23T15:40:00.123Z`.
pub fn rfc3339(unix: i64) -> String {
    DateTime::from_timestamp_nanos(unix).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The same, for names of files: `20261123T154000Z`. Names sort as times do.
pub fn compact(unix: i64) -> String {
    DateTime::from_timestamp_nanos(unix).format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let unix = 1_795_448_400_123_456_789;
        assert_eq!(rfc3339(unix), "2026-11-23T15:40:00.123Z");
        assert_eq!(compact(unix), "20261123T154000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn moments_keep_their_distance() {
        let now = monotonic();
        let (a, b) = (wall_of(now), wall_of(now + 5_000_000_000));
        // Between the two questions the wall clock may have been moved, but hardly by a second.
        assert!((b - a - 5_000_000_000).abs() < 1_000_000_000, "{a} {b}");
        assert!(monotonic() >= now);
        assert!(wall_of(0) <= wall());
    }
}
