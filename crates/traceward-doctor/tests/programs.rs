//! Faulty programs from Stack Overflow and their repairs: which are flagged, and is the cause right?
//!
//! The programs come as tables of their calls (layers, compile, fit, with their lines), not as text; each
//! is written out again as a script, calls on their lines, and goes the way of any other script. What is
//! really wrong is not decided by hand: it is what the repair changed, by the rules of `diff.rs`, and what
//! the benchmark that the programs come from lists for it, where it does. A repair often changes several
//! things, and any of them counts as right.
//!
//! Some repairs keep a defect, or bring a new one: `KEPT` says which, and what it is.

#[path = "programs/diff.rs"]
mod diff;
#[path = "programs/rebuild.rs"]
mod rebuild;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use traceward_doctor::{CauseKind, Level, diagnose, read};

use rebuild::Program;

/// A pair of a faulty program and its repair, each of one or more files.
#[derive(Deserialize)]
struct Pair {
    buggy: Vec<Program>,
    #[serde(default)]
    fixed: Vec<Program>,
    /// What the benchmark lists as wrong, in its own words.
    deepfd_ground_truth: Option<String>,
}

/// Repairs that are flagged, and what they keep.
const KEPT: [(&str, &str); 4] = [
    ("44164749", "five epochs in batches of 2,000"),
    ("48385830", "plain descent with a learning rate of 3"),
    ("48594888", "in one of its two files pixels of 0..255"),
    ("55328966", "a hidden layer without activation"),
];

/// What the doctor says of a program: causes of findings from warning level on, the likeliest first.
struct Said {
    rules: Vec<String>,
    causes: Vec<CauseKind>,
}

fn ask(program: &Program) -> Said {
    let text = rebuild::script(program);
    let mut rules = Vec::new();
    let mut causes = Vec::new();
    for evidence in read::script(Path::new(&program.file), &text) {
        assert!(evidence.reading.is_empty(), "{}\n{:#?}", text, evidence.reading);
        let diagnosis = diagnose(&evidence);
        for cause in diagnosis.causes() {
            let serious =
                cause.findings.iter().any(|index| diagnosis.findings[*index].level >= Level::Warning);
            if serious && !causes.contains(&cause.kind) {
                causes.push(cause.kind);
            }
        }
        for finding in diagnosis.findings {
            if finding.level >= Level::Warning {
                rules.push(format!(
                    "{}{}",
                    finding.rule,
                    if finding.level == Level::Error { "!" } else { "" }
                ));
            }
        }
    }
    rules.dedup();
    Said { rules, causes }
}

/// The file that a repair made of this one: of the same name, else the first.
fn partner<'a>(program: &Program, others: &'a [Program]) -> Option<&'a Program> {
    others.iter().find(|other| other.file == program.file).or_else(|| others.first())
}

#[test]
fn faulty_programs_are_flagged_and_repaired_ones_are_not() {
    let cases = std::env::var("TRACEWARD_CASES").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/doctor/cases")),
        PathBuf::from,
    );
    let path = cases.join("static_specs/deeplocalize_specs.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let pairs: BTreeMap<String, Pair> = serde_json::from_str(&text).unwrap();
    let (mut right, mut flagged, mut alarms, mut programs) = (0, 0, Vec::new(), 0);
    println!("{:<14} {:<6} {:<34} {:<46} changed by the repair", "program", "", "rules", "causes");
    for (name, pair) in &pairs {
        let counts = !name.starts_with("gh:");
        let mut verdict = (false, false);
        for program in &pair.buggy {
            let fixed = partner(program, &pair.fixed);
            let mut changed = fixed.map(|fixed| diff::changed(program, fixed)).unwrap_or_default();
            if program.compile.is_empty() || (fixed.is_some() && changed.is_empty()) {
                continue;
            }
            changed.extend(diff::listed(pair.deepfd_ground_truth.as_deref().unwrap_or_default()));
            changed.sort_unstable();
            changed.dedup();
            let said = ask(program);
            let hit = said.causes.iter().take(2).any(|cause| changed.contains(cause));
            verdict = (verdict.0 || !said.rules.is_empty(), verdict.1 || hit);
            println!(
                "{:<14} {:<6} {:<34} {:<46} {:?}",
                name.chars().take(14).collect::<String>(),
                if hit {
                    "right"
                } else if said.rules.is_empty() {
                    "-"
                } else {
                    "wrong"
                },
                said.rules.join(" "),
                format!("{:?}", said.causes.iter().take(3).collect::<Vec<_>>()),
                changed
            );
        }
        let mut repaired = Vec::new();
        for program in pair.fixed.iter().filter(|program| !program.compile.is_empty()) {
            let said = ask(program);
            if !said.rules.is_empty() {
                repaired.push(format!("{} {:?}", said.rules.join(" "), said.causes));
            }
        }
        if !repaired.is_empty() {
            println!(
                "{:<14} repaired, and flagged: {}",
                name.chars().take(14).collect::<String>(),
                repaired.join("; ")
            );
        }
        if counts {
            programs += 1;
            flagged += usize::from(verdict.0);
            right += usize::from(verdict.1);
            if !repaired.is_empty() {
                let kept = KEPT.iter().find(|(known, _)| known == name).map(|(_, what)| *what);
                println!("{name:<14} keeps: {}", kept.unwrap_or("nothing that we know of"));
                alarms.push(name.clone());
            }
        }
    }
    println!(
        "{programs} faulty: {flagged} flagged, {right} with the right cause first or second; {} repaired flagged: {alarms:?}",
        alarms.len()
    );
    assert!(right >= 24, "{right} of {programs} right");
    assert!(alarms.len() <= 4, "{alarms:?}");
    assert!(alarms.iter().all(|name| KEPT.iter().any(|(known, _)| known == name)), "{alarms:?}");
}
