//! An alert in the names of the Elastic Common Schema, so that Elastic, OpenSearch and whatever else speaks ECS
//! file it under detections without a mapping of their own.
//!
//! The names are those of ECS 8.12's field reference (`generated/csv/fields.csv` of its repository). What ECS has
//! no name for is under `traceward`. What is not known is left out, as ECS does.

use serde_json::{Map, Value, json};
use traceward_detect::verdict::Word;

use crate::desk::{Held, Told};
use crate::{Alert, Technique};

/// The schema's version that the names are from.
const VERSION: &str = "8.12.0";

/// What is told, as an ECS document.
pub fn document(told: &Told) -> Value {
    match told {
        Told::Alert(alert) => of_alert(alert),
        Told::Held(held) => of_held(held),
    }
}

/// Like syslog's severities turned round, as `event.severity` has no scale of its own: the higher, the graver.
pub fn severity(word: Word) -> u8 {
    match word {
        Word::Attack => 80,
        Word::UnknownAttack => 70,
        Word::Novel => 50,
        Word::Abstain => 30,
        Word::Normal => 10,
    }
}

fn of_alert(alert: &Alert) -> Value {
    let process = &alert.process;
    let parent = process.ancestors.first();
    known(json!({
        "@timestamp": alert.time,
        "ecs": {"version": VERSION},
        "message": message(alert),
        "event": {
            "kind": "alert",
            "category": ["intrusion_detection"],
            "type": ["info"],
            "module": "traceward",
            "dataset": "traceward.alert",
            "provider": "traceward",
            "action": alert.kind,
            "id": alert.id,
            "severity": severity(alert.verdict),
            // ECS wants the source's own scale here, and 0 to 100 in the normalised field.
            "risk_score": alert.score,
            "risk_score_norm": alert.score.map(|score| (score * 1000.0).round() / 10.0),
            "reason": Some(alert.reasons.join(" ")).filter(|reason| !reason.is_empty()),
        },
        "host": {"name": alert.host, "hostname": alert.host},
        "process": {
            "pid": process.pid,
            "name": process.comm,
            "executable": process.exe,
            "command_line": process.cmdline,
            "thread": {"id": process.tid, "name": process.comm},
            "parent": parent.map(|parent| json!({
                "pid": parent.pid,
                "name": parent.comm,
                "executable": parent.exe,
            })),
        },
        "user": {"id": process.uid.map(|uid| uid.to_string())},
        "container": {"id": process.container},
        "rule": {
            "name": alert.family.as_deref().unwrap_or(alert.verdict.name()),
            "category": alert.verdict,
            "ruleset": alert.model.name,
            "version": alert.model.id,
        },
        "threat": alert.technique.as_ref().map(threat),
        "traceward": {
            "alarm": alert.alarm,
            "kind": alert.kind,
            "verdict": alert.verdict,
            "family": alert.family,
            "p_attack": alert.p_attack,
            "score": alert.score,
            "score_at": alert.score_at,
            "first_alarm": alert.first_alarm,
            "threshold": alert.threshold,
            "p_value": alert.p_value,
            "novelty": alert.novelty,
            "reasons": alert.reasons,
            "tainted": alert.tainted,
            "unknown_share": alert.unknown_share,
            "foreign_abi": alert.foreign_abi,
            "ancestors": process.ancestors,
            "trace": alert.trace,
            "model": alert.model,
            "folded": alert.folded,
            "incident": alert.incident,
        },
    }))
}

fn of_held(held: &Held) -> Value {
    let message = format!("{} alerts were held back by the limit on their rate", held.held);
    known(json!({
        "@timestamp": held.time,
        "ecs": {"version": VERSION},
        "message": message,
        "event": {
            "kind": "alert",
            "category": ["intrusion_detection"],
            "type": ["info"],
            "module": "traceward",
            "dataset": "traceward.alert",
            "provider": "traceward",
            "action": held.kind,
            "id": held.id,
            "severity": severity(held.gravest()),
            "start": held.since,
            "end": held.time,
        },
        "host": {"name": held.host, "hostname": held.host},
        "traceward": {
            "kind": held.kind,
            "held": held.held,
            "alarms": held.alarms,
            "groups": held.groups,
            "others": held.others,
        },
    }))
}

/// ECS files `T1110.001`, `Brute Force: Password Guessing`, under its technique and its sub-technique.
fn threat(technique: &Technique) -> Value {
    let id = technique.id.split_once('.').map_or(technique.id, |(id, _)| id);
    let (name, sub) = match technique.name.split_once(": ") {
        Some((name, sub)) => (name, Some(sub)),
        None => (technique.name, None),
    };
    let sub = (id != technique.id).then(|| json!({"id": [technique.id], "name": sub.map(|sub| [sub])}));
    json!({
        "framework": "MITRE ATT&CK",
        "technique": {"id": [id], "name": [name], "subtechnique": sub},
    })
}

/// For people: who, what, and how sure.
fn message(alert: &Alert) -> String {
    let process = &alert.process;
    let who = process.exe.as_deref().or(process.comm.as_deref()).unwrap_or("a program that is not known");
    let pid = process.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    let family = alert.family.as_ref().map(|family| format!(" {family}")).unwrap_or_default();
    let score = alert.score.map(|score| format!(", score {score:.3}")).unwrap_or_default();
    let tainted = if alert.tainted { ", calls were lost" } else { "" };
    format!("{}:{family} by {who}{pid} on {}{score}{tainted}", alert.verdict.name(), alert.host)
}

/// Without what is null, and without objects that nothing is left of.
fn known(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
            let fields = fields.into_iter().map(|(name, value)| (name, known(value)));
            Value::Object(fields.filter(|(_, value)| !empty(value)).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::alert;

    #[test]
    fn everything_known() {
        insta::assert_json_snapshot!(document(&Told::Alert(Box::new(alert()))));
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let mut alert = alert();
        alert.verdict = Word::UnknownAttack;
        (alert.family, alert.technique, alert.score, alert.reasons) = (None, None, None, Vec::new());
        alert.process = Default::default();
        let said = document(&Told::Alert(Box::new(alert)));
        for gone in ["process", "user", "container", "threat"] {
            assert_eq!(said.get(gone), None, "{gone}");
        }
        assert_eq!(said["event"].get("reason"), None);
        assert_eq!(said["message"], "unknown-attack: by a program that is not known on web-1");
        assert_eq!(said["rule"]["name"], "unknown-attack");
    }
}
