//! A classifier at work on a live host.
//!
//! ```text
//! capture::Cutter -> Guard: a session a task -> Finding -> Scribe: reasons, ids -> Alert
//!                                            -> Desk: folds, limits, suppresses -> outputs
//!                 -> Learner: this host's normals -> calibration
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
pub mod explain;
pub mod finding;
pub mod guard;
pub mod http;
pub mod learn;
pub mod metrics;
pub mod model;
pub mod outputs;
mod session;
pub mod spool;
pub mod suppress;
pub mod techniques;
pub mod token;

pub use alert::{Alert, Ancestor, Extent, Kind, ModelId, Origin, Scribe, Technique};
pub use explain::Explainer;
pub use finding::{Ended, Finding, Warning};
pub use guard::{Counts, Guard, Options};
pub use learn::{Learner, Learnt};
pub use model::{GuardError, Model};
