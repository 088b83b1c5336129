//! The live verdict of a trace is the verdict on its recording.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use traceward_capture::Processes;
use traceward_detect::verdict::{How, Judge, Verdict, Word};
use traceward_guard::{Finding, Guard, Kind, Options};

use crate::host::{Host, rows};
use crate::models::{Kit, STREAM, WHOLE, names};

/// How many words of each kind a run brought forth, so that a test cannot pass by seeing nothing.
#[derive(Default)]
struct Seen {
    words: HashSet<Word>,
    alarms: usize,
    evictions: u64,
    dropped: u64,
}

fn check(kit: &Kit, host: Host, how: How, bytes: usize) -> Seen {
    let options =
        Options { calls: bytes, update_every: Duration::ZERO, ended: true, ..Options::of(kit.model()) };
    let mut guard =
        Guard::new(kit.model(), &kit.about, Some(&kit.calibration), how, &names(), options).unwrap();
    let processes = Processes::default();
    let mut findings = Vec::new();
    let recorded =
        host.run(&mut |cut, now| guard.cut(cut, &processes, now, &mut |finding| findings.push(finding)));

    let judge =
        Judge::new(kit.model().classifier(), &kit.about.classes, Some(&kit.calibration), how).unwrap();
    let rows = rows(&recorded, &kit.about.vocabulary);
    let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let mut wanted = judge.judge(&rows).unwrap();
    for (verdict, trace) in wanted.iter_mut().zip(&recorded) {
        verdict.tainted = trace.head.lost > 0 || trace.tail.lost > 0;
    }
    let counts = guard.counts();
    let mut seen = Seen { evictions: counts.evictions, dropped: counts.calls_dropped, ..Seen::default() };

    // Every trace that was not given up, in the same order, to the last bit.
    let ended = findings.iter().filter_map(|finding| match finding {
        Finding::Ended(ended) => Some(&**ended),
        Finding::Warning(_) => None,
    });
    let ended: Vec<_> = ended.collect();
    assert_eq!(ended.len() as u64 + counts.evictions, recorded.len() as u64);
    assert_eq!(counts.verdicts.iter().sum::<u64>(), ended.len() as u64);
    let mut rest = recorded.iter().zip(&wanted);
    for ended in &ended {
        let same =
            |head: &traceward_capture::Head| (head.task, head.first) == (ended.head.task, ended.head.first);
        let (trace, verdict) = rest.by_ref().find(|(trace, _)| same(&trace.head)).unwrap();
        assert_eq!((ended.head, ended.tail), (trace.head, trace.tail));
        assert_eq!(&ended.verdict, verdict);
        seen.words.insert(verdict.word);
    }

    // Every alarm is raised where the recording cut off there would be called the same, and ends once.
    let of =
        |task, first| recorded.iter().position(|t| (t.head.task, t.head.first) == (task, first)).unwrap();
    let (mut open, mut told) = (HashSet::new(), HashSet::new());
    for finding in &findings {
        match finding {
            Finding::Warning(warning) => {
                let at = of(warning.head.task, warning.head.first);
                match warning.kind {
                    Kind::Alarm => {
                        assert!(open.insert(warning.alarm) && told.insert(at));
                        assert_eq!(warning.number, warning.alarm);
                        let cut = &rows[at][..warning.verdict.calls as usize];
                        let said: Verdict = judge.judge(&[cut]).unwrap().remove(0);
                        assert_eq!(warning.verdict, Verdict { tainted: warning.verdict.tainted, ..said });
                        assert!(warning.verdict.word.is_attack() || warning.verdict.word == Word::Novel);
                        seen.alarms += 1;
                    }
                    Kind::Update => assert!(open.contains(&warning.alarm)),
                    Kind::End => {
                        assert!(open.remove(&warning.alarm) && warning.tail.is_some());
                        if warning.tail == Some(recorded[at].tail) {
                            assert_eq!(warning.verdict, wanted[at]);
                        }
                    }
                }
            }
            Finding::Ended(ended) => {
                let loud = ended.verdict.word.is_attack() || ended.verdict.word == Word::Novel;
                assert!(!loud || told.contains(&of(ended.head.task, ended.head.first)), "{ended:?}");
            }
        }
    }
    assert!(open.is_empty(), "every alarm ends");
    assert_eq!(counts.alarms, seen.alarms as u64);
    assert_eq!(counts.sessions, 0);
    seen
}

fn host(seed: u64) -> Host {
    Host { seed, window: 200, tasks: 6, followed: 5, events: 120, loses: true }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn live_and_recorded_verdicts_are_one(
        seed: u64,
        window in 1_u32..500,
        (tasks, followed) in (1_u64..8, 1_usize..8),
        loses: bool,
        at_end: bool,
        threshold in prop::option::of(0.3_f64..0.9),
    ) {
        let host = Host { seed, window, tasks, followed, events: 60, loses };
        let how = How { at_end, threshold, ..How::default() };
        let seen = check(&STREAM, host, how, 1 << 20);
        prop_assert_eq!((seen.evictions, seen.dropped), (0, 0));
        let seen = check(&WHOLE, host, how, 1 << 20);
        prop_assert_eq!(seen.evictions, 0);
    }

    /// With next to no memory for calls a stream says the same; another model gives traces up, and says the same
    /// of the others.
    #[test]
    fn little_memory_changes_no_verdict(seed: u64, chunks in 0_usize..12) {
        let host = host(seed);
        prop_assert_eq!(check(&STREAM, host, How::default(), 64 * chunks).evictions, 0);
        check(&WHOLE, host, How::default(), 64 * chunks);
    }
}

#[test]
fn there_was_something_to_see() {
    for kit in [&*STREAM, &*WHOLE] {
        let seen = check(kit, host(1), How::default(), 1 << 20);
        assert!(seen.alarms > 3 && seen.words.len() > 2, "{:?} {}", seen.words, seen.alarms);
    }
    assert!(check(&STREAM, host(1), How::default(), 256).dropped > 0);
    assert!(check(&WHOLE, host(1), How::default(), 256).evictions > 0);
}
