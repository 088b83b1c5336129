//! The one word for what a curve shows.
//!
//! Each finding about a curve carries the word for its shape; a run can show several. The primary label is
//! the one that explains most, in this order: what makes the numbers meaningless (not a number, negative, a
//! metric of something else), what ended the learning (collapse, another quantity, divergence, standing
//! still), what spoils it on the way (overfitting, oscillation, peaks, a rebound), and only then how far it
//! came (gap, underfitting, still improving, plateau). A run of fewer than three epochs shows no shape. One
//! that shows none of these is healthy, which is only said of one that has learned something.
//!
//! Three words are never primary. That validation is missing, noisy, or better than training says something of
//! the log, and nothing of how the run went; it stands beside the word, as a note or as what could not be checked.

use crate::curve::{Losses, POOR};
use crate::{Evidence, Finding, Label};

/// Words that can be primary, those that explain more first.
const ORDER: [Label; 17] = [
    Label::Nan,
    Label::NegLoss,
    Label::TooShort,
    Label::MetricMismatch,
    Label::Collapse,
    Label::PenaltyDominated,
    Label::Diverge,
    Label::Stuck,
    Label::Overfit,
    Label::Oscillate,
    Label::Spike,
    Label::Rebound,
    Label::ValPlateau,
    Label::Gap,
    Label::Underfit,
    Label::StillImproving,
    Label::Plateau,
];

/// Fewer rows than this cannot show that they stand.
const FLAT: usize = 15;

/// Fewer rows than this have no shape.
const SHORTEST: usize = 3;

/// The one word for the curves, given all findings about them; `None` if there is no loss to speak of.
pub fn primary(evidence: &Evidence, findings: &[Finding]) -> Option<Label> {
    let curves = evidence.curves.as_ref()?;
    if curves.loss.is_none() && curves.val_loss.is_none() {
        return None;
    }
    let has = |label: Label| findings.iter().any(|finding| finding.label == Some(label));
    if has(Label::Nan) || has(Label::NegLoss) {
        return ORDER.into_iter().find(|&label| has(label));
    }
    let losses = Losses::of(curves);
    if losses.len() < SHORTEST {
        return Some(Label::TooShort);
    }
    ORDER.into_iter().find(|&label| has(label)).or_else(|| unremarkable(&losses))
}

/// The word for a run in which no rule found anything: healthy, if it has learned something, to an accuracy
/// that is not poor, or knew it from the start. One that has not is flat, or too short to tell.
fn unremarkable(losses: &Losses) -> Option<Label> {
    let good = |least: f64| losses.score().map(|score| score.end() > least);
    let learns = losses.judged()?.gain() > 0.05;
    let poor = good(POOR) == Some(false);
    Some(match losses.len() {
        _ if learns && !poor || good(0.9) == Some(true) => Label::Healthy,
        ..FLAT if learns => Label::StillImproving,
        ..8 => Label::TooShort,
        _ => Label::Plateau,
    })
}
