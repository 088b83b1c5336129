use std::sync::atomic::AtomicBool;

use traceward_detect::Trainer;
use traceward_detect::compare::compare;
use traceward_detect::protocol::{Config, Control, Inflation, Protocol, ProtocolResult, Run, run};
use traceward_run::classifier::Unreadable;
use traceward_run::{Classifier, Labelled, Scores};
use traceward_trace::rng::Rng;
use traceward_trace::{Abi, CallTable, Dataset, ReadReport, Source, Trace};

use super::*;
use crate::terminal::columns;

const FAMILIES: [&str; 3] = ["adduser", "hydra_ftp", "web\x1b[2Jshell"];

/// Normals, and ten runs of four traces of each family; a trace's second call tells how hard it is.
fn data() -> Dataset {
    let mut calls = CallTable::default();
    let mut random = Rng::new(3);
    let classes: Vec<String> = ["normal"].iter().chain(&FAMILIES).map(|&name| name.to_owned()).collect();
    let mut traces = Vec::new();
    let mut add = |class: u16, group: Option<String>| {
        let line = traces.len() as u64 + 1;
        let names = [format!("class_{class}"), format!("hard_{}", random.below(100)), format!("line_{line}")];
        traces.push(Trace {
            calls: names.iter().map(|name| calls.intern(name).unwrap()).collect(),
            class: Some(class),
            group: group.map(Into::into),
            part: None,
            source: Source { file: "sample".into(), line: Some(line) },
            lost: 0,
        });
    };
    (0..1200).for_each(|_| add(0, None));
    for class in 1..=3_u16 {
        for run in 0..10 {
            (0..4).for_each(|_| add(class, Some(format!("{}_{run}", FAMILIES[usize::from(class) - 1]))));
        }
    }
    let report = ReadReport::default();
    Dataset { name: "sample".into(), abi: Abi::I386, calls, classes, traces, report }
}

/// Reads the class off a trace, and is wrong on those that are harder than it bears.
struct Oracle {
    name: &'static str,
    bears: u64,
}

struct OracleModel {
    /// By token: the class that it tells, and how hard.
    class: Vec<Option<usize>>,
    bears: u64,
    classes: usize,
}

impl Trainer for Oracle {
    fn name(&self) -> &str {
        self.name
    }

    fn train(&self, data: &Labelled<'_>, _: u64) -> Result<Box<dyn Classifier>, String> {
        let mut class = vec![None; data.vocabulary];
        for (trace, label) in data.traces.iter().zip(&data.labels) {
            class[trace[0] as usize] = Some(usize::from(*label));
        }
        Ok(Box::new(OracleModel { class, bears: self.bears, classes: data.classes }))
    }
}

impl Classifier for OracleModel {
    fn classes(&self) -> usize {
        self.classes
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        let mut values = Vec::new();
        for trace in traces {
            let hard = Rng::new(u64::from(trace[1]) << 8).below(100);
            let class = self.class[trace[0] as usize].unwrap_or(0);
            let sure = 0.55 + 0.4 * Rng::new(u64::from(trace[1])).uniform() as f32;
            let wrong = if class == 0 && hard < 97 { 0 } else { (class + 1) % self.classes };
            let called = if hard < self.bears { class } else { wrong };
            values.extend(
                (0..self.classes)
                    .map(|c| if c == called { sure } else { (1.0 - sure) / (self.classes - 1) as f32 }),
            );
        }
        Ok(Scores::new(self.classes, values))
    }
}

fn judged(data: &Dataset, protocol: Protocol, name: &'static str, bears: u64) -> Run {
    let config = Config { protocol, folds: 5, seed: 0, seeds: 2 };
    let control = Control { stop: &AtomicBool::new(false), progress: &|_| {} };
    run(data, &config, &Oracle { name, bears }, &control).unwrap()
}

fn report(protocol: Protocol) -> ProtocolReport {
    let data = data();
    let (first, second) = (judged(&data, protocol, "recommended", 80), judged(&data, protocol, "svm", 60));
    let timeless = |run: &Run| {
        let mut result = ProtocolResult::new(&data, run).unwrap();
        (result.training_seconds, result.calls_per_second) = (1.5, 2e5);
        result
    };
    let (result, other) = (timeless(&first), timeless(&second));
    let honest = timeless(&judged(&data, Protocol::Honest, "recommended", 75));
    ProtocolReport {
        data: data.name.clone(),
        fingerprint: "0123456789ab".into(),
        baselines: result.most_frequent().into_iter().chain([other.standing()]).collect(),
        comparisons: vec![compare(&data, &first, &second).unwrap()],
        inflation: (protocol == Protocol::Random).then(|| Inflation::of(&result, &honest).unwrap()),
        result,
        models: vec![other],
        flaws: vec!["normal holds 90.9 % of the traces: accuracy alone says little.".into()],
    }
}

fn widest(text: &str) -> usize {
    text.lines().map(columns).max().unwrap_or(0)
}

#[test]
fn on_eighty_columns() {
    let text = plain(&report(Protocol::Honest), 80);
    assert!(widest(&text) <= 80, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_narrow_terminal_loses_columns() {
    let text = plain(&report(Protocol::Honest), 60);
    assert!(widest(&text) <= 60, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn leaving_families_out_names_the_worst() {
    insta::assert_snapshot!(plain(&report(Protocol::LeaveOneFamilyOut), 80));
}

#[test]
fn a_random_split_is_warned_of_by_what_was_measured() {
    let text = plain(&report(Protocol::Random), 80);
    let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        unwrapped.contains("Random folds with copies change what recommended seems to be worth"),
        "{text}"
    );
    assert!(unwrapped.contains("instead of"), "{text}");
}

#[test]
fn names_cannot_speak_and_styles_change_no_letter() {
    let report = report(Protocol::Honest);
    let plain = plain(&report, 80);
    assert!(!plain.contains('\x1b'), "{plain}");
    let mut bare = String::new();
    let mut escape = false;
    for c in text(&report, 80).chars() {
        match c {
            '\x1b' => escape = true,
            'm' if escape => escape = false,
            _ if !escape => bare.push(c),
            _ => {}
        }
    }
    assert_eq!(bare, plain);
}

#[test]
fn the_page_stands_by_itself() {
    let page = html::page(&report(Protocol::Honest), "0.1.0");
    assert!(!page.contains('\x1b') && !page.contains("<script"), "{page}");
    for needle in ["ROC point", "P(attack), %", "normals flagged, %", "class=\"matrix\"", "Each attack run"] {
        assert!(page.contains(needle), "{needle}");
    }
    let shape: Vec<&str> = page.lines().filter(|line| !line.contains("<svg")).collect();
    insta::assert_snapshot!(shape.join("\n"));
}

#[test]
fn the_json_is_an_interface() {
    let report = report(Protocol::Honest);
    let json = serde_json::to_value(&report).unwrap();
    for key in [
        "protocol",
        "accuracy",
        "macro_f1",
        "auc",
        "dr_at_far",
        "per_class",
        "confusion",
        "intervals",
        "baselines",
    ] {
        assert!(!json[key].is_null(), "{key}");
    }
    assert_eq!(serde_json::from_value::<ProtocolReport>(json.clone()).unwrap(), report);
    let mut shape = json;
    outline(&mut shape);
    insta::assert_json_snapshot!(shape);
}

/// Leaves of one list element and no numbers: the shape of the document.
fn outline(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::Array(items) => {
            items.truncate(1);
            items.iter_mut().for_each(outline);
        }
        Value::Object(map) => map.values_mut().for_each(outline),
        Value::Number(_) => *value = Value::String("number".into()),
        Value::String(_) => *value = Value::String("text".into()),
        Value::Bool(_) => *value = Value::String("bool".into()),
        Value::Null => {}
    }
}
