//! L-BFGS: the least of a smooth function of many variables.
//!
//! Nocedal & Wright, "Numerical Optimization", 2nd edition, algorithms 7.4 and 7.5, with a backtracking
//! line search (Armijo's condition) that starts at the full step; pairs of too little curvature are not
//! kept, so that the model of the curvature stays positive definite.

use std::collections::VecDeque;

/// Pairs of steps and gradients that are remembered.
const MEMORY: usize = 10;
/// The share of the promised decrease that a step must bring.
const ENOUGH: f64 = 1e-4;
/// Halvings before a direction is given up.
const MOST_HALVINGS: usize = 40;

/// Where `function` (value, and gradient into the second argument) is least, looked for from `start` until
/// no part of the gradient is larger than `tolerance` or `most` steps are made.
pub(crate) fn minimise(
    start: Vec<f64>,
    tolerance: f64,
    most: usize,
    function: impl Fn(&[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let mut at = start;
    let mut gradient = vec![0.0; at.len()];
    let mut value = function(&at, &mut gradient);
    let mut pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for _ in 0..most {
        if gradient.iter().all(|g| g.abs() <= tolerance) {
            break;
        }
        let mut direction = descent(&gradient, &pairs);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 || !slope.is_finite() {
            pairs.clear();
            direction = descent(&gradient, &pairs);
            slope = dot(&direction, &gradient);
        }
        let mut length = if pairs.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let mut next = at.clone();
        let mut next_gradient = vec![0.0; at.len()];
        let mut halvings = 0;
        let next_value = loop {
            for ((next, at), direction) in next.iter_mut().zip(&at).zip(&direction) {
                *next = at + length * direction;
            }
            let found = function(&next, &mut next_gradient);
            if found <= value + ENOUGH * length * slope {
                break Some(found);
            }
            halvings += 1;
            if halvings == MOST_HALVINGS {
                break None;
            }
            length /= 2.0;
        };
        let Some(next_value) = next_value else { break };
        let step: Vec<f64> = next.iter().zip(&at).map(|(n, a)| n - a).collect();
        let change: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(n, g)| n - g).collect();
        let curvature = dot(&step, &change);
        if curvature > 1e-10 * dot(&change, &change).sqrt() * dot(&step, &step).sqrt() {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back((step, change, curvature));
        }
        (at, gradient, value) = (next, next_gradient, next_value);
    }
    at
}

/// Minus the gradient times the inverse curvature that the pairs tell of.
fn descent(gradient: &[f64], pairs: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for (step, change, curvature) in pairs.iter().rev() {
        let share = dot(step, &direction) / curvature;
        add(&mut direction, change, -share);
        shares.push(share);
    }
    if let Some((_, change, curvature)) = pairs.back() {
        let scale = curvature / dot(change, change);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for ((step, change, curvature), share) in pairs.iter().zip(shares.into_iter().rev()) {
        let back = dot(change, &direction) / curvature;
        add(&mut direction, step, share - back);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley, whose least is at (1, 1).
    #[test]
    fn it_finds_the_end_of_a_curved_valley() {
        let found = minimise(vec![-1.2, 1.0], 1e-8, 500, |x, gradient| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient[0] = -2.0 * a - 400.0 * b * x[0];
            gradient[1] = 200.0 * b;
            a * a + 100.0 * b * b
        });
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn a_function_that_never_falls_leaves_it_where_it_was() {
        let found = minimise(vec![3.0], 1e-9, 100, |_, gradient| {
            gradient[0] = 1.0;
            f64::NAN
        });
        assert_eq!(found, [3.0]);
    }
}
