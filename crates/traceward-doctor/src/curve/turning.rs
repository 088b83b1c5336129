//! Where a validation loss turned from falling to rising while the training loss fell on.
//!
//! This is the form of C11, kept apart from its thresholds so that these can be chosen on one collection of
//! curves and judged on another.

use crate::curve::Losses;

/// The best epoch of a validation loss, and what came after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turning {
    /// Which value of the validation loss was least.
    pub best: usize,
    /// The row of the history it stands in.
    pub row: usize,
    /// How far the validation loss rose since, as a share of its least value.
    pub rise: f64,
    /// The rise in units of the curve's noise.
    pub rise_in_noise: f64,
    /// How far the training loss fell since, as a share of what it was then.
    pub fall: f64,
}

/// The turning point of the validation loss; `None` if either loss is missing, the least value is one of
/// the last two, or the training loss never fell below where it began.
pub fn turning(losses: &Losses) -> Option<Turning> {
    let (train, val) = (losses.train.as_ref()?, losses.val.as_ref()?);
    let best = val.min_at();
    if best + 2 >= val.len() || train.end() >= train.first() {
        return None;
    }
    let row = val.row(best);
    let climb = val.climb();
    Some(Turning {
        best,
        row,
        rise: val.rise(),
        rise_in_noise: climb / val.noise().max(f64::MIN_POSITIVE),
        fall: losses.training_fall_since(row)?,
    })
}
