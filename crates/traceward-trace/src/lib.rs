//! System-call traces: what a data set is, how it is read, looked at, cut and written.
//!
//! A [`Dataset`] holds [`Trace`]s whose calls are small integers into the set's own [`CallTable`] of
//! names. Files that hold numbers are turned into names by their [`Abi`] when they are read, so that
//! everything after reading speaks names and never asks again whose numbers these were.
//!
//! ```text
//! files -> read -> Dataset -> profile        what is in it, and what is wrong with it
//!                          -> split          which traces train, which validate
//!                          -> Vocabulary     names to a model's tokens
//!                          -> write          Parquet, JSON Lines, the article's CSV
//! ```
//!
//! This crate knows no network and no terminal.

pub mod abi;
pub mod builtin;
mod copies;
mod error;
mod fingerprint;
pub mod profile;
pub mod read;
pub mod rng;
#[cfg(test)]
mod sample;
pub mod split;
mod trace;
pub mod vocabulary;
pub mod write;

pub use abi::Abi;
pub use error::Error;
pub use fingerprint::Fingerprint;
pub use read::{ReadOptions, read};
pub use trace::{CallTable, Dataset, ReadReport, Skipped, Source, Trace, normal_class};
pub use vocabulary::Vocabulary;
