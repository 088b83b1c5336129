//! The watch's rounds: events in, cuts out to whoever listens, and once a second what is due.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use serde::Serialize;
use traceward_capture::{Cut, Event, Follower, Processes, Recorder, Source, State, clock, command};
use traceward_detect::verdict::{Verdict, Word};
use traceward_guard::http::Health;
use traceward_guard::metrics::Metrics;
use traceward_guard::{Ended, Finding, Guard};

use super::bureau::Memo;
use super::signals::Signals;
use crate::capturing::{BURIALS, LOOK_AROUND};
use crate::error::Failure;
use crate::live::Progress;
use crate::output::{Output, counted};

/// How often what is due is looked for.
const EVERY: Duration = Duration::from_secs(1);

/// A capture, who follows it, and what is told of both.
pub(super) struct Round {
    pub(super) source: Box<dyn Source>,
    pub(super) follower: Follower,
    pub(super) recorder: Option<Recorder>,
    pub(super) signals: Signals,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    pub(super) progress: Progress,
    pub(super) output: Output,
    pub(super) deadline: Option<Instant>,
    pub(super) buried: (Instant, u64),
}

/// Why rounds ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// There is nothing more to capture, or somebody wants no more.
    All,
    /// The time that was given for this part is over.
    Time,
}

/// One line of `--verdicts`.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    task: u64,
    first: u64,
    end: &'static str,
    joined: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

impl Round {
    /// Follows the capture until it is over, or `until`. `each` hears every cut, `due` is called once a second.
    pub(super) fn follow(
        &mut self,
        until: Option<Instant>,
        each: &mut dyn FnMut(Cut<'_>, &Processes),
        due: &mut dyn FnMut(&mut Self) -> Result<(), Failure>,
    ) -> Result<Over, Failure> {
        let mut looked = Instant::now();
        loop {
            let Self { source, follower, recorder, metrics, .. } = self;
            let mut events = 0;
            let mut oldest = None;
            let state = source.poll(LOOK_AROUND, &mut |event| {
                events += 1;
                if let Event::Calls { at, .. } = event {
                    oldest = oldest.or(Some(at));
                }
                follower.event(&event, &mut both(recorder, each));
            })?;
            metrics.events.add(events);
            if let Some(at) = oldest {
                metrics.lag.observe(clock::monotonic().saturating_sub(at), 1);
            }
            let now = Instant::now();
            self.health.round(now);
            if now.duration_since(looked) >= EVERY {
                looked = now;
                self.look_around(each)?;
                due(self)?;
            }
            let late = |moment: Option<Instant>| moment.is_some_and(|moment| now >= moment);
            if state == State::Ended || self.signals.end() || late(self.deadline) {
                return Ok(Over::All);
            }
            if late(until) {
                return Ok(Over::Time);
            }
        }
    }

    fn look_around(&mut self, each: &mut dyn FnMut(Cut<'_>, &Processes)) -> Result<(), Failure> {
        let losses = self.source.losses();
        let Self { source, follower, recorder, metrics, progress, .. } = self;
        metrics.losses(losses);
        metrics.calls.set(source.seen());
        metrics.threads.set(follower.cutter().len() as u64);
        metrics.evictions.set(follower.cutter().evictions());
        // Without systemd there is nobody to tell.
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        if losses.events > self.buried.1 && self.buried.0.elapsed() >= BURIALS {
            follower.bury(clock::monotonic(), &mut both(recorder, each));
            self.buried = (Instant::now(), losses.events);
        }
        if let Some(recorder) = recorder
            && let Err(error) = recorder.tick(clock::monotonic())
        {
            let held = counted(recorder.held() as u64, "trace", "traces");
            progress.warning(format_args!("{error}; {held} kept in memory until the next try"));
        }
        progress.show(|| (source.seen(), follower.cutter().len(), losses.calls()));
        Ok(())
    }

    /// Ends all traces; the capture may go on.
    pub(super) fn cut_all(&mut self, each: &mut dyn FnMut(Cut<'_>, &Processes)) {
        let Self { follower, recorder, .. } = self;
        follower.finish(clock::monotonic(), &mut both(recorder, each));
    }

    /// Ends the capture, takes what it still holds back, ends all traces and writes what is recorded.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(Cut<'_>, &Processes)) -> Result<(), Failure> {
        let Self { source, follower, recorder, .. } = self;
        let finished = source.finish(&mut |event| follower.event(&event, &mut both(recorder, each)));
        self.cut_all(each);
        self.health.capture(false);
        self.progress.finish();
        if let Some(recorder) = &mut self.recorder {
            recorder.finish(clock::monotonic()).map_err(|error| {
                let held = counted(recorder.held() as u64, "trace", "traces");
                Failure::new(format_args!("{error}; {held} lost"))
            })?;
        }
        Ok(finished?)
    }

    /// Watches until the capture is over.
    pub(super) fn watch(
        &mut self,
        guard: &mut Guard<'_>,
        memos: &SyncSender<Memo>,
        mut verdicts: Option<&mut BufWriter<File>>,
    ) -> Result<(), Failure> {
        let guard = std::cell::RefCell::new(guard);
        let mut before = guard.borrow().counts();
        let (mut broken, deaf) = (None, std::cell::Cell::new(false));
        let mut each = |cut: Cut<'_>, processes: &Processes| {
            guard.borrow_mut().cut(cut, processes, clock::monotonic(), &mut |finding| match finding {
                Finding::Warning(warning) => deaf.set(memos.send(Memo::Warning(warning)).is_err()),
                Finding::Ended(ended) => {
                    if let Some(verdicts) = &mut verdicts
                        && let Err(error) = write_verdict(verdicts, &ended)
                    {
                        broken = Some(error);
                    }
                }
            });
        };
        let followed = self.follow(None, &mut each, &mut |round| {
            let mut guard = guard.borrow_mut();
            let counts = guard.counts();
            let looks = counts.looks - before.looks;
            let took = counts.score_nanoseconds - before.score_nanoseconds;
            if let Some(each) = took.checked_div(looks) {
                round.metrics.score.observe(each, looks);
            }
            before = counts;
            round.metrics.guard(&counts);
            if let Some(hints) = guard.drift(clock::monotonic()) {
                round.metrics.drift_hints.set(hints.len() as u64);
                for hint in hints {
                    round.progress.warning(hint);
                }
            }
            if round.signals.reload() {
                deaf.set(memos.send(Memo::Reload).is_err());
            }
            // A guard that nobody hears had better be started anew.
            if deaf.get() { Err(Failure::new("nobody takes alerts any more")) } else { Ok(()) }
        });
        if let Some(pid) = self.source.launched_pid().filter(|_| self.source.exit_code().is_none()) {
            command::ask_to_end(pid);
        }
        let finished = self.finish(&mut each);
        let flushed = verdicts.map_or(Ok(()), Write::flush);
        self.metrics.guard(&guard.borrow().counts());
        followed?;
        finished?;
        match broken.or(flushed.err()) {
            Some(error) => Err(Failure::new(format_args!("verdicts could not be written: {error}"))),
            None => Ok(()),
        }
    }

    /// Says what was seen.
    pub(super) fn say(&self, guard: &Guard<'_>) {
        let counts = guard.counts();
        let words = Word::tally(&counts.verdicts);
        self.output.note(format_args!(
            "{} of {} in {}: {}; {}",
            counted(counts.calls, "call", "calls"),
            counted(self.follower.threads(), "thread", "threads"),
            counted(counts.traces, "trace", "traces"),
            if words.is_empty() { "none has ended" } else { &words },
            counted(counts.alarms, "alarm", "alarms"),
        ));
        let losses = self.source.losses();
        if losses.calls() + losses.events > 0 {
            self.output.warning(format_args!(
                "{} and {} lost; verdicts beside them are tainted: a larger --ring or a narrower scope helps",
                counted(losses.calls(), "call", "calls"),
                counted(losses.events, "start, execution or exit", "starts, executions and exits"),
            ));
        }
    }
}

/// The recorder, if there is one, hears every cut that `each` hears.
fn both<'a>(
    recorder: &'a mut Option<Recorder>,
    each: &'a mut dyn FnMut(Cut<'_>, &Processes),
) -> impl FnMut(Cut<'_>, &Processes) + 'a {
    move |cut, processes| {
        if let Some(recorder) = recorder {
            recorder.cut(&cut, processes);
        }
        each(cut, processes);
    }
}

fn write_verdict(out: &mut BufWriter<File>, ended: &Ended) -> std::io::Result<()> {
    let Ended { verdict, head, tail } = ended;
    let time = clock::rfc3339(clock::wall_of(tail.at));
    let line = Line {
        time,
        task: head.task.0,
        first: head.first,
        end: tail.why.name(),
        joined: head.joined,
        verdict,
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
