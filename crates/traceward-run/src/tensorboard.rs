//! TensorBoard event files: written so that TensorBoard reads them, and read back.
//!
//! A file is a row of records, each `length u64 | masked CRC-32C of the length | payload | masked CRC-32C
//! of the payload`, little-endian (`tensorflow/core/lib/io/record_writer.h`). The payload is a protobuf
//! `Event`; of it we need a handful of fields, so they are written by hand:
//!
//! ```text
//! Event    { 1: double wall_time, 2: int64 step, 3: string file_version, 5: Summary, 7: SessionLog }
//! Summary  { 1: repeated Value { 1: string tag, 2: float simple_value } }
//! SessionLog { 1: enum status (1 = START) }
//! ```
//!
//! Scalars are written as `simple_value`: TensorBoard turns it into what newer files hold, and older
//! readers know nothing else. Tags and folders are those of Keras' callback: `train/` and `validation/`,
//! `epoch_loss`, `epoch_accuracy`, `epoch_learning_rate`, by epoch from 0.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::history::Epoch;

/// One scalar of an event file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// When it was written, in seconds since 1970.
    pub wall_time: f64,
    /// The step, or epoch, it belongs to.
    pub step: i64,
    /// Its name.
    pub tag: String,
    /// Its value.
    pub value: f32,
}

/// The event files of a run, growing: one under `train/`, one under `validation/`.
#[derive(Debug)]
pub struct TensorBoard {
    train: EventFile,
    validation: EventFile,
}

impl TensorBoard {
    /// Begins event files under `directory`; `first_epoch` is 0, or that of a resumed run. TensorBoard
    /// then forgets what older files say of that epoch and later ones.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn create(directory: &Path, first_epoch: u32, now: SystemTime) -> io::Result<Self> {
        let begin = |part| EventFile::create(&directory.join(part), first_epoch.into(), now);
        Ok(Self { train: begin("train")?, validation: begin("validation")? })
    }

    /// Writes what an epoch came to.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn epoch(&mut self, epoch: &Epoch, now: SystemTime) -> io::Result<()> {
        let step = epoch.epoch.into();
        let train = [
            ("epoch_loss", epoch.loss),
            ("epoch_accuracy", epoch.accuracy),
            ("epoch_learning_rate", epoch.learning_rate),
        ];
        self.train.scalars(step, &train, now)?;
        let validation = [("epoch_loss", epoch.val_loss), ("epoch_accuracy", epoch.val_accuracy)];
        let validation: Vec<(&str, f64)> =
            validation.into_iter().filter_map(|(tag, value)| Some((tag, value?))).collect();
        if validation.is_empty() { Ok(()) } else { self.validation.scalars(step, &validation, now) }
    }
}

/// An event file, growing by one event at a time, each in one write.
#[derive(Debug)]
pub struct EventFile {
    file: File,
}

impl EventFile {
    /// Begins a file in `directory` under a name that TensorBoard looks for and no other file has.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(directory: &Path, first_step: i64, now: SystemTime) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let mut number = 0;
        let file = loop {
            let name = format!("events.out.tfevents.{seconds:010}.traceward.{}.{number}", std::process::id());
            match File::options().append(true).create_new(true).open(directory.join(name)) {
                Ok(file) => break file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        };
        let mut events = Self { file };
        let mut version = Message::default();
        version.double(1, wall_time(now));
        version.bytes(3, b"brain.Event:2");
        events.record(&version.0)?;
        // A second START tells TensorBoard that what older files say of this step and later ones is void;
        // it takes the first one of a run for its beginning, so every file has one.
        let mut log = Message::default();
        log.varint(1, 1);
        let mut start = Message::default();
        start.double(1, wall_time(now));
        start.varint(2, first_step.cast_unsigned());
        start.bytes(7, &log.0);
        events.record(&start.0)?;
        Ok(events)
    }

    /// Writes one event with these scalars.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn scalars(&mut self, step: i64, scalars: &[(&str, f64)], now: SystemTime) -> io::Result<()> {
        let mut summary = Message::default();
        for (tag, value) in scalars {
            let mut scalar = Message::default();
            scalar.bytes(1, tag.as_bytes());
            scalar.float(2, *value as f32);
            summary.bytes(1, &scalar.0);
        }
        let mut event = Message::default();
        event.double(1, wall_time(now));
        event.varint(2, step.cast_unsigned());
        event.bytes(5, &summary.0);
        self.record(&event.0)
    }

    fn record(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = (payload.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(payload.len() + 16);
        record.extend_from_slice(&length);
        record.extend_from_slice(&masked_crc(&length).to_le_bytes());
        record.extend_from_slice(payload);
        record.extend_from_slice(&masked_crc(payload).to_le_bytes());
        self.file.write_all(&record)
    }
}

fn wall_time(now: SystemTime) -> f64 {
    now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

/// A protobuf message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn key(&mut self, field: u8, wire_type: u8) {
        self.0.push(field << 3 | wire_type);
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn varint(&mut self, field: u8, value: u64) {
        self.key(field, 0);
        self.raw_varint(value);
    }

    fn double(&mut self, field: u8, value: f64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u8, value: &[u8]) {
        self.key(field, 2);
        self.raw_varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn float(&mut self, field: u8, value: f32) {
        self.key(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }
}

/// Why an event file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// It is damaged, or no event file.
    #[error("byte {at}: {what}")]
    Bad {
        /// Where, in bytes from the start.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// Reads the scalars of the event files in `directory`, in the order of their names.
///
/// # Errors
/// If a file cannot be read, or is damaged.
pub fn read_directory(directory: &Path) -> Result<Vec<Scalar>, EventError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| EventError::Io { path, error }
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed(directory))? {
        let path = entry.map_err(failed(directory))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents")) {
            files.push(path);
        }
    }
    files.sort();
    let mut scalars = Vec::new();
    for path in files {
        scalars.extend(read(&fs::read(&path).map_err(failed(&path))?)?);
    }
    Ok(scalars)
}

/// Reads the scalars of an event file held in memory.
///
/// A last record that is cut off, as of a run that was killed or is still at work, ends the file.
///
/// # Errors
/// If a record is damaged, with its place.
pub fn read(file: &[u8]) -> Result<Vec<Scalar>, EventError> {
    let mut scalars = Vec::new();
    let mut at = 0;
    while let Some((length, length_crc)) = record_head(&file[at..]) {
        if masked_crc(&length.to_le_bytes()) != length_crc {
            return Err(EventError::Bad { at, what: "the checksum of a record's length is wrong" });
        }
        let rest = &file[at + 12..];
        let Some(payload) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else { break };
        let Some(crc) = rest.get(payload.len()..).and_then(little_u32) else { break };
        if masked_crc(payload) != crc {
            return Err(EventError::Bad { at, what: "the checksum of a record is wrong" });
        }
        let event = read_event(payload);
        scalars.extend(event.ok_or(EventError::Bad { at, what: "a record is not an Event" })?);
        at += payload.len() + 16;
    }
    Ok(scalars)
}

fn record_head(bytes: &[u8]) -> Option<(u64, u32)> {
    let length = bytes.first_chunk::<8>()?;
    Some((u64::from_le_bytes(*length), little_u32(&bytes[8..])?))
}

fn little_u32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes))
}

fn read_event(payload: &[u8]) -> Option<Vec<Scalar>> {
    let (mut wall_time, mut step, mut values) = (0.0, 0, Vec::new());
    for field in Fields(payload) {
        match field? {
            (1, Field::Fixed64(bits)) => wall_time = f64::from_bits(bits),
            (2, Field::Varint(value)) => step = value.cast_signed(),
            (5, Field::Bytes(summary)) => {
                for value in Fields(summary) {
                    if let (1, Field::Bytes(value)) = value? {
                        values.extend(read_value(value)?);
                    }
                }
            }
            _ => {}
        }
    }
    Some(values.into_iter().map(|(tag, value)| Scalar { wall_time, step, tag, value }).collect())
}

/// The tag and the scalar of a summary's value; nothing if it is an image or the like.
fn read_value(value: &[u8]) -> Option<Option<(String, f32)>> {
    let (mut tag, mut scalar) = (String::new(), None);
    for field in Fields(value) {
        match field? {
            (1, Field::Bytes(name)) => tag = String::from_utf8_lossy(name).into_owned(),
            (2, Field::Fixed32(bits)) => scalar = Some(f32::from_bits(bits)),
            _ => {}
        }
    }
    Some(scalar.map(|scalar| (tag, scalar)))
}

/// The value of a protobuf field, by its wire type.
enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of a protobuf message, with their numbers; `None` once it turns out not to be one.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => {
                let (bits, rest) = self.0.split_first_chunk()?;
                self.0 = rest;
                Field::Fixed64(u64::from_le_bytes(*bits))
            }
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Field::Bytes(bytes)
            }
            5 => {
                let (bits, rest) = self.0.split_first_chunk()?;
                self.0 = rest;
                Field::Fixed32(u32::from_le_bytes(*bits))
            }
            _ => return None,
        };
        Some((key >> 3, field))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

/// CRC-32C, rotated and shifted by a constant so that a checksum of data that holds checksums is sound.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The Castagnoli CRC, reflected polynomial 0x82f63b78, a byte at a time by table.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
                bit += 1;
            }
            table[byte] = crc;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, byte| TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ crc >> 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn epoch(epoch: u32, val_loss: Option<f64>) -> Epoch {
        let val_accuracy = val_loss.map(|_| 0.25);
        Epoch { epoch, accuracy: 0.5, loss: 1.5, val_accuracy, val_loss, learning_rate: 0.125, seconds: 1.0 }
    }

    /// RFC 3720, B.4.
    #[test]
    fn checksums() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46dd_794e);
    }

    #[test]
    fn epochs_have_the_tags_of_keras() {
        let directory = tempfile::tempdir().unwrap();
        let mut board = TensorBoard::create(directory.path(), 0, at(100)).unwrap();
        board.epoch(&epoch(0, Some(1.75)), at(101)).unwrap();
        board.epoch(&epoch(1, None), at(102)).unwrap();
        let list = |part| -> Vec<String> {
            read_directory(&directory.path().join(part))
                .unwrap()
                .iter()
                .map(|s| format!("{} {} {} {}", s.wall_time, s.step, s.tag, s.value))
                .collect()
        };
        let train = [
            "101 0 epoch_loss 1.5",
            "101 0 epoch_accuracy 0.5",
            "101 0 epoch_learning_rate 0.125",
            "102 1 epoch_loss 1.5",
            "102 1 epoch_accuracy 0.5",
            "102 1 epoch_learning_rate 0.125",
        ];
        assert_eq!(list("train"), train);
        assert_eq!(list("validation"), ["101 0 epoch_loss 1.75", "101 0 epoch_accuracy 0.25"]);
    }

    #[test]
    fn a_second_file_of_the_same_second_has_its_own_name() {
        let directory = tempfile::tempdir().unwrap();
        for step in 0..3 {
            let mut file = EventFile::create(directory.path(), 0, at(7)).unwrap();
            file.scalars(step, &[("loss", 1.0)], at(7)).unwrap();
        }
        assert_eq!(read_directory(directory.path()).unwrap().len(), 3);
    }

    fn written(scalars: &[(i64, Vec<(String, f32)>)]) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(directory.path(), 3, at(5)).unwrap();
        for (step, values) in scalars {
            let values: Vec<(&str, f64)> = values.iter().map(|(t, v)| (t.as_str(), f64::from(*v))).collect();
            file.scalars(*step, &values, at(6)).unwrap();
        }
        let path = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
        fs::read(path).unwrap()
    }

    fn any_scalars() -> impl Strategy<Value = Vec<(i64, Vec<(String, f32)>)>> {
        let value = ("[a-zé/_]{0,12}", any::<f32>().prop_filter("equality", |v| !v.is_nan()));
        prop::collection::vec((any::<i64>(), prop::collection::vec(value, 0..4)), 0..6)
    }

    #[test]
    fn a_record_cut_off_ends_the_file() {
        let file = written(&[(0, vec![("loss".into(), 1.0)]), (1, vec![("loss".into(), 2.0)])]);
        for cut in 0..file.len() {
            let scalars = read(&file[..cut]).unwrap();
            assert!(scalars.len() < 2 && scalars.iter().all(|scalar| scalar.value == 1.0));
        }
        assert_eq!(read(&file).unwrap().len(), 2);
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let file = written(&[(0, vec![("loss".into(), 1.0)])]);
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = read(&damaged).unwrap_err().to_string();
            assert!(error.contains("checksum"), "bit {bit}: {error}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(scalars in any_scalars()) {
            let expected: Vec<(i64, String, f32)> = scalars
                .iter()
                .flat_map(|(step, values)| values.iter().map(|(tag, value)| (*step, tag.clone(), *value)))
                .collect();
            let got: Vec<(i64, String, f32)> =
                read(&written(&scalars)).unwrap().into_iter().map(|s| (s.step, s.tag, s.value)).collect();
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read_event(&bytes);
        }
    }
}
