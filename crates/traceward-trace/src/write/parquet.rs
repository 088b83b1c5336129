//! Parquet out: dictionary-coded strings packed by zstd.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Extra, Values};
use crate::{Dataset, Trace};

/// The columns. `calls` in the three levels that the format prescribes for lists.
const SCHEMA: &str = "
message traceward {
    required group calls (LIST) {
        repeated group list {
            required binary element (STRING);
        }
    }
    optional binary class (STRING);
    optional binary group (STRING);
    optional binary part (STRING);
    required binary abi (STRING);
    required binary source (STRING);
    optional int64 line;
    optional int64 lost;
";

/// Calls in a row group: what is held while writing, and what a reader gets at a time.
const GROUP_CALLS: usize = 4 << 20;

/// Calls handed over at once, or one trace if it is longer.
const BATCH: usize = 64 << 10;

/// Writes `data` as Parquet to `out`, the columns `extra` after its own.
///
/// # Errors
/// If `out` fails.
///
/// # Panics
/// If an extra column has not one value a trace.
pub fn parquet_to(data: &Dataset, extra: &[Extra<'_>], out: &mut (dyn Write + Send)) -> io::Result<()> {
    write(data, extra, out).map_err(|error| match error {
        ParquetError::External(error) => io::Error::other(error),
        error => io::Error::other(error),
    })
}

fn write(data: &Dataset, extra: &[Extra<'_>], out: &mut (dyn Write + Send)) -> Result<(), ParquetError> {
    let mut schema = SCHEMA.to_owned();
    for Extra { name, values } in extra {
        let kind = match values {
            Values::Text(values) => {
                assert_eq!(values.len(), data.traces.len(), "one value a trace");
                format!("optional binary {name} (STRING);\n")
            }
            Values::Whole(values) => {
                assert_eq!(values.len(), data.traces.len(), "one value a trace");
                format!("optional int64 {name};\n")
            }
        };
        schema.push_str(&kind);
    }
    schema.push('}');
    let schema = Arc::new(parse_message_type(&schema)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(9)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_created_by(format!("traceward {}", env!("CARGO_PKG_VERSION")))
        .build();
    let names: Vec<ByteArray> = data.calls.names().iter().map(|name| ByteArray::from(&**name)).collect();
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    let mut rest = data.traces.as_slice();
    while !rest.is_empty() {
        let mut calls = 0;
        let fit = rest.iter().take_while(|t| {
            calls += t.calls.len();
            calls <= GROUP_CALLS
        });
        let from = data.traces.len() - rest.len();
        let (group, after) = rest.split_at(fit.count().max(1));
        rest = after;
        let rows = from..from + group.len();
        let mut columns = write_group(data, &names, group, file.next_row_group()?)?;
        for Extra { values, .. } in extra {
            match values {
                Values::Text(values) => text(&mut columns, &values[rows.clone()], true, |value| *value)?,
                Values::Whole(values) => whole(&mut columns, &values[rows.clone()], |value| *value)?,
            }
        }
        columns.close()?;
    }
    file.close()?;
    Ok(())
}

fn write_group<'w, W: Write + Send>(
    data: &Dataset,
    names: &[ByteArray],
    traces: &[Trace],
    mut group: SerializedRowGroupWriter<'w, W>,
) -> Result<SerializedRowGroupWriter<'w, W>, ParquetError> {
    if let Some(mut column) = group.next_column()? {
        let writer = column.typed::<ByteArrayType>();
        let (mut values, mut repetition) = (Vec::new(), Vec::new());
        let mut rest = traces;
        while !rest.is_empty() {
            // A batch must end with a row.
            let mut calls = 0;
            let fit = rest.iter().take_while(|t| {
                calls += t.calls.len();
                calls <= BATCH
            });
            let (batch, after) = rest.split_at(fit.count().max(1));
            rest = after;
            values.clear();
            repetition.clear();
            for trace in batch {
                values.extend(trace.calls.iter().map(|&id| names[usize::from(id)].clone()));
                repetition.extend((0..trace.calls.len()).map(|place| i16::from(place > 0)));
            }
            let definition = vec![1; values.len()];
            writer.write_batch(&values, Some(&definition), Some(&repetition))?;
        }
        column.close()?;
    }
    let abi = data.abi.to_string();
    text(&mut group, traces, true, |t| {
        t.class.and_then(|c| data.classes.get(usize::from(c))).map(String::as_str)
    })?;
    text(&mut group, traces, true, |t| t.group.as_deref())?;
    text(&mut group, traces, true, |t| t.part.as_deref())?;
    text(&mut group, traces, false, |_| Some(&abi))?;
    text(&mut group, traces, false, |t| Some(&t.source.file))?;
    whole(&mut group, traces, |t| t.source.line.map(|line| line as i64))?;
    whole(&mut group, traces, |t| (t.lost > 0).then_some(t.lost as i64))?;
    Ok(group)
}

/// Writes the next column: what `of` says of each row.
fn text<'t, T, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &'t [T],
    optional: bool,
    of: impl Fn(&'t T) -> Option<&'t str>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let values: Vec<ByteArray> = rows.iter().filter_map(&of).map(ByteArray::from).collect();
    let definition: Vec<i16> = rows.iter().map(|t| i16::from(of(t).is_some())).collect();
    column.typed::<ByteArrayType>().write_batch(&values, optional.then_some(definition.as_slice()), None)?;
    column.close()
}

/// The same for numbers.
fn whole<T, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[T],
    of: impl Fn(&T) -> Option<i64>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let values: Vec<i64> = rows.iter().filter_map(&of).collect();
    let definition: Vec<i16> = rows.iter().map(|row| i16::from(of(row).is_some())).collect();
    column.typed::<Int64Type>().write_batch(&values, Some(&definition), None)?;
    column.close()
}
