//! The ways out, in processes of their own: killed, and on a disk that is full.

#![expect(clippy::unwrap_used, reason = "tests")]

mod full_disk;
mod kill;
mod receiver;
