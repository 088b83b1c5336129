//! `report.html`: a run on one page, for people who open it a year later.
//!
//! One file, no script, nothing fetched: the page forbids itself both by its own policy. Everything that
//! comes from data or configuration is escaped by the template; only our own SVG is let through. The page
//! is a plain function of its state, so a snapshot holds it still.

use askama::Template;
use traceward_doctor::Diagnosis;
use traceward_run::config::{
    ClassWeight, EarlyStopping, Monitor, Optimizer, RunRecord, Schedule, TrainConfig, Truncating,
};
use traceward_run::run_dir::{State, Status, readable_time};
use traceward_run::summary::summary;
use traceward_run::{Evaluation, History, ModelSpec};
use traceward_trace::profile::Profile;
use traceward_trace::profile::numerals::{count, counted, percent};
use traceward_trace::split::Method;

use crate::doctor::html::DiagnosisView;
use crate::figures::{duration, figure, figure_or_dash, loss, rate};
use crate::svg::{Chart, Line, Side, chart};
use crate::terminal::printable;

/// What a run's page is made of.
#[derive(Clone, Copy, Debug)]
pub struct RunPage<'a> {
    /// What ran, on which data.
    pub record: &'a RunRecord,
    /// How it stands.
    pub status: &'a Status,
    /// Its curves.
    pub history: &'a History,
    /// What came of it.
    pub evaluation: Option<&'a Evaluation>,
    /// The data that it saw.
    pub profile: &'a Profile,
    /// The network, its sizes [resolved](ModelSpec::resolve).
    pub model: &'a ModelSpec,
    /// The version that writes the page.
    pub traceward: &'static str,
    /// What the doctor says of it, if it was asked.
    pub diagnosis: Option<&'a Diagnosis>,
}

/// The page.
pub fn run_page(page: &RunPage<'_>) -> String {
    let record = page.record;
    let config = &record.config;
    let name = config.preset.as_deref().unwrap_or(&config.model.name);
    let view = View {
        title: format!("{} on {}", printable(name), printable(&record.data.name)),
        state: page.status.state.name(),
        state_class: match page.status.state {
            State::Finished => "good",
            State::Running => "",
            State::Interrupted => "warn",
        },
        standing: standing(page),
        cards: cards(page),
        charts: charts(page.history),
        best: best(page.history),
        evaluation: page.evaluation.map(EvaluationView::new),
        diagnosis: page.diagnosis.map(DiagnosisView::of_run),
        summary: printable_lines(&summary(page.model, None, 80)),
        settings: settings(config),
        data: data_facts(page),
        classes: page
            .profile
            .per_class
            .iter()
            .map(|class| {
                vec![
                    printable(&class.name).into_owned(),
                    count(class.traces),
                    percent(class.share),
                    count(class.distinct_traces),
                    count(class.lengths.median),
                ]
            })
            .collect(),
        flaws: page.profile.flaws.iter().map(|flaw| printable(flaw).into_owned()).collect(),
        split: split(config),
        facts: vec![
            fact("trained with", format!("traceward {}", record.version)),
            fact("page written by", format!("traceward {}", page.traceward)),
            fact("data fingerprint", record.data.fingerprint.clone()),
            fact("seeds", format!("training {}, split {}", config.seed, config.split.seed)),
        ],
        toml: printable_lines(&record.to_toml().unwrap_or_else(|error| error.to_string())),
    };
    // The template has no fallible part: formatting into a String does not fail.
    view.render().unwrap_or_else(|error| format!("<!doctype html><p>{error}</p>"))
}

#[derive(Template)]
#[template(path = "run.html")]
struct View {
    title: String,
    state: &'static str,
    state_class: &'static str,
    standing: String,
    cards: Vec<Card>,
    charts: Vec<String>,
    best: Option<String>,
    evaluation: Option<EvaluationView>,
    diagnosis: Option<DiagnosisView>,
    summary: String,
    settings: Vec<Fact>,
    data: Vec<Fact>,
    classes: Vec<Vec<String>>,
    flaws: Vec<String>,
    split: String,
    facts: Vec<Fact>,
    toml: String,
}

struct Card {
    label: String,
    value: String,
    note: String,
}

struct Fact {
    label: String,
    value: String,
}

fn fact(label: &str, value: impl Into<String>) -> Fact {
    Fact { label: label.into(), value: unbroken(&printable(&value.into())) }
}

/// [`printable`], but for the ends of lines.
fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// `text` whose numbers stay with their per cent signs.
fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

struct EvaluationView {
    title: String,
    facts: Vec<Fact>,
    classes: Vec<Vec<String>>,
    heads: Vec<String>,
    matrix: Vec<MatrixRow>,
    notes: Vec<String>,
}

struct MatrixRow {
    name: String,
    cells: Vec<HeatCell>,
}

struct HeatCell {
    text: String,
    /// What the cell means, shown when pointed at.
    title: String,
    /// `right`, `wrong` or nothing.
    class: &'static str,
    /// Share of the row, 0 to 100, the strength of the colour.
    heat: String,
}

impl EvaluationView {
    fn new(e: &Evaluation) -> Self {
        let names: Vec<String> = e.per_class.iter().map(|c| printable(&c.name).into_owned()).collect();
        let matrix = e.confusion.iter().enumerate().map(|(class, row)| {
            let all: u64 = row.iter().sum();
            let cells = row.iter().enumerate().map(|(called, &n)| {
                let share = if all == 0 { 0.0 } else { n as f64 / all as f64 };
                HeatCell {
                    text: if n == 0 { "·".into() } else { whole(n) },
                    title: format!(
                        "{} of {} {} traces were called {}",
                        whole(n),
                        whole(all),
                        names[class],
                        names[called]
                    ),
                    class: match n {
                        0 => "",
                        _ if class == called => "right",
                        _ => "wrong",
                    },
                    heat: format!("{:.0}", share * 100.0),
                }
            });
            MatrixRow { name: names[class].clone(), cells: cells.collect() }
        });
        Self {
            title: format!("{} judged, {} split", counted(e.traces, "trace"), printable(&e.protocol)),
            facts: evaluation_facts(e),
            classes: e
                .per_class
                .iter()
                .zip(&names)
                .map(|(class, name)| {
                    vec![
                        name.clone(),
                        figure(class.precision),
                        figure(class.recall),
                        figure(class.f1),
                        whole(class.support),
                    ]
                })
                .collect(),
            heads: names.clone(),
            matrix: matrix.collect(),
            notes: e.notes.iter().map(|note| printable(note).into_owned()).collect(),
        }
    }
}

fn evaluation_facts(e: &Evaluation) -> Vec<Fact> {
    let mut facts = vec![fact("accuracy", format!("{}{}", figure(e.accuracy), between(e, "accuracy")))];
    if let Some(loss) = e.log_loss {
        facts.push(fact("log loss", figure(loss)));
    }
    for point in &e.operating_points {
        let sure = shares_between(e, point.far).map_or(String::new(), |between| format!(" ({between})"));
        facts.push(Fact {
            label: format!("at {} false alarms", rate(point.far)),
            value: unbroken(&format!(
                "{} of {} attacks found{sure}; {} of {} normals flagged, by scores from {} on",
                percent(point.detection_rate),
                whole(point.attacks),
                whole(point.false_alarms),
                whole(point.normals),
                figure_or_dash(point.threshold),
            )),
        });
    }
    for baseline in &e.baselines {
        facts.push(fact(
            "baseline",
            format!(
                "{}: macro-F1 {}, accuracy {}, AUC {}",
                baseline.name,
                figure(baseline.macro_f1),
                figure(baseline.accuracy),
                figure_or_dash(baseline.auc)
            ),
        ));
    }
    facts
}

/// ` (95 % interval 0.880 to 0.940)`, or nothing.
fn between(e: &Evaluation, key: &str) -> String {
    e.intervals.get(key).map_or(String::new(), |[low, high]| {
        format!(" (95 % interval {} to {})", figure(*low), figure(*high))
    })
}

/// `79.0 % to 87.0 %`: the interval of the detection rate at a false-alarm rate.
fn shares_between(e: &Evaluation, far: f64) -> Option<String> {
    let [low, high] = e.intervals.get(&format!("dr_at_far.{far}"))?;
    Some(format!("{} to {}", percent(*low), percent(*high)))
}

fn whole(n: u64) -> String {
    count(n.try_into().unwrap_or(usize::MAX))
}

/// When, for how long, how far.
fn standing(page: &RunPage<'_>) -> String {
    let seconds: f64 = page
        .history
        .column("seconds")
        .map_or(0.0, |seconds| seconds.iter().flatten().filter(|s| s.is_finite()).sum());
    let mut said = format!(
        "{} of {} epochs, begun {} UTC",
        page.history.len(),
        page.record.config.fit.epochs,
        readable_time(page.status.started)
    );
    if seconds > 0.0 && !page.history.is_empty() {
        let each = seconds / page.history.len() as f64;
        said.push_str(&format!(", {} of training, {} an epoch", duration(seconds), duration(each)));
    }
    said
}

fn cards(page: &RunPage<'_>) -> Vec<Card> {
    let Some(e) = page.evaluation else { return Vec::new() };
    let note = |key: &str| {
        e.intervals
            .get(key)
            .map_or(String::new(), |[low, high]| format!("{} to {}", figure(*low), figure(*high)))
    };
    let mut cards = vec![
        Card { label: "macro-F1".into(), value: figure(e.macro_f1), note: note("macro_f1") },
        Card {
            label: "AUC, attack or not".into(),
            value: figure_or_dash(e.auc),
            note: if e.auc.is_none() { "needs normals and attacks".into() } else { String::new() },
        },
    ];
    cards.extend(e.operating_points.iter().map(|point| Card {
        label: format!("found at {} false alarms", rate(point.far)),
        value: percent(point.detection_rate),
        note: shares_between(e, point.far).unwrap_or_default(),
    }));
    if let Some(baseline) = e.baselines.first() {
        cards.push(Card {
            label: "baseline's macro-F1".into(),
            value: figure(baseline.macro_f1),
            note: printable(&baseline.name).into_owned(),
        });
    }
    cards
}

/// Loss and accuracy over epochs, with the epoch of the least validation loss marked.
fn charts(history: &History) -> Vec<String> {
    if history.is_empty() {
        return Vec::new();
    }
    let points = |column: &str| -> Vec<(f64, f64)> {
        let values = history.column(column).unwrap_or_default();
        let epochs = history.counters().iter().map(|epoch| *epoch as f64);
        epochs.zip(values).filter_map(|(epoch, value)| Some((epoch, (*value)?))).collect()
    };
    let best = history.best(Monitor::ValLoss).map(|row| history.counters()[row]);
    let label = best.map(|epoch| format!("least validation loss: {epoch}"));
    let mark = best.zip(label.as_deref()).map(|(epoch, label)| (epoch as f64, label));
    let draw = |title, training, validation, y_range| {
        let lines = [("training", Side::Training, training), ("validation", Side::Validation, validation)];
        let lines: Vec<Line<'_>> = lines
            .into_iter()
            .map(|(name, side, column)| Line { name, side, points: points(column) })
            .filter(|line| !line.points.is_empty())
            .collect();
        chart(&Chart { title, x_title: "epoch", lines, mark, y_range })
    };
    vec![
        draw("loss", "loss", "val_loss", None),
        draw("accuracy", "accuracy", "val_accuracy", Some((0.0, 1.0))),
    ]
}

/// The best epoch and the last one in words.
fn best(history: &History) -> Option<String> {
    let row = history.best(Monitor::ValLoss)?;
    let least = history.column("val_loss")?[row]?;
    let last = history.last("val_loss")?;
    let epoch = history.counters()[row];
    Some(if row + 1 == history.len() {
        format!("The validation loss is least, {}, in the last epoch.", loss(least))
    } else {
        format!(
            "The validation loss is least, {}, in epoch {epoch} (counted from 0); in the last it is {}.",
            loss(least),
            loss(last)
        )
    })
}

fn settings(config: &TrainConfig) -> Vec<Fact> {
    let mut facts = vec![
        fact("loss", word(&config.compile.loss)),
        fact("optimizer", optimizer(&config.compile.optimizer)),
        fact("batch", format!("{} a step", counted(config.fit.batch_size, "trace"))),
        fact(
            "length read",
            match (config.input.max_len, config.input.truncating) {
                (None, _) => "whole traces".into(),
                (Some(calls), Truncating::Pre) => format!("the last {}", counted(calls, "call")),
                (Some(calls), Truncating::Post) => format!("the first {}", counted(calls, "call")),
            },
        ),
        fact("order", if config.fit.shuffle { "shuffled each epoch" } else { "as the rows stand" }),
    ];
    if let Some(norm) = config.compile.clip_norm {
        facts.push(fact("gradient", format!("norm clipped at {norm}")));
    }
    match config.fit.schedule {
        Schedule::Constant => {}
        Schedule::ExponentialDecay { decay_steps, decay_rate } => {
            facts.push(fact("schedule", format!("times {decay_rate} every {decay_steps} steps, smoothly")));
        }
        Schedule::CosineDecay { alpha, warmup_steps } => facts.push(fact(
            "schedule",
            format!("half a cosine down to {alpha} of it, after {warmup_steps} steps of warming up"),
        )),
        Schedule::StepDecay { every, factor } => {
            facts.push(fact("schedule", format!("times {factor} every {every} epochs")));
        }
    }
    match &config.fit.class_weight {
        ClassWeight::None => {}
        ClassWeight::Balanced => facts.push(fact("class weights", "balanced")),
        ClassWeight::SqrtBalanced => facts.push(fact("class weights", "the root of balanced")),
        ClassWeight::Given(weights) => {
            let weights: Vec<String> =
                weights.iter().map(|(class, weight)| format!("{class} {weight}")).collect();
            facts.push(fact("class weights", weights.join(", ")));
        }
    }
    if let Some(EarlyStopping { monitor, patience, restore_best_weights, .. }) = config.fit.early_stopping {
        let back = if restore_best_weights { ", going back to the best weights" } else { "" };
        facts.push(fact(
            "early stopping",
            format!("after {patience} epochs without a better {}{back}", monitor.column()),
        ));
    }
    facts
}

fn optimizer(optimizer: &Optimizer) -> String {
    match *optimizer {
        Optimizer::Sgd { learning_rate, momentum, nesterov } => format!(
            "SGD, learning rate {learning_rate}, momentum {momentum}{}",
            if nesterov { ", Nesterov's" } else { "" }
        ),
        Optimizer::Adam { learning_rate, .. } => format!("Adam, learning rate {learning_rate}"),
        Optimizer::AdamW { learning_rate, weight_decay, .. } => {
            format!("AdamW, learning rate {learning_rate}, weight decay {weight_decay}")
        }
        Optimizer::RmsProp { learning_rate, momentum, .. } => {
            format!("RMSprop, learning rate {learning_rate}, momentum {momentum}")
        }
    }
}

/// A variant as the configuration names it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(|word| word.replace('_', " ")))
        .unwrap_or_default()
}

fn data_facts(page: &RunPage<'_>) -> Vec<Fact> {
    let p = page.profile;
    vec![
        fact("traces", format!("{}, {} distinct", count(p.traces), count(p.distinct_traces))),
        fact("calls", format!("{}, {} distinct, ABI {}", count(p.calls), count(p.distinct_calls), p.abi)),
        fact(
            "lengths",
            format!(
                "{} to {}, median {}, 95 % are at most {}",
                count(p.lengths.min),
                count(p.lengths.max),
                count(p.lengths.median),
                count(p.lengths.p95)
            ),
        ),
        fact(
            "sides",
            format!(
                "{} to train on, {} to validate on",
                count(page.record.data.training_traces),
                count(page.record.data.validation_traces)
            ),
        ),
    ]
}

/// How the data was cut, and what that means for the numbers above.
fn split(config: &TrainConfig) -> String {
    let share = rate(config.split.validation_share);
    match config.split.method {
        Method::Given => "The data set's own two parts.".into(),
        Method::Random => format!(
            "Random: {share} of each class validate. Copies of one trace, and traces of one attack run, may stand on both sides; the figures flatter."
        ),
        Method::Grouped => format!(
            "Grouped: {share} of the groups validate. No group stands on both sides, nor do two equal traces."
        ),
        Method::Tail if config.split.shuffle_first => format!(
            "Tail: the last {share} of the rows validate, after one shuffle. Copies of one trace, and traces of one attack run, may stand on both sides; the figures flatter."
        ),
        Method::Tail => format!(
            "Tail: the last {share} of the rows validate, in file order, as Keras' validation_split takes them. Sorted data has other classes at its end than at its beginning."
        ),
    }
}

#[cfg(test)]
mod tests;
