//! Activations, with Keras' definitions and constants.
//!
//! They work on slices, one number (or one row, softmax) at a time: what a trace gets must depend neither on
//! its place in a batch nor on whether it is read whole or call by call.

use traceward_run::spec::Activation;

/// SELU's two constants, as Keras has them (Klambauer et al. 2017).
pub const SELU_ALPHA: f32 = 1.673_263_2;
/// See [`SELU_ALPHA`].
pub const SELU_SCALE: f32 = 1.050_701;

/// Applies `activation` in place to rows of `width` values.
pub fn apply(activation: Activation, values: &mut [f32], width: usize) {
    if activation == Activation::Softmax {
        values.chunks_exact_mut(width.max(1)).for_each(softmax);
        return;
    }
    let each: fn(f32) -> f32 = match activation {
        Activation::Linear | Activation::Softmax => return,
        Activation::Relu => |x| if x > 0.0 || x.is_nan() { x } else { 0.0 },
        Activation::Sigmoid => sigmoid,
        Activation::Tanh => f32::tanh,
        Activation::Elu => |x| if x > 0.0 { x } else { x.exp_m1() },
        Activation::Selu => |x| SELU_SCALE * if x > 0.0 { x } else { SELU_ALPHA * x.exp_m1() },
        Activation::Gelu => |x| x * normal_cdf(x),
        Activation::Softplus => |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
    };
    values.iter_mut().for_each(|v| *v = each(*v));
}

/// `1 / (1 + exp(-x))`, without overflow at either end.
pub fn sigmoid(x: f32) -> f32 {
    let small = (-x.abs()).exp();
    if x >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

fn softmax(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|v| *v = (*v - largest).exp());
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|v| *v /= sum);
}

/// The distribution function of the standard normal distribution.
pub fn normal_cdf(x: f32) -> f32 {
    let z = f64::from(x) / std::f64::consts::SQRT_2;
    (0.5 * (1.0 + erf(z))) as f32
}

fn erf(x: f64) -> f64 {
    // erf by its series near 0, by the continued fraction of erfc elsewhere: both to double precision,
    // and slow, which does not matter for the few networks that use GELU.
    let a = x.abs();
    if a < 2.5 {
        let (mut term, mut sum) = (a, a);
        for n in 1..80 {
            term *= -a * a / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return (sum * std::f64::consts::FRAC_2_SQRT_PI).copysign(x);
    }
    let mut fraction = 0.0;
    for n in (1..60).rev() {
        fraction = f64::from(n) / 2.0 / (a + fraction);
    }
    let complement = (-a * a).exp() / (std::f64::consts::PI.sqrt() * (a + fraction));
    (1.0 - complement).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_right() {
        // Abramowitz & Stegun, table 7.1, and erf's values further out.
        for (x, y) in [
            (0.1, 0.112_462_916),
            (0.5, 0.520_499_878),
            (1.0, 0.842_700_793),
            (2.0, 0.995_322_265),
            (3.0, 0.999_977_910),
        ] {
            assert!((erf(x) - y).abs() < 1e-9, "erf({x}) = {}", erf(x));
            assert!((erf(-x) + y).abs() < 1e-9);
        }
    }

    #[test]
    fn ends_of_the_range_stay_finite() {
        for activation in Activation::ALL {
            let mut values = [-1e4f32, 1e4, 0.0];
            apply(activation, &mut values, 3);
            assert!(values.iter().all(|v| v.is_finite()), "{activation:?}: {values:?}");
        }
    }
}
