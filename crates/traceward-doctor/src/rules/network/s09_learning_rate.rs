//! S09: learning rate outside the usual range
//!
//! What it sees: a step size that is rarely right for its optimizer and network.
//!
//! ```text
//! Adam, RMSprop and their kin     above 0.01: warning; from 0.1: error
//!   with recurrent or attention layers    above 0.003: warning
//! SGD                             from 0.1: warning; from 1: error
//!   if all hidden layers saturate (sigmoid, tanh) or are normalised: from 1: warning, from 10: error
//! Adagrad                         from 0.5: warning
//! any                             below 1e-6: warning
//! SGD without momentum            below 1e-4: warning
//! ```
//!
//! Where the data is known, it also sees steps that cannot add up: each step of Adam moves a weight by at
//! most about the learning rate, so all steps together move it by at most their number times the learning
//! rate. If that is less than 0.05, half of an ordinary initial weight, the network must stay what it was.
//!
//! Why it is bad: too large a step jumps over the minimum and back (a jagged loss), throws units where they
//! have no gradient, or ends in NaN. Too small a one looks like a network that cannot learn. Recurrent
//! layers add up what a step does over the whole sequence, so they want smaller ones. A saturating
//! activation passes at most a quarter of the gradient (sigmoid), so plain networks of them bear more.
//!
//! Example:
//!
//! ```text
//! model.add(Bidirectional(LSTM(32)))
//! model.compile(optimizer=Adam(0.01), ...)      # as often copied; try 0.001 or 0.0001
//! ```
//!
//! Treatment: the range test (100 steps with a growing learning rate), or a tenth (ten times) of it.
//!
//! Source: UMLAUT (1e-7..1e-2, Schoop et al., CHI 2021); Smith, "Cyclical Learning Rates", WACV 2017, for
//! the range test; Kingma and Ba, "Adam", ICLR 2015, section 2.1, for the bound on a step.

use super::ending::activation;
use crate::facts::Network;
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S09",
    name: "learning rate outside the usual range",
    file: include_str!("s09_learning_rate.rs"),
    check,
};

/// How optimizers turn a gradient into a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// By the gradient's size.
    Descent,
    /// By its sign, nearly.
    Adaptive,
    /// Adaptive, with steps that only shrink.
    Adagrad,
}

/// Fewer steps than this are few for any learning rate.
const FEW_STEPS: usize = 300;
/// The least way that weights must be able to go.
const LEAST_REACH: f64 = 0.05;

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let compile = evidence.compile()?;
    let Some(optimizer) = compile.optimizer.value.given() else { return Ok(Vec::new()) };
    let family = match optimizer.as_str() {
        "sgd" => Family::Descent,
        "adam" | "adamw" | "nadam" | "radam" | "rmsprop" | "adamax" | "lazy_adam" => Family::Adaptive,
        "adagrad" => Family::Adagrad,
        _ => return Ok(Vec::new()),
    };
    let Some(&rate) = compile.learning_rate.value.given() else {
        // The defaults are in the usual range; whether they reach far enough is another matter.
        let default = if family == Family::Adaptive { 0.001 } else { return Ok(Vec::new()) };
        return Ok(compile
            .learning_rate
            .value
            .or_default(default)
            .and_then(|rate| short(evidence, rate, optimizer))
            .into_iter()
            .collect());
    };
    if !rate.is_finite() || rate <= 0.0 {
        return Ok(vec![not_a_step(evidence, rate)?]);
    }
    if let Some(found) = high(network, optimizer, family, rate) {
        return Ok(vec![found.at(compile.learning_rate.place.clone().or_else(|| compile.place.clone()))]);
    }
    let momentum = compile.momentum.or_default(0.0);
    let low = rate < 1e-6 || family == Family::Descent && rate < 1e-4 && momentum == Some(0.0);
    if low {
        let finding = Finding::new(
            "S09",
            Level::Warning,
            format!("{} with a learning rate of {rate}", shown(optimizer)),
        )
        .cause(Cause::new(CauseKind::LearningRateLow, 0.75, "steps this small hardly move the weights"))
        .treat(range_test())
        .treat(Treatment::automatic(Change::ScaleLearningRate { factor: 10.0 }, "multiply it by 10"));
        return Ok(vec![finding.at(compile.learning_rate.place.clone().or_else(|| compile.place.clone()))]);
    }
    if family == Family::Adaptive {
        return Ok(short(evidence, rate, optimizer).into_iter().collect());
    }
    Ok(Vec::new())
}

/// Thresholds from which a rate is a warning and an error, and why they stand where they do.
fn high(network: &Network, optimizer: &str, family: Family, rate: f64) -> Option<Finding> {
    let recurrent = network.is_recurrent();
    let damped = is_damped(network);
    let (warning, error, what) = match family {
        Family::Adaptive if recurrent => {
            (rate > 0.003, rate >= 0.1, " in a network with recurrent or attention layers")
        }
        Family::Adaptive => (rate > 0.01, rate >= 0.1, ""),
        Family::Descent if damped => (rate >= 1.0, rate >= 10.0, ""),
        Family::Descent => (rate >= 0.1, rate >= 1.0, " in a network without normalisation"),
        Family::Adagrad => (rate >= 0.5, rate >= 5.0, ""),
    };
    if !warning {
        return None;
    }
    let level = if error { Level::Error } else { Level::Warning };
    let usual = match family {
        Family::Adaptive if recurrent => "0.0001 to 0.003",
        Family::Adaptive => "0.0001 to 0.01",
        Family::Descent => "0.001 to 0.1",
        Family::Adagrad => "0.001 to 0.1",
    };
    Some(
        Finding::new("S09", level, format!("{} with a learning rate of {rate}{what}", shown(optimizer)))
            .cause(
                Cause::new(
                    CauseKind::LearningRateHigh,
                    if error { 0.85 } else { 0.55 },
                    "steps this large jump over what they are after",
                )
                .because(format!("usual are {usual}")),
            )
            .treat(range_test())
            .treat(Treatment::automatic(Change::ScaleLearningRate { factor: 0.1 }, "divide it by 10")),
    )
}

/// Whether gradients shrink on their way, or are held: every hidden layer saturates, or there is a
/// normalisation.
fn is_damped(network: &Network) -> bool {
    if network.layers.iter().any(crate::facts::Layer::is_normalization) {
        return true;
    }
    let Some((last, _)) = network.last_weighted() else { return false };
    let hidden = &network.layers[..last];
    let mut activations = hidden.iter().filter(|layer| !layer.is_recurrent()).map(activation).peekable();
    let mut any = false;
    let saturating = activations.all(|found| match found {
        Some("sigmoid" | "tanh" | "hard_sigmoid" | "hard_tanh" | "softsign") => {
            any = true;
            true
        }
        Some("linear") => true,
        _ => false,
    });
    // A linear layer with weights counts as bent if an activation layer follows it, which was seen above; a
    // network of linear layers only is not damped.
    saturating && any
}

/// Adaptive steps that together cannot move a weight far enough.
fn short(evidence: &Evidence, rate: f64, optimizer: &str) -> Option<Finding> {
    let fit = evidence.fit.as_ref()?;
    let data = evidence.data.as_ref()?;
    let items = data.training_items.unwrap_or(data.items);
    let epochs = *fit.epochs.value.given()?;
    let batch = fit.batch_size.value.or_default(32)?.max(1);
    let steps = items.div_ceil(batch).checked_mul(epochs)?;
    let reach = rate * steps as f64;
    if items == 0 || reach >= LEAST_REACH {
        return None;
    }
    let rate_low = Cause::new(
        CauseKind::LearningRateLow,
        if steps < FEW_STEPS { 0.5 } else { 0.75 },
        "so small a step leaves the weights where they start",
    )
    .because("initial weights are of the size of 0.1");
    let few = Cause::new(
        CauseKind::TooFewEpochs,
        if steps < FEW_STEPS { 0.65 } else { 0.45 },
        "there are too few steps for a step of this size",
    );
    let larger =
        Treatment::automatic(Change::ScaleLearningRate { factor: 10.0 }, "multiply the learning rate by 10");
    let longer = Treatment::automatic(Change::ScaleEpochs { factor: 10.0 }, "train ten times as long");
    let finding = Finding::new(
        "S09",
        Level::Warning,
        format!(
            "{steps} steps of {} with a learning rate of {rate} move a weight by at most about {reach:.4}",
            shown(optimizer)
        ),
    )
    .at(evidence.compile().ok().and_then(|compile| compile.learning_rate.place.clone()));
    // Where there are hardly any steps, it is they that lack.
    Some(if steps < FEW_STEPS {
        finding.cause(few).cause(rate_low).treat(longer).treat(range_test()).treat(larger)
    } else {
        finding.cause(rate_low).cause(few).treat(range_test()).treat(larger).treat(longer)
    })
}

fn not_a_step(evidence: &Evidence, rate: f64) -> Result<Finding, crate::Missing> {
    let compile = evidence.compile()?;
    Ok(Finding::new("S09", Level::Error, format!("the learning rate is {rate}"))
        .at(compile.learning_rate.place.clone().or_else(|| compile.place.clone()))
        .cause(Cause::new(
            CauseKind::LearningRateLow,
            0.95,
            "a step size must be greater than 0: at 0 nothing is learnt, below it the loss is climbed",
        ))
        .treat(range_test()))
}

fn range_test() -> Treatment {
    Treatment::automatic(
        Change::LearningRateFromRangeTest,
        "take the learning rate that the range test finds",
    )
}

/// An optimizer as people write it.
fn shown(optimizer: &str) -> &str {
    match optimizer {
        "adam" => "Adam",
        "adamw" => "AdamW",
        "nadam" => "Nadam",
        "sgd" => "SGD",
        "rmsprop" => "RMSprop",
        "adagrad" => "Adagrad",
        "adamax" => "Adamax",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Argument, Data, Layer, Placed};
    use crate::rules::network::sample::{activation_layer, compile, dense, fit, layer, model};

    fn level(layers: &[Layer], optimizer: &str, rate: f64) -> Option<Level> {
        let mut evidence = model(layers, "categorical_crossentropy");
        compile(&mut evidence).optimizer.value = Argument::Given(optimizer.into());
        compile(&mut evidence).learning_rate.value = Argument::Given(rate);
        check(&evidence).unwrap().first().map(|found| found.level)
    }

    #[test]
    fn the_table() {
        let plain = [dense(64, "relu"), dense(7, "softmax")];
        let recurrent = [layer("LSTM", 32, "linear"), dense(7, "softmax")];
        let saturating = [dense(30, "linear"), activation_layer("sigmoid"), dense(7, "softmax")];
        let normalised = [dense(30, "relu"), layer("BatchNormalization", 0, "linear"), dense(7, "softmax")];
        let cases: [(&[Layer], &str, f64, Option<Level>); 20] = [
            (&plain, "adam", 0.01, None),
            (&plain, "adam", 0.02, Some(Level::Warning)),
            (&plain, "rmsprop", 0.1, Some(Level::Error)),
            (&recurrent, "adam", 0.01, Some(Level::Warning)),
            (&recurrent, "adam", 0.003, None),
            (&recurrent, "adam", 0.3, Some(Level::Error)),
            (&plain, "sgd", 0.05, None),
            (&plain, "sgd", 0.1, Some(Level::Warning)),
            (&plain, "sgd", 3.0, Some(Level::Error)),
            (&saturating, "sgd", 0.1, None),
            (&saturating, "sgd", 3.0, Some(Level::Warning)),
            (&normalised, "sgd", 0.1, None),
            (&normalised, "sgd", 1.0, Some(Level::Warning)),
            (&plain, "sgd", 5e-5, Some(Level::Warning)),
            (&plain, "adam", 1e-5, None),
            (&plain, "adam", 1e-7, Some(Level::Warning)),
            (&plain, "adam", 0.0, Some(Level::Error)),
            (&plain, "adam", -0.1, Some(Level::Error)),
            (&plain, "adadelta", 1.0, None),
            (&plain, "adagrad", 0.01, None),
        ];
        for (layers, optimizer, rate, expected) in cases {
            assert_eq!(
                level(layers, optimizer, rate),
                expected,
                "{optimizer} {rate} {}",
                layers[0].class_name
            );
        }
    }

    #[test]
    fn slow_descent_is_fine_with_momentum_or_unknown() {
        let mut evidence = model(&[dense(64, "relu"), dense(7, "softmax")], "categorical_crossentropy");
        compile(&mut evidence).optimizer.value = Argument::Given("sgd".into());
        compile(&mut evidence).learning_rate.value = Argument::Given(5e-5);
        for momentum in [Argument::Given(0.9), Argument::Unknown("m".into())] {
            compile(&mut evidence).momentum = momentum;
            assert_eq!(check(&evidence).unwrap(), []);
        }
        compile(&mut evidence).learning_rate.value = Argument::Unknown("args.lr".into());
        assert_eq!(check(&evidence).unwrap(), []);
    }

    #[test]
    fn steps_must_add_up() {
        let mut evidence =
            model(&[layer("LSTM", 32, "linear"), dense(7, "softmax")], "categorical_crossentropy");
        evidence.data = Some(Data { items: 1579, training_items: Some(1263), ..Data::default() });
        fit(&mut evidence).epochs = Placed { value: Argument::Given(20), place: None };
        let mut rate = |rate: f64| {
            compile(&mut evidence).learning_rate.value = Argument::Given(rate);
            check(&evidence).unwrap().first().map(|found| found.causes[0].kind)
        };
        assert_eq!(rate(1e-4), None, "800 steps reach 0.08");
        assert_eq!(rate(1e-4 / 30.0), Some(CauseKind::LearningRateLow));
        fit(&mut evidence).epochs.value = Argument::Given(1);
        compile(&mut evidence).learning_rate.value = Argument::Given(1e-3);
        assert_eq!(check(&evidence).unwrap()[0].causes[0].kind, CauseKind::TooFewEpochs);
    }
}
