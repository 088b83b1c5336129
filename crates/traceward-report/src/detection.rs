//! An evaluation by a protocol as terminal text: what `eval DATA` prints.
//!
//! First the models side by side, each with its intervals on a line below; then by which thresholds
//! attacks were found, the families, the incidents; then what a reader must know before quoting any of it:
//! whether the models differ by more than luck, and what is wrong with the data.

pub mod html;

use traceward_detect::incident::IncidentFigures;
use traceward_detect::protocol::{FamilyRow, ProtocolReport, ProtocolResult, Standing};
use traceward_trace::profile::numerals::{count, counted, percent};

use crate::figures::{figure, figure_or_dash, rate};
use crate::table::{Cell, Column, Table};
use crate::terminal::{Palette, printable, styled, wrap};

/// A figure of a model: its column, its key among the intervals, and where it stands.
type Figure = (Column, &'static str, fn(&Standing) -> Option<f64>);

/// The false-alarm rate of the tables that have room for one only.
const FAR: &str = "0.01";

/// The evaluation as styled text for a terminal of `width` columns.
pub fn text(report: &ProtocolReport, width: usize) -> String {
    Page { out: String::new(), width, palette: Palette::COLOUR }.report(report)
}

/// The evaluation as text without any style.
pub fn plain(report: &ProtocolReport, width: usize) -> String {
    Page { out: String::new(), width, palette: Palette::PLAIN }.report(report)
}

/// Text that grows downwards.
struct Page {
    out: String,
    width: usize,
    palette: Palette,
}

impl Page {
    fn report(mut self, report: &ProtocolReport) -> String {
        let first = &report.result;
        self.heading(&title(report));
        self.models(report);
        self.thresholds(report);
        self.families(first);
        if !first.per_class.is_empty() {
            let summed = match first.seeds.len() {
                0 | 1 => String::new(),
                seeds => format!(", summed over {seeds} seeds"),
            };
            self.section(&format!("Who was taken for whom: {}{summed}", first.model));
            let names: Vec<&str> = first.per_class.iter().map(|class| class.name.as_str()).collect();
            let matrix = crate::confusion::confusion(&first.confusion, &names, self.width, self.palette);
            self.out.push_str(&matrix);
        }
        self.incidents(report);
        let said: Vec<&str> =
            report.comparisons.iter().map(|comparison| comparison.verdict.as_str()).collect();
        self.sentences("Is the difference more than luck?", &said);
        let warned = report.inflation.iter().map(|inflation| inflation.warning.as_str());
        let notes: Vec<&str> = warned.chain(first.notes.iter().map(String::as_str)).collect();
        self.sentences("Before you quote this", &notes);
        let flaws: Vec<&str> = report.flaws.iter().map(String::as_str).collect();
        self.sentences("Known flaws of the data", &flaws);
        self.out
    }

    /// One line a model, and below it its intervals.
    fn models(&mut self, report: &ProtocolReport) {
        let standings = standings(report);
        let figures: [Figure; 5] = [
            (Column::number("macro-F1"), "macro_f1", |s| s.macro_f1),
            (Column::number("AUC"), "auc", |s| s.auc),
            (Column::number("found, 1 %"), "dr_at_threshold.0.01", |s| found(s, "0.01")),
            (Column::number("found, 0.1 %").optional(), "dr_at_threshold.0.001", |s| found(s, "0.001")),
            (Column::number("accuracy").optional(), "accuracy", |s| s.accuracy),
        ];
        // A protocol that asks for no family has no macro-F1 to show.
        let figures: Vec<_> =
            figures.into_iter().filter(|(_, _, of)| standings.iter().any(|s| of(s).is_some())).collect();
        let columns = figures.iter().map(|(column, _, _)| column.clone());
        let mut table =
            Table::new(std::iter::once(Column::text("model").elastic()).chain(columns), self.palette.heading);
        for standing in &standings {
            let cells = figures.iter().map(|(_, _, of)| figure_or_dash(of(standing)));
            table.row(std::iter::once(standing.name.clone()).chain(cells));
            if !standing.intervals.is_empty() {
                let between = figures.iter().map(|(_, key, _)| between(standing, key).unwrap_or_default());
                let cells = std::iter::once(String::new()).chain(between);
                table.row(cells.map(|text| Cell::styled(text, self.palette.faint)));
            }
        }
        self.out.push_str(&table.render(self.width));
        let seeds = report.result.seeds.len();
        let note = format!(
            "found: share of attacks found by thresholds chosen on other normals for this false-alarm rate. Below, 95 % intervals by a bootstrap over attack runs and normals{}.",
            if seeds > 1 { format!(", and over {seeds} seeds") } else { String::new() }
        );
        self.faint(&note);
        if let Some(spread) = report.result.seed_spread.get("macro_f1").filter(|_| seeds > 1) {
            let note = format!(
                "By seed, the macro-F1 of {} lies between {} and {} (standard deviation {}).",
                report.result.model,
                figure(spread.min),
                figure(spread.max),
                figure(spread.sd)
            );
            self.faint(&note);
        }
    }

    fn thresholds(&mut self, report: &ProtocolReport) {
        if report.result.thresholds.is_empty() {
            return;
        }
        self.section("Thresholds: asked for, and got");
        let mut table = Table::new(
            [
                Column::text("model").elastic(),
                Column::number("asked for"),
                Column::number("false alarms"),
                Column::number("found"),
                Column::number("ROC point"),
                Column::number("chosen on").optional(),
            ],
            self.palette.heading,
        );
        for result in std::iter::once(&report.result).chain(&report.models) {
            for (place, row) in result.thresholds.iter().enumerate() {
                table.row([
                    if place == 0 { result.model.clone() } else { String::new() },
                    rate(row.far),
                    row.false_alarm_rate.map_or_else(|| "–".into(), percent),
                    row.detection_rate.map_or_else(|| "–".into(), percent),
                    row.roc_point.map_or_else(|| "–".into(), percent),
                    format!("{} normals", count(row.chosen_on)),
                ]);
            }
        }
        self.out.push_str(&table.render(self.width));
        self.faint(
            "ROC point: what the best threshold finds that the judged normals themselves allow. No deployment can choose it; it compares orders.",
        );
    }

    fn families(&mut self, result: &ProtocolResult) {
        if result.families.is_empty() {
            return;
        }
        self.section(&format!("Families: {}", result.model));
        let named = result.protocol.asks_for_family();
        let mut columns = vec![
            Column::text("family").elastic(),
            Column::number("traces"),
            Column::number("runs").optional(),
            Column::number("AUC"),
            Column::number("found, 1 %"),
        ];
        if named {
            columns.extend([
                Column::number("named"),
                Column::number("other family").optional(),
                Column::number("normal").optional(),
            ]);
        }
        let mut table = Table::new(columns, self.palette.heading);
        for row in &result.families {
            table.row(family_cells(row).into_iter().take(if named { 8 } else { 5 }));
        }
        self.out.push_str(&table.render(self.width));
        let worst = result.families.iter().filter_map(|row| Some((row.auc?, &row.family)));
        if let (false, Some((auc, family))) = (named, worst.min_by(|a, b| a.0.total_cmp(&b.0))) {
            self.faint(&format!("Worst: {family}, AUC {}.", figure(auc)));
        }
    }

    fn incidents(&mut self, report: &ProtocolReport) {
        let results: Vec<&ProtocolResult> = std::iter::once(&report.result)
            .chain(&report.models)
            .filter(|r| !r.incidents.is_empty())
            .collect();
        if results.is_empty() {
            return;
        }
        self.section("Incidents: the traces of a run judged together");
        for result in results {
            for sentence in incident_sentences(result) {
                self.out.push_str(&wrap(&printable(&sentence), self.width, 2));
                self.out.push('\n');
            }
        }
    }

    fn sentences(&mut self, title: &str, sentences: &[&str]) {
        if sentences.is_empty() {
            return;
        }
        self.section(title);
        for sentence in sentences {
            let mark = styled("!", self.palette.warning);
            self.out.push_str(&format!("{mark} {}\n", wrap(&printable(sentence), self.width, 2)));
        }
    }

    fn section(&mut self, title: &str) {
        self.out.push('\n');
        self.heading(title);
    }

    fn heading(&mut self, title: &str) {
        let title = wrap(&printable(title), self.width, 0);
        self.out.push_str(&format!("{}\n", styled(&title, self.palette.heading)));
    }

    fn faint(&mut self, text: &str) {
        let text = wrap(&printable(text), self.width, 0);
        self.out.push_str(&format!("{}\n", styled(&text, self.palette.faint)));
    }
}

/// What was judged, and how.
fn title(report: &ProtocolReport) -> String {
    let result = &report.result;
    let seeds = match &result.seeds[..] {
        [] => String::new(),
        [one] => format!(", seed {one}"),
        [first, .., last] => format!(", seeds {first} to {last}"),
    };
    format!(
        "{}: {} judged, {} protocol, {}{seeds}",
        report.data,
        counted(result.traces, "trace"),
        result.protocol,
        counted(result.cases, "training"),
    )
}

/// The first model, the trivial classifier, then the others.
fn standings(report: &ProtocolReport) -> Vec<Standing> {
    let mut all = vec![report.result.standing()];
    all.extend(report.models.iter().map(ProtocolResult::standing));
    let models = all.len();
    let asked_for = |name: &str, all: &[Standing]| all[..models].iter().any(|model| model.name == name);
    for baseline in &report.baselines {
        if !asked_for(&baseline.name, &all) {
            all.push(baseline.clone());
        }
    }
    all
}

fn found(standing: &Standing, far: &str) -> Option<f64> {
    standing.dr_at_threshold.get(far).copied().flatten()
}

/// `.656–.728`, without the noughts that all of them begin with.
fn between(standing: &Standing, key: &str) -> Option<String> {
    let [low, high] = standing.intervals.get(key)?;
    let short = |value: &f64| match format!("{value:.3}") {
        text if text.starts_with("0.") => text[1..].to_owned(),
        text => text,
    };
    Some(format!("{}–{}", short(low), short(high)))
}

fn family_cells(row: &FamilyRow) -> [String; 8] {
    let share = |value: Option<f64>| value.map_or_else(|| "–".into(), percent);
    [
        row.family.clone(),
        count(usize::try_from(row.traces).unwrap_or(usize::MAX)),
        count(usize::try_from(row.runs).unwrap_or(usize::MAX)),
        figure_or_dash(row.auc),
        share(row.detected.get(FAR).copied().flatten()),
        share(row.named),
        share(row.other_family),
        share(row.called_normal),
    ]
}

/// What incidents a model raises, as means over its seeds.
fn incident_sentences(result: &ProtocolResult) -> Vec<String> {
    let seeds = result.incidents.len() as f64;
    let mean = |of: &dyn Fn(&IncidentFigures) -> f64| result.incidents.iter().map(of).sum::<f64>() / seeds;
    let Some(first) = result.incidents.first() else { return Vec::new() };
    let whole = |value: f64| {
        let text = format!("{value:.1}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    let runs = whole(mean(&|figures| figures.runs as f64));
    let [low, high] = [0, 1].map(|end| mean(&|figures| figures.false_per_1000_interval[end]));
    let named = if result.protocol.asks_for_family() {
        format!(
            " and {} of them named right. Told which traces belong to the attack, it names {} of {runs}",
            whole(mean(&|figures| figures.detected_and_named as f64)),
            whole(mean(&|figures| figures.named_when_told as f64)),
        )
    } else {
        String::new()
    };
    let mut said = vec![
        format!(
            "{}: {} of {runs} attack runs detected without being told which traces are attacks{named}.",
            result.model,
            whole(mean(&|figures| figures.detected as f64)),
        ),
        format!(
            "  False incidents: {} per 1,000 normal processes ({} of {}; 95 % interval {} to {}), asked for {}; {} when normals are dealt into sessions of {}.",
            whole_or_two(mean(&|figures| figures.false_per_1000)),
            whole(mean(&|figures| figures.false_incidents as f64)),
            count(usize::try_from(first.normals).unwrap_or(usize::MAX)),
            whole_or_two(low),
            whole_or_two(high),
            whole_or_two(1000.0 * first.rate),
            whole_or_two(mean(&|figures| figures.false_per_1000_in_sessions)),
            first.session_traces,
        ),
    ];
    if let (Some(traces), Some(calls)) = (first.traces_to_alarm, first.calls_to_alarm) {
        said.push(format!(
            "  Until the alarm: {} and {} in the median, {} and {} in nine of ten runs.",
            counted(usize::try_from(traces.median).unwrap_or(usize::MAX), "trace"),
            counted(usize::try_from(calls.median).unwrap_or(usize::MAX), "call"),
            counted(usize::try_from(traces.p90).unwrap_or(usize::MAX), "trace"),
            counted(usize::try_from(calls.p90).unwrap_or(usize::MAX), "call"),
        ));
    }
    said
}

fn whole_or_two(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
