//! What a protocol needs of anything that can be trained.

use traceward_run::{Classifier, Labelled};

/// A way to train a model: a network's spec, a recipe of n-grams, a stack.
pub trait Trainer: Sync {
    /// A short name for tables: `recommended`, `svm`, `article-5`.
    fn name(&self) -> &str;

    /// Whether another seed gives another model, so that several are worth their time.
    fn seeded(&self) -> bool {
        true
    }

    /// Whether one training keeps all cores busy; if not, a protocol trains several folds side by side.
    fn fills_cores(&self) -> bool {
        true
    }

    /// Trains on these traces, and on nothing else.
    ///
    /// # Errors
    /// A full sentence: why it cannot be trained on them.
    fn train(&self, data: &Labelled<'_>, seed: u64) -> Result<Box<dyn Classifier>, String>;
}
