//! The loop that cures: diagnose, take the first treatment, try it, keep it if it helps, and again.
//!
//! It knows no training. A [`Ward`] trains a plan and answers with a [`Run`]; everything else, which
//! finding comes first, what a change does to the plan, whether a trial is won, when to stop, is here, and
//! can be tested with a ward that only pretends. What happened is a [`DebugRecord`], handed to the ward
//! after every training, so that whatever ends the loop leaves a whole record of all that was done.
//!
//! No plan is trained twice with one seed, and a change that was rejected twice is not tried again. Once
//! is not enough to drop it: a step that is too large may do no harm that shows before the data is
//! shuffled.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use traceward_run::config::TrainConfig;

use crate::diagnose::{Diagnosis, diagnose};
use crate::plan::{Plan, PlanFacts};
use crate::record::{
    DebugRecord, Outcome, RecordedCurves, RecordedFinding, Step, Trial as RecordedTrial, Verdict,
};
use crate::trial::{Criterion, Metric, Run, judge};
use crate::{Change, Finding, Label, Level, Treatment, treat};

/// How often a change may be rejected.
const REJECTIONS: usize = 2;
/// How much longer than the last training a trial is taken to last, at most.
const SLACK: f64 = 1.1;

/// What trains plans for the loop.
pub trait Ward {
    /// Why a plan could not be trained.
    type Error: std::fmt::Display;

    /// Trains `plan` with `seed`.
    ///
    /// # Errors
    /// If it cannot be trained.
    fn train(&mut self, plan: &Plan, seed: u64) -> Result<Run, Self::Error>;

    /// What changes may have to know; a range test may be made for it.
    fn facts(&mut self, plan: &Plan) -> PlanFacts;

    /// Whether the data fits the plan: vocabulary, classes, lengths.
    ///
    /// # Errors
    /// If it does not, why.
    fn fits(&self, plan: &Plan) -> Result<(), String>;

    /// Something happened.
    fn tell(&mut self, event: &Event<'_>);

    /// The record so far. It is worth keeping: nothing else survives an end from outside.
    fn keep(&mut self, record: &DebugRecord);

    /// Whether to end as soon as possible.
    fn stopped(&self) -> bool;
}

/// What happens in a debugging.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A plan was trained and diagnosed.
    Diagnosed {
        /// Which step, from 1.
        step: usize,
        /// What was found.
        diagnosis: &'a Diagnosis,
    },
    /// A treatment is going to be tried.
    Trying {
        /// The finding that it answers.
        finding: &'a Finding,
        /// What is tried.
        treatment: &'a Treatment,
    },
    /// It was tried.
    Tried(&'a RecordedTrial),
    /// It could not be tried.
    NotTried {
        /// What was not tried.
        treatment: &'a Treatment,
        /// Why.
        why: &'a str,
    },
}

/// How to debug.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The seeds that every plan is trained with.
    pub seeds: Vec<u64>,
    /// How long it may take.
    pub budget: Duration,
    /// Whether to try what a rule only proposes, besides what it lets a program do by itself.
    pub proposals: bool,
}

/// What came of a debugging.
#[derive(Clone, Debug)]
pub struct Debugged {
    /// The story.
    pub record: DebugRecord,
    /// The plan it ended with.
    pub plan: Plan,
    /// That plan's runs; empty if not even the first plan could be trained.
    pub runs: Vec<Run>,
    /// What was found in them.
    pub diagnosis: Option<Diagnosis>,
}

/// Debugs `plan`. `record` says what is known before: name, data, facts.
pub fn debug<W: Ward>(plan: Plan, ward: &mut W, settings: &Settings, record: DebugRecord) -> Debugged {
    let mut debugging = Debugging {
        ward,
        settings,
        record: DebugRecord { budget: Some(settings.budget.as_secs_f64()), ..record },
        began: Instant::now(),
        rejected: HashMap::new(),
        trained: HashSet::new(),
    };
    let mut done = Debugged { record: DebugRecord::default(), plan, runs: Vec::new(), diagnosis: None };
    let outcome = debugging.go(&mut done);
    debugging.record.outcome = outcome;
    debugging.keep();
    done.record = debugging.record;
    done
}

/// A debugging under way.
struct Debugging<'a, W> {
    ward: &'a mut W,
    settings: &'a Settings,
    record: DebugRecord,
    began: Instant,
    /// Changes that were tried in vain, and how often.
    rejected: HashMap<String, usize>,
    /// Plans that were trained, as text.
    trained: HashSet<String>,
}

/// How a training of one plan with several seeds ended.
enum Trained {
    All(Vec<Run>),
    Stopped,
    Failed(String),
}

/// What a step leads to.
enum Next {
    Accepted(Plan, Vec<Run>),
    End(Outcome),
}

impl<W: Ward> Debugging<'_, W> {
    fn go(&mut self, done: &mut Debugged) -> Outcome {
        let began = Instant::now();
        self.trained.insert(done.plan.text());
        done.runs = match self.train(&done.plan, &self.settings.seeds.clone()) {
            Trained::All(runs) => runs,
            Trained::Stopped => return Outcome::Interrupted,
            Trained::Failed(why) => return Outcome::Failed(why),
        };
        let mut step_began = began;
        loop {
            let diagnosis = self.begin_step(&done.plan, &done.runs);
            let next = self.treat(&done.plan, &done.runs, &diagnosis);
            if let Some(step) = self.record.steps.last_mut() {
                step.seconds = step_began.elapsed().as_secs_f64();
            }
            step_began = Instant::now();
            done.diagnosis = Some(diagnosis);
            self.keep();
            match next {
                Next::Accepted(plan, runs) => (done.plan, done.runs) = (plan, runs),
                Next::End(outcome) => return outcome,
            }
        }
    }

    fn left(&self) -> f64 {
        (self.settings.budget.saturating_sub(self.began.elapsed())).as_secs_f64()
    }

    fn keep(&mut self) {
        self.record.seconds = self.began.elapsed().as_secs_f64();
        self.ward.keep(&self.record);
    }

    fn train(&mut self, plan: &Plan, seeds: &[u64]) -> Trained {
        let mut runs = Vec::with_capacity(seeds.len());
        for &seed in seeds {
            if self.ward.stopped() {
                return Trained::Stopped;
            }
            match self.ward.train(plan, seed) {
                // A run that was cut off is no measure of its plan.
                Ok(_) if self.ward.stopped() => return Trained::Stopped,
                Ok(run) => runs.push(run),
                Err(error) => return Trained::Failed(error.to_string()),
            }
        }
        Trained::All(runs)
    }

    /// Diagnoses what was trained and writes the step down, without trials yet.
    fn begin_step(&mut self, plan: &Plan, runs: &[Run]) -> Diagnosis {
        let (run, diagnosis) = typical(runs);
        let number = self.record.steps.len() + 1;
        self.ward.tell(&Event::Diagnosed { step: number, diagnosis: &diagnosis });
        self.record.steps.push(Step {
            number,
            run: run.path.clone(),
            summary: summary(plan, runs),
            config: plan.text(),
            curves: run.evidence.curves.as_ref().map(RecordedCurves::from).unwrap_or_default(),
            primary: diagnosis.primary,
            findings: RecordedFinding::of(&diagnosis),
            ..Step::default()
        });
        self.keep();
        diagnosis
    }

    /// Tries one treatment after the other until one is accepted.
    fn treat(&mut self, plan: &Plan, runs: &[Run], diagnosis: &Diagnosis) -> Next {
        let mut lacks_time = false;
        let mut facts = None;
        for (finding, treatment) in queue(diagnosis, self.settings.proposals) {
            let Some(change) = &treatment.change else { continue };
            if self.ward.stopped() {
                return Next::End(Outcome::Interrupted);
            }
            let key = format!("{change:?}");
            if self.rejected.get(&key).is_some_and(|&times| times >= REJECTIONS) {
                continue;
            }
            let facts = *facts.get_or_insert_with(|| self.ward.facts(plan));
            let after = match treat::apply(change, plan, &facts) {
                Ok(after) => after,
                Err(why) => {
                    self.not_tried(treatment, &why.to_string());
                    continue;
                }
            };
            if let Err(why) = self.ward.fits(&after) {
                self.not_tried(treatment, &why);
                continue;
            }
            if !self.trained.insert(after.text()) {
                continue;
            }
            let Some(seeds) = self.affordable(plan, &after, runs) else {
                self.trained.remove(&after.text());
                self.not_tried(treatment, "there is no time left for it");
                lacks_time = true;
                continue;
            };
            self.ward.tell(&Event::Trying { finding, treatment });
            match self.attempt(finding, treatment, change, (plan, &after), runs, seeds) {
                Attempt::Accepted(after_runs) => return Next::Accepted(after, after_runs),
                Attempt::Rejected => *self.rejected.entry(key).or_default() += 1,
                Attempt::Stopped => return Next::End(Outcome::Interrupted),
            }
        }
        Next::End(if is_healthy(diagnosis) {
            Outcome::Healthy
        } else if lacks_time {
            Outcome::OutOfBudget
        } else {
            Outcome::OutOfTreatments
        })
    }

    fn not_tried(&mut self, treatment: &Treatment, why: &str) {
        self.ward.tell(&Event::NotTried { treatment, why });
        if let Some(step) = self.record.steps.last_mut() {
            let text = treatment.text.trim_end_matches('.');
            step.notes.push(format!("Not tried: {text}, since {why}."));
        }
    }

    /// How many seeds the rest of the budget allows for a trial: all, two, or none. By the pace of the
    /// runs before it.
    fn affordable(&self, before: &Plan, after: &Plan, runs: &[Run]) -> Option<usize> {
        let seconds = runs.iter().map(|run| run.seconds).sum::<f64>() / runs.len().max(1) as f64;
        let one = seconds * work(&after.config) / work(&before.config) * SLACK;
        let all = self.settings.seeds.len();
        let affordable = |seeds: usize| one * seeds as f64 <= self.left();
        [all, all.min(2)].into_iter().find(|&seeds| affordable(seeds))
    }

    fn attempt(
        &mut self,
        finding: &Finding,
        treatment: &Treatment,
        change: &Change,
        (plan, after): (&Plan, &Plan),
        before: &[Run],
        seeds: usize,
    ) -> Attempt {
        let began = Instant::now();
        let seeds = self.settings.seeds[..seeds].to_vec();
        let mut trial = RecordedTrial {
            treatment: treatment.text.clone(),
            rule: finding.rule.into(),
            cause: treat::removes(change).or_else(|| finding.causes.first().map(|cause| cause.kind)),
            reason: reason(finding),
            change: plan.diff(after),
            ..RecordedTrial::default()
        };
        let result = match self.train(after, &seeds) {
            Trained::All(runs) => {
                let judged = judge(before, &runs, criterion(finding, change));
                trial.metric = judged.metric.words().into();
                trial.larger_is_better = judged.metric.larger_is_better();
                trial.before = judged.metric.scores(before);
                trial.after = judged.metric.scores(&runs);
                trial.gain = Some(judged.gain);
                trial.noise = Some(judged.noise);
                trial.verdict = judged.verdict;
                trial.why = judged.why;
                trial.curves = typical(&runs).0.evidence.curves.as_ref().map(RecordedCurves::from);
                if judged.verdict == Verdict::Accepted { Attempt::Accepted(runs) } else { Attempt::Rejected }
            }
            Trained::Failed(why) => {
                trial.metric = Metric::MacroF1.words().into();
                trial.larger_is_better = true;
                trial.before = Metric::MacroF1.scores(before);
                trial.verdict = Verdict::Failed;
                trial.why = why;
                Attempt::Rejected
            }
            Trained::Stopped => return Attempt::Stopped,
        };
        trial.seconds = began.elapsed().as_secs_f64();
        self.ward.tell(&Event::Tried(&trial));
        if let Some(step) = self.record.steps.last_mut() {
            step.trials.push(trial);
        }
        self.keep();
        result
    }
}

/// How an attempt at a treatment ended.
enum Attempt {
    Accepted(Vec<Run>),
    Rejected,
    Stopped,
}

/// Why this treatment, and why now.
fn reason(finding: &Finding) -> String {
    match finding.causes.first() {
        Some(cause) => format!("{}: {}", finding.symptom, cause.text),
        None => finding.symptom.clone(),
    }
}

/// What a trial of `change` must show, asked for by `finding`.
fn criterion(_finding: &Finding, change: &Change) -> Criterion {
    Criterion::of(change)
}

/// How much there is to train, up to a factor: what a step costs is taken to be the same.
fn work(config: &TrainConfig) -> f64 {
    f64::from(config.fit.epochs).max(1.0)
}

/// The run that speaks for the others, and its diagnosis: the first whose curve has the word that most of
/// the curves have. One unlucky seed shall not decide what is treated.
fn typical(runs: &[Run]) -> (&Run, Diagnosis) {
    let mut diagnosed: Vec<(&Run, Diagnosis)> =
        runs.iter().map(|run| (run, diagnose(&run.evidence))).collect();
    let votes = |label: Option<Label>| diagnosed.iter().filter(|(_, d)| d.primary == label).count();
    let most = diagnosed.iter().map(|(_, d)| votes(d.primary)).max().unwrap_or_default();
    let chosen = diagnosed.iter().position(|(_, d)| votes(d.primary) == most).unwrap_or_default();
    diagnosed.swap_remove(chosen)
}

/// The findings that ask for a change, and the changes, in the order to try them.
fn queue(diagnosis: &Diagnosis, proposals: bool) -> Vec<(&Finding, &Treatment)> {
    let mut seen = HashSet::new();
    diagnosis
        .findings
        .iter()
        .filter(|finding| finding.level >= Level::Warning)
        .flat_map(|finding| finding.treatments.iter().map(move |treatment| (finding, treatment)))
        .filter(|(_, treatment)| treatment.automatic || proposals)
        .filter(|(_, treatment)| treatment.change.as_ref().is_some_and(|c| seen.insert(format!("{c:?}"))))
        .collect()
}

/// Whether nothing is left that a training suffers from: no error, and nothing wrong with the curve or
/// inside the network. Warnings about network and data that no trial could better are advice.
pub fn is_healthy(diagnosis: &Diagnosis) -> bool {
    diagnosis.findings.iter().all(|finding| {
        finding.level < Level::Warning
            || (finding.level == Level::Warning && !finding.rule.starts_with(['C', 'G']))
    })
}

/// What was trained, in the words that matter.
fn summary(plan: &Plan, runs: &[Run]) -> Vec<(String, String)> {
    let config = &plan.config;
    let mean = |value: &dyn Fn(&Run) -> f64| runs.iter().map(value).sum::<f64>() / runs.len().max(1) as f64;
    let layers: Vec<&str> = config.model.layers.iter().map(|spec| spec.layer.class_name()).collect();
    let split = if config.split.shuffle_first {
        format!("{}, rows shuffled first", config.split.method)
    } else {
        config.split.method.to_string()
    };
    vec![
        ("layers".into(), layers.join(", ")),
        ("learning rate".into(), config.compile.optimizer.learning_rate().to_string()),
        ("epochs".into(), config.fit.epochs.to_string()),
        ("split".into(), split),
        ("macro-F1 on the hold-out".into(), format!("{:.3}", mean(&|run| run.holdout.macro_f1))),
        ("accuracy on the hold-out".into(), format!("{:.3}", mean(&|run| run.holdout.accuracy))),
        ("log loss on the hold-out".into(), format!("{:.3}", mean(&|run| Metric::LogLoss.of(&run.holdout)))),
    ]
}
