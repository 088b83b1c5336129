//! A network that reads call by call: n-grams counted in a sketch, one Dense.
//!
//! Chosen on inner folds of the first honest fold's training side of ADFA-LD. There a linear classifier of n-grams
//! was better than a convolution with pooling, and that than a convolution before an LSTM; and a sketch of 3,072
//! counters was as good as exact counts. Adam's epsilon is as large as in the preset `network`, and for the same
//! reason: rare n-grams must not move as far as common ones.
//!
//! Reading half of the traces up to a random call costs something on whole traces; it is there so that early
//! scores mean something.

use super::over_whole_traces;
use crate::config::{Schedule, TrainConfig};
use crate::spec::{Activation, Layer, NgramSketch};

/// Rows of the table, and their length: as many as ADFA-LD has classes, so that it is linear in its n-grams.
const BUCKETS: usize = 1 << 16;
const WIDTH: usize = 7;
const EPOCHS: u32 = 12;
/// Half of the traces are read up to a random call, so that early scores mean something.
const PREFIXES: f32 = 0.5;

pub(super) const NAME: &str = "live";
pub(super) const SUMMARY: &str = "n-grams counted in a sketch of fixed size, one Dense: reads call by call, whole traces, scores after every call";

/// The run.
pub(super) fn config() -> TrainConfig {
    let layers = [Layer::NgramSketch(NgramSketch::new(WIDTH, BUCKETS)), Layer::dense(0, Activation::Softmax)];
    let schedule = Schedule::CosineDecay { alpha: 0.0, warmup_steps: 0 };
    over_whole_traces(NAME, EPOCHS, PREFIXES, schedule, layers)
}
