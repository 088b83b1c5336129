//! A token bucket: so many at once, so many a minute.

use std::time::Duration;

/// Tokens, each of which lets one alert pass.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Nanoseconds until the next token.
    every: u64,
    /// How many it holds.
    most: u64,
    /// Credit in nanoseconds, `every` of which are a token.
    credit: u64,
    last: Duration,
}

impl Bucket {
    /// A full bucket of `burst` tokens, which `per_minute` refill; both at least 1.
    pub(super) fn new(per_minute: u32, burst: u32) -> Self {
        let every = 60_000_000_000 / u64::from(per_minute.max(1));
        let most = u64::from(burst.max(1));
        Self { every, most, credit: every * most, last: Duration::ZERO }
    }

    /// Takes a token, if there is one. Time that runs backwards adds none.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.last);
        self.last = self.last.max(now);
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        self.credit = self.credit.saturating_add(passed).min(self.every * self.most);
        let taken = self.credit >= self.every;
        if taken {
            self.credit -= self.every;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let mut bucket = Bucket::new(60, 20);
        let taken = |bucket: &mut Bucket, at: u64, tries: u32| {
            (0..tries).filter(|_| bucket.take(Duration::from_millis(at))).count()
        };
        assert_eq!(taken(&mut bucket, 0, 50), 20);
        assert_eq!(taken(&mut bucket, 999, 50), 0);
        assert_eq!(taken(&mut bucket, 1_000, 50), 1);
        assert_eq!(taken(&mut bucket, 3_500, 50), 2);
        assert_eq!(taken(&mut bucket, 4_000, 50), 1, "the half is kept");
        assert_eq!(taken(&mut bucket, 3_000, 50), 0, "time runs back");
        assert_eq!(taken(&mut bucket, 3_600_000, 50), 20, "never more than the burst");
    }
}
