//! How a recording goes, on a terminal: a line that is written over twice a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;
use crate::progress::{span, target};

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(500);

/// The line.
pub(super) struct Progress {
    bar: ProgressBar,
    output: Output,
    started: Instant,
    shown: Instant,
    calls: u64,
}

impl Progress {
    pub(super) fn new(output: Output) -> Self {
        let bar = ProgressBar::with_draw_target(None, target(output));
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
        let now = Instant::now();
        Self { bar, output, started: now, shown: now, calls: 0 }
    }

    /// Shows calls seen, threads followed and calls lost so far, if it is time to and somebody looks.
    pub(super) fn show(&mut self, state: impl FnOnce() -> (u64, usize, u64)) {
        let since = self.shown.elapsed();
        if since < EVERY || self.bar.is_hidden() {
            return;
        }
        let (calls, threads, lost) = state();
        let rate = calls.saturating_sub(self.calls) as f64 / since.as_secs_f64();
        self.bar.set_message(format!(
            "{}  {calls} calls, {rate:.0}/s  {threads} threads  {lost} lost",
            span(self.started.elapsed())
        ));
        self.bar.tick();
        (self.shown, self.calls) = (Instant::now(), calls);
    }

    /// Says something beside the line.
    pub(super) fn warning(&self, message: impl std::fmt::Display) {
        self.bar.suspend(|| self.output.warning(message));
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
