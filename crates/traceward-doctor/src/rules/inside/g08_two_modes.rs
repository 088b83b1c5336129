//! G08: trained one way, judged another
//!
//! What it sees: a network with a batch normalisation whose loss on one and the same batch is more than
//! twice as high, in six looks in a row, when it normalises with its moving statistics (as it will be used)
//! than with the batch's own (as it is trained). After 500 steps: before that, moving statistics are still
//! on their way from their initial values.
//!
//! Why it is bad: the network that is used is not the one that was trained. Validation looks poor or jumps
//! while training looks well.
//!
//! Example:
//!
//! ```text
//! BatchNormalization(momentum=0.999) and 60 steps: the moving mean has gone 6 % of its way
//! ```
//!
//! Treatment: a smaller momentum (0.9), larger batches, no normalisation behind a dropout.
//!
//! Source: TheDeepChecker (Ben Braiek & Khomh, TOSEM 2022: loss differs by 50 %, which
//! healthy networks pass while they learn fast); Li et al., CVPR 2019, on
//! normalisation behind dropout.

use crate::facts::Layer;
use crate::inside::Look;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "G08",
    name: "trained one way, judged another",
    file: include_str!("g08_two_modes.rs"),
    check,
};

const SETTLED: u64 = 500;
const LOOKS: usize = 6;

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let looks: Vec<&Look> = inside.looks.iter().filter(|look| look.evaluated_loss.is_some()).collect();
    let Some(newest) = looks.last().copied() else { return Ok(Vec::new()) };
    if newest.step < SETTLED || looks.len() < LOOKS {
        return Err(Missing(Need::MoreEpochs));
    }
    // A loss that is all but gone is easily doubled.
    let floor = 0.05 * inside.looks[0].loss;
    let differs = |look: &&Look| {
        look.evaluated_loss.is_some_and(|evaluated| evaluated > floor && evaluated > 2.0 * look.loss)
    };
    if !looks[looks.len() - LOOKS..].iter().all(differs) {
        return Ok(Vec::new());
    }
    let symptom = format!(
        "the same batch has a loss of {:.3} as it is trained and of {:.3} as it is judged",
        newest.loss,
        newest.evaluated_loss.unwrap_or_default()
    );
    let network = evidence.network().ok();
    let normalization = network.and_then(|n| n.layers.iter().position(Layer::is_normalization));
    let dropout_before = network.is_some_and(|network| {
        normalization.is_some_and(|at| network.layers[..at].iter().any(Layer::is_dropout))
    });
    let mut finding = Finding::new("G08", Level::Warning, symptom);
    if dropout_before {
        finding = finding.cause(
            Cause::new(
                CauseKind::DoubledNormalization,
                0.55,
                "a normalisation behind a dropout learns the statistics of thinned-out values",
            )
            .because("a dropout stands before the normalisation"),
        );
    }
    finding = finding
        .cause(Cause::new(
            CauseKind::BatchSize,
            0.5,
            "statistics of few items differ from batch to batch, and from those of all",
        ))
        .cause(Cause::new(
            CauseKind::DoubledNormalization,
            0.4,
            "the moving statistics follow too slowly for so few steps",
        ));
    finding.causes.dedup_by_key(|cause| cause.kind);
    if let Some(batch_size) = evidence.fit().ok().and_then(|fit| fit.batch_size.value.given().copied()) {
        finding = finding.treat(Treatment::proposal(
            Change::BatchSize { batch_size: batch_size.saturating_mul(4) },
            "use batches four times as large",
        ));
    }
    if let Some(layer) = normalization {
        finding =
            finding.treat(Treatment::proposal(Change::RemoveLayer { layer }, "leave the normalisation out"));
    }
    Ok(vec![finding.treat(Treatment::advice("use a smaller momentum, such as 0.9"))])
}
