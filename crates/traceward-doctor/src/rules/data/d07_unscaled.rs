//! D07: unscaled inputs
//!
//! What it sees: numeric inputs far outside -1..1 (a range beyond 10 with a standard deviation beyond 10),
//! inputs of which one varies a hundred times as much as another, or inputs that are so small that they were
//! scaled twice. Tokens that go into an Embedding are no numbers, and networks that normalise at their start
//! scale for themselves.
//!
//! Why it is bad: initial weights are drawn for inputs of the size of 1. With pixels of 0..255 the first sums
//! are hundreds: a sigmoid is saturated from the first step on, a relu passes gradients so large that
//! the loss jumps or becomes NaN. An input that varies a hundred times as much as the others drowns them.
//!
//! Example:
//!
//! ```text
//! (x_train, y_train), _ = mnist.load_data()        # 0..255
//! model.fit(x_train, y_train)
//! ```
//!
//! Treatment: subtract the mean and divide by the standard deviation of the training rows; pixels / 255.
//!
//! Source: UMLAUT (Schoop et al., CHI 2021), inputs outside -1..1; LeCun et al., "Efficient BackProp", 1998,
//! section 4.3. Missing preprocessing is the fault that practitioners name most (Humbatova et al., ICSE
//! 2020).

use crate::facts::{Feature, Network};
use crate::rule::{Answer, Rule};
use crate::{Cause, CauseKind, Evidence, Finding, Level, Missing, Need, Place, Treatment};

pub(super) const RULE: Rule =
    Rule { id: "D07", name: "unscaled inputs", file: include_str!("d07_unscaled.rs"), check };

const WIDE: f64 = 10.0;
const RATIO: f64 = 100.0;
/// Inputs that never leave this were divided once too often.
const SCALED_TWICE: f64 = 0.02;

fn check(evidence: &Evidence) -> Answer {
    if evidence.network.as_ref().is_some_and(scales_itself) {
        return Ok(Vec::new());
    }
    if let Some(data) = evidence.data.as_ref().filter(|data| !data.features.is_empty()) {
        return Ok(counted(&data.features).into_iter().collect());
    }
    let stated = &evidence.stated.inputs;
    let Some(range) = stated.value else { return Err(Missing(Need::Features)) };
    let (min, max) = (range.min, range.max);
    let symptom = format!("inputs reach the network from {min} to {max}");
    if !(min.is_finite() && max.is_finite()) {
        return Ok(Vec::new());
    }
    Ok(if max > WIDE || min < -WIDE {
        vec![wide(symptom, 0.65, stated.place.clone())]
    } else if max > 0.0 && max < SCALED_TWICE && min >= 0.0 {
        vec![small(symptom, stated.place.clone())]
    } else {
        Vec::new()
    })
}

/// Whether the first layer that changes values looks tokens up, or normalises.
fn scales_itself(network: &Network) -> bool {
    let first = network.layers.iter().find(|layer| {
        !matches!(
            layer.class_name.as_str(),
            "InputLayer" | "Input" | "Reshape" | "Flatten" | "Permute" | "Masking"
        )
    });
    first.is_some_and(|layer| {
        let class = layer.innermost().class_name.as_str();
        // A Lambda may do anything, and at the start of a network it usually scales.
        layer.is_normalization() || matches!(class, "Embedding" | "Rescaling" | "Lambda")
    })
}

fn counted(features: &[Feature]) -> Option<Finding> {
    let finite = || features.iter().filter(|feature| feature.not_finite == 0);
    let reach = |feature: &Feature| feature.range.max.abs().max(feature.range.min.abs());
    let far = finite()
        .filter(|f| reach(f) > WIDE && f.deviation > WIDE)
        .max_by(|a, b| reach(a).total_cmp(&reach(b)));
    if let Some(feature) = far {
        let symptom = format!("{} runs from {} to {}", feature.name, feature.range.min, feature.range.max);
        return Some(wide(symptom, 0.7, None));
    }
    let varying = || finite().filter(|feature| feature.deviation > 0.0);
    let most = varying().max_by(|a, b| a.deviation.total_cmp(&b.deviation))?;
    let least = varying().min_by(|a, b| a.deviation.total_cmp(&b.deviation))?;
    if most.deviation / least.deviation > RATIO && most.deviation > 1.0 {
        let symptom = format!(
            "{} varies {:.0} times as much as {}",
            most.name,
            most.deviation / least.deviation,
            least.name
        );
        return Some(wide(symptom, 0.55, None));
    }
    let all_small = finite().all(|feature| reach(feature) < SCALED_TWICE) && varying().count() > 0;
    all_small.then(|| small(format!("no input leaves {SCALED_TWICE}"), None))
}

fn wide(symptom: String, weight: f64, place: Option<Place>) -> Finding {
    Finding::new("D07", Level::Warning, symptom)
        .at(place)
        .cause(Cause::new(CauseKind::Scaling, weight, "initial weights are made for inputs of the size of 1"))
        .treat(Treatment::advice(
            "scale the inputs: pixels / 255, else minus the mean and by the standard deviation of the training rows",
        ))
}

fn small(symptom: String, place: Option<Place>) -> Finding {
    Finding::new("D07", Level::Warning, symptom)
        .at(place)
        .cause(Cause::new(
            CauseKind::Scaling,
            0.6,
            "the inputs were scaled twice, so that hardly anything is left",
        ))
        .treat(Treatment::advice("scale them once"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Data, Layer, Placed, Range};
    use crate::rules::network::sample::{dense, layer, model};

    fn of(layers: &[Layer], min: f64, max: f64) -> usize {
        let mut evidence = model(layers, "categorical_crossentropy");
        evidence.stated.inputs = Placed { value: Some(Range { min, max }), place: None };
        check(&evidence).unwrap().len()
    }

    #[test]
    fn stated_ranges() {
        let plain = [dense(64, "relu"), dense(10, "softmax")];
        assert_eq!(of(&plain, 0.0, 255.0), 1);
        assert_eq!(of(&plain, 0.0, 1.0), 0);
        assert_eq!(of(&plain, 0.0, 1.0 / 255.0), 1, "scaled twice");
        assert_eq!(of(&plain, -3.0, 3.0), 0);
        for itself in ["Embedding", "BatchNormalization", "Rescaling", "Lambda"] {
            assert_eq!(of(&[layer(itself, 0, "linear"), dense(10, "softmax")], 0.0, 255.0), 0, "{itself}");
        }
        assert_eq!(check(&model(&plain, "mse")), Err(Missing(Need::Features)));
    }

    #[test]
    fn counted_features() {
        let of = |features: &[(f64, f64, f64)]| {
            let features = features
                .iter()
                .enumerate()
                .map(|(i, &(min, max, deviation))| Feature {
                    name: format!("input {i}"),
                    range: Range { min, max },
                    deviation,
                    not_finite: 0,
                })
                .collect();
            let data = Some(Data { features, ..Data::default() });
            check(&Evidence { data, ..Evidence::default() }).unwrap().len()
        };
        assert_eq!(of(&[(0.0, 1.0, 0.3), (0.0, 90_000.0, 20_000.0)]), 1);
        assert_eq!(of(&[(0.0, 1.0, 0.3), (-2.0, 2.0, 1.0)]), 0);
        assert_eq!(of(&[(0.0, 0.01, 0.001), (-8.0, 8.0, 4.0)]), 1, "one drowns the other");
        assert_eq!(of(&[(0.0, 0.004, 0.001)]), 1);
    }
}
