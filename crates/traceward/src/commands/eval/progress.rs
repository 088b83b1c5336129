//! How far an evaluation by a protocol has come: a live bar on a terminal, some lines in a pipe.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use traceward_detect::protocol::Progress;

use crate::output::Output;

/// Lines that a model writes into a pipe, about.
const LINES: usize = 10;

/// Shows trainings as they begin and end, on stderr.
pub(super) struct Trainings {
    bar: ProgressBar,
    output: Output,
    live: bool,
}

impl Trainings {
    pub(super) fn new(output: Output) -> Self {
        let live = std::io::stderr().is_terminal() && !output.quiet;
        let target = if live { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        Self { bar, output, live }
    }

    /// A training began or ended.
    pub(super) fn show(&self, progress: Progress<'_>) {
        let left = left(progress).map_or(String::new(), |left| format!(", about {left} left"));
        let what = format!("seed {}, {}{left}", progress.seed, progress.case);
        self.bar.set_prefix(progress.model.to_owned());
        self.bar.set_length(progress.all as u64);
        self.bar.set_position(progress.done as u64);
        self.bar.set_message(what);
        let every = progress.all.div_ceil(LINES).max(1);
        let worth = progress.ended && (progress.done.is_multiple_of(every) || progress.done == 1);
        if worth && !self.live && progress.done < progress.all {
            self.output.line(&format!(
                "{}: {} of {} trainings done in {}{left}",
                progress.model,
                progress.done,
                progress.all,
                span(Duration::from_secs_f64(progress.seconds)),
            ));
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The time that the remaining trainings will take at the pace so far.
fn left(progress: Progress<'_>) -> Option<String> {
    let pace = progress.seconds / progress.done as f64;
    let left = pace * (progress.all - progress.done) as f64;
    (progress.done > 0).then(|| span(Duration::from_secs_f64(left)))
}

/// `42 s`, `3 min 05 s`, `2 h 10 min`.
fn span(time: Duration) -> String {
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
    fn the_estimate_follows_the_pace() {
        let progress = |done| Progress {
            model: "svm",
            seed: 0,
            case: "fold 2 of 5",
            done,
            all: 15,
            seconds: 30.0,
            ended: true,
        };
        assert_eq!(left(progress(0)), None);
        assert_eq!(left(progress(3)).unwrap(), "2 min 00 s");
        assert_eq!(left(progress(15)).unwrap(), "0 s");
    }
}
