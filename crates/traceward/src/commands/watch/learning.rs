//! The time before the watch in which this host's normal work is learnt.

use std::time::{Duration, Instant};

use traceward_capture::Names;
use traceward_detect::calibrate::Calibration;
use traceward_guard::{Learner, Options};

use super::model::Loaded;
use super::round::{Over, Round};
use super::state::StateDir;
use crate::cli::WatchArgs;
use crate::error::Failure;
use crate::output::counted;
use crate::progress::span;

/// The false-alarm rate that is learnt for if none is named.
const FAR: f64 = 0.001;

/// Learns for `time`, keeps what was learnt, and says what it is worth; `None` if the capture was over before.
pub(super) fn learn(
    round: &mut Round,
    loaded: &Loaded,
    names: &Names,
    args: &WatchArgs,
    time: Duration,
    state: Option<&StateDir>,
) -> Result<Option<Calibration>, Failure> {
    let asked = loaded.asked();
    let far = args.far.map_or(FAR, |rate| rate.0);
    let host = hostname();
    let mut learner = Learner::new(asked, loaded.about(), names, far, &host, Options::of(asked).calls)
        .map_err(Failure::new)?;
    round.output.note(format_args!("learning what is normal here for {}; no alarms until then", span(time)));
    round.metrics.calibrating.set(1);
    round.health.calibrating(true);
    let over = round.follow(Some(Instant::now() + time), &mut |cut, _| learner.cut(cut), &mut |_| Ok(()))?;
    round.cut_all(&mut |cut, _| learner.cut(cut));
    round.metrics.calibrating.set(0);
    round.health.calibrating(false);
    if over == Over::All {
        round.output.warning(format_args!(
            "ended while learning, after {}: nothing was kept",
            counted(learner.traces(), "trace", "traces")
        ));
        return Ok(None);
    }
    let learnt = learner.finish().map_err(Failure::new)?;
    for sentence in learnt.sentences() {
        round.progress.note(sentence);
    }
    if let Some(state) = state {
        let file = state.keep(&loaded.id.id, &learnt.calibration)?;
        round.progress.note(format_args!("kept in {}", file.display()));
    }
    Ok(Some(learnt.calibration))
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this host".to_owned(), |name| name.trim().to_owned())
}
