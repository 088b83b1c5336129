//! SARIF 2.1.0: what code hosts show beside the lines concerned.
//!
//! A rule's page becomes its help; what could not be checked becomes a notification, so that a clean
//! upload does not pass for a clean bill of health. A result without a line of its own (an epoch, a layer)
//! stands at its file's first line, because hosts drop results that stand nowhere, and names the epoch or
//! the layer as its logical location.
//!
//! Fingerprints let a host know a result again when lines move or numbers change: they are made of the
//! rule, the file and the text that is meant, never of the symptom.

use serde_json::{Map, Value, json};
use traceward_doctor::{Finding, Place, Rule, Treatment, rules};

use super::explain::{Block, blocks};
use super::json::{Region, exact_region, region};
use super::repair::repair;
use super::view::{epoch, ranges, rule_name, title};
use super::{Report, view};
use crate::terminal::printable;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The reports as one SARIF log with one run.
pub fn sarif(reports: &[Report<'_>]) -> Value {
    let mut ids: Vec<&str> = rules::all().map(|rule| rule.id).collect();
    for finding in reports.iter().flat_map(|report| &report.diagnosis.findings) {
        if !ids.contains(&finding.rule) {
            ids.push(finding.rule);
        }
    }
    let mut fingerprints = Fingerprints::default();
    let mut results = Vec::new();
    for report in reports {
        for finding in &report.diagnosis.findings {
            results.push(result(report, finding, &ids, &mut fingerprints));
        }
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "traceward doctor",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": ids.iter().map(|id| descriptor(id)).collect::<Vec<_>>(),
                }
            },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": reports.iter().flat_map(unchecked).collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    })
}

/// A rule as SARIF describes one.
fn descriptor(id: &str) -> Value {
    let Some(rule) = rules::by_id(id) else {
        return json!({ "id": id, "shortDescription": { "text": id } });
    };
    let help = help(rule);
    json!({
        "id": rule.id,
        "name": pascal_case(rule.name),
        "shortDescription": { "text": rule.name },
        "fullDescription": { "text": help.sees },
        "help": { "text": rule.page(), "markdown": help.markdown },
    })
}

struct Help {
    /// What the rule sees.
    sees: String,
    /// Its page.
    markdown: String,
}

fn help(rule: &Rule) -> Help {
    let mut help = Help { sees: rule.name.into(), markdown: format!("# {}: {}\n", rule.id, rule.name) };
    for block in blocks(&rule.page()) {
        help.markdown.push('\n');
        match block {
            Block::Paragraph(Some(part), text) => {
                help.markdown.push_str(&format!("**{part}.** {text}\n"));
                if part == "What it sees" {
                    help.sees = text;
                }
            }
            Block::Paragraph(None, text) => help.markdown.push_str(&format!("{text}\n")),
            Block::Code(lines) => help.markdown.push_str(&format!("```text\n{}\n```\n", lines.join("\n"))),
        }
    }
    help
}

/// `softmax over one unit` as `SoftmaxOverOneUnit`.
fn pascal_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_uppercase().collect::<String>());
            first.into_iter().chain(chars.map(String::from))
        })
        .collect()
}

/// What a report could not check.
fn unchecked(report: &Report<'_>) -> Vec<Value> {
    let missing = report.diagnosis.missing().into_iter().map(|(need, rules)| {
        let said = format!("{}: not checked, needs {need}: {}", title(report), ranges(&rules));
        json!({ "level": "note", "message": { "text": printable(&said) } })
    });
    missing.collect()
}

fn result(report: &Report<'_>, finding: &Finding, ids: &[&str], fingerprints: &mut Fingerprints) -> Value {
    let region = match &finding.place {
        Some(Place::Span(span)) => region(report, span),
        _ => None,
    };
    let path = region.as_ref().map_or(report.path, |region| region.path.as_str());
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": ids.iter().position(|id| *id == finding.rule),
        "level": finding.level.to_string(),
        "message": { "text": message(finding) },
        "locations": [location(report, finding, region.as_ref())],
        "partialFingerprints": {
            "ruleAndPlace/v1": fingerprints.next(finding.rule, path, &meant(report, finding)),
        },
    });
    let fixes: Vec<Value> =
        finding.treatments.iter().filter_map(|treatment| fix(report, finding, treatment)).collect();
    if let Some(result) = result.as_object_mut() {
        if !fixes.is_empty() {
            result.insert("fixes".into(), fixes.into());
        }
        let properties = properties(report, finding);
        if !properties.is_empty() {
            result.insert("properties".into(), properties.into());
        }
    }
    result
}

/// The symptom, what likeliest lies behind it, and what to do first.
fn message(finding: &Finding) -> String {
    let mut said = finding.symptom.clone();
    for cause in finding.causes.iter().take(1) {
        said.push_str(&format!("\nLikeliest cause: {}", cause.text));
    }
    for treatment in &finding.treatments {
        said.push_str(&format!("\nHelp: {}", treatment.text));
    }
    said.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn location(report: &Report<'_>, finding: &Finding, region: Option<&Region>) -> Value {
    let (path, place) = match (region, &finding.place) {
        (Some(region), _) => (region.path.clone(), json_region(region)),
        (None, Some(Place::Row(row))) => match row.rsplit_once(':') {
            Some((file, line)) if line.parse::<u32>().is_ok_and(|line| line > 0) => {
                (file.to_owned(), json!({ "startLine": line.parse::<u32>().unwrap_or(1) }))
            }
            _ => (row.clone(), json!({ "startLine": 1 })),
        },
        _ => (report.path.to_owned(), json!({ "startLine": 1 })),
    };
    let mut location = json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(&path) }, "region": place },
    });
    let logical: Vec<Value> = logical(report, finding)
        .into_iter()
        .map(|(name, kind)| json!({ "name": printable(&name), "kind": kind }))
        .collect();
    if let Some(location) = location.as_object_mut()
        && !logical.is_empty()
    {
        location.insert("logicalLocations".into(), logical.into());
    }
    location
}

/// Where a finding is besides lines: its run, its layer, its epoch.
fn logical(report: &Report<'_>, finding: &Finding) -> Vec<(String, &'static str)> {
    let mut places = Vec::new();
    if let Some(run) = report.run {
        places.push((run.to_owned(), "run"));
    }
    if let Some(Place::Layer { index, name }) = &finding.place {
        let name = if name.is_empty() { index.to_string() } else { name.clone() };
        places.push((name, "layer"));
    }
    if let Some(row) = epoch(finding) {
        places.push((format!("{} {row}", view::counter(report)), "epoch"));
    }
    places
}

fn json_region(region: &Region) -> Value {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
        "snippet": { "text": region.excerpt },
    })
}

/// The repair of a treatment, where it is known to the letter.
fn fix(report: &Report<'_>, finding: &Finding, treatment: &Treatment) -> Option<Value> {
    let repair = repair(report, finding, treatment)?;
    let region = exact_region(report, &repair.span)?;
    let mut deleted = json_region(&region);
    deleted.as_object_mut()?.remove("snippet");
    Some(json!({
        "description": { "text": printable(&treatment.text) },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(&region.path) },
            "replacements": [{
                "deletedRegion": deleted,
                "insertedContent": { "text": repair.text },
            }],
        }],
    }))
}

/// What SARIF has no word for.
fn properties(report: &Report<'_>, finding: &Finding) -> Map<String, Value> {
    let view = super::json::finding(report, finding);
    let mut properties = Map::new();
    let mut add = |name: &str, value: serde_json::Result<Value>| {
        if let Ok(value) = value {
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            if !empty {
                properties.insert(name.into(), value);
            }
        }
    };
    add("rule", Ok(rule_name(finding.rule).into()));
    add("label", serde_json::to_value(&view.label));
    add("epoch", serde_json::to_value(view.epoch));
    add("causes", serde_json::to_value(&view.causes));
    add("notes", serde_json::to_value(&view.notes));
    properties
}

/// A path as a URI reference: everything that URIs give a meaning to is escaped, and so is a colon, which
/// would make a scheme of what stands before it.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// What a finding means, as far as it stays when lines move and numbers change.
fn meant(report: &Report<'_>, finding: &Finding) -> String {
    match (&finding.place, report.source) {
        (Some(Place::Span(span)), Some(source)) => {
            let span = super::excerpt::Stretch::new(source, span).span;
            source.text[span].split_whitespace().collect::<Vec<_>>().join(" ")
        }
        (Some(Place::Layer { name, .. }), _) => name.clone(),
        (Some(Place::Row(row)), _) => row.clone(),
        _ => report.run.unwrap_or_default().to_owned(),
    }
}

/// Fingerprints given so far: equal ones are numbered.
#[derive(Default)]
struct Fingerprints(Vec<u64>);

impl Fingerprints {
    fn next(&mut self, rule: &str, path: &str, meant: &str) -> String {
        let hash = fnv_1a(&[rule, path, meant]);
        self.0.push(hash);
        let number = self.0.iter().filter(|given| **given == hash).count();
        format!("{hash:016x}:{number}")
    }
}

/// FNV-1a over the parts, each ended by a zero: the same in every version, unlike the standard library's.
fn fnv_1a(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("./a b/c#1.py"), "a%20b/c%231.py");
        assert_eq!(uri("/data/x.csv"), "file:///data/x.csv");
        assert_eq!(uri("runs\\4:log"), "runs/4%3Alog");
        assert_eq!(uri("ü"), "%C3%BC");
        assert_eq!(uri("-"), "-");
    }

    #[test]
    fn fingerprints_are_those_of_fnv_and_numbered() {
        assert_eq!(fnv_1a(&[]), 0xcbf2_9ce4_8422_2325);
        let mut fingerprints = Fingerprints::default();
        let first = fingerprints.next("S03", "a.py", "Dense(1)");
        let second = fingerprints.next("S03", "a.py", "Dense(1)");
        assert_ne!(first, second);
        assert_eq!(first.split(':').next(), second.split(':').next());
        assert_ne!(fnv_1a(&["ab", "c"]), fnv_1a(&["a", "bc"]));
    }

    #[test]
    fn names_in_pascal_case() {
        assert_eq!(pascal_case("softmax over one-unit"), "SoftmaxOverOneUnit");
    }
}
