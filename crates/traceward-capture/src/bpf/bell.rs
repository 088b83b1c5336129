//! Sleeping until the ring fills, or a moment has passed.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Rings when a program wakes the reader, and not because there is something in the ring: `poll` on the ring
/// itself would return at once whenever it is not empty, and the reader would be woken for every batch.
#[derive(Debug)]
pub(super) struct Bell(OwnedFd);

impl Bell {
    /// A bell on a ring.
    pub(super) fn new(ring: &impl AsRawFd) -> io::Result<Self> {
        // SAFETY: takes no pointers; the descriptor is ours alone.
        let bell = unsafe {
            match libc::epoll_create1(libc::EPOLL_CLOEXEC) {
                -1 => return Err(io::Error::last_os_error()),
                fd => OwnedFd::from_raw_fd(fd),
            }
        };
        // Edge-triggered: only what is signalled after the last wait counts.
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
        // SAFETY: both descriptors are open, and the event is read during the call only.
        match unsafe {
            libc::epoll_ctl(bell.as_raw_fd(), libc::EPOLL_CTL_ADD, ring.as_raw_fd(), &raw mut event)
        } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(Self(bell)),
        }
    }

    /// Waits for it, at most so long; a signal ends the wait, too.
    pub(super) fn wait(&self, most: Duration) -> io::Result<()> {
        let millis = libc::c_int::try_from(most.as_millis()).unwrap_or(libc::c_int::MAX);
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: the kernel writes one event, for which there is room.
        match unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, millis) } {
            -1 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                error => Err(error),
            },
            _ => Ok(()),
        }
    }
}
