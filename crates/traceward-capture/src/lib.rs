//! System calls of a live host, thread by thread.
//!
//! ```text
//! bpf, ptrace -> Event -> Cutter    -> traces of bounded length, gaps never joined
//!                      -> Processes -> whose they are: program, command line, user, container, ancestors
//!                         both      -> Recorder: Parquet or JSON Lines, rotated
//! ```
//!
//! A capture tells what tasks do as [`Event`]s: every task's calls in their order, each with its place in the
//! task's life, so that what was lost shows as a gap. Everything after it is the same for all captures, and the
//! guard that scores sees exactly the traces that a recording keeps.
//!
//! Linux only; this crate knows no model.

pub mod bpf;
pub mod clock;
pub mod command;
pub mod cut;
pub mod event;
pub mod follow;
pub mod names;
pub mod processes;
pub mod ptrace;
pub mod recording;
pub mod source;

pub use bpf::Bpf;
pub use cut::{Cut, Cutter, Head, Tail, Why};
pub use event::{Call, Comm, Event, Exec, Start, TaskId};
pub use follow::Follower;
pub use names::Names;
pub use processes::{Process, Processes, Task};
pub use ptrace::Ptrace;
pub use recording::Recorder;
pub use source::{CaptureError, Losses, Source, State};
