//! What a host's normals teach live is what their recording teaches.

use traceward_capture::Processes;
use traceward_detect::calibrate::Calibration;
use traceward_detect::calibrate::{Options as Wanted, Temperature};
use traceward_detect::verdict::How;
use traceward_guard::{Finding, Guard, GuardError, Kind, Learner, Options};

use crate::host::{Host, rows};
use crate::models::{Kit, STREAM, WHOLE, names};

fn host(seed: u64, events: usize) -> Host {
    Host { seed, window: 150, tasks: 5, followed: 5, events, loses: true }
}

fn learn(kit: &Kit, host: Host) {
    let mut learner = Learner::new(kit.model(), &kit.about, &names(), 0.1, "host", 1 << 20).unwrap();
    assert!(learner.finish().is_err(), "nothing was learnt yet");
    let recorded = host.run(&mut |cut, _| learner.cut(cut));
    let learnt = learner.finish().unwrap();

    let whole: Vec<_> =
        recorded.iter().filter(|trace| trace.head.lost == 0 && trace.tail.lost == 0).cloned().collect();
    let rows = rows(&whole, &kit.about.vocabulary);
    let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    let wanted = Wanted {
        far: 0.1,
        data: "host".into(),
        temperature: Temperature::NONE,
        vocabulary: kit.about.vocabulary.size(),
    };
    let calibration = Calibration::fit(kit.model().classifier(), 0, &rows, &wanted).unwrap();
    assert_eq!(learnt.calibration, calibration);
    assert_eq!(learnt.traces, whole.len() as u64);
    assert_eq!(learnt.tainted, (recorded.len() - whole.len()) as u64);
    assert!(learnt.tainted > 0 && learnt.given_up == 0);

    // With it, no more of the same than was asked for alarms.
    let options = Options::of(kit.model());
    let how = How::default();
    let mut guard =
        Guard::new(kit.model(), &kit.about, Some(&learnt.calibration), how, &names(), options).unwrap();
    let (processes, mut alarms) = (Processes::default(), 0);
    host.run(&mut |cut, now| {
        guard.cut(cut, &processes, now, &mut |finding| {
            if let Finding::Warning(warning) = finding
                && warning.kind == Kind::Alarm
                && !warning.verdict.tainted
                && warning.verdict.word.is_attack()
            {
                alarms += 1;
            }
        });
    });
    assert!(alarms <= whole.len() / 10 + recorded.len() - whole.len(), "{alarms} of {}", whole.len());
}

#[test]
fn live_and_recorded_normals_calibrate_alike() {
    learn(&STREAM, host(4, 400));
    learn(&WHOLE, host(5, 400));
}

#[test]
fn what_was_learnt_is_told_honestly() {
    let mut learner = Learner::new(STREAM.model(), &STREAM.about, &names(), 0.001, "host", 1 << 20).unwrap();
    host(6, 400).run(&mut |cut, _| learner.cut(cut));
    let mut learnt = learner.finish().unwrap();
    assert!(!learnt.threshold.enough);
    insta::assert_snapshot!(learnt.sentences().join("\n"));
    learnt.threshold = learnt.calibration.life.attack.threshold(0.05);
    assert!(learnt.sentences()[1].starts_with("At most"), "{:?}", learnt.sentences());
}

#[test]
fn a_rate_that_is_none_is_refused() {
    let error = Learner::new(STREAM.model(), &STREAM.about, &names(), 0.0, "host", 0).unwrap_err();
    assert!(matches!(error, GuardError::Calibration(_)));
}
