//! S02: number of outputs does not fit the classes
//!
//! What it sees: a loss for yes-or-no questions over one-hot rows of three or more classes; one output for
//! three or more classes; a loss for many classes over one output; fewer outputs than classes; or labels
//! outside 0..1 under binary cross-entropy.
//!
//! Why it is bad: binary cross-entropy asks every output its own question. Over one-hot rows most answers
//! are "no", so a network that always says no has a low loss and, where the framework counts each output as
//! an answer, an accuracy of (K-1)/K: 0.9 for ten classes, having learnt nothing. One output cannot name
//! three classes at all. A categorical loss over one output is always zero. A class number that has no
//! output ends the program on a CPU, and gives NaN on a GPU.
//!
//! Several sigmoids with binary cross-entropy are right where an item may have several labels or none; this
//! speaks up only if labels are known to name one class each.
//!
//! Example:
//!
//! ```text
//! y = to_categorical(y)                     # one class of ten
//! model.add(Dense(10, activation="sigmoid"))
//! model.compile(loss="binary_crossentropy", metrics=["accuracy"])
//! ```
//!
//! Treatment: as many outputs as classes, softmax, and categorical cross-entropy; or one output, sigmoid and
//! binary cross-entropy for two classes.
//!
//! Source: the fault taxonomy of Humbatova et al. (ICSE 2020), "wrong loss" and "wrong output layer";
//! Stack Overflow 42081257, "Keras binary_crossentropy vs categorical_crossentropy performance".

use super::ending::{Ending, LossKind, is_one_hot, single_label_classes, stands_still};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S02",
    name: "number of outputs does not fit the classes",
    file: include_str!("s02_outputs.rs"),
    check,
};

fn check(evidence: &Evidence) -> Answer {
    let Some(ending) = Ending::of(evidence)? else { return Ok(Vec::new()) };
    let classes = single_label_classes(evidence, ending.units);
    let found = match (ending.kind, ending.units) {
        // S03 has more to say of a softmax over one unit.
        (_, Some(1)) if ending.activation == "softmax" => None,
        (LossKind::OneOfMany | LossKind::LogProbabilities, Some(1)) => Some(one_output(&ending)),
        (LossKind::YesNo | LossKind::OneOfMany | LossKind::LogProbabilities, Some(units))
            if data_classes(evidence)
                .is_some_and(|classes| units < classes && (units > 1 || classes > 2)) =>
        {
            too_few(&ending, units, data_classes(evidence).unwrap_or(0))
        }
        (LossKind::YesNo, _) if classes.is_some_and(|classes| classes >= 3) => {
            Some(questions(evidence, &ending, classes.unwrap_or(0)))
        }
        (LossKind::YesNo, _) => out_of_range(evidence, &ending),
        _ => None,
    };
    Ok(found.into_iter().collect())
}

/// Classes of the data set itself, not what the outputs suggest.
fn data_classes(evidence: &Evidence) -> Option<usize> {
    single_label_classes(evidence, None)
}

fn one_output(ending: &Ending<'_>) -> Finding {
    Finding::new(
        "S02",
        Level::Error,
        format!("the loss is {}, a choice among classes, and the network has 1 output", ending.loss),
    )
    .at(ending.place.clone())
    .cause(Cause::new(
        CauseKind::OutputUnits,
        0.95,
        "of one output there is nothing to choose: after the division by the sum it is always 1, and its loss 0",
    ))
    .treat(Treatment::automatic(Change::OutputUnits, "give the last layer as many units as there are classes"))
    .treat(Treatment::automatic(
        Change::Loss { loss: "binary_crossentropy".into() },
        "for a yes or no use binary_crossentropy, with a sigmoid",
    ))
}

fn too_few(ending: &Ending<'_>, units: usize, classes: usize) -> Option<Finding> {
    let outputs = if units == 1 { "1 output".to_owned() } else { format!("{units} outputs") };
    let found = Finding::new(
        "S02",
        Level::Error,
        format!("the network has {outputs}, and the data has {classes} classes"),
    )
    .at(ending.place.clone())
    .cause(Cause::new(
        CauseKind::OutputUnits,
        0.95,
        format!("{outputs} cannot name {classes} classes: some can never be answered"),
    ))
    .treat(Treatment::automatic(Change::OutputUnits, format!("give the last layer {classes} units")));
    Some(match ending.kind {
        LossKind::YesNo => found
            .treat(Treatment::automatic(
                Change::Loss { loss: "categorical_crossentropy".into() },
                "use categorical_crossentropy, against one-hot rows",
            ))
            .treat(Treatment::automatic(
                Change::OutputActivation { activation: "softmax".into() },
                "use softmax in the last layer",
            )),
        _ => found,
    })
}

fn questions(evidence: &Evidence, ending: &Ending<'_>, classes: usize) -> Finding {
    let still = stands_still(evidence);
    let always_no = (classes - 1) as f64 / classes as f64;
    let mut cause = Cause::new(
        CauseKind::Loss,
        if still { 0.9 } else { 0.8 },
        format!(
            "{} asks {classes} questions of yes or no where there is one choice among {classes} classes",
            ending.loss
        ),
    );
    cause = if is_one_hot(evidence) {
        cause.because("labels are one-hot rows, with one 1 each")
    } else {
        cause.because(format!("every item of the data has one of {classes} classes"))
    };
    if !still {
        cause = cause.although("such a network does learn, only slower");
    }
    let second = Cause::new(
        CauseKind::OutputActivation,
        0.5,
        format!("{} lets several classes be right at once", ending.activation),
    );
    let found = Finding::new(
        "S02",
        if still { Level::Error } else { Level::Warning },
        format!("the loss is {}, and labels name one of {classes} classes", ending.loss),
    )
    .at(ending.place.clone())
    .cause(cause);
    let found = if ending.activation == "softmax" { found } else { found.cause(second) };
    found
        .treat(Treatment::automatic(
            Change::Loss { loss: "categorical_crossentropy".into() },
            "use categorical_crossentropy",
        ))
        .treat(Treatment::automatic(
            Change::OutputActivation { activation: "softmax".into() },
            "use softmax in the last layer",
        ))
        .note(format!(
            "where each output counts as an answer, as in Keras' binary accuracy, always saying no gives {always_no:.2}"
        ))
}

/// Labels that no yes or no can be.
fn out_of_range(evidence: &Evidence, ending: &Ending<'_>) -> Option<Finding> {
    let targets = evidence.targets()?;
    if targets.min >= 0.0 && targets.max <= 1.0 {
        return None;
    }
    Some(
        Finding::new(
            "S02",
            Level::Error,
            format!("labels run from {} to {}, and {} knows 0 and 1", targets.min, targets.max, ending.loss),
        )
        .at(ending.place.clone())
        .cause(Cause::new(
            CauseKind::BadLabels,
            0.9,
            "with labels outside 0..1 the loss has no lower bound: it falls below zero, and the weights run away",
        ))
        .cause(Cause::new(CauseKind::Loss, 0.6, "the labels are class numbers, of which there are more than two"))
        .treat(Treatment::automatic(
            Change::Loss { loss: "sparse_categorical_crossentropy".into() },
            "for class numbers use sparse_categorical_crossentropy, with a softmax over as many units as classes",
        ))
        .treat(Treatment::advice("for two classes write them as 0 and 1")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Data, Placed, Range};
    use crate::rules::network::sample::{dense, fit, model};

    fn classes(count: usize) -> Option<Data> {
        Some(Data { classes: (0..count).map(|i| (i.to_string(), 10)).collect(), ..Data::default() })
    }

    fn kinds(evidence: &Evidence) -> Vec<CauseKind> {
        check(evidence).unwrap().iter().map(|finding| finding.causes[0].kind).collect()
    }

    #[test]
    fn yes_or_no_for_each_of_many_classes() {
        let mut evidence = model(&[dense(8, "relu"), dense(10, "sigmoid")], "binary_crossentropy");
        assert_eq!(kinds(&evidence), [], "may be several labels an item");
        fit(&mut evidence).label_steps = vec![Placed { value: "to_categorical".into(), place: None }];
        assert_eq!(kinds(&evidence), [CauseKind::Loss]);
        let mut two = model(&[dense(8, "relu"), dense(2, "sigmoid")], "binary_crossentropy");
        fit(&mut two).label_steps = vec![Placed { value: "to_categorical".into(), place: None }];
        assert_eq!(kinds(&two), [], "two questions with opposite answers do no harm");
        fit(&mut evidence).label_steps[0].value = "MultiLabelBinarizer".into();
        assert_eq!(kinds(&evidence), [], "several labels an item");
        let mut unknown = model(&[dense(8, "relu"), dense(0, "sigmoid")], "binary_crossentropy");
        fit(&mut unknown).label_steps = vec![Placed { value: "to_categorical".into(), place: None }];
        assert_eq!(kinds(&unknown), [], "how many outputs is not known");
    }

    #[test]
    fn too_few_outputs() {
        let mut evidence = model(&[dense(8, "relu"), dense(1, "sigmoid")], "binary_crossentropy");
        assert_eq!(kinds(&evidence), []);
        evidence.data = classes(2);
        assert_eq!(kinds(&evidence), []);
        evidence.data = classes(3);
        assert_eq!(kinds(&evidence), [CauseKind::OutputUnits]);
        let mut many = model(&[dense(8, "relu"), dense(5, "softmax")], "categorical_crossentropy");
        many.data = classes(7);
        assert_eq!(kinds(&many), [CauseKind::OutputUnits]);
        many.data = classes(5);
        assert_eq!(kinds(&many), []);
        assert_eq!(
            kinds(&model(&[dense(1, "sigmoid")], "categorical_crossentropy")),
            [CauseKind::OutputUnits]
        );
    }

    #[test]
    fn labels_that_are_no_yes_or_no() {
        let mut evidence = model(&[dense(8, "relu"), dense(1, "sigmoid")], "binary_crossentropy");
        let targets = |max| Some(Data { targets: Some(Range { min: 0.0, max }), ..Data::default() });
        evidence.data = targets(1.0);
        assert_eq!(kinds(&evidence), []);
        evidence.data = targets(2.0);
        assert_eq!(kinds(&evidence), [CauseKind::BadLabels]);
    }

    #[test]
    fn unknown_outputs_are_not_counted() {
        let mut layer = dense(1, "softmax");
        layer.units = Argument::Unknown("n_classes".into());
        let mut evidence = model(&[layer], "categorical_crossentropy");
        evidence.data = classes(7);
        assert_eq!(kinds(&evidence), []);
    }
}
