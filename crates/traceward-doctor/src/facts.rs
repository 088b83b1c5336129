//! What is known of a network, its fit and its data, whichever framework and file it was read from.
//!
//! Scripts name things that cannot be known without running them (`Dense(n_classes)`, `lr=args.lr`), so
//! every argument is an [`Argument`]: not written, written and known, or written and unknown. Rules must
//! treat the last as ignorance, not as the framework's default.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Place;

/// An argument as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Argument<T> {
    /// Not written: the framework's default holds.
    #[default]
    Absent,
    /// Written, and its value is known.
    Given(T),
    /// Written, but its value is not known without running the program. The text as it stands there.
    Unknown(String),
}

impl<T> Argument<T> {
    /// The value, if it is written and known.
    pub fn given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// The value, or the framework's default where nothing is written; `None` if it cannot be known.
    pub fn or_default(&self, default: T) -> Option<T>
    where
        T: Clone,
    {
        match self {
            Self::Given(value) => Some(value.clone()),
            Self::Absent => Some(default),
            Self::Unknown(_) => None,
        }
    }

    /// Whether something is written, known or not.
    pub fn is_written(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// A value and where it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placed<T> {
    /// What.
    pub value: T,
    /// Where; `None` if it is written nowhere in particular.
    pub place: Option<Place>,
}

/// Which framework a network is written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framework {
    /// traceward itself.
    #[default]
    Traceward,
    /// Keras, with any backend.
    Keras,
    /// PyTorch, Lightning.
    PyTorch,
}

/// A network and how it is compiled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Whose names and defaults hold.
    pub framework: Framework,
    /// The layers, first to last. Branches of a functional model stand one after the other; `branched` says so.
    pub layers: Vec<Layer>,
    /// Whether the layers are not one chain: rules about neighbours then hold back.
    pub branched: bool,
    /// Loss, optimizer, metrics; `None` if the file has no compile step.
    pub compile: Option<Compile>,
}

impl Network {
    /// The last layer with weights, and its index.
    pub fn last_weighted(&self) -> Option<(usize, &Layer)> {
        self.layers.iter().enumerate().rev().find(|(_, layer)| layer.has_weights())
    }

    /// The activation that the network ends with: that of the last weighted layer, or of an activation layer
    /// after it. `Argument::Absent` means linear.
    pub fn output_activation(&self) -> Placed<Argument<String>> {
        let Some((last, layer)) = self.last_weighted() else { return Placed::default() };
        let after = self.layers[last + 1..].iter().rev().find(|layer| layer.activation.value.is_written());
        after.unwrap_or(layer).activation.clone()
    }

    /// Units of the last weighted layer.
    pub fn output_units(&self) -> Option<usize> {
        self.last_weighted()?.1.units.given().copied()
    }

    /// Whether any layer is recurrent or attention, which want smaller steps.
    pub fn is_recurrent(&self) -> bool {
        self.layers.iter().any(Layer::is_recurrent)
    }
}

/// A layer, under Keras' name for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Keras' class name (`Dense`, also for PyTorch's `nn.Linear`); the framework's own where Keras has none.
    pub class_name: String,
    /// The class name as it is written.
    pub written: String,
    /// The layer's own name, or what the framework would call it.
    pub name: String,
    /// Where it is written.
    pub place: Option<Place>,
    /// Units, filters, or features out.
    pub units: Argument<usize>,
    /// Its activation, lower case as written. A layer of its own (`Activation("relu")`, `ReLU()`,
    /// `nn.Softmax()`) has it here too. `Absent`: linear, except in recurrent layers, whose default is tanh.
    pub activation: Placed<Argument<String>>,
    /// A wrapper's inner layer: Bidirectional, TimeDistributed.
    pub inner: Option<Box<Layer>>,
    /// All arguments with known values, under Keras' names.
    pub config: Map<String, Value>,
}

impl Layer {
    /// The innermost layer of wrappers.
    pub fn innermost(&self) -> &Self {
        self.inner.as_deref().map_or(self, Self::innermost)
    }

    /// A number among the arguments.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.config.get(name)?.as_f64()
    }

    /// A text among the arguments.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.config.get(name)?.as_str()
    }

    /// Whether it multiplies by weights: dense, convolutional, recurrent, attention. Normalisations and
    /// embeddings do not count.
    pub fn has_weights(&self) -> bool {
        self.is_dense() || self.is_convolution() || self.is_recurrent()
    }

    /// Fully connected.
    pub fn is_dense(&self) -> bool {
        matches!(self.innermost().class_name.as_str(), "Dense" | "EinsumDense")
    }

    /// A convolution of any dimension.
    pub fn is_convolution(&self) -> bool {
        self.innermost().class_name.contains("Conv")
    }

    /// Recurrent or attention.
    pub fn is_recurrent(&self) -> bool {
        let name = self.innermost().class_name.as_str();
        matches!(name, "LSTM" | "GRU" | "SimpleRNN" | "RNN" | "ConvLSTM2D" | "CuDNNLSTM" | "CuDNNGRU")
            || name.contains("Attention")
            || name.contains("Transformer")
    }

    /// Batch, layer or group normalisation.
    pub fn is_normalization(&self) -> bool {
        self.innermost().class_name.contains("Normalization")
    }

    /// Any kind of dropout.
    pub fn is_dropout(&self) -> bool {
        self.innermost().class_name.contains("Dropout")
    }
}

/// Keras' `model.compile`, or its counterparts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compile {
    /// Where it is written.
    pub place: Option<Place>,
    /// The loss under Keras' snake-case name (`categorical_crossentropy`), as far as it is known; an unknown
    /// name stands as it is written.
    pub loss: Placed<Argument<String>>,
    /// Whether the loss applies the softmax or sigmoid itself (`from_logits`, PyTorch's `CrossEntropyLoss`).
    pub from_logits: Argument<bool>,
    /// The optimizer under Keras' lower-case name (`adam`, `sgd`, `rmsprop`).
    pub optimizer: Placed<Argument<String>>,
    /// Its step size; that of the first step, if a schedule changes it.
    pub learning_rate: Placed<Argument<f64>>,
    /// The class of the schedule that changes the step size, as written.
    pub schedule: Option<String>,
    /// SGD's momentum.
    pub momentum: Argument<f64>,
    /// Any kind of gradient clipping.
    pub clip: Argument<f64>,
    /// Names of metrics, as written.
    pub metrics: Vec<Placed<String>>,
}

/// Keras' `model.fit`, or its counterparts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// Where it is written.
    pub place: Option<Place>,
    /// Passes over the data.
    pub epochs: Placed<Argument<usize>>,
    /// Items a step.
    pub batch_size: Placed<Argument<usize>>,
    /// How validation data come about.
    pub validation: Placed<Validation>,
    /// Whether items are drawn anew in each epoch.
    pub shuffle: Placed<Argument<bool>>,
    /// Whether rows are shuffled before they are split.
    pub shuffled_before_split: Option<bool>,
    /// Weights of the classes in the loss.
    pub class_weight: Argument<String>,
    /// Class names of callbacks, as written.
    pub callbacks: Vec<String>,
    /// Whether a seed is set.
    pub seeded: Option<bool>,
    /// Whether inputs are scaled or standardised on the way, and where.
    pub scaling: Vec<Placed<String>>,
    /// What is done to labels on the way (`to_categorical`, division), and where.
    pub label_steps: Vec<Placed<String>>,
    /// The loop that the script itself writes, as PyTorch's do; `None` if the framework has it, or another
    /// file.
    pub training_loop: Option<TrainingLoop>,
}

/// What a training loop in a script does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingLoop {
    /// Where the step is made.
    pub place: Option<Place>,
    /// Gradients are set to zero.
    pub zero_grad: bool,
    /// Gradients are computed.
    pub backward: bool,
    /// The optimizer makes its step.
    pub step: bool,
    /// The network is switched to evaluation somewhere.
    pub eval: bool,
    /// Something is evaluated without gradients.
    pub evaluates: bool,
}

/// How validation data come about.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Validation {
    /// There are none.
    #[default]
    None,
    /// The last share of the rows, taken before any shuffle of the loop: Keras' `validation_split`.
    Tail(f64),
    /// A share drawn at random.
    Random(f64),
    /// A set of its own, or a split by groups.
    Given,
    /// Something is written, but what is not known.
    Unknown,
}

/// What a script says of its data without having them. All of it stands in the text; nothing was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stated {
    /// A well-known data set, under Keras' name for it.
    pub set: Option<String>,
    /// Items to train on.
    pub items: Option<usize>,
    /// Whether a part of the rows is held back for a test.
    pub held_out: bool,
    /// Classes.
    pub classes: Placed<Option<usize>>,
    /// Whether the labels reach the loss as one-hot rows (else as numbers).
    pub one_hot: Option<bool>,
    /// Whether the targets are quantities (true) or labels of classes (false).
    pub regression: Option<bool>,
    /// Range of the targets as they reach the loss.
    pub targets: Placed<Option<Range>>,
    /// Range of the inputs as they reach the network.
    pub inputs: Placed<Option<Range>>,
    /// Whether the inputs are images.
    pub images: Option<bool>,
    /// Where rows are put one class after another, and nothing shuffles them afterwards.
    pub sorted: Option<Place>,
    /// Where the labels go through a scaling that is meant for inputs.
    pub labels_scaled: Option<Place>,
    /// The vocabulary's size that the script asks its tokens to have (`num_words`).
    pub vocabulary: Placed<Option<usize>>,
}

/// What is known of the data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    /// Its name.
    pub name: String,
    /// Items, all sides.
    pub items: usize,
    /// Items to train on, if a split is known.
    pub training_items: Option<usize>,
    /// Items to validate on, if a split is known.
    pub validation_items: Option<usize>,
    /// Classes and how many items each has, in the order of the outputs. Empty: not a classification, or
    /// not known.
    pub classes: Vec<(String, usize)>,
    /// Items without a label.
    pub unlabelled: usize,
    /// How often neighbours in file order have the same label.
    pub order: Option<LabelOrder>,
    /// What the split does.
    pub split: Option<SplitFacts>,
    /// Items that are copies of an earlier one.
    pub copies: Option<usize>,
    /// Items of identical input and different labels, and the accuracy that cannot be passed for it.
    pub conflicts: Option<Conflicts>,
    /// Lengths of sequences.
    pub lengths: Option<SequenceFacts>,
    /// Ranges of numeric inputs, feature by feature.
    pub features: Vec<Feature>,
    /// Range of numeric targets.
    pub targets: Option<Range>,
    /// Rows that could not be read, with reasons: the first few, and how many.
    pub bad_rows: Vec<String>,
    /// How many those are.
    pub bad_row_count: u64,
    /// What a simple classifier makes of the labels.
    pub labels: Option<LabelCheck>,
    /// The one token that tells most about a class by being there.
    pub telling: Option<TellingToken>,
    /// Whether the rows are a time series, whose order is meant.
    pub temporal: bool,
    /// Anything more, by name: counts that single rules know of.
    pub more: BTreeMap<String, f64>,
}

impl Data {
    /// Classes that have items.
    pub fn class_count(&self) -> Option<usize> {
        let present = self.classes.iter().filter(|(_, items)| *items > 0).count();
        (present > 0).then_some(present)
    }

    /// The classes' shares.
    pub fn prior(&self) -> Option<Vec<f64>> {
        let total: usize = self.classes.iter().map(|(_, items)| items).sum();
        (total > 0).then(|| self.classes.iter().map(|(_, items)| *items as f64 / total as f64).collect())
    }
}

/// How labels follow each other in file order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelOrder {
    /// Share of neighbours with the same label.
    pub equal: f64,
    /// What that share would be in random order: the sum of squared class shares.
    pub expected: f64,
    /// How many standard deviations lie between.
    pub z: f64,
}

/// What a split does to the classes and to copies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SplitFacts {
    /// How it cuts: `tail`, `random`, `grouped`, `given`.
    pub method: String,
    /// Total variation distance between the class shares of both sides.
    pub label_shift: f64,
    /// Classes that one side lacks.
    pub missing: Vec<MissingClass>,
    /// Validation items of which an identical one is trained on.
    pub copies_across: usize,
    /// Groups that stand on both sides.
    pub groups_across: usize,
    /// Share of validation tokens that the vocabulary, learned from training, does not know.
    pub unknown_tokens: Option<f64>,
    /// Population stability index of token frequencies between both sides, class by class.
    pub shift: Option<f64>,
    /// How labels follow each other in the rows that train, in the order in which they reach the loop.
    pub training_order: Option<LabelOrder>,
}

/// A class that one side of a split lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingClass {
    /// Its name.
    pub name: String,
    /// Whether it is training that lacks it; else validation.
    pub from_training: bool,
}

/// Identical inputs with different labels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conflicts {
    /// How many items are concerned.
    pub items: usize,
    /// The best accuracy that any function of the inputs can have.
    pub accuracy_ceiling: f64,
    /// Labelled items that equal another one, before anything is cut.
    pub twins: usize,
    /// How many of those have another label than most of their twins.
    pub outvoted: usize,
}

/// What a simple classifier, trained on other items than it is asked about, makes of the labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelCheck {
    /// Items that it was asked about.
    pub items: usize,
    /// Share that it got right.
    pub accuracy: f64,
    /// Share of the largest class: what always answering that gets right.
    pub chance: f64,
    /// Share of the labels' entropy that it explained: 1 all, 0 none, below 0 worse than the class shares.
    pub explained: f64,
    /// Share of other labels where it is surest: among the surer half of what it takes for each class.
    pub wrong: f64,
    /// Items whose label it doubts most: where, the label they have, the label it would give.
    pub doubted: Vec<DoubtedLabel>,
    /// How many those are in all.
    pub doubted_count: usize,
}

/// An item whose label is doubted.
#[derive(Clone, Debug, PartialEq)]
pub struct DoubtedLabel {
    /// Where it was read.
    pub row: String,
    /// The label that it has.
    pub given: String,
    /// The label that the others make likely.
    pub likely: String,
    /// The probability of that.
    pub probability: f64,
}

/// A token whose presence tells a class.
#[derive(Clone, Debug, PartialEq)]
pub struct TellingToken {
    /// Its name.
    pub name: String,
    /// The class.
    pub class: String,
    /// Items of that class.
    pub items: usize,
    /// Of the items with it, the share that is of the class.
    pub precision: f64,
    /// Of the items of the class, the share that has it.
    pub recall: f64,
}

/// Lengths of sequences, and what is done about them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SequenceFacts {
    /// Half are not longer.
    pub median: usize,
    /// 95 in 100 are not longer.
    pub p95: usize,
    /// The longest.
    pub max: usize,
    /// Cut to this length.
    pub max_len: Option<usize>,
    /// Share of sequences that are cut.
    pub truncated: f64,
    /// Share of the calls that are cut off.
    pub tokens_lost: f64,
    /// Items that a shorter cut made identical while their labels differ.
    pub conflicts_by_cutting: usize,
    /// Share of padding among the tokens; 0 where lengths are kept.
    pub padding: f64,
    /// Vocabulary size, padding and unknown included.
    pub vocabulary: Option<usize>,
    /// Largest token.
    pub max_token: Option<usize>,
}

/// A numeric range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

/// A numeric input.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Its range.
    pub range: Range,
    /// Standard deviation.
    pub deviation: f64,
    /// Values that are NaN or infinite, and the first place.
    pub not_finite: usize,
}
