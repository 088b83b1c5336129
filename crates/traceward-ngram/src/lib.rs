//! Classifiers over n-grams of calls: what every network must beat, and what the best stack is made of.
//!
//! ```text
//! Labelled traces -> Recipe::fit -> Model (a Classifier) -> one safetensors file
//! ```
//!
//! A [`Recipe`] is a model written down before it is trained, as a spec is for networks. This crate knows
//! no network, no terminal and no training framework, so an agent on a host can score with it.

pub mod boost;
pub mod features;
mod folds;
pub mod forest;
pub mod linear;
pub mod model;
pub mod neighbours;
pub mod novelty;
pub mod parts;
mod probability;
pub mod recipe;
pub mod sparse;
pub mod stack;
mod trees;

pub use model::Model;
pub use recipe::Recipe;
pub use sparse::Sparse;
