//! The doctor at the side of our own training: turns what the loop tells into evidence, and says what is
//! found as it is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anstyle::{AnsiColor, Effects, Style};
use traceward_doctor::facts::Data;
use traceward_doctor::inside::Look;
use traceward_doctor::watch::Watch;
use traceward_doctor::{Diagnosis, Evidence, Finding, Level, read};
use traceward_run::probe::Probes;
use traceward_run::{History, TrainConfig};
use traceward_trace::split::Split;
use traceward_trace::{Dataset, Vocabulary};
use traceward_train::{Event, Observer, StepEnd};

use crate::progress::Voice;

/// What is known before the first step.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What was asked for.
    pub config: &'a TrainConfig,
    /// How many classes there are.
    pub classes: usize,
    /// The vocabulary's size, padding and unknown included.
    pub vocabulary: usize,
    /// The data, if it was looked at.
    pub data: Option<Data>,
}

impl<'a> Facts<'a> {
    /// Of a training on this split of the data, with the vocabulary of its training side.
    pub fn of(config: &'a TrainConfig, data: &Dataset, split: &Split, vocabulary: &Vocabulary) -> Self {
        Self {
            config,
            classes: data.classes.len(),
            vocabulary: vocabulary.size(),
            data: Some(Data::of(data, Some((&config.split, split)), Some(&config.input), Some(vocabulary))),
        }
    }
}

/// Watches a training as one of its observers.
#[derive(Debug)]
pub struct Doctor {
    watch: Watch,
    /// Where findings are said; nowhere if only the diagnosis is wanted.
    voice: Option<Voice>,
    /// Raised at the first finding of error level.
    stop: Option<Arc<AtomicBool>>,
    stopped_by: Option<Finding>,
    steps_per_epoch: u64,
    /// The history before a resume, until it is known where the run goes on.
    before: Option<History>,
}

impl Doctor {
    /// For a training of which this is known. With `stop`, that flag is raised at the first finding of
    /// error level.
    pub fn new(facts: Facts<'_>, voice: Option<Voice>, stop: Option<Arc<AtomicBool>>) -> Self {
        let (network, fit) = read::config(facts.config, facts.classes, facts.vocabulary);
        Self {
            watch: Watch::new(Some(network), Some(fit), facts.data),
            voice,
            stop,
            stopped_by: None,
            steps_per_epoch: 1,
            before: None,
        }
    }

    /// Says what can be said before the first step.
    pub fn begin(&mut self) {
        let found = self.watch.begin();
        self.tell(found);
    }

    /// Takes in what probes found.
    pub fn probes(&mut self, probes: Probes) {
        let found = self.watch.probes(probes);
        self.tell(found);
    }

    /// Takes in the epochs before a resume. A row that is past the checkpoint that the run goes on from will
    /// come again, and is left out.
    pub fn resume(&mut self, history: History) {
        self.before = Some(history);
    }

    /// The finding that the training was stopped for.
    pub fn stopped_by(&self) -> Option<&Finding> {
        self.stopped_by.as_ref()
    }

    /// All that is known by now.
    pub fn evidence(&self) -> &Evidence {
        self.watch.evidence()
    }

    /// What is to be said of the whole.
    pub fn diagnosis(&mut self) -> Diagnosis {
        self.watch.diagnosis()
    }

    /// What the doctor has cost: looks and rules.
    pub fn spent(&self) -> Duration {
        self.watch.spent()
    }

    /// Adds time that was spent for the doctor before it was there: looking at the data.
    pub fn also_spent(&mut self, time: Duration) {
        self.watch.spent_elsewhere(time);
    }

    fn tell(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if let Some(voice) = &self.voice
                && finding.level >= Level::Warning
            {
                voice.say(&coloured(&finding));
            }
            if let Some(stop) = &self.stop
                && finding.level == Level::Error
                && self.stopped_by.is_none()
            {
                stop.store(true, Ordering::Relaxed);
                self.stopped_by = Some(finding);
            }
        }
    }

    fn step(&mut self, step: &StepEnd) {
        let Some(look) = look(step) else { return };
        self.watch.spent_elsewhere(Duration::from_secs_f64(
            step.internals.as_ref().map_or(0.0, |internals| internals.seconds.max(0.0)),
        ));
        let found = self.watch.look(look);
        self.tell(found);
    }
}

impl Observer for Doctor {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::RunStarted { steps_per_epoch, resumed_at, .. } => {
                if let (Some((epoch, _)), Some(mut history)) = (resumed_at, self.before.take()) {
                    history.truncate_from((*epoch).into());
                    self.watch.resume(history);
                }
                self.steps_per_epoch = *steps_per_epoch;
                self.watch.steps_per_epoch(*steps_per_epoch);
            }
            Event::StepEnded(step) => self.step(step),
            Event::EpochEnded(row) => {
                let found = self.watch.epoch(row);
                self.tell(found);
            }
            _ => {}
        }
    }

    fn wants_internals(&self, step: u64) -> bool {
        Watch::wants(step, self.steps_per_epoch)
    }
}

/// What was seen at a step, if it was looked at.
fn look(step: &StepEnd) -> Option<Look> {
    let internals = step.internals.as_ref()?;
    Some(Look {
        step: step.row.step,
        epoch: step.row.epoch,
        loss: step.row.loss,
        learning_rate: step.row.learning_rate,
        gradient_norm: step.row.gradient_norm.unwrap_or_default(),
        weights: internals.weights.clone(),
        outputs: internals.activations.clone(),
        evaluated_loss: internals.evaluated_loss,
    })
}

/// A finding in a line or two, its level in colour.
fn coloured(finding: &Finding) -> String {
    let colour = match finding.level {
        Level::Error => AnsiColor::Red,
        Level::Warning => AnsiColor::Yellow,
        Level::Note => AnsiColor::Cyan,
    };
    let style: Style = colour.on_default().effects(Effects::BOLD);
    let line = traceward_report::doctor::line(finding);
    match line.split_once(':') {
        Some((head, rest)) => format!("{style}{head}{style:#}:{rest}"),
        None => line,
    }
}
