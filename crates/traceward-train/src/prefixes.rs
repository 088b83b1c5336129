//! Reading only the beginning of some traces, so that the scores of a trace that is not over yet mean something.

use traceward_model::random::derive;
use traceward_trace::rng::Rng;

/// What tells these draws from other uses of the run's seed.
const SALT: u64 = 0x7072_6566_6978_0000;

/// A prefix has so many calls at least (a shorter trace is read whole): fewer say nothing of a process.
const SHORTEST: usize = 10;

/// The draws of one epoch.
pub(crate) struct Prefixes {
    seed: u64,
    share: f64,
}

impl Prefixes {
    pub(crate) fn new(seed: u64, epoch: u32, share: f32) -> Self {
        Self { seed: derive(seed ^ SALT, epoch.into()), share: share.into() }
    }

    /// What is read of trace number `trace` in this epoch.
    ///
    /// The logarithm of the length is drawn evenly: 20 calls against 40 differ as much as 200 against 400.
    pub(crate) fn of<'a>(&self, trace: u32, calls: &'a [u32]) -> &'a [u32] {
        if self.share == 0.0 || calls.len() <= SHORTEST {
            return calls;
        }
        let mut rng = Rng::stream(self.seed, trace.into());
        if rng.uniform() >= self.share {
            return calls;
        }
        let (low, high) = ((SHORTEST as f64).ln(), (calls.len() as f64).ln());
        let length = (low + rng.uniform() * (high - low)).exp().round() as usize;
        &calls[..length.clamp(SHORTEST, calls.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_traces_is_cut_and_epochs_differ() {
        let calls: Vec<u32> = (0..1000).collect();
        let lengths = |epoch, share| -> Vec<usize> {
            let prefixes = Prefixes::new(3, epoch, share);
            (0..4000).map(|trace| prefixes.of(trace, &calls).len()).collect()
        };
        assert!(lengths(0, 0.0).iter().all(|&length| length == 1000));
        let found = lengths(0, 0.5);
        let cut = found.iter().filter(|&&length| length < 1000).count();
        assert!((1850..2150).contains(&cut), "{cut}");
        assert!(found.iter().all(|&length| length >= SHORTEST));
        // Half of them in the lower half of the logarithms: under sqrt(10 * 1000).
        let short = found.iter().filter(|&&length| length < 100).count();
        assert!((900..1100).contains(&short), "{short}");
        assert_eq!(found, lengths(0, 0.5));
        assert_ne!(found, lengths(1, 0.5));
    }

    #[test]
    fn short_traces_are_read_whole() {
        assert_eq!(Prefixes::new(1, 0, 1.0).of(0, &[1, 2, 3]), [1, 2, 3]);
    }
}
