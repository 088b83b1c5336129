//! Every layer's gradients against finite differences of the loss, masks on.

use traceward_model::{Batch, Network, Step};
use traceward_run::config::Loss;
use traceward_trace::rng::Rng;

use crate::nets::{all, built, slices, traces};

/// Half the distance between the two losses of a difference.
const SHIFT: f32 = 4e-3;

struct Problem {
    batch: Batch,
    labels: Vec<u32>,
    weights: Vec<f32>,
}

impl Problem {
    fn new() -> Self {
        let traces = traces(&[6, 1, 9, 4, 3]);
        let batch = Batch::new(&slices(&traces), &[10, 11, 12, 13, 14]).unwrap();
        Self { batch, labels: vec![0, 2, 1, 1, 0], weights: vec![1.0, 0.5, 2.0, 0.0, 1.5] }
    }

    fn step(&self) -> Step<'_> {
        Step {
            batch: &self.batch,
            labels: &self.labels,
            weights: Some(&self.weights),
            loss: Loss::CategoricalCrossentropy.into(),
            mask_seed: 3,
            inspect: false,
        }
    }

    fn loss(&self, network: &Network) -> f64 {
        network.gradients(&self.step()).unwrap().loss.into()
    }

    /// The slope of the loss along `direction` through one weight array.
    fn slope(&self, network: &Network, place: usize, direction: &[f32]) -> f64 {
        let at = |shift: f32| {
            let mut moved = network.clone();
            let values = moved.values_mut().nth(place).unwrap();
            values.iter_mut().zip(direction).for_each(|(v, d)| *v += shift * d);
            self.loss(&moved)
        };
        // Four points: exact for slopes that bend twice.
        let difference = 8.0 * (at(SHIFT) - at(-SHIFT)) - (at(2.0 * SHIFT) - at(-2.0 * SHIFT));
        difference / (12.0 * f64::from(SHIFT))
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let problem = Problem::new();
    let mut rng = Rng::new(23);
    for spec in all() {
        let network = built(&spec);
        let found = problem.step();
        let found = network.gradients(&found).unwrap();
        for (place, parameter) in network.parameters().iter().enumerate() {
            assert_eq!(found.gradients[place].is_some(), parameter.trainable, "{}", parameter.name);
            let Some(gradient) = &found.gradients[place] else { continue };
            let length = traceward_model::norm(gradient);
            // Along the gradient, where the slope is steepest, and along three others.
            let steepest = gradient.iter().map(|g| g / length.max(1e-9) as f32).collect();
            let mut directions: Vec<Vec<f32>> = vec![steepest];
            directions.extend((0..3).map(|_| {
                let drawn: Vec<f32> = gradient.iter().map(|_| rng.uniform() as f32 - 0.5).collect();
                let size = traceward_model::norm(&drawn) as f32;
                drawn.iter().map(|d| d / size).collect()
            }));
            for direction in directions {
                let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
                let slope = problem.slope(&network, place, &direction);
                let error = (slope - expected).abs();
                assert!(
                    error < 1e-4 + 2e-3 * length,
                    "{}, {}: slope {slope:.6}, gradient {expected:.6} (of {length:.6})",
                    spec.name,
                    parameter.name
                );
            }
        }
    }
}

#[test]
fn masks_follow_the_seed_and_the_trace_not_the_place() {
    let problem = Problem::new();
    for spec in all().iter().filter(|spec| !spec.name.contains("normalised")) {
        let network = built(spec);
        let once = network.gradients(&problem.step()).unwrap();
        let again = network.gradients(&problem.step()).unwrap();
        assert_eq!(once.gradients, again.gradients, "{}", spec.name);

        // The same traces, keys and labels in another order.
        let mut traces = traces(&[6, 1, 9, 4, 3]);
        traces.reverse();
        let turned = Problem {
            batch: Batch::new(&slices(&traces), &[14, 13, 12, 11, 10]).unwrap(),
            labels: problem.labels.iter().rev().copied().collect(),
            weights: problem.weights.iter().rev().copied().collect(),
        };
        let turned = network.gradients(&turned.step()).unwrap();
        let rows: Vec<&[f32]> = turned.outputs.chunks(3).rev().collect();
        assert_eq!(once.outputs, rows.concat(), "{}", spec.name);
    }
    let network = built(&all()[0]);
    let other = network.gradients(&Step { mask_seed: 4, ..problem.step() }).unwrap();
    assert_ne!(other.outputs, network.gradients(&problem.step()).unwrap().outputs);
}
