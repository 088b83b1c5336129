//! Incidents of judged data: how many attack runs are raised and named, and how many false ones there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traceward_trace::Dataset;
use traceward_trace::rng::Rng;

use super::{Alarm, Incident, IncidentRule, Member, family_of, step};
use crate::protocol::{Judgement, Pooled};

/// Stream of the seed by which normals are dealt into sessions.
const SESSIONS: u64 = 0x5e55;

/// What incidents are worth, over all attack runs and normals that one seed judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IncidentFigures {
    /// The seed.
    pub seed: u64,
    /// False incidents per normal process that the level of the alarm was chosen for, on other normals.
    pub rate: f64,
    /// How many attack runs there are; an attack trace without a group is a run by itself.
    pub runs: u64,
    /// Runs whose family is right when it is told which traces belong to the attack.
    pub named_when_told: u64,
    /// Runs that raised an alarm, without being told which traces are attacks.
    pub detected: u64,
    /// Runs that raised an alarm and whose family is right.
    pub detected_and_named: u64,
    /// Normal processes, each an incident of its own unless the data groups it.
    pub normals: u64,
    /// Incidents of normals alone that raised an alarm.
    pub false_incidents: u64,
    /// The same for 1,000 normal processes.
    pub false_per_1000: f64,
    /// Its 95 % interval (Wilson).
    pub false_per_1000_interval: [f64; 2],
    /// How many traces an attack run has, in the mean: how long the sessions are into which normals are
    /// dealt at random.
    pub session_traces: u64,
    /// False incidents per 1,000 normal processes in such sessions.
    pub false_per_1000_in_sessions: f64,
    /// Traces until the alarm, over the detected runs.
    pub traces_to_alarm: Option<Delay>,
    /// Calls until the alarm, over the detected runs.
    pub calls_to_alarm: Option<Delay>,
    /// Each run.
    pub each: Vec<RunVerdict>,
}

/// How long it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// In half of the runs, it takes no more.
    pub median: u64,
    /// In nine of ten runs, it takes no more.
    pub p90: u64,
    /// In no run it takes more.
    pub max: u64,
}

impl Delay {
    /// By nearest rank; `None` of nothing.
    fn of(mut times: Vec<u64>) -> Option<Self> {
        times.sort_unstable();
        let rank =
            |share: f64| times[((share * times.len() as f64).ceil() as usize).clamp(1, times.len()) - 1];
        (!times.is_empty()).then(|| Self { median: rank(0.5), p90: rank(0.9), max: rank(1.0) })
    }
}

/// What was said of an attack run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunVerdict {
    /// The group, or the source of a trace without one.
    pub run: String,
    /// Its family.
    pub family: String,
    /// How many of its traces were judged.
    pub traces: u64,
    /// The family that its attack traces together are most like.
    pub named_when_told: Option<String>,
    /// When the alarm was raised.
    pub alarm: Option<Alarm>,
    /// The family that the incident was called.
    pub named: Option<String>,
    /// The traces that carried it, most evidence first, at most three.
    pub carried_by: Vec<String>,
}

/// What belongs together: the group, or a trace by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'d> {
    Group(&'d str),
    Single(usize),
}

/// Judges incidents by the scores of a protocol. The normals of other cases choose each case's rule; see
/// [`crate::protocol`]. Traces of a run are taken in the order of the data set, which is that of process
/// numbers where files are called by them; ADFA-LD has no times.
///
/// `None` for data without normals or attacks.
pub fn judge_incidents(
    data: &Dataset,
    judgement: &Judgement,
    pooled: &Pooled,
    rate: f64,
) -> Option<IncidentFigures> {
    let normal = data.normal_class().map(usize::from)?;
    if pooled.calibration.iter().all(Vec::is_empty) {
        return None;
    }
    let rules: Vec<IncidentRule> =
        pooled.calibration.iter().map(|normals| IncidentRule::choose(normals, rate)).collect();
    let mut incidents: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
    for (place, &row) in judgement.traces.iter().enumerate() {
        let key = match data.traces[row as usize].group.as_deref() {
            Some(group) => Key::Group(group),
            None => Key::Single(place),
        };
        incidents.entry(key).or_default().push(place);
    }
    let mut figures = IncidentFigures { seed: judgement.seed, rate, ..IncidentFigures::default() };
    let asks = pooled.protocol().asks_for_family();
    let mut attack_traces = 0;
    for (key, mut places) in incidents {
        places.sort_by_key(|place| judgement.traces[*place]);
        let attacks: Vec<usize> = places.iter().copied().filter(|place| pooled.is_attack(*place)).collect();
        let mut incident = Incident::new(Some(normal));
        for &place in &places {
            let row = judgement.traces[place];
            let member = Member {
                id: row.into(),
                score: pooled.scores[place],
                probabilities: judgement.scores.row(place),
                calls: data.traces[row as usize].calls.len() as u64,
            };
            incident.add(&rules[pooled.parts[place] as usize], &member);
        }
        figures.normals += (places.len() - attacks.len()) as u64;
        let Some(&first) = attacks.first() else {
            figures.false_incidents += u64::from(incident.alarm().is_some());
            continue;
        };
        attack_traces += attacks.len();
        let label = usize::from(judgement.labels[first]);
        let told = family_of(attacks.iter().map(|place| judgement.scores.row(*place)), Some(normal))
            .filter(|_| asks);
        let named = incident.family().filter(|_| asks && incident.alarm().is_some());
        figures.runs += 1;
        figures.named_when_told += u64::from(told == Some(label));
        figures.detected += u64::from(incident.alarm().is_some());
        figures.detected_and_named += u64::from(named == Some(label));
        let name = |class: usize| data.classes[class].clone();
        let source = |row: u64| data.traces[row as usize].source.to_string();
        figures.each.push(RunVerdict {
            run: match key {
                Key::Group(group) => group.to_owned(),
                Key::Single(place) => source(judgement.traces[place].into()),
            },
            family: name(label),
            traces: places.len() as u64,
            named_when_told: told.map(name),
            alarm: incident.alarm(),
            named: named.map(name),
            carried_by: incident.carriers().into_iter().take(3).map(|carrier| source(carrier.id)).collect(),
        });
    }
    if figures.runs == 0 || figures.normals == 0 {
        return None;
    }
    figures.false_per_1000 = 1000.0 * figures.false_incidents as f64 / figures.normals as f64;
    figures.false_per_1000_interval =
        traceward_run::evaluation::wilson(figures.false_incidents, figures.normals)
            .map(|share| 1000.0 * share);
    figures.session_traces = (attack_traces as f64 / figures.runs as f64).round().max(1.0) as u64;
    figures.false_per_1000_in_sessions =
        in_sessions(judgement, pooled, &rules, figures.session_traces as usize);
    let alarms = || figures.each.iter().filter_map(|run| run.alarm);
    figures.traces_to_alarm = Delay::of(alarms().map(|alarm| alarm.traces).collect());
    figures.calls_to_alarm = Delay::of(alarms().map(|alarm| alarm.calls).collect());
    Some(figures)
}

/// False incidents per 1,000 normal processes when those that were judged alike are dealt into sessions.
fn in_sessions(judgement: &Judgement, pooled: &Pooled, rules: &[IncidentRule], size: usize) -> f64 {
    let (mut alarms, mut processes) = (0_u64, 0_u64);
    for (part, rule) in (0_u32..).zip(rules) {
        let mut normals: Vec<usize> =
            (0..pooled.parts.len()).filter(|p| pooled.parts[*p] == part && !pooled.is_attack(*p)).collect();
        Rng::stream(judgement.seed ^ SESSIONS, part.into()).shuffle(&mut normals);
        processes += normals.len() as u64;
        for session in normals.chunks(size.max(1)) {
            let mut level = 0.0_f64;
            for &place in session {
                level = (level + step(rule.evidence(pooled.scores[place]))).max(0.0);
                if level >= rule.alarm {
                    alarms += 1;
                    break;
                }
            }
        }
    }
    1000.0 * alarms as f64 / processes.max(1) as f64
}
