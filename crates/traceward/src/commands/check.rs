//! `train --check`: seconds of probes instead of a training, and what the doctor makes of them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use traceward_doctor::{Evidence, Level, diagnose, read};
use traceward_model::Network;
use traceward_report::doctor::{self, Document, Report};
use traceward_report::terminal::Palette;
use traceward_run::TrainConfig;
use traceward_run::probe::{Probes, RangeTest};
use traceward_train::Examples;
use traceward_train::probe::Subject;

use crate::error::{ExitStatus, Outcome};
use crate::output::{self, Format, Output};
use crate::probes;

/// Lines of the range test's curve.
const HEIGHT: usize = 9;
/// Columns of its widest form.
const WIDTH: usize = 72;

/// What JSON says of a check.
#[derive(Serialize)]
struct Checked<'a> {
    probes: &'a Probes,
    doctor: Document,
}

/// What is checked.
pub(super) struct Check<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) examples: &'a Examples,
    pub(super) network: &'a Network,
    pub(super) data: Option<traceward_doctor::facts::Data>,
    pub(super) data_name: &'a str,
    pub(super) stop: &'a Arc<AtomicBool>,
}

/// Makes the probes and says what they show. Exit code 1 if anything at error level was found.
pub(super) fn run(check: Check<'_>, output: Output) -> Outcome {
    let Check { config, examples, network, data, data_name, stop } = check;
    let subject = Subject { network, examples, config, stop };
    let probes = probes::all(&subject, |what| output.note(format_args!("checking: {what}")))?;
    if stop.load(std::sync::atomic::Ordering::Relaxed) {
        return Ok(ExitStatus::Interrupted);
    }
    let (facts, fit) = read::config(config, network.classes(), network.vocabulary());
    let evidence =
        Evidence { network: Some(facts), fit: Some(fit), data, probes: Some(probes), ..Evidence::default() };
    let diagnosis = diagnose(&evidence);
    let report = Report {
        path: data_name,
        run: None,
        kind: "check before training",
        diagnosis: &diagnosis,
        source: None,
        curves: None,
    };
    if let Some(probes) = &evidence.probes {
        match output.format {
            Format::Json => output.json(&Checked { probes, doctor: doctor::json(&report) })?,
            Format::Text => {
                output.text(&text(probes, output::width()))?;
                output.text("\n")?;
                output.text(&doctor::text(&report, output::width(), Palette::COLOUR))?;
            }
        }
    }
    let worst = diagnosis.findings.iter().map(|finding| finding.level).max();
    Ok(if worst >= Some(Level::Error) { ExitStatus::Findings } else { ExitStatus::Fine })
}

/// The probes' results for people.
fn text(probes: &Probes, width: usize) -> String {
    let mut text = String::new();
    if let Some(start) = &probes.start {
        let _ = writeln!(
            text,
            "Loss at the start      {:.3}, of a network that knows nothing: {} = {:.3}",
            start.loss, start.formula, start.expected
        );
    }
    match &probes.overfit {
        Some(overfit) => {
            let _ = writeln!(
                text,
                "One batch by heart     {} items of {} classes: loss {:.3} to {:.3}, accuracy {:.2}, in {} steps of {}",
                overfit.items,
                overfit.classes,
                overfit.start_loss,
                overfit.end_loss,
                overfit.accuracy,
                overfit.steps,
                rate(overfit.learning_rate)
            );
        }
        None => text.push_str("One batch by heart     took too long; not judged\n"),
    }
    if let Some(input) = &probes.input {
        let _ = writeln!(
            text,
            "Inputs matter          after {} steps: loss {:.3} with the right ones, {:.3} with permuted ones (p = {:.2})",
            input.steps, input.own, input.permuted, input.p
        );
    }
    if let Some(gradient) = &probes.gradient {
        let _ = writeln!(
            text,
            "Gradients              {} weights; largest difference from the loss's own slope {:.2} % ({})",
            gradient.weights,
            100.0 * gradient.worst,
            gradient.name
        );
    }
    if let Some(range) = &probes.range {
        text.push_str("Learning rates         ");
        text.push_str(&match (range.suggested, range.current) {
            (Some(suggested), Some(current)) => {
                format!("suggested {}, yours {}", rate(suggested), rate(current))
            }
            (Some(suggested), None) => format!("suggested {}", rate(suggested)),
            (None, _) => "the loss fell at none of them".into(),
        });
        if let Some(bound) = range.bound {
            let _ = write!(text, "; the loss climbs from {} on", rate(bound));
        }
        text.push_str("\n\n");
        text.push_str(&plot(range, width));
    }
    text
}

/// `3e-4`, `0.0021`: two digits.
fn rate(rate: f64) -> String {
    if rate >= 1e-4 {
        let digits = usize::try_from(1 - rate.log10().floor() as i32).unwrap_or(0);
        let text = format!("{rate:.digits$}");
        let short = text.trim_end_matches('0').trim_end_matches('.');
        if short.is_empty() { text } else { short.into() }
    } else {
        format!("{rate:.1e}")
    }
}

/// The loss over the learning rate, on a logarithmic axis; `^` is the suggested rate, `|` the training's own.
fn plot(range: &RangeTest, width: usize) -> String {
    let (Some(&(first, start)), Some(&(last, _))) = (range.points.first(), range.points.last()) else {
        return String::new();
    };
    let columns = width.saturating_sub(12).clamp(20, WIDTH);
    let place = |rate: f64| {
        let share = (rate / first).ln() / (last / first).ln().max(f64::MIN_POSITIVE);
        (share * (columns - 1) as f64).round().clamp(0.0, (columns - 1) as f64) as usize
    };
    let low = range.points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    // What explodes at the end would press all the rest flat.
    let high = range
        .points
        .iter()
        .map(|p| p.1)
        .fold(start, f64::max)
        .min(start + 0.5 * (start - low) + 0.05 * start);
    let mut grid = vec![vec![' '; columns]; HEIGHT];
    for &(rate, loss) in &range.points {
        let level = ((loss.min(high) - low) / (high - low).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        let row = ((1.0 - level) * (HEIGHT - 1) as f64).round() as usize;
        grid[row][place(rate)] = '•';
    }
    let mut text = String::new();
    for (row, line) in grid.into_iter().enumerate() {
        let label = match row {
            0 => format!("{high:8.3}"),
            row if row == HEIGHT - 1 => format!("{low:8.3}"),
            _ => " ".repeat(8),
        };
        let line: String = line.into_iter().collect();
        let _ = writeln!(text, "{label} │{}", line.trim_end());
    }
    let _ = writeln!(text, "{} └{}", " ".repeat(8), "─".repeat(columns));
    let mut marks = vec![' '; columns];
    for (mark, at) in [('|', range.current), ('^', range.suggested)] {
        if let Some(at) = at.filter(|at| (first..=last).contains(at)) {
            marks[place(at)] = mark;
        }
    }
    let marks: String = marks.into_iter().collect();
    let _ = writeln!(text, "{}{}", " ".repeat(10), marks.trim_end());
    let ends = (rate(first), rate(last));
    let gap = columns.saturating_sub(ends.0.len() + ends.1.len());
    let _ = writeln!(text, "{}{}{}{}  learning rate", " ".repeat(10), ends.0, " ".repeat(gap), ends.1);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_drawn_within_its_width() {
        let points: Vec<(f64, f64)> = (0..100)
            .map(|step| 1e-6 * 1e6f64.powf(f64::from(step) / 99.0))
            .map(|rate| (rate, if rate > 0.1 { 40.0 } else { 2.0 - 1.5 * (rate / 0.1).sqrt() }))
            .collect();
        let range = RangeTest {
            points,
            steepest: Some(0.03),
            suggested: Some(0.01),
            bound: Some(0.11),
            current: Some(1e-4),
        };
        let drawn = plot(&range, 80);
        assert!(drawn.lines().all(|line| line.chars().count() <= 96), "{drawn}");
        assert_eq!(drawn.lines().count(), HEIGHT + 3);
        let marks = drawn.lines().nth(HEIGHT + 1).unwrap();
        assert!(marks.find('|').unwrap() < marks.find('^').unwrap(), "{drawn}");
        assert_eq!(plot(&RangeTest::default(), 80), "");
    }

    #[test]
    fn rates_are_short() {
        assert_eq!([0.01, 0.00215, 3e-7, 1.0].map(rate), ["0.01", "0.0022", "3.0e-7", "1"]);
    }
}
