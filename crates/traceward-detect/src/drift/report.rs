//! Where things stand, source by source, and what to do about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traceward_trace::Vocabulary;

use super::stability::{Found, Index};
use super::{FEWEST, Level, OWN_BIN, Reference, UNKNOWN};

/// Calls that are named as having moved most.
const NAMED: usize = 3;

/// Where things stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The worst level of any source.
    pub level: Level,
    /// Whether the model should be trained again on what is usual now.
    pub retrain: bool,
    /// The sources, by name.
    pub sources: Vec<SourceReport>,
}

/// Where one source stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Its name.
    pub source: String,
    /// Its traces.
    pub traces: u64,
    /// The calls of all of them.
    pub calls: u64,
    /// Share of the calls that the model does not know.
    pub unknown_share: f64,
    /// Share of the traces that hold such a call.
    pub unknown_traces: f64,
    /// Stability index of how often each call occurs.
    pub calls_psi: f64,
    /// What it means.
    pub calls_level: Level,
    /// The calls that moved most.
    pub moved: Vec<CallShift>,
    /// Stability index of the scores, if the reference has any.
    pub score_psi: Option<f64>,
    /// What it means.
    pub score_level: Option<Level>,
    /// The worst of all that is said of it.
    pub level: Level,
    /// What to do, in full sentences; `None` where there is nothing to do.
    pub hint: Option<String>,
}

/// A call, before and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallShift {
    /// The call.
    pub call: String,
    /// Its mean share of a trace's calls in the reference.
    pub expected: f64,
    /// And here.
    pub found: f64,
}

impl Report {
    pub(super) fn new(
        reference: &Reference,
        sources: &BTreeMap<String, Found>,
        vocabulary: &Vocabulary,
    ) -> Self {
        let sources: Vec<SourceReport> = sources
            .iter()
            .map(|(source, found)| SourceReport::new(source, reference, found, vocabulary))
            .collect();
        let level = sources.iter().map(|source| source.level).max().unwrap_or(Level::TooFew);
        let unknown = |source: &SourceReport| source.unknown_share >= UNKNOWN[1];
        let retrain = sources.iter().any(|source| {
            source.level == Level::Drifted && (source.calls_level == Level::Drifted || unknown(source))
        });
        Self { level, retrain, sources }
    }
}

impl SourceReport {
    fn new(source: &str, reference: &Reference, found: &Found, vocabulary: &Vocabulary) -> Self {
        let shares = found.call_shares();
        let (expected_bins, found_bins) = pooled(&reference.calls, &shares);
        let calls = Index::new(&expected_bins, reference.traces, &found_bins, found.traces);
        let scored: u64 = found.scores.iter().sum();
        let scores = (scored > 0).then(|| {
            let shares: Vec<f64> = found.scores.iter().map(|&n| n as f64 / scored as f64).collect();
            Index::new(&reference.score_shares, reference.traces, &shares, scored)
        });
        let unknown_share = found.unknown_calls as f64 / found.calls.max(1) as f64;
        let unknown_level = match unknown_share {
            _ if found.traces < FEWEST => Level::TooFew,
            share if share < UNKNOWN[0] || !found.more_unknown_than(reference.unknown_traces) => {
                Level::Stable
            }
            share if share < UNKNOWN[1] => Level::Shifting,
            _ => Level::Drifted,
        };
        let calls_level = calls.level(found.traces);
        let score_level = scores.map(|index| index.level(scored));
        let level = calls_level.max(unknown_level).max(score_level.unwrap_or(Level::TooFew));
        let mut said = Self {
            source: source.to_owned(),
            traces: found.traces,
            calls: found.calls,
            unknown_share: rounded(unknown_share),
            unknown_traces: rounded(found.unknown_trace_share()),
            calls_psi: rounded(calls.psi),
            calls_level,
            moved: moved(&reference.calls, &shares, vocabulary),
            score_psi: scores.map(|index| rounded(index.psi)),
            score_level,
            level,
            hint: None,
        };
        said.hint = said.hint(unknown_level);
        said
    }

    fn hint(&self, unknown: Level) -> Option<String> {
        let mut said = Vec::new();
        let source = &self.source;
        if unknown >= Level::Shifting {
            said.push(format!(
                "{:.1} % of the calls of {source} are unknown to the model: look whether its traces are of another ABI or a newer system, and train again on such traces if they are not.",
                100.0 * self.unknown_share
            ));
        }
        let moved: Vec<String> = (self.moved.iter())
            .map(|m| {
                format!(
                    "{} {:.1} % of a trace instead of {:.1} %",
                    m.call,
                    100.0 * m.found,
                    100.0 * m.expected
                )
            })
            .collect();
        match self.calls_level {
            Level::Drifted => said.push(format!(
                "{source} runs something else than the model was trained on ({}): train again with normals of it, or calibrate on them at least.",
                moved.join(", ")
            )),
            Level::Shifting => said.push(format!(
                "The calls of {source} begin to differ from training ({}): calibrate again on recent normals.",
                moved.join(", ")
            )),
            Level::Stable | Level::TooFew => {}
        }
        if self.calls_level < Level::Shifting && self.score_level >= Some(Level::Shifting) {
            said.push(format!(
                "Scores of {source} are no longer distributed as they were, though its calls are: calibrate again, or look for attacks."
            ));
        }
        (!said.is_empty()).then(|| said.join(" "))
    }
}

/// Shares by bin: calls with a share of their own in the reference, and all others together.
fn pooled(expected: &[f64], found: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut expected_bins, mut found_bins) = (vec![0.0], vec![0.0]);
    for (&expected, &found) in expected.iter().zip(found) {
        if expected >= OWN_BIN {
            expected_bins.push(expected);
            found_bins.push(found);
        }
    }
    // What is left of the whole, unknown calls among it.
    expected_bins[0] = (1.0 - expected_bins.iter().sum::<f64>()).max(0.0);
    found_bins[0] = (1.0 - found_bins.iter().sum::<f64>()).max(0.0);
    (expected_bins, found_bins)
}

/// The calls whose terms of the index are greatest.
fn moved(expected: &[f64], found: &[f64], vocabulary: &Vocabulary) -> Vec<CallShift> {
    let term = |e: f64, a: f64| (a - e) * ((a + 1e-4) / (e + 1e-4)).ln();
    let mut terms: Vec<(u32, f64)> =
        (0..).zip(expected.iter().zip(found)).map(|(token, (&e, &a))| (token, term(e, a))).collect();
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let named = terms.into_iter().filter(|(_, term)| *term > 0.0).filter_map(|(token, _)| {
        let call = vocabulary.name(token)?.to_owned();
        let at = token as usize;
        Some(CallShift { call, expected: rounded(expected[at]), found: rounded(found[at]) })
    });
    named.take(NAMED).collect()
}

/// Digits beyond a millionth are rounding, not findings.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
