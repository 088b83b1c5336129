//! `watch`: a live host scored as its threads call, and alarms where they are due.
//!
//! ```text
//! this thread    capture -> Follower -> Learner, then Guard -> warnings, verdicts
//!                                    -> Recorder
//! the bureau's   warnings -> reasons -> desk -> outputs, each with a thread of its own
//! the server's   /metrics, /healthz, /readyz
//! ```

mod bureau;
mod learning;
mod model;
mod plan;
mod rights;
mod round;
mod signals;
mod state;
mod ways;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use traceward_capture::{Follower, Names};
use traceward_detect::calibrate::Calibration;
use traceward_detect::verdict::{How, Rules};
use traceward_guard::desk::Desk;
use traceward_guard::explain::{Explainer, Limits};
use traceward_guard::{Guard, Options, Scribe};

use crate::capturing;
use crate::cli::{self, WatchArgs};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::live::Progress;
use crate::output::{Output, counted};

use bureau::QUEUE;
use learning::learn;
use model::Loaded;
use plan::Plan;
use round::Round;
use signals::Signals;
use ways::Ways;

/// How long outputs may take to send what is due when the watch ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs the command.
pub(super) fn run(args: &WatchArgs, format: Option<cli::Format>, output: Output) -> Outcome {
    let plan = Plan::of(args, format, output)?;
    let loaded = Loaded::load(&args.model)?;
    let kept = match plan.state.as_ref().filter(|_| !args.recalibrate) {
        Some(state) => state.calibration(&loaded.id.id)?,
        None => None,
    };
    let shipped = loaded.about().calibration.as_ref().map(Calibration::from_json).transpose();
    let shipped = shipped.map_err(Failure::new)?;
    if let Some(far) = args.far
        && args.calibrate.is_none()
        && kept.is_none()
        && shipped.is_none()
    {
        return Err(Failure::new(format_args!(
            "{} is not calibrated, so nothing is known of a false-alarm rate of {}",
            args.model.display(),
            far.0
        ))
        .hint("learn this host's normal work first: --calibrate 1h")
        .hint("or name a threshold of P(attack): --threshold 0.9"));
    }
    let signals = Signals::listen()?;
    // A command is started once all else is known to work. Without one, rights are given up before there are
    // threads, which would keep them.
    let command = !args.capture.command.is_empty();
    let early = if command { Some(Ways::open(&plan, &loaded.id, output)?) } else { None };
    let source = capturing::open(&args.capture, output)?;
    if !command && !args.keep_rights {
        let left =
            rights::drop().map_err(|error| Failure::new(format_args!("cannot give up rights: {error}")))?;
        if output.verbose > 0 {
            let left = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
            output.note(format_args!("rights that are left: {left}"));
        }
    }
    output.note(format_args!("watching: {}; model {} {}", source.describe(), loaded.id.name, loaded.id.id));
    let ways = match early {
        Some(ways) => ways,
        None => Ways::open(&plan, &loaded.id, output)?,
    };
    let Ways { outputs, recorder, mut verdicts, metrics, health, _server } = ways;
    health.capture(true);
    // Attached: what takes an hour from here on is learning. Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let now = Instant::now();
    let mut round = Round {
        source,
        follower: Follower::new(args.capture.window, args.capture.most_threads),
        recorder,
        signals,
        metrics,
        health,
        progress: Progress::new(output),
        output,
        deadline: args.capture.duration.map(|span| now + span.0),
        buried: (now, 0),
    };
    let names = Names::here();
    let calibration = match (args.calibrate, kept) {
        (_, Some(kept)) => {
            output.note(format_args!("thresholds as learnt of this host: {}", kept.data));
            Some(kept)
        }
        (Some(time), None) => {
            let learnt = learn(&mut round, &loaded, &names, args, time.0, plan.state.as_ref())?;
            let Some(calibration) = learnt else {
                round.finish(&mut |_, _| {})?;
                let _ = outputs.finish(FAREWELL);
                return Ok(ExitStatus::Fine);
            };
            Some(calibration)
        }
        (None, None) => shipped,
    };
    if calibration.is_none() && args.threshold.is_none() {
        output.warning("nobody calibrated this model for this host: how many normals it will flag is not known; --calibrate 1h learns it");
    }
    let how = How {
        far: args.far.map(|rate| rate.0).filter(|_| calibration.is_some()),
        threshold: args.threshold,
        at_end: false,
        rules: Rules::default(),
    };
    let asked = loaded.asked();
    let options = Options { ended: verdicts.is_some(), ..Options::of(asked) };
    let about = loaded.about();
    let mut guard =
        Guard::new(asked, about, calibration.as_ref(), how, &names, options).map_err(Failure::new)?;
    let scribe =
        Scribe::here(loaded.id.clone(), Explainer::new(asked.classifier(), about, Limits::default()));
    let desk = Desk::new(plan.desk, plan.suppressions);
    round.metrics.calibrated.set(u64::from(calibration.is_some()));
    let (memos, inbox) = sync_channel(QUEUE);
    let (watched, outputs) = std::thread::scope(|scope| {
        let metrics = Arc::clone(&round.metrics);
        let bureau = scope.spawn(move || bureau::work(&inbox, scribe, desk, outputs, &metrics, output));
        let watched = round.watch(&mut guard, &memos, verdicts.as_mut());
        drop(memos);
        (watched, bureau.join())
    });
    let outputs = outputs.map_err(|_| Failure::new("the thread that writes alerts broke down"))?;
    for left in outputs.finish(FAREWELL) {
        output.warning(format_args!(
            "{}: {} not sent: {} are kept and sent at the next start, {} are lost",
            left.output,
            counted(left.queued + left.spooled + left.in_memory, "alert", "alerts"),
            left.spooled,
            left.queued + left.in_memory,
        ));
    }
    round.say(&guard);
    watched?;
    let alarms = guard.counts().alarms > 0 && command;
    Ok(if alarms { ExitStatus::Findings } else { ExitStatus::Fine })
}
