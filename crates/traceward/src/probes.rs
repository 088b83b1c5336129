//! All probes one after the other, as the doctor takes them.

use std::time::Duration;

use traceward_doctor::probe::{GradientCheck, InputMatters, Overfit, Probes, RangeTest, StartLoss};
use traceward_train::Error;
use traceward_train::probe::Subject;

/// The longest that a batch is learned by heart.
const OVERFIT_TIME: Duration = Duration::from_secs(30);

/// Makes all probes. The range test comes before those that train, which then do so at the rate that it
/// suggests: what they ask is whether the network can learn, not whether its steps are right.
///
/// # Errors
/// If there is nothing to train on, or the network cannot read a trace.
pub fn all(subject: &Subject<'_>, mut say: impl FnMut(&str)) -> Result<Probes, Error> {
    say("loss at the start");
    let start = subject.start_loss()?;
    say("learning-rate range test");
    let range = range_test(subject)?;
    say("one batch by heart");
    let overfit = subject.overfit(range.suggested, OVERFIT_TIME)?;
    say("do the inputs matter");
    let input = subject.input_matters(range.suggested)?;
    say("gradients");
    let gradient = subject.gradient_check()?;
    Ok(Probes {
        start: Some(StartLoss {
            loss: start.loss,
            expected: start.expected,
            formula: start.formula,
            items: start.items,
        }),
        range: Some(range),
        // A batch that time did not suffice for says nothing.
        overfit: (!overfit.cut_short).then_some(Overfit {
            items: overfit.items,
            classes: overfit.classes,
            steps: overfit.steps,
            start_loss: overfit.start_loss,
            end_loss: overfit.end_loss,
            accuracy: overfit.accuracy,
            ceiling: 1.0,
            learning_rate: overfit.learning_rate,
            curve: overfit.curve,
        }),
        input: Some(InputMatters {
            items: input.items,
            steps: input.steps,
            own: input.own,
            permuted: input.permuted,
            permutations: input.permutations,
            p: input.p,
        }),
        gradient: Some(GradientCheck {
            items: gradient.items,
            weights: gradient.weights,
            worst: gradient.worst,
            name: gradient.name,
        }),
    })
}

/// The range test alone: a few seconds.
///
/// # Errors
/// As [`all`].
pub fn range_test(subject: &Subject<'_>) -> Result<RangeTest, Error> {
    let found = subject.range_test()?;
    Ok(RangeTest {
        points: found.points,
        steepest: found.steepest,
        suggested: found.suggested,
        bound: found.bound,
        current: Some(
            subject.config.compile.optimizer.learning_rate().to_string().parse().unwrap_or(f64::NAN),
        ),
    })
}
