//! Two models on the same traces: is the difference more than luck?
//!
//! Both are judged on the same folds, so what is hard in a fold is hard for both, and their difference is
//! surer than either figure. It is drawn anew by a bootstrap over attack runs and normals, paired: each
//! draw takes the same runs, normals and seeds of both models. McNemar's exact test (Psychometrika 1947)
//! asks the same of right and wrong, trace by trace; it takes traces for independent, which the traces of
//! one run are not, so it is given beside the interval and does not decide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traceward_trace::Dataset;
use traceward_trace::rng::Rng;

use crate::protocol::{Figures, Judgement, Pooled, ProtocolError, Run, Units, interval};

/// Stream of the seed by which the bootstrap draws.
const BOOTSTRAP: u64 = 0xc09a;

/// How two models differ on the same traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The model that is looked at.
    pub model: String,
    /// The one that it is compared with.
    pub with: String,
    /// The seeds that both have in full.
    pub seeds: Vec<u64>,
    /// By figure (`macro_f1`, `auc`, `dr_at_far.0.01`, …): the first model's less the second's.
    pub differences: BTreeMap<String, Difference>,
    /// Right and wrong, trace by trace; `None` where the protocol asks for no class.
    pub mcnemar: Option<McNemar>,
    /// What to make of it, in a sentence.
    pub verdict: String,
}

/// How far a figure of two models is apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean over the seeds.
    pub mean: f64,
    /// 95 % interval of the paired bootstrap.
    pub interval: [f64; 2],
    /// The share of draws in which the first model is the better one, equals counting half.
    pub better: f64,
    /// The difference of each seed.
    pub per_seed: Vec<f64>,
}

impl Difference {
    /// Whether 0 lies outside the interval.
    pub fn is_more_than_luck(&self) -> bool {
        self.interval[0] > 0.0 || self.interval[1] < 0.0
    }
}

/// McNemar's exact test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Traces that only the first model has right, by seed.
    pub only_first: Vec<u64>,
    /// Traces that only the second has right, by seed.
    pub only_second: Vec<u64>,
    /// Two-sided p-value, by seed.
    pub p_values: Vec<f64>,
    /// Over the seeds: twice their median, at most 1, which is valid however the seeds hang together
    /// (Rüger 1978); the value itself for one seed.
    pub p_value: f64,
}

/// Compares two runs of one protocol on the same data, by the seeds that both have in full.
///
/// # Errors
/// If they have no such seed, or did not judge the same traces.
pub fn compare(data: &Dataset, first: &Run, second: &Run) -> Result<Comparison, ProtocolError> {
    let of_both: Vec<(&Judgement, &Judgement)> = first
        .judgements
        .iter()
        .filter_map(|a| {
            let b = second.judgements.iter().find(|b| b.seed == a.seed)?;
            (a.is_complete() && b.is_complete()).then_some((a, b))
        })
        .collect();
    let cannot = |reason: &str| ProtocolError::Judging {
        model: first.model.clone(),
        reason: format!("it cannot be compared with {}: {reason}", second.model),
    };
    if of_both.is_empty() {
        return Err(cannot("no seed was finished by both"));
    }
    if of_both.iter().any(|(a, b)| a.traces != b.traces || a.cases != b.cases) {
        return Err(cannot("they did not judge the same traces"));
    }
    let protocol = first.config.protocol;
    let units = Units::of(data, of_both.iter().flat_map(|(a, _)| a.traces.iter().copied()));
    let pairs: Vec<(Pooled, Pooled)> = of_both
        .iter()
        .map(|(a, b)| (Pooled::new(data, a, protocol, &units), Pooled::new(data, b, protocol, &units)))
        .collect();
    let mut differences: BTreeMap<String, Difference> = BTreeMap::new();
    for pair in &pairs {
        for (name, value) in difference(pair, None) {
            let entry = differences.entry(name).or_insert_with(|| Difference {
                mean: 0.0,
                interval: [0.0; 2],
                better: 0.5,
                per_seed: Vec::new(),
            });
            entry.per_seed.push(value);
        }
    }
    let mut draws: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for draw in 0..units.resamples() as u64 {
        let mut random = Rng::stream(first.config.seed ^ BOOTSTRAP, draw);
        let times = units.draw(&mut random);
        let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
        for _ in &pairs {
            let pair = &pairs[random.below(pairs.len() as u64) as usize];
            for (name, value) in difference(pair, Some(&times)) {
                let sum = sums.entry(name).or_default();
                *sum = (sum.0 + value, sum.1 + 1);
            }
        }
        for (name, (sum, n)) in sums {
            draws.entry(name).or_default().push(sum / f64::from(n));
        }
    }
    for (name, difference) in &mut differences {
        difference.mean = difference.per_seed.iter().sum::<f64>() / difference.per_seed.len() as f64;
        let draws = draws.remove(name).unwrap_or_default();
        let better = draws.iter().map(|d| {
            if *d > 0.0 {
                1.0
            } else if *d < 0.0 {
                0.0
            } else {
                0.5
            }
        });
        difference.better = better.sum::<f64>() / draws.len().max(1) as f64;
        difference.interval = interval(draws).unwrap_or([difference.mean; 2]);
    }
    let mut comparison = Comparison {
        model: first.model.clone(),
        with: second.model.clone(),
        seeds: of_both.iter().map(|(a, _)| a.seed).collect(),
        differences,
        mcnemar: protocol.asks_for_family().then(|| mcnemar(&pairs)),
        verdict: String::new(),
    };
    comparison.verdict = verdict(&comparison);
    Ok(comparison)
}

/// The figures of the first less those of the second.
fn difference(pair: &(Pooled, Pooled), times: Option<&[u32]>) -> BTreeMap<String, f64> {
    let of = |pooled: &Pooled| Figures::entries(&pooled.figures(times));
    let second = of(&pair.1);
    of(&pair.0).into_iter().filter_map(|(name, a)| Some((name.clone(), a - second.get(&name)?))).collect()
}

fn mcnemar(pairs: &[(Pooled, Pooled)]) -> McNemar {
    let mut test =
        McNemar { only_first: Vec::new(), only_second: Vec::new(), p_values: Vec::new(), p_value: 1.0 };
    for (a, b) in pairs {
        let right = |pooled: &Pooled, place: usize| pooled.called[place] == u32::from(pooled.labels[place]);
        let (mut only_a, mut only_b) = (0, 0);
        for place in 0..a.labels.len() {
            match (right(a, place), right(b, place)) {
                (true, false) => only_a += 1,
                (false, true) => only_b += 1,
                _ => {}
            }
        }
        test.only_first.push(only_a);
        test.only_second.push(only_b);
        test.p_values.push(sign_test(only_a, only_b));
    }
    let mut sorted = test.p_values.clone();
    sorted.sort_by(f64::total_cmp);
    test.p_value = match &sorted[..] {
        [one] => *one,
        several => (2.0 * several[several.len() / 2]).min(1.0),
    };
    test
}

/// The two-sided exact binomial test that heads and tails are equally likely.
fn sign_test(heads: u64, tails: u64) -> f64 {
    let all = heads + tails;
    // ln of the probability of k heads, from k - 1 by n - k + 1 over k.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in 0..=heads.min(tails) {
        if k > 0 {
            term += ((all - k + 1) as f64 / k as f64).ln();
        }
        sum += term.exp();
    }
    (2.0 * sum).min(1.0)
}

/// The plainest true thing to say: by macro-F1 where there is one, by AUC otherwise.
fn verdict(comparison: &Comparison) -> String {
    let Comparison { model, with, differences, mcnemar, seeds, .. } = comparison;
    let (name, key) =
        if differences.contains_key("macro_f1") { ("macro-F1", "macro_f1") } else { ("AUC", "auc") };
    let Some(difference) = differences.get(key) else {
        return format!("{model} and {with} have no figure in common.");
    };
    let [low, high] = difference.interval;
    let size = format!(
        "{:+.3} {name} (95 % interval {low:+.3} to {high:+.3}, {})",
        difference.mean,
        traceward_trace::profile::numerals::counted(seeds.len(), "seed")
    );
    // Another seed moves a model by as much as models differ: one draw of folds proves nothing about others.
    let folds = if seeds.len() == 1 { " on these folds" } else { "" };
    let luck = match (difference.is_more_than_luck(), difference.mean > 0.0) {
        (true, true) => format!("{model} is better than {with}: {size}; that is more than luck{folds}"),
        (true, false) => format!("{model} is worse than {with}: {size}; that is more than luck{folds}"),
        (false, _) => format!("{model} and {with} cannot be told apart: {size} may be luck"),
    };
    match mcnemar {
        Some(test) => format!("{luck} (McNemar's p {}).", p_text(test.p_value)),
        None => format!("{luck}."),
    }
}

fn p_text(p: f64) -> String {
    if p < 0.0001 { "below 0.0001".into() } else { format!("{p:.4}") }
}

#[cfg(test)]
mod tests;
