//! C02: negative loss
//!
//! What it sees: a loss below zero, where the loss cannot be: a cross-entropy, a squared or absolute error.
//! Without knowledge of the loss it takes a log with an accuracy for a classification, whose losses are
//! not negative, and stays a note otherwise: likelihoods of densities and similarities may be.
//!
//! Why it is bad: the loss then rewards something else than the right answer, and falls without end.
//!
//! Example:
//!
//! ```text
//! labels 0, 1, 2 with binary cross-entropy: loss: -1.4e8, accuracy: 0.33
//! ```
//!
//! Treatment: as many outputs as classes with a softmax and categorical cross-entropy; or labels of 0 and 1.
//!
//! Source: a Stack Overflow question (50079585) among DeepFD's faulty programs (Cao et al., ICSE 2022).

use crate::curve::{Losses, figure};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C02", name: "negative loss", file: include_str!("c02_negative_loss.rs"), check };

/// Rounding makes a loss of zero this negative at most.
const ROUNDING: f64 = -1e-6;

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 1)?;
    let sides = [("the training loss", &losses.train), ("the validation loss", &losses.val)];
    let below = sides.into_iter().find_map(|(name, shape)| {
        let shape = shape.as_ref()?;
        let index = shape.raw().iter().position(|&value| value < ROUNDING)?;
        let least = shape.raw().iter().copied().fold(f64::INFINITY, f64::min);
        Some((name, shape.row(index), least))
    });
    let Some((name, row, least)) = below else { return Ok(Vec::new()) };
    let written = evidence.compile().ok().and_then(|compile| compile.loss.value.given());
    let never_negative = written.map(|loss| cannot_be_negative(loss));
    let classification = losses.score().is_some();
    let (level, labelled) = match never_negative {
        Some(true) => (Level::Error, true),
        Some(false) => return Ok(Vec::new()),
        None if classification => (Level::Error, true),
        None => (Level::Note, false),
    };
    let symptom = format!("{name} is negative from row {row} on, and goes down to {}", figure(least));
    let mut found = Finding::new("C02", level, symptom).at_epoch(row);
    if !labelled {
        return Ok(vec![found.note(
            "likelihoods of densities, similarities and losses of one's own may be negative: is this one?",
        )]);
    }
    found = found.label(Label::NegLoss);
    let labels = Cause::new(CauseKind::BadLabels, 0.55, "labels outside the range that the loss is made for")
        .because("a cross-entropy is negative only for labels above 1 or below 0");
    let units =
        Cause::new(CauseKind::OutputUnits, 0.5, "one output with binary cross-entropy for several classes");
    let units = match evidence.classes() {
        Some(classes) if classes > 2 => units.because(format!("there are {classes} classes")),
        _ => units,
    };
    let loss = Cause::new(CauseKind::Loss, 0.4, "a loss that is made for other labels");
    Ok(vec![
        found
            .cause(labels)
            .cause(units)
            .cause(loss)
            .treat(Treatment::automatic(Change::OutputUnits, "use as many outputs as there are classes"))
            .treat(Treatment::automatic(
                Change::OutputActivation { activation: "softmax".into() },
                "use activation=\"softmax\" in the last layer",
            ))
            .treat(Treatment::automatic(
                Change::Loss { loss: "sparse_categorical_crossentropy".into() },
                "use categorical cross-entropy",
            ))
            .treat(Treatment::advice("or bring the labels to 0 and 1")),
    ])
}

/// Whether a loss of this Keras name is never negative. Unknown names may be anything.
fn cannot_be_negative(loss: &str) -> bool {
    ["crossentropy", "squared", "absolute", "hinge", "huber", "log_cosh"]
        .iter()
        .any(|part| loss.contains(part))
}
