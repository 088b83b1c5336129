//! Reports as one page: no script, nothing fetched, everything from files escaped by the template.
//!
//! The findings' part is a template of its own, which the page of a run holds too.

use askama::Template;
use traceward_doctor::curve::{Curve, Curves};
use traceward_doctor::{Diagnosis, Finding, Level, Place, Treatment};

use super::excerpt::{self, MarkedLine, Stretch};
use super::repair::repair;
use super::view::{
    conclusion, counter, counts, counts_words, epoch, label_name, likelihood, likely_causes, need_words,
    place_words, ranges, title, weight,
};
use super::{Report, plot};
use crate::svg::{Chart, Line, Side, chart};
use crate::terminal::printable;

/// The page of one report or of many.
pub fn html(reports: &[Report<'_>]) -> String {
    let all = reports.iter().map(|report| counts(&report.diagnosis.findings));
    let total = counts_words(all.fold([0; 3], |sum, counts| [0, 1, 2].map(|i| sum[i] + counts[i])));
    let page = Page {
        title: match reports {
            [one] => clean(&title(one)),
            several => format!("{} reports", several.len()),
        },
        total: if total.is_empty() { "nothing found".into() } else { total },
        reports: reports.iter().map(ReportView::new).collect(),
    };
    // The template has no fallible part: formatting into a String does not fail.
    page.render().unwrap_or_else(|error| format!("<!doctype html><p>{error}</p>"))
}

#[derive(Template)]
#[template(path = "doctor.html")]
struct Page {
    title: String,
    total: String,
    reports: Vec<ReportView>,
}

struct ReportView {
    title: String,
    kind: String,
    primary: String,
    primary_class: &'static str,
    /// The kind, how long it is, and what the one word means.
    about: String,
    counts: [usize; 3],
    charts: Vec<String>,
    diagnosis: DiagnosisView,
}

impl ReportView {
    fn new(report: &Report<'_>) -> Self {
        let diagnosis = report.diagnosis;
        let mut about = clean(report.kind);
        if let Some(curves) = report.curves {
            about.push_str(&format!(", {} {}s", plot::rows(curves), counter(report)));
        }
        if let Some(label) = diagnosis.primary {
            about.push_str(&format!(": {}", label.meaning()));
        }
        let worst = diagnosis.findings.iter().map(|finding| finding.level).max();
        let marked = diagnosis.findings.iter().find_map(epoch);
        Self {
            title: clean(&title(report)),
            kind: clean(report.kind),
            primary: diagnosis.primary.map_or_else(String::new, label_name),
            primary_class: worst.map_or("good", class),
            about,
            counts: counts(&diagnosis.findings),
            charts: report.curves.map_or_else(Vec::new, |curves| charts(curves, marked)),
            diagnosis: DiagnosisView::new(report, true),
        }
    }
}

/// What the template of findings shows.
pub(crate) struct DiagnosisView {
    pub(crate) findings: Vec<FindingView>,
    pub(crate) causes: Vec<LikelyView>,
    pub(crate) not_checked: Vec<String>,
    /// Said where nothing was found.
    pub(crate) verdict: String,
    pub(crate) conclusion: String,
}

pub(crate) struct FindingView {
    pub(crate) level: &'static str,
    pub(crate) level_class: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) symptom: String,
    pub(crate) place: Option<String>,
    pub(crate) excerpt: Vec<MarkedLine>,
    pub(crate) chart: Option<String>,
    pub(crate) causes: Vec<CauseView>,
    pub(crate) treatments: Vec<TreatmentView>,
    pub(crate) notes: Vec<String>,
}

pub(crate) struct CauseView {
    pub(crate) text: String,
    pub(crate) likelihood: &'static str,
    pub(crate) speaks_for: Vec<String>,
    pub(crate) speaks_against: Vec<String>,
}

pub(crate) struct TreatmentView {
    pub(crate) text: String,
    pub(crate) removed: Vec<String>,
    pub(crate) added: Vec<String>,
}

pub(crate) struct LikelyView {
    pub(crate) words: &'static str,
    /// From 0 to 100.
    pub(crate) share: String,
    pub(crate) rules: String,
}

impl DiagnosisView {
    /// The diagnosis of a run, whose page shows the curves already.
    pub(crate) fn of_run(diagnosis: &Diagnosis) -> Self {
        let report =
            Report { path: "history.csv", run: None, kind: "run", diagnosis, source: None, curves: None };
        Self::new(&report, false)
    }

    fn new(report: &Report<'_>, with_charts: bool) -> Self {
        let diagnosis = report.diagnosis;
        // The chart above all findings marks the first epoch; the others have charts of their own.
        let mut shown = diagnosis.findings.iter().find_map(epoch);
        let findings = diagnosis.findings.iter().map(|finding| {
            let row = epoch(finding).filter(|row| {
                with_charts && finding.level > Level::Note && shown.replace(*row) != Some(*row)
            });
            FindingView::new(report, finding, row)
        });
        let findings = findings.collect();
        let likely = likely_causes(diagnosis).into_iter().map(|cause| LikelyView {
            words: cause.words(),
            share: format!("{:.0}", cause.weight() * 100.0),
            rules: cause.rules.join(", "),
        });
        let missing = diagnosis
            .missing()
            .into_iter()
            .map(|(need, rules)| format!("{} {need} ({})", need_words(rules.len()), ranges(&rules)));
        Self {
            findings,
            causes: likely.collect(),
            not_checked: missing.collect(),
            verdict: match conclusion(report).split(';').next() {
                Some(said) => capital(said),
                None => String::new(),
            },
            conclusion: capital(&conclusion(report)),
        }
    }
}

impl FindingView {
    fn new(report: &Report<'_>, finding: &Finding, charted: Option<usize>) -> Self {
        let excerpt = match (&finding.place, report.source) {
            (Some(Place::Span(span)), Some(source)) => {
                excerpt::marked_lines(source, &Stretch::new(source, span))
            }
            _ => Vec::new(),
        };
        let causes = finding.causes.iter().map(|cause| CauseView {
            text: clean(&cause.text),
            likelihood: likelihood(weight(cause)),
            speaks_for: cause.speaks_for.iter().map(|text| clean(text)).collect(),
            speaks_against: cause.speaks_against.iter().map(|text| clean(text)).collect(),
        });
        Self {
            level: level_word(finding.level),
            level_class: class(finding.level),
            rule: finding.rule,
            symptom: clean(&finding.symptom),
            place: place_words(report, finding).map(|place| clean(&place)),
            excerpt,
            chart: charted
                .zip(report.curves)
                .and_then(|(row, curves)| charts(curves, Some(row)).into_iter().next()),
            causes: causes.collect(),
            treatments: finding
                .treatments
                .iter()
                .map(|treatment| TreatmentView::new(report, finding, treatment))
                .collect(),
            notes: finding.notes.iter().map(|note| clean(note)).collect(),
        }
    }
}

impl TreatmentView {
    fn new(report: &Report<'_>, finding: &Finding, treatment: &Treatment) -> Self {
        let repaired = repair(report, finding, treatment).zip(report.source);
        let (removed, added) = repaired
            .and_then(|(repair, source)| excerpt::repaired_lines(source, &repair))
            .unwrap_or_default();
        Self { text: clean(&treatment.text), removed, added }
    }
}

/// Loss and accuracy over epochs, as far as they are there, with an epoch marked.
pub(super) fn charts(curves: &Curves, marked: Option<usize>) -> Vec<String> {
    let x_title = if curves.steps { "row" } else { "epoch" };
    let label = marked.map(|row| format!("{x_title} {row}"));
    let mark = marked.zip(label.as_deref()).map(|(row, label)| (row as f64, label));
    let draw = |title, training: &Option<Curve>, validation: &Option<Curve>, y_range| {
        let lines = [("training", Side::Training, training), ("validation", Side::Validation, validation)];
        let lines: Vec<Line<'_>> = lines
            .into_iter()
            .filter_map(|(name, side, curve)| {
                let curve = curve.as_ref().filter(|curve| !curve.values.is_empty())?;
                let points = curve.rows.iter().zip(&curve.values).map(|(row, value)| (*row as f64, *value));
                Some(Line { name, side, points: points.collect() })
            })
            .collect();
        // A mark beyond the curves, from whatever file, would stand outside the chart.
        let last = lines.iter().filter_map(|line| line.points.last()).map(|(x, _)| *x).fold(0.0, f64::max);
        let mark = mark.filter(|(x, _)| *x <= last);
        (!lines.is_empty()).then(|| chart(&Chart { title, x_title, lines, mark, y_range }))
    };
    let losses = draw("loss", &curves.loss, &curves.val_loss, None);
    let accuracies = draw("accuracy", &curves.accuracy, &curves.val_accuracy, Some((0.0, 1.0)));
    losses.into_iter().chain(accuracies).collect()
}

pub(super) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// The style of a level.
pub(super) fn class(level: Level) -> &'static str {
    match level {
        Level::Error => "bad",
        Level::Warning => "warn",
        Level::Note => "faint",
    }
}

fn clean(text: &str) -> String {
    printable(text).into_owned()
}

/// The text with its first letter as a sentence begins.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
