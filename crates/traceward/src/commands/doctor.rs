//! `doctor`: what is wrong with a training run, of any framework, and what would cure it.

mod watch;

use std::path::{Path, PathBuf};

use serde::Serialize;
use traceward_doctor::{Diagnosis, Level, diagnose, rules};
use traceward_report::doctor::{self as page, Report};
use traceward_report::terminal::Palette;

use crate::cli::{DoctorArgs, FailOn, Format};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::output::{self, Output};
use crate::subject::{self, Subject};

/// Runs the command.
pub(super) fn run(args: &DoctorArgs, format: Format, output: Output) -> Outcome {
    if let Some(rule) = &args.explain {
        return explain(rule.as_deref(), format, output);
    }
    let paths = match &args.paths[..] {
        [] => vec![newest_run()?],
        paths => paths.to_vec(),
    };
    if let Some(seconds) = args.watch {
        return watch::run(&paths, seconds, args, output);
    }
    let mut subjects = Vec::new();
    for path in &paths {
        subjects.append(&mut subject::at(path, output)?);
    }
    if args.together {
        subjects = subject::together(subjects)?;
    }
    let examined: Vec<Examined> =
        subjects.into_iter().map(|subject| Examined::new(subject, args.classes)).collect();
    write(&examined, format, output)?;
    Ok(status(examined.iter().filter_map(Examined::worst).max(), args.fail_on))
}

/// A training that was looked at.
struct Examined {
    path: String,
    subject: Subject,
    kind: String,
    diagnosis: Diagnosis,
}

impl Examined {
    /// Looks at a training; `classes` is how many there are, where the user said so.
    fn new(mut subject: Subject, classes: Option<usize>) -> Self {
        if classes.is_some() {
            subject.evidence.stated.classes.value = classes;
        }
        Self {
            path: subject.path.display().to_string(),
            kind: subject.kind.to_string(),
            diagnosis: diagnose(&subject.evidence),
            subject,
        }
    }

    fn report(&self) -> Report<'_> {
        Report {
            path: &self.path,
            run: self.subject.name.as_deref(),
            kind: &self.kind,
            diagnosis: &self.diagnosis,
            source: self.subject.evidence.source.as_ref(),
            curves: self.subject.evidence.curves.as_ref(),
        }
    }

    /// The worst level that was found.
    fn worst(&self) -> Option<Level> {
        self.diagnosis.findings.iter().map(|finding| finding.level).max()
    }
}

/// The newest run under `runs/`.
fn newest_run() -> Result<PathBuf, Failure> {
    let runs = traceward_run::run_dir::list(Path::new("runs"))?;
    runs.last().map(|run| run.path.clone()).ok_or_else(|| {
        Failure::new("nothing to look at: no PATH was given, and there is no run under runs/")
            .hint("name a log, a script, a model or a data set: traceward doctor PATH")
    })
}

/// What the exit code says of it.
fn status(worst: Option<Level>, fail_on: FailOn) -> ExitStatus {
    let limit = match fail_on {
        FailOn::Error => Level::Error,
        FailOn::Warning => Level::Warning,
        FailOn::Never => return ExitStatus::Fine,
    };
    if worst >= Some(limit) { ExitStatus::Findings } else { ExitStatus::Fine }
}

/// Writes all reports: for programs one object, or an array where several files were looked at.
fn write(examined: &[Examined], format: Format, output: Output) -> Result<(), Failure> {
    let reports: Vec<Report<'_>> = examined.iter().map(Examined::report).collect();
    let width = output::width();
    match format {
        // The latter is refused before it comes here.
        Format::Text | Format::Ecs => {
            let mut text = String::new();
            for report in &reports {
                text.push_str(&page::text(report, width, Palette::COLOUR));
                text.push('\n');
            }
            if reports.len() > 1 {
                text.push_str(&page::summary(&reports, width, Palette::COLOUR));
            }
            output.text(&text)
        }
        Format::Json => match &page::json_of_all(&reports)[..] {
            [one] => output.json(one),
            several => output.json(&several),
        },
        Format::Sarif => output.json(&page::sarif(&reports)),
        Format::Html => output.text(&page::html(&reports)),
        Format::Markdown => output.text(&page::markdown(&reports)),
    }
}

/// A rule, as JSON says it.
#[derive(Serialize)]
struct Page {
    rule: &'static str,
    name: &'static str,
    page: String,
}

/// Prints a rule's page, or the list of all rules.
fn explain(id: Option<&str>, format: Format, output: Output) -> Outcome {
    let chosen: Vec<_> = match id {
        None => rules::all().collect(),
        Some(id) => vec![rules::by_id(id).ok_or_else(|| {
            Failure::new(format_args!("there is no rule {id:?}"))
                .hint("list them with: traceward doctor --explain")
        })?],
    };
    if format == Format::Json {
        let page =
            |rule: &&traceward_doctor::Rule| Page { rule: rule.id, name: rule.name, page: rule.page() };
        output.json(&chosen.iter().map(page).collect::<Vec<_>>())?;
    } else if id.is_some() {
        let pages = chosen.iter().map(|rule| page::explain(rule, output::width(), Palette::COLOUR));
        output.text(&pages.collect::<String>())?;
    } else {
        output.text(&page::list(output::width(), Palette::COLOUR))?;
    }
    Ok(ExitStatus::Fine)
}
