//! What a user sees while a network trains: lines in a pipe, lines and a live bar on a terminal.
//!
//! At most about twenty epoch lines are written however long the run, so that a log of 200 epochs can
//! be read; the bar carries the rest.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use traceward_run::history::Epoch;
use traceward_train::{Event, Observer, StepEnd};

use crate::output::Output;

/// Epoch lines that a run writes, about.
const LINES: u32 = 20;

/// Shows how a fit without epochs goes, on stderr: a bar of its steps.
pub struct Steps {
    bar: ProgressBar,
}

impl Steps {
    /// Nothing is shown until the first step.
    pub fn new(output: Output) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), target(output));
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        Self { bar }
    }

    /// One more step is done.
    pub fn step(&self, what: &str, done: usize, all: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(what.to_owned());
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A bar is drawn on a terminal alone.
pub(crate) fn target(output: Output) -> ProgressDrawTarget {
    let live = std::io::stderr().is_terminal() && !output.quiet;
    if live { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() }
}

/// Shows how a training goes, on stderr.
pub struct Progress {
    output: Output,
    epochs: u32,
    bar: ProgressBar,
    steps_per_epoch: u64,
    started: Instant,
    steps_before: u64,
    best_val_loss: f64,
}

impl Progress {
    /// For a run of `epochs`.
    pub fn new(epochs: u32, output: Output) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), target(output));
        let style = ProgressStyle::with_template("{prefix} {bar:24} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        Self {
            output,
            epochs,
            bar,
            steps_per_epoch: 1,
            started: Instant::now(),
            steps_before: 0,
            best_val_loss: f64::INFINITY,
        }
    }

    /// A way to say something while the bar is there.
    pub fn voice(&self) -> Voice {
        Voice { output: self.output, bar: self.bar.clone() }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn step(&mut self, step: &StepEnd) {
        self.bar.set_prefix(format!("Epoch {}/{}", step.row.epoch + 1, self.epochs));
        let all = self.steps_per_epoch * u64::from(self.epochs);
        self.bar.set_length(all);
        self.bar.set_position(step.row.step + 1);
        self.bar.set_message(format!(
            "loss {:.4}  accuracy {:.4}  {} left",
            step.running_loss,
            step.running_accuracy,
            span(self.left(step.row.step + 1, all)),
        ));
    }

    /// The time that the remaining steps will take at the pace so far.
    fn left(&self, done: u64, all: u64) -> Duration {
        let here = done.saturating_sub(self.steps_before).max(1);
        let pace = self.started.elapsed().as_secs_f64() / here as f64;
        Duration::from_secs_f64(pace * all.saturating_sub(done) as f64)
    }

    fn epoch(&mut self, row: &Epoch) {
        let number = row.epoch + 1;
        let every = self.epochs.div_ceil(LINES).max(1);
        let shown =
            number == 1 || number == self.epochs || number.is_multiple_of(every) || self.output.verbose > 0;
        let best = row.val_loss.is_some_and(|loss| loss < self.best_val_loss);
        if best {
            self.best_val_loss = row.val_loss.unwrap_or(f64::INFINITY);
        }
        if !shown || self.output.quiet {
            return;
        }
        let validation = match (row.val_loss, row.val_accuracy) {
            (Some(loss), Some(accuracy)) => format!("  val_loss {loss:.4}  val_accuracy {accuracy:.4}"),
            _ => String::new(),
        };
        let width = self.epochs.to_string().len();
        let text = format!(
            "Epoch {number:>width$}/{}  loss {:.4}  accuracy {:.4}{validation}  {:.2} s{}",
            self.epochs,
            row.loss,
            row.accuracy,
            row.seconds,
            if best { "  best" } else { "" },
        );
        self.line(&text);
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| self.output.line(text));
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::RunStarted { steps_per_epoch, resumed_at, .. } => {
                self.steps_per_epoch = *steps_per_epoch;
                self.started = Instant::now();
                self.steps_before = resumed_at.map_or(0, |(_, step)| step);
            }
            Event::StepEnded(row) => self.step(row),
            Event::EpochEnded(row) => self.epoch(row),
            Event::NotFinite { epoch, step } => self.bar.suspend(|| {
                self.output.warning(format_args!(
                    "the loss is not a number since epoch {}, step {}: lower --learning-rate or set --clip-norm",
                    epoch + 1,
                    step + 1
                ));
            }),
            _ => {}
        }
    }
}

/// Says things on stderr beside a live bar, without tearing it.
#[derive(Clone, Debug)]
pub struct Voice {
    output: Output,
    bar: ProgressBar,
}

impl Voice {
    /// Writes lines.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| self.output.line(text));
    }
}

/// `42 s`, `3 min 05 s`, `2 h 10 min`.
pub(crate) fn span(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {:02} s", s / 60, s % 60),
        _ => format!("{} h {:02} min", s / 3600, s / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let texts: Vec<String> = [0, 59, 60, 185, 7800].map(Duration::from_secs).map(span).into();
        assert_eq!(texts, ["0 s", "59 s", "1 min 00 s", "3 min 05 s", "2 h 10 min"]);
    }
}
