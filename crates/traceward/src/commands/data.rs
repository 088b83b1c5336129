//! `data inspect`, `convert`, `split`: looking at a data set and writing it in other shapes.

use std::path::{Path, PathBuf};

use serde::Serialize;
use traceward_trace::profile::Profile;
use traceward_trace::split::{self, Method, Split, SplitConfig};
use traceward_trace::write::{self, Calls};
use traceward_trace::{Abi, Dataset};

use crate::cli::{ConvertArgs, DataSplitArgs, ReadArgs, SplitArgs, WriteFormat};
use crate::error::{ExitStatus, Failure, Outcome};
use crate::input;
use crate::output::{self, Format, Output};

/// Shows a data set's profile.
pub(super) fn inspect(paths: &[PathBuf], read: &ReadArgs, output: Output) -> Outcome {
    let data = input::load(&input::source(paths, read)?, output)?;
    let profile = Profile::of(&data);
    match output.format {
        Format::Json => output.json(&profile)?,
        Format::Text => output.text(&traceward_report::profile::text(&profile, output::width()))?,
    }
    Ok(ExitStatus::Fine)
}

/// What `convert` and `split` wrote.
#[derive(Serialize)]
struct Written {
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    path: PathBuf,
    traces: usize,
    bytes: u64,
}

impl Written {
    fn add(&mut self, path: PathBuf, traces: usize) -> Result<(), Failure> {
        let bytes = std::fs::metadata(&path)?.len();
        self.files.push(File { path, traces, bytes });
        Ok(())
    }

    fn say(&self, output: Output) -> Outcome {
        match output.format {
            Format::Json => output.json(self)?,
            Format::Text => {
                for file in &self.files {
                    output.text(&format!(
                        "{}: {}, {} bytes\n",
                        file.path.display(),
                        output::counted(file.traces as u64, "trace", "traces"),
                        file.bytes
                    ))?;
                }
            }
        }
        Ok(ExitStatus::Fine)
    }
}

/// Writes a data set in another format.
pub(super) fn convert(args: &ConvertArgs, output: Output) -> Outcome {
    let format = match args.to {
        Some(format) => format,
        None => format_of(&args.out)?,
    };
    let data = input::load(&input::source(std::slice::from_ref(&args.data), &args.read)?, output)?;
    let mut written = Written { files: Vec::new() };
    match format {
        WriteFormat::Csv => {
            let split = cut(&data, &args.split, args.seed)?;
            write_two(&data, &split, &args.out, format, &mut written)?;
        }
        WriteFormat::Parquet => {
            write::parquet(&data, &args.out)?;
            written.add(args.out.clone(), data.traces.len())?;
        }
        WriteFormat::Jsonl => {
            write::json_lines(&data, &args.out)?;
            written.add(args.out.clone(), data.traces.len())?;
        }
    }
    written.say(output)
}

/// Cuts a data set in two files.
pub(super) fn split(args: &DataSplitArgs, output: Output) -> Outcome {
    let data = input::load(&input::source(std::slice::from_ref(&args.data), &args.read)?, output)?;
    let split = cut(&data, &args.split, args.seed)?;
    let mut written = Written { files: Vec::new() };
    write_two(&data, &split, &args.out, args.to, &mut written)?;
    if !split.dropped.is_empty() {
        output.note(format_args!(
            "{} on neither side: copies, and validation traces that also stand in training",
            output::counted(split.dropped.len() as u64, "trace stands", "traces stand")
        ));
    }
    written.say(output)
}

/// The format that a file name asks for.
fn format_of(out: &Path) -> Result<WriteFormat, Failure> {
    let extension = out.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    match extension.as_deref() {
        Some("parquet") => Ok(WriteFormat::Parquet),
        Some("jsonl" | "ndjson") => Ok(WriteFormat::Jsonl),
        Some("csv") => Err(Failure::new("the article's CSV is two files, train.csv and validation.csv")
            .hint("name a folder as OUT and add --to csv")),
        _ => {
            Err(Failure::new(format_args!("{}: the name does not say which format to write", out.display()))
                .hint("end the name in .parquet or .jsonl, or say --to parquet, jsonl or csv"))
        }
    }
}

/// Cuts `data` as the flags say.
fn cut(data: &Dataset, args: &SplitArgs, seed: u64) -> Result<Split, Failure> {
    let method = args.split.map_or_else(|| Method::default_for(data), Method::from);
    let config = SplitConfig {
        method,
        validation_share: args.validation_share.unwrap_or(0.2),
        seed,
        shuffle_first: false,
    };
    Ok(split::split(data, &config)?)
}

/// Writes the two sides of a split into a folder.
fn write_two(
    data: &Dataset,
    split: &Split,
    folder: &Path,
    format: WriteFormat,
    written: &mut Written,
) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::new(format_args!("cannot create {}: {e}", folder.display())))?;
    let files = [("train", &split.train), ("validation", &split.validation)];
    let extension = match format {
        WriteFormat::Csv => {
            // Numbers are what the article's scripts expect; a table of one's own has names only.
            let calls = if matches!(data.abi, Abi::Custom(_)) { Calls::Names } else { Calls::Numbers };
            write::article_csv(data, &split.train, &split.validation, folder, calls)?;
            "csv"
        }
        WriteFormat::Parquet => {
            for (name, indices) in files {
                write::parquet(&data.subset(indices), &folder.join(name).with_extension("parquet"))?;
            }
            "parquet"
        }
        WriteFormat::Jsonl => {
            for (name, indices) in files {
                write::json_lines(&data.subset(indices), &folder.join(name).with_extension("jsonl"))?;
            }
            "jsonl"
        }
    };
    for (name, indices) in files {
        written.add(folder.join(name).with_extension(extension), indices.len())?;
    }
    Ok(())
}
