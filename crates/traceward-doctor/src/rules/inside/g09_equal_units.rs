//! G09: units that are all the same
//!
//! What it sees: after 20 steps, more than a tenth of a layer's units have weights that point the same way
//! as another unit's (cosine above 0.9999), or all its weights are zero.
//!
//! Why it is bad: units that start equal get equal gradients and stay equal: a layer of 64 such units is a
//! layer of one. Weights of zero behind a relu never move at all.
//!
//! Example:
//!
//! ```text
//! Dense(64, kernel_initializer="zeros")
//! ```
//!
//! Treatment: start from random weights: the layer's default.
//!
//! Source: theory (symmetry breaking; Goodfellow et al., Deep Learning, 8.4); S10 says it from the
//! configuration, before a step is made.

use crate::inside::WeightLook;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Missing, Need, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "G09", name: "units that are all the same", file: include_str!("g09_equal_units.rs"), check };

const SHARE: f64 = 0.1;
const STEPS: u64 = 20;

fn check(evidence: &Evidence) -> Answer {
    let inside = evidence.inside()?;
    let Some(newest) = inside.looks.iter().rfind(|look| look.step >= STEPS) else {
        return Err(Missing(Need::MoreEpochs));
    };
    let equal = |weight: &&WeightLook| weight.twins.is_some_and(|twins| twins > SHARE);
    let mut kernels: Vec<&WeightLook> = newest.weights.iter().filter(equal).collect();
    kernels.dedup_by_key(|weight| weight.layer);
    let started_equal = |weight: &WeightLook| {
        inside.weight(&weight.name).next().and_then(|first| first.twins).is_some_and(|twins| twins > SHARE)
    };
    let found = |weight: &WeightLook| {
        let symptom = if weight.norm == 0.0 {
            format!("all weights of {} are zero", weight.name)
        } else {
            format!(
                "{:.0} % of the units of {} have the same weights as another",
                100.0 * weight.twins.unwrap_or_default(),
                weight.name
            )
        };
        let level = if weight.twins.is_some_and(|twins| twins > 0.5) { Level::Error } else { Level::Warning };
        let mut cause =
            Cause::new(CauseKind::Initialization, 0.6, "initial weights that are zero or all equal");
        if started_equal(weight) {
            cause = cause.because("the units were equal at the first look already");
            cause.weight = 0.95;
        }
        Finding::new("G09", level, symptom)
            .at(Some(weight.into()))
            .cause(cause)
            .treat(Treatment::automatic(Change::Initializers, "start from the default initial weights"))
    };
    Ok(kernels.into_iter().map(found).collect())
}
