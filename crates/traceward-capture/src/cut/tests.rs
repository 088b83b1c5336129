use proptest::prelude::*;

use super::*;
use crate::{Comm, Start};

/// What a listener heard, in words.
fn heard(cutter: &mut Cutter, events: &[Event<'_>]) -> Vec<String> {
    let mut said = Vec::new();
    for event in events {
        cutter.event(event, &mut |cut| said.push(word(cut)));
    }
    said
}

fn word(cut: Cut<'_>) -> String {
    match cut {
        Cut::Begin(slot, Head { task, first, lost, joined, .. }) => {
            let joined = if joined { " joined" } else { "" };
            format!("{slot}: task {} from {first}, lost {lost}{joined}", task.0)
        }
        Cut::Calls(slot, calls) => {
            format!("{slot}: {:?}", calls.iter().map(|call| call.number()).collect::<Vec<_>>())
        }
        Cut::End(slot, Tail { why, lost, .. }) => format!("{slot}: {why:?}, lost {lost}"),
        Cut::Forget(slot, task) => format!("{slot}: forget {}", task.0),
    }
}

fn start(task: u64, born: bool) -> Event<'static> {
    let (task, comm) = (TaskId(task), Comm::of(b"x"));
    let (pid, tid, ppid) = (1, 1, 0);
    Event::Start(Start { task, parent: None, pid, tid, ppid, at: 0, born, uid: 0, comm, cgroup: 0 })
}

fn numbers(range: std::ops::Range<u64>) -> Vec<Call> {
    range.map(Call::new).collect()
}

fn calls(task: u64, first: u64, calls: &[Call]) -> Event<'_> {
    Event::Calls { task: TaskId(task), first, at: first, calls }
}

fn exit(task: u64, calls: u64) -> Event<'static> {
    Event::Exit { task: TaskId(task), calls, at: calls }
}

#[test]
fn a_task_is_cut_at_the_window_and_ends_with_its_exit() {
    let mut cutter = Cutter::new(4, 10);
    let six = numbers(0..6);
    let said = heard(&mut cutter, &[start(7, true), calls(7, 0, &six), exit(7, 6)]);
    assert_eq!(
        said,
        [
            "0: task 7 from 0, lost 0",
            "0: [0, 1, 2, 3]",
            "0: Window, lost 0",
            "0: task 7 from 4, lost 0",
            "0: [4, 5]",
            "0: Exit, lost 0",
            "0: forget 7",
        ]
    );
    assert!(cutter.is_empty());
}

#[test]
fn what_was_told_before_is_passed_over() {
    let mut cutter = Cutter::new(100, 10);
    let ten = numbers(0..10);
    let said = heard(
        &mut cutter,
        &[
            start(1, true),
            calls(1, 0, &ten[..4]),
            calls(1, 0, &ten[..7]),
            calls(1, 2, &ten[2..5]),
            calls(1, 5, &ten[5..]),
        ],
    );
    assert_eq!(said, ["0: task 1 from 0, lost 0", "0: [0, 1, 2, 3]", "0: [4, 5, 6]", "0: [7, 8, 9]"]);
}

/// Both sides of a hole know of it, and nothing joins them.
#[test]
fn a_hole_ends_a_trace() {
    let mut cutter = Cutter::new(100, 10);
    let ten = numbers(0..10);
    let said =
        heard(&mut cutter, &[start(1, true), calls(1, 0, &ten[..2]), calls(1, 5, &ten[5..6]), exit(1, 9)]);
    assert_eq!(
        said,
        [
            "0: task 1 from 0, lost 0",
            "0: [0, 1]",
            "0: Lost, lost 3",
            "0: task 1 from 5, lost 3",
            "0: [5]",
            "0: Exit, lost 3",
            "0: forget 1",
        ]
    );
}

#[test]
fn a_task_that_ran_before_has_joined() {
    let mut cutter = Cutter::new(2, 10);
    let three = numbers(0..3);
    let said = heard(&mut cutter, &[start(1, false), calls(1, 0, &three)]);
    assert_eq!(said[0], "0: task 1 from 0, lost 0 joined");
    assert_eq!(said[3], "0: task 1 from 2, lost 0", "its second trace is whole");
    let said = heard(&mut cutter, &[calls(2, 40, &three[..1])]);
    assert_eq!(said[0], "1: task 2 from 40, lost 0 joined", "its start was not told");
}

#[test]
fn the_task_silent_longest_makes_room() {
    let mut cutter = Cutter::new(100, 2);
    let ten = numbers(0..10);
    let said = heard(
        &mut cutter,
        &[
            calls(1, 0, &ten[..1]),
            calls(2, 0, &ten[..1]),
            calls(1, 1, &ten[1..2]),
            calls(3, 0, &ten[..1]),
            calls(2, 1, &ten[1..2]),
        ],
    );
    assert_eq!(
        said[5..],
        [
            "1: Evicted, lost 0",
            "1: forget 2",
            "1: task 3 from 0, lost 0",
            "1: [0]",
            "0: Evicted, lost 0",
            "0: forget 1",
            "0: task 2 from 1, lost 0 joined",
            "0: [1]",
        ]
    );
    assert_eq!((cutter.evictions(), cutter.len()), (2, 2));
}

#[test]
fn the_end_of_the_capture_ends_all() {
    let mut cutter = Cutter::new(100, 10);
    let one = numbers(0..1);
    heard(&mut cutter, &[calls(1, 0, &one), start(2, true), calls(3, 0, &one)]);
    let mut said = Vec::new();
    cutter.bury(9, &mut |task| task.0 == 1, &mut |cut| said.push(word(cut)));
    assert_eq!(said, ["0: Lost, lost 1", "0: forget 1"]);
    said.clear();
    cutter.finish(9, &mut |cut| said.push(word(cut)));
    assert_eq!(said, ["1: forget 2", "2: Stopped, lost 0", "2: forget 3"], "what never called has no trace");
    assert!(cutter.is_empty());
}

/// A task's life told in pieces that repeat and skip.
fn pieces() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    prop::collection::vec((0..4u64, 0..60u64, 1..20u64), 0..40)
}

proptest! {
    /// Whatever is told: slots are used by one trace at a time, calls come in order and at most once, holes are
    /// counted exactly, traces are never longer than the window.
    #[test]
    fn every_call_told_is_in_one_trace(pieces in pieces(), window in 1..30u32, most in 1..5usize) {
        let mut cutter = Cutter::new(window, most);
        let mut open: HashMap<u32, (Head, u64)> = HashMap::new();
        let mut next: HashMap<u64, u64> = HashMap::new();
        let mut slots: HashMap<u32, u64> = HashMap::new();
        let mut wrong = None;
        let mut listen = |cut: Cut<'_>| match cut {
            Cut::Begin(slot, head) => {
                if open.insert(slot, (head, 0)).is_some() {
                    wrong = Some("a slot that is taken");
                }
                let expected = next.get(&head.task.0).copied();
                // Of a task that was forgotten nothing is known when it is told again from its beginning.
                let anew = head.first == 0 && head.lost == 0;
                if expected.is_some_and(|next| !head.joined && !anew && next + head.lost != head.first) {
                    wrong = Some("a hole that was not counted");
                }
                slots.insert(slot, head.task.0);
            }
            Cut::Calls(slot, calls) => {
                let (head, count) = open.get_mut(&slot).unwrap();
                for call in calls {
                    if u64::from(call.number()) != head.first + *count {
                        wrong = Some("a call out of its place");
                    }
                    *count += 1;
                }
                next.insert(head.task.0, head.first + *count);
                if *count > u64::from(window) || calls.is_empty() {
                    wrong = Some("a trace of the wrong length");
                }
            }
            Cut::End(slot, _) => {
                if open.remove(&slot).is_none() {
                    wrong = Some("an end without a beginning");
                }
            }
            Cut::Forget(slot, _) => {
                if open.contains_key(&slot) {
                    wrong = Some("forgotten while open");
                }
            }
        };
        for (task, first, count) in pieces {
            let told = numbers(first..first + count);
            cutter.event(&calls(task, first, &told), &mut listen);
        }
        cutter.finish(0, &mut listen);
        prop_assert!(open.is_empty());
        prop_assert_eq!(wrong, None);
    }
}
