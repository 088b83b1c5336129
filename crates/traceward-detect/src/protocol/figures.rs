//! The figures of pooled scores, plain or under the weights of a bootstrap draw.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use traceward_run::classifier::argmax;
use traceward_run::evaluation::macro_f1;
use traceward_trace::Dataset;
use traceward_trace::rng::Rng;

use super::{FALSE_ALARM_RATES, Judgement, Protocol, Threshold, Units, conformal_threshold};

/// Stream of the seed by which the normals of a single case are halved.
const HALVES: u64 = 0x6861_6c66;

/// What one seed's pooled scores are worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Share of traces whose class was right (attack or not, where the protocol asks for no family).
    pub accuracy: Option<f64>,
    /// Mean of the classes' F1, 0 for a class that is never found.
    pub macro_f1: Option<f64>,
    /// Area under the ROC curve of attack or not; without a family, the mean over the families.
    pub auc: Option<f64>,
    /// Detection rates at ROC points, by false-alarm rate.
    pub dr_at_far: BTreeMap<String, Option<f64>>,
    /// Detection rates by thresholds chosen on other normals, by the false-alarm rate asked for.
    pub dr_at_threshold: BTreeMap<String, Option<f64>>,
    /// What false-alarm rate those thresholds had on the judged normals.
    pub far_at_threshold: BTreeMap<String, Option<f64>>,
}

impl Figures {
    /// All figures there are, by the names that `intervals` has: `macro_f1`, `dr_at_far.0.01`, ….
    pub fn entries(&self) -> BTreeMap<String, f64> {
        let singles = [("accuracy", self.accuracy), ("macro_f1", self.macro_f1), ("auc", self.auc)];
        let mut all: BTreeMap<String, f64> =
            singles.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let maps = [
            ("dr_at_far", &self.dr_at_far),
            ("dr_at_threshold", &self.dr_at_threshold),
            ("far_at_threshold", &self.far_at_threshold),
        ];
        for (name, map) in maps {
            all.extend(map.iter().filter_map(|(far, value)| Some((format!("{name}.{far}"), (*value)?))));
        }
        all
    }
}

/// How much more likely an attack is than not, as the logarithm of the odds: the order is that of
/// 1 - P(normal), but an f32 near 1 does not round differences away. NaN for a row that is no numbers.
pub fn attack_score(row: &[f32], normal: usize) -> f64 {
    let others: f64 =
        row.iter().enumerate().filter(|(class, _)| *class != normal).map(|(_, p)| f64::from(*p)).sum();
    others.ln() - f64::from(row[normal]).ln()
}

/// One seed's judgement, made ready for figures: who scored what, and who is flagged at which rate.
#[derive(Clone, Debug)]
pub struct Pooled {
    classes: usize,
    normal: Option<usize>,
    protocol: Protocol,
    pub(crate) labels: Vec<u16>,
    pub(crate) called: Vec<u32>,
    /// Greater is more like an attack; minus infinity where the model gave no number.
    pub(crate) scores: Vec<f64>,
    pub(crate) units: Vec<u32>,
    /// Which threshold each trace is judged by.
    pub(crate) parts: Vec<u32>,
    /// By rate, the threshold of each part.
    pub(crate) thresholds: Vec<Vec<Threshold>>,
    /// The normals' scores that the thresholds of each part were chosen on.
    pub(crate) calibration: Vec<Vec<f64>>,
    /// Traces by falling score: one list, or one a case where figures are means over the cases.
    orders: Vec<Vec<u32>>,
    pub(crate) not_finite: usize,
}

impl Pooled {
    /// Makes a judgement ready.
    pub fn new(data: &Dataset, judgement: &Judgement, protocol: Protocol, units: &Units) -> Self {
        let normal = data.normal_class().map(usize::from);
        let mut not_finite = 0;
        let mut called = Vec::with_capacity(judgement.traces.len());
        let mut scores = Vec::with_capacity(judgement.traces.len());
        for (place, row) in judgement.scores.rows().enumerate() {
            called.push(argmax(row));
            let score = match (&judgement.novelty, protocol, normal) {
                (Some(novelty), Protocol::NormalOnly, _) => f64::from(novelty[place]),
                (_, _, Some(normal)) => attack_score(row, normal),
                _ => f64::NEG_INFINITY,
            };
            not_finite += usize::from(score.is_nan());
            scores.push(if score.is_nan() { f64::NEG_INFINITY } else { score });
        }
        let unit_of: Vec<u32> = judgement.traces.iter().map(|&trace| units.of_trace(trace)).collect();
        let mut pooled = Self {
            classes: data.classes.len(),
            normal,
            protocol,
            labels: judgement.labels.clone(),
            called,
            scores,
            units: unit_of,
            parts: Vec::new(),
            thresholds: Vec::new(),
            calibration: Vec::new(),
            orders: Vec::new(),
            not_finite,
        };
        pooled.choose_thresholds(judgement, units);
        pooled.orders = pooled.falling(&judgement.cases);
        pooled
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether a trace is an attack.
    pub(crate) fn is_attack(&self, place: usize) -> bool {
        self.normal.is_some_and(|normal| usize::from(self.labels[place]) != normal)
    }

    /// Whether a trace is flagged by the threshold chosen for the rate of this index.
    pub(crate) fn is_flagged(&self, place: usize, rate: usize) -> bool {
        self.thresholds[rate][self.parts[place] as usize].flags(self.scores[place])
    }

    /// See the head of [`super`]: other cases' normals, or the other half of the only case's.
    fn choose_thresholds(&mut self, judgement: &Judgement, units: &Units) {
        if self.normal.is_none() {
            return;
        }
        let several = judgement.cases.iter().any(|case| *case != judgement.cases[0]);
        self.parts = if several {
            judgement.cases.clone()
        } else {
            let mut random = Rng::stream(judgement.seed, HALVES);
            let half: Vec<u32> = (0..units.len()).map(|_| random.below(2) as u32).collect();
            self.units.iter().map(|unit| half[*unit as usize]).collect()
        };
        let count = self.parts.iter().max().map_or(0, |last| *last as usize + 1);
        for part in 0..count as u32 {
            let here: HashSet<u32> = judgement
                .traces
                .iter()
                .zip(&self.parts)
                .filter(|(_, of)| **of == part)
                .map(|(t, _)| *t)
                .collect();
            let elsewhere = (0..self.labels.len()).filter(|&i| {
                self.parts[i] != part && !self.is_attack(i) && !here.contains(&judgement.traces[i])
            });
            self.calibration.push(elsewhere.map(|i| self.scores[i]).collect());
        }
        self.thresholds = FALSE_ALARM_RATES
            .iter()
            .map(|far| self.calibration.iter().map(|normals| conformal_threshold(normals, *far)).collect())
            .collect();
    }

    fn falling(&self, cases: &[u32]) -> Vec<Vec<u32>> {
        if self.normal.is_none() {
            return Vec::new();
        }
        let lists = match self.protocol {
            Protocol::LeaveOneFamilyOut => cases.iter().max().map_or(0, |last| *last as usize + 1),
            _ => 1,
        };
        let mut orders = vec![Vec::new(); lists];
        for (place, case) in (0_u32..).zip(cases) {
            orders[if lists == 1 { 0 } else { *case as usize }].push(place);
        }
        for order in &mut orders {
            order.sort_by(|a, b| self.scores[*b as usize].total_cmp(&self.scores[*a as usize]));
        }
        orders
    }

    /// `confusion[true class][called class]` under the weights of a draw, or of each trace once.
    pub fn confusion(&self, times: Option<&[u32]>) -> Vec<Vec<u64>> {
        let mut confusion = vec![vec![0; self.classes]; self.classes];
        for (place, (label, called)) in self.labels.iter().zip(&self.called).enumerate() {
            confusion[usize::from(*label)][*called as usize] += self.weight(times, place);
        }
        confusion
    }

    fn weight(&self, times: Option<&[u32]>, place: usize) -> u64 {
        times.map_or(1, |times| times[self.units[place] as usize].into())
    }

    /// All figures, under the weights of a draw (how often each unit was drawn), or plain.
    pub fn figures(&self, times: Option<&[u32]>) -> Figures {
        let mut figures = Figures::default();
        if self.protocol != Protocol::NormalOnly {
            let confusion = self.confusion(times);
            figures.accuracy = self.accuracy(&confusion);
            figures.macro_f1 = self.protocol.asks_for_family().then(|| macro_f1(&confusion));
        }
        let curves: Vec<Curve> = self.orders.iter().filter_map(|order| self.curve(order, times)).collect();
        let mean = |of: &dyn Fn(&Curve) -> Option<f64>| -> Option<f64> {
            let values: Vec<f64> = curves.iter().filter_map(of).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        figures.auc = mean(&|curve| Some(curve.auc));
        for (rate, far) in FALSE_ALARM_RATES.iter().enumerate() {
            figures.dr_at_far.insert(far.to_string(), mean(&|curve| Some(curve.roc[rate])));
            let can = self.thresholds.get(rate).is_some_and(|parts| parts.iter().any(|t| t.above.is_some()));
            figures
                .dr_at_threshold
                .insert(far.to_string(), mean(&|curve| can.then_some(curve.flagged[rate].0)));
            figures
                .far_at_threshold
                .insert(far.to_string(), mean(&|curve| can.then_some(curve.flagged[rate].1)));
        }
        figures
    }

    fn accuracy(&self, confusion: &[Vec<u64>]) -> Option<f64> {
        let all: u64 = confusion.iter().flatten().sum();
        let right: u64 = match (self.protocol.asks_for_family(), self.normal) {
            (true, _) => (0..self.classes).map(|class| confusion[class][class]).sum(),
            (false, Some(normal)) => {
                let cells = confusion.iter().enumerate().flat_map(|(label, row)| {
                    row.iter().enumerate().filter(move |(called, _)| (label == normal) == (*called == normal))
                });
                cells.map(|(_, n)| n).sum()
            }
            (false, None) => return None,
        };
        (all > 0).then(|| right as f64 / all as f64)
    }

    fn curve(&self, order: &[u32], times: Option<&[u32]>) -> Option<Curve> {
        let (mut normals, mut attacks) = (0_u64, 0_u64);
        let mut flagged = [(0_u64, 0_u64); FALSE_ALARM_RATES.len()];
        for &place in order {
            let place = place as usize;
            let weight = self.weight(times, place);
            if weight == 0 {
                continue;
            }
            let attack = self.is_attack(place);
            *(if attack { &mut attacks } else { &mut normals }) += weight;
            for (rate, (found, false_alarms)) in flagged.iter_mut().enumerate() {
                if self.is_flagged(place, rate) {
                    *(if attack { found } else { false_alarms }) += weight;
                }
            }
        }
        if normals == 0 || attacks == 0 {
            return None;
        }
        let mut roc = [0_u64; FALSE_ALARM_RATES.len()];
        let (mut twice_area, mut found, mut false_alarms) = (0_u128, 0_u64, 0_u64);
        let mut at = 0;
        while at < order.len() {
            let score = self.scores[order[at] as usize];
            let before = (found, false_alarms);
            // Equal scores cannot be told apart by any threshold: one step of the curve.
            while at < order.len() && self.scores[order[at] as usize] == score {
                let place = order[at] as usize;
                *(if self.is_attack(place) { &mut found } else { &mut false_alarms }) +=
                    self.weight(times, place);
                at += 1;
            }
            twice_area += u128::from(false_alarms - before.1) * u128::from(found + before.0);
            for (best, far) in roc.iter_mut().zip(FALSE_ALARM_RATES) {
                if false_alarms as f64 / normals as f64 <= far {
                    *best = found;
                }
            }
        }
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        Some(Curve {
            auc: twice_area as f64 / 2.0 / (normals as f64 * attacks as f64),
            roc: roc.map(|found| share(found, attacks)),
            flagged: flagged.map(|(found, alarms)| (share(found, attacks), share(alarms, normals))),
        })
    }

    /// The ROC curve as points of false-alarm and detection rate, at most about `points` of them: of the
    /// first list of traces, which is all of them unless figures are means over the cases.
    pub(crate) fn roc_points(&self, points: usize) -> Vec<[f64; 2]> {
        let Some(order) = self.orders.first().filter(|_| self.orders.len() == 1) else { return Vec::new() };
        let attacks = order.iter().filter(|p| self.is_attack(**p as usize)).count();
        let normals = order.len() - attacks;
        if attacks == 0 || normals == 0 {
            return Vec::new();
        }
        let mut curve = vec![[0.0, 0.0]];
        let (mut found, mut false_alarms) = (0_usize, 0_usize);
        for (at, &place) in order.iter().enumerate() {
            if self.is_attack(place as usize) {
                found += 1;
            } else {
                false_alarms += 1;
            }
            let next = order.get(at + 1).map(|next| self.scores[*next as usize]);
            if next == Some(self.scores[place as usize]) {
                continue;
            }
            let point = [false_alarms as f64 / normals as f64, found as f64 / attacks as f64];
            let last = curve[curve.len() - 1];
            let step = 1.0 / points as f64;
            // Every false alarm counts where there are few; further right only what can be seen.
            let few = point[0] <= 0.02 && point[0] > last[0];
            if few || point[0] - last[0] >= step || point[1] - last[1] >= step || next.is_none() {
                curve.push(point);
            }
        }
        curve
    }
}

/// What is read off one ROC curve.
struct Curve {
    auc: f64,
    roc: [f64; FALSE_ALARM_RATES.len()],
    /// By rate: detection and false-alarm rate of the chosen thresholds.
    flagged: [(f64, f64); FALSE_ALARM_RATES.len()],
}
