//! How a network ends: its last activation, its outputs, its loss, and what kind of answer each of them is
//! made for. Most static rules compare two of these.

use crate::curve::Curve;
use crate::facts::{Argument, Compile, Framework, Layer, Network};
use crate::{Evidence, Missing, Place};

/// What a loss is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossKind {
    /// One class of many: cross-entropy against one-hot rows or class numbers.
    OneOfMany,
    /// One class of many, against the logarithms of probabilities: PyTorch's `NLLLoss`.
    LogProbabilities,
    /// A yes or no for each output.
    YesNo,
    /// A number.
    Number,
    /// Any other.
    Other,
}

impl LossKind {
    /// By Keras' name.
    pub(super) fn of(loss: &str) -> Self {
        match loss {
            "nll_loss" => Self::LogProbabilities,
            "huber" | "log_cosh" | "smooth_l1" => Self::Number,
            _ if loss.contains("categorical") && loss.contains("crossentropy") => Self::OneOfMany,
            _ if loss.contains("binary") && loss.contains("crossentropy") => Self::YesNo,
            _ if loss.starts_with("mean_squared") || loss.starts_with("mean_absolute") => Self::Number,
            _ => Self::Other,
        }
    }
}

/// How a network ends, as far as it is known.
pub(super) struct Ending<'a> {
    /// The last activation; `linear` where none is written.
    pub(super) activation: &'a str,
    /// Where it is written, or the last weighted layer.
    pub(super) place: Option<Place>,
    /// Outputs.
    pub(super) units: Option<usize>,
    /// The loss, under Keras' name.
    pub(super) loss: &'a str,
    /// What that is for.
    pub(super) kind: LossKind,
    /// Whether the loss applies softmax or sigmoid itself; `None` if that is written but not known.
    pub(super) from_logits: Option<bool>,
    /// Whose names and defaults hold.
    pub(super) framework: Framework,
}

impl<'a> Ending<'a> {
    /// The ending; `None` if activation or loss cannot be known without running the program.
    ///
    /// # Errors
    /// If there is no network, or it is not compiled.
    pub(super) fn of(evidence: &'a Evidence) -> Result<Option<Self>, Missing> {
        let network = evidence.network()?;
        let compile = evidence.compile()?;
        Ok(Self::known(network, compile))
    }

    fn known(network: &'a Network, compile: &'a Compile) -> Option<Self> {
        let (last, layer) = network.last_weighted()?;
        // Something after it that is not known to us may be the activation.
        if network.layers[last + 1..].iter().any(is_opaque) {
            return None;
        }
        let after = network.layers[last + 1..].iter().rev().find(|layer| layer.activation.value.is_written());
        let holder = after.unwrap_or(layer);
        let activation = activation(holder)?;
        let loss = compile.loss.value.given()?;
        Some(Self {
            activation,
            place: holder.activation.place.clone().or_else(|| holder.place.clone()),
            units: layer.units.given().or(layer.innermost().units.given()).copied(),
            loss,
            kind: LossKind::of(loss),
            from_logits: compile.from_logits.or_default(false),
            framework: network.framework,
        })
    }
}

/// The activation that a layer ends with: its own, or that of the layer it wraps; `linear` where none is
/// written, and `None` if it is written but not known.
pub(super) fn activation(layer: &Layer) -> Option<&str> {
    let written = if layer.activation.value.is_written() {
        &layer.activation.value
    } else {
        &layer.innermost().activation.value
    };
    match written {
        Argument::Absent => Some("linear"),
        // A misspelt name is judged as what it was meant to be; that it is misspelt, S07 says.
        Argument::Given(name) => Some(match crate::names::activation(name) {
            crate::names::Spelling::Misspelt(meant) => meant,
            _ => name,
        }),
        Argument::Unknown(_) => None,
    }
}

/// Whether a layer may apply any function: a Lambda, a class of the script's own.
pub(super) fn is_opaque(layer: &Layer) -> bool {
    let class = layer.innermost().class_name.as_str();
    class == "Lambda"
        || class.is_empty()
        || !crate::names::is_layer(class) && !layer.activation.value.is_written()
}

/// Whether the rows of labels are known to name one class each, and of how many. The classes of a data set
/// say that much, and so do one-hot rows that the program makes itself; several outputs alone do not, since
/// each may be a question of its own.
pub(super) fn single_label_classes(evidence: &Evidence, outputs: Option<usize>) -> Option<usize> {
    let counted = evidence.data.as_ref().and_then(crate::facts::Data::class_count);
    counted.or(evidence.stated.classes.value).or_else(|| is_one_hot(evidence).then_some(outputs).flatten())
}

/// Whether labels reach the loss as one-hot rows, as far as the program says so.
pub(super) fn is_one_hot(evidence: &Evidence) -> bool {
    const STEPS: [&str; 6] =
        ["to_categorical", "one_hot", "onehot", "get_dummies", "labelbinarizer", "np.eye"];
    if let Some(one_hot) = evidence.stated.one_hot {
        return one_hot;
    }
    let Some(fit) = &evidence.fit else { return false };
    fit.label_steps.iter().any(|step| {
        let step = step.value.to_ascii_lowercase();
        !step.contains("multilabel") && STEPS.iter().any(|known| step.contains(known))
    })
}

/// Whether an accuracy is among the metrics: whoever asks for one means to tell classes apart.
pub(super) fn accuracy_metric(compile: &Compile) -> Option<&crate::facts::Placed<String>> {
    compile.metrics.iter().find(|metric| {
        let name = metric.value.to_ascii_lowercase();
        name == "acc" || name.ends_with("accuracy")
    })
}

/// Whether the training loss is known to stand still: over its last half it moves by less than 2 %, its
/// accuracy, if there is one, stays below 0.9, and it has not come far before. A static finding that would
/// explain that is then more than a doubt.
pub(super) fn stands_still(evidence: &Evidence) -> bool {
    let Some(curves) = &evidence.curves else { return false };
    let Some(loss) = curves.loss.as_ref().or(curves.val_loss.as_ref()).and_then(Curve::shape) else {
        return false;
    };
    if loss.len() < 5 {
        return false;
    }
    let half = loss.tail(0.5, 3);
    let flat = loss.spread(half.clone()) <= 0.02 * loss.level(half);
    let good = curves.accuracy.as_ref().and_then(Curve::shape).is_some_and(|shape| shape.end() >= 0.9);
    let fell_far = loss.gain() > 0.5;
    flat && !good && !fell_far
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_sorted_by_what_they_are_for() {
        let cases = [
            ("categorical_crossentropy", LossKind::OneOfMany),
            ("sparse_categorical_crossentropy", LossKind::OneOfMany),
            ("categorical_focal_crossentropy", LossKind::OneOfMany),
            ("binary_crossentropy", LossKind::YesNo),
            ("mean_squared_error", LossKind::Number),
            ("mean_absolute_percentage_error", LossKind::Number),
            ("huber", LossKind::Number),
            ("nll_loss", LossKind::LogProbabilities),
            ("categorical_hinge", LossKind::Other),
            ("my_loss", LossKind::Other),
        ];
        for (loss, kind) in cases {
            assert_eq!(LossKind::of(loss), kind, "{loss}");
        }
    }
}
