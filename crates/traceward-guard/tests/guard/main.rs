//! The guard on made-up hosts: what it says of live traces is what is said of their recordings.

#![expect(clippy::unwrap_used, reason = "tests panic as tests do")]

mod alerts;
mod host;
mod learning;
mod models;
mod verdicts;
mod warnings;
