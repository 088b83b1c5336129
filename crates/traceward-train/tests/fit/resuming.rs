//! A run that is cut off at any step ends with the weights of one that was not.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use traceward_run::config::{EarlyStopping, Monitor, Optimizer};
use traceward_trace::rng::Rng;
use traceward_train::{Checkpoints, Control, Error, Event, Observer, Stopped, fit};

use crate::learning::Notes;
use crate::toy::{bits, config, every_step, examples, network, run};

/// Raises the stop flag at a step.
struct Stop {
    at: u64,
    flag: Arc<AtomicBool>,
}

impl Observer for Stop {
    fn event(&mut self, event: &Event<'_>) {
        if matches!(event, Event::StepEnded(end) if end.row.step == self.at) {
            self.flag.store(true, Ordering::Relaxed);
        }
    }
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_that_was_stopped_at_any_step_ends_as_if_it_had_not_been() {
    let config = config(4);
    let (whole, expected) = run(&config, &Control::default(), &mut Notes::default());
    // In the middle of an epoch, at an epoch's last batch, at its first, and twice in one run.
    for stops in [vec![0], vec![5], vec![6], vec![13], vec![2, 3], vec![3, 17, 22]] {
        let dir = tempfile::tempdir().unwrap();
        for (part, &at) in stops.iter().enumerate() {
            let control = Control {
                checkpoints: Some(Checkpoints::new(dir.path())),
                resume: part > 0,
                ..Control::default()
            };
            let flag = Arc::clone(&control.stop);
            let (_, outcome) = run(&config, &control, &mut Stop { at, flag });
            assert_eq!(outcome.stopped, Stopped::Interrupted);
        }
        let control =
            Control { checkpoints: Some(Checkpoints::new(dir.path())), resume: true, ..Control::default() };
        let (resumed, outcome) = run(&config, &control, &mut Notes::default());
        assert_eq!(bits(&resumed), bits(&whole), "stopped at {stops:?}");
        let figures = |rows: &[traceward_run::history::Epoch]| {
            rows.iter()
                .map(|r| (r.epoch, r.loss.to_bits(), r.accuracy.to_bits(), r.val_loss))
                .collect::<Vec<_>>()
        };
        assert_eq!(figures(&outcome.rows), figures(&expected.rows), "stopped at {stops:?}");
        assert_eq!(outcome.best.unwrap().epoch, expected.best.as_ref().unwrap().epoch);
    }
}

/// A kill is an end without a last word: only what was written before counts. Here the newest files of a
/// directory with a checkpoint a step are taken away, or cut off, or left half-written.
#[test]
fn a_run_that_was_killed_goes_on_from_whatever_is_whole() {
    let config = config(3);
    let (whole, _) = run(&config, &Control::default(), &mut Notes::default());
    let dir = tempfile::tempdir().unwrap();
    let mut control = every_step(dir.path(), false);
    let flag = Arc::clone(&control.stop);
    run(&config, &control, &mut Stop { at: 9, flag });
    let names = files(dir.path());
    assert_eq!(names.len(), 5);
    // The newest is gone; the one before is cut off; a write was under way.
    fs::remove_file(dir.path().join(&names[4])).unwrap();
    let cut = dir.path().join(&names[3]);
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(dir.path().join(".writing-x"), b"half").unwrap();
    control = every_step(dir.path(), true);
    let mut notes = Notes::default();
    let (resumed, _) = run(&config, &control, &mut notes);
    assert_eq!(notes.steps[0].step, 8);
    assert_eq!(bits(&resumed), bits(&whole));
}

/// The directory that the parent test gives to its child process.
const CHILD_DIR: &str = "TRACEWARD_TEST_CHECKPOINTS";

fn has_checkpoint(dir: &Path) -> bool {
    dir.exists() && files(dir).iter().any(|name| name.starts_with("step-"))
}

/// Not a test of its own: the process that `a_process_that_was_killed_goes_on` starts and kills.
#[test]
#[ignore = "started by another test"]
fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let dir = Path::new(&dir);
    run(&config(8), &every_step(dir, has_checkpoint(dir)), &mut Notes::default());
}

#[test]
fn a_process_that_was_killed_goes_on() {
    let (whole, _) = run(&config(8), &Control::default(), &mut Notes::default());
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = dir.path().join("checkpoints");
    let mut rng = Rng::new(12);
    // Where the child is when it is killed is up to the machine; what comes out must not be.
    for _ in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "resuming::child", "--ignored"])
            .env(CHILD_DIR, &checkpoints)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + rng.below(120)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let control = every_step(&checkpoints, has_checkpoint(&checkpoints));
    let (resumed, outcome) = run(&config(8), &control, &mut Notes::default());
    assert_eq!(bits(&resumed), bits(&whole));
    assert_eq!(outcome.rows.len(), 8);
}

#[test]
fn a_finished_run_can_be_asked_to_go_on_for_longer() {
    let dir = tempfile::tempdir().unwrap();
    let (long, _) = run(&config(4), &Control::default(), &mut Notes::default());
    run(&config(2), &every_step(dir.path(), false), &mut Notes::default());
    let (longer, outcome) = run(&config(4), &every_step(dir.path(), true), &mut Notes::default());
    assert_eq!(outcome.rows.len(), 4);
    assert_eq!(bits(&longer), bits(&long));
}

#[test]
fn a_run_that_stopped_early_stays_stopped() {
    let mut config = config(60);
    config.compile.optimizer = Optimizer::adam(0.2);
    config.fit.early_stopping = Some(EarlyStopping {
        monitor: Monitor::ValLoss,
        patience: 2,
        min_delta: 0.0,
        restore_best_weights: true,
    });
    let dir = tempfile::tempdir().unwrap();
    let (first, once) = run(&config, &every_step(dir.path(), false), &mut Notes::default());
    let (second, again) = run(&config, &every_step(dir.path(), true), &mut Notes::default());
    assert_eq!(once.stopped, again.stopped);
    assert_eq!(bits(&first), bits(&second));
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(&config(1), &every_step(dir.path(), false), &mut Notes::default());
    let control = every_step(dir.path(), true);
    let mut other = config(1);
    other.compile.optimizer = Optimizer::adam(0.5);
    let error = fit(&mut network(&other), &examples(), &other, &mut [], &control).unwrap_err();
    assert!(matches!(error, Error::OtherRun { what: "the configuration", .. }), "{error}");
    let mut data = examples();
    data.fingerprint = "other".into();
    let error = fit(&mut network(&config(1)), &data, &config(1), &mut [], &control).unwrap_err();
    assert!(matches!(error, Error::OtherRun { what: "the data", .. }), "{error}");
    let nowhere = every_step(&dir.path().join("nothing"), true);
    let error = fit(&mut network(&config(1)), &examples(), &config(1), &mut [], &nowhere).unwrap_err();
    assert!(matches!(error, Error::NothingToResume { .. }), "{error}");
}
