//! The step size over the run.

use traceward_run::config::Schedule;

/// What the optimizer's learning rate is multiplied by at step `step` (from 0) of epoch `epoch`, in a run
/// of `steps` steps.
pub(crate) fn factor(schedule: &Schedule, step: u64, epoch: u32, steps: u64) -> f64 {
    match *schedule {
        Schedule::Constant => 1.0,
        Schedule::ExponentialDecay { decay_steps, decay_rate } => {
            f64::from(decay_rate).powf(step as f64 / decay_steps.max(1) as f64)
        }
        Schedule::CosineDecay { warmup_steps, .. } if step < warmup_steps => {
            step as f64 / warmup_steps as f64
        }
        Schedule::CosineDecay { alpha, warmup_steps } => {
            let total = steps.saturating_sub(warmup_steps).max(1);
            let share = ((step - warmup_steps) as f64 / total as f64).min(1.0);
            let cosine = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
            f64::from(alpha) + (1.0 - f64::from(alpha)) * cosine
        }
        Schedule::StepDecay { every, factor } => f64::from(factor).powf(f64::from(epoch / every.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_goes_where_it_should() {
        let at = |schedule: Schedule, step, epoch| factor(&schedule, step, epoch, 100);
        assert!((at(Schedule::Constant, 77, 7) - 1.0).abs() < 1e-9);
        let exponential = Schedule::ExponentialDecay { decay_steps: 10, decay_rate: 0.5 };
        assert!((at(exponential, 20, 0) - 0.25).abs() < 1e-9);
        let cosine = Schedule::CosineDecay { alpha: 0.1, warmup_steps: 20 };
        assert!((at(cosine, 10, 0) - 0.5).abs() < 1e-9);
        assert!((at(cosine, 20, 0) - 1.0).abs() < 1e-9);
        assert!((at(cosine, 60, 0) - 0.55).abs() < 1e-6);
        assert!((at(cosine, 100, 0) - 0.1).abs() < 1e-6);
        let steps = Schedule::StepDecay { every: 3, factor: 0.5 };
        assert!((at(steps, 0, 2) - 1.0).abs() < 1e-9);
        assert!((at(steps, 0, 6) - 0.25).abs() < 1e-9);
    }
}
