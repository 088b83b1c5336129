//! **traceward** trains, debugs and deploys classifiers of system-call traces.
//!
//! This crate is the `traceward` program, one file per command under [`commands`], and the place from
//! which a Rust program reaches the libraries it is made of: [`trace`] (data), [`run`] (what was asked
//! and what came out), [`model`] and [`train`] (networks), [`ngram`] (the other models), [`detect`] (what detection is worth), [`report`] (what people look at).
//!
//! ```no_run
//! use traceward::{model::ModelFile, trace};
//!
//! let data = trace::builtin::corpus()?;
//! println!("{} traces, {} calls", data.traces.len(), data.call_count());
//! # Ok::<(), trace::Error>(())
//! ```

pub mod bench;
pub mod capturing;
pub mod classifier;
pub mod cli;
pub mod commands;
pub mod error;
pub mod evaluate;
pub mod input;
pub mod interrupt;
pub mod live;
pub mod output;
pub mod probes;
pub mod progress;
pub mod recorder;
pub mod subject;
pub mod trainers;
pub mod watch;

pub use traceward_capture as capture;
pub use traceward_detect as detect;
pub use traceward_doctor as doctor;
pub use traceward_guard as guard;
pub use traceward_model as model;
pub use traceward_ngram as ngram;
pub use traceward_report as report;
pub use traceward_run as run;
pub use traceward_trace as trace;
pub use traceward_train as train;
