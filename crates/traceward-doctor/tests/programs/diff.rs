//! What a repair changed, as the causes that it speaks for.

use serde_json::Value;
use traceward_doctor::CauseKind;

use crate::rebuild::{FitCall, LayerCall, Program};

/// A layer with the activation that it ends with, whether as an argument or as the next layer.
#[derive(PartialEq)]
struct Step {
    layer: String,
    size: String,
    activation: String,
    initializer: String,
}

/// All causes that the difference between a program and its repair speaks for.
pub(crate) fn changed(buggy: &Program, fixed: &Program) -> Vec<CauseKind> {
    use CauseKind::*;
    let mut causes = Vec::new();
    let (before, after) = (steps(buggy), steps(fixed));
    let weighted = |steps: &[Step]| steps.iter().filter(|step| step.is_weighted()).count();
    if let (Some(was), Some(is)) = (last(&before), last(&after)) {
        if was.activation != is.activation {
            causes.push(OutputActivation);
        }
        if was.size != is.size {
            causes.push(OutputUnits);
        }
    }
    let hidden = |steps: &[Step]| -> Vec<(String, String, String)> {
        let all: Vec<_> = steps
            .iter()
            .filter(|step| step.is_weighted())
            .map(|step| (step.activation.clone(), step.size.clone(), step.initializer.clone()))
            .collect();
        all[..all.len().saturating_sub(1)].to_vec()
    };
    for (was, is) in hidden(&before).into_iter().zip(hidden(&after)) {
        if was.0 != is.0 {
            let kinds: &[CauseKind] =
                if was.0 == "linear" { &[HiddenLinear] } else { &[HiddenActivation, VanishingGradient] };
            causes.extend(kinds);
        }
        if was.1 != is.1 {
            causes.push(Capacity);
        }
        if was.2 != is.2 {
            causes.push(Initialization);
        }
    }
    if weighted(&before) != weighted(&after) {
        causes.extend([MissingLayer, Capacity]);
    }
    // The same activation twice in a row, and once in the repair.
    if doubled(buggy) > doubled(fixed) {
        causes.push(DoubledActivation);
    }
    let count = |steps: &[Step], layer: &str| steps.iter().filter(|step| step.layer.contains(layer)).count();
    match count(&after, "Dropout").cmp(&count(&before, "Dropout")) {
        std::cmp::Ordering::Greater => causes.push(TooLittleRegularization),
        std::cmp::Ordering::Less => causes.push(TooMuchRegularization),
        std::cmp::Ordering::Equal => {}
    }
    if count(&after, "Normalization") > count(&before, "Normalization") {
        causes.extend([Scaling, MissingLayer]);
    }

    if setting(buggy, "loss", 1) != setting(fixed, "loss", 1) {
        causes.push(Loss);
    }
    let (was, is) = (optimizer(buggy), optimizer(fixed));
    if was.0 != is.0 {
        causes.extend([Optimizer, LearningRateHigh, LearningRateLow]);
    } else if let (Some(was), Some(is)) = (was.1, is.1)
        && was != is
    {
        causes.push(if is < was { LearningRateHigh } else { LearningRateLow });
    }
    if metrics(buggy) != metrics(fixed) {
        causes.push(Metric);
    }

    if let (Some(was), Some(is)) = (buggy.training(), fixed.training()) {
        let epochs = |fit: &FitCall| number(fit, &["epochs", "nb_epoch"], 1.0);
        match epochs(was).partial_cmp(&epochs(is)) {
            Some(std::cmp::Ordering::Less) => causes.push(TooFewEpochs),
            Some(std::cmp::Ordering::Greater) => causes.push(TooManyEpochs),
            _ => {}
        }
        if number(was, &["batch_size"], 32.0) != number(is, &["batch_size"], 32.0) {
            causes.push(BatchSize);
        }
        let validated = |fit: &FitCall| fit.kw.keys().any(|key| key.starts_with("validation"));
        if !validated(was) && validated(is) {
            causes.push(NoValidation);
        }
    }
    let prepared = |program: &Program, names: &[&str]| {
        program.preprocess.iter().any(|step| names.contains(&step.call.as_str()))
    };
    const SCALING: [&str; 4] = ["/255", "StandardScaler", "MinMaxScaler", "scale"];
    if !prepared(buggy, &SCALING) && prepared(fixed, &SCALING) {
        causes.push(Scaling);
    }
    const LABELS: [&str; 3] = ["to_categorical", "OneHotEncoder", "LabelEncoder"];
    if prepared(buggy, &LABELS) != prepared(fixed, &LABELS) {
        causes.push(BadLabels);
    }
    causes.sort_unstable();
    causes.dedup();
    causes
}

/// What the benchmark's words stand for.
pub(crate) fn listed(words: &str) -> Vec<CauseKind> {
    use CauseKind::*;
    let of = |word: &str| -> &[CauseKind] {
        match word {
            "act" => &[OutputActivation, HiddenActivation, HiddenLinear, DoubledActivation],
            "loss" => &[Loss],
            "epoch" => &[TooFewEpochs, TooManyEpochs],
            "lr" => &[LearningRateHigh, LearningRateLow],
            "opt" => &[Optimizer],
            "batch_size" => &[BatchSize],
            "init" => &[Initialization],
            "missing_prep" => &[Scaling, BadLabels],
            "wrong_prep" => &[Scaling, BadLabels, DoubledNormalization],
            word if word.contains("layers") => &[MissingLayer, Capacity],
            _ => &[],
        }
    };
    words.split(',').flat_map(|word| of(word.trim())).copied().collect()
}

impl Step {
    fn is_weighted(&self) -> bool {
        self.layer == "Dense" || self.layer.contains("Conv")
    }
}

fn last(steps: &[Step]) -> Option<&Step> {
    steps.iter().rfind(|step| step.is_weighted())
}

fn steps(program: &Program) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for call in program.network() {
        if call.layer == "Activation" {
            let name = text(call.args.first().or(call.kw.get("activation")), "linear");
            // Dropout in between does not keep an activation from its layer.
            if let Some(step) = steps.iter_mut().rfind(|step| step.is_weighted()) {
                step.activation = name;
            }
            continue;
        }
        steps.push(Step {
            layer: call.layer.clone(),
            size: text(call.args.first().or(call.kw.get("units")).or(call.kw.get("output_dim")), ""),
            activation: text(call.kw.get("activation"), "linear"),
            initializer: text(call.kw.get("kernel_initializer").or(call.kw.get("init")), "default"),
        });
    }
    steps
}

/// Layers that have an activation of their own and get another one right after it.
fn doubled(program: &Program) -> usize {
    let calls: Vec<&LayerCall> = program.network().collect();
    calls
        .windows(2)
        .filter(|pair| pair[0].kw.contains_key("activation") && pair[1].layer == "Activation")
        .count()
}

fn text(value: Option<&Value>, default: &str) -> String {
    match value {
        None => default.into(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

fn setting(program: &Program, name: &str, position: usize) -> String {
    let Some(compile) = program.compile.first() else { return String::new() };
    let written = text(compile.kw.get(name).or(compile.args.get(position)), "");
    let plain = written.rsplit('.').next().unwrap_or(&written).to_lowercase();
    match plain.as_str() {
        "mse" => "mean_squared_error".into(),
        _ => plain,
    }
}

/// The optimizer's class and its learning rate, Keras' default where none is written.
fn optimizer(program: &Program) -> (String, Option<f64>) {
    let made = program.optimizers.first();
    let name = made.map_or_else(|| setting(program, "optimizer", 0), |made| made.opt.to_lowercase());
    let rate = match made {
        Some(made) => made
            .kw
            .get("lr")
            .or(made.kw.get("learning_rate"))
            .or(made.args.first())
            .map_or(default_rate(&name), Value::as_f64),
        None => default_rate(&name),
    };
    (name, rate)
}

fn default_rate(optimizer: &str) -> Option<f64> {
    match optimizer {
        "adam" | "rmsprop" => Some(0.001),
        "sgd" => Some(0.01),
        _ => None,
    }
}

fn metrics(program: &Program) -> String {
    let Some(compile) = program.compile.first() else { return String::new() };
    text(compile.kw.get("metrics").or(compile.args.get(2)), "").replace("accuracy", "acc")
}

fn number(fit: &FitCall, names: &[&str], default: f64) -> Option<f64> {
    names.iter().find_map(|name| fit.kw.get(*name)).map_or(Some(default), Value::as_f64)
}
