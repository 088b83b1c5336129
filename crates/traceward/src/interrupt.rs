//! Ctrl-C: the first asks the work to finish what it holds and save; the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Failure;

/// Set once Ctrl-C, SIGTERM or SIGHUP has come.
pub type StopFlag = Arc<AtomicBool>;

/// Starts listening; the returned flag is set at the first signal.
///
/// # Errors
/// If the handler cannot be installed.
pub fn listen() -> Result<StopFlag, Failure> {
    let flag = StopFlag::default();
    let seen = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            #[expect(clippy::exit, reason = "the second Ctrl-C means now")]
            std::process::exit(130);
        }
    })
    .map_err(Failure::new)?;
    Ok(flag)
}
