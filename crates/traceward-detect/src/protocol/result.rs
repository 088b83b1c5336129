//! What a model is worth under a protocol: means over seeds, how sure they are, and what they hide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traceward_run::evaluation::{ClassScores, by_class, f1, macro_f1};
use traceward_trace::Dataset;
use traceward_trace::rng::Rng;

use super::family::families;
use super::notes::notes;
use super::{
    Config, FALSE_ALARM_RATES, FamilyRow, Figures, Judgement, Pooled, Protocol, ProtocolError, Run, Units,
    interval,
};
use crate::incident::{IncidentFigures, judge_incidents};

/// False incidents per normal process for which incidents are raised: half of the one in a thousand that is
/// promised, since a rate chosen on some thousand normals is known to a factor of two at best.
const INCIDENT_RATE: f64 = 0.0005;
/// Bins of the reliability diagram.
const BINS: usize = 10;
/// About as many points as a drawn ROC curve needs.
const CURVE_POINTS: usize = 200;
/// Stream of the seed by which the bootstrap draws.
const BOOTSTRAP: u64 = 0xb007;

/// What a model is worth under a protocol.
///
/// Figures without "interval" or "spread" in their name are means over the seeds. Serialised, it is an
/// interface: keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtocolResult {
    /// The model.
    pub model: String,
    /// How traces were told apart.
    pub protocol: Protocol,
    /// How many traces each seed judged; the most, if the seeds differ.
    pub traces: usize,
    /// The class that means "no attack".
    pub normal: Option<String>,
    /// The seeds, of folds and training alike.
    pub seeds: Vec<u64>,
    /// How many trainings a seed takes.
    pub cases: usize,
    /// Whether all cases of all seeds were judged; if not, the figures rest on those that were.
    pub complete: bool,
    /// Share of traces whose class was right; where the protocol asks for no family, attack or not.
    pub accuracy: Option<f64>,
    /// Mean of the classes' F1.
    pub macro_f1: Option<f64>,
    /// Area under the ROC curve of attack or not. Leaving families out: the mean over them.
    pub auc: Option<f64>,
    /// Detection rates at ROC points: at the lowest threshold that flags no more than this share of the
    /// judged normals. What an order is worth, not what is deployed.
    pub dr_at_far: BTreeMap<String, Option<f64>>,
    /// Detection and false-alarm rates by thresholds that were chosen on other normals.
    pub thresholds: Vec<ThresholdRow>,
    /// Precision, recall, F1 and support of each class. Empty where the protocol asks for no family.
    #[serde(with = "by_class")]
    pub per_class: Vec<ClassScores>,
    /// `confusion[true class][called class]`: numbers of traces, summed over the seeds.
    pub confusion: Vec<Vec<u64>>,
    /// 95 % intervals by figure, from a bootstrap over attack runs and normals, and over seeds where there
    /// are several.
    pub intervals: BTreeMap<String, [f64; 2]>,
    /// How far the seeds are apart, by figure.
    pub seed_spread: BTreeMap<String, Spread>,
    /// The figures of each seed.
    pub per_seed: Vec<Figures>,
    /// Each attack family.
    pub families: Vec<FamilyRow>,
    /// Related traces judged together, by seed.
    pub incidents: Vec<IncidentFigures>,
    /// Attack or not by novelty alone, if the model can say how novel a trace is.
    pub novelty: Option<NoveltyFigures>,
    /// How often an attack it is when the model says P(attack).
    pub reliability: Vec<ReliabilityBin>,
    /// The first seed's ROC curve: false-alarm rate, detection rate.
    pub roc: Vec<[f64; 2]>,
    /// Seconds of training, a case.
    pub training_seconds: f64,
    /// Calls judged a second, on as many cores as the model uses.
    pub calls_per_second: f64,
    /// What a reader should know before quoting a number, in full sentences.
    pub notes: Vec<String>,
}

/// Rates by thresholds that were chosen for one false-alarm rate, beside the ROC point of that rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdRow {
    /// The false-alarm rate asked for.
    pub far: f64,
    /// How many normals a threshold was chosen on; the fewest.
    pub chosen_on: usize,
    /// Share of attacks found; `None` if so few normals allow no threshold.
    pub detection_rate: Option<f64>,
    /// Share of the judged normals flagged.
    pub false_alarm_rate: Option<f64>,
    /// Detection rate at the ROC point.
    pub roc_point: Option<f64>,
}

/// How far seeds are apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Standard deviation of the sample; 0 for one seed.
    pub sd: f64,
}

/// Attack or not by novelty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoveltyFigures {
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Detection rates at ROC points.
    pub dr_at_far: BTreeMap<String, Option<f64>>,
}

/// Traces of which the model says about the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// P(attack) is at least this.
    pub from: f64,
    /// And less than this (or 1).
    pub to: f64,
    /// How many traces, over all seeds.
    pub traces: u64,
    /// Their mean P(attack).
    pub said: f64,
    /// The share of them that are attacks.
    pub was: f64,
}

impl ProtocolResult {
    /// The figures of a run on the data that it judged.
    ///
    /// # Errors
    /// If the run holds no judgement.
    pub fn new(data: &Dataset, run: &Run) -> Result<Self, ProtocolError> {
        let Config { protocol, seed, seeds, .. } = run.config;
        let judgements = usable(run)?;
        let units = Units::of(data, judgements.iter().flat_map(|judgement| judgement.traces.iter().copied()));
        let pooled: Vec<Pooled> =
            judgements.iter().map(|judgement| Pooled::new(data, judgement, protocol, &units)).collect();
        let per_seed: Vec<Figures> = pooled.iter().map(|pooled| pooled.figures(None)).collect();
        let mean = mean_of(&per_seed);
        let complete =
            judgements.len() == seeds && judgements.iter().all(|judgement| judgement.is_complete());
        let mut confusion = vec![vec![0_u64; data.classes.len()]; data.classes.len()];
        for pooled in pooled.iter().filter(|_| protocol != Protocol::NormalOnly) {
            for (sum, more) in
                confusion.iter_mut().flatten().zip(pooled.confusion(None).into_iter().flatten())
            {
                *sum += more;
            }
        }
        let incidents: Vec<IncidentFigures> = judgements
            .iter()
            .zip(&pooled)
            .filter_map(|(judgement, pooled)| judge_incidents(data, judgement, pooled, INCIDENT_RATE))
            .collect();
        let mut result = Self {
            model: run.model.clone(),
            protocol,
            traces: judgements.iter().map(|judgement| judgement.traces.len()).max().unwrap_or(0),
            normal: data.normal_class().map(|normal| data.classes[usize::from(normal)].clone()),
            seeds: judgements.iter().map(|judgement| judgement.seed).collect(),
            cases: judgements[0].planned,
            complete,
            accuracy: mean.accuracy,
            macro_f1: mean.macro_f1,
            auc: mean.auc,
            thresholds: threshold_rows(&mean, &pooled),
            dr_at_far: mean.dr_at_far,
            per_class: per_class(data, protocol, &pooled),
            confusion,
            intervals: intervals(&pooled, &units, seed),
            seed_spread: spread(&per_seed),
            families: families(data, &judgements, &pooled),
            incidents,
            novelty: novelty(data, &judgements, &units),
            reliability: reliability(data, &judgements),
            roc: pooled[0].roc_points(CURVE_POINTS),
            training_seconds: per_case(&judgements, |judgement| judgement.training_seconds),
            calls_per_second: {
                let seconds: f64 = judgements.iter().map(|judgement| judgement.judging_seconds).sum();
                let calls: u64 = judgements.iter().map(|judgement| judgement.calls).sum();
                if seconds > 0.0 { calls as f64 / seconds } else { 0.0 }
            },
            per_seed,
            notes: Vec::new(),
        };
        result.notes = notes(data, run, &judgements, &pooled, &result);
        Ok(result)
    }

    /// The line of a table about this model.
    pub fn standing(&self) -> Standing {
        let figures = mean_of(&self.per_seed);
        Standing {
            name: self.model.clone(),
            accuracy: figures.accuracy,
            macro_f1: figures.macro_f1,
            auc: figures.auc,
            dr_at_far: figures.dr_at_far,
            dr_at_threshold: figures.dr_at_threshold,
            far_at_threshold: figures.far_at_threshold,
            intervals: self.intervals.clone(),
        }
    }

    /// What "always the most frequent training class" reaches on the same traces: the least that a model
    /// has to beat.
    pub fn most_frequent(&self) -> Option<Standing> {
        let rows: Vec<u64> = self.confusion.iter().map(|row| row.iter().sum()).collect();
        let most = (0..rows.len()).rev().max_by_key(|&class| rows[class]).filter(|&class| rows[class] > 0)?;
        let trivial: Vec<Vec<u64>> = rows
            .iter()
            .map(|&support| (0..rows.len()).map(|called| if called == most { support } else { 0 }).collect())
            .collect();
        let names: Vec<&str> = self.per_class.iter().map(|class| class.name.as_str()).collect();
        let all: u64 = rows.iter().sum();
        let nothing = || FALSE_ALARM_RATES.iter().map(|far| (far.to_string(), Some(0.0))).collect();
        let scored = self.auc.is_some();
        Some(Standing {
            name: format!("always {}", names.get(most)?),
            accuracy: Some(rows[most] as f64 / all as f64),
            macro_f1: Some(macro_f1(&trivial)),
            auc: scored.then_some(0.5),
            dr_at_far: if scored { nothing() } else { BTreeMap::new() },
            dr_at_threshold: if scored { nothing() } else { BTreeMap::new() },
            far_at_threshold: if scored { nothing() } else { BTreeMap::new() },
            intervals: BTreeMap::new(),
        })
    }
}

/// A line of the table of models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The model.
    pub name: String,
    /// As [`ProtocolResult::accuracy`].
    pub accuracy: Option<f64>,
    /// As [`ProtocolResult::macro_f1`].
    pub macro_f1: Option<f64>,
    /// As [`ProtocolResult::auc`].
    pub auc: Option<f64>,
    /// Detection rates at ROC points.
    pub dr_at_far: BTreeMap<String, Option<f64>>,
    /// Detection rates by thresholds chosen on other normals.
    pub dr_at_threshold: BTreeMap<String, Option<f64>>,
    /// What false-alarm rate those had.
    pub far_at_threshold: BTreeMap<String, Option<f64>>,
    /// 95 % intervals by figure.
    pub intervals: BTreeMap<String, [f64; 2]>,
}

/// The judgements that figures rest on: seeds that were finished, or the one that was begun.
pub(crate) fn usable(run: &Run) -> Result<Vec<&Judgement>, ProtocolError> {
    let finished: Vec<&Judgement> =
        run.judgements.iter().filter(|judgement| judgement.is_complete()).collect();
    if !finished.is_empty() {
        return Ok(finished);
    }
    run.judgements.first().map(|judgement| vec![judgement]).ok_or(ProtocolError::Stopped)
}

/// The mean of each figure over the seeds that have it.
fn mean_of(seeds: &[Figures]) -> Figures {
    let single = |of: &dyn Fn(&Figures) -> Option<f64>| mean(seeds.iter().filter_map(of));
    let map = |of: &dyn Fn(&Figures) -> &BTreeMap<String, Option<f64>>| {
        let fars = FALSE_ALARM_RATES.map(|far| far.to_string());
        fars.into_iter()
            .map(|far| (far.clone(), mean(seeds.iter().filter_map(|f| *of(f).get(&far)?))))
            .collect()
    };
    Figures {
        accuracy: single(&|figures| figures.accuracy),
        macro_f1: single(&|figures| figures.macro_f1),
        auc: single(&|figures| figures.auc),
        dr_at_far: map(&|figures| &figures.dr_at_far),
        dr_at_threshold: map(&|figures| &figures.dr_at_threshold),
        far_at_threshold: map(&|figures| &figures.far_at_threshold),
    }
}

/// `None` of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

fn per_case(judgements: &[&Judgement], of: impl Fn(&Judgement) -> f64) -> f64 {
    let cases: usize = judgements.iter().map(|judgement| judgement.done).sum();
    judgements.iter().map(|judgement| of(judgement)).sum::<f64>() / cases.max(1) as f64
}

fn threshold_rows(mean: &Figures, pooled: &[Pooled]) -> Vec<ThresholdRow> {
    let fewest = pooled.iter().flat_map(|pooled| &pooled.calibration).map(Vec::len).min().unwrap_or(0);
    let row = |far: &f64| {
        let key = far.to_string();
        ThresholdRow {
            far: *far,
            chosen_on: fewest,
            detection_rate: mean.dr_at_threshold.get(&key).copied().flatten(),
            false_alarm_rate: mean.far_at_threshold.get(&key).copied().flatten(),
            roc_point: mean.dr_at_far.get(&key).copied().flatten(),
        }
    };
    if mean.auc.is_none() { Vec::new() } else { FALSE_ALARM_RATES.iter().map(row).collect() }
}

fn per_class(data: &Dataset, protocol: Protocol, pooled: &[Pooled]) -> Vec<ClassScores> {
    if !protocol.asks_for_family() {
        return Vec::new();
    }
    let seeds: Vec<Vec<Vec<u64>>> = pooled.iter().map(|pooled| pooled.confusion(None)).collect();
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let over =
        |of: &dyn Fn(&[Vec<u64>]) -> f64| seeds.iter().map(|c| of(c)).sum::<f64>() / seeds.len() as f64;
    let scores = data.classes.iter().enumerate().map(|(class, name)| ClassScores {
        name: name.clone(),
        precision: over(&|c| share(c[class][class], c.iter().map(|row| row[class]).sum())),
        recall: over(&|c| share(c[class][class], c[class].iter().sum())),
        f1: over(&|c| f1(c, class)),
        support: over(&|c| c[class].iter().sum::<u64>() as f64).round() as u64,
    });
    scores.collect()
}

fn intervals(pooled: &[Pooled], units: &Units, seed: u64) -> BTreeMap<String, [f64; 2]> {
    let mut draws: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for draw in 0..units.resamples() as u64 {
        let mut random = Rng::stream(seed ^ BOOTSTRAP, draw);
        let times = units.draw(&mut random);
        let seeds: Vec<Figures> =
            drawn(pooled, &mut random).map(|pooled| pooled.figures(Some(&times))).collect();
        for (name, value) in mean_of(&seeds).entries() {
            draws.entry(name).or_default().push(value);
        }
    }
    draws.into_iter().filter_map(|(name, draws)| Some((name, interval(draws)?))).collect()
}

/// As many seeds as there are, drawn with replacement.
pub(crate) fn drawn<'p, T>(seeds: &'p [T], random: &mut Rng) -> impl Iterator<Item = &'p T> + use<'p, T> {
    let places: Vec<usize> = seeds.iter().map(|_| random.below(seeds.len() as u64) as usize).collect();
    places.into_iter().map(|place| &seeds[place])
}

fn spread(seeds: &[Figures]) -> BTreeMap<String, Spread> {
    let mut by_name: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (name, value) in seeds.iter().flat_map(Figures::entries) {
        by_name.entry(name).or_default().push(value);
    }
    let of = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        Spread {
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            sd: if values.len() > 1 { (squares / (values.len() - 1) as f64).sqrt() } else { 0.0 },
        }
    };
    by_name.into_iter().map(|(name, values)| (name, of(values))).collect()
}

fn novelty(data: &Dataset, judgements: &[&Judgement], units: &Units) -> Option<NoveltyFigures> {
    if judgements.iter().any(|judgement| judgement.novelty.is_none()) {
        return None;
    }
    let figures: Vec<Figures> = judgements
        .iter()
        .map(|judgement| Pooled::new(data, judgement, Protocol::NormalOnly, units).figures(None))
        .collect();
    let mean = mean_of(&figures);
    mean.auc.map(|auc| NoveltyFigures { auc: Some(auc), dr_at_far: mean.dr_at_far })
}

fn reliability(data: &Dataset, judgements: &[&Judgement]) -> Vec<ReliabilityBin> {
    let Some(normal) = data.normal_class().map(usize::from) else { return Vec::new() };
    if judgements.iter().any(|judgement| judgement.training_counts.iter().filter(|&&n| n > 0).count() < 2) {
        return Vec::new();
    }
    let mut bins = vec![(0_u64, 0.0_f64, 0_u64); BINS];
    for judgement in judgements {
        for (row, label) in judgement.scores.rows().zip(&judgement.labels) {
            let said = 1.0 - f64::from(row[normal]);
            if !said.is_finite() {
                continue;
            }
            let bin = &mut bins[((said * BINS as f64) as usize).min(BINS - 1)];
            bin.0 += 1;
            bin.1 += said;
            bin.2 += u64::from(usize::from(*label) != normal);
        }
    }
    let bin = |(place, (traces, said, was)): (usize, (u64, f64, u64))| ReliabilityBin {
        from: place as f64 / BINS as f64,
        to: (place + 1) as f64 / BINS as f64,
        traces,
        said: said / traces as f64,
        was: was as f64 / traces as f64,
    };
    bins.into_iter().enumerate().filter(|(_, bin)| bin.0 > 0).map(bin).collect()
}
