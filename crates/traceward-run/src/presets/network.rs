//! The network that measures best on the honest protocol: n-grams beside a recurrence.
//!
//! The wide branch is a linear classifier over tf-idf weights of n-grams, pairs of calls, and n-grams of the
//! beginning and the end; the deep branch a BiLSTM over the whole trace, pooled by maximum and mean. The
//! branches were chosen on four inner folds of the first honest fold's training side of ADFA-LD.
//!
//! **Adam's epsilon of 1e-3 is what makes it work.** Adam divides a weight's step by the size of its own
//! gradients, so a row of the table that two traces ask for moves as far as one that all ask for, and the
//! network learns by heart. Gradients of rare n-grams lie below 1e-3, so with that epsilon their steps are as
//! small as plain gradient descent would make them.

use super::over_whole_traces;
use crate::config::{Schedule, TrainConfig};
use crate::spec::{Activation, Layer, NgramEmbedding, Recurrent};

const BUCKETS: usize = 1 << 17;
/// As many as ADFA-LD has classes: with a Dense after it the wide branch is linear in its n-grams.
const WIDE: usize = 7;
/// The beginning and the end, at three lengths.
const ENDS: [usize; 3] = [20, 60, 200];
const EMBEDDING: usize = 32;
const UNITS: usize = 32;
const DROPOUT: f32 = 0.3;
const EPOCHS: u32 = 10;
const WARMUP_STEPS: u64 = 50;

pub(super) const NAME: &str = "network";
pub(super) const SUMMARY: &str = "n-grams by tf-idf beside a BiLSTM over whole traces, pooled by maximum and mean: the best single network";

/// The run.
pub(super) fn config() -> TrainConfig {
    let ngrams = NgramEmbedding { ends: ENDS.into(), ..NgramEmbedding::new(WIDE, BUCKETS) };
    let deep = vec![
        Layer::Embedding { input_dim: 0, output_dim: EMBEDDING },
        Layer::bidirectional(Layer::Lstm(Recurrent::new(UNITS).return_sequences())),
        Layer::concatenate([vec![Layer::GlobalMaxPooling1D], vec![Layer::GlobalAveragePooling1D]]),
        Layer::Dropout { rate: DROPOUT },
    ];
    let layers = [
        Layer::concatenate([vec![Layer::NgramEmbedding(ngrams)], deep]),
        Layer::dense(0, Activation::Softmax),
    ];
    let schedule = Schedule::CosineDecay { alpha: 0.02, warmup_steps: WARMUP_STEPS };
    over_whole_traces(NAME, EPOCHS, 0.0, schedule, layers)
}
