//! Reports as Markdown: for issues, notes, and summaries of CI runs.
//!
//! What comes from files is escaped, so that a layer called `*` or a path with an underscore changes no
//! formatting; excerpts stand in fences longer than any that they hold.

use std::fmt::Write as _;

use traceward_doctor::{Finding, Place};

use super::page::Page;
use super::repair::repair;
use super::view::{
    conclusion, counts, counts_words, label_name, likelihood, likely_causes, need_words, place_words, ranges,
    title, weight,
};
use super::{Report, excerpt, html, text};
use crate::terminal::{Palette, printable};

/// Columns of what stands in fences.
const WIDTH: usize = 100;

/// One report or many; many begin with a table.
pub fn markdown(reports: &[Report<'_>]) -> String {
    let mut out = String::new();
    if reports.len() > 1 {
        table(&mut out, reports);
    }
    for report in reports {
        if !out.is_empty() {
            out.push('\n');
        }
        of_report(&mut out, report);
    }
    out
}

fn table(out: &mut String, reports: &[Report<'_>]) {
    out.push_str("| path | kind | curve | found |\n|---|---|---|---|\n");
    for report in reports {
        let primary = report.diagnosis.primary.map_or_else(|| "–".into(), label_name);
        let found = counts_words(counts(&report.diagnosis.findings));
        let found = if found.is_empty() { "nothing" } else { &found };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {found} |",
            escape(&title(report)),
            escape(report.kind),
            escape(&primary)
        );
    }
}

fn of_report(out: &mut String, report: &Report<'_>) {
    let _ = writeln!(out, "# {}: {}", escape(&title(report)), escape(report.kind));
    if let Some(label) = report.diagnosis.primary {
        let _ = writeln!(out, "\n**{}**: {}.", escape(&label_name(label)), label.meaning());
    }
    if let Some(curves) = report.curves {
        let mut page = Page::new(WIDTH, Palette::PLAIN);
        text::overview(&mut page, curves);
        fenced(out, "text", &page.finish());
    }
    for finding in &report.diagnosis.findings {
        of_finding(out, report, finding);
    }
    let likely = likely_causes(report.diagnosis);
    if !likely.is_empty() {
        out.push_str("\n## Likely causes\n\n");
        for (place, cause) in likely.iter().enumerate() {
            let _ = writeln!(
                out,
                "{}. {} ({}; {})",
                place + 1,
                cause.words(),
                likelihood(cause.weight()),
                cause.rules.join(", ")
            );
        }
    }
    let missing = report.diagnosis.missing();
    if !missing.is_empty() {
        out.push_str("\n## Not checked\n\n");
        for (need, rules) in missing {
            let _ = writeln!(out, "- {} {need} ({})", need_words(rules.len()), ranges(&rules));
        }
    }
    let _ = writeln!(out, "\n{}.", html::capital(&conclusion(report)));
}

fn of_finding(out: &mut String, report: &Report<'_>, finding: &Finding) {
    let _ = writeln!(out, "\n## {} {}: {}", finding.level, finding.rule, escape(&finding.symptom));
    if let Some(place) = place_words(report, finding) {
        let _ = writeln!(out, "\nAt {}.", code(&place));
    }
    if let (Some(Place::Span(span)), Some(source)) = (&finding.place, report.source) {
        let stretch = excerpt::Stretch::new(source, span);
        let mut page = Page::new(WIDTH, Palette::PLAIN);
        excerpt::write(&mut page, source, &stretch, stretch.number_columns(), anstyle::Style::new());
        fenced(out, "text", &page.finish());
    }
    if !finding.causes.is_empty() {
        out.push_str("\nWhy:\n\n");
    }
    for (place, cause) in finding.causes.iter().enumerate() {
        let _ = writeln!(out, "{}. {} ({})", place + 1, escape(&cause.text), likelihood(weight(cause)));
        for reason in &cause.speaks_for {
            let _ = writeln!(out, "   - for: {}", escape(reason));
        }
        for reason in &cause.speaks_against {
            let _ = writeln!(out, "   - against: {}", escape(reason));
        }
    }
    if !finding.treatments.is_empty() {
        out.push_str("\nWhat to do:\n\n");
    }
    for treatment in &finding.treatments {
        let _ = writeln!(out, "- {}", escape(&treatment.text));
    }
    for treatment in &finding.treatments {
        let repaired = repair(report, finding, treatment).zip(report.source);
        if let Some((removed, added)) =
            repaired.and_then(|(repair, source)| excerpt::repaired_lines(source, &repair))
        {
            let removed = removed.iter().map(|line| format!("- {line}\n"));
            let added = added.iter().map(|line| format!("+ {line}\n"));
            fenced(out, "diff", &removed.chain(added).collect::<String>());
        }
    }
    for note in &finding.notes {
        let _ = writeln!(out, "\n> {}", escape(note));
    }
}

/// `text` between fences, if there is any.
pub(super) fn fenced(out: &mut String, language: &str, text: &str) {
    let lines = text.trim_matches('\n').lines();
    let printable = lines.map(|line| line.split('\t').map(printable).collect::<Vec<_>>().join("    "));
    let text = printable.collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        return;
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    let _ = writeln!(out, "\n{fence}{language}\n{text}\n{fence}");
}

/// `text` as a stretch of code.
fn code(text: &str) -> String {
    let text = printable(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(longest + 1);
    let blank = if longest > 0 { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

/// `text` on one line, with nothing in it that Markdown gives a meaning to.
pub(super) fn escape(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut escaped = String::with_capacity(text.len());
    let mut chars = printable(&text).chars().collect::<Vec<_>>().into_iter().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let means = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '|' | '~' => true,
            // Within a word it means nothing.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '#' | '+' | '-' | '=' | '>' => escaped.is_empty(),
            '&' => after == '#' || after.is_alphabetic(),
            // A number at the beginning, which would make a list.
            '.' | ')' if after == ' ' => !escaped.is_empty() && escaped.chars().all(|c| c.is_ascii_digit()),
            _ => false,
        };
        if means {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_is_escaped() {
        assert_eq!(escape("val_loss of *x* is <b> 1 | 2"), "val_loss of \\*x\\* is \\<b> 1 \\| 2");
        assert_eq!(escape("# head\n- item"), "\\# head - item");
        assert_eq!(escape("_x_ 3.5"), "\\_x\\_ 3.5");
        assert_eq!(escape("1. no list"), "1\\. no list");
        assert_eq!(escape("0.1.0"), "0.1.0");
        assert_eq!(escape("a & b &lt; c"), "a & b \\&lt; c");
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        let mut out = String::new();
        fenced(&mut out, "text", "```\n");
        assert_eq!(out, "\n````text\n```\n````\n");
        fenced(&mut out, "text", "\n");
        assert_eq!(out, "\n````text\n```\n````\n");
        assert_eq!(code("a`b"), "`` a`b ``");
    }
}
