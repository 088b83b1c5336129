//! Training scripts, whole: what is read of them, and what the doctor says.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

#[path = "scripts/faulty.rs"]
mod faulty;
#[path = "scripts/healthy.rs"]
mod healthy;
#[path = "scripts/reading.rs"]
mod reading;
#[path = "scripts/stages.rs"]
mod stages;

use std::path::Path;

use traceward_doctor::{Diagnosis, Evidence, Finding, Level, Place, diagnose, read};

/// The only training in a script.
fn only(text: &str) -> Evidence {
    let mut all = read::script(Path::new("train.py"), text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// What the doctor says of all trainings in a script.
fn diagnoses(text: &str) -> Vec<Diagnosis> {
    read::script(Path::new("train.py"), text).iter().map(diagnose).collect()
}

/// Findings from warning level on, in their order.
fn serious(text: &str) -> Vec<Finding> {
    let all = diagnoses(text).into_iter().flat_map(|diagnosis| diagnosis.findings);
    all.filter(|finding| finding.level >= Level::Warning).collect()
}

/// The line that a finding points at, from 1.
fn line_of(finding: &Finding, text: &str) -> Option<usize> {
    match finding.place.as_ref()? {
        Place::Span(span) => Some(text[..span.start].matches('\n').count() + 1),
        _ => None,
    }
}

/// Findings, one a line, for messages of failed tests.
fn listed(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("  {} {}: {}\n", finding.rule, finding.level, finding.symptom))
        .collect()
}
