//! Random numbers that are the same everywhere: the project's generator, and Gaussians from it.

use traceward_trace::rng::Rng;

/// A seeded source.
pub(crate) struct Random(Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng::new(seed))
    }

    /// Between 0 and 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.uniform()
    }

    /// Gaussian, by Box and Muller.
    pub(crate) fn gauss(&mut self) -> f64 {
        let u = self.unit().max(1e-300);
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}
