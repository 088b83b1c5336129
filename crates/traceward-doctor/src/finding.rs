//! What a rule says: symptom, causes, treatments. Three things, never one word for two of them.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Place;
use crate::fingerprint::Fingerprint;

/// How bad it is. From error on, the program's exit code says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Likely to cost something.
    Warning,
    /// The training does not do what it is for.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// The one word for what a curve shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "described in one place, Label::meaning")]
pub enum Label {
    Healthy,
    StillImproving,
    TooFewEpochs,
    Stuck,
    Plateau,
    Underfit,
    Overfit,
    Gap,
    ValPlateau,
    Oscillate,
    Spike,
    Diverge,
    Nan,
    NegLoss,
    Collapse,
    Rebound,
    MetricMismatch,
    PenaltyDominated,
    ValBetter,
    ValNoisy,
    NoVal,
    TooShort,
}

impl Label {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Healthy,
        Self::StillImproving,
        Self::TooFewEpochs,
        Self::Stuck,
        Self::Plateau,
        Self::Underfit,
        Self::Overfit,
        Self::Gap,
        Self::ValPlateau,
        Self::Oscillate,
        Self::Spike,
        Self::Diverge,
        Self::Nan,
        Self::NegLoss,
        Self::Collapse,
        Self::Rebound,
        Self::MetricMismatch,
        Self::PenaltyDominated,
        Self::ValBetter,
        Self::ValNoisy,
        Self::NoVal,
        Self::TooShort,
    ];

    /// What it says, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Healthy => "learns, and nothing is wrong",
            Self::StillImproving => "was still getting better at the last epoch",
            Self::TooFewEpochs => "ended while it was getting better fast",
            Self::Stuck => "does not move",
            Self::Plateau => "stands flat, and not at a good level",
            Self::Underfit => "hardly better than guessing",
            Self::Overfit => "gets worse on validation data while it gets better in training",
            Self::Gap => "goes on in training, and leaves validation behind",
            Self::ValPlateau => "goes on in training, while validation stands still",
            Self::Oscillate => "jumps up and down",
            Self::Spike => "has peaks",
            Self::Diverge => "climbs",
            Self::Nan => "is not a number",
            Self::NegLoss => "is negative, which this loss cannot be",
            Self::Collapse => "had learned, and fell back to chance for good",
            Self::Rebound => "turned up in training and validation together",
            Self::MetricMismatch => "loss and metric tell different stories",
            Self::PenaltyDominated => "training and validation loss are not the same quantity",
            Self::ValBetter => "is better on validation data than in training",
            Self::ValNoisy => "has a validation curve too noisy to read",
            Self::NoVal => "has no validation curve",
            Self::TooShort => "is too short to judge",
        }
    }
}

/// What may lie behind a symptom. Rules of different kinds speak of the same causes, so that a script's
/// wrong activation and a curve that stands still add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "described in one place, CauseKind::words")]
pub enum CauseKind {
    Syntax,
    UnknownName,
    BadValues,
    BadLabels,
    LabelNoise,
    OutputActivation,
    Loss,
    OutputUnits,
    HiddenLinear,
    HiddenActivation,
    DoubledActivation,
    DoubledNormalization,
    MissingLayer,
    Initialization,
    FrozenLayer,
    DeadUnits,
    VanishingGradient,
    ExplodingGradient,
    LearningRateHigh,
    LearningRateLow,
    Schedule,
    Optimizer,
    BatchSize,
    SortedData,
    TailSplit,
    Leak,
    Shift,
    Imbalance,
    Scaling,
    Truncation,
    Vocabulary,
    TooLittleData,
    TooFewEpochs,
    TooManyEpochs,
    Capacity,
    TooMuchRegularization,
    TooLittleRegularization,
    NoValidation,
    SmallValidation,
    Metric,
    Objective,
    Task,
    Process,
}

impl CauseKind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Syntax => "the script cannot run",
            Self::UnknownName => "a name that does not exist",
            Self::BadValues => "bad values in the inputs",
            Self::BadLabels => "labels that do not fit the loss, or not their inputs",
            Self::LabelNoise => "wrong or contradicting labels",
            Self::OutputActivation => "the output activation does not fit",
            Self::Loss => "the loss does not fit the task",
            Self::OutputUnits => "the number of outputs does not fit the classes",
            Self::HiddenLinear => "hidden layers without activation",
            Self::HiddenActivation => "hidden activations that saturate",
            Self::DoubledActivation => "an activation applied twice",
            Self::DoubledNormalization => "a normalisation applied twice",
            Self::MissingLayer => "a layer is missing",
            Self::Initialization => "initial weights",
            Self::FrozenLayer => "weights that are never updated",
            Self::DeadUnits => "dead units",
            Self::VanishingGradient => "gradients that vanish",
            Self::ExplodingGradient => "gradients that explode",
            Self::LearningRateHigh => "the learning rate is too high",
            Self::LearningRateLow => "the learning rate is too low",
            Self::Schedule => "the learning-rate schedule",
            Self::Optimizer => "the optimizer",
            Self::BatchSize => "the batch size",
            Self::SortedData => "rows in the order of their classes",
            Self::TailSplit => "a split that gives both sides different classes",
            Self::Leak => "the same items on both sides of the split",
            Self::Shift => "training and validation data differ",
            Self::Imbalance => "rare classes",
            Self::Scaling => "inputs that are not scaled",
            Self::Truncation => "sequences cut too short",
            Self::Vocabulary => "a vocabulary that does not fit",
            Self::TooLittleData => "too little data",
            Self::TooFewEpochs => "too few epochs",
            Self::TooManyEpochs => "too many epochs",
            Self::Capacity => "the network's size",
            Self::TooMuchRegularization => "too much regularisation",
            Self::TooLittleRegularization => "too little regularisation",
            Self::NoValidation => "no validation data",
            Self::SmallValidation => "too little validation data",
            Self::Metric => "a metric that does not fit",
            Self::Objective => "what is minimised is not what is measured",
            Self::Task => "inputs that do not tell the classes apart",
            Self::Process => "the process that ran it",
        }
    }
}

/// A hypothesis about what lies behind a symptom.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cause {
    /// Which.
    pub kind: CauseKind,
    /// What it is here, as one sentence.
    pub text: String,
    /// How much speaks for it, from 0 (nothing) to 1 (proved). A rule that sees the cause itself, such as
    /// a sigmoid in the script, is near 1; one that infers it from a curve is below 0.6.
    pub weight: f64,
    /// What speaks for it.
    #[serde(rename = "for")]
    pub speaks_for: Vec<String>,
    /// What speaks against it.
    #[serde(rename = "against")]
    pub speaks_against: Vec<String>,
}

impl Cause {
    /// A cause with nothing yet that speaks for or against it.
    pub fn new(kind: CauseKind, weight: f64, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), weight, speaks_for: Vec::new(), speaks_against: Vec::new() }
    }

    /// Adds what speaks for it.
    #[must_use]
    pub fn because(mut self, evidence: impl Into<String>) -> Self {
        self.speaks_for.push(evidence.into());
        self
    }

    /// Adds what speaks against it.
    #[must_use]
    pub fn although(mut self, evidence: impl Into<String>) -> Self {
        self.speaks_against.push(evidence.into());
        self
    }
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Treatment {
    /// As one sentence, in the imperative.
    pub text: String,
    /// The change that a program can make; `None` if only a person can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Whether the program may try it without asking. Otherwise it is a proposal.
    pub automatic: bool,
    /// What to write into the source instead, where that is known to the letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
}

/// A stretch of [`Evidence::source`](crate::Evidence::source), in bytes, and what should stand there. An
/// empty stretch is a place to insert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// What to take out.
    pub span: Range<usize>,
    /// What to write there.
    pub text: String,
}

impl Treatment {
    /// A change that the program may try by itself.
    pub fn automatic(change: Change, text: impl Into<String>) -> Self {
        Self { text: text.into(), change: Some(change), automatic: true, repair: None }
    }

    /// A change that the program can make, but proposes only.
    pub fn proposal(change: Change, text: impl Into<String>) -> Self {
        Self { text: text.into(), change: Some(change), automatic: false, repair: None }
    }

    /// Something that only a person can do.
    pub fn advice(text: impl Into<String>) -> Self {
        Self { text: text.into(), change: None, automatic: false, repair: None }
    }

    /// What to write into the source instead of the stretch at `span`.
    #[must_use]
    pub fn replacing(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.repair = Some(Repair { span, text: text.into() });
        self
    }
}

/// A change to network, data handling or schedule. What it does to a training is in `plan`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it, and the fields are Keras' arguments")]
pub enum Change {
    /// The network's last activation.
    OutputActivation {
        activation: String,
    },
    /// The activation of the hidden layer of this index.
    HiddenActivation {
        layer: usize,
        activation: String,
    },
    /// Every hidden layer without activation gets this one.
    HiddenActivations {
        activation: String,
    },
    /// Every hidden layer whose activation is a sigmoid or tanh gets this one; recurrent layers keep theirs.
    SaturatingActivations {
        activation: String,
    },
    Loss {
        loss: String,
    },
    /// Outputs: as many as classes.
    OutputUnits,
    /// Takes the layer of this index out.
    RemoveLayer {
        layer: usize,
    },
    /// Puts a Dropout after the layer of this index.
    Dropout {
        after: usize,
        rate: f64,
    },
    /// Sets the rate of every Dropout that is above it.
    DropoutAtMost {
        rate: f64,
    },
    /// More units (or fewer) in every hidden layer.
    ScaleUnits {
        factor: f64,
    },
    /// New initial weights by the defaults.
    Initializers,
    /// Lets every layer learn.
    Unfreeze,
    LearningRate {
        learning_rate: f64,
    },
    ScaleLearningRate {
        factor: f64,
    },
    /// The learning rate that the range test finds.
    LearningRateFromRangeTest,
    ConstantLearningRate,
    Optimizer {
        name: String,
    },
    ClipNorm {
        norm: f64,
    },
    BatchSize {
        batch_size: usize,
    },
    Epochs {
        epochs: usize,
    },
    ScaleEpochs {
        factor: f64,
    },
    EarlyStopping {
        patience: usize,
    },
    /// Rows are shuffled before the split and in each epoch.
    Shuffle,
    /// Both sides get all classes, copies and groups stay on one side.
    GroupedSplit,
    /// A share of the data is held back for validation.
    ValidationShare {
        share: f64,
    },
    ClassWeight,
    /// Longer cut of sequences; `None`: whole.
    MaxLen {
        max_len: Option<usize>,
    },
    /// Leaves rows out that carry bad values.
    DropBadRows,
    /// Vocabulary size from the data.
    Vocabulary,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which rule: `C04`.
    pub rule: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was computed, as one sentence with its numbers.
    pub symptom: String,
    /// The word that it stands for, if it speaks of a curve's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// The epoch it points at: a row of the history, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What may lie behind it, likeliest first.
    pub causes: Vec<Cause>,
    /// What to do about it, in the order to try it.
    pub treatments: Vec<Treatment>,
    /// More that a reader should know: what the number is not, how sure it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a loss that stands was compared with, if the finding is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

impl Finding {
    /// A finding with its symptom; the rest is added.
    pub fn new(rule: &'static str, level: Level, symptom: impl Into<String>) -> Self {
        Self {
            rule,
            level,
            symptom: symptom.into(),
            label: None,
            epoch: None,
            place: None,
            causes: Vec::new(),
            treatments: Vec::new(),
            notes: Vec::new(),
            fingerprint: None,
        }
    }

    /// The word for the curve's shape.
    #[must_use]
    pub fn label(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    /// The epoch it points at.
    #[must_use]
    pub fn at_epoch(mut self, epoch: usize) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Where it is.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: Cause) -> Self {
        self.causes.push(cause);
        self
    }

    /// Adds a treatment.
    #[must_use]
    pub fn treat(mut self, treatment: Treatment) -> Self {
        self.treatments.push(treatment);
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}
