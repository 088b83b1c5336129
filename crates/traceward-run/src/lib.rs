//! Training runs on paper: what was asked for, what came out, and the directory that keeps both.
//!
//! [`ModelSpec`] is a network written down in Keras' vocabulary, [`TrainConfig`] all else that repeats a
//! run, [`History`] its scalars over epochs, [`Evaluation`] what it is worth, and [`RunDir`] the files.
//! Nothing here can train: a spec may hold layers that no code of ours runs, since specs are also read
//! from other frameworks' files.

pub mod about;
pub mod classifier;
pub mod config;
pub mod crc;
pub mod evaluation;
pub mod foreign;
pub mod history;
pub mod inside;
pub mod model_file;
pub mod presets;
pub mod probe;
mod protobuf;
pub mod run_dir;
pub mod spec;
pub mod summary;
pub mod tensorboard;
pub mod tensors;

pub use about::About;
pub use classifier::{Classifier, Labelled, Scores};
pub use config::TrainConfig;
pub use evaluation::Evaluation;
pub use history::History;
pub use model_file::RawModel;
pub use presets::Preset;
pub use run_dir::RunDir;
pub use spec::{Layer, ModelSpec};
