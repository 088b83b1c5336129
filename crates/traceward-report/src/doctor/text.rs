//! Reports for a terminal: each finding as rustc would say it, then what all of them together point at.
//!
//! The order is that of reading: what was looked at and what its curves show, the findings with their
//! places, the causes ranked over all findings, what could not be checked, and one line that counts.
//! Nothing is wider than the terminal, and without colours nothing is lost.

use std::fmt::Write as _;

use anstyle::Style;
use traceward_doctor::curve::{Curves, figure};
use traceward_doctor::{Cause, Finding, Level, Place};

use super::cells::{columns, cut};
use super::excerpt::{self, Stretch};
use super::page::{Page, Piece, blanks};
use super::repair::repair;
use super::view::{
    conclusion, counter, counts, counts_words, epoch, label_name, likelihood, likely_causes, need_words,
    place_words, ranges, rules_that_looked, title, weight,
};
use super::{Report, plot};
use crate::table::{Cell, Column, Table};
use crate::terminal::{Palette, printable};

/// Columns of the widest plot, and its lines.
const PLOT_WIDTH: usize = 36;
const PLOT_HEIGHT: usize = 4;
/// Columns of the widest line of bars.
const BARS_WIDTH: usize = 60;
/// As many causes are ranked; those after them have little to say.
const MOST_CAUSES: usize = 5;
/// Columns of a cause's bar.
const CAUSE_BAR: usize = 10;

/// The report in at most `width` columns; every line ends in `\n`.
pub fn text(report: &Report<'_>, width: usize, palette: Palette) -> String {
    let mut page = Page::new(width, palette);
    head(&mut page, report);
    let mut shown_epoch = None;
    for found in &report.diagnosis.findings {
        page.blank();
        finding(&mut page, report, found, &mut shown_epoch);
    }
    causes(&mut page, report);
    unchecked(&mut page, report);
    page.blank();
    close(&mut page, report);
    page.finish()
}

/// What was looked at, what its curves show, and the curves.
fn head(page: &mut Page, report: &Report<'_>) {
    let heading = page.palette.heading;
    let mut about = format!("{}: {}", title(report), report.kind);
    if let Some(curves) = report.curves {
        let rows = plot::rows(curves);
        let what = if curves.steps { "row" } else { "epoch" };
        let _ = write!(about, ", {rows} {what}{}", if rows == 1 { "" } else { "s" });
    }
    page.paragraph(&[], &[("  ", heading)], &about, heading);
    if let Some(label) = report.diagnosis.primary {
        let worst = report.diagnosis.findings.iter().map(|finding| finding.level).max();
        let style = match worst {
            Some(level @ (Level::Error | Level::Warning)) => page.level(level),
            Some(Level::Note) | None => page.palette.good,
        };
        let name = format!("{}: ", label_name(label));
        page.paragraph(&[(&name, style)], &[("  ", style)], label.meaning(), Style::new());
    }
    if let Some(curves) = report.curves {
        overview(page, curves);
    }
}

/// Loss and validation loss side by side on one scale, or below each other where there is no room.
pub(super) fn overview(page: &mut Page, curves: &Curves) {
    let drawn = plot::drawn(curves);
    let rows = plot::rows(curves);
    let Some(scale) = plot::Scale::of(&drawn).filter(|_| rows > 1) else { return };
    let (low, high) = scale.ends();
    let axis = columns(&low).max(columns(&high)) + 1;
    let beside = drawn.len() > 1 && page.width >= 2 * (axis + 20);
    let panels = if beside { drawn.len() } else { 1 };
    let room = (page.width - 2 * (panels - 1)) / panels;
    let width = room.saturating_sub(axis + 1).min(PLOT_WIDTH);
    if width < 8 {
        return;
    }
    let faint = page.palette.faint;
    for group in drawn.chunks(panels) {
        page.blank();
        let plots: Vec<Vec<String>> =
            group.iter().map(|(_, curve)| plot::dots(curve, scale, rows, width, PLOT_HEIGHT)).collect();
        for line in 0..PLOT_HEIGHT {
            let end = match line {
                0 => high.as_str(),
                _ if line + 1 == PLOT_HEIGHT => low.as_str(),
                _ => "",
            };
            let mut pieces: Vec<(String, Style)> = Vec::new();
            for (place, dots) in plots.iter().enumerate() {
                let between = if place == 0 { "" } else { "  " };
                pieces.push((format!("{between}{end:>axis$}│"), faint));
                pieces.push((format!("{:<width$}", dots[line]), Style::new()));
            }
            let pieces: Vec<Piece<'_>> = pieces.iter().map(|(text, style)| (text.as_str(), *style)).collect();
            page.line(&pieces);
        }
        let what = if curves.steps { "rows" } else { "epochs" };
        let mut under = String::new();
        for (place, (name, _)) in group.iter().enumerate() {
            let how = if scale.is_logarithmic() { " (log)" } else { "" };
            let name = cut(&format!("{name}{how}, {what} 0 to {}", rows - 1), width);
            let between = if place == 0 { "" } else { "  " };
            let _ = write!(under, "{between}{} {name}{}", blanks(axis), blanks(width - columns(&name)));
        }
        page.line(&[(&under, faint)]);
    }
}

fn finding(page: &mut Page, report: &Report<'_>, finding: &Finding, shown_epoch: &mut Option<usize>) {
    let level = page.level(finding.level);
    let lead = format!("{}[{}]", finding.level, finding.rule);
    let heading = page.palette.heading;
    page.paragraph(&[(&lead, level), (": ", heading)], &[("  ", heading)], &finding.symptom, heading);

    let stretch = match (&finding.place, report.source) {
        (Some(Place::Span(span)), Some(source)) => Some((Stretch::new(source, span), source)),
        _ => None,
    };
    let gutter = stretch.as_ref().map_or(2, |(stretch, _)| stretch.number_columns()).min(8);
    let faint = page.palette.faint;
    let arrow = format!("{}--> ", blanks(gutter.saturating_sub(1) + 1));
    if let Some(place) = place_words(report, finding) {
        page.paragraph(&[(&arrow, faint)], &[(&blanks(columns(&arrow)), faint)], &place, Style::new());
    }
    if let Some((stretch, source)) = &stretch {
        excerpt::write(page, source, stretch, gutter, level);
    }
    if let Some((row, curves)) = epoch(finding).zip(report.curves)
        && finding.level > Level::Note
        && *shown_epoch != Some(row)
    {
        *shown_epoch = Some(row);
        curve_at(page, report, curves, row, gutter, level);
    }
    let remarks = !finding.causes.is_empty() || !finding.treatments.is_empty() || !finding.notes.is_empty();
    let bar = format!("{} |", blanks(gutter));
    if remarks && (stretch.is_some() || *shown_epoch == epoch(finding) && epoch(finding).is_some()) {
        page.line(&[(&bar, faint)]);
    }
    // What speaks for several causes alike is told with the first.
    let mut told: Vec<&str> = Vec::new();
    for cause in &finding.causes {
        self::cause(page, cause, gutter, &told);
        told.extend(cause.speaks_for.iter().map(String::as_str));
    }
    for treatment in &finding.treatments {
        remark(page, gutter, "help", page.palette.good, &treatment.text);
        if let Some((repair, source)) = repair(report, finding, treatment).zip(report.source) {
            excerpt::write_repair(page, source, &repair, gutter);
        }
    }
    for note in &finding.notes {
        remark(page, gutter, "note", heading, note);
    }
}

/// `  = help: text`, its further lines below the text's beginning.
fn remark(page: &mut Page, gutter: usize, what: &str, style: Style, text: &str) {
    let faint = page.palette.faint;
    let (before, what) = (format!("{} = ", blanks(gutter)), format!("{what}: "));
    let hang = blanks((columns(&before) + columns(&what)).min(page.width / 3));
    page.paragraph(&[(&before, faint), (&what, style)], &[(&hang, faint)], text, Style::new());
}

/// A cause, how likely it is, and what speaks for and against it, apart from what was told.
fn cause(page: &mut Page, cause: &Cause, gutter: usize, told: &[&str]) {
    let heading = page.palette.heading;
    let said = format!("{} ({})", cause.text, likelihood(weight(cause)));
    remark(page, gutter, "cause", heading, &said);
    let indent = blanks(gutter + 5);
    let hang = blanks(gutter + 7);
    let faint = page.palette.faint;
    let (good, bad) = (page.palette.good, page.palette.bad);
    for reason in cause.speaks_for.iter().filter(|reason| !told.contains(&reason.as_str())) {
        page.paragraph(&[(&indent, faint), ("+ ", good)], &[(&hang, faint)], reason, Style::new());
    }
    for reason in &cause.speaks_against {
        page.paragraph(&[(&indent, faint), ("- ", bad)], &[(&hang, faint)], reason, Style::new());
    }
}

/// The curves as bars with a caret under the epoch, and their values there.
fn curve_at(page: &mut Page, report: &Report<'_>, curves: &Curves, row: usize, gutter: usize, mark: Style) {
    let drawn = plot::drawn(curves);
    let rows = plot::rows(curves);
    let Some(scale) = plot::Scale::of(&drawn) else { return };
    let faint = page.palette.faint;
    let bar = format!("{} | ", blanks(gutter));
    let names = drawn.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
    let width = page.width.saturating_sub(columns(&bar) + names + 2).min(BARS_WIDTH);
    if width < 8 {
        return;
    }
    page.line(&[(&bar, faint)]);
    for (name, curve) in &drawn {
        let bars = plot::bars(curve, scale, rows, width);
        page.line(&[(&bar, faint), (&format!("{name:<names$}  "), faint), (&bars, Style::new())]);
    }
    let values: Vec<String> = drawn
        .iter()
        .filter_map(|(name, curve)| Some((name, plot::value_at(curve, row)?)))
        .map(|(name, value)| format!("{name} {}", figure(value)))
        .collect();
    let said = format!("{} {row}: {}", counter(report), values.join(", "));
    let said = if values.is_empty() { format!("{} {row}", counter(report)) } else { said };
    let left = names + 2 + plot::column_of(row, rows, width);
    let room = page.width.saturating_sub(columns(&bar));
    if left + 2 + columns(&said) <= room {
        page.line(&[(&bar, faint), (&format!("{}^ {said}", blanks(left)), mark)]);
    } else if columns(&said) < left {
        let before = blanks(left - 1 - columns(&said));
        page.line(&[(&bar, faint), (&format!("{before}{said} ^"), mark)]);
    } else {
        page.line(&[(&bar, faint), (&format!("{}^", blanks(left)), mark)]);
        page.paragraph(&[(&bar, faint)], &[(&bar, faint)], &said, mark);
    }
}

/// What all findings together point at.
fn causes(page: &mut Page, report: &Report<'_>) {
    let likely = likely_causes(report.diagnosis);
    if likely.is_empty() {
        return;
    }
    page.blank();
    page.line(&[("Likely causes", page.palette.heading)]);
    let faint = page.palette.faint;
    for (place, cause) in likely.iter().take(MOST_CAUSES).enumerate() {
        let number = format!("{:>3}. ", place + 1);
        let hang = blanks(columns(&number));
        let said = format!("{} ({})", cause.words(), cause.rules.join(", "));
        let filled = ((cause.weight() * CAUSE_BAR as f64).round() as usize).clamp(1, CAUSE_BAR);
        let bar = format!("{}{} ", "█".repeat(filled), "░".repeat(CAUSE_BAR - filled));
        let lead = [(number.as_str(), faint), (bar.as_str(), page.palette.warning)];
        let under = blanks(columns(&number) + columns(&bar));
        let narrow = page.width < 60;
        if narrow {
            page.paragraph(&lead[..1], &[(&hang, faint)], &said, Style::new());
        } else {
            page.paragraph(&lead, &[(&under, faint)], &said, Style::new());
        }
    }
}

/// What could not be checked, by what would allow it.
fn unchecked(page: &mut Page, report: &Report<'_>) {
    let missing = report.diagnosis.missing();
    if missing.is_empty() {
        return;
    }
    page.blank();
    page.line(&[("Not checked", page.palette.heading)]);
    let faint = page.palette.faint;
    for (need, rules) in missing {
        let said = format!("{} {}", need_words(rules.len()), need);
        let with_rules = format!("{said} ({})", ranges(&rules));
        let said = if columns(&with_rules) + 2 <= page.width { with_rules } else { said };
        page.paragraph(&[("  ", faint)], &[("    ", faint)], &said, faint);
    }
}

/// How it stands, honestly: what was not looked at is not fine.
fn close(page: &mut Page, report: &Report<'_>) {
    let [errors, warnings, _] = counts(&report.diagnosis.findings);
    let style = match (errors, warnings) {
        (1.., _) => page.palette.bad,
        (0, 1..) => page.palette.warning,
        (0, 0) if rules_that_looked(report).1 == 0 => page.palette.warning,
        (0, 0) => page.palette.good,
    };
    let said = format!("{}: {}", title(report), conclusion(report));
    page.paragraph(&[], &[("  ", style)], &said, style);
}

/// Many reports in a table, and how they stand together; empty for fewer than two.
pub fn summary(reports: &[Report<'_>], width: usize, palette: Palette) -> String {
    if reports.len() < 2 {
        return String::new();
    }
    let mut table = Table::new(
        [
            Column::text("path").elastic(),
            Column::number("errors"),
            Column::number("warnings"),
            Column::text("curve").optional(),
            Column::number("notes").optional(),
            Column::text("kind").optional(),
        ],
        palette.heading,
    );
    for report in reports {
        let [errors, warnings, notes] = counts(&report.diagnosis.findings);
        let number = |n: usize, style: Style| {
            if n == 0 { Cell::styled("–", palette.faint) } else { Cell::styled(n.to_string(), style) }
        };
        let primary = report.diagnosis.primary.map_or_else(|| "–".into(), label_name);
        table.row([
            title(report).into(),
            number(errors, palette.bad),
            number(warnings, palette.warning),
            primary.into(),
            number(notes, Style::new()),
            report.kind.into(),
        ]);
    }
    let all = reports.iter().map(|report| counts(&report.diagnosis.findings));
    let total = all.fold([0; 3], |sum, counts| [0, 1, 2].map(|i| sum[i] + counts[i]));
    let said = counts_words(total);
    let said = if said.is_empty() { "nothing found".into() } else { said };
    let mut page = Page::new(width, palette);
    page.paragraph(
        &[],
        &[("  ", Style::new())],
        &format!("{said} in {} reports", reports.len()),
        Style::new(),
    );
    format!("{}\n{}", table.render(width.max(super::page::NARROWEST)), page.finish())
}

/// A finding in one or two lines without styles, for a live view: what, and what to do first.
pub fn line(finding: &Finding) -> String {
    let at = epoch(finding).map_or_else(String::new, |row| format!(" at epoch {row}"));
    let mut line = format!("{}[{}]{at}: {}", finding.level, finding.rule, printable(&finding.symptom));
    if let Some(treatment) = finding.treatments.first() {
        let _ = write!(line, "\n  help: {}", printable(&treatment.text));
    }
    line
}
