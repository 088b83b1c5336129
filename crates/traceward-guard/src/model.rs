//! The model that watches.

use std::fmt;
use std::sync::Arc;

use traceward_detect::calibrate::{CalibrateError, Moments};
use traceward_run::{About, Classifier};
use traceward_stream::Stream;
use traceward_trace::normal_class;

/// A model, and how it can be asked.
#[derive(Clone, Copy)]
pub enum Model<'a> {
    /// A network that is read call by call: what it keeps of a trace does not grow.
    Stream(&'a Arc<Stream>),
    /// Any other, which must see whole traces: their calls are kept.
    Whole(&'a dyn Classifier),
}

impl fmt::Debug for Model<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(stream) => stream.fmt(f),
            Self::Whole(model) => write!(f, "Whole({} classes)", model.classes()),
        }
    }
}

impl<'a> Model<'a> {
    /// What it says of traces.
    pub fn classifier(self) -> &'a dyn Classifier {
        match self {
            Self::Stream(stream) => &**stream,
            Self::Whole(model) => model,
        }
    }
}

/// Why a model cannot watch.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// It has no class for no attack.
    #[error("the model has no normal class: it can name an attack's family, but not tell that there is one")]
    NoNormalClass,
    /// It names other classes than it scores.
    #[error("the model names {named} classes, and scores {scored}")]
    Classes {
        /// How many it names.
        named: usize,
        /// How many it scores.
        scored: usize,
    },
    /// Its calibration is of a way of looking that takes [`Model::Stream`].
    #[error("the model was calibrated to be asked after every call, so it must be read call by call")]
    CallByCall,
    /// What it was calibrated for does not hold.
    #[error(transparent)]
    Calibration(#[from] CalibrateError),
}

/// Whether a model can watch at all: it names the classes that it scores, a normal one among them.
pub(crate) fn check(classifier: &dyn Classifier, about: &About) -> Result<u16, GuardError> {
    let (named, scored) = (about.classes.len(), classifier.classes());
    if named != scored {
        return Err(GuardError::Classes { named, scored });
    }
    normal_class(&about.classes).ok_or(GuardError::NoNormalClass)
}

/// Whether it can be asked at these moments.
pub(crate) fn check_moments(model: Model<'_>, moments: Moments) -> Result<(), GuardError> {
    // Without a session, whoever judges recordings falls back to doubling, too.
    let session = matches!(model, Model::Whole(model) if model.session().is_some());
    if session && moments == Moments::EveryCall { Err(GuardError::CallByCall) } else { Ok(()) }
}
