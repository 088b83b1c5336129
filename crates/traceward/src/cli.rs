//! The command line as typed: every command, flag and help text, in one place.
//!
//! Nothing here touches a file. `commands/*.rs` turn these structs into work.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use traceward_capture::Cutter;
use traceward_trace::split::Method;

use crate::output::{self, Output};

/// Trains, debugs and deploys classifiers of system-call traces.
///
/// Without DATA, commands use the built-in corpus, so each of them works at once: `traceward train`
/// trains a network on it, evaluates it and keeps it.
#[derive(Debug, Parser)]
#[command(
    name = "traceward",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Flags that mean the same everywhere.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that mean the same everywhere.
#[derive(Args, Debug)]
pub struct Global {
    /// How results are written to stdout [default: text; JSON Lines for score, and for watch
    /// unless stdout is a terminal]
    #[arg(long, value_enum, global = true, help_heading = "Output")]
    pub format: Option<Format>,
    /// No progress and no notes on stderr, errors only
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Say more on stderr
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Output")]
    pub verbose: u8,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON document
    Json,
    /// Watch only: alerts with the field names of the Elastic Common Schema
    #[value(hide = true)]
    Ecs,
    /// The doctor only: SARIF 2.1.0, which code hosts show beside the lines
    #[value(hide = true)]
    Sarif,
    /// The doctor only: one page with curves
    #[value(hide = true)]
    Html,
    /// The doctor only: for issues and notes
    #[value(hide = true)]
    Markdown,
}

impl Global {
    /// The streams these flags ask for. What only the doctor writes counts as text.
    pub fn output(&self) -> Output {
        let format =
            if self.format == Some(Format::Json) { output::Format::Json } else { output::Format::Text };
        Output { format, quiet: self.quiet, verbose: self.verbose }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a classifier, evaluate it, keep it
    Train(Box<TrainArgs>),
    /// Say what is wrong with a training run, of any framework, and what would cure it
    Doctor(DoctorArgs),
    /// Train, find what is wrong, treat it, train again; write down what happened
    Debug(Box<DebugArgs>),
    /// Say what models are worth on data, honestly; or what a kept model is worth on traces
    Eval(Box<EvalArgs>),
    /// Give the verdict on each trace, one JSON line each
    Score(ScoreArgs),
    /// Record system calls live: of a command, a process, a container, or the whole host
    Record(RecordArgs),
    /// Set a model's thresholds by your own normal traces, for the false alarms you can bear
    Calibrate(CalibrateArgs),
    /// Watch a live host: score what its threads call, as they call it, and raise alarms
    Watch(Box<WatchArgs>),
    /// Look at, convert, cut and fetch data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// Look at a model file
    #[command(subcommand)]
    Model(ModelCommand),
    /// List and show training runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Print a completion script for a shell, or the manual page
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How to read a data set.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Reading data")]
pub struct ReadArgs {
    /// Whose system-call numbers these are: i386, x86_64, aarch64 [default: found by looking]
    #[arg(long, value_name = "ABI")]
    pub abi: Option<String>,
    /// Use only these parts of the data set (ADFA-LD has training, validation, attack)
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub parts: Vec<String>,
    /// End at the first bad row or file instead of counting and skipping it
    #[arg(long)]
    pub strict: bool,
    /// CSV column with the label, by name or by number from 1 [default: found by looking]
    #[arg(long, value_name = "COLUMN")]
    pub label_column: Option<String>,
    /// CSV column with the trace, by name or by number from 1 [default: found by looking]
    #[arg(long, value_name = "COLUMN")]
    pub trace_column: Option<String>,
    /// File that maps call numbers to names (UNM's syscallMap.txt)
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
}

/// How to cut a data set in two.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Split")]
pub struct SplitArgs {
    /// How traces are dealt to training and validation [default: given for two files, grouped for data with
    /// groups, random otherwise; the article's presets choose their own]
    #[arg(long, value_enum)]
    pub split: Option<SplitMethod>,
    /// Share of traces (or groups) that validate; 0 trains on all [default: 0.2]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub validation_share: Option<f64>,
}

/// [`Method`] as a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitMethod {
    /// The data set's own parts: two files, or rows marked training and validation
    Given,
    /// Stratified at random; copies may stand on both sides, which flatters the result
    Random,
    /// Copies removed, groups never straddle, identical traces never on both sides
    Grouped,
    /// The last rows in file order, as Keras' validation_split
    Tail,
}

impl From<SplitMethod> for Method {
    fn from(method: SplitMethod) -> Self {
        match method {
            SplitMethod::Given => Self::Given,
            SplitMethod::Random => Self::Random,
            SplitMethod::Grouped => Self::Grouped,
            SplitMethod::Tail => Self::Tail,
        }
    }
}

/// `traceward train`.
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:
  traceward train                                     the article's final network on the built-in corpus
  traceward train ADFA-LD.zip --preset article-5      the same on ADFA-LD
  traceward train train.csv validation.csv            two files: the split is theirs
  traceward train ADFA-LD.zip --epochs 50 --batch-size 64 --learning-rate 0.001
  traceward train ADFA-LD.zip --preset recommended    what measures best: a stack, no network
  traceward train ADFA-LD.zip --model svm             a linear model on n-grams
  traceward train --check                             probe for some seconds before a long training
  traceward train --config runs/NAME/traceward.toml   repeat a run
  traceward train --resume                            go on with the last run that was cut off")]
pub struct TrainArgs {
    /// What to train on what.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// A model that is no network: a linear one, trees, neighbours, novelty, or a stack of them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["preset", "config"])]
    pub model: Option<String>,
    /// Go on with a run that was cut off [default: the newest such]
    #[arg(long, value_name = "RUN", num_args = 0..=1, conflicts_with_all = ["data", "preset", "config", "out", "model"])]
    pub resume: Option<Option<PathBuf>>,
    /// Run directory to create [default: a new one under runs/]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Print the network as Keras' model.summary() does, and stop
    #[arg(long, help_heading = "Output")]
    pub summary: bool,
    /// Probe for some seconds instead of training: loss at the start, one batch by heart, do the inputs
    /// matter, learning-rate range test
    #[arg(long, conflicts_with_all = ["resume", "out"], help_heading = "Doctor")]
    pub check: bool,
    /// What to do when the doctor finds something at error level while it trains
    #[arg(long, value_enum, value_name = "WHAT", default_value_t, help_heading = "Doctor")]
    pub on_finding: OnFinding,
    /// Train without the doctor
    #[arg(long, conflicts_with = "on_finding", help_heading = "Doctor")]
    pub no_doctor: bool,
}

/// What to do about a finding while it trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnFinding {
    /// Say it and go on
    #[default]
    Warn,
    /// End at the first error; the run can be resumed, and the exit code is 1
    Stop,
    /// End at the first error, apply the first treatment that the program may try by itself, and start again
    Treat,
}

/// `traceward debug`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward debug --preset article-1                  the article's first network on the built-in corpus, cured
  traceward debug ADFA-LD.zip --parts training,attack --preset article-1
  traceward debug --config runs/NAME/traceward.toml --budget 5m

DIR then holds debug.md, debug.html and debug.json (what was seen, tried and kept), runs/ (every training), \
traceward.toml (the plan it ended with) and final/ (that plan trained on all the data). Exit code 1: findings \
are left that no change removed.")]
pub struct DebugArgs {
    /// What to train on what.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// How long it may take: 90s, 15m, 1h. The final training comes on top
    #[arg(long, value_name = "TIME", default_value = "15m", help_heading = "Debugging")]
    pub budget: Budget,
    /// Trainings a plan, with seeds that follow --seed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50), help_heading = "Debugging")]
    pub seeds: u32,
    /// Also try what a rule only proposes: other sizes of the network
    #[arg(long, help_heading = "Debugging")]
    pub proposals: bool,
    /// Do not train the cured plan on all the data at the end
    #[arg(long, help_heading = "Debugging")]
    pub no_final: bool,
    /// Folder to write [default: a new one under debug/]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
}

/// A span of time as typed: a number and `s`, `m` or `h`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget(pub std::time::Duration);

impl std::str::FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no span of time: write 90s, 15m or 1h");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let (number, seconds) = match unit {
            's' => (&text[..text.len() - 1], 1.0),
            'm' => (&text[..text.len() - 1], 60.0),
            'h' => (&text[..text.len() - 1], 3600.0),
            _ => (text, 1.0),
        };
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let span = std::time::Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        if span.is_zero() { Err(wrong()) } else { Ok(Self(span)) }
    }
}

/// What to train on what: `train` does it, `debug` cures it.
#[derive(Args, Clone, Debug, Default)]
pub struct PlanArgs {
    /// Data set: a file, a folder, an archive; or two files, training and validation [default: the
    /// built-in corpus]
    #[arg(value_name = "DATA", num_args = 0..=2)]
    pub data: Vec<PathBuf>,
    /// Network and fit to start from; flags below change single settings [default: article-5]
    #[arg(long, value_name = "NAME", value_parser = preset_names())]
    pub preset: Option<String>,
    /// Read everything from a traceward.toml, such as a run directory's
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub config: Option<PathBuf>,
    /// Passes over the training traces
    #[arg(long, value_name = "N", help_heading = "Fit")]
    pub epochs: Option<u32>,
    /// Traces a step
    #[arg(long, value_name = "N", help_heading = "Fit")]
    pub batch_size: Option<usize>,
    /// Cut longer traces to N calls; 0 reads whole traces
    #[arg(long, value_name = "N", help_heading = "Fit")]
    pub max_len: Option<usize>,
    /// Which end of a long trace is cut off
    #[arg(long, value_enum, value_name = "END", help_heading = "Fit")]
    pub truncating: Option<Truncating>,
    /// Step size
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Fit")]
    pub learning_rate: Option<f32>,
    /// How a step is made, with Keras' defaults
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Fit")]
    pub optimizer: Option<OptimizerName>,
    /// Scale down gradients whose global norm is larger
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = "Fit")]
    pub clip_norm: Option<f32>,
    /// Weights of the classes in the loss
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Fit")]
    pub class_weight: Option<ClassWeightName>,
    /// Stop after N epochs without a smaller validation loss, and go back to the best epoch's weights
    #[arg(long, value_name = "N", help_heading = "Fit")]
    pub patience: Option<u32>,
    /// Seed of initial weights, split, shuffles and dropout
    #[arg(long, value_name = "N", help_heading = "Fit")]
    pub seed: Option<u64>,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Fit")]
    pub threads: Option<usize>,
    /// How to cut the data.
    #[command(flatten)]
    pub split: SplitArgs,
    /// How to read the data.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// The preset that is a recipe: what measures best.
const RECOMMENDED: &str = "recommended";

fn preset_names() -> clap::builder::PossibleValuesParser {
    let networks = traceward_run::Preset::ALL.iter().map(|p| p.name());
    networks.chain([RECOMMENDED]).collect::<Vec<_>>().into()
}

/// Keras' `truncating`, as a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Truncating {
    /// The beginning: the last calls stay
    Pre,
    /// The end: the first calls stay
    Post,
}

/// An optimizer, as a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum OptimizerName {
    Sgd,
    Adam,
    Adamw,
    Rmsprop,
}

/// Class weights, as a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClassWeightName {
    /// All alike
    None,
    /// traces / (classes × traces of the class)
    Balanced,
}

/// `traceward doctor`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward doctor runs/NAME                       a run of ours: network, data, curves, what was seen inside
  traceward doctor training.log                    console output pasted into a file; - reads it from stdin
  traceward doctor train.py model.keras logs/      scripts, models, TensorBoard folders, each by itself
  traceward doctor --together train.py log.csv     one training, seen from two files
  traceward doctor --watch log.csv                 follow a log that another framework is writing
  traceward doctor --explain C11                   what a rule sees, why it is bad, what cures it
  traceward doctor src/ --format sarif > doctor.sarif

Besides text and json, --format takes sarif (2.1.0, which code hosts show beside the lines), html (a page
with curves) and markdown. The exit code is 1 if anything at error level was found (see --fail-on), so it
works in CI.")]
pub struct DoctorArgs {
    /// Runs, logs, models, scripts, data sets, or folders with such; - is stdin [default: the newest run
    /// under runs/]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Take all PATHs as one training, so that a script explains a log
    #[arg(long, conflicts_with = "watch")]
    pub together: bool,
    /// Follow one file while it grows, and say what is found as it is found
    #[arg(long, num_args = 0..=1, value_name = "SECONDS", default_missing_value = "2", require_equals = true)]
    pub watch: Option<f64>,
    /// Print a rule's page, or without RULE the list of rules
    #[arg(long, value_name = "RULE", num_args = 0..=1, conflicts_with_all = ["together", "watch"])]
    pub explain: Option<Option<String>>,
    /// How many classes there are, where no file says it
    #[arg(long, value_name = "K")]
    pub classes: Option<usize>,
    /// From which level on the exit code is 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    pub fail_on: FailOn,
}

/// From which level on findings change the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// The training does not do what it is for
    #[default]
    Error,
    /// Something is likely to cost
    Warning,
    /// Findings never do
    Never,
}

/// `traceward eval`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward eval ADFA-LD.zip --model svm               five honest folds, three seeds, with intervals
  traceward eval ADFA-LD.zip --model recommended,svm   two models on the same folds, compared in pairs
  traceward eval ADFA-LD.zip --protocol random         what many papers do, and how much it flatters
  traceward eval ADFA-LD.zip --protocol leave-one-family-out --seeds 1
  traceward eval runs/NAME                             a kept model, on the validation side of its data
  traceward eval model.safetensors new.csv             a kept model on other traces
  traceward eval runs/NAME --early                     and after how many calls it would have known

The first argument decides: a model file or a run directory is judged as it is, data is cut by a protocol
and models are trained on it. Thresholds are always chosen on other normals than those they judge; the ROC
point stands beside them. Ctrl-C ends after the training in hand, and what was judged is reported.")]
pub struct EvalArgs {
    /// Labelled traces to train and judge models on; or a model file or run directory to judge as it is
    /// [default: the built-in corpus]
    #[arg(value_name = "DATA|MODEL")]
    pub subject: Option<PathBuf>,
    /// After a MODEL: labelled traces [default: the built-in corpus]; the model's own training set is
    /// recognised, and only its validation side is used. After DATA: a second file, to validate on
    #[arg(value_name = "DATA")]
    pub data: Option<PathBuf>,
    /// How traces are told apart [default: honest; given for two files]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Protocol")]
    pub protocol: Option<ProtocolName>,
    /// Models to train and judge [default: svm]
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Protocol")]
    pub model: Vec<String>,
    /// Networks to train and judge, by preset
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = preset_names(), help_heading = "Protocol")]
    pub preset: Vec<String>,
    /// Networks to train and judge, by traceward.toml
    #[arg(long, value_name = "FILE", help_heading = "Protocol")]
    pub config: Vec<PathBuf>,
    /// How often all is done, each time with other folds and another training
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = at_least_one(), help_heading = "Protocol")]
    pub seeds: usize,
    /// The first seed; the others follow
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Protocol")]
    pub seed: u64,
    /// How many folds
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = at_least_one(), help_heading = "Protocol")]
    pub folds: usize,
    /// Of a model that is kept: what it says after 20, 50, 100, 200 calls, and how many it takes to an alarm
    #[arg(long, help_heading = "Kept models")]
    pub early: bool,
    /// Neither the baseline beside the models nor, under random, the honest protocol beside it
    #[arg(long, help_heading = "Protocol")]
    pub no_compare: bool,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Write evaluation.json and evaluation.html here
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Use only traces of files with TEXT in their name (UNM: login, ps)
    #[arg(long, value_name = "TEXT", help_heading = "Reading data")]
    pub only: Option<String>,
    /// How to read the data.
    #[command(flatten)]
    pub read: ReadArgs,
}

impl EvalArgs {
    /// The first flag given that makes no sense for a model that is kept.
    pub fn protocol_flag(&self) -> Option<&'static str> {
        let given = [
            ("--protocol", self.protocol.is_some()),
            ("--model", !self.model.is_empty()),
            ("--preset", !self.preset.is_empty()),
            ("--config", !self.config.is_empty()),
            ("--no-compare", self.no_compare),
            ("--out", self.out.is_some()),
            ("--only", self.only.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

fn at_least_one() -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser;
    clap::value_parser!(u32).range(1..=1000).map(|n| n as usize)
}

/// [`Protocol`](traceward_detect::protocol::Protocol) as a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProtocolName {
    /// Folds; copies removed, attack runs whole, no trace on both sides
    Honest,
    /// Stratified folds with copies, which flatters; the honest protocol is run beside it
    Random,
    /// Each attack family in turn left out of training: attack or not
    LeaveOneFamilyOut,
    /// Trained on normals alone: attack or not, by novelty
    NormalOnly,
    /// The data set's own parts
    Given,
}

impl From<ProtocolName> for traceward_detect::protocol::Protocol {
    fn from(name: ProtocolName) -> Self {
        match name {
            ProtocolName::Honest => Self::Honest,
            ProtocolName::Random => Self::Random,
            ProtocolName::LeaveOneFamilyOut => Self::LeaveOneFamilyOut,
            ProtocolName::NormalOnly => Self::NormalOnly,
            ProtocolName::Given => Self::Given,
        }
    }
}

/// `traceward score`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward score runs/NAME new-traces/ > verdicts.jsonl
  traceward score model.safetensors a.csv b.parquet | jq 'select(.verdict != \"normal\") | .source'
  traceward score model.safetensors new.csv --format text --far 1%

A verdict is normal, attack (with its family), unknown-attack, novel or abstain. The threshold is the one
that traceward calibrate put into the model. A finished trace is judged once, by all of its calls, which finds
more than judging it as if it were live (--life): each look at a process is a chance for a false alarm, too.")]
pub struct ScoreArgs {
    /// A model file, or a run directory
    pub model: PathBuf,
    /// Traces, in any format that traceward reads
    #[arg(required = true)]
    pub input: Vec<PathBuf>,
    /// Take the model's threshold for this false-alarm rate, such as 1% or 0.01 [default: the rate that it
    /// was calibrated for]
    #[arg(long, value_name = "RATE", help_heading = "Verdicts")]
    pub far: Option<Rate>,
    /// Call an attack what has P(attack) above this, whatever the model's calibration says
    #[arg(long, value_name = "P", value_parser = probability, conflicts_with = "far", help_heading = "Verdicts")]
    pub threshold: Option<f64>,
    /// Judge each trace as if it were live, at every moment of its life and by the threshold for that, not
    /// once by all of its calls; says after how many calls the alarm comes
    #[arg(long, help_heading = "Verdicts")]
    pub life: bool,
    /// Read only the first N calls of each trace
    #[arg(long, value_name = "N", help_heading = "Verdicts")]
    pub prefix: Option<std::num::NonZeroUsize>,
    /// Whose verdicts name the calls that moved them
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t, help_heading = "Verdicts")]
    pub reasons: WhatToExplain,
    /// Exit code 1 if a trace is an attack
    #[arg(long, help_heading = "Verdicts")]
    pub fail_on_attack: bool,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// How to read the data.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Whose verdicts are explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum WhatToExplain {
    /// Attacks and what is novel
    #[default]
    Alarms,
    /// Every trace: what speaks for an attack in normal ones, too. Slow
    All,
    /// None: fastest
    None,
}

/// What to capture, and how: `record` and `watch`.
#[derive(Args, Clone, Debug, Default)]
pub struct CaptureArgs {
    /// Capture this process with all that descends from it [default: the whole system]
    #[arg(long, value_name = "PID", help_heading = "Capture", conflicts_with_all = ["container", "command"])]
    pub pid: Option<u32>,
    /// Capture a container or a control group: an id, or a path below /sys/fs/cgroup
    #[arg(long, value_name = "ID|CGROUP", help_heading = "Capture", conflicts_with = "command")]
    pub container: Option<String>,
    /// What to capture with
    #[arg(long, value_enum, value_name = "WHAT", default_value_t, help_heading = "Capture")]
    pub with: CaptureWith,
    /// Room for what the kernel has seen and nobody has read yet
    #[arg(long, value_name = "SIZE", default_value = "16M", help_heading = "Capture")]
    pub ring: Size,
    /// The most calls of a trace; a thread that makes more is cut into several
    #[arg(long, value_name = "N", default_value_t = Cutter::WINDOW, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Capture")]
    pub window: u32,
    /// The most threads to follow at a time; beyond, those silent longest are forgotten
    #[arg(long, value_name = "N", default_value_t = Cutter::MOST, help_heading = "Capture")]
    pub most_threads: usize,
    /// End after this time: 90s, 15m, 1h [default: when the command ends, or at Ctrl-C]
    #[arg(long, value_name = "TIME", help_heading = "Capture")]
    pub duration: Option<Budget>,
    /// A command to start, with its arguments: captured with all that descends from it
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What to capture with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CaptureWith {
    /// eBPF where kernel and rights allow it, else ptrace if there is a command
    #[default]
    Auto,
    /// eBPF: needs Linux with BTF, and root or CAP_BPF and CAP_PERFMON
    Ebpf,
    /// ptrace: needs no rights and a command, and makes every call of it some 35 times slower
    Ptrace,
}

/// An amount of memory as typed: a number and `K`, `M` or `G`, of 1024 each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size(pub u64);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text[number.len()..].to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "K" | "KB" | "KIB" => 1 << 10,
            "M" | "MB" | "MIB" => 1 << 20,
            "G" | "GB" | "GIB" => 1 << 30,
            _ => return Err(format!("{text:?} is no amount of memory: write 64K, 16M or 1G")),
        };
        let bytes = number.trim().parse().ok().and_then(|n: u64| n.checked_mul(unit)).filter(|&n| n > 0);
        bytes.map(Self).ok_or_else(|| format!("{text:?} is no amount of memory: write 64K, 16M or 1G"))
    }
}

/// `traceward watch`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward watch runs/NAME --calibrate 1h --state /var/lib/traceward
  traceward watch runs/NAME --far 0.01% --alert stdout --alert webhook:https://example.org/alerts --state DIR
  traceward watch runs/NAME --container 4f0c --format ecs --alert syslog
  traceward watch runs/NAME -- ./suspicious --its --flags

A model says what it says of the hosts it was trained on; --calibrate learns this host's normal work first, and \
sets the threshold by it. Alerts are JSON, one a line. SIGHUP reads the suppressions again and reopens files; \
SIGTERM and Ctrl-C end it, with what is due sent or spooled. Exit code 1: a command was given, and alarms were raised.")]
pub struct WatchArgs {
    /// A model file, or a run directory
    pub model: PathBuf,
    /// Use the model's threshold for this false-alarm rate, such as 0.1% or 0.001 [default: the rate that it
    /// was calibrated for; with --calibrate: 0.1%]
    #[arg(long, value_name = "RATE", help_heading = "Verdicts")]
    pub far: Option<Rate>,
    /// Call an attack what has P(attack) above this, whatever the model's calibration says
    #[arg(long, value_name = "P", value_parser = probability, conflicts_with_all = ["far", "calibrate"], help_heading = "Verdicts")]
    pub threshold: Option<f64>,
    /// Learn this host's normal work for this time (90s, 15m, 1h), then watch. Kept in --state: the next start
    /// watches at once
    #[arg(long, value_name = "TIME", help_heading = "Verdicts")]
    pub calibrate: Option<Budget>,
    /// Learn anew though --state holds what was learnt
    #[arg(long, requires_all = ["calibrate", "state"], help_heading = "Verdicts")]
    pub recalibrate: bool,
    /// Where alerts go, any number of times: stdout, file:PATH, syslog, syslog:bsd, syslog:udp://HOST:PORT,
    /// syslog:tcp://HOST:PORT, webhook:URL [default: stdout]
    #[arg(long = "alert", value_name = "WHERE", help_heading = "Alerts")]
    pub alerts: Vec<String>,
    /// Alerts that nobody wants, as TOML; read again at SIGHUP
    #[arg(long, value_name = "FILE", help_heading = "Alerts")]
    pub suppress: Option<PathBuf>,
    /// For how long the like of an alert is counted instead of told; 0 tells every one
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = span, help_heading = "Alerts")]
    pub fold: std::time::Duration,
    /// The most alerts a minute in the long run; beyond, summaries
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Alerts")]
    pub alerts_a_minute: u32,
    /// File with the token that webhooks are sent (Authorization: Bearer)
    #[arg(long, value_name = "FILE", help_heading = "Alerts")]
    pub webhook_token: Option<PathBuf>,
    /// Folder for what must survive a restart: alerts not sent yet, what was learnt of this host
    #[arg(long, value_name = "DIR", help_heading = "Alerts")]
    pub state: Option<PathBuf>,
    /// Record what is watched, too: Parquet files in this folder
    #[arg(long, value_name = "DIR", help_heading = "Records")]
    pub record: Option<PathBuf>,
    /// Write the verdict on every trace that ends, normal ones too, as JSON Lines
    #[arg(long, value_name = "FILE", help_heading = "Records")]
    pub verdicts: Option<PathBuf>,
    /// Where /metrics, /healthz and /readyz are served; `off` for nowhere [default: 127.0.0.1:9643, and off if a
    /// command is given]
    #[arg(long, value_name = "ADDRESS", help_heading = "Metrics")]
    pub metrics: Option<String>,
    /// File with the token that readers of metrics must show; needed for any address but loopback
    #[arg(long, value_name = "FILE", help_heading = "Metrics")]
    pub metrics_token: Option<PathBuf>,
    /// Keep all rights once the capture is attached [default: all but those that reading /proc needs are dropped]
    #[arg(long, help_heading = "Capture")]
    pub keep_rights: bool,
    /// What to capture, and how.
    #[command(flatten)]
    pub capture: CaptureArgs,
}

fn span(text: &str) -> Result<std::time::Duration, String> {
    if text == "0" || text == "0s" {
        return Ok(std::time::Duration::ZERO);
    }
    text.parse().map(|Budget(span)| span)
}

/// `traceward record`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward record -- ls -l                            a command and all that it starts
  traceward record --out a.jsonl --label normal -- make test
  sudo traceward record --duration 1h                  the whole host, for an hour, into a folder
  sudo traceward record --pid 812 --out sshd.parquet   a process that runs, and its descendants
  sudo traceward record --container 3f29a0c2d1b8 --label normal --out web/
  traceward score runs/NAME recording-*.parquet        what a model says of a recording

The recording is a data set, a row a trace: at most --window calls of one thread, with its program, \
command line, user, container and parent beside them. Where calls were lost, a trace ends and both \
sides are marked. A file appears under its name once it is complete; Ctrl-C, SIGTERM and SIGHUP end \
a recording with all kept.

With a command, Ctrl-C is the command's affair, and a second one ends the recording; SIGTERM and \
SIGHUP are passed on as SIGTERM, and the recording ends with the command, or after five seconds with \
its death. The exit code is the command's own, 128 and the signal's number if one ended it; 2 if \
nothing could be recorded.")]
pub struct RecordArgs {
    /// What to capture, and how.
    #[command(flatten)]
    pub capture: CaptureArgs,
    /// Class of all traces, such as normal
    #[arg(long, value_name = "CLASS", help_heading = "Recording")]
    pub label: Option<String>,
    /// Group of all traces, which no split tears apart [default: HOST-TIME]
    #[arg(long, value_name = "NAME", help_heading = "Recording")]
    pub group: Option<String>,
    /// File to write, or a folder for files that follow each other: what is there already, or ends in /
    /// [default: recording-HOST-TIME.parquet for a command, a folder recording-HOST-TIME otherwise]
    #[arg(long, value_name = "FILE|DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Format [default: by the name of --out, else parquet]
    #[arg(long, value_enum, help_heading = "Output")]
    pub to: Option<RecordFormat>,
    /// Begin another file once this much waits in memory to be written; a trace takes two bytes a call and
    /// 256 more
    #[arg(long, value_name = "SIZE", default_value = "32M", help_heading = "Output")]
    pub rotate: Size,
    /// In a folder, begin another file after this time
    #[arg(long, value_name = "TIME", default_value = "10m", help_heading = "Output")]
    pub rotate_every: Budget,
}

/// What a recording is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// traceward's interchange format, one row a trace
    Parquet,
    /// JSON Lines, one object a trace
    Jsonl,
}

/// `traceward calibrate`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward calibrate runs/NAME my-normals/ --far 0.1%
  traceward calibrate model.safetensors monday.jsonl tuesday.jsonl --far 1% --out calibrated.safetensors

Give traces of your own normal processes, recorded as those that will be judged, which the model was not
trained on: 999 or more for 0.1 %. Of processes like these, at most that share will ever be called an attack,
and at most as many again novel.")]
pub struct CalibrateArgs {
    /// A model file, or a run directory
    pub model: PathBuf,
    /// Normal traces, in any format that traceward reads; what is labelled otherwise is left out
    #[arg(required = true)]
    pub normals: Vec<PathBuf>,
    /// The share of normal processes that may ever alarm, such as 0.1% or 0.001
    #[arg(long, value_name = "RATE", default_value = "0.1%")]
    pub far: Rate,
    /// Write the calibrated model here [default: into the model file itself]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// How to read the data.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// A rate between 0 and 1 as typed: `0.001` or `0.1%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub f64);

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no rate between 0 and 1: write 0.1% or 0.001");
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
        let rate = match text.strip_suffix('%') {
            // One rounding, so that 0.1% is 0.001.
            Some(percent) => number(percent)? / 100.0,
            None => number(text)?,
        };
        if rate > 0.0 && rate < 1.0 { Ok(Self(rate)) } else { Err(wrong()) }
    }
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
        _ => Err(format!("{text:?} is no probability: write a number from 0 to 1")),
    }
}

/// `traceward data …`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// What is in a data set, and what is wrong with it
    Inspect {
        /// Data set [default: the built-in corpus]; two files: training and validation
        #[arg(value_name = "DATA", num_args = 0..=2)]
        data: Vec<PathBuf>,
        /// How to read it.
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Write a data set in another format
    Convert(ConvertArgs),
    /// Cut a data set in two files, training and validation
    Split(DataSplitArgs),
    /// Download a public data set, after showing its licence
    Fetch(FetchArgs),
}

/// A format that we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WriteFormat {
    /// traceward's interchange format, one row a trace
    Parquet,
    /// JSON Lines, one object a trace
    Jsonl,
    /// The article's: a label column and a trace column
    Csv,
}

/// `traceward data convert`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  traceward data convert ADFA-LD.zip adfa.parquet
  traceward data convert ADFA-LD.zip article/ --to csv --parts training,attack    the article's train.csv and validation.csv")]
pub struct ConvertArgs {
    /// Data set
    pub data: PathBuf,
    /// File to write; for the article's two CSV files, a folder
    pub out: PathBuf,
    /// Format [default: by the name of OUT]
    #[arg(long, value_enum)]
    pub to: Option<WriteFormat>,
    /// Seed of the split into train.csv and validation.csv
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How train.csv and validation.csv are cut.
    #[command(flatten)]
    pub split: SplitArgs,
    /// How to read the data.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `traceward data split`.
#[derive(Args, Debug)]
pub struct DataSplitArgs {
    /// Data set
    pub data: PathBuf,
    /// Folder to write the two files to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Format of the two files
    #[arg(long, value_enum, default_value = "parquet")]
    pub to: WriteFormat,
    /// Seed of the shuffle
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How to cut.
    #[command(flatten)]
    pub split: SplitArgs,
    /// How to read the data.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `traceward data fetch`.
#[derive(Args, Debug)]
pub struct FetchArgs {
    /// Which data set
    #[arg(value_parser = ["adfa-ld"])]
    pub name: String,
    /// File to write [default: ADFA-LD.zip]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Agree to the licence without being asked
    #[arg(long)]
    pub yes: bool,
    /// Download from here instead; the SHA-256 must agree all the same
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// `traceward model …`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// What a model is: network, vocabulary, classes, what it was trained on
    Inspect {
        /// A model file, or a run directory
        model: PathBuf,
    },
}

/// `traceward runs …`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The runs under a folder, newest last
    List {
        /// The folder
        #[arg(default_value = "runs")]
        dir: PathBuf,
    },
    /// One run: what was asked, what came out
    Show {
        /// Its directory [default: the newest under runs/]
        run: Option<PathBuf>,
    },
}
