//! Whether the guard is at work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the scoring loop says of itself, and what that means.
#[derive(Debug)]
pub struct Health {
    since: Instant,
    within: Duration,
    /// Milliseconds from `since` to the last round.
    round: AtomicU64,
    capture: AtomicBool,
    model: AtomicBool,
    calibrating: AtomicBool,
}

impl Health {
    /// A guard that starts now, and makes a round at least as often as `within` says.
    pub fn new(since: Instant, within: Duration) -> Self {
        Self {
            since,
            within,
            round: AtomicU64::new(0),
            capture: AtomicBool::new(false),
            model: AtomicBool::new(false),
            calibrating: AtomicBool::new(false),
        }
    }

    /// The loop has made a round.
    pub fn round(&self, now: Instant) {
        let at = now.saturating_duration_since(self.since).as_millis();
        self.round.store(u64::try_from(at).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether the capture is attached.
    pub fn capture(&self, attached: bool) {
        self.capture.store(attached, Ordering::Relaxed);
    }

    /// Whether the model is loaded.
    pub fn model(&self, loaded: bool) {
        self.model.store(loaded, Ordering::Relaxed);
    }

    /// Whether normals are learnt, and nothing is judged yet.
    pub fn calibrating(&self, learning: bool) {
        self.calibrating.store(learning, Ordering::Relaxed);
    }

    /// Whether the loop makes its rounds.
    ///
    /// # Errors
    /// Why not.
    pub fn alive(&self, now: Instant) -> Result<(), String> {
        let passed = now.saturating_duration_since(self.since);
        let silent = passed.saturating_sub(Duration::from_millis(self.round.load(Ordering::Relaxed)));
        if silent <= self.within {
            return Ok(());
        }
        Err(format!("the scoring loop has made no round for {} s", silent.as_secs()))
    }

    /// Whether attacks would be seen.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), String> {
        let why = if !self.model.load(Ordering::Relaxed) {
            "the model is not loaded yet"
        } else if !self.capture.load(Ordering::Relaxed) {
            "the capture is not attached"
        } else if self.calibrating.load(Ordering::Relaxed) {
            "this host's normals are being learnt; nothing is judged yet"
        } else {
            return Ok(());
        };
        Err(why.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_hangs_is_noticed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let health = Health::new(start, Duration::from_secs(10));
        assert_eq!(health.alive(at(10)), Ok(()), "it may still be loading");
        assert_eq!(health.alive(at(12)), Err("the scoring loop has made no round for 12 s".into()));
        health.round(at(12));
        assert_eq!(health.alive(at(22)), Ok(()));
        assert_eq!(health.alive(at(30)), Err("the scoring loop has made no round for 18 s".into()));
    }

    #[test]
    fn ready_is_attached_loaded_and_calibrated() {
        let health = Health::new(Instant::now(), Duration::from_secs(10));
        assert!(health.ready().is_err_and(|why| why.contains("model")));
        health.model(true);
        assert!(health.ready().is_err_and(|why| why.contains("capture")));
        health.capture(true);
        assert_eq!(health.ready(), Ok(()));
        health.calibrating(true);
        assert!(health.ready().is_err_and(|why| why.contains("learnt")));
    }
}
