//! A trial: a change judged by what it does to trained networks, not by the rule that proposed it.
//!
//! **What is compared.** Before a debugging begins, a share of the data is set aside: the *hold-out*,
//! stratified, with copies and groups kept whole. No plan ever sees it, whatever the plan does to its own
//! split, so it stays the same measure when the split itself is what is treated. Validation figures cannot
//! be: shuffling the rows or parting copies changes which traces validate, and a leak that is closed lowers
//! them although nothing got worse. On the hold-out, the network as its user would get it (the last
//! weights, or with early stopping the best epoch's) is judged by the log loss of the shares that it answers
//! with, each answer divided by its sum, and by macro-F1. Training and validation losses are not compared: a
//! change of the loss changes their unit.
//!
//! **What is accepted.** Each plan is trained with the same few seeds, before and after. A difference
//! counts if it exceeds two standard errors of the difference of the means, by the spread over the seeds,
//! and a floor that stands for what so few seeds and traces cannot show. The log loss decides; where it does
//! not differ, macro-F1 does. (A longer run is judged by the best of its epochs, class weights by macro-F1:
//! [`Criterion`].) It is the log loss that comes first because it sees every trace, and how sure
//! the answer was: on the way out of a broken training the classes found are a matter of luck, and a step
//! that is right costs some of them until the training is long enough. Two figures are two chances of a
//! difference by luck, and three seeds show a spread poorly: a trial is evidence, not proof. The same
//! hold-out is asked at every trial, so its last figure flatters a little.

use std::fmt::Write as _;

use serde::Serialize;

use crate::fingerprint::CLIPPED;
use crate::record::{Score, Verdict};
use crate::{Change, Evidence};

/// A difference of macro-F1 that is not taken for one however little the seeds differ.
const F1_FLOOR: f64 = 0.01;
/// The same of the log loss, as a share of it.
const LOG_LOSS_FLOOR: f64 = 0.03;
/// By how much the floors rise with a single seed, which shows no spread.
const ONE_SEED: f64 = 3.0;

/// What a network is worth on some traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Mean of the classes' F1.
    pub macro_f1: f64,
    /// Share of traces whose class was right.
    pub accuracy: f64,
    /// Mean of -ln of the true class's share; `None` if an answer was not a number.
    pub log_loss: Option<f64>,
}

/// A plan trained once.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// With which seed.
    pub seed: u64,
    /// What is known of it: network, fit, data, curves, insides, probes.
    pub evidence: Evidence,
    /// On the hold-out.
    pub holdout: Figures,
    /// On the plan's own validation side, if it has one.
    pub validation: Option<Figures>,
    /// Where it is kept.
    pub path: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What a trial must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// That it is better, beyond the noise.
    Better,
    /// That macro-F1 is better, beyond the noise. For weights of rare classes, whose shares are then no
    /// longer those that the log loss asks for.
    BetterF1,
    /// That the best of its epochs is better, beyond the noise, by the validation loss: the split is the
    /// same, and a longer run holds the shorter one. What it loses after its best epoch is overfitting, a
    /// finding of its own with treatments of its own.
    Longer,
    /// That it is not worse beyond the noise. For changes that rest on what was seen, not on what
    /// they gain: rows in the order of their classes, copies on both sides.
    NotWorse,
    /// That it can be trained: without it there is nothing to judge by, or nothing that works at all.
    Possible,
}

impl Criterion {
    /// The criterion for a change; of several made together, for the first.
    pub fn of(change: &Change) -> Self {
        match change {
            Change::Shuffle | Change::GroupedSplit => Self::NotWorse,
            Change::ValidationShare { .. } => Self::Possible,
            Change::ClassWeight => Self::BetterF1,
            Change::Epochs { .. } | Change::ScaleEpochs { .. } => Self::Longer,
            _ => Self::Better,
        }
    }
}

/// What a trial came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What was decided.
    pub verdict: Verdict,
    /// Which figure decided.
    pub metric: Metric,
    /// How much better that figure is after; below 0: worse.
    pub gain: f64,
    /// What a gain must exceed.
    pub noise: f64,
    /// Why, as one sentence with its numbers.
    pub why: String,
}

/// A figure that trials are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Mean of the classes' F1 on the hold-out.
    MacroF1,
    /// Log loss on the hold-out.
    LogLoss,
    /// The least validation loss of all epochs.
    BestValidationLoss,
}

impl Metric {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::MacroF1 => "macro-F1 on the hold-out",
            Self::LogLoss => "log loss on the hold-out",
            Self::BestValidationLoss => "least validation loss of all epochs",
        }
    }

    /// Whether more of it is better.
    pub fn larger_is_better(self) -> bool {
        self == Self::MacroF1
    }

    /// Its value; `None` if it is no number, or not known.
    pub fn of(self, run: &Run) -> Option<f64> {
        let value = match self {
            Self::MacroF1 => Some(run.holdout.macro_f1),
            Self::LogLoss => run.holdout.log_loss,
            Self::BestValidationLoss => {
                let curve = run.evidence.curves.as_ref().and_then(|curves| curves.val_loss.as_ref());
                curve.and_then(|curve| {
                    curve.values.iter().copied().filter(|v| v.is_finite()).min_by(f64::total_cmp)
                })
            }
        };
        value.filter(|value| value.is_finite())
    }

    /// Its value, or the worst it can be.
    fn at_worst(self, run: &Run) -> f64 {
        self.of(run).unwrap_or(if self == Self::MacroF1 { 0.0 } else { CLIPPED })
    }

    /// Its mean over runs, the worst standing for what is no number.
    pub fn mean(self, runs: &[Run]) -> f64 {
        Spread::of(&runs.iter().map(|run| self.at_worst(run)).collect::<Vec<_>>()).mean
    }

    /// Its values by seed, for a record.
    pub fn scores(self, runs: &[Run]) -> Vec<Score> {
        runs.iter().map(|run| Score { seed: run.seed, value: self.of(run) }).collect()
    }

    fn compare(self, before: &[Run], after: &[Run]) -> Difference {
        let values = |runs: &[Run]| runs.iter().map(|run| self.at_worst(run)).collect::<Vec<f64>>();
        let (before, after) = (Spread::of(&values(before)), Spread::of(&values(after)));
        let sign = if self.larger_is_better() { 1.0 } else { -1.0 };
        let floor = match self {
            Self::MacroF1 => F1_FLOOR,
            Self::LogLoss | Self::BestValidationLoss => LOG_LOSS_FLOOR * before.mean.abs(),
        };
        let few = if before.count.min(after.count) < 2 { ONE_SEED } else { 1.0 };
        let error = (before.variance / before.count.max(1) as f64
            + after.variance / after.count.max(1) as f64)
            .sqrt();
        Difference {
            metric: self,
            before,
            after,
            gain: sign * (after.mean - before.mean),
            noise: (2.0 * error).max(floor * few),
        }
    }
}

/// Mean and spread of a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread {
    count: usize,
    mean: f64,
    /// The sample variance; 0 for one number.
    variance: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count.max(1) as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { count, mean, variance: if count > 1 { squares / (count - 1) as f64 } else { 0.0 } }
    }
}

/// One figure before and after.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Difference {
    metric: Metric,
    before: Spread,
    after: Spread,
    gain: f64,
    noise: f64,
}

impl Difference {
    fn is_better(&self) -> bool {
        self.gain > self.noise
    }

    fn is_worse(&self) -> bool {
        self.gain < -self.noise
    }

    fn words(&self) -> String {
        format!("{} {:.3} -> {:.3}", self.metric.words(), self.before.mean, self.after.mean)
    }
}

/// Judges a change by the runs before it and after it. There are none before it if the plan could not be
/// trained; there is at least one after it.
pub fn judge(before: &[Run], after: &[Run], criterion: Criterion) -> Judgement {
    if before.is_empty() {
        let f1 = Metric::MacroF1.compare(after, after);
        let why = format!("it can be trained now: {} {:.3}", Metric::MacroF1.words(), f1.after.mean);
        let metric = Metric::MacroF1;
        return Judgement { verdict: Verdict::Accepted, metric, gain: 0.0, noise: 0.0, why };
    }
    let f1 = Metric::MacroF1.compare(before, after);
    let log_loss = Metric::LogLoss.compare(before, after);
    let log_loss_differs = log_loss.is_better() || log_loss.is_worse();
    let validated = |runs: &[Run]| runs.iter().all(|run| Metric::BestValidationLoss.of(run).is_some());
    let decides = match criterion {
        Criterion::Longer if validated(before) && validated(after) => {
            Metric::BestValidationLoss.compare(before, after)
        }
        Criterion::BetterF1 => f1,
        _ if log_loss_differs => log_loss,
        _ => f1,
    };
    let (accepted, words) = match criterion {
        Criterion::Possible => (true, "it is needed to judge the training at all"),
        Criterion::NotWorse if !decides.is_better() && !decides.is_worse() => {
            (true, "no worse, and what was seen calls for it")
        }
        _ if decides.is_better() => (true, "better beyond the noise"),
        _ if decides.is_worse() => (false, "worse beyond the noise"),
        _ => (false, "no better than the noise"),
    };
    let other = if decides.metric == Metric::LogLoss { f1 } else { log_loss };
    let seeds = before.len().min(after.len());
    let mut why = format!(
        "{words}: {} ({:+.3}, noise {:.3}, {seeds} {}); {}",
        decides.words(),
        decides.after.mean - decides.before.mean,
        decides.noise,
        if seeds == 1 { "seed" } else { "seeds" },
        other.words(),
    );
    if let Some(flattered) = flattered(before, after, criterion) {
        let _ = write!(why, "; {flattered}");
    }
    Judgement {
        verdict: if accepted { Verdict::Accepted } else { Verdict::Rejected },
        metric: decides.metric,
        gain: decides.gain,
        noise: decides.noise,
        why,
    }
}

/// What to say where the validation figures of both sides are not of the same traces.
fn flattered(before: &[Run], after: &[Run], criterion: Criterion) -> Option<String> {
    if criterion != Criterion::NotWorse {
        return None;
    }
    let mean = |runs: &[Run]| {
        let values: Option<Vec<f64>> =
            runs.iter().map(|run| run.validation.map(|figures| figures.accuracy)).collect();
        values.map(|values| Spread::of(&values).mean)
    };
    let honest = Spread::of(&after.iter().map(|run| run.holdout.accuracy).collect::<Vec<_>>()).mean;
    let (old, new) = (mean(before)?, mean(after)?);
    let held = Spread::of(&before.iter().map(|run| run.holdout.accuracy).collect::<Vec<_>>()).mean;
    Some(if old > new {
        format!(
            "the validation accuracy falls from {old:.3} to {new:.3}, which is no loss: the old split \
             flattered, since the same network had {held:.3} on the hold-out (now {honest:.3})"
        )
    } else {
        format!(
            "the validation accuracy goes from {old:.3} to {new:.3}, of other traces than before \
             (hold-out: {held:.3} to {honest:.3})"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{Curve, Curves};

    fn runs(figures: &[(f64, f64)]) -> Vec<Run> {
        (0..)
            .zip(figures)
            .map(|(seed, &(macro_f1, log_loss))| Run {
                seed,
                holdout: Figures { macro_f1, accuracy: macro_f1, log_loss: Some(log_loss) },
                ..Run::default()
            })
            .collect()
    }

    #[test]
    fn a_gain_counts_beyond_two_standard_errors() {
        let before = runs(&[(0.50, 1.0), (0.54, 1.0), (0.46, 1.0)]);
        // Both sides spread by 0.04, so two standard errors are 2 * sqrt(2 * 0.0016 / 3) = 0.0653.
        let near = judge(&before, &runs(&[(0.56, 1.0), (0.60, 1.0), (0.52, 1.0)]), Criterion::Better);
        assert_eq!(near.verdict, Verdict::Rejected);
        let far = judge(&before, &runs(&[(0.57, 1.0), (0.61, 1.0), (0.53, 1.0)]), Criterion::Better);
        assert_eq!(far.verdict, Verdict::Accepted);
        assert!((far.noise - 0.0653).abs() < 1e-4, "{far:?}");
        assert_eq!(far.metric, Metric::MacroF1);
        insta::assert_snapshot!(far.why, @"better beyond the noise: macro-F1 on the hold-out 0.500 -> 0.570 (+0.070, noise 0.065, 3 seeds); log loss on the hold-out 1.000 -> 1.000");
    }

    #[test]
    fn the_log_loss_decides_unless_it_does_not_differ() {
        let before = runs(&[(0.5, 2.0), (0.5, 2.1), (0.5, 1.9)]);
        let better = judge(&before, &runs(&[(0.5, 1.2), (0.5, 1.1), (0.5, 1.3)]), Criterion::Better);
        assert_eq!((better.verdict, better.metric), (Verdict::Accepted, Metric::LogLoss));
        assert!(better.gain > 0.0, "a smaller log loss is a gain");
        let worse = judge(&before, &runs(&[(0.5, 3.0), (0.5, 3.1), (0.5, 2.9)]), Criterion::Better);
        assert_eq!(worse.verdict, Verdict::Rejected);
        let costs_f1 = judge(&before, &runs(&[(0.3, 0.2), (0.3, 0.2), (0.3, 0.2)]), Criterion::Better);
        assert_eq!((costs_f1.verdict, costs_f1.metric), (Verdict::Accepted, Metric::LogLoss));
        assert!(costs_f1.why.contains("macro-F1 on the hold-out 0.500 -> 0.300"), "{}", costs_f1.why);
    }

    #[test]
    fn seeds_that_agree_by_chance_prove_no_tiny_gain() {
        let before = runs(&[(0.5, 1.0); 3]);
        assert_eq!(judge(&before, &runs(&[(0.505, 1.0); 3]), Criterion::Better).verdict, Verdict::Rejected);
        assert_eq!(judge(&before, &runs(&[(0.52, 1.0); 3]), Criterion::Better).verdict, Verdict::Accepted);
        let alone = judge(&before[..1], &runs(&[(0.52, 1.0)]), Criterion::Better);
        assert_eq!(alone.verdict, Verdict::Rejected, "one seed shows no spread");
    }

    #[test]
    fn an_answer_that_is_no_number_is_the_worst() {
        let before = runs(&[(0.2, 1.0); 3]);
        let mut after = runs(&[(0.2, 1.0); 3]);
        after.iter_mut().for_each(|run| run.holdout.log_loss = Some(f64::NAN));
        assert_eq!(judge(&before, &after, Criterion::Better).verdict, Verdict::Rejected);
        assert_eq!(judge(&after, &before, Criterion::Better).verdict, Verdict::Accepted);
        assert_eq!(Metric::LogLoss.scores(&after)[0].value, None);
    }

    #[test]
    fn an_honest_split_may_lower_the_flattering_number_and_says_so() {
        let with_validation = |accuracy: f64, runs: Vec<Run>| -> Vec<Run> {
            let figures = Figures { accuracy, macro_f1: accuracy, log_loss: Some(0.1) };
            runs.into_iter().map(|run| Run { validation: Some(figures), ..run }).collect()
        };
        let before = with_validation(0.99, runs(&[(0.80, 0.7); 3]));
        let after = with_validation(0.81, runs(&[(0.80, 0.7); 3]));
        let judged = judge(&before, &after, Criterion::NotWorse);
        assert_eq!(judged.verdict, Verdict::Accepted);
        assert!(judged.why.contains("falls from 0.990 to 0.810, which is no loss"), "{}", judged.why);
        let worse = judge(&before, &runs(&[(0.5, 0.7); 3]), Criterion::NotWorse);
        assert_eq!(worse.verdict, Verdict::Rejected);
    }

    #[test]
    fn a_longer_run_is_judged_by_its_best_epoch() {
        let with_curve = |values: &[f64]| {
            let val_loss = Curve { rows: (0..values.len()).collect(), values: values.to_vec() };
            let curves = Curves { rows: values.len(), val_loss: Some(val_loss), ..Curves::default() };
            let evidence = Evidence { curves: Some(curves), ..Evidence::default() };
            runs(&[(0.5, 1.0); 3]).into_iter().map(|run| Run { evidence: evidence.clone(), ..run }).collect()
        };
        let short: Vec<Run> = with_curve(&[2.0, 1.5, 1.2]);
        let mut long: Vec<Run> = with_curve(&[2.0, 1.5, 1.2, 0.9, 1.4, 1.9]);
        long.iter_mut().for_each(|run| run.holdout.log_loss = Some(1.5));
        let judged = judge(&short, &long, Criterion::Longer);
        assert_eq!((judged.verdict, judged.metric), (Verdict::Accepted, Metric::BestValidationLoss));
        assert!((judged.gain - 0.3).abs() < 1e-9);
        let blind = judge(&runs(&[(0.5, 1.0); 3]), &long, Criterion::Longer);
        assert_eq!((blind.verdict, blind.metric), (Verdict::Rejected, Metric::LogLoss));
    }

    #[test]
    fn criteria_by_change() {
        assert_eq!(Criterion::of(&Change::Shuffle), Criterion::NotWorse);
        assert_eq!(Criterion::of(&Change::ValidationShare { share: 0.2 }), Criterion::Possible);
        assert_eq!(Criterion::of(&Change::OutputUnits), Criterion::Better);
    }
}
