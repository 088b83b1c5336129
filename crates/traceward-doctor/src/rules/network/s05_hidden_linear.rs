//! S05: hidden layer without activation
//!
//! What it sees: a Dense or convolutional layer that is not the last, has no activation of its own, and gets
//! none before the next layer with weights.
//!
//! Why it is bad: two such layers one after the other are one matrix times another, which is a single
//! matrix: all their weights do what one layer could, and are harder to train. A network of nothing else is
//! a linear classifier, however deep.
//!
//! It holds back where no activation is meant: before a normalisation with an activation after it, before
//! a recurrent layer, in a bottleneck (narrower than both neighbours, without bias, or by its name), in a
//! convolution over single points, and where branches meet. A maximum over windows is no straight line
//! either, so a convolution before one is a note.
//!
//! Example:
//!
//! ```text
//! model.add(Dense(64))                        # nothing between this
//! model.add(Dense(7, activation="softmax"))   # and this
//! ```
//!
//! Treatment: `activation="relu"`.
//!
//! Source: UMLAUT (Schoop et al., CHI 2021), "missing activation"; NeuraLint (Nikanjam et al., TOSEM 2021).

use super::ending::{activation, is_opaque};
use crate::facts::{Layer, Network};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Treatment};

pub(super) const RULE: Rule = Rule {
    id: "S05",
    name: "hidden layer without activation",
    file: include_str!("s05_hidden_linear.rs"),
    check,
};

/// How the stretch from a linear layer to the next one with weights goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Nothing bends it.
    Straight,
    /// A maximum over windows bends it.
    Maximum,
    /// Something bends it, or may.
    Bent,
}

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    if network.branched {
        return Ok(Vec::new());
    }
    let Some((last, _)) = network.last_weighted() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    // Linear layers that follow each other are one finding.
    let mut run: Vec<usize> = Vec::new();
    let mut pooled: Vec<usize> = Vec::new();
    for index in 0..last {
        if !network.layers[index].has_weights() {
            continue;
        }
        match linear(network, index) {
            Then::Straight => run.push(index),
            Then::Maximum => pooled.push(index),
            Then::Bent => found.extend(report(network, &std::mem::take(&mut run))),
        }
    }
    found.extend(report(network, &run));
    if let Some(&first) = pooled.first() {
        let layers = named(network, &pooled);
        found.push(
            Finding::new(
                "S05",
                Level::Note,
                format!("{layers} without activation before a maximum over windows"),
            )
            .at(network.layers[first].place.clone())
            .cause(Cause::new(
                CauseKind::HiddenLinear,
                0.3,
                "only the maximum keeps these layers from being one",
            ))
            .treat(treatment(&pooled)),
        );
    }
    Ok(found)
}

fn linear(network: &Network, index: usize) -> Then {
    let layer = &network.layers[index];
    let straight = activation(layer) == Some("linear");
    if !straight
        || !(layer.is_dense() || layer.is_convolution())
        || layer.is_recurrent()
        || is_projection(layer)
    {
        return Then::Bent;
    }
    let mut then = Then::Straight;
    for next in &network.layers[index + 1..] {
        if next.is_recurrent() {
            return Then::Bent;
        }
        if next.has_weights() {
            break;
        }
        if activation(next) != Some("linear") || is_opaque(next) {
            return Then::Bent;
        }
        if next.class_name.contains("MaxPool") {
            then = Then::Maximum;
        }
    }
    if is_bottleneck(network, index) { Then::Bent } else { then }
}

/// Whether a layer is declared to be a projection.
fn is_projection(layer: &Layer) -> bool {
    let layer = layer.innermost();
    let name = layer.name.to_ascii_lowercase();
    let points = match layer.config.get("kernel_size") {
        Some(serde_json::Value::Array(sizes)) => !sizes.is_empty() && sizes.iter().all(|size| size == 1),
        Some(size) => size == 1,
        None => false,
    };
    ["bottleneck", "proj", "latent", "embed", "code", "encoded"].iter().any(|word| name.contains(word))
        || layer.config.get("use_bias") == Some(&serde_json::Value::Bool(false))
        || layer.is_convolution() && points
}

/// Whether it has at most half the units of both weighted neighbours, as the middle of an autoencoder.
fn is_bottleneck(network: &Network, index: usize) -> bool {
    let units = |layer: &Layer| layer.units.given().or(layer.innermost().units.given()).copied();
    let weighted = |layer: &&Layer| layer.has_weights();
    let before = network.layers[..index].iter().rev().find(weighted).and_then(units);
    let after = network.layers[index + 1..].iter().find(weighted).and_then(units);
    match (before, units(&network.layers[index]), after) {
        (Some(before), Some(here), Some(after)) => here <= before / 2 && here <= after / 2,
        _ => false,
    }
}

fn named(network: &Network, layers: &[usize]) -> String {
    let words: Vec<String> = layers
        .iter()
        .map(|&index| {
            let layer = &network.layers[index];
            let units = layer.units.given().map_or(String::new(), |units| format!("({units})"));
            format!("{}{units}", layer.class_name)
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let verb = if words.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", traceward_trace::profile::numerals::list(&words))
}

fn treatment(layers: &[usize]) -> Treatment {
    match layers {
        [one] => Treatment::automatic(
            Change::HiddenActivation { layer: *one, activation: "relu".into() },
            "give this layer activation=\"relu\"",
        ),
        _ => Treatment::automatic(
            Change::HiddenActivations { activation: "relu".into() },
            "give these layers activation=\"relu\"",
        ),
    }
}

fn report(network: &Network, run: &[usize]) -> Option<Finding> {
    let first = *run.first()?;
    let hidden: Vec<&Layer> = network.layers.iter().filter(|layer| layer.has_weights()).collect();
    let all = run.len() + 1 == hidden.len();
    let level = if run.len() > 1 { Level::Error } else { Level::Warning };
    let mut cause = Cause::new(
        CauseKind::HiddenLinear,
        if run.len() > 1 { 0.9 } else { 0.75 },
        format!(
            "without an activation between them, {} layers can do no more than one of them",
            run.len() + 1
        ),
    );
    if all {
        cause = cause.because("the whole network is one linear map before its last activation");
    } else if run.len() == 1 {
        cause = cause.although("other layers bend, so the network can still learn much");
    }
    Some(
        Finding::new("S05", level, format!("{} without activation", named(network, run)))
            .at(network.layers[first].place.clone())
            .cause(cause)
            .treat(treatment(run)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Argument;
    use crate::rules::network::sample::{activation_layer, dense, layer, model, with};

    fn of(layers: &[Layer]) -> Vec<(Level, String)> {
        let evidence = model(layers, "categorical_crossentropy");
        check(&evidence).unwrap().into_iter().map(|found| (found.level, found.symptom)).collect()
    }

    #[test]
    fn one_is_a_warning_two_in_a_row_an_error() {
        let one = of(&[layer("LSTM", 32, "linear"), dense(64, "linear"), dense(7, "softmax")]);
        assert_eq!(one, [(Level::Warning, "Dense(64) is without activation".to_owned())]);
        let two = of(&[dense(64, "linear"), dense(32, "linear"), dense(7, "softmax")]);
        assert_eq!(two, [(Level::Error, "Dense(64) and Dense(32) are without activation".to_owned())]);
        let apart = of(&[dense(64, "linear"), dense(32, "relu"), dense(64, "linear"), dense(7, "softmax")]);
        assert_eq!(apart.len(), 2);
    }

    #[test]
    fn the_activation_may_be_the_next_layer() {
        let layers =
            [dense(64, "linear"), activation_layer("relu"), dense(7, "linear"), activation_layer("softmax")];
        assert_eq!(of(&layers), []);
        let after_norm = [
            layer("Conv2D", 32, "linear"),
            layer("BatchNormalization", 0, "linear"),
            layer("LeakyReLU", 0, "leaky_relu"),
            dense(7, "softmax"),
        ];
        assert_eq!(of(&after_norm), []);
        let dropout_between = [dense(64, "linear"), layer("Dropout", 0, "linear"), dense(7, "softmax")];
        assert_eq!(of(&dropout_between).len(), 1);
    }

    #[test]
    fn what_is_meant_to_be_linear_is_left_alone() {
        assert_eq!(of(&[dense(64, "relu"), dense(7, "linear")]), [], "the last layer");
        assert_eq!(of(&[dense(64, "relu"), dense(16, "linear"), dense(64, "relu"), dense(9, "sigmoid")]), []);
        assert_eq!(of(&[dense(64, "linear"), layer("LSTM", 8, "linear"), dense(7, "softmax")]), []);
        let points = with(layer("Conv2D", 16, "linear"), "kernel_size", vec![1, 1]);
        assert_eq!(of(&[points, dense(7, "softmax")]), []);
        let unbiased = with(dense(16, "linear"), "use_bias", false);
        assert_eq!(of(&[unbiased, dense(7, "softmax")]), []);
        let mut unknown = dense(16, "linear");
        unknown.activation.value = Argument::Unknown("args.act".into());
        assert_eq!(of(&[unknown, dense(7, "softmax")]), []);
        assert_eq!(of(&[dense(16, "linear"), layer("Lambda", 0, "linear"), dense(7, "softmax")]), []);
    }

    #[test]
    fn a_maximum_over_windows_is_not_straight() {
        let conv = || layer("Conv2D", 32, "linear");
        let pool = || layer("MaxPooling2D", 0, "linear");
        let found = of(&[conv(), pool(), conv(), pool(), dense(128, "relu"), dense(10, "softmax")]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Level::Note);
    }

    #[test]
    fn branches_are_not_a_chain() {
        let mut evidence = model(&[dense(64, "linear"), dense(7, "softmax")], "mean_squared_error");
        evidence.network.as_mut().unwrap().branched = true;
        assert_eq!(check(&evidence).unwrap(), []);
    }
}
