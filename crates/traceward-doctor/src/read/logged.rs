//! A run that another framework logged: its curves, and what stood beside them.
//!
//! Console output often shows the model's summary before the first epoch, and loggers keep settings beside
//! the curves. Both say less than a script: a summary names no activation, so none is known.

use serde_json::Value;
use traceward_run::foreign::{Log, LoggedRun, ModelSummary, SummaryLayer};

use crate::Evidence;
use crate::curve::Curves;
use crate::facts::{Argument, Compile, Fit, Framework, Layer, Network, Placed, Validation};
use crate::names;
use crate::process::Process;

/// What one of a log's runs says of its training.
pub fn logged(log: &Log, run: &LoggedRun) -> Evidence {
    let compile = compile(run);
    let network = match &run.model {
        Some(summary) => Some(Network { compile, ..network(summary) }),
        None => compile.map(|compile| Network { compile: Some(compile), ..Network::default() }),
    };
    Evidence {
        network,
        fit: fit(run),
        curves: Some(Curves::from(run)),
        process: Some(Process::of(log, run)),
        ..Evidence::default()
    }
}

fn network(summary: &ModelSummary) -> Network {
    let unknown = || Argument::Unknown("not in the summary".into());
    let layer = |layer: &SummaryLayer| Layer {
        class_name: whole_name(&layer.class_name).to_owned(),
        written: layer.class_name.clone(),
        name: layer.name.clone(),
        units: match layer.output_shape.last() {
            Some(&Some(units)) => usize::try_from(units).map_or_else(|_| unknown_units(), Argument::Given),
            _ => unknown_units(),
        },
        activation: Placed { value: unknown(), place: None },
        ..Layer::default()
    };
    Network {
        framework: Framework::Keras,
        layers: summary.layers.iter().map(layer).collect(),
        ..Network::default()
    }
}

/// A class name as it was before Keras cut it to its column's width: `MaxPooling2` is MaxPooling2D.
fn whole_name(class_name: &str) -> &str {
    if names::is_layer(class_name) {
        class_name
    } else {
        names::layer_begun(class_name).unwrap_or(class_name)
    }
}

fn unknown_units() -> Argument<usize> {
    Argument::Unknown("not in the summary".into())
}

/// Settings that loggers keep under many names; the last part of a dotted or slashed name counts.
fn setting<'a>(run: &'a LoggedRun, names: &[&str]) -> Option<&'a Value> {
    let last = |key: &str| key.rsplit(['.', '/']).next().unwrap_or(key).to_lowercase();
    run.hyperparameters.iter().find(|(key, _)| names.contains(&last(key).as_str())).map(|(_, value)| value)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn compile(run: &LoggedRun) -> Option<Compile> {
    let given = |value: &Value| value.as_str().map(|name| Argument::Given(name.to_lowercase()));
    let optimizer = setting(run, &["optimizer", "optim", "optimizer_name"]).and_then(given);
    let learning_rate = setting(run, &["learning_rate", "lr"]).and_then(number);
    if optimizer.is_none() && learning_rate.is_none() {
        return None;
    }
    let unknown = |what: &str| Argument::Unknown(format!("the log does not say the {what}"));
    Some(Compile {
        loss: Placed { value: unknown("loss"), place: None },
        from_logits: Argument::Unknown("the log does not say it".into()),
        optimizer: Placed { value: optimizer.unwrap_or_else(|| unknown("optimizer")), place: None },
        learning_rate: Placed {
            value: learning_rate.map_or_else(|| Argument::Unknown("not logged".into()), Argument::Given),
            place: None,
        },
        ..Compile::default()
    })
}

fn fit(run: &LoggedRun) -> Option<Fit> {
    let whole = |value: f64| (value >= 1.0 && value.fract() == 0.0 && value < 1e9).then_some(value as usize);
    let epochs = run.planned_epochs.and_then(|epochs| usize::try_from(epochs).ok()).or_else(|| {
        setting(run, &["epochs", "max_epochs", "num_epochs", "num_train_epochs"])
            .and_then(number)
            .and_then(whole)
    });
    let batch = setting(run, &["batch_size", "per_device_train_batch_size", "train_batch_size"]);
    let batch = batch.and_then(number).and_then(whole);
    if epochs.is_none() && batch.is_none() {
        return None;
    }
    let placed = |value: Option<usize>| Placed {
        value: value.map_or_else(|| Argument::Unknown("not logged".into()), Argument::Given),
        place: None,
    };
    Some(Fit {
        epochs: placed(epochs),
        batch_size: placed(batch),
        validation: Placed { value: Validation::Unknown, place: None },
        shuffle: Placed { value: Argument::Unknown("not logged".into()), place: None },
        class_weight: Argument::Unknown("not logged".into()),
        ..Fit::default()
    })
}

#[cfg(test)]
mod tests {
    use traceward_run::foreign::Kind;

    use super::*;

    #[test]
    fn a_log_says_only_what_stands_in_it() {
        let text = "epoch,loss,val_loss\n0,1.0,1.1\n1,0.9,1.0\n2,0.8,0.95\n";
        let log = traceward_run::foreign::read_text("log.csv", text).expect("it is a log");
        let evidence = logged(&log, &log.runs[0]);
        assert!(evidence.network.is_none() && evidence.fit.is_none());
        assert_eq!(evidence.curves.expect("it has curves").rows, 3);
    }

    #[test]
    fn settings_beside_the_curves_become_facts() {
        let mut run = LoggedRun::default();
        let cut = SummaryLayer { class_name: "MaxPooling2".into(), ..SummaryLayer::default() };
        run.model = Some(ModelSummary { layers: vec![cut], ..ModelSummary::default() });
        run.hyperparameters.insert("model.lr".into(), "3e-4".into());
        run.hyperparameters.insert("max_epochs".into(), 40.into());
        run.hyperparameters.insert("optimizer".into(), "Adam".into());
        let log = Log { kind: Kind::Console, runs: vec![run], notes: Vec::new() };
        let evidence = logged(&log, &log.runs[0]);
        let compile = evidence.compile().expect("a learning rate is known");
        assert_eq!(compile.learning_rate.value, Argument::Given(3e-4));
        assert_eq!(compile.optimizer.value, Argument::Given("adam".into()));
        assert_eq!(evidence.network().expect("it has a summary").layers[0].class_name, "MaxPooling2D");
        let fit = evidence.fit.expect("epochs are known");
        assert_eq!(fit.epochs.value, Argument::Given(40));
        assert_eq!(fit.validation.value, Validation::Unknown);
    }
}
