use proptest::prelude::*;
use traceward_detect::verdict::Word;

use super::*;
use crate::Kind;
use crate::example::{alert, of};

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// A desk with rules.
fn desk(options: Options, rules: &str) -> Desk {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rules).unwrap();
    Desk::new(options, Suppressions::load(file.path()).unwrap())
}

/// What is told, in short: the id and how many were folded, or how many were held back.
fn short(told: &Told) -> String {
    match told {
        Told::Alert(alert) => format!("{}+{}", alert.id, alert.folded),
        Told::Held(held) => {
            format!("held {} of {} groups, {} alarms", held.held, held.groups.len(), held.alarms)
        }
    }
}

fn at(desk: &mut Desk, s: u64, alerts: impl IntoIterator<Item = Alert>) -> Vec<String> {
    let mut told = Vec::new();
    desk.tick(seconds(s), &mut |one| told.push(short(&one)));
    for alert in alerts {
        desk.alert(alert, seconds(s), &mut |one| told.push(short(&one)));
    }
    told
}

#[test]
fn the_like_is_folded_until_the_window_ends() {
    let mut desk = desk(Options::default(), "");
    assert_eq!(at(&mut desk, 0, [of("a", "/x")]), ["a+0"]);
    assert_eq!(at(&mut desk, 10, [of("b", "/x"), of("c", "/y")]), ["c+0"]);
    assert_eq!(at(&mut desk, 20, [of("d", "/x")]), [""; 0]);
    assert_eq!(desk.pending(), 2);
    assert_eq!(at(&mut desk, 59, []), [""; 0]);
    assert_eq!(at(&mut desk, 60, []), ["d+1"], "the last of them, and how many others");
    assert_eq!(at(&mut desk, 61, [of("e", "/x")]), [""; 0], "which began another window");
    assert_eq!(at(&mut desk, 120, []), ["e+0"]);
    assert_eq!(at(&mut desk, 400, []), [""; 0]);
    assert_eq!(at(&mut desk, 400, [of("f", "/x")]), ["f+0"]);
    assert_eq!(desk.counts(), Counts { told: 5, folded: 1, held: 0, suppressed: 0 });
}

#[test]
fn an_update_does_not_take_an_alarms_place() {
    let mut desk = desk(Options::default(), "");
    let kind = |id: &str, kind| Alert { kind, ..of(id, "/x") };
    at(&mut desk, 0, [of("a", "/x"), of("b", "/x"), kind("u", Kind::Update), kind("e", Kind::End)]);
    assert_eq!(at(&mut desk, 60, []), ["b+2"]);
}

#[test]
fn other_verdicts_users_containers_and_unknown_programs_are_not_alike() {
    let mut desk = desk(Options::default(), "");
    let mut verdict = of("b", "/x");
    verdict.verdict = Word::UnknownAttack;
    verdict.family = None;
    let mut user = of("c", "/x");
    user.process.uid = Some(7);
    let mut container = of("d", "/x");
    container.process.container = None;
    let mut nameless = of("e", "/x");
    nameless.process.exe = None;
    nameless.process.comm = None;
    let mut other = nameless.clone();
    (other.id, other.process.pid) = ("f".into(), Some(1));
    let told = at(&mut desk, 0, [of("a", "/x"), verdict, user, container, nameless, other]);
    assert_eq!(told, ["a+0", "b+0", "c+0", "d+0", "e+0", "f+0"]);
}

#[test]
fn what_the_limit_holds_back_is_summed_up() {
    let options = Options { per_minute: 6, burst: 2, ..Options::default() };
    let mut desk = desk(options, "");
    let storm = (0..50).map(|n| of(&format!("a{n}"), &format!("/x{n}")));
    assert_eq!(at(&mut desk, 0, storm), ["a0+0", "a1+0"]);
    assert_eq!(at(&mut desk, 9, []), [""; 0]);
    assert_eq!(at(&mut desk, 10, [of("b", "/y")]), ["held 48 of 32 groups, 48 alarms", "b+0"]);
    assert_eq!(desk.counts(), Counts { told: 3, folded: 0, held: 48, suppressed: 0 });
}

#[test]
fn a_storm_without_end_is_summed_up_every_minute() {
    let options = Options { per_minute: 1, burst: 1, window: Duration::ZERO, kinds: 10 };
    let mut desk = desk(options, "");
    let mut told = Vec::new();
    for s in 0..130 {
        told.extend(at(&mut desk, s, [of("a", "/x")]));
    }
    assert_eq!(told.iter().filter(|line| line.starts_with("held")).count(), 2, "{told:?}");
}

#[test]
fn the_end_tells_all() {
    let options = Options { per_minute: 1, burst: 1, ..Options::default() };
    let mut desk = desk(options, "");
    at(&mut desk, 0, [of("a", "/x"), of("b", "/x"), of("c", "/y")]);
    let mut told = Vec::new();
    desk.finish(&mut |one| told.push(short(&one)));
    assert_eq!(told, ["b+0", "held 1 of 1 groups, 1 alarms"]);
    assert_eq!(desk.pending(), 0);
}

#[test]
fn room_is_made_by_telling() {
    let mut desk = desk(Options { kinds: 2, burst: 100, ..Options::default() }, "");
    at(&mut desk, 0, [of("a", "/1"), of("b", "/1"), of("c", "/2")]);
    assert_eq!(at(&mut desk, 1, [of("d", "/3")]), ["b+0", "d+0"]);
}

#[test]
fn a_reload_keeps_what_is_folded() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "").unwrap();
    let mut desk = Desk::new(Options::default(), Suppressions::load(file.path()).unwrap());
    at(&mut desk, 0, [of("a", "/x"), of("b", "/x")]);
    std::fs::write(file.path(), "[[suppress]]\nexe = '/x'\nreason = 'seen'\n").unwrap();
    assert_eq!(desk.suppressions().reload().unwrap(), 1);
    assert_eq!(desk.alert(of("c", "/x"), seconds(1), &mut |_| {}), Decision::Suppressed(1));
    assert_eq!(at(&mut desk, 60, []), ["b+0"], "it came before the rule");
}

#[test]
fn a_summary_as_json() {
    let mut held = Held::new(&alert());
    held.add(&Alert { folded: 3, ..of("b", "/usr/bin/sudo") });
    insta::assert_json_snapshot!(held);
}

proptest! {
    /// Every alert is told, counted in one that is told, summed up, or suppressed; none twice.
    #[test]
    fn none_is_lost(
        alerts in prop::collection::vec((0_u64..30, 0_u8..6, 0_u8..3), 0..200),
        kinds in 1_usize..5,
        burst in 1_u32..10,
        window in 0_u64..100,
    ) {
        let options = Options { window: seconds(window), per_minute: 30, burst, kinds };
        let mut desk = desk(options, "[[suppress]]\nexe = '/5'\nreason = 'r'\n");
        let (mut now, mut accounted, mut suppressed) = (0, 0, 0);
        let mut count = |told: Told| accounted += match told {
            Told::Alert(alert) => 1 + alert.folded,
            Told::Held(held) => held.held,
        };
        for (n, (wait, exe, kind)) in alerts.iter().enumerate() {
            now += wait;
            let mut alert = of(&n.to_string(), &format!("/{exe}"));
            alert.kind = [Kind::Alarm, Kind::Update, Kind::End][usize::from(*kind)];
            if let Decision::Suppressed(_) = desk.alert(alert, seconds(now), &mut count) {
                suppressed += 1;
            }
        }
        let waiting = desk.folds.pending();
        let counts = desk.counts();
        let ways = counts.told + counts.folded + counts.held + counts.suppressed;
        prop_assert_eq!(ways + waiting, alerts.len() as u64);
        desk.finish(&mut count);
        prop_assert_eq!(accounted + suppressed, alerts.len() as u64);
        let counts = desk.counts();
        prop_assert_eq!(counts.told + counts.folded + counts.held + counts.suppressed, alerts.len() as u64);
    }
}
