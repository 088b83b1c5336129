//! Probes of a network that can learn, and of ones that cannot.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use traceward_model::Network;
use traceward_run::TrainConfig;
use traceward_run::spec::{Initializer, Weights};
use traceward_train::Examples;
use traceward_train::probe::Subject;

use crate::toy::{config, examples, network};

const LONG: Duration = Duration::from_secs(600);

fn with<T>(config: &TrainConfig, examples: &Examples, probe: impl FnOnce(&Subject<'_>) -> T) -> T {
    let network: Network = network(config);
    let before = network.clone();
    let stop = AtomicBool::new(false);
    let done = probe(&Subject { network: &network, examples, config, stop: &stop });
    assert_eq!(network.parameters(), before.parameters(), "a probe leaves the network as it is");
    done
}

#[test]
fn a_healthy_network_passes_all_probes() {
    with(&config(1), &examples(), |subject| {
        let start = subject.start_loss().unwrap();
        assert_eq!(start.formula, "ln 2");
        assert!((start.loss - start.expected).abs() < 0.5 * start.expected, "{start:?}");
        let range = subject.range_test().unwrap();
        let suggested = range.suggested.unwrap();
        assert!((1e-4..0.3).contains(&suggested), "{range:?}");
        let overfit = subject.overfit(Some(suggested), LONG).unwrap();
        assert!(overfit.accuracy >= 1.0 && overfit.steps < 1000, "{overfit:?}");
        assert_eq!((overfit.items, overfit.classes, overfit.cut_short), (32, 2, false));
        let gradients = subject.gradient_check().unwrap();
        assert!(gradients.worst < 0.02 && gradients.weights > 100, "{gradients:?}");
    });
}

#[test]
fn a_network_whose_output_weights_are_frozen_at_zero_learns_nothing_by_heart() {
    let mut config = config(1);
    let last = config.model.layers.last_mut().unwrap();
    last.weights = Weights { trainable: false, kernel: Some(Initializer::Zeros), ..Weights::default() };
    with(&config, &examples(), |subject| {
        let overfit = subject.overfit(None, Duration::from_secs(2)).unwrap();
        assert!(overfit.end_loss > 0.9 * overfit.start_loss, "{overfit:?}");
        assert_eq!(subject.range_test().unwrap().suggested, None);
    });
}

#[test]
fn permuted_inputs_do_as_well_where_labels_are_drawn_at_random() {
    let random = {
        let own = examples();
        let mut train = traceward_train::Traces::new();
        for at in 0..own.train.len() {
            // Every item twice, once under each label.
            train.push(own.train.get(at).iter().copied(), 0);
            train.push(own.train.get(at).iter().copied(), 1);
        }
        Examples { train, ..own }
    };
    let p =
        |examples: &Examples| with(&config(1), examples, |subject| subject.input_matters(None).unwrap().p);
    assert!(p(&random) > 0.01);
    assert!(p(&examples()) <= 0.01);
}

#[test]
fn a_probe_ends_when_it_is_told_to() {
    let (config, examples) = (config(1), examples());
    let network = network(&config);
    let stop = AtomicBool::new(true);
    let subject = Subject { network: &network, examples: &examples, config: &config, stop: &stop };
    assert_eq!(subject.range_test().unwrap().points, []);
    assert!(subject.overfit(None, LONG).unwrap().cut_short);
}
