//! The order of treatment: what makes the numbers meaningless before the data, the data before the network,
//! the network before the step, the step before the length of the run, and overfitting last. A later fault
//! cannot be judged while an earlier one is there.

use crate::{CauseKind, Change, Finding};

/// When a fault is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Nothing can run, or nothing can be read.
    Unreadable,
    /// What is learnt from.
    Data,
    /// What is answered, and what it is compared with.
    Output,
    /// How what was compared gets back to the weights.
    GradientPath,
    /// How far they move at once.
    Step,
    /// How often.
    Length,
    /// What is remembered instead of learnt.
    Overfitting,
    /// What is wrong with the measuring, not with the training.
    Measure,
}

impl Stage {
    /// When a finding is treated.
    pub(crate) fn of_finding(finding: &Finding) -> Self {
        match finding.rule {
            // A loss that is no number has no shape to speak of.
            "C01" | "C02" => Self::Unreadable,
            _ => finding.causes.first().map_or(Self::Measure, |cause| Self::of_cause(cause.kind)),
        }
    }

    /// When a cause is.
    pub(crate) fn of_cause(kind: CauseKind) -> Self {
        match kind {
            CauseKind::Syntax | CauseKind::UnknownName | CauseKind::BadValues | CauseKind::Process => {
                Self::Unreadable
            }
            CauseKind::BadLabels
            | CauseKind::LabelNoise
            | CauseKind::SortedData
            | CauseKind::TailSplit
            | CauseKind::Leak
            | CauseKind::Shift
            | CauseKind::Imbalance
            | CauseKind::Scaling
            | CauseKind::Truncation
            | CauseKind::Vocabulary
            | CauseKind::TooLittleData => Self::Data,
            CauseKind::OutputActivation
            | CauseKind::Loss
            | CauseKind::OutputUnits
            | CauseKind::DoubledActivation
            | CauseKind::Objective
            | CauseKind::Task => Self::Output,
            CauseKind::HiddenLinear
            | CauseKind::HiddenActivation
            | CauseKind::DoubledNormalization
            | CauseKind::MissingLayer
            | CauseKind::Initialization
            | CauseKind::FrozenLayer
            | CauseKind::DeadUnits
            | CauseKind::VanishingGradient
            | CauseKind::ExplodingGradient
            | CauseKind::TooMuchRegularization => Self::GradientPath,
            CauseKind::LearningRateHigh
            | CauseKind::LearningRateLow
            | CauseKind::Schedule
            | CauseKind::Optimizer
            | CauseKind::BatchSize => Self::Step,
            CauseKind::TooFewEpochs => Self::Length,
            CauseKind::TooManyEpochs | CauseKind::Capacity | CauseKind::TooLittleRegularization => {
                Self::Overfitting
            }
            CauseKind::NoValidation | CauseKind::SmallValidation | CauseKind::Metric => Self::Measure,
        }
    }

    /// When a change is tried.
    pub(crate) fn of_change(change: &Change) -> Self {
        match change {
            Change::DropBadRows | Change::Vocabulary => Self::Unreadable,
            Change::Shuffle
            | Change::GroupedSplit
            | Change::ValidationShare { .. }
            | Change::ClassWeight
            | Change::MaxLen { .. } => Self::Data,
            Change::OutputActivation { .. }
            | Change::Loss { .. }
            | Change::OutputUnits
            | Change::RemoveLayer { .. } => Self::Output,
            Change::HiddenActivation { .. }
            | Change::HiddenActivations { .. }
            | Change::SaturatingActivations { .. }
            | Change::Initializers
            | Change::Unfreeze
            | Change::DropoutAtMost { .. } => Self::GradientPath,
            Change::LearningRate { .. }
            | Change::ScaleLearningRate { .. }
            | Change::LearningRateFromRangeTest
            | Change::ConstantLearningRate
            | Change::Optimizer { .. }
            | Change::ClipNorm { .. }
            | Change::BatchSize { .. } => Self::Step,
            Change::Epochs { .. } | Change::ScaleEpochs { .. } => Self::Length,
            Change::EarlyStopping { .. } | Change::Dropout { .. } | Change::ScaleUnits { .. } => {
                Self::Overfitting
            }
        }
    }
}
