//! Snapshots of every form, over the same few reports, and what must hold for all reports.

mod schema;

use proptest::prelude::*;
use traceward_doctor::curve::{Curve, Curves};
use traceward_doctor::diagnose::NotChecked;
use traceward_doctor::{
    Cause, CauseKind, Change, Diagnosis, Finding, Label, Level, Need, Place, Source, Treatment,
};

use super::*;
use crate::terminal::Palette;

/// A script with what makes excerpts hard: a tab, letters of two bytes and of two columns, a long line.
const SCRIPT: &str = "\
import keras
model = Sequential([
    Embedding(5000, 64),
    Bidirectional(LSTM(32)),
    Dense(64),
    Dense(7, activation='sigmond'),
])
if grün:\t# 漢字
\tmodel.compile(loss='categorical_crossentropy', optimizer=Adam(learning_rate=0.01), metrics=['accuracy'], loss_weights=None, weighted_metrics=None)
";

/// Where `needle` stands in the script.
pub(super) fn at(needle: &str) -> Option<Place> {
    let start = SCRIPT.find(needle).unwrap();
    Some(Place::Span(start..start + needle.len()))
}

pub(super) fn script() -> (Source, Diagnosis) {
    let source = Source { path: "stage1.py".into(), text: SCRIPT.into() };
    let name = SCRIPT.find("'sigmond'").unwrap();
    let findings = vec![
        Finding::new("S07", Level::Error, "there is no activation 'sigmond'")
            .at(at("'sigmond'"))
            .cause(Cause::new(CauseKind::UnknownName, 0.99, "the name is misspelt"))
            .treat(
                Treatment::automatic(
                    Change::OutputActivation { activation: "sigmoid".into() },
                    "write 'sigmoid'; for one class of several, 'softmax'",
                )
                .replacing(name..name + "'sigmond'".len(), "'softmax'"),
            ),
        Finding::new("S03", Level::Error, "the network ends with a softmax over 1 unit, whose output is always 1")
            .at(at("Sequential([\n    Embedding(5000, 64),\n    Bidirectional(LSTM(32)),\n    Dense(64),\n    Dense(7, activation='sigmond'),\n])"))
            .cause(
                Cause::new(CauseKind::OutputActivation, 0.8, "several outputs that must add up to 1 do not")
                    .because("7 units, one class an item")
                    .although("Keras divides the outputs by their sum, so that it can learn all the same"),
            )
            .treat(Treatment::advice("use activation='softmax' in the last layer")),
        Finding::new("S09", Level::Warning, "Adam's learning rate is 0.01; recurrent layers want at most 0.003")
            .at(at("learning_rate=0.01"))
            .cause(Cause::new(CauseKind::LearningRateHigh, 0.55, "the steps are too large for an LSTM"))
            .cause(Cause::new(CauseKind::OutputActivation, 0.3, "the gradient is not that of the loss"))
            .treat(Treatment::automatic(
                Change::ScaleLearningRate { factor: 0.1 },
                "divide the learning rate by 10",
            ))
            .note("the range test measures it: traceward train --check"),
        Finding::new("S05", Level::Note, "grün decides whether it is compiled at all").at(at("grün:\t# 漢字")),
    ];
    (source, diagnosis(None, findings))
}

pub(super) fn log() -> (Curves, Diagnosis) {
    let rows = 60;
    let of = |value: fn(f64) -> f64| {
        let values: Vec<f64> = (0..rows).map(|row| value(f64::from(row))).collect();
        Some(Curve { rows: (0..rows as usize).collect(), values })
    };
    let curves = Curves {
        rows: rows as usize,
        loss: of(|t| 0.06 + 1.8 * (-t / 9.0).exp()),
        val_loss: of(|t| 0.5 + 1.4 * (-t / 6.0).exp() + (t / 60.0).powi(2) * 0.9),
        ..Curves::default()
    };
    let findings = vec![
        Finding::new(
            "C11",
            Level::Error,
            "validation loss rose 68 % after epoch 21, its best, while training loss fell 71 %",
        )
        .label(Label::Overfit)
        .at_epoch(21)
        .cause(
            Cause::new(CauseKind::TooManyEpochs, 0.5, "it trains on after the best epoch")
                .because("the best epoch is 21 of 60"),
        )
        .cause(
            Cause::new(CauseKind::TooLittleRegularization, 0.45, "nothing keeps it from learning by heart")
                .because("training loss goes on to 0.06")
                .although("validation accuracy does not fall"),
        )
        .treat(Treatment::automatic(
            Change::EarlyStopping { patience: 5 },
            "stop when validation loss has not improved for 5 epochs, and restore the best weights",
        ))
        .treat(Treatment::automatic(Change::Dropout { after: 1, rate: 0.25 }, "add Dropout(0.25)")),
        Finding::new("C08", Level::Note, "a small peak in training loss").at_epoch(3),
    ];
    (curves, diagnosis(Some(Label::Overfit), findings))
}

pub(super) fn diagnosis(primary: Option<Label>, findings: Vec<Finding>) -> Diagnosis {
    let needs = [
        ("C01", Need::Curves),
        ("C02", Need::Curves),
        ("C04", Need::Curves),
        ("D01", Need::Data),
        ("D02", Need::Split),
        ("G01", Need::Internals),
        ("G02", Need::Internals),
        ("G03", Need::Internals),
    ];
    let not_checked = needs.map(|(rule, needs)| NotChecked { rule, needs });
    Diagnosis { primary, findings, not_checked: not_checked.into() }
}

fn of_script<'a>(source: &'a Source, diagnosis: &'a Diagnosis) -> Report<'a> {
    let kind = "Keras script";
    Report { path: "stage1.py", run: None, kind, diagnosis, source: Some(source), curves: None }
}

fn of_log<'a>(curves: &'a Curves, diagnosis: &'a Diagnosis) -> Report<'a> {
    let kind = "Keras CSVLogger log";
    Report { path: "runs/4/history.csv", run: None, kind, diagnosis, source: None, curves: Some(curves) }
}

/// `text` as it is whatever number of rules there is: they grow.
fn told(text: &str) -> String {
    let looked = traceward_doctor::rules::all().count() - 8;
    let text = text.replace(&format!("{looked} rules"), "53 rules");
    text.replace(
        &format!(
            "{looked}
  rules"
        ),
        "53
  rules",
    )
}

#[test]
fn a_script_in_three_widths() {
    let (source, diagnosis) = script();
    let report = of_script(&source, &diagnosis);
    for width in [40, 80, 120] {
        let text = told(&text(&report, width, Palette::PLAIN));
        insta::assert_snapshot!(format!("script_{width}"), text);
    }
}

#[test]
fn a_log_in_three_widths() {
    let (curves, diagnosis) = log();
    let report = of_log(&curves, &diagnosis);
    for width in [40, 80, 120] {
        let text = told(&text(&report, width, Palette::PLAIN));
        insta::assert_snapshot!(format!("log_{width}"), text);
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let (source, diagnosis) = script();
    let report = of_script(&source, &diagnosis);
    let colour = text(&report, 80, Palette::COLOUR);
    insta::assert_snapshot!("script_in_colour", told(&colour));
    assert_eq!(plain(&colour), text(&report, 80, Palette::PLAIN));
}

#[test]
fn a_healthy_run_is_said_to_be_no_more_than_that() {
    let (curves, _) = log();
    let diagnosis = diagnosis(Some(Label::Healthy), Vec::new());
    let text = text(&of_log(&curves, &diagnosis), 80, Palette::PLAIN);
    let text = told(&text);
    assert!(text.contains("nothing found by 53 rules; 8 could not be checked\n"), "{text}");
    assert!(text.contains("HEALTHY: learns, and nothing is wrong\n"), "{text}");
    assert!(!text.contains("Likely causes"), "{text}");
}

#[test]
fn where_nothing_could_look_nothing_is_fine() {
    let missing = traceward_doctor::rules::all();
    let not_checked = missing.map(|rule| NotChecked { rule: rule.id, needs: Need::Curves }).collect();
    let diagnosis = Diagnosis { not_checked, ..diagnosis(None, Vec::new()) };
    let curves = Curves::default();
    let report = Report { curves: None, ..of_log(&curves, &diagnosis) };
    let text = text(&report, 120, Palette::PLAIN);
    assert!(text.contains("nothing could be checked: none of "), "{text}");
    assert!(!text.contains("nothing found"), "{text}");
}

#[test]
fn several_reports_in_a_table() {
    let (source, of_stage_1) = script();
    let (curves, of_run) = log();
    let healthy = diagnosis(Some(Label::Healthy), Vec::new());
    let reports = [
        of_script(&source, &of_stage_1),
        of_log(&curves, &of_run),
        Report { path: "pasted.log", run: Some("run 2"), ..of_log(&curves, &healthy) },
    ];
    assert_eq!(summary(&reports[..1], 80, Palette::PLAIN), "");
    let tables = [40, 80].map(|width| summary(&reports, width, Palette::PLAIN));
    insta::assert_snapshot!(tables.join("\n\n"));
}

#[test]
fn a_finding_in_a_line() {
    let (_, diagnosis) = log();
    assert_eq!(
        line(&diagnosis.findings[0]),
        "error[C11] at epoch 21: validation loss rose 68 % after epoch 21, its best, while training loss fell 71 %\n  \
         help: stop when validation loss has not improved for 5 epochs, and restore the best weights"
    );
    assert_eq!(line(&Finding::new("S01", Level::Note, "a\x1b[2J\n")), "note[S01]: a\u{fffd}[2J\u{fffd}");
}

#[test]
fn a_curve_that_ends_in_nan_is_shown() {
    let values = vec![1.9, 1.2, 0.9, f64::NAN, f64::NAN];
    let curves =
        Curves { rows: 5, loss: Some(Curve { rows: (0..5).collect(), values }), ..Curves::default() };
    let found = Finding::new("C01", Level::Error, "loss is not a number from epoch 3 on")
        .label(Label::Nan)
        .at(Some(Place::Epoch(3)));
    let diagnosis = diagnosis(Some(Label::Nan), vec![found]);
    insta::assert_snapshot!(told(&text(&of_log(&curves, &diagnosis), 60, Palette::PLAIN)));
}

#[test]
fn json_of_a_script_and_a_log() {
    let (source, of_stage_1) = script();
    let mut document = json(&of_script(&source, &of_stage_1));
    document.rules_checked = 53;
    insta::assert_json_snapshot!("script_json", document);
    let (curves, of_run) = log();
    let mut document = json(&of_log(&curves, &of_run));
    document.rules_checked = 53;
    insta::assert_json_snapshot!("log_json", document);
}

/// A file of the project.
fn project_file(path: &str) -> serde_json::Value {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn json_is_as_its_schema_says() {
    let schema = project_file("docs/doctor.schema.json");
    let (source, of_stage_1) = script();
    let (curves, of_run) = log();
    let in_places = diagnosis(
        None,
        vec![
            Finding::new("G03", Level::Error, "dead")
                .at(Some(Place::Layer { index: 2, name: "dense".into() })),
            Finding::new("D08", Level::Warning, "bad").at(Some(Place::Row("train.csv:7".into()))),
        ],
    );
    let run = |name| Report { run: Some(name), ..of_log(&curves, &in_places) };
    let reports = [of_script(&source, &of_stage_1), of_log(&curves, &of_run), run("run 1"), run("run 2")];
    for document in json_of_all(&reports) {
        let document = serde_json::to_value(document).unwrap();
        assert_eq!(schema::violations(&schema, &document), [""; 0], "{document:#}");
    }
}

#[test]
fn the_schema_knows_every_label() {
    let schema = project_file("docs/doctor.schema.json");
    let labels: Vec<_> = Label::ALL.into_iter().map(|label| view::label_name(label).into()).collect();
    assert_eq!(schema["$defs"]["label"]["enum"], serde_json::Value::Array(labels));
}

#[test]
fn sarif_of_a_script_and_a_log() {
    let (source, of_stage_1) = script();
    let (curves, of_run) = log();
    let mut log = sarif(&[of_script(&source, &of_stage_1), of_log(&curves, &of_run)]);
    let driver = &mut log["runs"][0]["tool"]["driver"];
    let rules = driver["rules"].take();
    let softmax = rules.as_array().unwrap().iter().find(|rule| rule["id"] == "S03").unwrap();
    insta::assert_json_snapshot!("sarif_rule", softmax);
    for result in log["runs"][0]["results"].as_array_mut().unwrap() {
        let index = result["ruleIndex"].take().as_u64().unwrap();
        assert_eq!(rules[index as usize]["id"], result["ruleId"]);
    }
    insta::assert_json_snapshot!("sarif", log);
}

#[test]
fn a_page_of_a_script_and_a_log() {
    let (source, of_stage_1) = script();
    let (curves, of_run) = log();
    let reports = [of_script(&source, &of_stage_1), of_log(&curves, &of_run)];
    insta::assert_snapshot!("html", told(&html(&reports)));
    insta::assert_snapshot!("html_of_one", told(&html(&reports[1..])));
    insta::assert_snapshot!("markdown", told(&markdown(&reports)));
}

/// Names come from files that nobody has vouched for.
#[test]
fn nothing_is_let_through_unescaped() {
    let evil = "</title><script>alert(1)</script>\" onmouseover=\"alert(2)\x1b[2J";
    let source = Source { path: evil.into(), text: format!("{evil}\n{evil}") };
    let found = Finding::new("C11", Level::Error, evil)
        .at(Some(Place::Span(3..70)))
        .cause(Cause::new(CauseKind::Loss, 0.5, evil).because(evil).although(evil))
        .treat(Treatment::advice(evil).replacing(2..8, evil))
        .note(evil);
    let in_layer =
        Finding::new("G01", Level::Error, evil).at(Some(Place::Layer { index: 0, name: evil.into() }));
    let diagnosis = diagnosis(None, vec![found, in_layer]);
    let report = Report {
        path: evil,
        run: Some(evil),
        kind: evil,
        diagnosis: &diagnosis,
        source: Some(&source),
        curves: None,
    };
    let page = html(&[report, report]);
    assert!(
        !page.contains("<script") && !page.contains("\" onmouseover") && !page.contains('\x1b'),
        "{page}"
    );
    for fetching in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(fetching), "{fetching}");
    }
    let markdown = markdown(&[report, report]);
    let mut fenced = false;
    for line in markdown.lines() {
        fenced ^= line.starts_with("```");
        assert!(fenced || line.contains("At `") || !line.replace("\\<", "").contains("<script"), "{line}");
    }
    assert!(!markdown.contains('\x1b'), "{markdown}");
}

/// The official schema comes with no package of ours; where it is at hand, it is asked.
#[test]
fn sarif_is_as_its_schema_says() {
    let Ok(path) = std::env::var("SARIF_SCHEMA") else {
        eprintln!("skipped: SARIF_SCHEMA names no file");
        return;
    };
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (source, of_stage_1) = script();
    let (curves, of_run) = log();
    let log = sarif(&[of_script(&source, &of_stage_1), of_log(&curves, &of_run)]);
    assert_eq!(schema::violations(&schema, &log), [""; 0], "{log:#}");
    let mut broken = log;
    broken["runs"][0]["results"][0]["level"] = "fatal".into();
    assert_eq!(schema::violations(&schema, &broken).len(), 1);
}

#[test]
fn a_file_of_several_runs_is_told_by_the_worst() {
    let (curves, of_run) = log();
    let healthy = diagnosis(Some(Label::Healthy), Vec::new());
    let run = |name, diagnosis| Report { run: Some(name), ..of_log(&curves, diagnosis) };
    let reports = [run("run 1", &of_run), run("run 2", &healthy), of_log(&curves, &healthy)];
    let documents = json_of_all(&reports);
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].run.as_deref(), Some("run 1"));
    assert_eq!(documents[0].runs.len(), 2);
    assert_eq!(documents[1].primary.as_deref(), Some("HEALTHY"));
    assert!(documents[1].runs.is_empty());
}

/// `text` without escape sequences.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').unwrap().1);
    }
    plain
}

/// Text that wishes its reader ill, or is merely long.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z漢é\t\n\r\u{1b}\u{202e}\u{301} ]{0,60}", "[a-z]{60,150}", any::<String>(),]
}

fn any_place() -> impl Strategy<Value = Option<Place>> {
    prop_oneof![
        Just(None),
        (0_usize..200, 0_usize..200).prop_map(|(start, end)| Some(Place::Span(start..end))),
        (any::<usize>(), any_text()).prop_map(|(index, name)| Some(Place::Layer { index, name })),
        prop_oneof![0_usize..20, Just(usize::MAX)].prop_map(|row| Some(Place::Epoch(row))),
        any_text().prop_map(|row| Some(Place::Row(row))),
    ]
}

prop_compose! {
    fn any_finding()(
        place in any_place(),
        texts in proptest::collection::vec(any_text(), 5),
        epoch in proptest::option::of(prop_oneof![0_usize..20, Just(usize::MAX)]),
        weight in proptest::num::f64::ANY,
        level in prop_oneof![Just(Level::Note), Just(Level::Warning), Just(Level::Error)],
        cut in (0_usize..200, 0_usize..200),
    ) -> Finding {
        let mut finding = Finding::new("C11", level, &texts[0])
            .at(place)
            .cause(Cause::new(CauseKind::Loss, weight, &texts[1]).because(&texts[2]).although(&texts[0]))
            .treat(Treatment::advice(&texts[3]).replacing(cut.0..cut.1, &texts[2]))
            .note(&texts[4]);
        finding.epoch = epoch;
        finding
    }
}

fn any_curve() -> impl Strategy<Value = Option<Curve>> {
    let point = (1_usize..4, proptest::num::f64::ANY);
    let curve = proptest::collection::vec(point, 0..40).prop_map(|points| {
        let mut row = 0;
        let (rows, values) = points
            .into_iter()
            .map(|(step, value)| {
                row += step;
                (row, value)
            })
            .unzip();
        Curve { rows, values }
    });
    proptest::option::of(curve)
}

proptest! {
    /// Whatever files hold and readers make of them: no panic, no line too wide, no word to the terminal.
    #[test]
    fn text_keeps_its_width_and_its_manners(
        findings in proptest::collection::vec(any_finding(), 0..4),
        source in proptest::option::of(any_text()),
        loss in any_curve(),
        val_loss in any_curve(),
        path in any_text(),
        width in 24_usize..130,
    ) {
        let source = source.map(|text| Source { path: path.as_str().into(), text });
        let curves = Curves { rows: 3, loss, val_loss, ..Curves::default() };
        let diagnosis = diagnosis(Some(Label::Stuck), findings);
        let report = Report {
            path: &path,
            run: None,
            kind: &path,
            diagnosis: &diagnosis,
            source: source.as_ref(),
            curves: Some(&curves),
        };
        let text = text(&report, width, Palette::PLAIN);
        for line in text.lines() {
            prop_assert!(super::cells::columns(line) <= width, "{width}: {line:?}");
            prop_assert!(!line.ends_with(' '), "{line:?}");
        }
        let speaks = |c: char| c != '\n' && c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!text.contains(speaks), "{text:?}");
        let all = [report, report];
        let table = summary(&all, width, Palette::PLAIN);
        prop_assert!(!table.contains(speaks), "{table:?}");
        let page = html(&all);
        prop_assert!(!page.contains(speaks), "{page:?}");
        let markdown = markdown(&all);
        prop_assert!(!markdown.contains(speaks), "{markdown:?}");
        let results = sarif(&all)["runs"][0]["results"].as_array().map(Vec::len);
        prop_assert_eq!(results, Some(2 * diagnosis.findings.len()));
        let document = serde_json::to_string(&json(&report)).unwrap();
        prop_assert!(!document.contains(char::is_control) && !document.contains("null,\"likelihood"), "{document}");
    }
}
