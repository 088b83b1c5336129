//! Warnings written down: ids, ancestors, techniques, reasons, and what they have in common.

use std::collections::HashSet;
use std::path::PathBuf;

use traceward_capture::{Call, Comm, Cut, Event, Exec, Processes, Start, TaskId};
use traceward_guard::explain::Limits;
use traceward_guard::finding::Calls;
use traceward_guard::{Explainer, Finding, ModelId, Options, Scribe, Warning};

use crate::models::WHOLE;
use crate::warnings::{FIRST, NORMAL, guard, head, tail};

fn scribe(started: &str, limits: Limits) -> Scribe<'static> {
    let model = ModelId { name: "live.safetensors".into(), id: "0123456789abcdef".into() };
    let explainer = Explainer::new(WHOLE.model().classifier(), &WHOLE.about, limits);
    Scribe::new("web-1".into(), "5a3c".into(), started, model, explainer)
}

/// `sshd` (10) made `sshd` (20) made `sh` (30), whose first thread is task 7.
fn processes() -> Processes {
    let mut processes = Processes::new(100, PathBuf::from("/nonexistent"));
    for (task, pid, ppid, comm) in [(5, 10, 1, "sshd"), (6, 20, 10, "sshd"), (7, 30, 20, "sh")] {
        let task = TaskId(task);
        processes.event(&Event::Start(Start {
            task,
            parent: (pid > 10).then_some(TaskId(task.0 - 1)),
            pid,
            tid: pid,
            ppid,
            at: 0,
            born: true,
            uid: 1000,
            comm: Comm::of(comm.as_bytes()),
            cgroup: 0,
        }));
        let exe = format!("/usr/bin/{comm}");
        processes.event(&Event::Exec(Exec {
            task,
            at: 0,
            uid: 1000,
            comm: Comm::of(comm.as_bytes()),
            exe: exe.as_bytes(),
            cmdline: b"sh\0-c\0id\0",
            cgroup: 0,
        }));
    }
    processes
}

fn warnings() -> Vec<Warning> {
    let (mut guard, processes) = (guard(Options::of(WHOLE.model())), processes());
    let mut told = Vec::new();
    let mut calls = [Call::new(NORMAL); 60];
    calls[15..20].fill(Call::new(FIRST));
    for cut in [Cut::Begin(0, head()), Cut::Calls(0, &calls), Cut::End(0, tail(2))] {
        guard.cut(cut, &processes, 1_000_000_000, &mut |finding| {
            if let Finding::Warning(warning) = finding {
                told.push(*warning);
            }
        });
    }
    told
}

#[test]
fn an_alert_is_an_interface() {
    let warnings = warnings();
    assert_eq!(warnings.len(), 2);
    let mut scribe = scribe("then", Limits::default());
    let alerts: Vec<_> =
        warnings.iter().map(|warning| scribe.alert_at(warning, "2026-11-23T15:40:00.000Z".into())).collect();
    insta::assert_json_snapshot!(alerts);
}

#[test]
fn ids_are_unlike_over_restarts() {
    let warnings = warnings();
    let mut ids = HashSet::new();
    for started in ["1", "2", "3"] {
        let mut scribe = scribe(started, Limits::default());
        let alerts: Vec<_> = warnings.iter().map(|warning| scribe.alert(warning)).collect();
        assert_eq!(alerts[1].alarm, alerts[0].id);
        assert_eq!(alerts[0].incident, alerts[1].incident, "one tree of processes");
        assert!(alerts.into_iter().all(|alert| ids.insert(alert.id)));
    }
}

#[test]
fn what_belongs_together_has_one_incident() {
    let mut warning = warnings().remove(0);
    let mut scribe = scribe("then", Limits::default());
    let mut incident = |warning: &Warning| scribe.alert(warning).incident;
    let tree = incident(&warning);
    let above = warning.process.ancestors.split_off(1);
    assert_ne!(incident(&warning), tree, "its oldest ancestor is another");
    warning.process.ancestors.extend(above);
    warning.process.pid = Some(77);
    assert_eq!(incident(&warning), tree, "a sibling");
    warning.process.container = Some("3f1c".into());
    let container = incident(&warning);
    assert_ne!(container, tree);
    warning.process.ancestors.clear();
    assert_eq!(incident(&warning), container, "a container's processes belong together");
    warning.process = traceward_guard::Origin::default();
    assert_eq!(incident(&warning), None, "nobody knows");
}

#[test]
fn too_many_at_once_go_out_without_reasons() {
    let mut warning = warnings().remove(0);
    let mut scribe = scribe("then", Limits { per_second: 2, ..Limits::default() });
    let mut explained = |warning: &Warning| {
        let reasons = scribe.alert(warning).reasons;
        assert!(reasons.len() > 1, "{reasons:?}");
        !reasons.last().is_some_and(|reason| reason.contains("not computed"))
    };
    assert_eq!([(); 3].map(|()| explained(&warning)), [true, true, false]);
    warning.at += 500_000_000;
    assert_eq!([(); 2].map(|()| explained(&warning)), [true, false], "one more after half a second");
    warning.at += 3600 * 1_000_000_000;
    assert_eq!([(); 3].map(|()| explained(&warning)), [true, true, false], "and no more than two at once");
    assert_eq!(scribe.unexplained(), 3);
    warning.calls = Calls::Gone;
    let said = scribe.alert(&warning).reasons;
    assert!(said[1].contains("no longer kept"), "{said:?}");
    warning.calls = Calls::Unasked;
    assert_eq!(scribe.alert(&warning).reasons.len(), 1);
}
