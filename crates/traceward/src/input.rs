//! From DATA as typed to a data set in memory.
//!
//! What was asked for is a [`DataSource`], which a run's record keeps, so that a run can be repeated or
//! resumed without its command line.

use std::path::{Path, PathBuf};
use std::time::Instant;

use traceward_run::TrainConfig;
use traceward_run::config::DataSource;
use traceward_trace::read::read_pair;
use traceward_trace::split::{self, Split};
use traceward_trace::{Abi, Dataset, ReadOptions, Vocabulary, builtin, read};

use crate::cli::ReadArgs;
use crate::error::Failure;
use crate::output::Output;

/// What was typed, with paths made absolute so that a later command finds them from anywhere.
///
/// # Errors
/// If the ABI is none we know, or the current folder cannot be read.
pub fn source(paths: &[PathBuf], args: &ReadArgs) -> Result<DataSource, Failure> {
    let absolute = |p: &PathBuf| std::path::absolute(p).map_err(Failure::from);
    let abi = args.abi.as_deref().map(str::parse::<Abi>).transpose()?;
    if let (Some(Abi::Custom(name)), None) = (&abi, &args.mapping) {
        return Err(traceward_trace::Error::UnknownAbi(name.to_string()).into());
    }
    Ok(DataSource {
        paths: paths.iter().map(absolute).collect::<Result<_, _>>()?,
        parts: args.parts.clone(),
        abi,
        label_column: args.label_column.clone(),
        trace_column: args.trace_column.clone(),
        mapping: args.mapping.as_ref().map(absolute).transpose()?,
        strict: args.strict,
    })
}

/// Reads the data set and says on stderr what was left out.
///
/// # Errors
/// If it cannot be read, or nothing in it is a trace.
pub fn load(source: &DataSource, output: Output) -> Result<Dataset, Failure> {
    let start = Instant::now();
    let options = ReadOptions {
        abi: source.abi.clone(),
        strict: source.strict,
        label_column: source.label_column.clone(),
        trace_column: source.trace_column.clone(),
        mapping: source.mapping.clone(),
        ..ReadOptions::default()
    };
    let mut data = match &source.paths[..] {
        [] => builtin::corpus()?,
        [one] => read(existing(one)?, &options)?,
        [train, validation] => read_pair(existing(train)?, existing(validation)?, &options)?,
        more => {
            return Err(Failure::new(format_args!("{} data sets were given, at most 2 can be", more.len())));
        }
    };
    if !source.parts.is_empty() {
        data.keep_parts(&source.parts)?;
    }
    output.read_report(&data);
    if output.verbose > 0 {
        output.note(format_args!(
            "read {} traces, {} calls from {} in {:.2} s",
            data.traces.len(),
            data.call_count(),
            data.name,
            start.elapsed().as_secs_f64()
        ));
    }
    Ok(data)
}

/// Cuts a data set as a configuration says: the split, and the vocabulary of its training side.
///
/// # Errors
/// If it cannot be cut, or the network does not fit what comes of it.
pub fn cut(config: &TrainConfig, data: &Dataset) -> Result<(Split, Vocabulary), Failure> {
    config.check_values()?;
    let split = split::split(data, &config.split)?;
    let vocabulary = Vocabulary::learn(data, &split.train);
    config.check(vocabulary.size(), data.classes.len())?;
    Ok((split, vocabulary))
}

/// The data set as a user would type it.
pub fn shown(source: &DataSource) -> String {
    if source.paths.is_empty() {
        return "the built-in corpus".into();
    }
    source.paths.iter().map(|path| relative(path).display().to_string()).collect::<Vec<_>>().join(" ")
}

/// `path` seen from the current folder, where it is below it.
fn relative(path: &Path) -> &Path {
    match std::env::current_dir() {
        Ok(here) => path.strip_prefix(here).unwrap_or(path),
        Err(_) => path,
    }
}

fn existing(path: &Path) -> Result<&Path, Failure> {
    match path.try_exists() {
        Ok(true) => Ok(path),
        Ok(false) => Err(Failure::new(format_args!("{}: no such file or folder", path.display()))),
        Err(e) => Err(Failure::new(format_args!("cannot read {}: {e}", path.display()))),
    }
}
