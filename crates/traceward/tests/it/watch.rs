//! `watch`: a command watched by ptrace, which needs no rights. What needs eBPF is in `ci/live`.

use std::fs;

use serde_json::Value;

use crate::harness::{Dir, Said};
use crate::record::possible;

/// A folder with a network that reads call by call, where commands can be captured.
fn trained() -> Option<Dir> {
    let dir = Dir::new();
    if !possible(&dir, "ptrace") {
        return None;
    }
    dir.small_data();
    let said = dir.run(&["train", "small.jsonl", "--preset", "live", "--epochs", "1", "--out", "live", "-q"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    Some(dir)
}

/// Watches a shell at work with these flags.
fn watch(dir: &Dir, flags: &[&str]) -> Said {
    let mut words = vec!["watch", "live", "--with", "ptrace"];
    words.extend(flags);
    words.extend(["--", "sh", "-c", "ls / >/dev/null; cat /etc/passwd | wc -l >/dev/null; exit 3"]);
    dir.run(&words)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Small threshold, many alarms: every one has its place, its process and the one last word on it.
#[test]
fn alarms_say_who_and_why() {
    let Some(dir) = trained() else { return };
    let said = watch(&dir, &["--threshold", "0.0001", "--fold", "0", "--alert", "file:alerts.jsonl"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let alerts = lines(&fs::read_to_string(dir.join("alerts.jsonl")).unwrap());
    let of = |kind: &str| alerts.iter().filter(|alert| alert["kind"] == kind).count();
    assert!(of("alarm") >= 3, "sh, ls, cat, wc: {alerts:?}");
    assert_eq!(of("alarm"), of("end"), "{alerts:?}");
    let ls = alerts.iter().find(|alert| alert["process"]["comm"] == "ls").unwrap();
    assert!(ls["process"]["exe"].as_str().unwrap().ends_with("/ls"), "{ls}");
    assert_eq!(ls["process"]["cmdline"], "ls /");
    assert_eq!(ls["process"]["ancestors"][0]["comm"], "sh");
    assert!(ls["reasons"][0].as_str().unwrap().contains("0.0001"), "{ls}");
    assert_eq!((&ls["tainted"], &ls["trace"]["joined"]), (&false.into(), &false.into()));
}

/// What was said live is what `score` says of the recording.
#[test]
fn a_live_verdict_is_the_recorded_one() {
    let Some(dir) = trained() else { return };
    let said = watch(
        &dir,
        &[
            "--threshold",
            "0.4",
            "--record",
            "kept",
            "--verdicts",
            "live.jsonl",
            "--window",
            "50",
            "--alert",
            "file:a",
        ],
    );
    assert!(said.code <= Some(1), "{said:?}");
    let live = lines(&fs::read_to_string(dir.join("live.jsonl")).unwrap());
    let said = dir.run(&["score", "live", "kept", "--life", "--threshold", "0.4"]);
    let recorded = lines(&said.stdout);
    assert!(live.len() > 4 && live.len() == recorded.len(), "{} and {}", live.len(), recorded.len());
    for verdict in &live {
        let place = format!("!{}-{} ", verdict["task"], verdict["first"]);
        let same = recorded.iter().find(|line| line["source"].as_str().unwrap().contains(&place)).unwrap();
        for field in ["verdict", "family", "calls", "score_at", "first_alarm", "tainted", "p_attack", "score"]
        {
            assert_eq!(verdict[field], same[field], "{field} of {place}");
        }
    }
}

/// A watch that says what is wrong, and does not start its command.
fn refused(dir: &Dir, model: &str, flags: &[&str], wanted: &str) {
    let said = dir.run(&[&["watch", model], flags, &["--", "touch", "started"]].concat());
    assert_eq!(said.code, Some(2), "{flags:?}: {said:?}");
    assert!(said.stderr.contains(wanted), "{flags:?}: {said:?}");
    assert!(!dir.join("started").exists(), "{flags:?}");
}

#[test]
fn what_cannot_be_watched_is_said_before_anything_starts() {
    let dir = Dir::new();
    let nothing = dir.join("nothing");
    let model = nothing.to_str().unwrap();
    for (flags, wanted) in [
        (&["--alert", "carrier-pigeon"][..], "is no output"),
        (&["--alert", "webhook:http://127.0.0.1:1/"], "--state"),
        (&["--suppress", "no-such.toml"], "no-such.toml"),
        (&["--metrics-token", "no-such"], "no-such"),
        (&[], "no such file or folder"),
    ] {
        refused(&dir, model, flags, wanted);
    }
}

/// Nor is it after: what cannot be opened is known before the command is started.
#[test]
fn a_command_is_started_once_all_else_works() {
    let Some(dir) = trained() else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (flags, wanted) in [
        (&["--alert", "file:no/such/folder/a"][..], "cannot write alerts"),
        (&["--metrics", &taken], "taken"),
        (&["--verdicts", "no/such/folder/v"], "cannot write"),
        (&["--far", "1%"], "not calibrated"),
    ] {
        refused(&dir, "live", &[&["--with", "ptrace"], flags].concat(), wanted);
    }
}

/// A host is learnt for a time, and what was learnt is kept.
#[test]
fn a_command_that_ends_while_it_is_learnt_leaves_nothing() {
    let Some(dir) = trained() else { return };
    let said = watch(&dir, &["--calibrate", "1h", "--state", "state"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("nothing was kept"), "{said:?}");
    assert_eq!(fs::read_dir(dir.join("state")).unwrap().count(), 0);
}
