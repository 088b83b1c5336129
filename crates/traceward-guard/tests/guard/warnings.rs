//! When a trace is told of, and what is said of it beside the verdict.

use std::time::Duration;

use traceward_capture::{Call, Cut, Head, Processes, Tail, TaskId, Why};
use traceward_detect::verdict::How;
use traceward_guard::finding::Calls;
use traceward_guard::{Ended, Finding, Guard, GuardError, Kind, Model, Options, Warning};

use crate::models::{STREAM, WHOLE, Whole, about, names};

const SECOND: u64 = 1_000_000_000;

pub(crate) fn head() -> Head {
    Head { task: TaskId(7), first: 0, at: 0, lost: 0, joined: false }
}

pub(crate) fn tail(lost: u64) -> Tail {
    Tail { why: if lost > 0 { Why::Lost } else { Why::Exit }, at: 0, lost }
}

/// A guard that alarms at all that is not surely normal, so that tests say when.
pub(crate) fn guard(options: Options) -> Guard<'static> {
    let how = How { threshold: Some(0.5), ..How::default() };
    Guard::new(WHOLE.model(), &WHOLE.about, Some(&WHOLE.calibration), how, &names(), options).unwrap()
}

/// Calls that [`Whole`] takes for an attack of the first family, of the second, and for normal.
pub(crate) const FIRST: u64 = 0;
pub(crate) const SECOND_FAMILY: u64 = 1;
pub(crate) const NORMAL: u64 = 5;

struct Run {
    guard: Guard<'static>,
    processes: Processes,
    told: Vec<Warning>,
    ended: Vec<Ended>,
}

impl Run {
    fn new(options: Options) -> Self {
        Self { guard: guard(options), processes: Processes::default(), told: Vec::new(), ended: Vec::new() }
    }

    fn cut(&mut self, cut: Cut<'_>, seconds: u64) -> Vec<Kind> {
        let before = self.told.len();
        let Self { guard, told, ended, processes } = self;
        guard.cut(cut, processes, seconds * SECOND, &mut |finding| match finding {
            Finding::Warning(warning) => told.push(*warning),
            Finding::Ended(one) => ended.push(*one),
        });
        self.told[before..].iter().map(|warning| warning.kind).collect()
    }

    fn calls(&mut self, number: u64, count: usize, seconds: u64) -> Vec<Kind> {
        self.cut(Cut::Calls(0, &vec![Call::new(number); count]), seconds)
    }
}

#[test]
fn an_attack_is_told_of_at_its_beginning_as_it_changes_and_at_its_end() {
    let mut run = Run::new(Options::of(WHOLE.model()));
    run.cut(Cut::Begin(0, head()), 0);
    assert_eq!(run.calls(FIRST, 19, 0), [], "before the 20th call nothing is asked");
    assert_eq!(run.calls(FIRST, 1, 1), [Kind::Alarm]);
    assert_eq!(run.calls(FIRST, 100, 30), [], "a minute has not gone by");
    assert_eq!(run.calls(FIRST, 1, 61), [Kind::Update], "it has doubled");
    assert_eq!(run.calls(FIRST, 60, 200), [], "it has not doubled again");
    assert_eq!(run.calls(FIRST, 300, 201), [Kind::Update]);
    assert_eq!(run.cut(Cut::End(0, tail(0)), 202), [Kind::End]);
    let numbers: Vec<(u64, u64)> = run.told.iter().map(|warning| (warning.number, warning.alarm)).collect();
    assert_eq!(numbers, [(0, 0), (1, 0), (2, 0), (3, 0)]);
    let calls: Vec<u32> = run.told.iter().map(|warning| warning.verdict.calls).collect();
    assert_eq!(calls, [20, 100, 400, 481], "what was said after the last look");
    assert!(matches!(&run.told[0].calls, Calls::Kept(calls) if calls.len() == 20));
    assert_eq!(run.told[1].calls, Calls::Unasked);
    assert!(matches!(&run.told[3].calls, Calls::Kept(calls) if calls.len() == 481));
    assert!(run.ended.is_empty(), "nobody asked");
    let counts = run.guard.counts();
    assert_eq!((counts.alarms, counts.updates, counts.ends, counts.sessions), (1, 2, 1, 0));
}

#[test]
fn a_family_that_changes_is_an_update() {
    let mut run = Run::new(Options { update_every: Duration::from_secs(1), ..Options::of(WHOLE.model()) });
    run.cut(Cut::Begin(0, head()), 0);
    assert_eq!(run.calls(FIRST, 20, 0), [Kind::Alarm]);
    assert_eq!(run.told[0].verdict.family_name(), Some("adduser"));
    assert_eq!(run.calls(SECOND_FAMILY, 380, 5), [Kind::Update]);
    assert_eq!(run.told[1].verdict.family_name(), Some("hydra_ssh"));
}

#[test]
fn a_short_attack_is_told_of_when_it_ends() {
    let mut run = Run::new(Options { ended: true, ..Options::of(WHOLE.model()) });
    run.cut(Cut::Begin(0, head()), 0);
    assert_eq!(run.calls(FIRST, 10, 0), []);
    assert_eq!(run.cut(Cut::End(0, tail(0)), 1), [Kind::Alarm, Kind::End]);
    run.cut(Cut::Begin(0, head()), 2);
    run.calls(NORMAL, 60, 2);
    assert_eq!(run.cut(Cut::End(0, tail(0)), 3), [], "what is normal is not told");
    assert_eq!(run.ended.len(), 2);
}

#[test]
fn what_lies_beside_a_loss_is_tainted() {
    let mut run = Run::new(Options { ended: true, ..Options::of(WHOLE.model()) });
    run.cut(Cut::Begin(0, head()), 0);
    run.calls(FIRST, 20, 0);
    assert_eq!(run.cut(Cut::End(0, tail(3)), 1), [Kind::End]);
    let tainted: Vec<bool> = run.told.iter().map(|warning| warning.verdict.tainted).collect();
    assert_eq!(tainted, [false, true], "the alarm could not know");
    run.cut(Cut::Begin(0, Head { lost: 3, ..head() }), 2);
    run.calls(FIRST, 20, 2);
    assert!(run.told[2].verdict.tainted);
    run.cut(Cut::End(0, tail(0)), 3);
    assert!(run.ended.iter().all(|ended| ended.verdict.tainted));
    assert_eq!(run.guard.counts().tainted, 2);
}

#[test]
fn foreign_calls_are_told() {
    let mut run = Run::new(Options::of(WHOLE.model()));
    run.cut(Cut::Begin(0, head()), 0);
    run.calls(FIRST, 20, 0);
    assert!(!run.told[0].foreign_abi);
    run.cut(Cut::Calls(0, &[Call::i386(3)]), 1);
    run.cut(Cut::End(0, tail(0)), 2);
    assert!(run.told[1].foreign_abi);
}

/// An attack whose calls had to make room is not forgotten in silence.
#[test]
fn an_attack_that_is_given_up_ends() {
    let mut run = Run::new(Options { calls: 10 * 64, ..Options::of(WHOLE.model()) });
    run.cut(Cut::Begin(0, head()), 0);
    assert_eq!(run.calls(FIRST, 300, 0), [Kind::Alarm]);
    run.cut(Cut::Begin(1, Head { task: TaskId(8), ..head() }), 1);
    assert_eq!(run.cut(Cut::Calls(1, &[Call::new(NORMAL); 400]), 1), [Kind::End]);
    assert_eq!(run.told[1].tail.map(|tail| tail.why), Some(Why::Evicted));
    assert_eq!(run.calls(FIRST, 300, 2), [], "nothing more is said of it");
    assert_eq!(run.cut(Cut::End(0, tail(0)), 3), []);
    assert_eq!((run.guard.counts().evictions, run.guard.counts().sessions), (1, 1));
}

#[test]
fn a_host_that_changes_is_told_once_an_hour() {
    let mut run = Run::new(Options::of(WHOLE.model()));
    assert_eq!(run.guard.drift(0), None);
    for trace in 0..60 {
        run.cut(Cut::Begin(0, head()), trace);
        run.calls(if trace % 2 == 0 { 500 } else { NORMAL }, 40, trace);
        run.cut(Cut::End(0, tail(0)), trace);
    }
    assert_eq!(run.guard.drift(3000 * SECOND), None);
    let said = run.guard.drift(3601 * SECOND).unwrap();
    assert!(said.len() == 1 && said[0].contains("this host"), "{said:?}");
    assert_eq!(run.guard.drift(7300 * SECOND), Some(Vec::new()), "of this hour there is nothing");
}

#[test]
fn models_that_cannot_watch_are_refused() {
    let refused = |model: Model<'_>, about: &traceward_run::About| {
        let options = Options::of(model);
        Guard::new(model, about, None, How::default(), &names(), options).err().unwrap()
    };
    let mut families = about();
    families.classes[0] = "other".into();
    assert_eq!(refused(Model::Whole(&Whole), &families), GuardError::NoNormalClass);
    families.classes.pop();
    assert_eq!(refused(Model::Whole(&Whole), &families), GuardError::Classes { named: 2, scored: 3 });
    // A network that is calibrated for every call, passed as one that must see whole traces.
    let Model::Stream(stream) = STREAM.model() else { panic!("a stream") };
    let as_whole = Model::Whole(&**stream);
    let error = Guard::new(
        as_whole,
        &STREAM.about,
        Some(&STREAM.calibration),
        How::default(),
        &names(),
        Options::of(as_whole),
    );
    assert_eq!(error.err(), Some(GuardError::CallByCall));
    let how = How { far: Some(2.0), ..How::default() };
    let error = Guard::new(WHOLE.model(), &WHOLE.about, None, how, &names(), Options::of(WHOLE.model()));
    assert!(matches!(error.err(), Some(GuardError::Calibration(_))));
}
