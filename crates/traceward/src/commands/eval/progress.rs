//! How far an evaluation by a protocol has come: a live bar on a terminal, some lines in a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use traceward_detect::protocol::Progress;

use crate::output::Output;
use crate::progress::{span, target};

/// Lines that a model writes into a pipe, about.
const LINES: usize = 10;

/// Shows trainings as they begin and end, on stderr.
pub(super) struct Trainings {
    bar: ProgressBar,
    output: Output,
}

impl Trainings {
    pub(super) fn new(output: Output) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), target(output));
        let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸─"));
        Self { bar, output }
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
        if worth && self.bar.is_hidden() && progress.done < progress.all {
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
