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
//! Newer writers, tf.keras' callback among them, put the number in a tensor (`8: TensorProto`) instead; both are read.
//!
//! Scalars are written as `simple_value`: TensorBoard turns it into what newer files hold, and older
//! readers know nothing else. Tags and folders are those of Keras' callback: `train/` and `validation/`,
//! `epoch_loss`, `epoch_accuracy`, `epoch_learning_rate`, by epoch from 0.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::crc;
use crate::history::Epoch;
use crate::protobuf::{Field, Fields};

/// One scalar of an event file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// When it was written, in seconds since 1970.
    pub wall_time: f64,
    /// The step, or epoch, it belongs to.
    pub step: i64,
    /// Its name.
    pub tag: String,
    /// Its value; most files hold 32-bit floats.
    pub value: f64,
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

/// What an event file holds, as far as it could be read.
#[derive(Debug, Default)]
pub struct Events {
    /// The scalars, in the order of the file.
    pub scalars: Vec<Scalar>,
    /// Whether the last record is cut off, as of a run that was killed or is still at work.
    pub torn: bool,
    /// What ended the reading early; the records before it were read.
    pub damage: Option<EventError>,
}

/// The event files in `directory`, in the order of their names, which is that of their beginnings.
///
/// # Errors
/// If the directory cannot be listed.
pub fn event_files(directory: &Path) -> Result<Vec<PathBuf>, EventError> {
    let failed = |error| EventError::Io { path: directory.to_owned(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents")) && path.is_file()
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads the scalars of the event files in `directory`, in the order of their names.
///
/// # Errors
/// If a file cannot be read, or is damaged.
pub fn read_directory(directory: &Path) -> Result<Vec<Scalar>, EventError> {
    let mut scalars = Vec::new();
    for path in event_files(directory)? {
        let events = read_file(&path)?;
        if let Some(damage) = events.damage {
            return Err(damage);
        }
        scalars.extend(events.scalars);
    }
    Ok(scalars)
}

/// Reads the scalars of an event file, record by record: what else it holds, images or graphs, is passed
/// over and never held together.
///
/// # Errors
/// If it cannot be read. Damage is no error: it is told beside what was read before it.
pub fn read_file(path: &Path) -> Result<Events, EventError> {
    let failed = |error| EventError::Io { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    read_events(io::BufReader::with_capacity(1 << 16, file)).map_err(failed)
}

/// Reads the scalars of an event file held in memory.
///
/// A last record that is cut off, as of a run that was killed or is still at work, ends the file.
///
/// # Errors
/// If a record is damaged, with its place.
pub fn read(file: &[u8]) -> Result<Vec<Scalar>, EventError> {
    let events = read_events(file).map_err(|error| EventError::Io { path: PathBuf::new(), error })?;
    events.damage.map_or(Ok(events.scalars), Err)
}

/// Whether these first bytes of a file begin a record: a length whose checksum is right.
pub fn looks_like(head: &[u8]) -> bool {
    record_head(head).is_some_and(|(length, crc)| masked_crc(&length.to_le_bytes()) == crc)
}

/// A record longer than this holds no scalars worth the memory.
const LONGEST_RECORD: u64 = 64 << 20;

/// Reads the scalars of an event file.
///
/// # Errors
/// If `input` fails.
pub fn read_events(mut input: impl Read) -> io::Result<Events> {
    let mut events = Events::default();
    let (mut at, mut payload) = (0_usize, Vec::new());
    loop {
        let mut head = [0; 12];
        let got = read_up_to(&mut input, &mut head)?;
        events.torn = got > 0;
        let Some((length, length_crc)) = record_head(&head[..got]) else { return Ok(events) };
        let bad = |what| Some(EventError::Bad { at, what });
        if masked_crc(&length.to_le_bytes()) != length_crc {
            events.torn = false;
            events.damage = bad("the checksum of a record's length is wrong");
            return Ok(events);
        }
        let skipped = length > LONGEST_RECORD;
        payload.clear();
        let found = if skipped {
            io::copy(&mut (&mut input).take(length), &mut io::sink())?
        } else {
            (&mut input).take(length).read_to_end(&mut payload)? as u64
        };
        let mut crc = [0; 4];
        if found < length || read_up_to(&mut input, &mut crc)? < crc.len() {
            return Ok(events);
        }
        events.torn = false;
        if !skipped {
            if masked_crc(&payload) != u32::from_le_bytes(crc) {
                events.damage = bad("the checksum of a record is wrong");
                return Ok(events);
            }
            let Some(scalars) = read_event(&payload) else {
                events.damage = bad("a record is not an Event");
                return Ok(events);
            };
            events.scalars.extend(scalars);
        }
        at = at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).saturating_add(16);
    }
}

/// Fills `buffer` as far as `input` reaches.
fn read_up_to(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn record_head(bytes: &[u8]) -> Option<(u64, u32)> {
    let length = bytes.first_chunk::<8>()?;
    let crc = bytes[8..].first_chunk::<4>()?;
    Some((u64::from_le_bytes(*length), u32::from_le_bytes(*crc)))
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
fn read_value(value: &[u8]) -> Option<Option<(String, f64)>> {
    let (mut tag, mut scalar) = (String::new(), None);
    for field in Fields(value) {
        match field? {
            (1, Field::Bytes(name)) => tag = String::from_utf8_lossy(name).into_owned(),
            (2, Field::Fixed32(bits)) => scalar = Some(f32::from_bits(bits).into()),
            (8, Field::Bytes(tensor)) => scalar = scalar_of_tensor(tensor)?.or(scalar),
            _ => {}
        }
    }
    Some(scalar.map(|scalar| (tag, scalar)))
}

/// The value of a `TensorProto` (`tensorflow/core/framework/tensor.proto`) that holds one number:
///
/// ```text
/// { 1: enum dtype, 2: shape { 2: repeated dim { 1: int64 size } }, 4: bytes tensor_content,
///   5: repeated float, 6: repeated double, 7: repeated int32, 10: repeated int64, 11: repeated bool, 13: repeated half }
/// ```
///
/// A list of values may stand packed or one by one; a scalar has one either way. Values that are all zero may
/// be left out.
fn scalar_of_tensor(tensor: &[u8]) -> Option<Option<f64>> {
    let (mut kind, mut values, mut content, mut listed) = (0, 1_u64, None, None);
    for field in Fields(tensor) {
        match field? {
            (1, Field::Varint(value)) => kind = value,
            (2, Field::Bytes(shape)) => {
                for dim in Fields(shape) {
                    if let (2, Field::Bytes(dim)) = dim? {
                        let size = Fields(dim).find_map(|field| match field {
                            Some((1, Field::Varint(size))) => Some(size),
                            _ => None,
                        });
                        values = values.saturating_mul(size.unwrap_or(0));
                    }
                }
            }
            (4, Field::Bytes(bytes)) => content = Some(bytes),
            (5, Field::Fixed32(bits)) => listed = Some(f32::from_bits(bits).into()),
            (5, Field::Bytes(packed)) => {
                listed = packed.first_chunk().map(|bytes| f32::from_le_bytes(*bytes).into());
            }
            (6, Field::Fixed64(bits)) => listed = Some(f64::from_bits(bits)),
            (6, Field::Bytes(packed)) => {
                listed = packed.first_chunk().map(|bytes| f64::from_le_bytes(*bytes));
            }
            (7 | 10 | 11 | 13, Field::Varint(value)) => listed = Some(of_integer(kind, value)),
            (7 | 10 | 11 | 13, Field::Bytes(packed)) => {
                listed = Fields(packed).varint().map(|value| of_integer(kind, value));
            }
            _ => {}
        }
    }
    if values != 1 {
        return Some(None);
    }
    let number = kind_of_number(kind);
    Some(match (listed, content) {
        (Some(value), _) => number.map(|_| value),
        (None, Some(bytes)) => number.and_then(|number| number.of_bytes(bytes)),
        (None, None) => number.map(|_| 0.0),
    })
}

/// TensorFlow's number types (`tensorflow/core/framework/types.proto`), as far as a metric may have them.
#[derive(Clone, Copy)]
enum Number {
    Float,
    Double,
    Int(usize),
    Half,
    BFloat16,
}

fn kind_of_number(kind: u64) -> Option<Number> {
    Some(match kind {
        1 => Number::Float,
        2 => Number::Double,
        3 => Number::Int(4),
        5 => Number::Int(2),
        6 | 10 => Number::Int(1),
        9 => Number::Int(8),
        14 => Number::BFloat16,
        19 => Number::Half,
        _ => return None,
    })
}

impl Number {
    /// A number as it lies in `tensor_content`, little-endian.
    fn of_bytes(self, bytes: &[u8]) -> Option<f64> {
        let integer = |width: usize| {
            let bytes = bytes.get(..width)?;
            let filler = if bytes.last()? & 0x80 == 0 { 0 } else { 0xff };
            let mut wide = [filler; 8];
            wide[..width].copy_from_slice(bytes);
            Some(i64::from_le_bytes(wide) as f64)
        };
        match self {
            Self::Float => bytes.first_chunk().map(|bytes| f32::from_le_bytes(*bytes).into()),
            Self::Double => bytes.first_chunk().map(|bytes| f64::from_le_bytes(*bytes)),
            Self::Int(width) => integer(width),
            Self::Half => bytes.first_chunk().map(|bytes| half(u16::from_le_bytes(*bytes))),
            Self::BFloat16 => bytes.first_chunk().map(|bytes| bfloat16(u16::from_le_bytes(*bytes))),
        }
    }
}

/// A number of one of the lists of integers, which halves stand in, too.
fn of_integer(kind: u64, value: u64) -> f64 {
    match kind_of_number(kind) {
        Some(Number::Half) => half(value as u16),
        Some(Number::BFloat16) => bfloat16(value as u16),
        _ => value.cast_signed() as f64,
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

/// The upper half of a binary32.
fn bfloat16(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}

/// CRC-32C, rotated and shifted by a constant so that a checksum of data that holds checksums is sound.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The Castagnoli CRC.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc::table(0x82f6_3b78);
    crc::checksum(&TABLE, bytes)
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

    /// A `TensorProto` of one number.
    fn tensor(kind: u64, field: u8, wire_type: u8, bytes: &[u8]) -> Vec<u8> {
        let mut tensor = Message::default();
        tensor.varint(1, kind);
        tensor.bytes(2, &[]);
        tensor.key(field, wire_type);
        if wire_type == 2 {
            tensor.raw_varint(bytes.len() as u64);
        }
        tensor.0.extend_from_slice(bytes);
        tensor.0
    }

    #[test]
    fn tensors_of_every_number_type() {
        let cases: &[(u64, u8, u8, &[u8], f64)] = &[
            (1, 4, 2, &1.5_f32.to_le_bytes(), 1.5),
            (1, 5, 5, &1.5_f32.to_le_bytes(), 1.5),
            (1, 5, 2, &1.5_f32.to_le_bytes(), 1.5),
            (2, 4, 2, &0.1_f64.to_le_bytes(), 0.1),
            (2, 6, 1, &0.1_f64.to_le_bytes(), 0.1),
            (2, 6, 2, &0.1_f64.to_le_bytes(), 0.1),
            (3, 4, 2, &(-7_i32).to_le_bytes(), -7.0),
            (3, 7, 0, &[5], 5.0),
            (9, 10, 2, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], -1.0),
            (9, 4, 2, &(1_i64 << 40).to_le_bytes(), 1_099_511_627_776.0),
            // Half: 1.5, the largest, the smallest; bfloat16: 1.5.
            (19, 4, 2, &0x3e00_u16.to_le_bytes(), 1.5),
            (19, 13, 0, &[0xff, 0xf7, 0x01], 65504.0),
            (19, 4, 2, &[1, 0], 5.960_464_477_539_063e-8),
            (14, 13, 2, &[0xc0, 0x7f], 1.5),
        ];
        for (kind, field, wire_type, bytes, expected) in cases {
            let tensor = tensor(*kind, *field, *wire_type, bytes);
            assert_eq!(scalar_of_tensor(&tensor), Some(Some(*expected)), "type {kind}, field {field}");
        }
        // Zero is left out; words and vectors are no scalars.
        assert_eq!(scalar_of_tensor(&[8, 1]), Some(Some(0.0)));
        assert_eq!(scalar_of_tensor(&tensor(7, 8, 2, b"words")), Some(None));
        assert_eq!(scalar_of_tensor(&[8, 1, 0x12, 4, 0x12, 2, 8, 3]), Some(None));
    }

    #[test]
    fn a_claimed_length_is_not_believed() {
        let length = u64::MAX.to_le_bytes();
        let mut file = length.to_vec();
        file.extend_from_slice(&masked_crc(&length).to_le_bytes());
        file.extend_from_slice(b"few bytes");
        let events = read_events(file.as_slice()).unwrap();
        assert!(events.torn && events.damage.is_none());
    }

    proptest! {
        #[test]
        fn round_trip(scalars in any_scalars()) {
            let expected: Vec<(i64, String, f32)> = scalars
                .iter()
                .flat_map(|(step, values)| values.iter().map(|(tag, value)| (*step, tag.clone(), *value)))
                .collect();
            let got: Vec<(i64, String, f32)> =
                read(&written(&scalars)).unwrap().into_iter().map(|s| (s.step, s.tag, s.value as f32)).collect();
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read_event(&bytes);
            let _ = scalar_of_tensor(&bytes);
        }
    }
}
