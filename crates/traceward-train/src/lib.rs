//! The training loop: batches, metrics, checkpoints, resume; tells observers what happens.
