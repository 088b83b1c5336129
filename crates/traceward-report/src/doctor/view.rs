//! What all forms of a report say in the same words: places, names of rules, what was not checked.

use serde::Serialize;
use traceward_doctor::diagnose::RankedCause;
use traceward_doctor::{Cause, Diagnosis, Finding, Label, Level, Place, rules};

use super::{Report, plot};

/// The name of the rule of this number; the number itself, if a reader made the finding.
pub(super) fn rule_name(id: &str) -> &str {
    rules::by_id(id).map_or(id, |rule| rule.name)
}

/// The label as it is written everywhere: `STILL_IMPROVING`.
pub(super) fn label_name(label: Label) -> String {
    word(&label)
}

/// A variant as JSON names it.
pub(super) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(Into::into)).unwrap_or_default()
}

/// How much speaks for a cause, from 0 to 1 whatever its rule reckoned.
pub(super) fn weight(cause: &Cause) -> f64 {
    sound(cause.weight)
}

fn sound(weight: f64) -> f64 {
    if weight.is_nan() { 0.0 } else { weight.clamp(0.0, 1.0) }
}

/// How likely a cause is, in a word.
pub(super) fn likelihood(weight: f64) -> &'static str {
    match weight {
        weight if weight >= 0.95 => "certain",
        weight if weight >= 0.75 => "very likely",
        weight if weight >= 0.5 => "likely",
        weight if weight >= 0.25 => "possible",
        _ => "unlikely",
    }
}

/// Where a finding is, in words: `log.csv: epoch 12 (0 to 119)`.
pub(super) fn place_words(report: &Report<'_>, finding: &Finding) -> Option<String> {
    let of = |what: String| format!("{}: {what}", report.path);
    match &finding.place {
        Some(Place::Span(span)) => Some(match report.source {
            Some(source) => {
                let (line, column) = source.line_column(span.start);
                format!("{}:{line}:{column}", source.path.display())
            }
            None => report.path.into(),
        }),
        Some(Place::Layer { index, name }) if name.is_empty() => Some(of(format!("layer {index}"))),
        Some(Place::Layer { index, name }) => Some(of(format!("layer {index}, {name}"))),
        Some(Place::Row(row)) => Some(row.clone()),
        Some(Place::Epoch(row)) => Some(of(epoch_words(report, *row))),
        None => finding.epoch.map(|row| of(epoch_words(report, row))),
    }
}

/// The epoch that a finding points at, wherever it says so.
pub(super) fn epoch(finding: &Finding) -> Option<usize> {
    match finding.place {
        Some(Place::Epoch(row)) => finding.epoch.or(Some(row)),
        _ => finding.epoch,
    }
}

/// `epoch 12 (0 to 119)`: how epochs are counted is said with each of them.
fn epoch_words(report: &Report<'_>, row: usize) -> String {
    let Some(curves) = report.curves else { return format!("epoch {row} (from 0)") };
    let rows = plot::rows(curves).max(row.saturating_add(1));
    format!("{} {row} (0 to {})", counter(report), rows - 1)
}

/// What a row of the history is.
pub(super) fn counter(report: &Report<'_>) -> &'static str {
    if report.curves.is_some_and(|curves| curves.steps) { "row" } else { "epoch" }
}

/// How many rules there are, and how many of them could look.
pub(super) fn rules_that_looked(report: &Report<'_>) -> (usize, usize) {
    let all = rules::all().count();
    let mut missing: Vec<&str> = report.diagnosis.not_checked.iter().map(|missing| missing.rule).collect();
    missing.sort_unstable();
    missing.dedup();
    (all, all.saturating_sub(missing.len()))
}

/// How it stands, honestly: what was not looked at is not fine.
pub(super) fn conclusion(report: &Report<'_>) -> String {
    let (all, looked) = rules_that_looked(report);
    let found = counts_words(counts(&report.diagnosis.findings));
    if looked == 0 && found.is_empty() {
        return format!("nothing could be checked: none of {all} rules has what it needs");
    }
    let found = if found.is_empty() { "nothing found" } else { &found };
    let rules = if looked == 1 { "rule" } else { "rules" };
    let missing = all.saturating_sub(looked);
    let unchecked = if missing == 0 { String::new() } else { format!("; {missing} could not be checked") };
    format!("{found} by {looked} {rules}{unchecked}")
}

/// `3 rules need`.
pub(super) fn need_words(rules: usize) -> String {
    if rules == 1 { "1 rule needs".into() } else { format!("{rules} rules need") }
}

/// Numbers of rules, neighbours drawn together: `C01–C03, G02`.
pub(super) fn ranges(rules: &[&str]) -> String {
    let number = |rule: &str| Some((rule.get(..1)?.to_owned(), rule.get(1..)?.parse::<u32>().ok()?));
    let follows = |before: &str, after: &str| {
        number(before).zip(number(after)).is_some_and(|((a, n), (b, m))| a == b && n + 1 == m)
    };
    let mut said: Vec<String> = Vec::new();
    for run in rules.chunk_by(|before, after| follows(before, after)) {
        match run {
            [first, _, .., last] => said.push(format!("{first}–{last}")),
            few => said.extend(few.iter().map(|&rule| rule.to_owned())),
        }
    }
    said.join(", ")
}

/// How many findings there are of each level: errors, warnings, notes.
pub(super) fn counts(findings: &[Finding]) -> [usize; 3] {
    [Level::Error, Level::Warning, Level::Note]
        .map(|level| findings.iter().filter(|finding| finding.level == level).count())
}

/// `2 errors, 1 warning`; empty if there is nothing.
pub(super) fn counts_words([errors, warnings, notes]: [usize; 3]) -> String {
    let counted = |n: usize, what: &str| match n {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    };
    let said = [counted(errors, "error"), counted(warnings, "warning"), counted(notes, "note")];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A cause, over all findings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LikelyCause {
    /// How likely, and what it is here.
    pub(super) ranked: RankedCause,
    /// Rules whose findings name it.
    pub(super) rules: Vec<&'static str>,
}

impl LikelyCause {
    /// What kind of cause it is, in words.
    pub(super) fn words(&self) -> &'static str {
        self.ranked.kind.words()
    }

    /// How much speaks for it, from 0 to 1.
    pub(super) fn weight(&self) -> f64 {
        sound(self.ranked.weight)
    }
}

/// Causes over all findings, likeliest first.
pub(super) fn likely_causes(diagnosis: &Diagnosis) -> Vec<LikelyCause> {
    let causes = diagnosis.causes().into_iter().map(|ranked| {
        let named = ranked.findings.iter().filter_map(|&place| diagnosis.findings.get(place));
        let mut rules: Vec<&str> = named.map(|finding| finding.rule).collect();
        rules.dedup();
        LikelyCause { ranked, rules }
    });
    causes.collect()
}

/// The path with its run: `training.log, run 2`.
pub(super) fn title(report: &Report<'_>) -> String {
    report.run.map_or_else(|| report.path.to_owned(), |run| format!("{}, {run}", report.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_rules_are_drawn_together() {
        assert_eq!(ranges(&["C01", "C02", "C03", "C05", "C06", "G01"]), "C01–C03, C05, C06, G01");
        assert_eq!(ranges(&["C09", "D10"]), "C09, D10");
        assert_eq!(ranges(&["é", ""]), "é, ");
    }

    #[test]
    fn counting_in_words() {
        assert_eq!(counts_words([2, 1, 0]), "2 errors, 1 warning");
        assert_eq!(counts_words([0, 0, 0]), "");
    }
}
