//! C11: overfitting
//!
//! What it sees: the validation loss fell to a minimum and rose again, by more than a few per cent and more
//! than its noise, while the training loss fell on.
//!
//! Why it is bad: after the minimum the network learns the training items by heart. The epochs after it
//! cost time and make it worse on anything new.
//!
//! Example:
//!
//! ```text
//! loss 0.12 0.06 0.02, val_loss 0.07 0.10 0.21: least at epoch 9, three times that at the end
//! ```
//!
//! Treatment: keep the weights of the best epoch (early stopping); dropout of 0.2 to 0.5; weight decay; a
//! smaller network; more data. If the validation accuracy stays level meanwhile, the network has become
//! over-confident rather than worse.
//!
//! Source: the form is the textbook's; the threshold is chosen on the 419 simulated histories of
//! OverfitGuard (Li et al., FSE 2024) alone and judged on its 40 real ones.

use super::{c04_stuck, c06_diverging};
use crate::curve::{Losses, Turning, figure, percent, turning};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Label, Level, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "C11", name: "overfitting", file: include_str!("c11_overfitting.rs"), check };

/// The validation loss has risen by this share.
const RISE: f64 = 0.03;
/// And by this multiple of its noise; a rise of a third by half as much.
const RISE_IN_NOISE: f64 = 2.0;
/// The training loss has fallen since by this share.
const FALL: f64 = 0.05;

/// Where the run began to overfit, if it did.
pub(crate) fn overfitting(losses: &Losses) -> Option<Turning> {
    if losses.val.as_ref()?.len() < 5 || losses.train.as_ref()?.len() < 5 {
        return None;
    }
    let turning = turning(losses)?;
    let noise = if turning.rise > 1.0 / 3.0 { RISE_IN_NOISE / 2.0 } else { RISE_IN_NOISE };
    let overfits = turning.rise > RISE && turning.rise_in_noise > noise && turning.fall > FALL;
    (overfits && !c06_diverging::diverges(losses) && c04_stuck::stuck(losses).is_none()).then_some(turning)
}

fn check(evidence: &Evidence) -> Answer {
    let losses = Losses::with(evidence, 5)?;
    losses.training(5)?;
    let val = losses.validation(5)?;
    let Some(turning) = overfitting(&losses) else { return Ok(Vec::new()) };
    let symptom = format!(
        "the validation loss was least at row {} ({}) and rose by {} since, to {}, while the training loss fell \
         by {}",
        turning.row,
        figure(val.min()),
        percent(turning.rise),
        figure(val.end()),
        percent(turning.fall)
    );
    let found = Finding::new("C11", Level::Warning, symptom).label(Label::Overfit).at_epoch(turning.row);
    let found = suspects(evidence, &losses, &turning).into_iter().fold(found, Finding::cause);
    let found = treatments(evidence, val.len(), turning.best).into_iter().fold(found, Finding::treat);
    Ok(vec![match notes(&losses, &turning) {
        Some(note) => found.note(note),
        None => found,
    }])
}

fn suspects(evidence: &Evidence, losses: &Losses, turning: &Turning) -> Vec<Cause> {
    let epochs = Cause::new(CauseKind::TooManyEpochs, 0.5, "more epochs than the data carry")
        .because(format!("everything after row {} made it worse", turning.row));
    let dropout =
        evidence.network.as_ref().map(|network| network.layers.iter().any(crate::facts::Layer::is_dropout));
    let loose = Cause::new(
        CauseKind::TooLittleRegularization,
        0.5,
        "nothing keeps the network from learning by heart",
    );
    let loose = match dropout {
        Some(true) => loose.although("there is dropout already"),
        Some(false) => loose.because("there is no dropout"),
        None => loose,
    };
    let size = Cause::new(CauseKind::Capacity, 0.35, "a network too large for the data");
    let little = Cause::new(CauseKind::TooLittleData, 0.35, "too little data");
    let little = match evidence.data.as_ref().map(|data| data.items) {
        Some(items) if items < 1000 => little.because(format!("there are {items} items")),
        Some(items) if items > 100_000 => little.although(format!("there are {items} items")),
        _ => little,
    };
    let mut suspects = vec![epochs, loose, size, little];
    if let Some(shift) = another_world(losses, turning) {
        suspects.insert(0, shift);
    }
    suspects
}

/// A validation loss that has hardly ever fallen, beside an accuracy that is next to nothing, is not of the
/// same data: overfitting needs something to have been learned first.
fn another_world(losses: &Losses, turning: &Turning) -> Option<Cause> {
    let val = losses.val.as_ref()?;
    let score = losses.val_accuracy.as_ref()?;
    let training = losses.accuracy.as_ref()?;
    let never_learned = val.gain() < 0.05 && turning.best * 10 <= val.len();
    let far_below = score.max() < 0.5 * training.end();
    (never_learned && far_below).then(|| {
        Cause::new(CauseKind::TailSplit, 0.75, "validation data of other classes than the training data")
            .because(format!("the validation accuracy never passed {}", figure(score.max())))
            .because("the validation loss rose almost from the first row")
    })
}

fn treatments(evidence: &Evidence, epochs: usize, best: usize) -> Vec<Treatment> {
    let patience = (epochs / 15).clamp(3, 50);
    let mut treatments = vec![Treatment::automatic(
        Change::EarlyStopping { patience },
        format!(
            "stop when the validation loss has not improved for {patience} epochs, and keep its best weights"
        ),
    )];
    let network = evidence.network.as_ref();
    let before_output = network.and_then(|network| network.last_weighted()).map(|(last, _)| last);
    if let Some(after) = before_output.and_then(|last| last.checked_sub(1)) {
        treatments.push(Treatment::automatic(
            Change::Dropout { after, rate: 0.25 },
            "put a dropout of 0.25 before the last layer",
        ));
    } else {
        treatments.push(Treatment::advice("put a dropout of 0.2 to 0.5 before the last layer"));
    }
    treatments
        .push(Treatment::proposal(Change::ScaleUnits { factor: 0.5 }, "halve the hidden layers' units"));
    treatments.push(Treatment::advice(format!("or take more data; as it is, train for {} epochs", best + 1)));
    treatments
}

fn notes(losses: &Losses, turning: &Turning) -> Option<String> {
    let score = losses.val_accuracy.as_ref()?;
    let then = score.smooth()[score.index_at_row(turning.row)];
    let lost = then - score.end();
    Some(if lost > 0.01 {
        format!("the validation accuracy fell too, from {} to {}", figure(then), figure(score.end()))
    } else {
        format!(
            "the validation accuracy did not fall ({} then, {} at the end): the network became over-confident rather \
             than worse",
            figure(then),
            figure(score.end())
        )
    })
}
