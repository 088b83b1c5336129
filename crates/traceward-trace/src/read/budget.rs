//! How much archives may unpack to, counted while they do.
//!
//! What a header promises is no bound: an archive made to hurt promises little and unpacks much.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::collect::OverBudget;

/// The bytes that are left, shared by all readers of one data set.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left: Rc<Cell<u64>>,
    limit: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { left: Rc::new(Cell::new(limit)), limit }
    }

    /// Takes `n` bytes from it.
    pub(super) fn spend(&self, n: u64) -> io::Result<()> {
        match self.left.get().checked_sub(n) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(io::Error::other(OverBudget(self.limit))),
        }
    }
}

/// A reader whose bytes count against a budget.
pub(super) struct Metered<R> {
    inner: R,
    budget: Budget,
}

impl<R> Metered<R> {
    pub(super) fn new(inner: R, budget: Budget) -> Self {
        Self { inner, budget }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.budget.spend(n as u64)?;
        Ok(n)
    }
}
