//! Numbers that one thread writes and another reads, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Reads it.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds in seconds, from what a call in a batch costs to a backlog that somebody should know of.
const BOUNDS: [f64; 16] =
    [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, f64::INFINITY];

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [AtomicU64; BOUNDS.len()],
    nanoseconds: AtomicU64,
}

impl Durations {
    /// Counts `times` times something that took `nanoseconds` each.
    pub fn observe(&self, nanoseconds: u64, times: u64) {
        let seconds = nanoseconds as f64 * 1e-9;
        let at = BOUNDS.partition_point(|&bound| bound < seconds);
        self.buckets[at].fetch_add(times, Ordering::Relaxed);
        self.nanoseconds.fetch_add(nanoseconds.saturating_mul(times), Ordering::Relaxed);
    }

    /// The sum in seconds, and how often in each bucket, with its bound.
    pub(super) fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let buckets = self.buckets.iter().zip(BOUNDS);
        let buckets = buckets.map(|(count, bound)| (bound, count.load(Ordering::Relaxed))).collect();
        (self.nanoseconds.load(Ordering::Relaxed) as f64 * 1e-9, buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_below_its_bound() {
        let durations = Durations::default();
        durations.observe(0, 1);
        durations.observe(1_000_000, 2);
        durations.observe(1_000_001, 1);
        durations.observe(3_600_000_000_000, 1);
        let (sum, buckets) = durations.read();
        assert!((sum - 3_600.003_000_001).abs() < 1e-6, "{sum}");
        let filled: Vec<_> = buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(1e-6, 1), (1e-3, 2), (3e-3, 1), (f64::INFINITY, 1)]);
    }
}
