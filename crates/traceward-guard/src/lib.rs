//! A classifier at work on a live host.
//!
//! ```text
//! capture::Cutter -> Guard: a session a task -> Finding: alarm, update, end
//!                                            -> Desk: folds, limits, suppresses -> Alert -> outputs
//! ```
//!
//! The guard scores the traces that [`traceward_capture::Cutter`] cuts, with the same rules and numbers by
//! which `score` judges recordings ([`traceward_detect`]): the live verdict of a trace is its verdict on disk.
//! It links no training framework, and nothing in it grows with the host: sessions, metadata, queues and
//! spools are bounded, and what a bound costs is counted.

pub mod alert;
pub mod desk;
pub mod ecs;
#[cfg(test)]
mod example;
pub mod spool;
pub mod suppress;

pub use alert::{Alert, Ancestor, Extent, Kind, ModelId, Origin, Technique};
