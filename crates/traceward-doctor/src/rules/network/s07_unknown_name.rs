//! S07: unknown name
//!
//! What it sees: an activation, a loss, an optimizer, a metric or a layer whose name does not exist, but
//! differs by a letter or two from one that does.
//!
//! Why it is bad: most frameworks stop when they meet such a name, often with a message about something
//! else. Some look it up where a function of that name might have been registered, and take a default.
//!
//! Names that are like no known one may be the script's own functions, and are left alone.
//!
//! Example:
//!
//! ```text
//! model.add(Activation("sigmond"))
//! ```
//!
//! Treatment: the name that was meant.
//!
//! Source: the names of Keras 3 and PyTorch 2; nearness is the Damerau-Levenshtein distance, at most 2.

use crate::facts::{Argument, Layer, Placed};
use crate::names::{self, Spelling};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Change, Evidence, Finding, Level, Place, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "S07", name: "unknown name", file: include_str!("s07_unknown_name.rs"), check };

fn check(evidence: &Evidence) -> Answer {
    let network = evidence.network()?;
    let mut found = Vec::new();
    let last = network.last_weighted().map_or(0, |(last, _)| last);
    for (index, layer) in network.layers.iter().enumerate() {
        found.extend(layer_names(layer, index, last));
    }
    if let Some(compile) = &network.compile {
        found.extend(named("loss", &compile.loss, names::loss, |right| {
            Some(Change::Loss { loss: right.into() })
        }));
        found.extend(named("optimizer", &compile.optimizer, names::optimizer, |right| {
            Some(Change::Optimizer { name: right.into() })
        }));
        for metric in &compile.metrics {
            // A metric with a dot or a bracket is an object, whose class the reader could not name.
            if metric.value.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
                found.extend(misspelt(
                    "metric",
                    &metric.value,
                    names::metric(&metric.value),
                    &metric.place,
                    |_| None,
                ));
            }
        }
    }
    Ok(found)
}

fn layer_names(layer: &Layer, index: usize, last: usize) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        misspelt("layer", &layer.class_name, names::layer(&layer.class_name), &layer.place, |_| None)
            .into_iter()
            .collect();
    let place = layer.activation.place.clone().or_else(|| layer.place.clone());
    let activation = Placed { value: layer.activation.value.clone(), place };
    found.extend(named("activation", &activation, names::activation, |right| {
        Some(if index >= last {
            Change::OutputActivation { activation: right.into() }
        } else {
            Change::HiddenActivation { layer: index, activation: right.into() }
        })
    }));
    if let Some(inner) = &layer.inner {
        found.extend(layer_names(inner, index, last));
    }
    found
}

fn named(
    what: &str,
    argument: &Placed<Argument<String>>,
    spelling: fn(&str) -> Spelling,
    change: impl FnOnce(&'static str) -> Option<Change>,
) -> Option<Finding> {
    let name = argument.value.given()?;
    misspelt(what, name, spelling(name), &argument.place, change)
}

fn misspelt(
    what: &str,
    name: &str,
    spelling: Spelling,
    place: &Option<Place>,
    change: impl FnOnce(&'static str) -> Option<Change>,
) -> Option<Finding> {
    let Spelling::Misspelt(right) = spelling else { return None };
    let text = format!("write \"{right}\"");
    let treatment = match change(right) {
        Some(change) => Treatment::automatic(change, text),
        None => Treatment::advice(text),
    };
    let article = if what.starts_with(['a', 'o']) { "an" } else { "a" };
    Some(
        Finding::new(
            "S07",
            Level::Error,
            format!("there is no {what} \"{name}\"; \"{right}\" is the nearest"),
        )
        .at(place.clone())
        .cause(
            Cause::new(CauseKind::UnknownName, 0.9, format!("\"{name}\" is a typing error for \"{right}\""))
                .because(format!("\"{right}\" is {article} {what} and differs by a letter or two")),
        )
        .treat(treatment),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Placed;
    use crate::rules::network::sample::{activation_layer, compile, dense, model};

    #[test]
    fn the_diary_s_sigmond() {
        let found = check(&model(&[dense(7, "linear"), activation_layer("sigmond")], "mse")).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].symptom, "there is no activation \"sigmond\"; \"sigmoid\" is the nearest");
        assert_eq!(
            found[0].treatments[0].change,
            Some(Change::OutputActivation { activation: "sigmoid".into() })
        );
    }

    #[test]
    fn every_name_is_looked_at() {
        let mut evidence = model(&[dense(64, "rleu"), dense(7, "softmax")], "catagorical_crossentropy");
        compile(&mut evidence).optimizer.value = Argument::Given("adem".into());
        compile(&mut evidence).metrics = vec![Placed { value: "acuracy".into(), place: None }];
        let found = check(&evidence).unwrap();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert_eq!(
            found[0].treatments[0].change,
            Some(Change::HiddenActivation { layer: 0, activation: "relu".into() })
        );
    }

    #[test]
    fn names_of_ones_own_and_unknown_values_are_left_alone() {
        let mut evidence = model(&[dense(64, "snake"), dense(7, "softmax")], "my_dice_loss");
        compile(&mut evidence).optimizer.value = Argument::Unknown("args.optimzer".into());
        compile(&mut evidence).metrics = vec![Placed { value: "self.acuracy()".into(), place: None }];
        assert_eq!(check(&evidence).unwrap(), []);
    }
}
