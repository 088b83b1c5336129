//! How long to wait before a receiver is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The longest that a receiver may ask for: what it says may be a mistake, and alerts are for today.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The pause after so many failures in a row: doubled with each, and of that a random part between the half and
/// the whole, so that a hundred guards do not come back at once. `random` is anything below 2^64.
pub(super) fn pause(failures: u32, first: Duration, longest: Duration, random: u64) -> Duration {
    let doubled = first.saturating_mul(1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX)).min(longest);
    let share = 0.5 + 0.5 * (random as f64 / u64::MAX as f64);
    doubled.mul_f64(share)
}

/// A number that differs between hosts and moments: the keys that maps are hashed with.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// What `Retry-After` asks for (RFC 9110, 10.2.3): seconds, or a date.
pub(super) fn asked(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    let header = header.trim();
    let asked = match header.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = DateTime::parse_from_rfc2822(header).ok()?;
            (until.with_timezone(&Utc) - now).to_std().unwrap_or(Duration::ZERO)
        }
    };
    Some(asked.min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let at = |failures, random| {
            pause(failures, Duration::from_secs(1), Duration::from_secs(300), random).as_millis()
        };
        assert_eq!((at(0, u64::MAX), at(0, 0)), (1_000, 500));
        assert_eq!((at(3, u64::MAX), at(3, 0)), (8_000, 4_000));
        assert_eq!((at(30, u64::MAX), at(u32::MAX, 0)), (300_000, 150_000));
    }

    #[test]
    fn seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T15:40:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(asked(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(asked("Mon, 23 Nov 2026 15:41:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(asked("Mon, 23 Nov 2026 15:39:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(asked("99999999", now), Some(LONGEST_ASKED));
        assert_eq!(asked("soon", now), None);
    }
}
