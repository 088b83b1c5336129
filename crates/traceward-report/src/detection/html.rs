//! `evaluation.html`: an evaluation by a protocol on one page.
//!
//! As the run's page: one file, no script, nothing fetched, everything that comes from data escaped. It
//! shows what the terminal shows, and the curves: ROC, its first five per cent, and reliability.

use askama::Template;
use traceward_detect::protocol::{ProtocolReport, ProtocolResult};
use traceward_trace::profile::numerals::{count, percent};

use super::{between, family_cells, found, incident_sentences, standings, title};
use crate::figures::{figure_or_dash, rate};
use crate::svg::{Chart, Line, Side, chart};
use crate::terminal::printable;

/// The false-alarm rates, in per cent, that the second curve is about.
const NEAR: f64 = 5.0;

/// The page, as written by this version of the program.
pub fn page(report: &ProtocolReport, traceward: &str) -> String {
    let result = &report.result;
    let view = View {
        title: printable(&title(report)).into_owned(),
        standing: format!("data {}, by traceward {traceward}", report.fingerprint),
        models: models(report),
        charts: charts(report),
        thresholds: thresholds(report),
        families: result.families.iter().map(|row| safe(family_cells(row))).collect(),
        names_families: result.protocol.asks_for_family(),
        heads: result.per_class.iter().map(|class| printable(&class.name).into_owned()).collect(),
        matrix: matrix(result),
        incidents: std::iter::once(result).chain(&report.models).flat_map(incident_sentences).collect(),
        runs: runs(result),
        comparisons: report.comparisons.iter().map(|comparison| comparison.verdict.clone()).collect(),
        notes: report
            .inflation
            .iter()
            .map(|inflation| inflation.warning.clone())
            .chain(result.notes.clone())
            .map(|note| printable(&note).into_owned())
            .collect(),
        flaws: report.flaws.iter().map(|flaw| printable(flaw).into_owned()).collect(),
    };
    // The template has no fallible part: formatting into a String does not fail.
    view.render().unwrap_or_else(|error| format!("<!doctype html><p>{error}</p>"))
}

#[derive(Template)]
#[template(path = "evaluation.html")]
struct View {
    title: String,
    standing: String,
    models: Vec<ModelRow>,
    charts: Vec<String>,
    thresholds: Vec<Vec<String>>,
    families: Vec<Vec<String>>,
    names_families: bool,
    heads: Vec<String>,
    matrix: Vec<MatrixRow>,
    incidents: Vec<String>,
    runs: Vec<Vec<String>>,
    comparisons: Vec<String>,
    notes: Vec<String>,
    flaws: Vec<String>,
}

struct ModelRow {
    name: String,
    cells: Vec<(String, String)>,
}

struct MatrixRow {
    name: String,
    cells: Vec<HeatCell>,
}

struct HeatCell {
    text: String,
    class: &'static str,
    heat: String,
}

fn safe(cells: impl IntoIterator<Item = String>) -> Vec<String> {
    cells.into_iter().map(|cell| printable(&cell).into_owned()).collect()
}

fn models(report: &ProtocolReport) -> Vec<ModelRow> {
    let row = |standing: &traceward_detect::protocol::Standing| {
        let cell = |value: Option<f64>, key: &str| {
            (figure_or_dash(value), between(standing, key).unwrap_or_default())
        };
        let roc = |far: &str| standing.dr_at_far.get(far).copied().flatten();
        ModelRow {
            name: printable(&standing.name).into_owned(),
            cells: vec![
                cell(standing.macro_f1, "macro_f1"),
                cell(standing.auc, "auc"),
                cell(found(standing, "0.01"), "dr_at_threshold.0.01"),
                cell(roc("0.01"), "dr_at_far.0.01"),
                cell(found(standing, "0.001"), "dr_at_threshold.0.001"),
                cell(roc("0.001"), "dr_at_far.0.001"),
                cell(standing.accuracy, "accuracy"),
            ],
        }
    };
    standings(report).iter().map(row).collect()
}

fn thresholds(report: &ProtocolReport) -> Vec<Vec<String>> {
    let share = |value: Option<f64>| value.map_or_else(|| "–".into(), percent);
    let rows = std::iter::once(&report.result).chain(&report.models).flat_map(|result| {
        result.thresholds.iter().map(|row| {
            safe([
                result.model.clone(),
                rate(row.far),
                share(row.false_alarm_rate),
                share(row.detection_rate),
                share(row.roc_point),
                count(row.chosen_on),
            ])
        })
    });
    rows.collect()
}

fn matrix(result: &ProtocolResult) -> Vec<MatrixRow> {
    let row = |(class, row): (usize, &Vec<u64>)| {
        let all: u64 = row.iter().sum();
        let cells = row.iter().enumerate().map(|(called, &n)| HeatCell {
            text: if n == 0 { "·".into() } else { count(usize::try_from(n).unwrap_or(usize::MAX)) },
            class: match n {
                0 => "",
                _ if class == called => "right",
                _ => "wrong",
            },
            heat: format!("{:.0}", if all == 0 { 0.0 } else { 100.0 * n as f64 / all as f64 }),
        });
        MatrixRow { name: printable(&result.per_class[class].name).into_owned(), cells: cells.collect() }
    };
    if result.per_class.is_empty() {
        return Vec::new();
    }
    result.confusion.iter().enumerate().map(row).collect()
}

/// The first seed's attack runs, one by one.
fn runs(result: &ProtocolResult) -> Vec<Vec<String>> {
    let Some(first) = result.incidents.first() else { return Vec::new() };
    let row = |run: &traceward_detect::incident::RunVerdict| {
        let dash = || "–".to_owned();
        safe([
            run.run.clone(),
            count(usize::try_from(run.traces).unwrap_or(usize::MAX)),
            run.named_when_told.clone().unwrap_or_else(dash),
            run.named.clone().unwrap_or_else(dash),
            run.alarm.map_or_else(dash, |alarm| alarm.traces.to_string()),
            run.alarm.map_or_else(dash, |alarm| alarm.calls.to_string()),
            run.carried_by.first().map_or_else(dash, |source| short(source)),
        ])
    };
    first.each.iter().map(row).collect()
}

/// The end of a source, which tells traces apart.
fn short(source: &str) -> String {
    source.rsplit(['/', '!']).next().unwrap_or(source).to_owned()
}

fn charts(report: &ProtocolReport) -> Vec<String> {
    let result = &report.result;
    let mut charts = Vec::new();
    if !result.roc.is_empty() {
        // The baseline beside it, if there is one: a chart of more lines is not read.
        let curves = || {
            std::iter::once((result, Side::Validation))
                .chain(report.models.first().map(|m| (m, Side::Training)))
        };
        let draw = |title: &str, up_to: f64| {
            let lines = curves().map(|(result, side)| Line {
                name: &result.model,
                side,
                points: clipped(&result.roc, up_to),
            });
            chart(&Chart {
                title,
                x_title: "normals flagged, %",
                lines: lines.collect(),
                mark: None,
                y_range: Some((0.0, 1.0)),
            })
        };
        charts.push(draw("attacks found", 100.0));
        charts.push(draw("attacks found, few false alarms", NEAR));
    }
    if !result.reliability.is_empty() {
        let points = result.reliability.iter().map(|bin| (100.0 * bin.said, bin.was));
        charts.push(chart(&Chart {
            title: "share of attacks",
            x_title: "P(attack), %",
            lines: vec![
                Line { name: "ideal", side: Side::Training, points: vec![(0.0, 0.0), (100.0, 1.0)] },
                Line { name: &result.model, side: Side::Validation, points: points.collect() },
            ],
            mark: None,
            y_range: Some((0.0, 1.0)),
        }));
    }
    charts
}

/// The curve up to a false-alarm rate in per cent, ending on it.
fn clipped(roc: &[[f64; 2]], up_to: f64) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> =
        roc.iter().map(|[far, dr]| (100.0 * far, *dr)).take_while(|(far, _)| *far <= up_to).collect();
    if let Some(&(far, dr)) = points.last()
        && far < up_to
    {
        points.push((up_to, dr));
    }
    points
}
