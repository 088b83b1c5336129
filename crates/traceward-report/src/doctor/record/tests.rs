use traceward_doctor::record::unified_diff;
use traceward_doctor::{CauseKind, Label};

use super::*;

fn curve(values: impl Iterator<Item = f64>) -> Option<Curve> {
    let values: Vec<f64> = values.collect();
    Some(Curve { rows: (0..values.len()).collect(), values })
}

fn scores(values: [f64; 3]) -> Vec<Score> {
    values.into_iter().zip(1..).map(|(value, seed)| Score { seed, value: Some(value) }).collect()
}

/// A debugging of two steps: one treatment dropped, one in vain, one kept.
fn record() -> DebugRecord {
    let config = "activation = \"sigmoid\"\nlearning_rate = 0.01\nepochs = 5\n";
    let stuck = RecordedCurves {
        loss: curve((0..5).map(|t| 0.46 - f64::from(t) * 1e-4)),
        val_loss: curve((0..5).map(|t| 0.47 + f64::from(t) * 1e-4)),
        accuracy: curve((0..5).map(|_| 0.52)),
        val_accuracy: curve((0..5).map(|_| 0.51)),
    };
    let healthy = RecordedCurves {
        loss: curve((0..5).map(|t| 1.9 * (-f64::from(t)).exp())),
        val_loss: curve((0..5).map(|t| 1.9 * (-f64::from(t) / 1.2).exp())),
        ..RecordedCurves::default()
    };
    let finding = RecordedFinding {
        rule: "S01".into(),
        name: "output activation does not fit the loss".into(),
        level: Level::Error,
        symptom: "7 outputs end in sigmoid under categorical_crossentropy".into(),
        epoch: None,
        place: Some("layer 4, activation".into()),
        causes: vec![RecordedCause {
            kind: CauseKind::OutputActivation,
            text: "outputs that should add up to 1 do not".into(),
            weight: 0.9,
            speaks_for: Vec::new(),
            speaks_against: Vec::new(),
        }],
        treatments: vec!["use softmax".into()],
    };
    let trial = |treatment: &str, after: &str, verdict, why: &str| Trial {
        treatment: treatment.into(),
        rule: "S01".into(),
        cause: Some(CauseKind::OutputActivation),
        reason: "S01 comes first in the order of treatment.".into(),
        change: unified_diff(config, after, "before/traceward.toml", "after/traceward.toml"),
        metric: "macro-F1".into(),
        larger_is_better: true,
        before: scores([0.11, 0.12, 0.1]),
        verdict,
        why: why.into(),
        seconds: 12.0,
        ..Trial::default()
    };
    let step = Step {
        number: 1,
        run: Some("debug/1".into()),
        summary: vec![("network".into(), "Embedding 64, BiLSTM 32, Dense 64, Dense 7".into())],
        config: config.into(),
        curves: stuck.clone(),
        primary: Some(Label::Stuck),
        findings: vec![
            finding.clone(),
            RecordedFinding { rule: "S13".into(), level: Level::Note, ..finding },
        ],
        notes: vec!["the range test suggests 0.0003".into()],
        trials: vec![
            Trial {
                after: scores([0.1, 0.13, 0.1]),
                gain: Some(-0.002),
                noise: Some(0.02),
                curves: Some(stuck),
                ..trial(
                    "train longer",
                    &config.replace('5', "50"),
                    Verdict::Rejected,
                    "no gain beyond the noise of 0.02",
                )
            },
            trial("a step of 10", &config.replace("0.01", "10"), Verdict::Failed, "the loss is not a number"),
            Trial {
                after: scores([0.61, 0.6, 0.63]),
                gain: Some(0.5),
                noise: Some(0.02),
                ..trial(
                    "use softmax in the last layer",
                    &config.replace("sigmoid", "softmax"),
                    Verdict::Accepted,
                    "it gains more than the noise of three seeds",
                )
            },
        ],
        seconds: 60.0,
    };
    let last = Step { number: 2, curves: healthy, primary: Some(Label::Healthy), ..Step::default() };
    DebugRecord {
        traceward: "0.1.0".into(),
        name: "article-1".into(),
        data: "ADFA-LD".into(),
        began: Some(1_795_409_772),
        budget: Some(3600.0),
        seconds: 754.0,
        facts: vec![("split".into(), "grouped, seed 1".into()), ("trials".into(), "3 seeds each".into())],
        steps: vec![step, last],
        outcome: Outcome::Healthy,
    }
}

#[test]
fn the_diary_in_a_terminal() {
    insta::assert_snapshot!("record_40", record_text(&record(), 40, Palette::PLAIN));
    insta::assert_snapshot!("record_80", record_text(&record(), 80, Palette::PLAIN));
    for width in 24..120 {
        let text = record_text(&record(), width, Palette::PLAIN);
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
    }
}

#[test]
fn the_diary_in_markdown() {
    insta::assert_snapshot!(record_markdown(&record()));
}

#[test]
fn the_diary_as_a_page() {
    insta::assert_snapshot!(record_html(&record()));
}

#[test]
fn a_record_that_has_only_begun_is_a_record() {
    let record = DebugRecord { name: "recommended".into(), ..DebugRecord::default() };
    let text = record_text(&record, 80, Palette::PLAIN);
    assert!(text.contains("It is still running, after 0 steps"), "{text}");
    assert!(record_markdown(&record).starts_with("# Debugging recommended\n"));
    assert!(record_html(&record).contains("Debugging recommended"));
}

#[test]
fn nothing_is_let_through_unescaped() {
    let evil = "<script>alert(1)</script>\x1b[2J";
    let mut record = record();
    record.name = evil.into();
    record.facts.push((evil.into(), evil.into()));
    let step = &mut record.steps[0];
    step.notes.push(evil.into());
    step.config = evil.into();
    step.summary.push((evil.into(), evil.into()));
    step.findings[0].symptom = evil.into();
    step.trials[0].why = evil.into();
    step.trials[0].change = evil.into();
    step.trials[0].metric = evil.into();
    let page = record_html(&record);
    assert!(!page.contains("<script") && !page.contains('\x1b'), "{page}");
    let text = record_text(&record, 80, Palette::PLAIN);
    assert!(!text.contains('\x1b'), "{text}");
    let markdown = record_markdown(&record);
    assert!(!markdown.contains('\x1b'), "{markdown}");
}
