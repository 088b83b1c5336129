//! Data sets out: Parquet, JSON Lines, the article's CSV.
//!
//! Parquet is the interchange format: typed, small, and read by pandas and every data tool. JSON Lines
//! is for pipes and eyes. The two CSV files are what the article's own scripts read.
//!
//! A file appears under its name only once it is complete and on disk ([`atomically`]).

mod article_csv;
mod atomic;
mod json_lines;
mod parquet;

use std::path::Path;

use crate::{Dataset, Error};

pub use article_csv::{Calls, article_csv, article_csv_to};
pub use atomic::atomically;
pub use json_lines::json_lines_to;
pub use parquet::parquet_to;

/// A column beside those of a data set, which readers of data sets pass over: what a recording knows of the
/// processes that made its traces.
#[derive(Clone, Debug)]
pub struct Extra<'a> {
    /// Its name: none of those that [`mod@crate::read`] knows.
    pub name: &'static str,
    /// One value a trace.
    pub values: Values<'a>,
}

/// What stands in a column.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// Words.
    Text(Vec<Option<&'a str>>),
    /// Numbers.
    Whole(Vec<Option<i64>>),
}

/// Writes `data` as Parquet: one row a trace, columns as in [`mod@crate::read`].
///
/// # Errors
/// If the file cannot be written.
pub fn parquet(data: &Dataset, path: &Path) -> Result<(), Error> {
    atomically(path, |out| parquet_to(data, &[], out))
}

/// Writes `data` as JSON Lines: one object a trace.
///
/// # Errors
/// If the file cannot be written.
pub fn json_lines(data: &Dataset, path: &Path) -> Result<(), Error> {
    atomically(path, |out| json_lines_to(data, &[], out))
}
