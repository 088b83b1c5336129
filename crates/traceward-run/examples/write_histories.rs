//! Writes what a run writes as it trains, `history.csv` and TensorBoard's files, without training.
//!
//! `ci/tensorboard_check.py` reads both with the programs they are meant for:
//!
//! ```text
//! cargo run -p traceward-run --example write_histories DIR && python ci/tensorboard_check.py DIR
//! ```
//!
//! The run is cut off after its fourth epoch and resumed from its third, as after `kill -9`.

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use traceward_run::history::{Epoch, HistoryFile};
use traceward_run::tensorboard::TensorBoard;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("usage: write_histories DIR")?);
    std::fs::create_dir_all(&directory)?;
    let history = directory.join("history.csv");
    let board = directory.join("tensorboard");
    let now = |seconds| UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);

    let mut file = HistoryFile::create(&history)?;
    let mut events = TensorBoard::create(&board, 0, now(0))?;
    for epoch in 0..4 {
        // Off the final curve, so that a reader who keeps the abandoned fourth epoch is found out.
        let abandoned = Epoch { loss: 9.0, ..row(epoch) };
        let row = if epoch < 3 { row(epoch) } else { abandoned };
        file.append(&[row])?;
        events.epoch(&row, now(u64::from(epoch)))?;
    }
    drop((file, events));

    let (mut file, _) = HistoryFile::resume(&history, 3)?;
    let mut events = TensorBoard::create(&board, 3, now(10))?;
    for epoch in 3..10 {
        file.append(&[row(epoch)])?;
        events.epoch(&row(epoch), now(10 + u64::from(epoch)))?;
    }
    Ok(())
}

fn row(epoch: u32) -> Epoch {
    let t = f64::from(epoch);
    Epoch {
        epoch,
        accuracy: 1.0 - 0.5 / (t + 1.0),
        loss: if epoch == 7 { f64::NAN } else { (-t / 3.0).exp() },
        val_accuracy: Some(0.75),
        val_loss: Some(1.0 + (t - 5.0).powi(2) / 50.0),
        learning_rate: 1e-4,
        seconds: 0.25,
    }
}
