//! The article's two files: `train.csv` and `validation.csv`, a label and a trace a line.

use std::io::{self, Write};
use std::path::Path;

use super::atomically;
use crate::{Abi, Dataset, Error};

/// How calls stand in the trace column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// As numbers of the data set's ABI, as the article has them.
    Numbers,
    /// As names, which need no table to be read again.
    Names,
}

/// Writes `train.csv` and `validation.csv` into `folder`: the traces `train` and `validation`, each an
/// index into [`Dataset::traces`], in the given order.
///
/// # Errors
/// If a file cannot be written, or if numbers are asked for and a call has none.
pub fn article_csv(
    data: &Dataset,
    train: &[u32],
    validation: &[u32],
    folder: &Path,
    calls: Calls,
) -> Result<(), Error> {
    for (name, rows) in [("train.csv", train), ("validation.csv", validation)] {
        atomically(&folder.join(name), |out| article_csv_to(data, rows, calls, out))?;
    }
    Ok(())
}

/// Writes one such file to `out`: a header `label,trace`, then the traces `rows`, calls with a blank
/// between them. A trace without a class has an empty label.
///
/// # Errors
/// If `out` fails, or if numbers are asked for and a call has none; the message names the call.
pub fn article_csv_to(data: &Dataset, rows: &[u32], calls: Calls, out: &mut dyn Write) -> io::Result<()> {
    let tokens: Vec<Result<String, &str>> = data
        .calls
        .names()
        .iter()
        .map(|name| match calls {
            Calls::Names => Ok(name.to_string()),
            Calls::Numbers => number(&data.abi, name).ok_or(&**name),
        })
        .collect();
    let mut csv = csv::WriterBuilder::new().from_writer(out);
    csv.write_record(["label", "trace"])?;
    let mut text = String::new();
    for &row in rows {
        let trace = data
            .traces
            .get(row as usize)
            .ok_or_else(|| io::Error::other(format!("there is no trace {row} in the data set")))?;
        text.clear();
        for &id in &trace.calls {
            let token = tokens[usize::from(id)].as_ref().map_err(|name| {
                io::Error::other(format!("the call {name:?} has no number in the table of {}", data.abi))
            })?;
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(token);
        }
        let class = trace.class.and_then(|c| data.classes.get(usize::from(c))).map_or("", String::as_str);
        csv.write_record([class, &text])?;
    }
    csv.flush()
}

/// The number of a call, also of one outside the table.
fn number(abi: &Abi, name: &str) -> Option<String> {
    match name.strip_prefix('#') {
        Some(number) => Some(number.to_owned()),
        None => abi.number_of(name).map(|n| n.to_string()),
    }
}
