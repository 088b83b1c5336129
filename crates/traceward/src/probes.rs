//! All probes one after the other, as the doctor takes them.

use std::time::Duration;

use traceward_run::probe::Probes;
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
    let start = Some(subject.start_loss()?);
    say("learning-rate range test");
    let range = subject.range_test()?;
    say("one batch by heart");
    let overfit = subject.overfit(range.suggested, OVERFIT_TIME)?;
    say("do the inputs matter");
    let input = Some(subject.input_matters(range.suggested)?);
    say("gradients");
    let gradient = Some(subject.gradient_check()?);
    // A batch that time did not suffice for says nothing.
    Ok(Probes {
        start,
        range: Some(range),
        overfit: (!overfit.cut_short).then_some(overfit),
        input,
        gradient,
    })
}
