use std::sync::Arc;

use traceward_doctor::diagnose::NotChecked;
use traceward_doctor::{Cause, CauseKind, Diagnosis, Finding, Level, Need};
use traceward_run::Preset;
use traceward_run::config::{DataRecord, DataSource};
use traceward_run::history::Epoch;
use traceward_trace::{Abi, CallTable, Dataset, ReadReport, Source, Trace};

use super::*;
use crate::evaluation::tests::judged;

const FAMILIES: [&str; 4] = ["normal", "adduser", "hydra_ftp", "web_shell"];

/// 60 traces of 4 classes, every tenth a copy.
fn data(classes: &[&str]) -> Dataset {
    let mut calls = CallTable::default();
    let ids: Vec<u16> =
        ["read", "write", "openat", "close"].iter().map(|name| calls.intern(name).unwrap()).collect();
    let traces = (0..60_usize).map(|i| {
        let copied = if i % 10 == 9 { i - 4 } else { i };
        Trace {
            calls: (0..20 + copied).map(|step| ids[(step * copied + step / 3) % ids.len()]).collect(),
            class: Some(if i % 2 == 0 { 0 } else { (i % classes.len()) as u16 }),
            group: None,
            part: None,
            source: Source { file: Arc::from(format!("{i}.txt")), line: None },
            lost: 0,
        }
    });
    Dataset {
        name: "built-in corpus".into(),
        abi: Abi::X86_64,
        traces: traces.collect(),
        calls,
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        report: ReadReport::default(),
    }
}

struct Run {
    record: RunRecord,
    status: Status,
    history: History,
    profile: Profile,
    model: ModelSpec,
    diagnosis: Option<Diagnosis>,
}

impl Run {
    fn new(classes: &[&str]) -> Self {
        let data = data(classes);
        let config = Preset::Article5.config();
        let model = config.model.resolve(6, classes.len());
        let mut history = History::new();
        for epoch in 0..120 {
            let t = f64::from(epoch);
            let jitter = (t * 1.7).sin() / 60.0;
            history.push(&Epoch {
                epoch,
                accuracy: 0.98 - 0.6 * (-t / 30.0).exp() + jitter / 3.0,
                loss: 0.06 + 1.8 * (-t / 25.0).exp() + jitter,
                val_accuracy: Some(0.86 - 0.5 * (-t / 25.0).exp() - jitter),
                val_loss: Some(0.35 + 1.5 * (-t / 20.0).exp() + (t / 160.0).powi(2) + jitter),
                learning_rate: 1e-4,
                seconds: 0.75,
            });
        }
        let data_record = DataRecord {
            source: DataSource::default(),
            name: data.name.clone(),
            fingerprint: "00ff".repeat(16),
            traces: data.traces.len(),
            classes: data.classes.clone(),
            abi: data.abi.to_string(),
            training_traces: 48,
            validation_traces: 12,
        };
        Self {
            record: RunRecord { version: "0.1.0".into(), data: data_record, config },
            status: Status {
                state: State::Finished,
                started: 1_795_409_772,
                ended: Some(1_795_409_999),
                epochs_done: 120,
            },
            history,
            profile: Profile::of(&data),
            model,
            diagnosis: None,
        }
    }

    fn page(&self, evaluation: Option<&Evaluation>) -> String {
        run_page(&RunPage {
            record: &self.record,
            status: &self.status,
            history: &self.history,
            evaluation,
            profile: &self.profile,
            model: &self.model,
            traceward: "0.1.0",
            diagnosis: self.diagnosis.as_ref(),
        })
    }
}

#[test]
fn a_finished_run() {
    insta::assert_snapshot!(Run::new(&FAMILIES).page(Some(&judged(&FAMILIES, 900))));
}

#[test]
fn what_the_doctor_says_stands_on_the_page() {
    let mut run = Run::new(&FAMILIES);
    assert!(!run.page(None).contains("<h2>Findings</h2>"));
    let finding = Finding::new("C11", Level::Warning, "validation loss rose 12 %")
        .at_epoch(70)
        .cause(Cause::new(CauseKind::TooManyEpochs, 0.6, "it trains on after the best epoch"));
    let not_checked = vec![NotChecked { rule: "G01", needs: Need::Internals }];
    run.diagnosis = Some(Diagnosis { primary: None, findings: vec![finding], not_checked });
    let page = run.page(None);
    for said in [
        "<h2>Findings</h2>",
        "warning C11</span>validation loss rose 12 %",
        "history.csv: epoch 70",
        "too many epochs",
        "1 rule needs a look inside while it trains",
    ] {
        assert!(page.contains(said), "{said} in {page}");
    }
    run.diagnosis = Some(Diagnosis { primary: None, findings: Vec::new(), not_checked: Vec::new() });
    assert!(run.page(None).contains("<p>Nothing found by "));
}

#[test]
fn a_run_that_was_cut_off_at_once_has_a_page_too() {
    let mut run = Run::new(&FAMILIES);
    run.history = History::new();
    run.status.state = State::Interrupted;
    let page = run.page(None);
    assert!(page.contains("No epoch was finished.") && page.contains("There is none"), "{page}");
    assert!(!page.contains("<svg"), "{page}");
}

/// A name may come from a data set that wishes its reader ill.
#[test]
fn nothing_is_let_through_unescaped() {
    let evil = ["normal", "<script>alert(1)</script>", "\" onmouseover=\"alert(2)", "\u{1b}[2J\u{202e}"];
    let mut run = Run::new(&evil);
    run.record.data.name = "<img src=x onerror=alert(3)>".into();
    run.record.config.preset = Some("</title><script>alert(4)</script>".into());
    let page = run.page(Some(&judged(&evil, 400)));
    let tags: Vec<&str> = page.split('<').skip(1).collect();
    assert!(!tags.iter().any(|tag| tag.starts_with("script") || tag.starts_with("img")), "{page}");
    assert!(!page.contains("\" onmouseover"), "{page}");
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "{page}");
    assert!(page.contains("&#60;script&#62;"), "{page}");
}

/// The page stands alone, and forbids itself anything else.
#[test]
fn nothing_is_fetched() {
    let page = Run::new(&FAMILIES).page(Some(&judged(&FAMILIES, 400)));
    for fetching in ["http://", "https://", "src=", "href=", "@import", "url("] {
        let namespaces = page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count();
        let expected = if fetching == "http://" { namespaces } else { 0 };
        assert_eq!(page.matches(fetching).count(), expected, "{fetching}");
    }
    assert!(page.contains("default-src 'none'"), "{page}");
}

#[test]
fn every_setting_is_told() {
    let mut config = Preset::Article4.config();
    config.compile.clip_norm = Some(1.0);
    config.compile.optimizer = Optimizer::AdamW {
        learning_rate: 0.001,
        weight_decay: 0.004,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-7,
    };
    config.fit.schedule = Schedule::CosineDecay { alpha: 0.1, warmup_steps: 100 };
    config.fit.class_weight = ClassWeight::Given([("web_shell".to_owned(), 2.5)].into());
    config.fit.early_stopping = Some(EarlyStopping {
        monitor: Monitor::ValAccuracy,
        patience: 10,
        min_delta: 0.0,
        restore_best_weights: true,
    });
    config.input.max_len = None;
    let told: Vec<String> =
        settings(&config).into_iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
    insta::assert_snapshot!(told.join("\n"));
}
