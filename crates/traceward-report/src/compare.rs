//! Runs beside each other: the table of `runs list`.

use traceward_run::run_dir::{RunEntry, State};

use crate::figures::{figure_or_dash, loss_or_dash};
use crate::table::{Cell, Column, Table};
use crate::terminal::Palette;

/// The runs as a styled table for a terminal of `width` columns.
pub fn runs_text(runs: &[RunEntry], width: usize) -> String {
    table(runs, Palette::COLOUR).render(width)
}

/// The runs as a table without any style.
pub fn runs_plain(runs: &[RunEntry], width: usize) -> String {
    table(runs, Palette::PLAIN).render(width)
}

fn table(runs: &[RunEntry], palette: Palette) -> Table {
    let mut table = Table::new(
        [
            Column::text("run"),
            Column::text("state"),
            Column::number("epochs"),
            Column::number("macro-F1"),
            Column::number("accuracy").optional(),
            Column::number("val_loss").optional(),
            Column::number("loss").optional(),
            Column::text("data").optional(),
        ],
        palette.heading,
    );
    for run in runs {
        let state = match run.status.as_ref().map(|status| status.state) {
            Some(State::Running) => Cell::styled(State::Running.name(), palette.good),
            Some(State::Finished) => State::Finished.name().into(),
            Some(State::Interrupted) => Cell::styled(State::Interrupted.name(), palette.warning),
            None => Cell::styled("unknown", palette.bad),
        };
        let done = run.status.as_ref().map_or_else(|| "–".into(), |status| status.epochs_done.to_string());
        let epochs = run.epochs.map_or_else(|| done.clone(), |asked| format!("{done}/{asked}"));
        table.row([
            run.name.as_str().into(),
            state,
            epochs.into(),
            figure_or_dash(run.macro_f1).into(),
            figure_or_dash(run.accuracy).into(),
            loss_or_dash(run.best_val_loss).into(),
            loss_or_dash(run.loss).into(),
            run.data.as_deref().unwrap_or("–").into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use traceward_run::run_dir::Status;

    use super::*;

    fn run(name: &str, state: Option<State>) -> RunEntry {
        RunEntry {
            path: name.into(),
            name: name.into(),
            status: state.map(|state| Status { state, started: 0, ended: None, epochs_done: 12 }),
            preset: Some("article-5".into()),
            epochs: Some(200),
            data: Some("built-in corpus".into()),
            loss: Some(0.25),
            best_val_loss: Some(0.5),
            accuracy: Some(0.953),
            macro_f1: Some(0.912),
        }
    }

    #[test]
    fn runs_stand_below_each_other() {
        let broken = RunEntry {
            epochs: None,
            data: None,
            loss: None,
            best_val_loss: None,
            accuracy: None,
            macro_f1: None,
            ..run("2026-11-23T05-10-00Z-article-2", None)
        };
        let runs = [
            run("2026-11-23T04-56-12Z-article-5", Some(State::Finished)),
            run("2026-11-23T05-01-12Z-article-5", Some(State::Interrupted)),
            run("2026-11-23T05-03-12Z-article-4", Some(State::Running)),
            broken,
        ];
        insta::assert_snapshot!(format!("{}\n{}", runs_plain(&runs, 120), runs_plain(&runs, 80)));
    }
}
