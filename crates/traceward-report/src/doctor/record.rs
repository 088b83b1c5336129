//! The debug record as people read it: in the terminal, as Markdown, as a page.
//!
//! It is told as a diary is: what was seen, what was found, what was changed and why, what came of it.
//! What did not help is told too, before what did. The same sentences stand in all three forms.

use std::fmt::Write as _;

use anstyle::Style;
use askama::Template;
use traceward_doctor::Level;
use traceward_doctor::curve::{Curve, Curves};
use traceward_doctor::record::{
    DebugRecord, Outcome, RecordedCause, RecordedCurves, RecordedFinding, Score, Step, Trial, Verdict,
};
use traceward_run::run_dir::readable_time;

use super::html::{capital, charts, class, level_word};
use super::markdown::{escape, fenced};
use super::page::{Page, blanks};
use super::text::overview;
use super::view::{label_name, likelihood};
use crate::figures::{duration, figure, loss};
use crate::terminal::{Palette, printable};

/// Columns of what stands in fences.
const WIDTH: usize = 100;

/// The record in short, in at most `width` columns: a step, what was found, what was kept.
pub fn record_text(record: &DebugRecord, width: usize, palette: Palette) -> String {
    let mut page = Page::new(width, palette);
    let plain = Style::new();
    page.paragraph(&[], &[("  ", plain)], &title(record), palette.heading);
    for step in &record.steps {
        page.blank();
        let number = format!("{}. ", step.number);
        let hang = blanks(number.len());
        let what = format!("{}{}", standing(step), scores_in_short(&step.curves));
        page.paragraph(&[(&number, palette.faint)], &[(&hang, plain)], &what, palette.heading);
        let notes = step.findings.iter().filter(|finding| finding.level == Level::Note);
        for finding in step.findings.iter().filter(|finding| finding.level > Level::Note) {
            let level = page.level(finding.level);
            let lead = format!("{hang}{}[{}]", finding.level, finding.rule);
            let under = format!("{hang}  ");
            page.paragraph(&[(&lead, level), (": ", plain)], &[(&under, plain)], &finding.symptom, plain);
        }
        match notes.map(|note| note.rule.as_str()).collect::<Vec<_>>().as_slice() {
            [] => {}
            notes => {
                let said = format!("and noted {}", notes.join(", "));
                page.paragraph(&[(&hang, plain)], &[(&hang, plain)], &said, palette.faint);
            }
        }
        for trial in &step.trials {
            let (mark, style) = match trial.verdict {
                Verdict::Accepted => ("+ kept: ", palette.good),
                Verdict::Rejected => ("- dropped: ", palette.faint),
                Verdict::Failed => ("! failed: ", palette.bad),
            };
            let under = format!("{hang}  ");
            let said = format!("{} ({})", trial.treatment, trial.why);
            page.paragraph(&[(&hang, plain), (mark, style)], &[(&under, plain)], &said, plain);
        }
    }
    page.blank();
    let (style, said) = match record.outcome {
        Outcome::Healthy => (palette.good, ending(record)),
        Outcome::Failed(_) => (palette.bad, ending(record)),
        _ => (palette.warning, ending(record)),
    };
    page.paragraph(&[], &[("  ", plain)], &said, style);
    page.finish()
}

/// The record as Markdown.
pub fn record_markdown(record: &DebugRecord) -> String {
    let mut out = format!("# {}\n\n{}\n", escape(&title(record)), escape(&ending(record)));
    if let Some(began) = record.began {
        let _ = writeln!(
            out,
            "\nBegun {} UTC, with traceward {}.",
            readable_time(began),
            escape(&record.traceward)
        );
    }
    if !record.facts.is_empty() {
        out.push('\n');
    }
    for (label, value) in &record.facts {
        let _ = writeln!(out, "- {}: {}", escape(label), escape(value));
    }
    if !record.steps.is_empty() {
        out.push_str("\n| step | curve | kept | what it did |\n|---|---|---|---|\n");
    }
    for step in &record.steps {
        let kept = step.accepted();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            step.number,
            step.primary.map_or_else(|| "–".into(), |label| escape(&label_name(label))),
            kept.map_or_else(|| "–".into(), |trial| escape(&trial.treatment)),
            kept.map_or_else(|| "–".into(), |trial| escape(&change_of_metric(trial))),
        );
    }
    for step in &record.steps {
        step_in_markdown(&mut out, step);
    }
    let _ = writeln!(out, "\n## The end\n\n{}", escape(&ending(record)));
    out
}

fn step_in_markdown(out: &mut String, step: &Step) {
    let _ = writeln!(out, "\n## Step {}, {}", step.number, escape(&standing(step)));
    if !step.summary.is_empty() {
        out.push('\n');
    }
    for (label, value) in &step.summary {
        let _ = writeln!(out, "- {}: {}", escape(label), escape(value));
    }
    let seen = seen(&step.curves);
    if !seen.is_empty() {
        let _ = writeln!(out, "\n**Seen.** {}", escape(&seen));
    }
    let mut page = Page::new(WIDTH, Palette::PLAIN);
    overview(&mut page, &curves(&step.curves));
    fenced(out, "text", &page.finish());
    if step.findings.is_empty() {
        out.push_str("\n**Found.** Nothing.\n");
    } else {
        out.push_str("\n**Found.**\n\n");
    }
    for finding in &step.findings {
        let _ = writeln!(out, "- {} {}: {}", finding.level, escape(&finding.rule), escape(&said(finding)));
        for cause in causes(finding) {
            let _ = writeln!(out, "  - {}: {}", likelihood(cause.weight), escape(&cause.text));
        }
    }
    for note in &step.notes {
        let _ = writeln!(out, "\n> {}", escape(note));
    }
    for trial in &step.trials {
        let _ = writeln!(out, "\n**{}** {}.", verb(trial), escape(&sentence(&trial.treatment)));
        if !trial.reason.is_empty() {
            let _ = writeln!(out, "\nWhy: {}.", escape(trial.reason.trim_end_matches('.')));
        }
        fenced(out, "diff", &trial.change);
        let _ = writeln!(out, "\n**What came of it.** {}.", escape(&came_of(trial)));
        let rows = by_seed(trial);
        if !rows.is_empty() {
            let _ = writeln!(out, "\n| seed | {} before | after |\n|---|---|---|", escape(&trial.metric));
        }
        for [seed, before, after] in rows {
            let _ = writeln!(out, "| {seed} | {before} | {after} |");
        }
    }
}

/// The record as one self-contained page.
pub fn record_html(record: &DebugRecord) -> String {
    let page = RecordPage {
        title: clean(&title(record)),
        outcome: outcome_word(&record.outcome),
        outcome_class: match record.outcome {
            Outcome::Healthy => "good",
            Outcome::Failed(_) => "bad",
            _ => "warn",
        },
        ending: clean(&ending(record)),
        began: record.began.map(|began| {
            format!("Begun {} UTC, with traceward {}.", readable_time(began), clean(&record.traceward))
        }),
        facts: pairs(&record.facts),
        steps: record.steps.iter().map(StepView::new).collect(),
    };
    // The template has no fallible part: formatting into a String does not fail.
    page.render().unwrap_or_else(|error| format!("<!doctype html><p>{error}</p>"))
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    title: String,
    outcome: &'static str,
    outcome_class: &'static str,
    ending: String,
    began: Option<String>,
    facts: Vec<(String, String)>,
    steps: Vec<StepView>,
}

struct StepView {
    number: usize,
    standing: String,
    primary: String,
    kept: String,
    gained: String,
    run: Option<String>,
    summary: Vec<(String, String)>,
    seen: String,
    charts: Vec<String>,
    findings: Vec<FoundView>,
    notes: Vec<String>,
    trials: Vec<TrialView>,
    config: String,
}

struct FoundView {
    level: &'static str,
    level_class: &'static str,
    rule: String,
    said: String,
    causes: Vec<(String, &'static str)>,
}

struct TrialView {
    verb: &'static str,
    verb_class: &'static str,
    treatment: String,
    reason: String,
    diff: Vec<DiffLine>,
    came_of: String,
    metric: String,
    rows: Vec<[String; 3]>,
    /// Curves of what was dropped; those of what was kept are the next step's.
    chart: Option<String>,
}

struct DiffLine {
    class: &'static str,
    text: String,
}

impl StepView {
    fn new(step: &Step) -> Self {
        let kept = step.accepted();
        let curves = curves(&step.curves);
        let findings = step.findings.iter().map(|finding| FoundView {
            level: level_word(finding.level),
            level_class: class(finding.level),
            rule: clean(&finding.rule),
            said: clean(&said(finding)),
            causes: causes(finding).map(|cause| (clean(&cause.text), likelihood(cause.weight))).collect(),
        });
        Self {
            number: step.number,
            standing: clean(&standing(step)),
            primary: step.primary.map_or_else(|| "–".into(), label_name),
            kept: kept.map_or_else(|| "–".into(), |trial| clean(&trial.treatment)),
            gained: kept.map_or_else(|| "–".into(), |trial| clean(&change_of_metric(trial))),
            run: step.run.as_deref().map(clean),
            summary: pairs(&step.summary),
            seen: clean(&seen(&step.curves)),
            charts: charts(&curves, step.findings.iter().find_map(|finding| finding.epoch)),
            findings: findings.collect(),
            notes: step.notes.iter().map(|note| clean(note)).collect(),
            trials: step.trials.iter().map(TrialView::new).collect(),
            config: step.config.lines().map(clean).collect::<Vec<_>>().join("\n"),
        }
    }
}

impl TrialView {
    fn new(trial: &Trial) -> Self {
        let diff = trial.change.lines().map(|line| DiffLine {
            class: match line.as_bytes() {
                [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] | [b'@', ..] => "number",
                [b'-', ..] => "removed",
                [b'+', ..] => "added",
                _ => "",
            },
            text: clean(line),
        });
        let dropped = trial.curves.as_ref().filter(|_| trial.verdict != Verdict::Accepted);
        Self {
            verb: verb(trial),
            verb_class: match trial.verdict {
                Verdict::Accepted => "good",
                Verdict::Rejected => "faint",
                Verdict::Failed => "bad",
            },
            treatment: clean(&sentence(&trial.treatment)),
            reason: clean(trial.reason.trim_end_matches('.')),
            diff: diff.collect(),
            came_of: clean(&came_of(trial)),
            metric: clean(&trial.metric),
            rows: by_seed(trial),
            chart: dropped.and_then(|dropped| charts(&curves(dropped), None).into_iter().next()),
        }
    }
}

fn clean(text: &str) -> String {
    printable(text).into_owned()
}

fn pairs(facts: &[(String, String)]) -> Vec<(String, String)> {
    facts.iter().map(|(label, value)| (clean(label), clean(value))).collect()
}

fn title(record: &DebugRecord) -> String {
    let on = if record.data.is_empty() { String::new() } else { format!(" on {}", record.data) };
    format!("Debugging {}{on}", record.name)
}

/// How a step's training stands: `STUCK: does not move`.
fn standing(step: &Step) -> String {
    match step.primary {
        Some(label) => format!("{}: {}", label_name(label), label.meaning()),
        None if step.curves.is_empty() => "there is no curve".into(),
        None => "a curve without a name".into(),
    }
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Healthy => "healthy",
        Outcome::OutOfTreatments => "out of treatments",
        Outcome::OutOfBudget => "out of time",
        Outcome::Interrupted => "interrupted",
        Outcome::Failed(_) => "failed",
    }
}

/// How it ended, how far it came and what it took, in a sentence or two.
fn ending(record: &DebugRecord) -> String {
    let end = match &record.outcome {
        Outcome::Running => "It is still running".to_owned(),
        Outcome::Healthy => "It ended healthy".into(),
        Outcome::OutOfTreatments => "It ended with findings for which nothing is left to try".into(),
        Outcome::OutOfBudget => "It ended when the time was used up".into(),
        Outcome::Interrupted => "It was stopped".into(),
        Outcome::Failed(why) => format!("It could not go on: {}", why.trim_end_matches('.')),
    };
    let trials = record.steps.iter().map(|step| step.trials.len()).sum::<usize>();
    let kept = record.steps.iter().filter(|step| step.accepted().is_some()).count();
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let of = record.budget.map_or_else(String::new, |budget| format!(" of {}", duration(budget)));
    format!(
        "{end}, after {} and {}, {kept} of them kept, in {}{of}.",
        counted(record.steps.len(), "step"),
        counted(trials, "treatment"),
        duration(record.seconds)
    )
}

/// What the curves were, in sentences.
fn seen(curves: &RecordedCurves) -> String {
    let mut said = Vec::new();
    if let Some((first, last)) = ends(curves.loss.as_ref()) {
        let rows = curves.loss.as_ref().map_or(0, |curve| curve.rows.last().map_or(0, |row| row + 1));
        let epochs = if rows == 1 { "epoch" } else { "epochs" };
        said.push(format!("Training loss went from {} to {} in {rows} {epochs}.", loss(first), loss(last)));
    }
    if let Some((curve, (_, last))) = curves.val_loss.as_ref().zip(ends(curves.val_loss.as_ref())) {
        let least = curve.values.iter().enumerate().filter(|(_, value)| value.is_finite());
        if let Some((place, least)) = least.min_by(|a, b| a.1.total_cmp(b.1)) {
            let row = curve.rows.get(place).copied().unwrap_or(place);
            let end = if place + 1 == curve.values.len() {
                ", the last".to_owned()
            } else {
                format!(", and {} at the end", loss(last))
            };
            said.push(format!("Validation loss was least, {}, at epoch {row}{end}.", loss(*least)));
        }
    }
    let accuracies = [("in training", &curves.accuracy), ("on validation data", &curves.val_accuracy)];
    let accuracies: Vec<String> = accuracies
        .iter()
        .filter_map(|(side, curve)| Some(format!("{} {side}", figure(ends(curve.as_ref())?.1))))
        .collect();
    if !accuracies.is_empty() {
        said.push(format!("Accuracy ended at {}.", accuracies.join(" and ")));
    }
    said.join(" ")
}

/// `; loss 1.9 to 0.3`, or nothing.
fn scores_in_short(curves: &RecordedCurves) -> String {
    let side = |name: &str, curve: &Option<Curve>| {
        let (first, last) = ends(curve.as_ref())?;
        Some(format!("{name} {} to {}", loss(first), loss(last)))
    };
    let said: Vec<String> =
        [side("loss", &curves.loss), side("val_loss", &curves.val_loss)].into_iter().flatten().collect();
    if said.is_empty() { String::new() } else { format!("; {}", said.join(", ")) }
}

/// First and last value.
fn ends(curve: Option<&Curve>) -> Option<(f64, f64)> {
    let values = &curve?.values;
    Some((*values.first()?, *values.last()?))
}

/// The causes that a diary tells: the likeliest two, and none of what is only noted.
fn causes(finding: &RecordedFinding) -> impl Iterator<Item = &RecordedCause> {
    let told = if finding.level == Level::Note { 0 } else { 2 };
    finding.causes.iter().take(told)
}

/// A finding with its place.
fn said(finding: &RecordedFinding) -> String {
    let at = finding.place.as_ref().map_or_else(String::new, |place| format!(" (at {place})"));
    format!("{}{at}", finding.symptom)
}

fn verb(trial: &Trial) -> &'static str {
    match trial.verdict {
        Verdict::Accepted => "Changed:",
        Verdict::Rejected => "Tried and dropped:",
        Verdict::Failed => "Tried in vain:",
    }
}

fn sentence(text: &str) -> String {
    capital(text.trim_end_matches('.'))
}

/// What came of a trial: the decision, and its numbers where the sentence lacks them.
fn came_of(trial: &Trial) -> String {
    let why = sentence(&trial.why);
    if why.contains(|c: char| c.is_ascii_digit()) {
        return why;
    }
    let numbers = change_of_metric(trial);
    let against = match (trial.gain, trial.noise) {
        (Some(gain), Some(noise)) => {
            format!("; a gain of {} against a noise of {}", signed(gain), number(noise))
        }
        _ => String::new(),
    };
    let said = if numbers == "–" { String::new() } else { format!(" ({numbers}{against})") };
    format!("{why}{said}")
}

/// `val_loss 1.72 to 0.61`: the means over the seeds.
fn change_of_metric(trial: &Trial) -> String {
    match mean(&trial.before).zip(mean(&trial.after)) {
        Some((before, after)) => format!("{} {} to {}", trial.metric, number(before), number(after)),
        None => mean(&trial.after)
            .map_or_else(|| "–".into(), |after| format!("{} {}", trial.metric, number(after))),
    }
}

/// The mean of the seeds that came to a number.
fn mean(scores: &[Score]) -> Option<f64> {
    let values: Vec<f64> = scores.iter().filter_map(|score| score.value).filter(|v| v.is_finite()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Seed, before, after.
fn by_seed(trial: &Trial) -> Vec<[String; 3]> {
    let mut seeds: Vec<u64> = Vec::new();
    for score in trial.before.iter().chain(&trial.after) {
        if !seeds.contains(&score.seed) {
            seeds.push(score.seed);
        }
    }
    let of = |scores: &[Score], seed: u64| match scores.iter().find(|score| score.seed == seed) {
        Some(Score { value: Some(value), .. }) => number(*value),
        Some(Score { value: None, .. }) => "no number".into(),
        None => "–".into(),
    };
    seeds
        .into_iter()
        .map(|seed| [seed.to_string(), of(&trial.before, seed), of(&trial.after, seed)])
        .collect()
}

fn number(value: f64) -> String {
    if (0.0..=1.0).contains(&value) { figure(value) } else { loss(value) }
}

fn signed(value: f64) -> String {
    if value < 0.0 { format!("−{}", number(-value)) } else { number(value) }
}

/// The record's curves as the doctor's own.
fn curves(recorded: &RecordedCurves) -> Curves {
    let RecordedCurves { loss, val_loss, accuracy, val_accuracy } = recorded.clone();
    let last = [&loss, &val_loss, &accuracy, &val_accuracy];
    let rows = last.into_iter().flatten().filter_map(|curve| curve.rows.last()).max();
    Curves {
        rows: rows.map_or(0, |row| row + 1),
        loss,
        val_loss,
        accuracy,
        val_accuracy,
        ..Curves::default()
    }
}

#[cfg(test)]
mod tests;
