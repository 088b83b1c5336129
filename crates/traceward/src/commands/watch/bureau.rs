//! From warnings to alerts on their way, on a thread of its own: finding reasons takes time, and scoring has none.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use traceward_guard::desk::{Desk, Told};
use traceward_guard::metrics::Metrics;
use traceward_guard::outputs::Outputs;
use traceward_guard::{Scribe, Warning};

use crate::output::Output;

/// Warnings that may wait for their reasons. With more, scoring waits, too: none is dropped.
pub(super) const QUEUE: usize = 1024;

/// How often the desk looks for what is due.
const TICK: Duration = Duration::from_millis(500);

/// What the bureau is told.
pub(super) enum Memo {
    /// A trace is not as it should be.
    Warning(Box<Warning>),
    /// The suppressions may have changed, and files may have been renamed.
    Reload,
}

/// Writes alerts until nobody sends warnings any more; hands back the outputs with the last alert sent.
pub(super) fn work(
    memos: &Receiver<Memo>,
    mut scribe: Scribe<'_>,
    mut desk: Desk,
    outputs: Outputs,
    metrics: &Metrics,
    output: Output,
) -> Outputs {
    let since = Instant::now();
    let send = |told: Told| outputs.send(&told);
    loop {
        match memos.recv_timeout(TICK) {
            Ok(Memo::Warning(warning)) => {
                let alert = scribe.alert(&warning);
                desk.alert(alert, since.elapsed(), &mut |told| send(told));
            }
            Ok(Memo::Reload) => {
                outputs.reopen();
                match desk.suppressions().reload() {
                    Ok(rules) => {
                        output.note(format_args!("{rules} suppressions in force; files opened anew"));
                    }
                    Err(error) => {
                        metrics.reload_errors.add(1);
                        output.warning(format_args!("{error}; the suppressions from before stay in force"));
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => desk.tick(since.elapsed(), &mut |told| send(told)),
            Err(RecvTimeoutError::Disconnected) => {
                desk.finish(&mut |told| send(told));
                metrics.desk(&desk);
                return outputs;
            }
        }
        metrics.desk(&desk);
    }
}
