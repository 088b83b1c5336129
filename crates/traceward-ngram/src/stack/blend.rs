//! What is learnt from the members' answers to traces that they were not trained on.

use crate::linear::{class_weights, minimise};
use crate::model::Kind;
use crate::probability::Temperature;

/// How strongly the members' weights are drawn to each other, and the biases to 0.
const ALIKE: f64 = 1.0;
/// See [`ALIKE`].
const UNBIASED: f64 = 0.01;
/// How much more a trace counts the fewer its class has, where families are told apart.
const BALANCE: f64 = 0.5;
/// Thresholds that are looked at.
const THRESHOLDS: usize = 200;
/// Over how many neighbouring thresholds the figure is averaged, so that no lucky one is chosen.
const SMOOTH: usize = 9;

/// The members' answers to the traces of the inner folds.
pub(super) struct Answers<'a> {
    pub(super) normal: Option<u16>,
    pub(super) classes: usize,
    pub(super) members: usize,
    pub(super) labels: &'a [u16],
    /// `[traces, members, classes]`.
    pub(super) margins: &'a [f32],
}

/// How families are blended.
pub(super) struct Families {
    /// One a member.
    pub(super) weights: Vec<f64>,
    /// One a class; normal's is 0.
    pub(super) biases: Vec<f64>,
}

/// The mean of the margins of all classes but normal.
pub(super) fn centre(margins: &[f32], normal: Option<u16>) -> f32 {
    let normal = normal.map(usize::from);
    let families = || margins.iter().enumerate().filter(|(class, _)| Some(*class) != normal);
    families().map(|(_, m)| *m).sum::<f32>() / families().count().max(1) as f32
}

/// The log-odds of any class but normal.
pub(super) fn log_odds(margins: &[f32], normal: u16, temperature: Temperature) -> f32 {
    let attacks = || margins.iter().enumerate().filter(|(class, _)| *class != usize::from(normal));
    let most = attacks().fold(f32::NEG_INFINITY, |most, (_, m)| most.max(*m));
    let sum: f32 = attacks().map(|(_, m)| ((m - most) * temperature.slope()).exp()).sum();
    sum.ln() + (most - margins[usize::from(normal)]) * temperature.slope()
}

impl Answers<'_> {
    fn of(&self, trace: usize, member: usize) -> &[f32] {
        &self.margins[(trace * self.members + member) * self.classes..][..self.classes]
    }

    /// The temperature of a member's margins; 1 for one that has probabilities of its own.
    pub(super) fn temperature(&self, member: usize, kind: &Kind) -> Temperature {
        if !matches!(kind, Kind::Linear { .. } | Kind::Neighbours { .. }) {
            return Temperature::default();
        }
        let margins: Vec<f32> = (0..self.labels.len()).flat_map(|t| self.of(t, member)).copied().collect();
        Temperature::fit(&margins, self.labels, self.classes)
    }

    /// Classes that families are told apart among.
    fn families_of(&self) -> Vec<usize> {
        (0..self.classes).filter(|class| Some(*class) != self.normal.map(usize::from)).collect()
    }

    /// A conditional logit on the attacks: ln P(family) = sum of weight · margin + bias, up to a constant.
    pub(super) fn families(&self, part: &[bool]) -> Families {
        let members: Vec<usize> = (0..self.members).filter(|&m| part[m]).collect();
        let families = self.families_of();
        let place_of = |label: u16| families.iter().position(|&f| f == usize::from(label));
        let (mut rows, mut own) = (Vec::new(), Vec::new());
        for (trace, &label) in self.labels.iter().enumerate() {
            if let Some(place) = place_of(label) {
                rows.push(trace);
                own.push(place as u16);
            }
        }
        let mut result = Families { weights: vec![0.0; self.members], biases: vec![0.0; self.classes] };
        if rows.is_empty() || members.is_empty() {
            return result;
        }
        let margin = |trace: usize, member: usize, family: usize| {
            let margins = self.of(trace, member);
            f64::from(margins[family] - centre(margins, self.normal))
        };
        let spread = |&member: &usize| {
            let squares = rows.iter().flat_map(|&row| families.iter().map(move |&f| margin(row, member, f)));
            let mean = squares.map(|m| m * m).sum::<f64>() / (rows.len() * families.len()) as f64;
            mean.sqrt().max(1e-6)
        };
        let spreads: Vec<f64> = members.iter().map(spread).collect();
        let (m, k) = (members.len(), families.len());
        let answers: Vec<f64> = rows
            .iter()
            .flat_map(|&row| members.iter().zip(&spreads).map(move |(&member, spread)| (row, member, spread)))
            .flat_map(|(row, member, spread)| families.iter().map(move |&f| margin(row, member, f) / spread))
            .collect();
        let mut weights: Vec<f64> = class_weights(&own, k, BALANCE);
        let total: f64 = own.iter().map(|&l| weights[usize::from(l)]).sum();
        weights.iter_mut().for_each(|w| *w /= total);
        let mut start = vec![1.5 / m as f64; m];
        start.resize(m + k, 0.0);
        let found = minimise(start, 1e-6, 500, |at, gradient| {
            let mean = at[..m].iter().sum::<f64>() / m as f64;
            let mut value = 0.0;
            for (place, (&parameter, slope)) in at.iter().zip(gradient.iter_mut()).enumerate() {
                let (from, strength) = if place < m { (mean, ALIKE) } else { (0.0, UNBIASED) };
                value += 0.5 * strength * (parameter - from) * (parameter - from);
                *slope = strength * (parameter - from);
            }
            let mut scores = vec![0.0; k];
            for (row, &label) in answers.chunks_exact(m * k).zip(&own) {
                scores.copy_from_slice(&at[m..]);
                for (answer, weight) in row.chunks_exact(k).zip(at) {
                    scores.iter_mut().zip(answer).for_each(|(s, a)| *s += weight * a);
                }
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
                let weight = weights[usize::from(label)];
                value += weight * (sum.ln() + largest - scores[usize::from(label)]);
                for (family, score) in scores.iter().enumerate() {
                    let target = f64::from(u8::from(family == usize::from(label)));
                    let residual = weight * ((score - largest).exp() / sum - target);
                    gradient[m + family] += residual;
                    (0..m).for_each(|member| gradient[member] += residual * row[member * k + family]);
                }
            }
            value
        });
        for (place, &member) in members.iter().enumerate() {
            result.weights[member] = found[place] / spreads[place];
        }
        for (place, &family) in families.iter().enumerate() {
            result.biases[family] = found[m + place];
        }
        result
    }

    /// What to add to the log-odds of attack so that the most probable class has the greatest macro-F1: it
    /// weighs a rare family's error as much as a common one's, and the log-odds that are right on average
    /// do not.
    pub(super) fn lean(&self, detection: &[f32], temperatures: &[Temperature], families: &Families) -> f64 {
        let Some(normal) = self.normal else { return 0.0 };
        let own = self.families_of();
        // Where a trace turns from normal to its likeliest family: log-odds of attack + ln P(family).
        let mut turns: Vec<(f64, usize, usize)> = Vec::with_capacity(self.labels.len());
        for (trace, &label) in self.labels.iter().enumerate() {
            let mut attack = 0.0;
            let mut scores: Vec<f64> = own.iter().map(|&family| families.biases[family]).collect();
            for member in 0..self.members {
                let margins = self.of(trace, member);
                if detection[member] > 0.0 {
                    attack += f64::from(detection[member] * log_odds(margins, normal, temperatures[member]));
                }
                let weight = families.weights[member];
                own.iter().zip(&mut scores).for_each(|(&f, score)| *score += weight * f64::from(margins[f]));
            }
            let (best, largest) = scores
                .iter()
                .enumerate()
                .fold((0, f64::NEG_INFINITY), |(b, l), (i, &s)| if s > l { (i, s) } else { (b, l) });
            let sum: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
            turns.push((attack - sum.ln(), usize::from(label), own[best]));
        }
        let normal = usize::from(normal);
        turns.sort_by(|a, b| b.0.total_cmp(&a.0));
        // From nothing called attack to everything: the figure after each trace more.
        let mut right = vec![0.0; self.classes];
        let mut said = vec![0.0; self.classes];
        let mut true_of = vec![0.0; self.classes];
        turns.iter().for_each(|&(_, label, _)| true_of[label] += 1.0);
        (said[normal], right[normal]) = (turns.len() as f64, true_of[normal]);
        let seen: Vec<usize> = (0..self.classes).filter(|&c| true_of[c] > 0.0).collect();
        let mut figures = Vec::with_capacity(turns.len());
        for &(_, label, family) in &turns {
            said[normal] -= 1.0;
            said[family] += 1.0;
            if label == normal {
                right[normal] -= 1.0;
            } else if label == family {
                right[family] += 1.0;
            }
            figures.push(seen.iter().map(|&c| 2.0 * right[c] / (said[c] + true_of[c])).sum::<f64>());
        }
        // Equally many traces between thresholds, from half to twice as many alarms as there are attacks.
        let attacks = turns.len() as f64 - true_of[normal];
        let (from, to) = (attacks / 2.0, (2.0 * attacks).min(turns.len() as f64 - 1.0));
        let at: Vec<usize> =
            (0..THRESHOLDS).map(|i| (from + (to - from) * i as f64 / THRESHOLDS as f64) as usize).collect();
        let smooth = |i: usize| {
            let span = &at[i.saturating_sub(SMOOTH / 2)..(i + SMOOTH / 2 + 1).min(at.len())];
            span.iter().map(|&place| figures[place]).sum::<f64>() / span.len() as f64
        };
        let best = (0..at.len()).max_by(|&a, &b| smooth(a).total_cmp(&smooth(b)).then(b.cmp(&a)));
        best.map_or(0.0, |best| {
            let place = at[best];
            let next = turns.get(place + 1).map_or(turns[place].0, |t| t.0);
            -f64::midpoint(turns[place].0, next)
        })
    }
}
