//! All that the doctor may look at. Any part may be missing; a rule asks for what it needs with `?`.

use std::fmt;

use serde::Serialize;

use crate::curve::Curves;
use crate::facts::{Compile, Data, Fit, Network, Range, Stated};
use crate::inside::Inside;
use crate::process::Process;
use crate::{Finding, Source};
use traceward_run::probe::Probes;

/// Everything that is known of one training.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The text that places point into, if it came from one.
    pub source: Option<Source>,
    /// The network and how it is compiled.
    pub network: Option<Network>,
    /// How it is fitted.
    pub fit: Option<Fit>,
    /// What it is fitted on.
    pub data: Option<Data>,
    /// What a script says of its data, where the data themselves are not at hand.
    pub stated: Stated,
    /// What its curves are.
    pub curves: Option<Curves>,
    /// What was seen inside it while it trained.
    pub inside: Option<Inside>,
    /// What probes found before it trained.
    pub probes: Option<Probes>,
    /// What its log says of the process that ran it.
    pub process: Option<Process>,
    /// What readers found while reading: syntax errors, torn files, several runs in one log.
    pub reading: Vec<Finding>,
}

/// A part of the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The network's layers.
    Network,
    /// Loss and optimizer.
    Compile,
    /// Epochs, batch size, validation.
    Fit,
    /// The data's labels and counts.
    Data,
    /// How the data is cut in two.
    Split,
    /// Numeric inputs' ranges.
    Features,
    /// Lengths and vocabulary of sequences.
    Sequences,
    /// The losses over epochs.
    Curves,
    /// Validation losses over epochs.
    Validation,
    /// Enough epochs for a trend.
    MoreEpochs,
    /// What happens inside the network while it trains.
    Internals,
    /// Probes: short runs before the real one.
    Probes,
    /// The learning rate over epochs.
    Schedule,
    /// What a log says of the process: planned epochs, times, how it ended.
    Process,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "the network: a run directory, a model file or a script",
            Self::Compile => "loss and optimizer: a run directory, a compiled model file or a script",
            Self::Fit => "the call to fit: a run directory or a script",
            Self::Data => "the data set",
            Self::Split => "the data set and how it is split: a run directory",
            Self::Features => "numeric inputs",
            Self::Sequences => "sequences and how they are cut: a run directory or a data set",
            Self::Curves => "the losses over epochs: a log",
            Self::Validation => "a validation loss over epochs",
            Self::MoreEpochs => "more epochs",
            Self::Internals => "a look inside while it trains: traceward train",
            Self::Probes => "probes: traceward train --check",
            Self::Schedule => "the learning rate over epochs: a log that has it",
            Self::Process => "planned epochs and times: a log that has them",
        })
    }
}

/// What a rule lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Missing(pub Need);

impl Evidence {
    /// This evidence, and from `other` what it lacks: two files that speak of one training.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            source: self.source.or_else(|| other.source.clone()),
            network: self.network.or_else(|| other.network.clone()),
            fit: self.fit.or_else(|| other.fit.clone()),
            data: self.data.or_else(|| other.data.clone()),
            stated: if self.stated == Stated::default() { other.stated.clone() } else { self.stated },
            curves: self.curves.or_else(|| other.curves.clone()),
            inside: self.inside.or_else(|| other.inside.clone()),
            probes: self.probes.or_else(|| other.probes.clone()),
            process: self.process.or_else(|| other.process.clone()),
            reading: [self.reading, other.reading.clone()].concat(),
        }
    }

    /// The network.
    ///
    /// # Errors
    /// If it is not known.
    pub fn network(&self) -> Result<&Network, Missing> {
        self.network.as_ref().filter(|n| !n.layers.is_empty()).ok_or(Missing(Need::Network))
    }

    /// Loss and optimizer.
    ///
    /// # Errors
    /// If they are not known.
    pub fn compile(&self) -> Result<&Compile, Missing> {
        let compile = self.network.as_ref().and_then(|network| network.compile.as_ref());
        compile.ok_or(Missing(Need::Compile))
    }

    /// The fit.
    ///
    /// # Errors
    /// If it is not known.
    pub fn fit(&self) -> Result<&Fit, Missing> {
        self.fit.as_ref().ok_or(Missing(Need::Fit))
    }

    /// The data.
    ///
    /// # Errors
    /// If it is not known.
    pub fn data(&self) -> Result<&Data, Missing> {
        self.data.as_ref().ok_or(Missing(Need::Data))
    }

    /// The curves.
    ///
    /// # Errors
    /// If there are none.
    pub fn curves(&self) -> Result<&Curves, Missing> {
        self.curves.as_ref().ok_or(Missing(Need::Curves))
    }

    /// What was seen inside.
    ///
    /// # Errors
    /// If nothing was.
    pub fn inside(&self) -> Result<&Inside, Missing> {
        self.inside.as_ref().filter(|inside| !inside.looks.is_empty()).ok_or(Missing(Need::Internals))
    }

    /// What probes found.
    ///
    /// # Errors
    /// If none was run.
    pub fn probes(&self) -> Result<&Probes, Missing> {
        self.probes.as_ref().ok_or(Missing(Need::Probes))
    }

    /// Range of the targets: counted, else as the script states it.
    pub fn targets(&self) -> Option<Range> {
        self.data.as_ref().and_then(|data| data.targets).or(self.stated.targets.value)
    }

    /// What its log says of the process.
    ///
    /// # Errors
    /// If there is no log.
    pub fn process(&self) -> Result<&Process, Missing> {
        self.process.as_ref().ok_or(Missing(Need::Process))
    }

    /// Classes: those of the data, else those that the script states, else the output's units where the
    /// loss is a cross-entropy over classes.
    pub fn classes(&self) -> Option<usize> {
        let counted = self.data.as_ref().and_then(Data::class_count);
        if let Some(classes) = counted.or(self.stated.classes.value) {
            return Some(classes);
        }
        let network = self.network.as_ref()?;
        let loss = network.compile.as_ref()?.loss.value.given()?;
        loss.contains("categorical_crossentropy").then(|| network.output_units()).flatten()
    }
}
