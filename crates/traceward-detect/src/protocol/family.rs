//! Attack families one by one: what a mean over all attacks hides.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use traceward_trace::Dataset;

use super::result::mean;
use super::{FALSE_ALARM_RATES, Judgement, Pooled};

/// How well an attack family is found and named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyRow {
    /// The family.
    pub family: String,
    /// How many of its traces were judged.
    pub traces: u64,
    /// Of how many runs.
    pub runs: u64,
    /// Area under the ROC curve against the normals that the same models judged.
    pub auc: Option<f64>,
    /// Share of its traces found, by thresholds chosen on other normals, by false-alarm rate.
    pub detected: BTreeMap<String, Option<f64>>,
    /// Share of its traces called by its name; `None` where the protocol asks for no family.
    pub named: Option<f64>,
    /// Share of its traces called another family.
    pub other_family: Option<f64>,
    /// Share of its traces called normal.
    pub called_normal: Option<f64>,
}

/// Each attack family that was judged, means over the seeds.
pub(super) fn families(data: &Dataset, judgements: &[&Judgement], pooled: &[Pooled]) -> Vec<FamilyRow> {
    let Some(normal) = data.normal_class() else { return Vec::new() };
    let classes = (0_u16..).zip(&data.classes).filter(|(class, _)| *class != normal);
    classes.filter_map(|(class, name)| family(data, judgements, pooled, class, name)).collect()
}

fn family(
    data: &Dataset,
    judgements: &[&Judgement],
    pooled: &[Pooled],
    class: u16,
    name: &str,
) -> Option<FamilyRow> {
    let normal = u32::from(data.normal_class()?);
    let seeds: Vec<FamilyRow> = judgements
        .iter()
        .zip(pooled)
        .filter_map(|(judgement, pooled)| {
            let of: Vec<usize> = (0..pooled.labels.len()).filter(|&i| pooled.labels[i] == class).collect();
            let share = |yes: &dyn Fn(usize) -> bool| {
                (!of.is_empty()).then(|| of.iter().filter(|&&i| yes(i)).count() as f64 / of.len() as f64)
            };
            let asked = |yes: &dyn Fn(usize) -> bool| share(yes).filter(|_| judgement_asks(pooled));
            let groups: HashSet<Result<&str, u32>> = of
                .iter()
                .map(|&i| {
                    data.traces[judgement.traces[i] as usize].group.as_deref().ok_or(judgement.traces[i])
                })
                .collect();
            let at = |(rate, far): (usize, &f64)| {
                let can = pooled.thresholds[rate].iter().any(|threshold| threshold.above.is_some());
                (far.to_string(), share(&|i| pooled.is_flagged(i, rate)).filter(|_| can))
            };
            (!of.is_empty()).then(|| FamilyRow {
                family: name.to_owned(),
                traces: of.len() as u64,
                runs: groups.len() as u64,
                auc: family_auc(judgement, pooled, &of),
                detected: FALSE_ALARM_RATES.iter().enumerate().map(at).collect(),
                named: asked(&|i| pooled.called[i] == u32::from(class)),
                other_family: asked(&|i| pooled.called[i] != u32::from(class) && pooled.called[i] != normal),
                called_normal: asked(&|i| pooled.called[i] == normal),
            })
        })
        .collect();
    let first = seeds.first()?;
    let over = |of: &dyn Fn(&FamilyRow) -> Option<f64>| mean(seeds.iter().filter_map(of));
    let whole = |of: &dyn Fn(&FamilyRow) -> u64| {
        (seeds.iter().map(of).sum::<u64>() as f64 / seeds.len() as f64).round() as u64
    };
    Some(FamilyRow {
        family: first.family.clone(),
        traces: whole(&|row| row.traces),
        runs: whole(&|row| row.runs),
        auc: over(&|row| row.auc),
        detected: first
            .detected
            .keys()
            .map(|far| (far.clone(), over(&|row| row.detected.get(far).copied().flatten())))
            .collect(),
        named: over(&|row| row.named),
        other_family: over(&|row| row.other_family),
        called_normal: over(&|row| row.called_normal),
    })
}

fn judgement_asks(pooled: &Pooled) -> bool {
    pooled.protocol().asks_for_family()
}

/// Against the normals of the same cases only: scores of other models are not comparable to the letter.
fn family_auc(judgement: &Judgement, pooled: &Pooled, members: &[usize]) -> Option<f64> {
    let cases: HashSet<u32> = members.iter().map(|&i| judgement.cases[i]).collect();
    let normals =
        (0..pooled.labels.len()).filter(|&i| !pooled.is_attack(i) && cases.contains(&judgement.cases[i]));
    let mut normals: Vec<f64> = normals.map(|i| pooled.scores[i]).collect();
    normals.sort_by(f64::total_cmp);
    if normals.is_empty() {
        return None;
    }
    let won: f64 = members
        .iter()
        .map(|&i| {
            let score = pooled.scores[i];
            let below = normals.partition_point(|normal| normal.total_cmp(&score).is_lt());
            let not_above = normals.partition_point(|normal| normal.total_cmp(&score).is_le());
            (below + not_above) as f64 / 2.0
        })
        .sum();
    Some(won / (normals.len() as f64 * members.len() as f64))
}
