//! Weights & Biases' local runs: the `.wandb` file, a log of records, and `wandb-summary.json` beside it.
//!
//! The file begins with `:W&B`, then holds blocks of 32 KiB as LevelDB's log does: chunks of `crc u32 | length
//! u16 | type u8`, a record being one full chunk or a first, middle ones and a last. A record is a protobuf
//! `Record` (`wandb_internal.proto`); of it the history items, the settings and the exit code are wanted:
//!
//! ```text
//! Record        { 2: HistoryRecord, 6: ConfigRecord, 17: RunRecord, 18: RunExitRecord { 1: exit_code } }
//! HistoryRecord { 1: repeated HistoryItem { 1: key, 2: repeated nested_key, 16: value_json }, 2: step { 1: num } }
//! RunRecord     { 4: ConfigRecord, 8: display_name }, ConfigRecord { 1: repeated { 1: key, 2: nested_key, 16: value_json } }
//! ```
//!
//! A run that is killed leaves a torn last record; what is before it is read.

use std::path::{Path, PathBuf};

use serde_json::Map;

use super::shape::{self, promoted};
use super::table::Table;
use super::value::{self, Value};
use super::{LoggedRun, yaml};
use crate::crc;
use crate::protobuf::{Field, Fields};

/// What every `.wandb` file begins with.
pub(super) const MAGIC: &[u8] = b":W&B";
const BLOCK: usize = 32 << 10;
/// A longer record is no row of scalars.
const LONGEST_RECORD: usize = 64 << 20;

/// The `.wandb` files of a run's folder, or of the runs in a `wandb` folder.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = of_folder(folder);
    if found.is_empty() {
        let inner = [folder.to_owned(), folder.join("wandb")];
        for folder in inner {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten().take(2000) {
                // `latest-run` is a link to one of the others.
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    found.extend(of_folder(&entry.path()));
                }
            }
        }
    }
    found.sort();
    found
}

fn of_folder(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "wandb") && path.is_file())
        .collect()
}

/// Reads a `.wandb` file, or those of a folder; a folder that has only a summary gives its one row.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read(path: &Path, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let files = if path.is_dir() { files(path) } else { vec![path.to_owned()] };
    let several = files.len() > 1;
    let mut runs = Vec::new();
    for file in &files {
        let bytes = super::contents(file).map_err(|error| error.to_string())?;
        let folder = file.parent().unwrap_or(path);
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut read = of_records(&bytes, if several { &name } else { "" }, notes)?;
        for run in &mut read {
            if run.hyperparameters.is_empty()
                && let Some(text) = yaml::small_file(&folder.join("files").join("config.yaml"))
            {
                let settings = yaml::scalars(&text);
                run.hyperparameters = settings
                    .into_iter()
                    .map(|(name, value)| (name.trim_end_matches(".value").to_owned(), value))
                    .collect();
            }
        }
        runs.extend(read);
    }
    if runs.is_empty() {
        for place in [path.join("files/wandb-summary.json"), path.join("wandb-summary.json")] {
            if let Some(text) = yaml::small_file(&place) {
                notes.push("Only the summary is there: the values at the end of the run.".to_owned());
                return super::json::read(&text, "", notes);
            }
        }
        return Err("no run in it has logged a loss or an accuracy".to_owned());
    }
    Ok(runs)
}

/// Reads a `.wandb` file that is in memory.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read_bytes(bytes: &[u8], notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    of_records(bytes, "", notes)
}

fn of_records(bytes: &[u8], name: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let mut run = Run { table: Table::new("row"), config: Map::new(), exit_code: None, full: false };
    let end = records(bytes, |record| run.record(record));
    if end == End::Torn {
        notes.push(
            "The last record is cut off and was left out: the run was killed, or is still writing."
                .to_owned(),
        );
    } else if let End::Damaged(at) = end {
        notes.push(format!("The file is damaged at byte {at}; what came before was read."));
    }
    if run.full {
        notes.push("The log has more values than fit in memory; the rest was left out.".to_owned());
    }
    let mut runs = shape::runs(promoted(run.table), name, notes);
    for logged in &mut runs {
        logged.hyperparameters.clone_from(&run.config);
        logged.interrupted = run
            .exit_code
            .filter(|code| *code != 0)
            .map(|code| format!("the program ended with exit code {code}"));
    }
    Ok(runs)
}

/// How a file of records ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Torn,
    Damaged(usize),
}

/// Hands out the records of a file.
fn records(bytes: &[u8], mut each: impl FnMut(&[u8])) -> End {
    // Magic, a checksum of two bytes and a version.
    let mut at = MAGIC.len() + 3;
    let mut record: Vec<u8> = Vec::new();
    let mut within = false;
    loop {
        let left = BLOCK - at % BLOCK;
        if left < 7 {
            at += left;
            continue;
        }
        let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<7>()) else {
            return if at >= bytes.len() && !within { End::Whole } else { End::Torn };
        };
        let length = usize::from(u16::from_le_bytes([head[4], head[5]]));
        let kind = head[6];
        if kind == 0 && length == 0 {
            // Room that was set aside and not written.
            return if within { End::Torn } else { End::Whole };
        }
        let crc = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if length + 7 > left || !(1..=4).contains(&kind) {
            return End::Damaged(at);
        }
        let Some(data) = bytes.get(at + 7..at + 7 + length) else { return End::Torn };
        if crc != crc_of(kind, data) {
            return End::Damaged(at);
        }
        at += 7 + length;
        match kind {
            1 => each(data),
            2 => {
                record.clear();
                record.extend_from_slice(data);
                within = true;
            }
            _ if !within => return End::Damaged(at),
            kind => {
                if record.len() + length <= LONGEST_RECORD {
                    record.extend_from_slice(data);
                }
                if kind == 4 {
                    each(&record);
                    within = false;
                }
            }
        }
    }
}

/// The checksum of a chunk: CRC-32 as in zip, over its type and its data.
fn crc_of(kind: u8, data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc::table(0xedb8_8320);
    crc::checksum(&TABLE, std::iter::once(&kind).chain(data))
}

struct Run {
    table: Table,
    config: Map<String, serde_json::Value>,
    exit_code: Option<i64>,
    full: bool,
}

impl Run {
    fn record(&mut self, record: &[u8]) {
        for field in Fields(record) {
            match field {
                Some((2, Field::Bytes(history))) => self.history(history),
                Some((6, Field::Bytes(config))) => self.config(config),
                Some((17, Field::Bytes(run))) => {
                    for field in Fields(run).flatten() {
                        if let (4, Field::Bytes(config)) = field {
                            self.config(config);
                        }
                    }
                }
                Some((18, Field::Bytes(exit))) => {
                    let code = Fields(exit).flatten().find_map(|field| match field {
                        (1, Field::Varint(code)) => Some(i64::from(code as i32)),
                        _ => None,
                    });
                    self.exit_code = Some(code.unwrap_or(0));
                }
                _ => {}
            }
        }
    }

    fn history(&mut self, history: &[u8]) {
        let mut begun = false;
        for field in Fields(history).flatten() {
            let (name, number) = match field {
                (1, Field::Bytes(item)) => {
                    let Some((name, json)) = item_of(item) else { continue };
                    let Some(number) =
                        value::parse(&format!("{json} ")).ok().and_then(|parsed| parsed.value.number())
                    else {
                        continue;
                    };
                    (name, number)
                }
                (2, Field::Bytes(step)) => {
                    let number = Fields(step).flatten().find_map(|field| match field {
                        (1, Field::Varint(step)) => Some(step as f64),
                        _ => None,
                    });
                    ("_step".to_owned(), number.unwrap_or(0.0))
                }
                _ => continue,
            };
            if matches!(name.as_str(), "_timestamp" | "_runtime") {
                continue;
            }
            if !begun && self.table.row(self.table.len() as u64).is_err() {
                self.full = true;
                return;
            }
            begun = true;
            self.table.put(&name, number);
        }
    }

    fn config(&mut self, config: &[u8]) {
        for field in Fields(config).flatten() {
            if let (1, Field::Bytes(item)) = field
                && let Some((name, json)) = item_of(item)
                && name != "_wandb"
                && let Ok(parsed) = value::parse(&format!("{json} "))
                && !matches!(parsed.value, Value::List(_) | Value::Map(_) | Value::Null)
            {
                self.config.insert(name, parsed.value.to_json());
            }
        }
    }
}

/// The name and the JSON of an item.
fn item_of(item: &[u8]) -> Option<(String, String)> {
    let (mut name, mut nested, mut json) = (String::new(), Vec::new(), None);
    for field in Fields(item) {
        match field? {
            (1, Field::Bytes(key)) => name = String::from_utf8_lossy(key).into_owned(),
            (2, Field::Bytes(key)) => nested.push(String::from_utf8_lossy(key).into_owned()),
            (16, Field::Bytes(value)) => json = Some(String::from_utf8_lossy(value).into_owned()),
            _ => {}
        }
    }
    if name.is_empty() {
        name = nested.join("/");
    }
    Some((name, json?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
        [varint(number << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
    }

    /// A history record of named values.
    fn history(values: &[(&str, &str)]) -> Vec<u8> {
        let items = values
            .iter()
            .map(|(name, json)| field(1, &[field(2, name.as_bytes()), field(16, json.as_bytes())].concat()));
        field(2, &items.flatten().collect::<Vec<u8>>())
    }

    /// Records as a file, cut where a block ends.
    fn file(records: &[Vec<u8>]) -> Vec<u8> {
        let mut file = [MAGIC, &[0xe1, 0xbe, 0]].concat();
        for record in records {
            let mut rest = record.as_slice();
            let mut first = true;
            loop {
                let left = BLOCK - file.len() % BLOCK;
                if left < 7 {
                    file.resize(file.len() + left, 0);
                    continue;
                }
                let (data, after) = rest.split_at(rest.len().min(left - 7));
                let kind = match (first, after.is_empty()) {
                    (true, true) => 1,
                    (true, false) => 2,
                    (false, false) => 3,
                    (false, true) => 4,
                };
                file.extend_from_slice(&crc_of(kind, data).to_le_bytes());
                file.extend_from_slice(&(data.len() as u16).to_le_bytes());
                file.push(kind);
                file.extend_from_slice(data);
                (rest, first) = (after, false);
                if rest.is_empty() {
                    break;
                }
            }
        }
        file
    }

    fn losses(bytes: &[u8]) -> (Vec<f64>, Vec<String>) {
        let mut notes = Vec::new();
        let runs = read_bytes(bytes, &mut notes).unwrap();
        let column = runs.first().and_then(|run| run.history.column("loss"));
        (column.unwrap_or_default().iter().flatten().copied().collect(), notes)
    }

    #[test]
    fn records_longer_than_a_block() {
        let long = format!("\"{}\"", "x".repeat(3 * BLOCK));
        let records: Vec<Vec<u8>> = (0..3)
            .map(|epoch| {
                history(&[("loss", &format!("{epoch}.5")), ("note", &long), ("epoch", &epoch.to_string())])
            })
            .collect();
        let file = file(&records);
        assert_eq!(losses(&file), (vec![0.5, 1.5, 2.5], Vec::new()));
        let (read, notes) = losses(&file[..file.len() - 10]);
        assert_eq!(read, [0.5, 1.5]);
        assert!(notes[0].contains("cut off"), "{notes:?}");
        let mut damaged = file.clone();
        damaged[2 * BLOCK + 100] ^= 1;
        let (read, notes) = losses(&damaged);
        assert!(read.is_empty() && notes[0].contains("damaged at byte"), "{notes:?}");
    }

    #[test]
    fn what_is_not_a_number_is_passed_over() {
        let rows = [
            history(&[("loss", "NaN"), ("table", "{\"_type\": \"table-file\"}"), ("_timestamp", "1.5")]),
            history(&[("loss", "\"Infinity\""), ("bad", "{"), ("nested/x", "1")]),
        ];
        let (read, _) = losses(&file(&rows));
        assert!(read[0].is_nan() && read[1].is_infinite());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_bytes(&bytes, &mut Vec::new());
            let _ = read_bytes(&[MAGIC, &[0, 0, 0], &bytes].concat(), &mut Vec::new());
            let _ = read_bytes(&file(std::slice::from_ref(&bytes)), &mut Vec::new());
        }

        #[test]
        fn values_read_back(values in prop::collection::vec(-1e9_f64..1e9, 1..50)) {
            let records: Vec<Vec<u8>> = values.iter().map(|value| history(&[("loss", &format!("{value:?}"))])).collect();
            prop_assert_eq!(losses(&file(&records)).0, values);
        }
    }
}
