//! Alerts for people at a terminal.

use std::fmt::Write as _;

use crate::desk::{Held, Told};
use crate::{Alert, Kind};

/// What is told, in a few lines without the last one's end.
pub(super) fn text(told: &Told) -> String {
    match told {
        Told::Alert(alert) => of_alert(alert),
        Told::Held(held) => of_held(held),
    }
}

fn of_alert(alert: &Alert) -> String {
    let mut text = format!("{} {}: {}", alert.time, kind(alert.kind), alert.verdict.name());
    let mut add = |part: String| text.push_str(&part);
    if let Some(family) = &alert.family {
        add(format!(", {}", shown(family)));
    }
    if let Some(technique) = &alert.technique {
        add(format!(" ({} {})", technique.id, technique.name));
    }
    if let (Some(score), Some(threshold)) = (alert.score, alert.threshold) {
        add(format!("; score {score:.3}, threshold {threshold:.3}"));
    }
    if let Some(calls) = alert.first_alarm {
        add(format!(", passed after {calls} calls"));
    }
    let process = &alert.process;
    let who = process
        .exe
        .as_ref()
        .or(process.comm.as_ref())
        .map_or("a program that is not known".into(), |w| shown(w));
    add(format!("\n  {who}"));
    for (name, value) in [
        ("pid", process.pid.map(|pid| pid.to_string())),
        ("uid", process.uid.map(|uid| uid.to_string())),
        ("container", process.container.as_ref().map(|container| shown(container))),
    ] {
        if let Some(value) = value {
            add(format!(", {name} {value}"));
        }
    }
    for (at, ancestor) in process.ancestors.iter().enumerate() {
        add(format!(
            "{} {} ({})",
            if at == 0 { "; under" } else { "," },
            shown(&ancestor.comm),
            ancestor.pid
        ));
    }
    if let Some(cmdline) = &process.cmdline {
        add(format!("\n  $ {}", shown(cmdline)));
    }
    for reason in &alert.reasons {
        add(format!("\n  {}", shown(reason)));
    }
    if alert.tainted {
        add("\n  Calls were lost inside or beside the trace: this may be about a hole.".into());
    }
    if alert.folded > 0 {
        add(format!("\n  {} more of the kind since the last.", alert.folded));
    }
    text
}

fn of_held(held: &Held) -> String {
    let mut text = format!(
        "{} held back by the limit since {}: {} alerts, {} of them the first of a trace",
        held.time, held.since, held.held, held.alarms
    );
    for group in &held.groups {
        let family = group.family.as_ref().map(|family| format!(", {}", shown(family))).unwrap_or_default();
        let who = group.exe.as_ref().map_or("programs that are not known".into(), |exe| shown(exe));
        let _ = write!(text, "\n  {} times {}{family} by {who}", group.alerts, group.verdict.name());
    }
    if held.others > 0 {
        let _ = write!(text, "\n  {} times others", held.others);
    }
    text
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Alarm => "alarm",
        Kind::Update => "update",
        Kind::End => "end",
    }
}

/// Names and command lines are the intruder's to choose, and a terminal obeys control characters.
fn shown(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::desk::{self, Desk};
    use crate::example::{alert, of};
    use crate::suppress::Suppressions;

    #[test]
    fn as_people_see_it() {
        let mut unknown = alert();
        unknown.process = Default::default();
        (unknown.family, unknown.technique, unknown.score, unknown.first_alarm) = (None, None, None, None);
        (unknown.tainted, unknown.folded, unknown.kind) = (true, 3, Kind::Update);
        let options = desk::Options { burst: 1, ..Default::default() };
        let mut desk = Desk::new(options, Suppressions::none());
        let mut all = Vec::new();
        for alert in [alert(), unknown.clone(), of("b", "/usr/bin/sudo")] {
            desk.alert(alert, Duration::ZERO, &mut |told| all.push(text(&told)));
        }
        all.push(of_alert(&unknown));
        desk.finish(&mut |told| all.push(text(&told)));
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn a_terminal_is_not_at_an_intruders_command() {
        let mut alert = alert();
        alert.process.cmdline = Some("sh\n\u{1b}[2J\u{202e}txt".into());
        let text = of_alert(&alert);
        assert!(text.contains(r"  $ sh\n\u{1b}[2J\u{202e}txt"), "{text}");
    }
}
