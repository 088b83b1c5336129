//! Runs all rules over the evidence and sorts what they found.

use serde::Serialize;

use crate::{Evidence, Finding, Label, Need, label, rules};

/// What the doctor says of one training.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The one word for what the curve shows; `None` without a curve.
    pub primary: Option<Label>,
    /// The findings, in the order to treat them.
    pub findings: Vec<Finding>,
    /// Rules that could not be checked, and what each lacks.
    pub not_checked: Vec<NotChecked>,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// Which.
    pub rule: &'static str,
    /// What it lacks.
    pub needs: Need,
}

/// Runs all rules.
pub fn diagnose(evidence: &Evidence) -> Diagnosis {
    let mut findings = evidence.reading.clone();
    let mut not_checked = Vec::new();
    for rule in rules::all() {
        match (rule.check)(evidence) {
            Ok(found) => findings.extend(found),
            Err(missing) => not_checked.push(NotChecked { rule: rule.id, needs: missing.0 }),
        }
    }
    Diagnosis { primary: label::primary(evidence, &findings), findings, not_checked }
}
