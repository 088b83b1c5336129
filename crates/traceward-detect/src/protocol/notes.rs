//! What a reader of figures should know before quoting one.

use std::collections::HashSet;

use traceward_trace::Dataset;
use traceward_trace::profile::numerals::{count, counted, list};

use super::{FALSE_ALARM_RATES, Judgement, Pooled, Protocol, ProtocolResult, Run, Units, plan};

/// What a reader should know before quoting a number.
pub(super) fn notes(
    data: &Dataset,
    run: &Run,
    judgements: &[&Judgement],
    pooled: &[Pooled],
    result: &ProtocolResult,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !result.complete {
        notes.push(format!(
            "Stopped early: the figures rest on {} of {} and on {} of the first seed's {}.",
            counted(judgements.len(), "seed"),
            run.config.seeds,
            counted(judgements[0].done, "training"),
            judgements[0].planned
        ));
    }
    match result.protocol {
        Protocol::Random => notes.push(
            "Random folds keep copies and cut attack runs apart: a model that remembers looks like one that has learnt."
                .into(),
        ),
        Protocol::LeaveOneFamilyOut => notes.push(
            "Each family is judged by a model that never saw one of its traces; AUC and rates are means over the families."
                .into(),
        ),
        Protocol::NormalOnly => notes.push(
            "Trained on normals alone; attack or not is told by novelty, and no family is named.".into(),
        ),
        Protocol::Honest | Protocol::Given => {}
    }
    if let Some(note) = trained_on_equals(data, run, judgements) {
        notes.push(note);
    }
    let not_finite: usize = pooled.iter().map(|pooled| pooled.not_finite).sum();
    if not_finite > 0 && result.normal.is_some() {
        notes.push(format!(
            "For {} the model gave no number; they count as the least suspicious of all.",
            counted(not_finite, "trace")
        ));
    }
    let missing: Vec<&str> =
        result.per_class.iter().filter(|class| class.support == 0).map(|class| class.name.as_str()).collect();
    if !missing.is_empty() {
        notes.push(format!(
            "No trace of {} is among those judged; its F1 counts as 0 in the macro-F1.",
            list(&missing)
        ));
    }
    let normals =
        pooled.first().map_or(0, |pooled| (0..pooled.labels.len()).filter(|&i| !pooled.is_attack(i)).count());
    if result.auc.is_some() {
        for far in FALSE_ALARM_RATES.iter().filter(|far| (normals as f64) * **far < 5.0).take(1) {
            notes.push(format!(
                "A false-alarm rate of {} % of {} normals is {:.1} normals: what is found there rests on luck as much as on the model.",
                far * 100.0,
                count(normals),
                normals as f64 * far
            ));
        }
    }
    notes
}

/// For protocols that keep copies: how many judged traces are known by heart, and what is left without them.
fn trained_on_equals(data: &Dataset, run: &Run, judgements: &[&Judgement]) -> Option<String> {
    let protocol = run.config.protocol;
    if !matches!(protocol, Protocol::NormalOnly | Protocol::Given | Protocol::Random) {
        return None;
    }
    let (mut equal, mut all) = (0, 0);
    let mut areas = Vec::new();
    for judgement in judgements {
        let cases = plan(data, &run.config, judgement.seed).ok()?;
        let calls = |row: u32| data.traces[row as usize].calls.as_slice();
        let trained: Vec<HashSet<&[u16]>> =
            cases.iter().map(|case| case.train.iter().map(|&row| calls(row)).collect()).collect();
        let mut seen = HashSet::new();
        let fresh: Vec<usize> = (0..judgement.traces.len())
            .filter(|&i| {
                let trace = calls(judgement.traces[i]);
                let known = trained[judgement.cases[i] as usize].contains(trace);
                equal += usize::from(known);
                !known && seen.insert((trace, judgement.labels[i]))
            })
            .collect();
        all += judgement.traces.len();
        let left = judgement.only(&fresh);
        let units = Units::of(data, left.traces.iter().copied());
        areas.extend(Pooled::new(data, &left, protocol, &units).figures(None).auc);
    }
    let auc = areas.iter().sum::<f64>() / areas.len() as f64;
    let without = if areas.is_empty() {
        String::new()
    } else {
        format!(" Without them, and each trace counted once, the AUC is {auc:.3}.")
    };
    (equal > 0).then(|| {
        format!(
            "{} of the {} judged traces equal a trace that was trained on.{without}",
            count(equal / judgements.len()),
            count(all / judgements.len())
        )
    })
}
