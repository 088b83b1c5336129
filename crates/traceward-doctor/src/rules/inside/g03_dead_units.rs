//! G03: dead units
//!
//! What it sees: at least half of a relu layer's units are zero on every row of the newest looks, 256 rows
//! or more together.
//!
//! Why it is bad: a relu whose input is always negative puts out zero and passes no gradient back, so it
//! never comes alive again: the layer is as narrow as what is left of it. If all units are dead, the
//! network's answer does not depend on its input any more.
//!
//! Example:
//!
//! ```text
//! dense: 61 of 64 units are zero for all of 320 items
//! ```
//!
//! Treatment: divide the learning rate by 3: one step too large kills units by the dozen; start from He's
//! initial weights; use elu or leaky relu, which cannot die.
//!
//! Source: SageMaker Debugger (50 %), AutoTrainer (Zhang et al., ICSE 2021) and DeepDiagnosis (Wardat et
//! al., ICSE 2022): 70 %. Rows of several looks are put together, since a unit that is zero for one batch
//! of one class may serve another.

use crate::inside::{Inside, OutputLook};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G03", name: "dead units", file: include_str!("g03_dead_units.rs"), check };

const SHARE: f64 = 0.5;
const ROWS: usize = 256;

/// Units of a layer that are zero on every row of the newest looks that have [`ROWS`] rows together.
struct Dead<'a> {
    output: &'a OutputLook,
    units: usize,
    rows: usize,
}

impl<'a> Dead<'a> {
    fn count(inside: &'a Inside, name: &'a str) -> Option<Self> {
        let mut looks = inside.output(name).rev();
        let output = looks.next()?;
        let (mut dead, mut rows) = (output.dead.clone(), output.rows);
        for earlier in looks {
            if rows >= ROWS {
                break;
            }
            rows += earlier.rows;
            dead.iter_mut().zip(&earlier.dead).for_each(|(dead, &too)| *dead &= too);
        }
        (rows >= ROWS).then(|| Self { output, units: dead.iter().filter(|&&dead| dead).count(), rows })
    }
}

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let Some(newest) = inside.looks.last() else { return Ok(Vec::new()) };
    let relu = newest.outputs.iter().filter(|output| output.activation == "relu" && !output.dead.is_empty());
    let mut findings = Vec::new();
    for output in relu {
        let dead = Dead::count(inside, &output.name).ok_or(Missing(Need::MoreEpochs))?;
        if dead.units as f64 >= SHARE * output.units as f64 {
            findings.push(found(inside, &dead));
        }
    }
    Ok(findings)
}

fn found(inside: &Inside, dead: &Dead<'_>) -> Finding {
    let Dead { output, units, rows } = *dead;
    let all = units == output.units;
    let symptom =
        format!("{units} of {} units of {} are zero for all of {rows} rows", output.units, output.name);
    // A half-dead layer can still do its work; one that is all but gone cannot.
    let learns = inside.loss_left().is_some_and(|left| left < 0.5);
    let level =
        if units as f64 >= 0.9 * output.units as f64 && !learns { Level::Error } else { Level::Warning };
    let mut finding = Finding::new("G03", level, symptom).at(Some(output.into()));
    let mut rate = Cause::new(
        CauseKind::LearningRateHigh,
        if all { 0.65 } else { 0.5 },
        "a step that was too large has pushed the units' inputs below zero for good",
    );
    let now = inside.looks.last().map_or(0.0, |look| look.learning_rate);
    if now > 3e-3 {
        rate = rate.because(format!("the learning rate is {now}"));
        rate.weight += 0.15;
    }
    let born_dead = inside.looks.first().and_then(|first| {
        let then = first.outputs.iter().find(|then| then.name == output.name)?;
        (then.dead_units() >= SHARE).then(|| then.dead_units())
    });
    if let Some(share) = born_dead {
        rate = rate.although("the units were dead before the first step already");
        rate.weight = 0.3;
        finding = finding.cause(
            Cause::new(CauseKind::Initialization, 0.7, "the units start dead")
                .because(format!("{:.0} % of them were zero at the first look", 100.0 * share)),
        );
    }
    let slower = Treatment::automatic(
        Change::ScaleLearningRate { factor: 1.0 / 3.0 },
        "divide the learning rate by 3",
    );
    let anew = Treatment::automatic(Change::Initializers, "start from the default initial weights");
    let [first, second] = if born_dead.is_some() { [anew, slower] } else { [slower, anew] };
    finding
        .cause(rate)
        .cause(Cause::new(CauseKind::DeadUnits, 0.35, "relu has nothing that brings a dead unit back"))
        .treat(first)
        .treat(second)
        .treat(Treatment::proposal(
            Change::HiddenActivation { layer: output.layer, activation: "elu".into() },
            format!("use activation=\"elu\" in {}, which cannot die", output.name),
        ))
}
