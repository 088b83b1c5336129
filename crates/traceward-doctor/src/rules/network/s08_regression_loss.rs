//! S08: regression loss on a classifier
//!
//! What it sees: a squared or absolute error as loss of a network that ends with a softmax, or whose labels
//! are one-hot rows or classes, or that asks for an accuracy of one sigmoid.
//!
//! Why it is bad: the gradient of a squared error through a sigmoid or softmax ends where the output is
//! sure, even if it is sure of the wrong class. So a network that starts badly stays there: with K classes
//! the loss stands near (K-1)/K². The absolute error is worse: its best constant answer is the most
//! frequent class alone.
//!
//! Where nothing but the accuracy says that classes are meant, and the optimizer is one that scales its steps
//! (Adam, RMSprop), which get out of such places, it is a note. The absolute error is a warning always.
//!
//! An autoencoder, whose outputs are its inputs, is right with a squared error and a sigmoid. So without
//! labels that are known to be classes, several sigmoids are left alone.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(3, activation="softmax"))
//! model.compile(loss="mean_squared_error", metrics=["accuracy"])
//! ```
//!
//! Treatment: categorical cross-entropy after a softmax, binary cross-entropy after a sigmoid.
//!
//! Source: AutoTrainer (Zhang et al., ICSE 2021), "improper loss"; five of thirty faulty Stack Overflow
//! programs in DeepLocalize (Wardat et al., ICSE 2021).

use super::ending::{Ending, LossKind, accuracy_metric, is_one_hot, single_label_classes, stands_still};
use crate::facts::Compile;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S08",
    name: "regression loss on a classifier",
    file: include_str!("s08_regression_loss.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let Some(ending) = Ending::of(evidence)? else { return Ok(Vec::new()) };
    if ending.kind != LossKind::Number {
        return Ok(Vec::new());
    }
    let compile = evidence.compile()?;
    // Whoever says that the targets are quantities has the right loss.
    if evidence.stated.regression == Some(true) {
        return Ok(Vec::new());
    }
    let classes = single_label_classes(evidence, None).filter(|&classes| classes > 1);
    let one_hot = is_one_hot(evidence);
    let accuracy = accuracy_metric(compile);
    // How sure one may be that classes are meant, and by what.
    let (weight, because) = if let Some(classes) = classes {
        (0.85, format!("the data has {classes} classes"))
    } else if one_hot {
        (0.85, "labels are one-hot rows".to_owned())
    } else if evidence.stated.regression == Some(false) {
        (0.85, "the labels are classes".to_owned())
    } else if ending.activation == "softmax" && ending.units != Some(1) {
        (0.85, "a softmax chooses one class of many".to_owned())
    } else if ending.activation == "sigmoid" && ending.units == Some(1) && accuracy.is_some() {
        (0.6, "an accuracy is measured, which only classes have".to_owned())
    } else {
        return Ok(Vec::new());
    };
    // A softmax over one unit is always 1, whatever the loss: S03.
    if ending.activation == "softmax" && ending.units == Some(1) {
        return Ok(Vec::new());
    }
    let still = stands_still(evidence);
    let one = ending.units == Some(1);
    let (loss, activation) =
        if one { ("binary_crossentropy", "sigmoid") } else { ("categorical_crossentropy", "softmax") };
    let mut cause = Cause::new(
        CauseKind::Loss,
        if still { weight + 0.1 } else { weight },
        format!("{} gives no gradient where the network is sure of the wrong class", ending.loss),
    )
    .because(because);
    if !still && ending.activation != "linear" {
        cause = cause.although("small networks do learn this way, slowly");
    }
    let level = match (still, weight < 0.7 && gets_along(compile, ending.loss)) {
        (true, _) => Level::Error,
        (false, true) => Level::Note,
        (false, false) => Level::Warning,
    };
    let mut finding = Finding::new(
        "S08",
        level,
        format!("the loss is {}, made for numbers, and the network tells classes apart", ending.loss),
    )
    .at(compile.loss.place.clone().or_else(|| compile.place.clone()))
    .cause(cause);
    if weight < 0.7 {
        let doubt = "if the targets are numbers, a sigmoid at the end cannot leave 0..1";
        finding = finding
            .cause(Cause::new(CauseKind::OutputActivation, 0.5, doubt).although("an accuracy is measured"));
    }
    finding = finding.treat(Treatment::automatic(Change::Loss { loss: loss.into() }, format!("use {loss}")));
    if ending.activation != activation {
        if ending.activation == "linear" {
            finding = finding.cause(Cause::new(
                CauseKind::OutputActivation,
                0.6,
                "the outputs of a classifier are probabilities, and these may be any numbers",
            ));
        }
        finding = finding.treat(Treatment::automatic(
            Change::OutputActivation { activation: activation.into() },
            format!("use {activation} in the last layer"),
        ));
    }
    Ok(vec![finding])
}

/// Whether steps are scaled by the gradient's size, so that a flat error is no obstacle.
fn gets_along(compile: &Compile, loss: &str) -> bool {
    let scaled = |optimizer: &String| !matches!(optimizer.as_str(), "sgd" | "asgd");
    !loss.contains("absolute") && compile.optimizer.value.given().is_some_and(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Placed};
    use crate::rules::network::sample::{compile, curves_at, dense, fit, model};

    fn metric(evidence: &mut Evidence, name: &str) {
        compile(evidence).metrics = vec![Placed { value: name.into(), place: None }];
    }

    #[test]
    fn a_softmax_with_a_squared_error() {
        let mut evidence = model(&[dense(20, "relu"), dense(3, "softmax")], "mean_squared_error");
        let found = check(&evidence).unwrap();
        assert_eq!((found.len(), found[0].level), (1, Level::Warning));
        assert_eq!(
            found[0].treatments[0].change,
            Some(Change::Loss { loss: "categorical_crossentropy".into() })
        );
        evidence.curves = Some(curves_at(&[0.2222; 6]));
        assert_eq!(check(&evidence).unwrap()[0].level, Level::Error);
    }

    #[test]
    fn one_sigmoid_is_a_classifier_if_its_accuracy_is_asked() {
        let mut evidence = model(&[dense(5, "sigmoid"), dense(1, "sigmoid")], "mean_squared_error");
        assert_eq!(check(&evidence).unwrap(), []);
        metric(&mut evidence, "accuracy");
        let kinds: Vec<_> = check(&evidence).unwrap()[0].causes.iter().map(|cause| cause.kind).collect();
        assert_eq!(kinds, [CauseKind::Loss, CauseKind::OutputActivation]);
        metric(&mut evidence, "mae");
        assert_eq!(check(&evidence).unwrap(), []);
    }

    #[test]
    fn an_accuracy_alone_is_a_warning_where_steps_are_not_scaled() {
        let level = |optimizer: &str, loss: &str| {
            let mut evidence = model(&[dense(5, "sigmoid"), dense(1, "sigmoid")], loss);
            metric(&mut evidence, "accuracy");
            compile(&mut evidence).optimizer.value = Argument::Given(optimizer.into());
            check(&evidence).unwrap()[0].level
        };
        assert_eq!(level("sgd", "mean_squared_error"), Level::Warning);
        assert_eq!(level("adam", "mean_squared_error"), Level::Note);
        assert_eq!(level("adam", "mean_absolute_error"), Level::Warning);
    }

    #[test]
    fn autoencoders_and_regressions_are_right() {
        let mut autoencoder = model(&[dense(32, "relu"), dense(784, "sigmoid")], "mean_squared_error");
        metric(&mut autoencoder, "accuracy");
        assert_eq!(check(&autoencoder).unwrap(), []);
        let mut regression = model(&[dense(32, "relu"), dense(1, "linear")], "mean_squared_error");
        metric(&mut regression, "accuracy");
        assert_eq!(check(&regression).unwrap(), [], "S16 speaks of the metric");
        assert_eq!(check(&model(&[dense(1, "softmax")], "mean_squared_error")).unwrap(), [], "S03's");
    }

    #[test]
    fn one_hot_rows_are_classes_whatever_the_activation() {
        let mut evidence = model(&[dense(30, "linear"), dense(10, "linear")], "mean_squared_error");
        fit(&mut evidence).label_steps =
            vec![Placed { value: "keras.utils.to_categorical".into(), place: None }];
        let found = check(&evidence).unwrap();
        assert_eq!(found[0].treatments.len(), 2, "the loss, and a softmax");
    }
}
