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

use crate::curve::figure;
use crate::diagnose::{Diagnosis, diagnose};
use crate::plan::{Plan, PlanFacts};
use crate::record::{
    DebugRecord, Outcome, RecordedCurves, RecordedFinding, Step, Trial as RecordedTrial, Verdict,
};
use crate::stage::Stage;
use crate::trial::{Criterion, Metric, Run, judge};
use crate::{Change, Evidence, Finding, Label, Level, Treatment, treat};
use traceward_run::probe::{Probes, RangeTest};

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

    /// What can be known of `plan` without training it, for a plan that cannot be trained.
    fn look(&mut self, plan: &Plan) -> Evidence;

    /// Short runs of `plan` that are looked at with the long ones, a learning-rate range test above all: it
    /// gives smaller steps their number. Empty where none can be made.
    fn probes(&mut self, plan: &Plan) -> Probes;

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
        /// What is tried, in words.
        treatment: &'a str,
    },
    /// It was tried.
    Tried(&'a RecordedTrial),
    /// It could not be tried.
    NotTried {
        /// What was not tried, in words.
        treatment: &'a str,
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
    /// What was found in the runs of the plan it began with.
    pub first: Option<Diagnosis>,
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
    let mut done =
        Debugged { record: DebugRecord::default(), plan, runs: Vec::new(), diagnosis: None, first: None };
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
    Accepted(Box<Plan>, Vec<Run>),
    End(Outcome),
}

impl<W: Ward> Debugging<'_, W> {
    fn go(&mut self, done: &mut Debugged) -> Outcome {
        let began = Instant::now();
        let mut failed = None;
        self.trained.insert(done.plan.text());
        done.runs = match self.train(&done.plan, &self.settings.seeds.clone()) {
            Trained::All(runs) => runs,
            Trained::Stopped => return Outcome::Interrupted,
            Trained::Failed(why) => {
                failed = Some(why);
                Vec::new()
            }
        };
        let mut step_began = began;
        loop {
            let (diagnosis, facts) = self.begin_step(&done.plan, &done.runs, failed.as_deref());
            let next = self.treat(&done.plan, &done.runs, &diagnosis, &facts);
            if let Some(step) = self.record.steps.last_mut() {
                step.seconds = step_began.elapsed().as_secs_f64();
            }
            step_began = Instant::now();
            done.first.get_or_insert_with(|| diagnosis.clone());
            done.diagnosis = Some(diagnosis);
            self.keep();
            match next {
                Next::Accepted(plan, runs) => (done.plan, done.runs) = (*plan, runs),
                Next::End(outcome) => {
                    return match failed.filter(|_| done.runs.is_empty()) {
                        Some(why) if outcome != Outcome::Interrupted => Outcome::Failed(why),
                        _ => outcome,
                    };
                }
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

    /// Diagnoses what was trained, or what could not be, and writes the step down, without trials yet.
    fn begin_step(&mut self, plan: &Plan, runs: &[Run], failed: Option<&str>) -> (Diagnosis, PlanFacts) {
        let untrained;
        let run = match typical(runs) {
            Some(run) => run,
            None => {
                untrained = Run { evidence: self.ward.look(plan), ..Run::default() };
                &untrained
            }
        };
        let probes = self.ward.probes(plan);
        let facts = PlanFacts { suggested_rate: probes.range.as_ref().and_then(|range| range.suggested) };
        let mut notes: Vec<String> = probes.range.as_ref().and_then(range_note).into_iter().collect();
        notes.extend(failed.filter(|_| runs.is_empty()).map(|why| format!("It cannot be trained: {why}.")));
        let mut diagnosis = diagnose(&Evidence { probes: Some(probes), ..run.evidence.clone() });
        if !diagnosis.findings.iter().any(|finding| finding.rule == "C13") {
            diagnosis.findings.extend(longer(plan, runs));
        }
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
            notes,
            ..Step::default()
        });
        self.keep();
        (diagnosis, facts)
    }

    /// Tries one treatment after the other until one is accepted.
    fn treat(&mut self, plan: &Plan, runs: &[Run], diagnosis: &Diagnosis, facts: &PlanFacts) -> Next {
        let mut lacks_time = false;
        for (finding, treatment) in queue(diagnosis, self.settings.proposals) {
            if self.ward.stopped() {
                return Next::End(Outcome::Interrupted);
            }
            let key = format!("{:?}", treatment.changes);
            if self.rejected.get(&key).is_some_and(|&times| times >= REJECTIONS) {
                continue;
            }
            let after = match apply_all(&treatment.changes, plan, facts) {
                Ok(after) => after,
                Err(why) => {
                    self.not_tried(&treatment, &why.to_string());
                    continue;
                }
            };
            if let Err(why) = self.ward.fits(&after) {
                self.not_tried(&treatment, &why);
                continue;
            }
            if !self.trained.insert(after.text()) {
                continue;
            }
            let Some(seeds) = self.affordable(plan, &after, runs) else {
                self.trained.remove(&after.text());
                self.not_tried(&treatment, "there is no time left for it");
                lacks_time = true;
                continue;
            };
            self.ward.tell(&Event::Trying { finding, treatment: &treatment.text });
            match self.attempt(finding, &treatment, (plan, &after), runs, seeds) {
                Attempt::Accepted(after_runs) => return Next::Accepted(Box::new(after), after_runs),
                Attempt::Rejected => *self.rejected.entry(key).or_default() += 1,
                Attempt::Stopped => return Next::End(Outcome::Interrupted),
            }
        }
        Next::End(if is_healthy(plan, diagnosis) {
            Outcome::Healthy
        } else if lacks_time {
            Outcome::OutOfBudget
        } else {
            Outcome::OutOfTreatments
        })
    }

    fn not_tried(&mut self, treatment: &Remedy, why: &str) {
        self.ward.tell(&Event::NotTried { treatment: &treatment.text, why });
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
        treatment: &Remedy,
        (plan, after): (&Plan, &Plan),
        before: &[Run],
        seeds: usize,
    ) -> Attempt {
        let began = Instant::now();
        let seeds = self.settings.seeds[..seeds].to_vec();
        let mut trial = RecordedTrial {
            treatment: treatment.text.clone(),
            rule: treatment.rules.clone(),
            cause: treat::removes(&treatment.changes[0])
                .or_else(|| finding.causes.first().map(|cause| cause.kind)),
            reason: reason(finding),
            change: plan.diff(after),
            ..RecordedTrial::default()
        };
        let result = match self.train(after, &seeds) {
            Trained::All(runs) => {
                let judged = judge(before, &runs, Criterion::of(&treatment.changes[0]));
                trial.metric = judged.metric.words().into();
                trial.larger_is_better = judged.metric.larger_is_better();
                trial.before = judged.metric.scores(before);
                trial.after = judged.metric.scores(&runs);
                trial.gain = Some(judged.gain);
                trial.noise = Some(judged.noise);
                trial.verdict = judged.verdict;
                trial.why = judged.why;
                trial.curves = typical(&runs).and_then(|run| Some(run.evidence.curves.as_ref()?.into()));
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

/// How much there is to train, up to a factor: what a step costs is taken to be the same.
fn work(config: &TrainConfig) -> f64 {
    f64::from(config.fit.epochs).max(1.0)
}

/// The run that speaks for the others: the first whose curve has the word that most of
/// the curves have. One unlucky seed shall not decide what is treated.
fn typical(runs: &[Run]) -> Option<&Run> {
    let labels: Vec<Option<Label>> = runs.iter().map(|run| diagnose(&run.evidence).primary).collect();
    let votes = |label: &Option<Label>| labels.iter().filter(|&other| other == label).count();
    let most = labels.iter().map(votes).max()?;
    let chosen = labels.iter().position(|label| votes(label) == most)?;
    runs.get(chosen)
}

/// What the range test showed, as a sentence.
fn range_note(range: &RangeTest) -> Option<String> {
    let (steepest, suggested) = (range.steepest?, range.suggested?);
    let bound = range.bound.map(|bound| format!(", and it climbs from {} on", figure(bound)));
    Some(format!(
        "P04, learning-rate range test: the loss falls most steeply at a learning rate of {}, which suggests {}{}.",
        figure(steepest),
        figure(suggested),
        bound.unwrap_or_default()
    ))
}

/// A treatment as it is tried: mostly one change.
#[derive(Clone, Debug, PartialEq)]
struct Remedy {
    /// In words.
    text: String,
    /// The rules whose findings it answers.
    rules: String,
    /// What it changes; never empty.
    changes: Vec<Change>,
}

/// How sure a finding must be of its cause for its change to be made together with others.
const CERTAIN: f64 = 0.7;

/// Makes all changes, one after the other.
fn apply_all(changes: &[Change], plan: &Plan, facts: &PlanFacts) -> Result<Plan, treat::NotApplicable> {
    changes.iter().try_fold(plan.clone(), |plan, change| treat::apply(change, &plan, facts))
}

/// The findings that ask for a change, and the changes, in the order to try them.
///
/// A change is tried alone, with one exception: what is certainly wrong in the network as it is written (an
/// output that does not fit the loss, layers without activation) is first put right together. Those are no
/// rival hypotheses about a symptom, and one of them can hide what another is worth. If that is not
/// accepted, each is tried by itself.
fn queue(diagnosis: &Diagnosis, proposals: bool) -> Vec<(&Finding, Remedy)> {
    let unreadable = diagnosis.findings.iter().any(spoils_the_training_loss);
    let mut seen = HashSet::new();
    let mut queue: Vec<(&Finding, &Treatment, &Change)> = diagnosis
        .findings
        .iter()
        .filter(|finding| finding.level >= Level::Warning || wants_more_epochs(finding))
        .flat_map(|finding| finding.treatments.iter().map(move |treatment| (finding, treatment)))
        .filter(|(_, treatment)| treatment.automatic || proposals)
        .filter_map(|(finding, treatment)| Some((finding, treatment, treatment.change.as_ref()?)))
        // What is still improving has nothing to stop early.
        .filter(|(finding, _, change)| {
            !(matches!(change, Change::EarlyStopping { .. }) && wants_more_epochs(finding))
        })
        .filter(|(_, _, change)| seen.insert(format!("{change:?}")))
        .collect();
    // Stable: within a stage the diagnosis' order holds, which is that of the catalogue.
    queue.sort_by_key(|(finding, _, change)| {
        (place(Stage::of_change(change), unreadable), std::cmp::Reverse(finding.level))
    });
    let mut remedies: Vec<(&Finding, Remedy)> = queue
        .iter()
        .map(|&(finding, treatment, change)| {
            let text = treatment.text.clone();
            (finding, Remedy { text, rules: finding.rule.into(), changes: vec![change.clone()] })
        })
        .collect();
    if let Some((place, together)) = put_right_together(&queue) {
        remedies.insert(place, (queue[place].0, together));
    }
    remedies
}

/// The changes that are certainly due in the network as it is written, one a finding, and where the first of
/// them stands; `None` if there are not two.
fn put_right_together(queue: &[(&Finding, &Treatment, &Change)]) -> Option<(usize, Remedy)> {
    let mut rules: Vec<&str> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    for (place, (finding, treatment, change)) in queue.iter().enumerate() {
        let certain = finding.rule.starts_with('S')
            && treatment.automatic
            && matches!(Stage::of_change(change), Stage::Output | Stage::GradientPath)
            && finding.causes.first().is_some_and(|cause| cause.weight >= CERTAIN);
        if certain && !rules.contains(&finding.rule) {
            rules.push(finding.rule);
            places.push(place);
        }
    }
    let &first = places.first().filter(|_| places.len() > 1)?;
    let texts: Vec<&str> = places.iter().map(|&at| queue[at].1.text.as_str()).collect();
    let changes = places.iter().map(|&at| queue[at].2.clone()).collect();
    Some((first, Remedy { text: texts.join("; "), rules: rules.join(", "), changes }))
}

/// A stage's place in the order: data first, then network, step, length, overfitting. But where the training
/// loss itself stands still, jumps or climbs, the data waits until it falls: a network that gives one answer
/// to everything shows nothing of what its data is worth, and no trial on it can tell.
fn place(stage: Stage, unreadable: bool) -> (u8, Stage) {
    (u8::from(unreadable && (stage > Stage::Step || stage == Stage::Data)), stage)
}

/// Whether a finding says that the training loss itself is not in order.
fn spoils_the_training_loss(finding: &Finding) -> bool {
    finding.level >= Level::Warning && matches!(finding.rule, "C01" | "C02" | "C04" | "C05" | "C06" | "C07")
}

/// Whether a finding says that the run ended too soon, which is no fault, and worth a trial all the same.
pub fn wants_more_epochs(finding: &Finding) -> bool {
    matches!(finding.label, Some(Label::StillImproving | Label::TooFewEpochs))
}

/// By how much a run is made longer to see whether that pays.
const LONGER: f64 = 3.0;
/// The part of a run, at its end, in which the best epoch is taken to say that there was more to come.
const LAST: f64 = 0.25;

/// Whether the run may be too short though rule C13 does not say so: where the best epoch of most runs lies
/// in their last quarter, as Google's Deep Learning Tuning Playbook has it. That is less than the rule asks
/// for before it speaks of a run that nobody will train again; here one trial answers it. A run that stops
/// early has answered it already.
fn longer(plan: &Plan, runs: &[Run]) -> Option<Finding> {
    if plan.config.fit.early_stopping.is_some() {
        return None;
    }
    let best = |run: &Run| {
        let curve = run.evidence.curves.as_ref()?.val_loss.as_ref()?;
        let least = curve.values.iter().enumerate().filter(|(_, value)| value.is_finite());
        Some((least.min_by(|a, b| a.1.total_cmp(b.1))?.0, curve.values.len()))
    };
    let bests: Vec<(usize, usize)> = runs.iter().filter_map(best).collect();
    let late: Vec<&(usize, usize)> =
        bests.iter().filter(|(at, of)| (at + 1) as f64 > (1.0 - LAST) * *of as f64).collect();
    let (at, of) = **late.first().filter(|_| 2 * late.len() > runs.len())?;
    let symptom =
        format!("the least validation loss came in epoch {} of {of}, in the last quarter of the run", at + 1);
    let few = crate::Cause::new(crate::CauseKind::TooFewEpochs, 0.3, "the run may be too short");
    Some(Finding::new("C13", Level::Note, symptom).label(Label::StillImproving).cause(few).treat(
        Treatment::automatic(
            Change::ScaleEpochs { factor: LONGER },
            format!("train {LONGER} times as long, and see whether its best epoch is better"),
        ),
    ))
}

/// Whether nothing is left that the training of `plan` suffers from: no error, and nothing wrong with the
/// curve or inside the network. Warnings about network and data that no trial could better are advice. A
/// validation loss that turns up costs nothing where the best epoch's weights are what is kept.
pub fn is_healthy(plan: &Plan, diagnosis: &Diagnosis) -> bool {
    let keeps_best = plan.config.fit.early_stopping.is_some_and(|stopping| stopping.restore_best_weights);
    let about_validation = |finding: &Finding| {
        matches!(finding.label, Some(Label::Overfit | Label::Gap | Label::ValPlateau | Label::Rebound))
    };
    diagnosis.findings.iter().all(|finding| match finding.level {
        Level::Note => true,
        Level::Warning => !finding.rule.starts_with(['C', 'G']) || keeps_best && about_validation(finding),
        Level::Error => false,
    })
}

/// What was trained, in the words that matter.
fn summary(plan: &Plan, runs: &[Run]) -> Vec<(String, String)> {
    let config = &plan.config;
    let accuracy = runs.iter().map(|run| run.holdout.accuracy).sum::<f64>() / runs.len().max(1) as f64;
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
        ("log loss on the hold-out".into(), format!("{:.3}", Metric::LogLoss.mean(runs))),
        ("macro-F1 on the hold-out".into(), format!("{:.3}", Metric::MacroF1.mean(runs))),
        ("accuracy on the hold-out".into(), format!("{accuracy:.3}")),
    ]
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use traceward_run::Preset;
    use traceward_run::config::Schedule;

    use super::*;
    use crate::CauseKind;
    use crate::curve::{Curve, Curves};
    use crate::trial::Figures;

    /// A ward whose networks are as good as their learning rate is near a thousandth, and whose diagnosis
    /// is what stands in `Evidence::reading`.
    struct Pretended {
        trained: Vec<(f32, u64)>,
        kept: Cell<usize>,
        stop_after: usize,
        findings: fn(&Plan) -> Vec<Finding>,
    }

    impl Pretended {
        fn new(findings: fn(&Plan) -> Vec<Finding>) -> Self {
            Self { trained: Vec::new(), kept: Cell::new(0), stop_after: usize::MAX, findings }
        }
    }

    fn rate(plan: &Plan) -> f32 {
        plan.config.compile.optimizer.learning_rate()
    }

    impl Ward for Pretended {
        type Error = String;

        fn train(&mut self, plan: &Plan, seed: u64) -> Result<Run, String> {
            self.trained.push((rate(plan), seed));
            if plan.config.fit.batch_size == 13 {
                return Err("thirteen".into());
            }
            let far = f64::from((rate(plan) / 0.001).log10().abs());
            Ok(Run {
                seed,
                evidence: Evidence { reading: (self.findings)(plan), ..Evidence::default() },
                holdout: Figures {
                    macro_f1: (0.9 - 0.3 * far).max(0.1) + 0.002 * seed as f64,
                    accuracy: 0.5,
                    log_loss: Some(1.0 + far),
                },
                seconds: 0.01,
                ..Run::default()
            })
        }

        fn look(&mut self, plan: &Plan) -> Evidence {
            Evidence { reading: (self.findings)(plan), ..Evidence::default() }
        }

        fn probes(&mut self, _: &Plan) -> Probes {
            let range = RangeTest { steepest: Some(0.009), suggested: Some(0.003), ..RangeTest::default() };
            Probes { range: Some(range), ..Probes::default() }
        }

        fn fits(&self, _: &Plan) -> Result<(), String> {
            Ok(())
        }

        fn tell(&mut self, _: &Event<'_>) {}

        fn keep(&mut self, _: &DebugRecord) {
            self.kept.set(self.kept.get() + 1);
        }

        fn stopped(&self) -> bool {
            self.trained.len() >= self.stop_after
        }
    }

    fn settings() -> Settings {
        Settings { seeds: vec![0, 1, 2], budget: Duration::from_secs(60), proposals: false }
    }

    fn start() -> Plan {
        Preset::Article1.config().into()
    }

    fn step_too_large(plan: &Plan) -> Vec<Finding> {
        if rate(plan) <= 0.0011 {
            return Vec::new();
        }
        vec![
            Finding::new("C07", Level::Warning, "it jumps")
                .treat(Treatment::automatic(Change::ScaleLearningRate { factor: 10.0 }, "take larger steps"))
                .treat(Treatment::automatic(Change::ScaleLearningRate { factor: 0.1 }, "take smaller steps")),
        ]
    }

    #[test]
    fn a_failed_trial_is_kept_beside_the_one_that_helped() {
        let mut ward = Pretended::new(step_too_large);
        let done = debug(start(), &mut ward, &settings(), DebugRecord::default());
        assert_eq!(done.record.outcome, Outcome::Healthy);
        assert!((rate(&done.plan) - 0.001).abs() < 1e-9);
        let [first, last] = &done.record.steps[..] else { panic!("{:?}", done.record.steps) };
        let verdicts: Vec<Verdict> = first.trials.iter().map(|trial| trial.verdict).collect();
        assert_eq!(verdicts, [Verdict::Rejected, Verdict::Accepted]);
        assert!(first.trials[1].change.contains("-learning_rate = 0.01\n+learning_rate = 0.001\n"));
        assert_eq!(first.trials[1].before.len(), 3);
        assert!(last.trials.is_empty());
        assert_eq!(ward.trained.len(), 9, "nothing is trained twice");
        assert!(ward.kept.get() >= 4, "the record is kept after every training");
    }

    #[test]
    fn it_ends_when_every_treatment_was_tried() {
        let mut ward = Pretended::new(|_| {
            vec![
                Finding::new("C07", Level::Warning, "it jumps")
                    .treat(Treatment::automatic(Change::BatchSize { batch_size: 13 }, "thirteen at a time"))
                    .treat(Treatment::automatic(Change::ConstantLearningRate, "keep the step constant"))
                    .treat(Treatment::proposal(Change::ScaleUnits { factor: 2.0 }, "double the units"))
                    .treat(Treatment::advice("think")),
            ]
        });
        let done = debug(start(), &mut ward, &settings(), DebugRecord::default());
        assert_eq!(done.record.outcome, Outcome::OutOfTreatments);
        let step = &done.record.steps[0];
        assert_eq!(step.trials.len(), 1);
        assert_eq!(step.trials[0].verdict, Verdict::Failed);
        assert_eq!(
            step.notes,
            [
                "P04, learning-rate range test: the loss falls most steeply at a learning rate of 0.009, which suggests 0.003.",
                "Not tried: keep the step constant, since the training is already so.",
            ]
        );
        let mut ward = Pretended::new(|_| {
            vec![
                Finding::new("S14", Level::Warning, "too large")
                    .treat(Treatment::proposal(Change::ScaleUnits { factor: 2.0 }, "double the units")),
            ]
        });
        let settings = Settings { proposals: true, ..settings() };
        let done = debug(start(), &mut ward, &settings, DebugRecord::default());
        assert_eq!(done.record.steps[0].trials.len(), 1, "a proposal is tried if it is asked for");
        assert_eq!(done.record.outcome, Outcome::Healthy, "a warning that no trial could better is advice");
    }

    #[test]
    fn a_plan_that_cannot_be_trained_is_treated_by_what_can_be_seen_of_it() {
        let findings = |plan: &Plan| match plan.config.fit.batch_size {
            13 => vec![with_change("S99", Level::Error, Change::BatchSize { batch_size: 32 })],
            _ => Vec::new(),
        };
        let mut plan = start();
        plan.config.fit.batch_size = 13;
        let mut ward = Pretended::new(findings);
        let done = debug(plan.clone(), &mut ward, &settings(), DebugRecord::default());
        assert_eq!(done.record.outcome, Outcome::Healthy);
        assert_eq!(done.record.steps[0].notes[1..], ["It cannot be trained: thirteen."]);
        assert_eq!(done.record.steps[0].trials[0].verdict, Verdict::Accepted);
        assert_eq!(done.runs.len(), 3);
        let mut ward = Pretended::new(|_| Vec::new());
        let done = debug(plan, &mut ward, &settings(), DebugRecord::default());
        assert_eq!(done.record.outcome, Outcome::Failed("thirteen".into()));
    }

    #[test]
    fn being_stopped_keeps_what_was_done() {
        for (stop_after, steps) in [(1, 0), (4, 1), (7, 1)] {
            let mut ward = Pretended { stop_after, ..Pretended::new(step_too_large) };
            let done = debug(start(), &mut ward, &settings(), DebugRecord::default());
            assert_eq!(done.record.outcome, Outcome::Interrupted);
            assert_eq!(done.record.steps.len(), steps);
            assert_eq!(ward.trained.len(), stop_after);
        }
    }

    #[test]
    fn no_trial_begins_that_the_budget_cannot_end() {
        let mut ward = Pretended::new(step_too_large);
        let budget = Duration::from_millis(5);
        let done = debug(start(), &mut ward, &Settings { budget, ..settings() }, DebugRecord::default());
        assert_eq!(done.record.outcome, Outcome::OutOfBudget);
        assert_eq!(ward.trained.len(), 3);
        assert!(done.record.steps[0].notes[1].contains("no time left"));
    }

    fn with_change(rule: &'static str, level: Level, change: Change) -> Finding {
        Finding::new(rule, level, "x").treat(Treatment::automatic(change, "x"))
    }

    fn order(findings: Vec<Finding>) -> Vec<&'static str> {
        let diagnosis = Diagnosis { primary: None, findings, not_checked: Vec::new() };
        queue(&diagnosis, false).iter().map(|(finding, _)| finding.rule).collect()
    }

    #[test]
    fn what_is_certainly_wrong_with_the_network_is_put_right_together_first() {
        let certain = |mut finding: Finding, kind| {
            finding.causes.push(crate::Cause::new(kind, 0.95, "it is written so"));
            finding
        };
        let relu = Change::HiddenActivations { activation: "relu".into() };
        let softmax = Change::OutputActivation { activation: "softmax".into() };
        let findings = vec![
            with_change("D01", Level::Error, Change::Shuffle),
            certain(with_change("S01", Level::Error, softmax.clone()), CauseKind::OutputActivation),
            certain(with_change("S05", Level::Warning, relu.clone()), CauseKind::HiddenLinear),
        ];
        let diagnosis = Diagnosis { primary: None, findings, not_checked: Vec::new() };
        let remedies: Vec<Remedy> = queue(&diagnosis, false).into_iter().map(|(_, remedy)| remedy).collect();
        let changes: Vec<&[Change]> = remedies.iter().map(|remedy| &remedy.changes[..]).collect();
        let both = [softmax, relu];
        assert_eq!(changes, [&[Change::Shuffle][..], &both, &both[..1], &both[1..]]);
        assert_eq!(remedies[1].rules, "S01, S05");
    }

    #[test]
    fn data_comes_first_unless_the_training_loss_cannot_be_read() {
        let findings = || {
            vec![
                with_change("C11", Level::Warning, Change::EarlyStopping { patience: 5 }),
                with_change("S09", Level::Warning, Change::ScaleLearningRate { factor: 0.1 }),
                with_change("D01", Level::Warning, Change::Shuffle),
                with_change("S05", Level::Warning, Change::HiddenActivations { activation: "relu".into() }),
                with_change("S01", Level::Error, Change::OutputActivation { activation: "softmax".into() }),
                with_change("C13", Level::Note, Change::ScaleEpochs { factor: 3.0 })
                    .label(Label::StillImproving),
                with_change("S15", Level::Note, Change::ValidationShare { share: 0.2 }),
            ]
        };
        assert_eq!(order(findings()), ["D01", "S01", "S05", "S09", "C13", "C11"]);
        let mut stuck = findings();
        stuck.push(Finding::new("C04", Level::Error, "it stands still"));
        assert_eq!(order(stuck), ["S01", "S05", "S09", "D01", "C13", "C11"]);
    }

    #[test]
    fn a_run_whose_best_epoch_is_among_its_last_is_asked_for_more() {
        let run = |values: &[f64]| {
            let val_loss = Curve { rows: (0..values.len()).collect(), values: values.to_vec() };
            let curves = Curves { rows: values.len(), val_loss: Some(val_loss), ..Curves::default() };
            Run { evidence: Evidence { curves: Some(curves), ..Evidence::default() }, ..Run::default() }
        };
        let (late, early) = (run(&[4.0, 3.0, 2.0, 1.0]), run(&[1.0, 2.0, 3.0, 4.0]));
        let plan = start();
        assert!(longer(&plan, &[late.clone(), late.clone(), early.clone()]).is_some());
        assert!(longer(&plan, &[late.clone(), early.clone(), early]).is_none());
        let stops =
            treat::apply(&Change::EarlyStopping { patience: 5 }, &plan, &PlanFacts::default()).unwrap();
        assert!(longer(&stops, &[late]).is_none());
        assert!(longer(&plan, &[Run::default()]).is_none());
    }

    #[test]
    fn the_same_change_is_queued_once() {
        let twice = vec![
            with_change("D01", Level::Warning, Change::Shuffle),
            with_change("D02", Level::Error, Change::Shuffle),
        ];
        assert_eq!(order(twice).len(), 1);
    }

    #[test]
    fn overfitting_is_no_illness_where_the_best_epoch_is_kept() {
        let overfits = Finding::new("C11", Level::Warning, "x").label(Label::Overfit);
        let diagnosis = Diagnosis { primary: None, findings: vec![overfits], not_checked: Vec::new() };
        let mut plan = start();
        assert!(!is_healthy(&plan, &diagnosis));
        plan = treat::apply(&Change::EarlyStopping { patience: 5 }, &plan, &PlanFacts::default()).unwrap();
        assert!(is_healthy(&plan, &diagnosis));
    }

    #[test]
    fn the_cause_in_a_record_is_the_one_that_the_change_removes() {
        assert_eq!(treat::removes(&Change::Shuffle), Some(CauseKind::SortedData));
        assert_eq!(treat::removes(&Change::ScaleLearningRate { factor: 0.1 }), None);
        assert_eq!(start().config.fit.schedule, Schedule::Constant);
    }
}
