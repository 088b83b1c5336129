//! Optimizers with Keras 3's formulas, on plain slices.
//!
//! burn's own differ where it shows: its Adam and AdamW add epsilon to the bias-corrected square root
//! (Keras: to the uncorrected one, with the correction in the step size), its AdamW decays in another
//! place, its RMSprop has no step size inside the momentum, and none clips by the norm over all weights.
//! On slices the state is two arrays a weight: saving and resuming are exact by construction.

use traceward_model::norm;
use traceward_run::config::Optimizer;

/// What an optimizer remembers from step to step.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState {
    /// Steps made.
    pub steps: u64,
    /// For each weight array: SGD's and RMSprop's velocity, Adam's mean of gradients.
    pub first: Vec<Vec<f32>>,
    /// For each weight array: the mean of squared gradients.
    pub second: Vec<Vec<f32>>,
}

impl OptimizerState {
    /// The state before the first step, for weight arrays of these lengths.
    pub fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        let first: Vec<Vec<f32>> = lengths.into_iter().map(|n| vec![0.0; n]).collect();
        Self { steps: 0, second: first.clone(), first }
    }

    /// Makes one step of size `learning_rate` on all arrays that have a gradient.
    ///
    /// # Panics
    /// If an array is not as long as its gradient or its state.
    pub fn step<'a>(
        &mut self,
        optimizer: &Optimizer,
        learning_rate: f32,
        values: impl Iterator<Item = &'a mut Vec<f32>>,
        gradients: &[Option<Vec<f32>>],
    ) {
        self.steps += 1;
        for (place, (values, gradient)) in values.zip(gradients).enumerate() {
            let Some(gradient) = gradient else { continue };
            let (first, second) = (&mut self.first[place], &mut self.second[place]);
            assert!(
                values.len() == gradient.len()
                    && first.len() == gradient.len()
                    && second.len() == gradient.len()
            );
            let each = values.iter_mut().zip(gradient).zip(first.iter_mut().zip(second));
            match *optimizer {
                Optimizer::Sgd { momentum, nesterov, .. } => {
                    each.for_each(|((w, g), (m, _))| sgd(learning_rate, momentum, nesterov, w, *g, m));
                }
                Optimizer::Adam { beta_1, beta_2, epsilon, .. } => {
                    let alpha = adam_alpha(learning_rate, beta_1, beta_2, self.steps);
                    each.for_each(|((w, g), (m, v))| adam(alpha, beta_1, beta_2, epsilon, w, *g, m, v));
                }
                Optimizer::AdamW { weight_decay, beta_1, beta_2, epsilon, .. } => {
                    let alpha = adam_alpha(learning_rate, beta_1, beta_2, self.steps);
                    each.for_each(|((w, g), (m, v))| {
                        *w -= *w * weight_decay * learning_rate;
                        adam(alpha, beta_1, beta_2, epsilon, w, *g, m, v);
                    });
                }
                Optimizer::RmsProp { rho, momentum, epsilon, .. } => {
                    each.for_each(|((w, g), (m, v))| {
                        *v = rho * *v + (1.0 - rho) * g * g;
                        *m = momentum * *m + learning_rate * g / (*v + epsilon).sqrt();
                        *w -= *m;
                    });
                }
            }
        }
    }
}

fn sgd(rate: f32, momentum: f32, nesterov: bool, w: &mut f32, g: f32, m: &mut f32) {
    *m = momentum * *m - rate * g;
    *w += if nesterov { momentum * *m - rate * g } else { *m };
}

/// The step size with both of Adam's corrections in it.
fn adam_alpha(rate: f32, beta_1: f32, beta_2: f32, steps: u64) -> f32 {
    let power = |beta: f32| f64::from(beta).powf(steps as f64);
    (f64::from(rate) * (1.0 - power(beta_2)).sqrt() / (1.0 - power(beta_1))) as f32
}

#[expect(clippy::too_many_arguments, reason = "the letters of the formula")]
fn adam(alpha: f32, beta_1: f32, beta_2: f32, epsilon: f32, w: &mut f32, g: f32, m: &mut f32, v: &mut f32) {
    *m += (g - *m) * (1.0 - beta_1);
    *v += (g * g - *v) * (1.0 - beta_2);
    *w -= *m * alpha / (v.sqrt() + epsilon);
}

/// Euclidean norm of all gradients together.
pub(crate) fn global_norm(gradients: &[Option<Vec<f32>>]) -> f64 {
    gradients.iter().flatten().map(|g| norm(g).powi(2)).sum::<f64>().sqrt()
}

/// Scales all gradients down so that their norm together is at most `limit` (Keras' `global_clipnorm`);
/// returns the norm before.
pub fn clip_by_global_norm(gradients: &mut [Option<Vec<f32>>], limit: f32) -> f64 {
    let norm = global_norm(gradients);
    if norm > f64::from(limit) {
        let scale = (f64::from(limit) / norm) as f32;
        gradients.iter_mut().flatten().flatten().for_each(|g| *g *= scale);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps with gradients 0.5 and -0.2 on a weight of 1, by hand from Keras 3's formulas.
    fn two_steps(optimizer: Optimizer) -> f32 {
        let mut state = OptimizerState::new([1]);
        let mut values = [vec![1.0f32]];
        for gradient in [0.5, -0.2] {
            state.step(&optimizer, optimizer.learning_rate(), values.iter_mut(), &[Some(vec![gradient])]);
        }
        values[0][0]
    }

    fn near(found: f32, expected: f64) {
        assert!((f64::from(found) - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    #[test]
    fn sgd_with_and_without_momentum() {
        let sgd = |momentum, nesterov| Optimizer::Sgd { learning_rate: 0.1, momentum, nesterov };
        near(two_steps(sgd(0.0, false)), 1.0 - 0.05 + 0.02);
        // m1 = -0.05; m2 = 0.9 * -0.05 + 0.02 = -0.025.
        near(two_steps(sgd(0.9, false)), 1.0 - 0.05 - 0.025);
        // w1 = 1 + 0.9 * -0.05 - 0.05; w2 = w1 + 0.9 * -0.025 + 0.02.
        near(two_steps(sgd(0.9, true)), 1.0 - 0.095 - 0.0025);
    }

    #[test]
    fn adam_has_epsilon_outside_the_correction() {
        let (b1, b2, epsilon, rate) = (0.9f64, 0.999f64, 0.1f64, 0.01f64);
        let mut expected = (1.0f64, 0.0f64, 0.0f64);
        for (t, g) in [(1, 0.5f64), (2, -0.2)] {
            let (w, m, v) = &mut expected;
            *m += (g - *m) * (1.0 - b1);
            *v += (g * g - *v) * (1.0 - b2);
            let alpha = rate * (1.0 - b2.powi(t)).sqrt() / (1.0 - b1.powi(t));
            *w -= alpha * *m / (v.sqrt() + epsilon);
        }
        let adam = Optimizer::Adam { learning_rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 0.1 };
        near(two_steps(adam), expected.0);
    }

    #[test]
    fn adamw_decays_before_the_step() {
        let without = two_steps(Optimizer::adam(0.01));
        let decayed = two_steps(Optimizer::AdamW {
            learning_rate: 0.01,
            weight_decay: 0.1,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        });
        // Adam's steps do not depend on the weight: 1 -> 0.99 by the first, decay 0.001 of what is there.
        let first = 1.0 - 0.001 - 0.01;
        near(decayed, first - first * 0.001 + f64::from(without) - 0.99);
    }

    #[test]
    fn rmsprop_takes_the_root_of_all() {
        let (rho, epsilon, rate) = (0.9f64, 1e-7f64, 0.01f64);
        let v1 = 0.1 * 0.25;
        let v2 = rho * v1 + 0.1 * 0.04;
        let (s1, s2) = (rate * 0.5 / (v1 + epsilon).sqrt(), rate * -0.2 / (v2 + epsilon).sqrt());
        let rmsprop =
            |momentum| Optimizer::RmsProp { learning_rate: 0.01, rho: 0.9, momentum, epsilon: 1e-7 };
        near(two_steps(rmsprop(0.0)), 1.0 - s1 - s2);
        near(two_steps(rmsprop(0.5)), 1.0 - s1 - (0.5 * s1 + s2));
    }

    #[test]
    fn clipping_scales_all_alike() {
        let mut gradients = vec![Some(vec![3.0]), None, Some(vec![0.0, 4.0])];
        assert!((clip_by_global_norm(&mut gradients, 10.0) - 5.0).abs() < 1e-12);
        assert_eq!(gradients[0], Some(vec![3.0]));
        assert!((clip_by_global_norm(&mut gradients, 1.0) - 5.0).abs() < 1e-12);
        assert_eq!(gradients, [Some(vec![0.6]), None, Some(vec![0.0, 0.8])]);
    }
}
