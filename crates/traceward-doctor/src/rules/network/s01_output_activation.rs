//! S01: output activation does not fit the loss
//!
//! What it sees: a cross-entropy over outputs that are not what it expects. For one class of many that is a
//! softmax (or no activation, if the loss applies the softmax itself); for a yes or no a sigmoid; for
//! PyTorch's NLLLoss a log-softmax.
//!
//! Why it is bad: the loss takes the logarithm of each output as if it were a probability. Outputs of a relu,
//! a tanh or of no activation may be zero or negative, whose logarithm does not exist: they are cut off at
//! 1e-7, and where they are cut off there is no gradient. Seven sigmoids do not add up to 1. Keras divides
//! them by their sum first, so such a network can learn; but nothing holds it back from driving all
//! sigmoids to 0 or to 1, where gradients end, and a step that is too large does so at once. (On TensorFlow,
//! Keras replaces a sigmoid or softmax that stands right before the loss by the loss' own softmax on what
//! comes before it, so there the sigmoid is in effect a softmax in training, and a sigmoid in prediction.)
//!
//! So the sigmoid is a warning as long as the curve moves, and an error where it stands still, or where the
//! network is trained by this program, which divides and cuts off as Keras documents it.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(7))
//! model.add(Activation("sigmoid"))
//! model.compile(loss="categorical_crossentropy", ...)
//! ```
//!
//! Treatment: softmax for one class of many, sigmoid for a yes or no. In PyTorch leave the activation out
//! and let CrossEntropyLoss or BCEWithLogitsLoss apply it.
//!
//! Source: AutoTrainer (Zhang et al., ICSE 2021), UMLAUT (Schoop et al., CHI 2021), NeuraLint (Nikanjam et
//! al., TOSEM 2021); the normalisation is in `keras/src/backend/*/nn.py`, `categorical_crossentropy`.

use super::ending::{Ending, LossKind, stands_still};
use crate::facts::Framework;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S01",
    name: "output activation does not fit the loss",
    file: include_str!("s01_output_activation.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let Some(ending) = Ending::of(evidence)? else { return Ok(Vec::new()) };
    let Some(from_logits) = ending.from_logits else { return Ok(Vec::new()) };
    // One unit under a loss of many classes is a wrong number of outputs (S02, S03) before all else.
    let one_unit = ending.units == Some(1);
    let wanted = match ending.kind {
        LossKind::OneOfMany if one_unit => return Ok(Vec::new()),
        LossKind::OneOfMany if from_logits => "linear",
        LossKind::OneOfMany => "softmax",
        LossKind::LogProbabilities => "log_softmax",
        LossKind::YesNo if from_logits => "linear",
        LossKind::YesNo => "sigmoid",
        LossKind::Number | LossKind::Other => return Ok(Vec::new()),
    };
    let fits = match ending.activation {
        found if found == wanted => true,
        // Also in 0..=1, and used as a cheap sigmoid.
        "hard_sigmoid" | "sparse_sigmoid" => ending.kind == LossKind::YesNo && !from_logits,
        "sparsemax" | "softmin" => ending.kind == LossKind::OneOfMany && !from_logits,
        // Rows of a softmax are probabilities of a yes each, though not independent ones: S02, S03, S08 look.
        "softmax" => ending.kind != LossKind::LogProbabilities,
        // Applied twice: S06 looks. A log-softmax may be applied twice without harm.
        "sigmoid" if ending.kind == LossKind::YesNo => true,
        "log_softmax" => ending.kind == LossKind::OneOfMany && from_logits,
        // A name nobody knows may be anything; S07 looks.
        found => crate::names::activation(found) != crate::names::Spelling::Known,
    };
    if fits {
        return Ok(Vec::new());
    }
    Ok(vec![finding(evidence, &ending, wanted, from_logits)])
}

fn finding(evidence: &Evidence, ending: &Ending<'_>, wanted: &str, from_logits: bool) -> Finding {
    let found = ending.activation;
    let still = stands_still(evidence);
    let normalised = found == "sigmoid" && ending.kind == LossKind::OneOfMany && !from_logits;
    let level = if normalised && ending.framework != Framework::Traceward && !still {
        Level::Warning
    } else {
        Level::Error
    };
    let outputs = match ending.units {
        Some(units) => format!("{units} outputs"),
        None => "outputs".into(),
    };
    let outputs = if ending.units == Some(1) { "1 output".into() } else { outputs };
    let ends = if found == "linear" { "without activation".to_owned() } else { format!("with {found}") };
    let symptom = format!("the network ends {ends} over {outputs}, and its loss is {}", ending.loss);
    let why = match (ending.kind, found) {
        _ if normalised => {
            "sigmoids do not add up to 1, as the answers to a choice of one class must".to_owned()
        }
        (_, _) if from_logits => {
            format!(
                "the loss applies its own softmax or sigmoid to what it gets, and {found} has cut that short"
            )
        }
        (LossKind::LogProbabilities, _) => {
            "this loss expects logarithms of probabilities, and adds them up as they are".to_owned()
        }
        _ => format!(
            "{} takes the logarithm of the outputs as of probabilities, which {} are not",
            ending.loss,
            if found == "linear" { "raw sums" } else { found }
        ),
    };
    let mut cause = Cause::new(CauseKind::OutputActivation, if normalised { 0.8 } else { 0.95 }, why)
        .because(format!("activation {found}, loss {}", ending.loss));
    if still {
        cause.weight = 0.97;
        cause = cause.because("the loss stands still, as it does when the outputs are saturated");
    } else if normalised && ending.framework == Framework::Keras {
        cause = cause.although(
            "Keras divides the outputs by their sum (and on TensorFlow trains them as a softmax), so this need not \
             be why a loss stands still",
        );
    }
    let (change, text) = if wanted == "linear" {
        ("linear", "leave the last activation out: the loss applies it".to_owned())
    } else {
        (wanted, format!("use {wanted} in the last layer"))
    };
    Finding::new("S01", level, symptom)
        .at(ending.place.clone())
        .cause(cause)
        .treat(Treatment::automatic(Change::OutputActivation { activation: change.into() }, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Argument;
    use crate::rules::network::sample::{activation_layer, curves_at, dense, model, network};

    fn levels(evidence: &Evidence) -> Vec<Level> {
        check(evidence).unwrap().iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn a_sigmoid_over_classes_is_a_doubt_until_the_curve_stands() {
        let mut evidence = model(&[dense(64, "relu"), dense(7, "sigmoid")], "categorical_crossentropy");
        assert_eq!(levels(&evidence), [Level::Warning]);
        evidence.curves = Some(curves_at(&[1.95, 1.951, 1.949, 1.95, 1.95, 1.95]));
        assert_eq!(levels(&evidence), [Level::Error]);
        evidence.curves = Some(curves_at(&[1.95, 1.5, 1.1, 0.8, 0.5, 0.3]));
        assert_eq!(levels(&evidence), [Level::Warning]);
        network(&mut evidence).framework = Framework::Traceward;
        assert_eq!(levels(&evidence), [Level::Error], "we do what Keras documents");
    }

    #[test]
    fn the_activation_may_be_a_layer() {
        let layers = [dense(7, "linear"), activation_layer("sigmoid")];
        let found = check(&model(&layers, "sparse_categorical_crossentropy")).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].causes[0].kind, CauseKind::OutputActivation);
        assert_eq!(found[0].place, Some(crate::Place::Layer { index: 1, name: "activation".into() }));
    }

    #[test]
    fn what_fits_is_left_alone() {
        for (units, activation, loss) in [
            (7, "softmax", "categorical_crossentropy"),
            (1, "sigmoid", "binary_crossentropy"),
            (5, "sigmoid", "binary_crossentropy"),
            (784, "sigmoid", "mean_squared_error"),
            (7, "log_softmax", "nll_loss"),
            (7, "my_own", "categorical_crossentropy"),
            (7, "sigmoid", "my_loss"),
        ] {
            let evidence = model(&[dense(8, "relu"), dense(units, activation)], loss);
            assert_eq!(levels(&evidence), [], "{units} {activation} {loss}");
        }
    }

    #[test]
    fn logits_want_no_activation() {
        let mut evidence = model(&[dense(8, "relu"), dense(7, "linear")], "sparse_categorical_crossentropy");
        assert_eq!(levels(&evidence), [Level::Error], "Keras' loss takes probabilities by default");
        network(&mut evidence).compile.as_mut().unwrap().from_logits = Argument::Given(true);
        assert_eq!(levels(&evidence), []);
        network(&mut evidence).compile.as_mut().unwrap().from_logits = Argument::Unknown("flag".into());
        assert_eq!(levels(&evidence), [], "ignorance is no finding");
        let mut relu = model(&[dense(8, "relu"), dense(7, "relu")], "sparse_categorical_crossentropy");
        network(&mut relu).compile.as_mut().unwrap().from_logits = Argument::Given(true);
        assert_eq!(levels(&relu), [Level::Error]);
    }

    #[test]
    fn a_yes_or_no_wants_a_sigmoid() {
        for wrong in ["relu", "tanh", "linear"] {
            let evidence = model(&[dense(8, "relu"), dense(1, wrong)], "binary_crossentropy");
            assert_eq!(levels(&evidence), [Level::Error], "{wrong}");
        }
        for wrong in ["linear", "softmax"] {
            assert_eq!(levels(&model(&[dense(8, "relu"), dense(7, wrong)], "nll_loss")), [Level::Error]);
        }
    }

    #[test]
    fn what_is_not_known_is_not_accused() {
        let mut unknown = dense(7, "sigmoid");
        unknown.activation.value = Argument::Unknown("args.activation".into());
        assert_eq!(levels(&model(&[dense(8, "relu"), unknown], "categorical_crossentropy")), []);
        let mut lambda = dense(1, "linear");
        lambda.class_name = "Lambda".into();
        assert_eq!(levels(&model(&[dense(7, "linear"), lambda], "categorical_crossentropy")), []);
        assert!(check(&Evidence::default()).is_err());
    }
}
