//! What a model says after 20, 50, 100 calls, and how many calls it takes to an alarm.
//!
//! An alarm that comes when the process has ended is a report. [`curve`] asks a model after so many calls of
//! each trace and follows attacks until their first alarm. A model that was trained on whole traces alone
//! has never seen a beginning and calls it whatever its few n-grams look like; [`with_prefixes`] adds
//! beginnings to its training traces, and [`OnPrefixes`] does so for any [`Trainer`].

use serde::{Deserialize, Serialize};
use traceward_run::classifier::Unreadable;
use traceward_run::{Classifier, Labelled};

use crate::Trainer;
use crate::calibrate::{Moments, Temperature, Watch, follow_all};

/// The numbers of calls after which a model is asked.
pub const LENGTHS: [usize; 4] = [20, 50, 100, 200];

/// A model's answers as calls come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// P(attack) above this is an alarm.
    pub threshold: f64,
    /// After so many calls, and last of all at the end.
    pub points: Vec<Point>,
    /// Share of attacks alarmed by then: (calls, share), at each number of calls at which one was first.
    pub alarmed: Vec<(u32, f64)>,
    /// Calls to the alarm, the median over the attacks that were alarmed; `None` if none was.
    pub median_calls: Option<f64>,
    /// Share of attacks that were alarmed at all.
    pub detected: f64,
    /// Share of normals that were, at any moment of their lives.
    pub false_alarms: f64,
    /// How the calls to the alarm were counted.
    pub moments: Moments,
    /// How many attacks there are.
    pub attacks: u64,
    /// How many normals there are.
    pub normals: u64,
}

/// A model's answers after so many calls; of a trace that ended before, at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// How many calls; `None` for whole traces.
    pub calls: Option<usize>,
    /// Share of traces that are at least this long; 1 for whole traces.
    pub reaching: f64,
    /// Area under the ROC curve, attack or not; `None` without both.
    pub auc: Option<f64>,
    /// Share of attacks above the threshold.
    pub detection_rate: f64,
    /// Share of normals above the threshold.
    pub false_alarm_rate: f64,
}

/// Asks a model after so many calls of each trace, and follows each to its first alarm.
///
/// `labels` are the traces' classes, `normal` the one that means no attack. A share of no traces is 0.
///
/// # Errors
/// If the model cannot read a trace.
///
/// # Panics
/// If there are not as many labels as traces.
pub fn curve(
    classifier: &dyn Classifier,
    temperature: Temperature,
    traces: &[&[u32]],
    labels: &[u16],
    normal: u16,
    threshold: f64,
) -> Result<Curve, Unreadable> {
    assert_eq!(traces.len(), labels.len(), "one label a trace");
    let attack: Vec<bool> = labels.iter().map(|&label| label != normal).collect();
    let watch = |moments| Watch {
        classifier,
        normal,
        temperature,
        moments,
        alarm_above: Some(threshold),
        follow_novelty: false,
    };
    let mut points = Vec::new();
    for calls in LENGTHS.into_iter().map(Some).chain([None]) {
        let cut: Vec<&[u32]> =
            traces.iter().map(|trace| &trace[..calls.unwrap_or(usize::MAX).min(trace.len())]).collect();
        let ends = follow_all(&watch(Moments::End), &cut)?;
        let scored: Vec<(f64, bool)> =
            ends.iter().map(|end| end.course.p_attack).zip(attack.iter().copied()).collect();
        let reaching = traces.iter().filter(|trace| calls.is_none_or(|calls| trace.len() >= calls)).count();
        points.push(Point {
            calls,
            reaching: share(reaching, traces.len()),
            auc: auc(&scored),
            detection_rate: above(&scored, true, threshold),
            false_alarm_rate: above(&scored, false, threshold),
        });
    }
    let moments = Moments::best_of(classifier);
    let lives = follow_all(&watch(moments), traces)?;
    let alarms = |of_attacks: bool| {
        let of = lives.iter().zip(&attack).filter(move |(_, attack)| **attack == of_attacks);
        of.filter_map(|(life, _)| life.course.first_alarm)
    };
    let (attacks, all) = (attack.iter().filter(|attack| **attack).count(), traces.len());
    let mut calls: Vec<u32> = alarms(true).collect();
    calls.sort_unstable();
    let mut alarmed: Vec<(u32, f64)> = Vec::new();
    for (place, &at) in calls.iter().enumerate() {
        let by_then = share(place + 1, attacks);
        match alarmed.last_mut() {
            Some(last) if last.0 == at => last.1 = by_then,
            _ => alarmed.push((at, by_then)),
        }
    }
    let middle = |place: usize| calls.get(place).copied().map(f64::from);
    Ok(Curve {
        threshold,
        points,
        median_calls: middle(calls.len() / 2)
            .zip(middle(calls.len().saturating_sub(1) / 2))
            .map(|(upper, lower)| f64::midpoint(lower, upper)),
        alarmed,
        detected: share(calls.len(), attacks),
        false_alarms: share(alarms(false).count(), all - attacks),
        moments,
        attacks: attacks as u64,
        normals: (all - attacks) as u64,
    })
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn above(scored: &[(f64, bool)], attack: bool, threshold: f64) -> f64 {
    let of = || scored.iter().filter(|scored| scored.1 == attack);
    share(of().filter(|scored| scored.0 > threshold).count(), of().count())
}

/// The chance that an attack scores above a normal, equal scores counting half (Mann and Whitney).
fn auc(scored: &[(f64, bool)]) -> Option<f64> {
    let mut normals: Vec<f64> = scored.iter().filter(|scored| !scored.1).map(|scored| scored.0).collect();
    normals.sort_by(f64::total_cmp);
    let attacks = scored.len() - normals.len();
    if normals.is_empty() || attacks == 0 || scored.iter().any(|scored| scored.0.is_nan()) {
        return None;
    }
    let twice: usize = scored
        .iter()
        .filter(|scored| scored.1)
        .map(|scored| {
            normals.partition_point(|normal| *normal < scored.0)
                + normals.partition_point(|normal| *normal <= scored.0)
        })
        .sum();
    Some(twice as f64 / 2.0 / normals.len() as f64 / attacks as f64)
}

/// The same traces, and after them their beginnings of these `lengths`, each with its trace's class and
/// group. A beginning that is the whole trace is not repeated; one that stands under several classes stays
/// with each, since that is what can be known after so few calls.
#[must_use]
pub fn with_prefixes<'a>(data: &Labelled<'a>, lengths: &[usize]) -> Labelled<'a> {
    let mut more = data.clone();
    for &length in lengths {
        for place in 0..data.len() {
            let trace = data.traces[place];
            if length > 0 && length < trace.len() {
                more.traces.push(&trace[..length]);
                more.labels.push(data.labels[place]);
                more.groups.push(data.groups[place]);
            }
        }
    }
    more
}

/// Trains on beginnings, too, so that early scores mean something.
pub struct OnPrefixes<T> {
    trainer: T,
    name: String,
    lengths: Vec<usize>,
}

impl<T: Trainer> OnPrefixes<T> {
    /// `trainer`, on traces and on their beginnings of these lengths; [`LENGTHS`] is what the curve asks.
    pub fn new(trainer: T, lengths: &[usize]) -> Self {
        let name = format!("{} on beginnings", trainer.name());
        Self { trainer, name, lengths: lengths.to_vec() }
    }
}

impl<T: Trainer> Trainer for OnPrefixes<T> {
    fn name(&self) -> &str {
        &self.name
    }

    fn seeded(&self) -> bool {
        self.trainer.seeded()
    }

    fn fills_cores(&self) -> bool {
        self.trainer.fills_cores()
    }

    fn train(&self, data: &Labelled<'_>, seed: u64) -> Result<Box<dyn Classifier>, String> {
        self.trainer.train(&with_prefixes(data, &self.lengths), seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::scripted::Scripted;
    use crate::sample::Centroids;

    /// An attack that shows after `calls` calls, of 250.
    fn attack(calls: usize) -> Vec<u32> {
        let mut trace = vec![100; 250];
        trace[calls - 1..].fill(900);
        trace
    }

    fn of(model: &Scripted, traces: &[Vec<u32>], labels: &[u16]) -> Curve {
        let traces: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
        curve(model, Temperature::NONE, &traces, labels, 0, 0.5).unwrap()
    }

    #[test]
    fn the_later_the_more_is_known() {
        let traces = [attack(10), attack(60), attack(240), vec![100; 250], vec![100; 30], vec![800; 30]];
        let labels = [1, 1, 2, 0, 0, 0];
        let got = of(&Scripted::WHOLE, &traces, &labels);
        let at = |place: usize| {
            let Point { calls, reaching, detection_rate, false_alarm_rate, .. } = got.points[place];
            (
                calls,
                (6.0 * reaching).round(),
                (3.0 * detection_rate).round(),
                (3.0 * false_alarm_rate).round(),
            )
        };
        assert_eq!(at(0), (Some(20), 6.0, 1.0, 1.0));
        assert_eq!(at(1), (Some(50), 4.0, 1.0, 1.0));
        assert_eq!(at(2), (Some(100), 4.0, 2.0, 1.0));
        assert_eq!(at(4), (None, 6.0, 3.0, 1.0));
        // 0.9 against 0.1, 0.1, 0.8, and twice 0.1 against them: 3 + 1 + 1 of 9.
        assert!((got.points[0].auc.unwrap() - 5.0 / 9.0).abs() < 1e-12);
        assert_eq!(got.points[4].auc, Some(1.0));
        let alarms: Vec<u32> = got.alarmed.iter().map(|step| step.0).collect();
        assert_eq!((alarms, got.moments), (vec![20, 100, 250], Moments::Doubling));
        assert_eq!((got.median_calls, got.detected), (Some(100.0), 1.0));
        assert!((got.false_alarms - 1.0 / 3.0).abs() < 1e-12);
        let streamed = of(&Scripted::STREAM, &traces, &labels);
        assert_eq!(streamed.alarmed.iter().map(|step| step.0).collect::<Vec<_>>(), [20, 60, 240]);
        assert_eq!(streamed.points, got.points);
    }

    #[test]
    fn without_attacks_there_is_nothing_to_detect() {
        let got = of(&Scripted::WHOLE, &[vec![100; 30]], &[0]);
        assert_eq!((got.detected, got.median_calls, got.points[0].auc), (0.0, None, None));
        let empty = of(&Scripted::WHOLE, &[], &[]);
        assert_eq!((empty.false_alarms, empty.points.len()), (0.0, 5));
        let text = serde_json::to_string(&empty).unwrap();
        assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), empty);
    }

    #[test]
    fn beginnings_keep_class_and_group() {
        let (long, short) = (attack(60), vec![100; 50]);
        let data = Labelled {
            traces: vec![&long, &short],
            labels: vec![1, 0],
            groups: vec![7, 8],
            classes: 2,
            normal: Some(0),
            vocabulary: 1001,
        };
        let more = with_prefixes(&data, &[20, 50, 0]);
        assert_eq!(more.traces.iter().map(|t| t.len()).collect::<Vec<_>>(), [250, 50, 20, 20, 50]);
        assert_eq!((more.labels, more.groups), (vec![1, 0, 1, 0, 1], vec![7, 8, 7, 8, 7]));
        let trainer = OnPrefixes::new(Centroids, &LENGTHS);
        assert_eq!(trainer.name(), "centroids on beginnings");
        assert!(trainer.train(&data, 1).is_ok());
    }
}
