//! `doctor --watch`: follows a log that another framework is writing.
//!
//! The log is read again whenever it has grown: any format can be followed that way, and a run that is
//! watched gets the diagnosis that it would get afterwards. A finding is told when it first appears, and
//! again when it gets worse. Notes are not told: that a loss is still falling means nothing before the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use traceward_doctor::{Finding, Label, Level};
use traceward_report::doctor as page;

use super::{Examined, status};
use crate::cli::DoctorArgs;
use crate::error::{Failure, Outcome};
use crate::interrupt;
use crate::output::{Format, Output};
use crate::subject;

/// How often the stop flag is looked at.
const TICK: Duration = Duration::from_millis(100);

/// A finding as JSON Lines tell it.
#[derive(Serialize)]
struct Told<'a> {
    path: &'a str,
    rows: usize,
    primary: Option<Label>,
    finding: &'a Finding,
}

/// Follows one path until it is stopped.
pub(super) fn run(paths: &[PathBuf], seconds: f64, args: &DoctorArgs, output: Output) -> Outcome {
    let [path] = paths else {
        return Err(Failure::new(format_args!("--watch follows one file, {} were given", paths.len())));
    };
    if !(0.05..=86_400.0).contains(&seconds) {
        return Err(Failure::new(format_args!("--watch={seconds}: between 0.05 seconds and a day")));
    }
    let stop = interrupt::listen()?;
    let pause = Duration::from_secs_f64(seconds);
    let mut told: BTreeMap<&'static str, Level> = BTreeMap::new();
    let (mut seen, mut shown) = (None, None);
    if !path.exists() {
        output.note(format_args!("waiting for {}", path.display()));
    }
    while !stop.load(Ordering::SeqCst) {
        let stamp = stamp(path);
        if stamp.is_some() && stamp != seen {
            seen = stamp;
            // While a file is begun it may not yet be anything; the next look will tell.
            if let Ok(subjects) = subject::at(path, Output { quiet: true, ..output })
                && let Some(newest) = subjects.into_iter().next_back()
            {
                let examined = Examined::new(newest, args.classes);
                let rows = examined.subject.evidence.curves.as_ref().map_or(0, |curves| curves.rows);
                let primary = examined.diagnosis.primary;
                for finding in &examined.diagnosis.findings {
                    let known = told.get(finding.rule).is_some_and(|level| *level >= finding.level);
                    if known || finding.level == Level::Note {
                        continue;
                    }
                    told.insert(finding.rule, finding.level);
                    tell(&examined.path, rows, primary, finding, output)?;
                }
                if primary != shown {
                    shown = primary;
                    let word = shown.map_or("has no curve yet", Label::meaning);
                    output.note(format_args!("{} after {rows} rows: {word}", examined.path));
                }
            }
        }
        let wake = Instant::now() + pause;
        while Instant::now() < wake && !stop.load(Ordering::SeqCst) {
            thread::sleep(TICK.min(pause));
        }
    }
    Ok(status(told.values().copied().max(), args.fail_on))
}

fn tell(
    path: &str,
    rows: usize,
    primary: Option<Label>,
    finding: &Finding,
    output: Output,
) -> Result<(), Failure> {
    match output.format {
        Format::Json => output.json_line(&Told { path, rows, primary, finding }),
        Format::Text => output.text(&format!("{}\n", page::line(finding))),
    }
}

/// Size and time of a file, or of everything in a folder: it changes when something was written.
fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let about = path.metadata().ok()?;
    let own = (about.len(), about.modified().unwrap_or(SystemTime::UNIX_EPOCH));
    if !about.is_dir() {
        return Some(own);
    }
    let entries = std::fs::read_dir(path).ok()?;
    let inside = entries.flatten().filter(|entry| !entry.path().is_symlink());
    let stamps = inside.filter_map(|entry| stamp(&entry.path()));
    Some(stamps.fold(own, |(len, time), (more, other)| (len.wrapping_add(more), time.max(other))))
}
