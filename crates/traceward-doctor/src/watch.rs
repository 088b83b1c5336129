//! The doctor at a training's side: the same rules on evidence that grows while it trains.
//!
//! A finding is told once, and again only if its level rises. What a rule needs more epochs for, it keeps
//! silent about until there are more; rules that judge an ending (trained too short, a plateau) run at the
//! end alone, since nearly every training is "still improving" while it improves. A finding about a curve
//! is told when two epochs in a row show it: the newest point of a curve is always the one that the next
//! point contradicts.
//!
//! [`Watch`] also says which steps are worth a look, and keeps account of its own time, so that what the
//! doctor costs is known for each run and not only from a benchmark.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use traceward_run::History;
use traceward_run::history::Epoch;

use crate::curve::Curves;
use crate::facts::{Data, Fit, Network};
use crate::inside::{Inside, Look};
use crate::rule::Rule;
use crate::{Diagnosis, Evidence, Finding, Level, Place, diagnose, rules};

/// Looks an epoch, about.
const LOOKS_AN_EPOCH: u64 = 5;
/// A look costs a part of a step, so steps are no more often looked at than this however few an epoch has.
const STEPS_A_LOOK: u64 = 8;
/// Looks that are kept beside the first: rules compare the newest with the start.
const KEPT: usize = 40;
/// Rules about curves that speak of how a run ended, not of what happens.
const AT_THE_END: [&str; 9] = ["C10", "C12", "C13", "C14", "C15", "C16", "C17", "C18", "C19"];
/// Those that need no second epoch: what they see does not go away.
const AT_ONCE: [&str; 2] = ["C01", "C02"];

/// A finding that was told: which rule, and where.
type Key = (&'static str, Option<String>);

fn key(finding: &Finding) -> Key {
    let place = match &finding.place {
        Some(Place::Layer { name, .. }) => Some(name.clone()),
        Some(Place::Row(row)) => Some(row.clone()),
        _ => None,
    };
    (finding.rule, place)
}

/// Watches one training.
#[derive(Debug)]
pub struct Watch {
    evidence: Evidence,
    history: History,
    told: BTreeMap<Key, Finding>,
    /// About curves: seen at the newest epoch, and not told yet.
    pending: Vec<Key>,
    spent: Duration,
}

impl Watch {
    /// Watches a training of this network, fit and data, as far as they are known.
    pub fn new(network: Option<Network>, fit: Option<Fit>, data: Option<Data>) -> Self {
        let evidence = Evidence { network, fit, data, ..Evidence::default() };
        // `History::default` has no columns, which would swallow every row.
        let history = History::new();
        Self { evidence, history, told: BTreeMap::new(), pending: Vec::new(), spent: Duration::ZERO }
    }

    /// Whether step `step` is worth a look: about five an epoch, the first always.
    pub fn wants(step: u64, steps_per_epoch: u64) -> bool {
        let every = (steps_per_epoch / LOOKS_AN_EPOCH).max(STEPS_A_LOOK);
        step.is_multiple_of(every)
    }

    /// What can be said before the first step: of the network, the fit and the data.
    pub fn begin(&mut self) -> Vec<Finding> {
        self.timed(|watch| {
            let found = watch.check(|rule| rule.id.starts_with(['S', 'D']));
            watch.news(found)
        })
    }

    /// The steps that an epoch has, once they are known.
    pub fn steps_per_epoch(&mut self, steps: u64) {
        self.evidence.inside.get_or_insert_default().steps_per_epoch = Some(steps);
    }

    /// Takes in what probes found.
    pub fn probes(&mut self, probes: traceward_run::probe::Probes) -> Vec<Finding> {
        self.timed(|watch| {
            watch.evidence.probes = Some(probes);
            let found = watch.check(|rule| rule.id.starts_with('P'));
            watch.news(found)
        })
    }

    /// Takes in a look at the network.
    pub fn look(&mut self, look: Look) -> Vec<Finding> {
        self.timed(|watch| {
            let inside = watch.evidence.inside.get_or_insert_default();
            inside.looks.push(look);
            if inside.looks.len() > KEPT + 1 {
                inside.looks.remove(1);
            }
            let found = watch.check(|rule| rule.id.starts_with('G'));
            watch.news(found)
        })
    }

    /// Takes in an epoch, validation included.
    pub fn epoch(&mut self, row: &Epoch) -> Vec<Finding> {
        self.timed(|watch| {
            watch.history.push(row);
            watch.evidence.curves = Some(Curves::from(&watch.history));
            // A short curve shows the start of a training, and a long training has a long one.
            let epochs = watch.evidence.fit.as_ref().and_then(|fit| fit.epochs.value.given().copied());
            let young = watch.history.len() < epochs.unwrap_or(0).div_ceil(20).max(5);
            let found = watch.check(|rule| {
                rule.id.starts_with('C')
                    && !AT_THE_END.contains(&rule.id)
                    && (!young || AT_ONCE.contains(&rule.id))
            });
            let (now, later): (Vec<Finding>, Vec<Finding>) = found.into_iter().partition(|finding| {
                AT_ONCE.contains(&finding.rule) || watch.pending.contains(&key(finding))
            });
            watch.pending = now.iter().chain(&later).map(key).collect();
            watch.news(now)
        })
    }

    /// What the newest epochs were, for a run that goes on where another stopped.
    pub fn resume(&mut self, history: History) {
        self.history = history;
    }

    /// All that is known by now.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// What was seen inside so far.
    pub fn inside(&self) -> Option<&Inside> {
        self.evidence.inside.as_ref()
    }

    /// The time that the watch itself has taken.
    pub fn spent(&self) -> Duration {
        self.spent
    }

    /// Adds time that was spent for the watch outside of it: looks are made by the training loop.
    pub fn spent_elsewhere(&mut self, time: Duration) {
        self.spent += time;
    }

    /// The diagnosis of the whole: all rules on all evidence, and what was seen inside on the way and has
    /// passed.
    pub fn diagnosis(&mut self) -> Diagnosis {
        self.timed(|watch| {
            let mut diagnosis = diagnose(&watch.evidence);
            let standing: Vec<Key> = diagnosis.findings.iter().map(key).collect();
            for (key, finding) in &watch.told {
                if key.0.starts_with('G') && !standing.contains(key) {
                    let passed = finding.clone().note("seen on the way; not at the end any more");
                    diagnosis.findings.push(Finding { level: Level::Note, ..passed });
                }
            }
            diagnosis
        })
    }

    fn check(&self, which: impl Fn(&Rule) -> bool) -> Vec<Finding> {
        let rules = rules::all().filter(|rule| which(rule));
        rules.filter_map(|rule| (rule.check)(&self.evidence).ok()).flatten().collect()
    }

    /// Of these findings, those that were not told yet, or were told at a lower level.
    fn news(&mut self, found: Vec<Finding>) -> Vec<Finding> {
        let is_new = |finding: &Finding| {
            self.told.get(&key(finding)).is_none_or(|before| finding.level > before.level)
        };
        let new: Vec<Finding> = found.into_iter().filter(is_new).collect();
        self.told.extend(new.iter().map(|finding| (key(finding), finding.clone())));
        new
    }

    fn timed<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let began = Instant::now();
        let done = work(self);
        self.spent += began.elapsed();
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inside::{OutputLook, WeightLook};

    fn look(step: u64, update: f64) -> Look {
        let kernel = WeightLook {
            name: "dense/kernel".into(),
            layer: 1,
            count: 100,
            trainable: true,
            norm: 1.0,
            largest: 0.3,
            gradient_norm: 0.1,
            update_norm: update,
            ..WeightLook::default()
        };
        let output =
            OutputLook { name: "dense".into(), layer: 1, activation: "relu".into(), ..Default::default() };
        Look {
            step,
            loss: 1.0,
            learning_rate: 1e-3,
            gradient_norm: 0.1,
            weights: vec![kernel],
            outputs: vec![output],
            ..Look::default()
        }
    }

    fn watch() -> Watch {
        Watch::new(None, None, None)
    }

    fn epoch(number: u32, loss: f64) -> Epoch {
        Epoch {
            epoch: number,
            accuracy: 0.5,
            loss,
            val_accuracy: None,
            val_loss: None,
            learning_rate: 1e-3,
            seconds: 1.0,
        }
    }

    #[test]
    fn a_finding_is_told_once() {
        let mut watch = watch();
        let told: Vec<&str> =
            (0..10).flat_map(|at| watch.look(look(10 * at, 0.5))).map(|finding| finding.rule).collect();
        assert_eq!(told, ["G05"]);
        assert!(watch.diagnosis().findings.iter().any(|finding| finding.rule == "G05"));
    }

    #[test]
    fn what_has_passed_is_kept_as_a_note() {
        let mut watch = watch();
        for at in 0..10 {
            watch.look(look(10 * at, if at < 5 { 0.5 } else { 0.001 }));
        }
        let diagnosis = watch.diagnosis();
        let passed = diagnosis.findings.iter().find(|finding| finding.rule == "G05").unwrap();
        assert_eq!(passed.level, Level::Note);
        assert!(passed.notes[0].contains("on the way"));
    }

    #[test]
    fn a_loss_that_is_no_number_is_told_at_once() {
        let mut watch = watch();
        assert_eq!(watch.epoch(&epoch(0, 1.0)), []);
        let told = watch.epoch(&epoch(1, f64::NAN));
        assert_eq!(told.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["C01"]);
    }

    #[test]
    fn looks_are_few_and_the_first_step_has_one() {
        let steps: Vec<u64> = (0..200).filter(|&step| Watch::wants(step, 100)).collect();
        assert_eq!(steps, [0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
        assert_eq!((0..24).filter(|&step| Watch::wants(step, 12)).count(), 3);
    }

    #[test]
    fn old_looks_are_forgotten_but_the_first() {
        let mut watch = watch();
        for at in 0..100 {
            watch.look(look(10 * at, 0.001));
        }
        let looks = &watch.inside().unwrap().looks;
        assert_eq!((looks.len(), looks[0].step, looks[1].step), (KEPT + 1, 0, 600));
    }
}
