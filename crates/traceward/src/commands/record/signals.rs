//! Who is asked to end by Ctrl-C: the recording, or the command that is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::Failure;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Ctrl-C. On a terminal, a command has got it as well.
    Interrupt,
    /// SIGTERM or SIGHUP, for us alone.
    Terminate,
}

/// The signals that have come.
pub(super) struct Signals {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
    /// Whether signals do what they do to a program that does not listen.
    through: Arc<AtomicBool>,
    interrupted: bool,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Failure> {
        let (interrupt, terminate, through) =
            <(Arc<AtomicBool>, Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        for (signal, told) in [(SIGINT, &interrupt), (SIGTERM, &terminate), (SIGHUP, &terminate)] {
            flag::register_conditional_default(signal, Arc::clone(&through)).map_err(Failure::new)?;
            flag::register(signal, Arc::clone(told)).map_err(Failure::new)?;
        }
        Ok(Self { interrupt, terminate, through, interrupted: false })
    }

    /// What has come since this was asked last; `Terminate` says more than `Interrupt`.
    pub(super) fn heard(&mut self) -> Option<Word> {
        let interrupt = self.interrupt.swap(false, Ordering::SeqCst);
        if self.terminate.swap(false, Ordering::SeqCst) {
            return Some(Word::Terminate);
        }
        interrupt.then_some(Word::Interrupt)
    }

    /// Whether there was an interrupt before this one.
    pub(super) fn again(&mut self) -> bool {
        std::mem::replace(&mut self.interrupted, true)
    }

    /// From now on a signal ends the program at once.
    pub(super) fn let_through(&self) {
        self.through.store(true, Ordering::SeqCst);
    }
}
