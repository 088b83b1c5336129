//! The program as a user meets it: every test here runs the built binary.
//!
//! One test binary for all commands, since linking it is what costs; one file per command.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod calibrate;
mod data;
mod debug;
mod doctor;
mod doctor_live;
mod eval;
mod harness;
mod help;
mod model;
mod record;
mod resume;
mod train;
mod watch;
