//! All that an evaluation found: the model that was asked about, and what stands beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ProtocolResult, Standing};
use crate::compare::Comparison;

/// What `eval DATA` writes as JSON and what its page shows. The first model's figures stand at the top
/// level; keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtocolReport {
    /// The data set's name.
    pub data: String,
    /// The fingerprint of its content.
    pub fingerprint: String,
    /// The first model.
    #[serde(flatten)]
    pub result: ProtocolResult,
    /// What a trivial classifier and the standing baseline reach on the same traces.
    pub baselines: Vec<Standing>,
    /// The other models, in full.
    pub models: Vec<ProtocolResult>,
    /// The first model compared with each of the others, paired.
    pub comparisons: Vec<Comparison>,
    /// How much a protocol that flatters did so: measured with the first model.
    pub inflation: Option<Inflation>,
    /// What is wrong with the data, as sentences with numbers.
    pub flaws: Vec<String>,
}

/// The same model by two protocols.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inflation {
    /// By figure: under the protocol that flatters, under the honest one, and the difference.
    pub figures: BTreeMap<String, Inflated>,
    /// The warning, in a sentence.
    pub warning: String,
}

/// One figure by two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inflated {
    /// By the protocol asked for.
    pub random: f64,
    /// By the honest one.
    pub honest: f64,
    /// How much the former is higher.
    pub by: f64,
}

impl Inflation {
    /// How much `random` flatters, measured against `honest`; `None` if they share no figure.
    pub fn of(random: &ProtocolResult, honest: &ProtocolResult) -> Option<Self> {
        let (random_is, honest_is) = (random.standing(), honest.standing());
        let single = |name: &str, of: &dyn Fn(&Standing) -> Option<f64>| {
            let (random, honest) = (of(&random_is)?, of(&honest_is)?);
            Some((name.to_owned(), Inflated { random, honest, by: random - honest }))
        };
        let dr = |standing: &Standing| standing.dr_at_far.get("0.01").copied().flatten();
        let figures: BTreeMap<String, Inflated> = [
            single("accuracy", &|standing| standing.accuracy),
            single("macro_f1", &|standing| standing.macro_f1),
            single("auc", &|standing| standing.auc),
            single("dr_at_far.0.01", &dr),
        ]
        .into_iter()
        .flatten()
        .collect();
        let words = [
            ("accuracy", "accuracy"),
            ("macro_f1", "macro-F1"),
            ("auc", "AUC"),
            ("dr_at_far.0.01", "detection at the 1 % ROC point"),
        ];
        let said: Vec<String> = words
            .iter()
            .filter_map(|(key, word)| {
                let figure = figures.get(*key)?;
                Some(format!(
                    "{word} {:.3} instead of {:.3} ({:+.3})",
                    figure.random, figure.honest, figure.by
                ))
            })
            .collect();
        (!figures.is_empty()).then(|| Self {
            warning: format!(
                "Random folds with copies change what {} seems to be worth: {}. Quote the honest figures.",
                random.model,
                said.join(", ")
            ),
            figures,
        })
    }
}
