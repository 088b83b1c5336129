//! `record`: system calls captured live and kept as a data set.

mod signals;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use traceward_capture::recording::{Format, Options, TRACE_COSTS, Tally, Target};
use traceward_capture::{Follower, Losses, Recorder, Source, State, clock, command};

use crate::capturing::{self, BURIALS, LOOK_AROUND};
use crate::cli::{RecordArgs, RecordFormat};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::live::Progress;
use crate::output::{self, Output, counted};

use signals::{Signals, Word};

/// How long a command that was asked to end may take.
const GRACE: Duration = Duration::from_secs(5);

/// What came of it, for programs.
#[derive(Serialize)]
struct Report<'a> {
    /// The file, or the folder.
    out: &'a Path,
    group: &'a str,
    /// What was captured with, and how wide.
    capture: String,
    seconds: f64,
    threads: u64,
    #[serde(flatten)]
    tally: &'a Tally,
    /// Calls and events lost by the capture, by cause.
    lost: Losses,
    /// Threads forgotten while they lived, since there were more than may be followed.
    evicted: u64,
    /// The command's, if there was one and it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
}

/// Runs the command.
pub(super) fn run(args: &RecordArgs, output: Output) -> Outcome {
    let start = clock::wall();
    let name = format!("{}-{}", host(), clock::compact(start));
    let format = format(args);
    let target = target(args, format, &name);
    let out = match &target {
        Target::File(path) | Target::Folder(path) => path.clone(),
    };
    let new = !out.exists();
    let group = args.group.clone().unwrap_or(name);
    let recorder = Recorder::new(Options {
        format,
        class: args.label.clone(),
        file_calls: (args.rotate.0 / 2).max(2 * TRACE_COSTS),
        file_age: args.rotate_every.0,
        ..Options::new(target, group.clone())
    })?;
    // Before there is a command that signals could be for.
    let signals = Signals::listen()?;
    let source = capturing::open(&args.capture, output).inspect_err(|_| {
        if new {
            // An empty folder would say that something had been recorded.
            let _ = fs::remove_dir(&out);
        }
    })?;
    output.note(format_args!("recording: {}; into {}", source.describe(), out.display()));
    let mut recording = Recording {
        source,
        follower: Follower::new(args.capture.window, args.capture.most_threads),
        recorder,
        signals,
        progress: Progress::new(output),
        output,
        started: Instant::now(),
        asked_at: None,
    };
    let captured = recording.follow(args.capture.duration.map(|span| span.0));
    let kept = recording.finish();
    recording.progress.finish();
    let report = Report {
        out: &out,
        group: &group,
        capture: recording.source.describe(),
        seconds: recording.started.elapsed().as_secs_f64(),
        threads: recording.follower.threads(),
        tally: recording.recorder.tally(),
        lost: recording.source.losses(),
        evicted: recording.follower.cutter().evictions(),
        exit_code: recording.source.exit_code(),
    };
    say(&report, output)?;
    captured?;
    kept?;
    Ok(match report.exit_code.map(u8::try_from) {
        Some(Ok(0)) | None => ExitStatus::Fine,
        Some(code) => ExitStatus::Command(code.unwrap_or(u8::MAX)),
    })
}

/// A recording at work.
struct Recording {
    source: Box<dyn Source>,
    follower: Follower,
    recorder: Recorder,
    signals: Signals,
    progress: Progress,
    output: Output,
    started: Instant,
    /// When the command was asked to end.
    asked_at: Option<Instant>,
}

impl Recording {
    /// Records until the capture is over, or somebody or the time says so.
    fn follow(&mut self, duration: Option<Duration>) -> Result<(), Failure> {
        let mut buried = (self.started, 0);
        loop {
            let Self { source, follower, recorder, .. } = self;
            let state = source.poll(LOOK_AROUND, &mut |event| {
                follower.event(&event, &mut |cut, processes| recorder.cut(&cut, processes));
            })?;
            if let Err(error) = recorder.tick(clock::monotonic()) {
                let held = counted(recorder.held() as u64, "trace", "traces");
                self.progress.warning(format_args!("{error}; {held} kept in memory until the next try"));
            }
            if state == State::Ended || self.stop(duration) {
                return Ok(());
            }
            let lost = self.source.losses().events;
            if lost > buried.1 && buried.0.elapsed() >= BURIALS {
                let Self { follower, recorder, .. } = self;
                follower.bury(clock::monotonic(), &mut |cut, processes| recorder.cut(&cut, processes));
                buried = (Instant::now(), lost);
            }
            self.progress.show(|| {
                let losses = self.source.losses();
                (self.source.seen(), self.follower.cutter().len(), losses.calls())
            });
        }
    }

    /// Whether it is time to stop. A command is asked to end first, and recorded until it does.
    fn stop(&mut self, duration: Option<Duration>) -> bool {
        let over = duration.is_some_and(|duration| self.started.elapsed() >= duration);
        let command = self.source.launched_pid().filter(|_| self.source.exit_code().is_none());
        let asked = match self.signals.heard() {
            Some(Word::Interrupt) if command.is_some() && !self.signals.again() => {
                self.output.note("the command has got the Ctrl-C, too; another one ends the recording");
                false
            }
            Some(Word::Interrupt | Word::Terminate) => true,
            None => false,
        };
        let wanted = over || asked || self.asked_at.is_some();
        // What a command that has ended left in the background is not waited for any longer.
        let Some(pid) = command.filter(|_| wanted) else { return wanted };
        match self.asked_at {
            None => {
                command::ask_to_end(pid);
                self.asked_at = Some(Instant::now());
                false
            }
            Some(since) if asked || since.elapsed() >= GRACE => {
                self.output.warning("the command does not end when it is asked to; it is killed");
                command::end(pid);
                true
            }
            Some(_) => false,
        }
    }

    /// Takes what is still held back, and writes all that is left.
    fn finish(&mut self) -> Result<(), Failure> {
        // From here on there is nothing more to keep: a signal may have its way.
        self.signals.let_through();
        let Self { source, follower, recorder, .. } = self;
        let finished = source.finish(&mut |event| {
            follower.event(&event, &mut |cut, processes| recorder.cut(&cut, processes));
        });
        let now = clock::monotonic();
        follower.finish(now, &mut |cut, processes| recorder.cut(&cut, processes));
        recorder.finish(now).map_err(|error| {
            let held = counted(recorder.held() as u64, "trace", "traces");
            Failure::new(format_args!("{error}; {held} lost")).hint("name another place: --out")
        })?;
        Ok(finished?)
    }
}

/// Says what came of it. Text goes to stderr: stdout is the command's.
fn say(report: &Report<'_>, output: Output) -> Result<(), Failure> {
    let Report { tally, lost, .. } = report;
    if output.format == output::Format::Json {
        output.json(report)?;
    } else {
        let files = match tally.files {
            0 => "nothing written: no calls were captured".to_owned(),
            1 => tally.first_files[0].display().to_string(),
            files => format!("{files} files in {}", folder(report.out).display()),
        };
        let code = report.exit_code.filter(|&code| code != 0);
        output.note(format_args!(
            "{} of {} in {}, {:.1} s; {files}{}",
            counted(tally.calls, "call", "calls"),
            counted(report.threads, "thread", "threads"),
            counted(tally.traces, "trace", "traces"),
            report.seconds,
            code.map_or(String::new(), |code| format!("; the command's exit code is {code}")),
        ));
    }
    if lost.calls() + lost.events > 0 {
        output.warning(format_args!(
            "{} lost (ring full: {}, no memory: {}) and {}; {} tainted: a larger --ring or a narrower scope helps",
            counted(lost.calls(), "call", "calls"),
            lost.ring_full,
            lost.no_memory,
            counted(lost.events, "start, execution or exit", "starts, executions and exits"),
            counted(tally.tainted, "trace is", "traces are"),
        ));
    }
    if tally.dropped_traces > 0 {
        output.warning(format_args!(
            "{} with {} could not be written in time and are lost",
            counted(tally.dropped_traces, "trace", "traces"),
            counted(tally.dropped_calls, "call", "calls"),
        ));
    }
    if report.evicted > 0 {
        output.note(format_args!(
            "{} times a thread made room for another; --most-threads follows more",
            report.evicted
        ));
    }
    Ok(())
}

fn folder(out: &Path) -> &Path {
    if out.is_dir() {
        return out;
    }
    out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn format(args: &RecordArgs) -> Format {
    let named = args.out.as_deref().and_then(Path::extension);
    match args.to {
        Some(RecordFormat::Parquet) => Format::Parquet,
        Some(RecordFormat::Jsonl) => Format::JsonLines,
        None if named.is_some_and(|ending| ending == "jsonl" || ending == "json") => Format::JsonLines,
        None => Format::Parquet,
    }
}

/// One file for a command, and where a file is named; a folder for what has no end.
fn target(args: &RecordArgs, format: Format, name: &str) -> Target {
    let command = !args.capture.command.is_empty();
    match &args.out {
        None if command => Target::File(format!("recording-{name}.{}", format.extension()).into()),
        None => Target::Folder(format!("recording-{name}").into()),
        Some(out) => {
            let folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
            if folder || (!command && out.extension().is_none()) {
                Target::Folder(out.clone())
            } else {
                Target::File(out.clone())
            }
        }
    }
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String =
        name.trim().chars().map(|c| if c.is_alphanumeric() || "-._".contains(c) { c } else { '_' }).collect();
    if name.is_empty() { "host".to_owned() } else { name }
}
