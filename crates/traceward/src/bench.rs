//! The bench on which `debug` trains its plans: a data set with a hold-out set aside, and all that a run
//! leaves for the doctor to look at.
//!
//! The hold-out is taken before anything else, by groups, and what equals one of its traces or belongs to
//! one of its groups goes with it, so that no plan, however it cuts the rest, has seen what it is judged
//! on. The rest keeps the order of the file: that order is one of the things that may be wrong.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use traceward_doctor::Evidence;
use traceward_doctor::curve::Curves;
use traceward_doctor::debug::{Event, Ward};
use traceward_doctor::plan::Plan;
use traceward_doctor::record::DebugRecord;
use traceward_doctor::trial::{Figures, Run};
use traceward_model::Network;
use traceward_run::config::{Input, TrainConfig};
use traceward_run::probe::Probes;
use traceward_run::{Evaluation, History};
use traceward_trace::split::{self, Method, Split, SplitConfig};
use traceward_trace::{Dataset, Vocabulary};
use traceward_train::probe::Subject;
use traceward_train::{Control, Examples, Observer, Traces, fit};

use crate::error::Failure;
use crate::evaluate::{Judged, evaluate};
use crate::input;
use crate::interrupt::StopFlag;
use crate::watch::{Doctor, Facts};

/// The share of the data (of groups in each class, where there are groups) that no plan sees.
pub const HOLDOUT: f64 = 0.2;

/// A data set cut into what plans may use and what they are judged on.
#[derive(Clone, Debug)]
pub struct Bench {
    /// What plans may use, in file order.
    pub data: Dataset,
    /// What they are judged on.
    pub holdout: Dataset,
}

impl Bench {
    /// Sets the hold-out aside.
    ///
    /// # Errors
    /// If the data cannot be cut: no labels, or too few traces or groups.
    pub fn new(data: &Dataset, seed: u64) -> Result<Self, Failure> {
        let config =
            SplitConfig { method: Method::Grouped, validation_share: HOLDOUT, seed, shuffle_first: false };
        let held = split::split(data, &config)?.validation;
        let traces = |indices: &[u32]| indices.iter().map(|&i| &data.traces[i as usize]).collect::<Vec<_>>();
        let known: HashSet<&[u16]> = traces(&held).iter().map(|trace| &trace.calls[..]).collect();
        let groups: HashSet<&str> = traces(&held).iter().filter_map(|trace| trace.group.as_deref()).collect();
        let rest: Vec<u32> = (0..data.traces.len() as u32)
            .filter(|&index| {
                let trace = &data.traces[index as usize];
                !known.contains(&trace.calls[..])
                    && trace.group.as_deref().is_none_or(|group| !groups.contains(group))
            })
            .collect();
        let mut usable = data.subset(&rest);
        // What reading left out is a fact about the data that plans use.
        usable.report = data.report.clone();
        Ok(Self { data: usable, holdout: data.subset(&held) })
    }

    /// The split that a configuration makes of the usable data, and the vocabulary of its training side.
    ///
    /// # Errors
    /// If it cannot be made, or network and data do not fit together.
    pub fn cut(&self, config: &TrainConfig) -> Result<(Split, Vocabulary), Failure> {
        input::cut(config, &self.data)
    }

    /// Trains `config` and judges the network on the hold-out.
    ///
    /// # Errors
    /// If it cannot be trained, or the network cannot be judged.
    pub fn train(&self, config: &TrainConfig, stop: &StopFlag) -> Result<Trained, Failure> {
        let began = Instant::now();
        let (split, vocabulary) = self.cut(config)?;
        let examples = Examples::of(&self.data, &split, &vocabulary, &config.input);
        let mut network = self.network(config, &vocabulary)?;
        let mut doctor = Doctor::new(Facts::of(config, &self.data, &split, &vocabulary), None, None);
        doctor.begin();
        let control = Control { stop: stop.clone(), ..Control::default() };
        let observers: &mut [&mut dyn Observer] = &mut [&mut doctor];
        let fitted = fit(&mut network, &examples, config, observers, &control)?;
        let mut history = History::new();
        fitted.rows.iter().for_each(|row| history.push(row));
        let holdout = self.judge(&network, &self.encoded_holdout(&vocabulary, &config.input))?;
        let validation = match examples.validation.is_empty() {
            true => None,
            false => Some(self.judge(&network, &examples.validation)?),
        };
        let evidence = Evidence { curves: Some(Curves::from(&history)), ..doctor.evidence().clone() };
        Ok(Trained { history, evidence, holdout, validation, seconds: began.elapsed().as_secs_f64() })
    }

    /// What can be known of `config` without training it. What its data or its network do not allow is
    /// left out.
    pub fn look(&self, config: &TrainConfig) -> Evidence {
        let cut = split::split(&self.data, &config.split).ok();
        let split = cut.unwrap_or_else(|| Split {
            train: (0..self.data.traces.len() as u32).collect(),
            validation: Vec::new(),
            dropped: Vec::new(),
        });
        let vocabulary = Vocabulary::learn(&self.data, &split.train);
        Doctor::new(Facts::of(config, &self.data, &split, &vocabulary), None, None).evidence().clone()
    }

    /// A learning-rate range test of `config`; nothing if it cannot be made.
    pub fn probes(&self, config: &TrainConfig, stop: &StopFlag) -> Probes {
        let range = || {
            let (split, vocabulary) = self.cut(config).ok()?;
            let examples = Examples::of(&self.data, &split, &vocabulary, &config.input);
            let network = self.network(config, &vocabulary).ok()?;
            Subject { network: &network, examples: &examples, config, stop }.range_test().ok()
        };
        Probes { range: range(), ..Probes::default() }
    }

    fn network(&self, config: &TrainConfig, vocabulary: &Vocabulary) -> Result<Network, Failure> {
        let classes = self.data.classes.len();
        let spec = config.model.resolve(vocabulary.size(), classes);
        Ok(Network::build(&spec, vocabulary.size(), classes, config.seed)?)
    }

    fn encoded_holdout(&self, vocabulary: &Vocabulary, input: &Input) -> Traces {
        let all = (0..self.holdout.traces.len() as u32).collect();
        let split = Split { train: all, validation: Vec::new(), dropped: Vec::new() };
        Examples::of(&self.holdout, &split, vocabulary, input).train
    }

    fn judge(&self, network: &Network, traces: &Traces) -> Result<Figures, Failure> {
        let judged =
            Judged { classes: &self.data.classes, protocol: "holdout", seed: 0, training_counts: None };
        let Evaluation { accuracy, macro_f1, log_loss, .. } = evaluate(network, traces, &judged)?;
        Ok(Figures { macro_f1, accuracy, log_loss })
    }
}

/// A plan trained once on a [`Bench`].
#[derive(Clone, Debug)]
pub struct Trained {
    /// Its curves.
    pub history: History,
    /// What is known of it.
    pub evidence: Evidence,
    /// On the hold-out.
    pub holdout: Figures,
    /// On its own validation side, if it has one.
    pub validation: Option<Figures>,
    /// How long training and judging took.
    pub seconds: f64,
}

impl Trained {
    /// As the debugging loop wants it.
    pub fn run(self, seed: u64, path: Option<PathBuf>) -> Run {
        Run {
            seed,
            evidence: self.evidence,
            holdout: self.holdout,
            validation: self.validation,
            path: path.map(|path| path.display().to_string()),
            seconds: self.seconds,
        }
    }
}

/// A ward that trains on a bench, keeps nothing and tells nobody.
#[derive(Debug)]
pub struct QuietWard<'a> {
    /// Where it trains.
    pub bench: &'a Bench,
    /// Set to end.
    pub stop: StopFlag,
}

impl Ward for QuietWard<'_> {
    type Error = Failure;

    fn train(&mut self, plan: &Plan, seed: u64) -> Result<Run, Failure> {
        let config = TrainConfig { seed, ..plan.config.clone() };
        Ok(self.bench.train(&config, &self.stop)?.run(seed, None))
    }

    fn look(&mut self, plan: &Plan) -> Evidence {
        self.bench.look(&plan.config)
    }

    fn probes(&mut self, plan: &Plan) -> Probes {
        self.bench.probes(&plan.config, &self.stop)
    }

    fn fits(&self, plan: &Plan) -> Result<(), String> {
        self.bench.cut(&plan.config).map(drop).map_err(|failure| failure.message)
    }

    fn tell(&mut self, _: &Event<'_>) {}

    fn keep(&mut self, _: &DebugRecord) {}

    fn stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::SeqCst)
    }
}
