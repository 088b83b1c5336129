//! Does it learn, and does it tell what it does?

use traceward_model::Internals;
use traceward_run::config::{ClassWeight, EarlyStopping, Monitor, Optimizer};
use traceward_run::history;
use traceward_train::{Control, Error, Event, Examples, Observer, Stopped, fit};

use crate::toy::{bits, config, examples, network, run};

/// Notes what it is told.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) epochs: Vec<history::Epoch>,
    pub(crate) steps: Vec<history::Step>,
    internals: Vec<Internals>,
    not_finite: Vec<u32>,
    stopped: Option<Stopped>,
    look_at: Option<u64>,
}

impl Observer for Notes {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::StepEnded(end) => {
                self.steps.push(end.row);
                self.internals.extend(end.internals.clone());
            }
            Event::EpochEnded(row) => self.epochs.push(**row),
            Event::NotFinite { epoch, .. } => self.not_finite.push(*epoch),
            Event::Stopped(stopped) => self.stopped = Some(**stopped),
            _ => {}
        }
    }

    fn wants_internals(&self, step: u64) -> bool {
        self.look_at == Some(step)
    }
}

#[test]
fn a_toy_task_is_learnt() {
    let mut notes = Notes::default();
    let (network, outcome) = run(&config(25), &Control::default(), &mut notes);
    let last = outcome.rows.last().unwrap();
    assert!(last.loss < 0.3 && last.val_accuracy.unwrap() > 0.9, "{last:?}");
    assert_eq!(notes.epochs, outcome.rows);
    assert_eq!(notes.steps.len(), 25 * 6);
    assert_eq!(outcome.stopped, Stopped::Finished);
    // What is reported is what the network does.
    let validation = examples().validation;
    let best = network.predict(&validation.all()).unwrap().best();
    let right = best.iter().zip(validation.labels()).filter(|(a, b)| a == b).count();
    assert!((right as f64 / 40.0 - last.val_accuracy.unwrap()).abs() < 1e-12);
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_one_others() {
    let weights = |seed| {
        let mut config = config(2);
        config.seed = seed;
        bits(&run(&config, &Control::default(), &mut Notes::default()).0)
    };
    let once = weights(3);
    assert_eq!(once, weights(3));
    assert_ne!(once, weights(4));
}

#[test]
fn two_trainings_at_once_do_not_disturb_each_other() {
    let alone = bits(&run(&config(2), &Control::default(), &mut Notes::default()).0);
    std::thread::scope(|scope| {
        let train = || bits(&run(&config(2), &Control::default(), &mut Notes::default()).0);
        let (one, other) = (scope.spawn(train), scope.spawn(train));
        assert_eq!(one.join().unwrap(), alone);
        assert_eq!(other.join().unwrap(), alone);
    });
}

#[test]
fn reported_loss_and_accuracy_are_means_over_traces() {
    let mut notes = Notes::default();
    run(&config(1), &Control::default(), &mut notes);
    // 90 traces in batches of 16: the last has 10.
    let sizes = |step: &history::Step| if step.accuracy * 16.0 % 1.0 == 0.0 { 16.0 } else { 10.0 };
    let mean = |value: &dyn Fn(&history::Step) -> f64| {
        notes.steps.iter().map(|s| value(s) * sizes(s)).sum::<f64>()
            / notes.steps.iter().map(sizes).sum::<f64>()
    };
    if notes.steps.iter().filter(|s| sizes(s) < 16.0).count() == 1 {
        assert!((mean(&|s| s.loss) - notes.epochs[0].loss).abs() < 1e-9);
        assert!((mean(&|s| s.accuracy) - notes.epochs[0].accuracy).abs() < 1e-9);
    }
}

#[test]
fn early_stopping_goes_back_to_the_best_epoch() {
    let mut config = config(60);
    config.compile.optimizer = Optimizer::adam(0.2);
    config.fit.early_stopping = Some(EarlyStopping {
        monitor: Monitor::ValLoss,
        patience: 3,
        min_delta: 0.0,
        restore_best_weights: true,
    });
    let (network, outcome) = run(&config, &Control::default(), &mut Notes::default());
    let Stopped::EarlyStopping { best_epoch } = outcome.stopped else { panic!("{:?}", outcome.stopped) };
    let best = outcome.best.unwrap();
    assert_eq!(best.epoch, best_epoch);
    assert_eq!(outcome.rows.len() as u32, best_epoch + 4);
    let smallest = outcome.rows.iter().map(|r| r.val_loss.unwrap()).fold(f64::INFINITY, f64::min);
    assert_eq!(best.value.to_bits(), smallest.to_bits());
    assert_eq!(bits(&network), bits(&best.network));
}

#[test]
fn a_step_can_be_looked_at_from_inside_and_is_the_same_step() {
    let mut notes = Notes { look_at: Some(3), ..Notes::default() };
    let (looked_at, _) = run(&config(1), &Control::default(), &mut notes);
    let (not_looked_at, _) = run(&config(1), &Control::default(), &mut Notes::default());
    assert_eq!(bits(&looked_at), bits(&not_looked_at));
    let [internals] = &notes.internals[..] else { panic!("{:?}", notes.internals) };
    let names: Vec<_> = internals.activations.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["bidirectional", "dropout", "dense", "batch_normalization", "dense_1"]);
    let together = internals.weights.iter().map(|w| w.gradient_norm.powi(2)).sum::<f64>().sqrt();
    assert!((together - notes.steps[3].gradient_norm.unwrap()).abs() < 1e-9);
    assert!(internals.weights.iter().all(|w| w.norm > 0.0 || w.name.ends_with("bias")), "{internals:?}");
    assert!(internals.weights.iter().all(|w| w.update_norm > 0.0), "{internals:?}");
    let softmax = &internals.activations[4];
    assert!((softmax.mean - 0.5).abs() < 1e-6 && softmax.min > 0.0 && softmax.max < 1.0);
}

#[test]
fn not_a_number_is_told_and_ends_the_run_only_if_asked_to() {
    let mut config = config(2);
    config.compile.optimizer = Optimizer::Sgd { learning_rate: 1e30, momentum: 0.0, nesterov: false };
    config.compile.clip_norm = None;
    let mut notes = Notes::default();
    let (_, outcome) = run(&config, &Control::default(), &mut notes);
    assert_eq!((outcome.stopped, outcome.rows.len()), (Stopped::Finished, 2));
    assert_eq!(notes.not_finite.last(), Some(&1));
    let stop = Control { stop_on_nan: true, ..Control::default() };
    let (_, outcome) = run(&config, &stop, &mut Notes::default());
    assert_eq!((outcome.stopped, outcome.rows.len()), (Stopped::NotFinite, 0));
}

#[test]
fn class_weights_change_what_is_learnt() {
    let mut weighted = config(1);
    weighted.fit.class_weight = ClassWeight::Given([("attack".to_owned(), 5.0)].into());
    let (heavy, _) = run(&weighted, &Control::default(), &mut Notes::default());
    let (light, _) = run(&config(1), &Control::default(), &mut Notes::default());
    assert_ne!(bits(&heavy), bits(&light));
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let refuse = |examples: &Examples, config: &traceward_run::TrainConfig| {
        fit(&mut network(config), examples, config, &mut [], &Control::default()).unwrap_err()
    };
    let empty = Examples { train: traceward_train::Traces::new(), ..examples() };
    assert!(matches!(refuse(&empty, &config(1)), Error::NoTraces));
    let mut wrong = examples();
    wrong.train.push([2, 3], 2);
    assert_eq!(
        refuse(&wrong, &config(1)).to_string(),
        "trace 0: its class is number 2, and the network has 2 outputs"
    );
    let mut waiting = config(1);
    waiting.fit.early_stopping = Some(EarlyStopping {
        monitor: Monitor::ValLoss,
        patience: 3,
        min_delta: 0.0,
        restore_best_weights: true,
    });
    let blind = Examples { validation: traceward_train::Traces::new(), ..examples() };
    assert!(matches!(refuse(&blind, &waiting), Error::NothingToWatch));
}
