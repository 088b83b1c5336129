//! Reads what a training is asked to be: scripts, model files, specs of our own, all into [`facts`](crate::facts).
//!
//! Every reader says only what its file says. A script's `Dense(n)` with an `n` that comes from the data is
//! an unknown number of units, not a guess; a model file has no fit; and no reader runs anything.

mod arrays;
mod interpret;
mod keras_call;
mod keras_object;
mod logged;
mod model_file;
mod python;
mod repair;
mod script;
mod spec;
mod torch_call;
mod value;

pub use logged::logged;
pub use model_file::{ModelFileError, ModelFileProblem, is_keras_model, keras_json, keras_model};
pub use script::{is_script, script, script_text};
pub use spec::config;
