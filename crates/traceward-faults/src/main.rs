//! Fault injection: what the doctor makes of faults that somebody put there on purpose.
//!
//! A healthy training gets one fault, and three things are asked. Was it *detected*: does a finding at
//! warning level, that the healthy twin does not have, name a cause that the fault stands for? Was the
//! *cause first*: is the likeliest cause of all findings such a one, past those that are as likely in the
//! healthy twin? Was it *repaired*: does the debugging
//! loop (that of `debug --proposals`) undo the setting, or bring the network back to within noise of the
//! healthy twin on the hold-out?
//! And what does the doctor say of the healthy twins themselves: every finding at warning level there is a
//! false alarm, unless it is true of the data.
//!
//! ```text
//! cargo run --release -p traceward-faults -- [--only NAME[,NAME]] [--threads N] [--out FILE]
//! ```
//!
//! Two data sets (a part of the built-in corpus; a part of ADFA-LD, where `$TRACEWARD_DATA` or the folder
//! beside the repository has it, else traces made up here) and two networks. Everything is small, so that a
//! healthy training takes about a second: what is asked is whether the right thing is said, not how good
//! the network is.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is its result")]

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use traceward::bench::{Bench, QuietWard};
use traceward::doctor::debug::{Debugged, Settings, debug, wants_more_epochs};
use traceward::doctor::plan::Plan;
use traceward::doctor::record::{DebugRecord, Outcome};
use traceward::doctor::trial::{Criterion, Run, judge};
use traceward::doctor::{CauseKind, Diagnosis, Evidence, Finding, Level, diagnose};
use traceward::error::Failure;
use traceward::interrupt::StopFlag;
use traceward::run::TrainConfig;
use traceward::run::config::{ClassWeight, Compile, Fit, Input, Loss, Optimizer, Schedule};
use traceward::run::spec::{Activation, Initializer, Layer, LayerSpec, ModelSpec, Recurrent};
use traceward::trace::rng::Rng;
use traceward::trace::split::{Method, SplitConfig};
use traceward::trace::{Dataset, ReadOptions, builtin, read};

use CauseKind as Kind;

/// Traces a class of each data set.
const TRACES: usize = 120;
/// Classes with fewer different traces are left out.
const FEWEST: usize = 80;
/// Calls a trace has at most.
const CALLS: usize = 80;
/// Seeds a plan is trained with.
const SEEDS: [u64; 3] = [0, 1, 2];
/// How long one debugging may take.
const BUDGET: Duration = Duration::from_secs(40);
/// How far below its healthy twin a repaired network may be in macro-F1, where the seeds agree; where they do
/// not, up to twice that.
const NEAR: f64 = 0.04;

/// A training that a fault is put into.
#[derive(Clone)]
struct Case {
    config: TrainConfig,
    /// What plans may use; the hold-out stays as it is.
    data: Dataset,
}

/// How it is told that a fault is repaired.
#[derive(Clone, Copy)]
enum Repaired {
    /// By what the network is worth on the hold-out, beside its healthy twin.
    ByWorth,
    /// By a setting: what the fault spoils is not what the hold-out measures.
    BySetting(fn(&TrainConfig) -> bool),
    /// No change to a plan can: the data itself is wrong.
    No,
}

/// A fault.
struct Fault {
    name: &'static str,
    put: fn(&mut Case),
    /// What causes it stands for.
    means: &'static [Kind],
    repaired: Repaired,
}

const fn fault(name: &'static str, means: &'static [Kind], put: fn(&mut Case)) -> Fault {
    Fault { name, put, means, repaired: Repaired::ByWorth }
}

impl Fault {
    const fn told_by(self, setting: fn(&TrainConfig) -> bool) -> Self {
        Self { repaired: Repaired::BySetting(setting), ..self }
    }

    const fn beyond_repair(self) -> Self {
        Self { repaired: Repaired::No, ..self }
    }
}

const FAULTS: &[Fault] = &[
    fault("output sigmoid", &[Kind::OutputActivation], |case| output(case, Activation::Sigmoid)),
    fault("output linear", &[Kind::OutputActivation], |case| output(case, Activation::Linear)),
    fault("output relu", &[Kind::OutputActivation], |case| output(case, Activation::Relu)),
    fault("loss MSE", &[Kind::Loss], |case| case.config.compile.loss = Loss::MeanSquaredError),
    fault("loss binary, K classes", &[Kind::Loss, Kind::OutputUnits], |case| {
        case.config.compile.loss = Loss::BinaryCrossentropy;
    }),
    fault("hidden layers linear", &[Kind::HiddenLinear], |case| {
        hidden(case).for_each(|activation| *activation = Activation::Linear);
    }),
    fault("deep sigmoid stack", &[Kind::HiddenActivation, Kind::VanishingGradient], |case| {
        let at = last_dense(case);
        let deep = (0..5).map(|_| Layer::dense(16, Activation::Sigmoid).into());
        case.config.model.layers.splice(at..at, deep);
    }),
    fault("step x30", &[Kind::LearningRateHigh], |case| scale_rate(case, 30.0)),
    fault("step x1000", &[Kind::LearningRateHigh, Kind::ExplodingGradient], |case| scale_rate(case, 1000.0)),
    fault("step /30", &[Kind::LearningRateLow, Kind::TooFewEpochs], |case| scale_rate(case, 1.0 / 30.0)),
    fault("SGD with a tiny step", &[Kind::LearningRateLow, Kind::Optimizer], |case| {
        case.config.compile.optimizer = Optimizer::sgd(1e-5);
    }),
    fault("step decays at once", &[Kind::Schedule, Kind::LearningRateLow], |case| {
        case.config.fit.schedule = Schedule::StepDecay { every: 1, factor: 0.3 };
    }),
    fault("rows sorted, never shuffled", &[Kind::SortedData], |case| {
        sort(case);
        case.config.fit.shuffle = false;
    })
    .told_by(|config| config.fit.shuffle),
    fault("split from the tail of sorted rows", &[Kind::TailSplit, Kind::SortedData], |case| {
        sort(case);
        case.config.split.method = Method::Tail;
    })
    .told_by(|config| config.split.method != Method::Tail || config.split.shuffle_first),
    fault("copies on both sides", &[Kind::Leak], |case| {
        let copies: Vec<u32> = (0..case.data.traces.len() as u32).flat_map(|i| [i, i, i]).collect();
        case.data = case.data.subset(&copies);
        case.data.traces.iter_mut().for_each(|trace| trace.group = None);
        case.config.split.method = Method::Random;
    })
    .told_by(|config| config.split.method == Method::Grouped),
    fault("labels shuffled", &[Kind::BadLabels, Kind::LabelNoise, Kind::Task], |case| {
        let mut labels: Vec<Option<u16>> = case.data.traces.iter().map(|trace| trace.class).collect();
        Rng::new(7).shuffle(&mut labels);
        case.data.traces.iter_mut().zip(labels).for_each(|(trace, label)| trace.class = label);
    })
    .beyond_repair(),
    fault("labels, 30 % wrong", &[Kind::LabelNoise, Kind::BadLabels], |case| {
        let mut rng = Rng::new(8);
        let classes = case.data.classes.len() as u64;
        for trace in &mut case.data.traces {
            if rng.uniform() < 0.3 {
                trace.class = Some(rng.below(classes) as u16);
            }
        }
    })
    .beyond_repair(),
    fault("first weights NaN", &[Kind::BadValues, Kind::Initialization], |case| {
        let at = last_dense(case);
        case.config.model.layers[at].weights.kernel = Some(Initializer::Constant { value: f32::NAN });
    }),
    fault("units dead from the start", &[Kind::DeadUnits, Kind::Initialization], |case| {
        for spec in hidden_specs(case) {
            spec.weights.bias = Some(Initializer::Constant { value: -30.0 });
        }
    }),
    fault("first weights zero", &[Kind::Initialization], |case| {
        for spec in &mut case.config.model.layers {
            if matches!(spec.layer, Layer::Dense { .. } | Layer::Conv1D { .. }) {
                spec.weights.kernel = Some(Initializer::Zeros);
            }
        }
    }),
    fault("layers frozen", &[Kind::FrozenLayer], |case| {
        let last = last_dense(case);
        case.config.model.layers[..last].iter_mut().for_each(|spec| spec.weights.trainable = false);
    })
    .told_by(|config| config.model.layers.iter().all(|spec| spec.weights.trainable)),
    fault(
        "no dropout, four times the epochs",
        &[Kind::TooManyEpochs, Kind::TooLittleRegularization, Kind::Capacity, Kind::TooLittleData],
        |case| {
            case.config.model.layers.retain(|spec| !matches!(spec.layer, Layer::Dropout { .. }));
            case.config.fit.epochs *= 4;
        },
    ),
    fault(
        "far too many epochs",
        &[Kind::TooManyEpochs, Kind::TooLittleRegularization, Kind::Capacity],
        |case| {
            case.config.fit.epochs *= 8;
        },
    ),
    fault("dropout 0.9", &[Kind::TooMuchRegularization], |case| {
        for spec in &mut case.config.model.layers {
            if let Layer::Dropout { rate } = &mut spec.layer {
                *rate = 0.9;
            }
        }
    }),
    fault("batches of 1", &[Kind::BatchSize, Kind::LearningRateHigh], |case| case.config.fit.batch_size = 1),
    fault("one batch of all", &[Kind::BatchSize, Kind::TooFewEpochs, Kind::LearningRateLow], |case| {
        case.config.fit.batch_size = case.data.traces.len();
    }),
    fault("vocabulary too small", &[Kind::Vocabulary], |case| {
        for spec in &mut case.config.model.layers {
            if let Layer::Embedding { input_dim, .. } = &mut spec.layer {
                *input_dim = 20;
            }
        }
    }),
    fault("traces cut to 5 calls", &[Kind::Truncation], |case| case.config.input.max_len = Some(5)),
    fault("one class in twenty traces of the others", &[Kind::Imbalance, Kind::TooLittleData], |case| {
        let mut kept: BTreeMap<Option<u16>, usize> = BTreeMap::new();
        case.data.traces.retain(|trace| {
            let count = kept.entry(trace.class).or_default();
            *count += 1;
            trace.class == Some(0) || *count <= 3
        });
    })
    .beyond_repair(),
    fault("normalised twice", &[Kind::DoubledNormalization], |case| {
        let at = last_dense(case);
        let twice = [Layer::batch_normalization().into(), Layer::batch_normalization().into()];
        case.config.model.layers.splice(at..at, twice);
    })
    .told_by(|config| {
        let is = |spec: &LayerSpec| matches!(spec.layer, Layer::BatchNormalization { .. });
        !config.model.layers.windows(2).any(|pair| is(&pair[0]) && is(&pair[1]))
    }),
    fault("softmax of softmax", &[Kind::DoubledActivation, Kind::OutputActivation], |case| {
        case.config.model.layers.push(Layer::Activation { activation: Activation::Softmax }.into());
    }),
    fault("no validation", &[Kind::NoValidation], |case| case.config.split.validation_share = 0.0)
        .told_by(|config| config.split.validation_share > 0.0),
    fault("one epoch", &[Kind::TooFewEpochs], |case| case.config.fit.epochs = 1),
    fault("a sixth of the epochs", &[Kind::TooFewEpochs, Kind::LearningRateLow], |case| {
        case.config.fit.epochs = (case.config.fit.epochs / 6).max(2);
    }),
    fault("four traces a class", &[Kind::TooLittleData], |case| {
        let mut kept: BTreeMap<Option<u16>, usize> = BTreeMap::new();
        case.data.traces.retain(|trace| {
            let count = kept.entry(trace.class).or_default();
            *count += 1;
            *count <= 4
        });
    })
    .beyond_repair(),
];

fn last_dense(case: &Case) -> usize {
    let is = |spec: &LayerSpec| matches!(spec.layer, Layer::Dense { .. });
    case.config.model.layers.iter().rposition(is).unwrap_or_default()
}

fn output(case: &mut Case, wanted: Activation) {
    let last = last_dense(case);
    if let Layer::Dense { activation, .. } = &mut case.config.model.layers[last].layer {
        *activation = wanted;
    }
}

fn hidden_specs(case: &mut Case) -> impl Iterator<Item = &mut LayerSpec> {
    let last = last_dense(case);
    case.config.model.layers[..last]
        .iter_mut()
        .filter(|spec| matches!(spec.layer, Layer::Dense { .. } | Layer::Conv1D { .. }))
}

fn hidden(case: &mut Case) -> impl Iterator<Item = &mut Activation> {
    hidden_specs(case).filter_map(|spec| match &mut spec.layer {
        Layer::Dense { activation, .. } | Layer::Conv1D { activation, .. } => Some(activation),
        _ => None,
    })
}

fn scale_rate(case: &mut Case, factor: f32) {
    let rate = case.config.compile.optimizer.learning_rate() * factor;
    case.config.compile.optimizer.set_learning_rate(rate);
}

fn sort(case: &mut Case) {
    case.data.traces.sort_by_key(|trace| trace.class);
}

/// A healthy training of one of the two networks.
fn healthy(network: &str) -> TrainConfig {
    let lstm = Layer::bidirectional(Layer::Lstm(Recurrent::new(16)));
    let layers: Vec<Layer> = match network {
        "BiLSTM" => vec![
            Layer::Embedding { input_dim: 0, output_dim: 16 },
            lstm,
            Layer::Dropout { rate: 0.3 },
            Layer::dense(24, Activation::Relu),
            Layer::dense(24, Activation::Relu),
            Layer::dense(0, Activation::Softmax),
        ],
        _ => vec![
            Layer::Embedding { input_dim: 0, output_dim: 16 },
            Layer::conv1d(24, 5, Activation::Relu),
            Layer::GlobalMaxPooling1D,
            Layer::Dropout { rate: 0.3 },
            Layer::dense(24, Activation::Relu),
            Layer::dense(0, Activation::Softmax),
        ],
    };
    TrainConfig {
        preset: None,
        seed: 0,
        split: SplitConfig { method: Method::Grouped, validation_share: 0.25, seed: 0, shuffle_first: false },
        input: Input::default(),
        compile: Compile {
            loss: Loss::CategoricalCrossentropy,
            label_smoothing: 0.0,
            optimizer: Optimizer::adam(0.003),
            clip_norm: None,
        },
        fit: Fit {
            epochs: 12,
            batch_size: 16,
            shuffle: true,
            prefixes: 0.0,
            schedule: Schedule::Constant,
            class_weight: ClassWeight::None,
            early_stopping: None,
        },
        model: ModelSpec::new(network, layers),
    }
}

/// A part of `data` in which nothing is wrong: the last calls of its traces, each stretch of calls once,
/// classes that have enough of them, no groups, random order. A healthy twin must be healthy, and what is
/// wrong with real data (copies, attack runs that differ, traces that begin alike) is put in as a fault where
/// it is asked about.
fn part(mut data: Dataset, name: &str) -> Dataset {
    let mut order: Vec<u32> = (0..data.traces.len() as u32).collect();
    Rng::new(1).shuffle(&mut order);
    let mut seen = HashSet::new();
    order.retain(|&index| {
        let trace = &mut data.traces[index as usize];
        trace.calls.drain(..trace.calls.len().saturating_sub(CALLS));
        trace.group = None;
        trace.class.is_some() && seen.insert(trace.calls.clone())
    });
    let mut of_class = vec![0; data.classes.len()];
    for &index in &order {
        of_class[usize::from(data.traces[index as usize].class.unwrap_or_default())] += 1;
    }
    let mut taken = vec![0; data.classes.len()];
    order.retain(|&index| {
        let class = usize::from(data.traces[index as usize].class.unwrap_or_default());
        taken[class] += 1;
        of_class[class] >= FEWEST && taken[class] <= TRACES
    });
    let kept: Vec<usize> = (0..data.classes.len()).filter(|&class| of_class[class] >= FEWEST).collect();
    data = data.subset(&order);
    for trace in &mut data.traces {
        let place = |class: u16| kept.iter().position(|&kept| kept == usize::from(class));
        trace.class = trace.class.and_then(place).map(|class| class as u16);
    }
    data.classes = kept.iter().map(|&class| data.classes[class].clone()).collect();
    data.name = name.into();
    data
}

/// ADFA-LD, where it can be found.
fn adfa() -> Option<Dataset> {
    let root = std::env::var_os("TRACEWARD_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let mut data = read(&root.join("adfa-ld/ADFA-LD.zip"), &ReadOptions::default()).ok()?;
    data.keep_parts(&["training".into(), "attack".into()]).ok()?;
    Some(data)
}

/// What came of one fault in one training.
struct Row {
    fault: &'static str,
    data: String,
    network: String,
    detected: Option<String>,
    first: Option<Kind>,
    cause_first: bool,
    repaired: Option<bool>,
    tried: usize,
    worth: (f64, f64),
    outcome: Outcome,
}

/// A healthy training and what is natural to it.
struct Twin {
    bench: Bench,
    config: TrainConfig,
    runs: Vec<Run>,
    diagnoses: Vec<Diagnosis>,
}

impl Twin {
    fn new(data: &Dataset, network: &str) -> Result<Self, Failure> {
        let bench = Bench::new(data, 0)?;
        let config = healthy(network);
        let runs = SEEDS.map(|seed| {
            let config = TrainConfig { seed, ..config.clone() };
            Ok(bench.train(&config, &StopFlag::default())?.run(seed, None))
        });
        let runs: Vec<Run> = runs.into_iter().collect::<Result<_, Failure>>()?;
        let probes = bench.probes(&config, &StopFlag::default());
        let diagnosis =
            |run: &Run| diagnose(&Evidence { probes: Some(probes.clone()), ..run.evidence.clone() });
        let diagnoses = runs.iter().map(diagnosis).collect();
        Ok(Self { bench, config, runs, diagnoses })
    }

    /// Whether the healthy twin has such a finding too, with any seed.
    fn has(&self, finding: &Finding) -> bool {
        self.diagnoses
            .iter()
            .flat_map(|diagnosis| &diagnosis.findings)
            .any(|own| own.rule == finding.rule && own.level >= finding.level)
    }

    fn try_fault(&self, fault: &Fault) -> Row {
        let mut case = Case { config: self.config.clone(), data: self.bench.data.clone() };
        (fault.put)(&mut case);
        let bench = Bench { data: case.data, holdout: self.bench.holdout.clone() };
        let mut ward = QuietWard { bench: &bench, stop: StopFlag::default() };
        let settings = Settings { seeds: SEEDS.to_vec(), budget: BUDGET, proposals: true };
        let Debugged { record, plan, runs, first, .. } =
            debug(Plan::from(case.config), &mut ward, &settings, DebugRecord::default());
        let findings: Vec<&Finding> = first.iter().flat_map(|diagnosis| &diagnosis.findings).collect();
        let names =
            |finding: &&&Finding| finding.causes.iter().any(|cause| fault.means.contains(&cause.kind));
        let speaks = |finding: &&&Finding| finding.level >= Level::Warning || wants_more_epochs(finding);
        let detected = findings.iter().filter(speaks).filter(|f| !self.has(f)).find(names);
        let top = first.as_ref().and_then(|diagnosis| self.likeliest(diagnosis));
        let repaired = match fault.repaired {
            Repaired::No => None,
            Repaired::BySetting(undone) => Some(!runs.is_empty() && undone(&plan.config)),
            Repaired::ByWorth => Some(!runs.is_empty() && self.is_near(&runs)),
        };
        let mean = |runs: &[Run]| {
            runs.iter().map(|run| run.holdout.macro_f1).sum::<f64>() / runs.len().max(1) as f64
        };
        Row {
            fault: fault.name,
            data: bench.data.name.clone(),
            network: self.config.model.name.clone(),
            detected: detected.map(|finding| finding.rule.to_owned()),
            cause_first: top.is_some_and(|kind| fault.means.contains(&kind)),
            first: top,
            repaired,
            tried: record.steps.iter().map(|step| step.trials.len()).sum(),
            worth: (mean(&self.runs), mean(&runs)),
            outcome: record.outcome,
        }
    }

    /// Whether runs are as good as the healthy twin's, to within the seeds' noise.
    fn is_near(&self, runs: &[Run]) -> bool {
        let judged = judge(&self.runs, runs, Criterion::BetterF1);
        judged.gain >= -judged.noise.clamp(NEAR, 2.0 * NEAR)
    }

    /// The likeliest cause, past those for which as much speaks in the healthy twin: they are true of the
    /// data, not of the fault.
    fn likeliest(&self, diagnosis: &Diagnosis) -> Option<Kind> {
        let natural = |kind: Kind| {
            let causes = self.diagnoses.iter().flat_map(Diagnosis::causes);
            causes.filter(|cause| cause.kind == kind).map(|cause| cause.weight).fold(0.0, f64::max)
        };
        diagnosis
            .causes()
            .iter()
            .find(|cause| cause.weight > natural(cause.kind) + 0.02)
            .map(|cause| cause.kind)
    }
}

fn main() -> Result<(), Failure> {
    let mut only: Option<Vec<String>> = None;
    let mut out: Option<PathBuf> = None;
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or_else(|| Failure::new(format_args!("{flag} needs a value")));
        match flag.as_str() {
            "--only" => only = Some(value()?.split(',').map(str::to_owned).collect()),
            "--out" => out = Some(value()?.into()),
            "--threads" => {
                let threads = value()?.parse().map_err(Failure::new)?;
                rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(Failure::new)?;
            }
            _ => return Err(Failure::new(format_args!("{flag}: there are --only, --threads, --out"))),
        }
    }
    let began = Instant::now();
    let mut data = vec![part(builtin::corpus()?, "built-in corpus")];
    match adfa() {
        Some(adfa) => data.push(part(adfa, "ADFA-LD")),
        None => eprintln!("skipped: ADFA-LD is not here (set TRACEWARD_DATA to a folder that has it)"),
    }
    let mut rows = Vec::new();
    let mut twins = Vec::new();
    for data in &data {
        for network in ["BiLSTM", "Conv1D"] {
            let twin = Twin::new(data, network)?;
            for (fault, _) in FAULTS.iter().zip(0..).filter(|(fault, _)| {
                only.as_ref().is_none_or(|only| only.iter().any(|name| fault.name.contains(name.as_str())))
            }) {
                let row = twin.try_fault(fault);
                eprintln!(
                    "{:>5.0} s  {} / {} / {}: {} {:?} {} repaired {:?} {:.3} -> {:.3} {} trials {:?}",
                    began.elapsed().as_secs_f64(),
                    row.data,
                    row.network,
                    row.fault,
                    row.detected.as_deref().unwrap_or("-"),
                    row.first,
                    if row.cause_first { "first" } else { "not first" },
                    row.repaired,
                    row.worth.0,
                    row.worth.1,
                    row.tried,
                    row.outcome
                );
                rows.push(row);
            }
            twins.push(twin);
            // After each network, so that a run that is cut off leaves what it has.
            if let Some(path) = &out {
                std::fs::write(path, page(&rows, &twins, began.elapsed()))?;
            }
        }
    }
    if out.is_none() {
        println!("{}", page(&rows, &twins, began.elapsed()));
    }
    Ok(())
}

fn share(part: usize, of: usize) -> String {
    format!("{part} of {of} ({:.0} %)", 100.0 * part as f64 / of.max(1) as f64)
}

/// The page: totals, a row a fault, and what is said of the healthy twins.
fn page(rows: &[Row], twins: &[Twin], took: Duration) -> String {
    let mut page = String::from(
        "# Faults put in on purpose\n\n\
         Written by `cargo run --release -p traceward-faults -- --out docs/faults.md`. What each \
         column means stands at the head of `crates/traceward-faults/src/main.rs`.\n\n\
         What these numbers are not: the twins are small, and their data is cleaned first (copies, groups and \
         classes with few traces are left out), so that whatever is wrong was put there. C13, which says that a \
         run was still improving, is a note by design and counts as detecting a run that is too short. The \
         debugger was allowed what rules only propose (`--proposals`). One fault can be repaired by another \
         change than its opposite: what counts is the network on the hold-out, or the setting where the \
         hold-out cannot show it.\n\n",
    );
    let detected = rows.iter().filter(|row| row.detected.is_some()).count();
    let first = rows.iter().filter(|row| row.cause_first).count();
    let repairable = rows.iter().filter(|row| row.repaired.is_some()).count();
    let repaired = rows.iter().filter(|row| row.repaired == Some(true)).count();
    let faults: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.fault).collect();
    let _ = write!(
        page,
        "{} faults in {} trainings: **detected {}**, **cause first {}**, **repaired {}** ({} of all; the rest \
         are faults of the data that no change to a training undoes). {:.0} minutes.\n\n",
        faults.len(),
        rows.len(),
        share(detected, rows.len()),
        share(first, rows.len()),
        share(repaired, repairable),
        share(repaired, rows.len()),
        took.as_secs_f64() / 60.0,
    );
    page.push_str(
        "| fault | data | network | detected by | likeliest cause | repaired | macro-F1: healthy, faulty after \
         debugging | trials |\n|---|---|---|---|---|---|---|---:|\n",
    );
    for row in rows {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {:.2}, {:.2} | {} |",
            row.fault,
            row.data,
            row.network,
            row.detected.as_deref().unwrap_or("**missed**"),
            match row.first {
                Some(kind) if row.cause_first => kind.words().to_owned(),
                Some(kind) => format!("({})", kind.words()),
                None => "(none)".into(),
            },
            match row.repaired {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "cannot be",
            },
            row.worth.0,
            row.worth.1,
            row.tried
        );
    }
    page.push_str("\nA cause in brackets is not one that the fault stands for.\n\n## The healthy twins\n\n");
    let trainings: usize = twins.iter().map(|twin| twin.diagnoses.len()).sum();
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    let mut checked = 0;
    for diagnosis in twins.iter().flat_map(|twin| &twin.diagnoses) {
        checked += traceward::doctor::rules::all().count() - diagnosis.not_checked.len();
        for finding in diagnosis.findings.iter().filter(|finding| finding.level >= Level::Warning) {
            *said.entry(format!("{}: {}", finding.rule, finding.symptom)).or_default() += 1;
        }
    }
    let alarms: usize = said.values().sum();
    let _ = writeln!(
        page,
        "{trainings} healthy trainings, in which {checked} rules were checked: {} findings at warning level or \
         above.\n",
        share(alarms, checked)
    );
    for (finding, times) in said {
        let _ = writeln!(page, "- {times} x {finding}");
    }
    page
}
