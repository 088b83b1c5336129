//! The JSON form: an interface, documented by `docs/doctor.schema.json` and only ever extended.
//!
//! A [`Document`] is a typed view of one report, not the doctor's own types as they happen to be: places
//! are resolved to lines and columns, so that a reader needs no source text to point at them, and fields
//! keep their names when the doctor's change.

use std::ops::Range;

use serde::Serialize;
use traceward_doctor::{Change, Place};

use super::repair::repair;
use super::view::{
    counts, epoch, label_name, likelihood, likely_causes, place_words, rule_name, rules_that_looked, weight,
    word,
};
use super::{Report, excerpt::Stretch};
use crate::terminal::printable;

/// A report.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// What was read.
    pub path: String,
    /// Which run of it, if it holds several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What kind of file it is, in words.
    pub kind: String,
    /// The one word for what the curve shows: `OVERFIT`; null without a curve.
    pub primary: Option<String>,
    /// What that word means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
    /// What was found, in the order to treat it.
    pub findings: Vec<Finding>,
    /// Causes over all findings, likeliest first.
    pub causes: Vec<LikelyCause>,
    /// Rules that could not be checked.
    pub not_checked: Vec<NotChecked>,
    /// How many rules looked.
    pub rules_checked: usize,
    /// How many findings there are of each level.
    pub counts: Counts,
    /// All runs of the file, if it holds several; the document itself is then that of the worst of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Document>,
}

/// Findings by level.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "levels of findings")]
pub struct Counts {
    pub error: usize,
    pub warning: usize,
    pub note: usize,
}

/// A finding.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The rule's number: `C11`.
    pub rule: String,
    /// The rule's name.
    pub name: String,
    /// `error`, `warning` or `note`.
    pub level: String,
    /// What was computed.
    pub symptom: String,
    /// The word for the curve's shape, if it speaks of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The row of the history that it points at, from 0.
    pub epoch: Option<usize>,
    /// Where it is, in words: `train.py:12:5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Where it is in a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Region>,
    /// The layer it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// The row of data it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// What may lie behind it, likeliest first.
    pub causes: Vec<Cause>,
    /// What to do about it, in the order to try it.
    pub treatments: Vec<Treatment>,
    /// What else a reader should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A stretch of a text. Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Region {
    /// The text's file.
    pub path: String,
    /// First line.
    pub line: usize,
    /// Column where it begins.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column behind its end.
    pub end_column: usize,
    /// The lines, whole.
    pub excerpt: String,
}

/// A layer of the network.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Which, from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
}

/// What may lie behind a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    /// Which, in a word that stays: `learning_rate_high`.
    pub kind: String,
    /// What it is here.
    pub text: String,
    /// How much speaks for it, from 0 to 1.
    pub weight: f64,
    /// The same in words.
    pub likelihood: &'static str,
    /// What speaks for it.
    #[serde(rename = "for")]
    pub speaks_for: Vec<String>,
    /// What speaks against it.
    #[serde(rename = "against")]
    pub speaks_against: Vec<String>,
}

/// What to do about a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Treatment {
    /// As one sentence.
    pub text: String,
    /// Whether a program may try it without asking.
    pub automatic: bool,
    /// The change that a program can make: `{"change": "learning_rate", "learning_rate": 0.0001}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// What to write into the source instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
}

/// What to write into a source.
#[derive(Clone, Debug, Serialize)]
pub struct Repair {
    /// What to take out.
    pub place: Region,
    /// What to write there.
    pub text: String,
}

/// A cause, over all findings.
#[derive(Clone, Debug, Serialize)]
pub struct LikelyCause {
    /// Which.
    pub kind: String,
    /// What kind of cause that is.
    pub words: &'static str,
    /// What it is here.
    pub text: String,
    /// How much speaks for it, from 0 to 1.
    pub weight: f64,
    /// Rules whose findings name it.
    pub rules: Vec<String>,
    /// What speaks for it.
    #[serde(rename = "for")]
    pub speaks_for: Vec<String>,
    /// What speaks against it.
    #[serde(rename = "against")]
    pub speaks_against: Vec<String>,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, Serialize)]
pub struct NotChecked {
    /// Which.
    pub rule: String,
    /// What it lacks, in a word that stays: `curves`.
    pub needs: String,
    /// What it lacks, and which file would have it.
    pub text: String,
}

/// The report as a document.
pub fn json(report: &Report<'_>) -> Document {
    let diagnosis = report.diagnosis;
    let [error, warning, note] = counts(&diagnosis.findings);
    let likely = likely_causes(diagnosis).into_iter().map(|cause| LikelyCause {
        kind: word(&cause.ranked.kind),
        words: cause.words(),
        text: clean(&cause.ranked.text),
        weight: cause.weight(),
        rules: cause.rules.iter().copied().map(Into::into).collect(),
        speaks_for: cause.ranked.speaks_for.iter().map(|text| clean(text)).collect(),
        speaks_against: cause.ranked.speaks_against.iter().map(|text| clean(text)).collect(),
    });
    Document {
        path: clean(report.path),
        run: report.run.map(clean),
        kind: clean(report.kind),
        primary: diagnosis.primary.map(label_name),
        meaning: diagnosis.primary.map(traceward_doctor::Label::meaning),
        findings: diagnosis.findings.iter().map(|found| finding(report, found)).collect(),
        causes: likely.collect(),
        not_checked: diagnosis
            .not_checked
            .iter()
            .map(|missing| NotChecked {
                rule: missing.rule.into(),
                needs: word(&missing.needs),
                text: missing.needs.to_string(),
            })
            .collect(),
        rules_checked: rules_that_looked(report).1,
        counts: Counts { error, warning, note },
        runs: Vec::new(),
    }
}

/// The reports as documents, one a file: a file of several runs is told by the worst of them, the last
/// among equals, and holds all.
pub fn json_of_all(reports: &[Report<'_>]) -> Vec<Document> {
    let files = reports.chunk_by(|a, b| a.path == b.path && a.run.is_some() && b.run.is_some());
    let document = |runs: &[Report<'_>]| {
        let badness = |report: &&Report<'_>| {
            let counts = counts(&report.diagnosis.findings);
            let level = counts.iter().position(|&n| n > 0).unwrap_or(counts.len());
            usize::MAX - level
        };
        let mut document = json(runs.iter().max_by_key(badness)?);
        if runs.len() > 1 {
            document.runs = runs.iter().map(json).collect();
        }
        Some(document)
    };
    files.filter_map(document).collect()
}

pub(super) fn finding(report: &Report<'_>, finding: &traceward_doctor::Finding) -> Finding {
    let causes = finding.causes.iter().map(|cause| Cause {
        kind: word(&cause.kind),
        text: clean(&cause.text),
        weight: weight(cause),
        likelihood: likelihood(cause.weight),
        speaks_for: cause.speaks_for.iter().map(|text| clean(text)).collect(),
        speaks_against: cause.speaks_against.iter().map(|text| clean(text)).collect(),
    });
    let treatments = finding.treatments.iter().map(|treatment| Treatment {
        text: clean(&treatment.text),
        automatic: treatment.automatic,
        change: treatment.change.clone(),
        repair: repair(report, finding, treatment).and_then(|repair| {
            Some(Repair { place: exact_region(report, &repair.span)?, text: repair.text })
        }),
    });
    let layer = match &finding.place {
        Some(Place::Layer { index, name }) => Some(Layer { index: *index, name: clean(name) }),
        _ => None,
    };
    let row = match &finding.place {
        Some(Place::Row(row)) => Some(clean(row)),
        _ => None,
    };
    let place = match &finding.place {
        Some(Place::Span(span)) => region(report, span),
        _ => None,
    };
    Finding {
        rule: finding.rule.into(),
        name: rule_name(finding.rule).into(),
        level: finding.level.to_string(),
        symptom: clean(&finding.symptom),
        label: finding.label.map(label_name),
        epoch: epoch(finding),
        location: place_words(report, finding).map(|words| clean(&words)),
        place,
        layer,
        row,
        causes: causes.collect(),
        treatments: treatments.collect(),
        notes: finding.notes.iter().map(|note| clean(note)).collect(),
    }
}

/// A span of the report's source in lines and columns, without the end of its last line.
pub(super) fn region(report: &Report<'_>, span: &Range<usize>) -> Option<Region> {
    exact_region(report, &Stretch::new(report.source?, span).span)
}

/// A span of the report's source in lines and columns.
pub(super) fn exact_region(report: &Report<'_>, span: &Range<usize>) -> Option<Region> {
    let source = report.source?;
    let (line, column) = source.line_column(span.start);
    let (end_line, end_column) = source.line_column(span.end.max(span.start));
    let lines = source.text.lines().skip(line - 1).take(end_line - line + 1);
    Some(Region {
        path: clean(&source.path.display().to_string()),
        line,
        column,
        end_line,
        end_column,
        excerpt: lines.map(clean_code).collect::<Vec<_>>().join("\n"),
    })
}

/// `jq -r` writes strings to a terminal as they are.
fn clean(text: &str) -> String {
    printable(text).into_owned()
}

/// The same for a line of code, which may hold tabs.
fn clean_code(line: &str) -> String {
    line.split('\t').map(clean).collect::<Vec<_>>().join("\t")
}
