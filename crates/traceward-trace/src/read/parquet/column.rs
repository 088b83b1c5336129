//! One column of a row group, value by value.
//!
//! Only one page and one dictionary are held at a time; runs are counted down, not written out, so a
//! page that claims a billion nulls in five bytes costs nothing but the patience of the row limit.

use std::io::{Read, SeekFrom};
use std::ops::Range;

use super::Broken;
use super::footer::{Chunk, Leaf, Physical};
use super::thrift::{Kind, Thrift};
use crate::Source;
use crate::read::budget::Budget;
use crate::read::collect::Refusal;
use crate::read::tree::ReadSeek;

/// The largest page, unpacked, in bytes. Writers aim at one megabyte.
const LARGEST_PAGE: u64 = 64 << 20;

/// The longest page header, in bytes; statistics can make them long.
const LONGEST_HEADER: u64 = 64 << 10;

/// A value of the column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'p> {
    Null,
    /// An entry of [`Column::dictionary`].
    Entry(usize),
    Bytes(&'p [u8]),
    Int(i64),
}

/// Reads a column's cells in order.
pub(super) struct Column {
    physical: Physical,
    max_definition: u32,
    max_repetition: u32,
    codec: i64,
    /// The next page's place, and where the column ends.
    next: u64,
    end: u64,
    dictionary: Vec<u8>,
    entries: Vec<Entry>,
    page: Page,
}

/// A dictionary entry: a range of the dictionary's bytes, or a number.
#[derive(Clone, Debug)]
enum Entry {
    Bytes(Range<usize>),
    Int(i64),
}

#[derive(Default)]
struct Page {
    bytes: Vec<u8>,
    left: u64,
    repetition: Runs,
    definition: Runs,
    values: Values,
}

#[derive(Default)]
enum Values {
    #[default]
    None,
    Plain(usize),
    Indices(Runs),
}

/// The fields of a page header that matter here.
#[derive(Default)]
struct Header {
    kind: i64,
    unpacked: u64,
    packed: u64,
    values: u64,
    encoding: i64,
    level_encodings: [i64; 2],
    repetition_len: u64,
    definition_len: u64,
    v2_plain: bool,
}

const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;

const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const RLE_DICTIONARY: i64 = 8;

impl Column {
    pub(super) fn new(leaf: &Leaf, chunk: &Chunk) -> Self {
        Self {
            physical: leaf.physical,
            max_definition: leaf.max_definition,
            max_repetition: leaf.max_repetition,
            codec: chunk.codec,
            next: chunk.start,
            end: chunk.start + chunk.len,
            dictionary: Vec::new(),
            entries: Vec::new(),
            page: Page::default(),
        }
    }

    /// Whether a row may hold several values.
    pub(super) fn repeats(&self) -> bool {
        self.max_repetition > 0
    }

    /// The dictionary, as far as it is known: all of it after [`Column::load`].
    pub(super) fn dictionary(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.entries.len()).map(|i| self.entry(i))
    }

    /// What an entry of the dictionary holds.
    pub(super) fn entry(&self, index: usize) -> Cell<'_> {
        match &self.entries[index] {
            Entry::Bytes(range) => Cell::Bytes(&self.dictionary[range.clone()]),
            Entry::Int(value) => Cell::Int(*value),
        }
    }

    /// Makes sure that a value is at hand, if there is one left.
    pub(super) fn load(
        &mut self,
        input: &mut dyn ReadSeek,
        at: &Source,
        budget: &Budget,
    ) -> Result<(), Refusal> {
        while self.page.left == 0 && self.next < self.end {
            self.page(input, at, budget)?;
        }
        Ok(())
    }

    /// Whether the next value goes on with the row of the one before; `None` at the column's end.
    pub(super) fn continues(
        &mut self,
        input: &mut dyn ReadSeek,
        at: &Source,
        budget: &Budget,
    ) -> Result<Option<bool>, Refusal> {
        self.load(input, at, budget)?;
        if self.page.left == 0 {
            return Ok(None);
        }
        Ok(Some(self.page.repetition.peek(&self.page.bytes)? > 0))
    }

    /// The next value. [`Column::load`] or [`Column::continues`] must have said that there is one.
    pub(super) fn cell(&mut self) -> Result<Cell<'_>, Broken> {
        let page = &mut self.page;
        if page.left == 0 {
            return Err(Broken("a column has fewer values than rows"));
        }
        page.left -= 1;
        page.repetition.next(&page.bytes)?;
        if page.definition.next(&page.bytes)? < self.max_definition {
            return Ok(Cell::Null);
        }
        match &mut page.values {
            Values::None => Err(Broken("a page holds no values")),
            Values::Indices(runs) => {
                let index = runs.next(&page.bytes)? as usize;
                if index < self.entries.len() {
                    Ok(Cell::Entry(index))
                } else {
                    Err(Broken("a value points beyond its dictionary"))
                }
            }
            Values::Plain(at) => plain(&page.bytes, at, self.physical).map(|entry| match entry {
                Entry::Bytes(range) => Cell::Bytes(&self.page.bytes[range]),
                Entry::Int(value) => Cell::Int(value),
            }),
        }
    }

    /// Reads the next page, of whatever kind.
    fn page(&mut self, input: &mut dyn ReadSeek, at: &Source, budget: &Budget) -> Result<(), Refusal> {
        let io = |error| Refusal::reading(at)(error);
        input.seek(SeekFrom::Start(self.next)).map_err(io)?;
        let mut bytes = Vec::new();
        input.take(LONGEST_HEADER.min(self.end - self.next)).read_to_end(&mut bytes).map_err(io)?;
        let mut thrift = Thrift::new(&bytes);
        let header = Header::read(&mut thrift)?;
        let body = self.next + thrift.position() as u64;
        if header.packed > self.end.saturating_sub(body) {
            return Err(Broken("a page is longer than its column").into());
        }
        if header.unpacked > LARGEST_PAGE || header.packed > LARGEST_PAGE {
            return Err(Broken("a page is larger than 64 MiB").into());
        }
        input.seek(SeekFrom::Start(body)).map_err(io)?;
        let mut packed = Vec::new();
        input.take(header.packed).read_to_end(&mut packed).map_err(io)?;
        self.next = body + header.packed;
        budget.spend(header.unpacked).map_err(io)?;
        match header.kind {
            DICTIONARY_PAGE => self.dictionary_page(&header, packed)?,
            DATA_PAGE => self.data_page(&header, packed)?,
            DATA_PAGE_V2 => self.data_page_v2(&header, &packed)?,
            // Index pages, and whatever is invented next, hold no values.
            _ => {}
        }
        Ok(())
    }

    fn dictionary_page(&mut self, header: &Header, packed: Vec<u8>) -> Result<(), Broken> {
        if !self.entries.is_empty() {
            return Err(Broken("a column has two dictionaries"));
        }
        if ![PLAIN, PLAIN_DICTIONARY].contains(&header.encoding) {
            return Err(Broken("a dictionary is not in plain encoding"));
        }
        self.dictionary = unpack(self.codec, packed, header.unpacked)?;
        let mut at = 0;
        for _ in 0..header.values {
            self.entries.push(plain(&self.dictionary, &mut at, self.physical)?);
        }
        Ok(())
    }

    fn data_page(&mut self, header: &Header, packed: Vec<u8>) -> Result<(), Broken> {
        if header.level_encodings.iter().any(|&e| e != RLE && e != 0) {
            return Err(Broken("a page's levels are in an encoding that is not read"));
        }
        let bytes = unpack(self.codec, packed, header.unpacked)?;
        let mut at = 0;
        let mut levels = |max: u32| -> Result<Runs, Broken> {
            if max == 0 {
                return Ok(Runs::default());
            }
            let len = bytes
                .get(at..at + 4)
                .and_then(|b| b.first_chunk())
                .map(|b| u32::from_le_bytes(*b) as usize)
                .ok_or(Broken("a page ends within its levels"))?;
            let start = at + 4;
            at = start
                .checked_add(len)
                .filter(|&end| end <= bytes.len())
                .ok_or(Broken("a page ends within its levels"))?;
            Ok(Runs::new(start..at, width(max)))
        };
        let repetition = levels(self.max_repetition)?;
        let definition = levels(self.max_definition)?;
        let values = values(&bytes, at, header.encoding)?;
        self.page = Page { bytes, left: header.values, repetition, definition, values };
        Ok(())
    }

    fn data_page_v2(&mut self, header: &Header, packed: &[u8]) -> Result<(), Broken> {
        let wrong = Broken("a page ends within its levels");
        let repetition_end = usize::try_from(header.repetition_len).map_err(|_| wrong)?;
        let levels_end = usize::try_from(header.definition_len)
            .ok()
            .and_then(|len| len.checked_add(repetition_end))
            .filter(|&end| end <= packed.len())
            .ok_or(wrong)?;
        let mut bytes = packed[..levels_end].to_vec();
        let rest = packed[levels_end..].to_vec();
        let unpacked = header.unpacked.checked_sub(levels_end as u64).ok_or(wrong)?;
        let codec = if header.v2_plain { 0 } else { self.codec };
        bytes.extend(unpack(codec, rest, unpacked)?);
        let runs = |range, max| if max == 0 { Runs::default() } else { Runs::new(range, width(max)) };
        let repetition = runs(0..repetition_end, self.max_repetition);
        let definition = runs(repetition_end..levels_end, self.max_definition);
        let values = values(&bytes, levels_end, header.encoding)?;
        self.page = Page { bytes, left: header.values, repetition, definition, values };
        Ok(())
    }
}

impl Header {
    fn read(thrift: &mut Thrift<'_>) -> Result<Self, Broken> {
        let mut header = Self::default();
        let size = |value: i64| u64::try_from(value).map_err(|_| Broken("a page has a size below zero"));
        thrift.structure(|thrift, id, kind| {
            match id {
                1 => header.kind = thrift.int(kind)?,
                2 => header.unpacked = size(thrift.int(kind)?)?,
                3 => header.packed = size(thrift.int(kind)?)?,
                // The header of a data page, or of a dictionary, which has no levels.
                5 | 7 => thrift.structure(|thrift, field, kind| {
                    match field {
                        1 => header.values = size(thrift.int(kind)?)?,
                        2 => header.encoding = thrift.int(kind)?,
                        3 if id == 5 => header.level_encodings[0] = thrift.int(kind)?,
                        4 if id == 5 => header.level_encodings[1] = thrift.int(kind)?,
                        _ => thrift.skip(kind)?,
                    }
                    Ok(())
                })?,
                8 => thrift.structure(|thrift, field, kind| {
                    match field {
                        1 => header.values = size(thrift.int(kind)?)?,
                        4 => header.encoding = thrift.int(kind)?,
                        5 => header.definition_len = size(thrift.int(kind)?)?,
                        6 => header.repetition_len = size(thrift.int(kind)?)?,
                        7 => header.v2_plain = kind == Kind::False,
                        _ => thrift.skip(kind)?,
                    }
                    Ok(())
                })?,
                _ => thrift.skip(kind)?,
            }
            Ok(())
        })?;
        Ok(header)
    }
}

/// The bits that a level up to `max` takes.
fn width(max: u32) -> u32 {
    u32::BITS - max.leading_zeros()
}

fn values(bytes: &[u8], at: usize, encoding: i64) -> Result<Values, Broken> {
    match encoding {
        PLAIN => Ok(Values::Plain(at)),
        PLAIN_DICTIONARY | RLE_DICTIONARY => match bytes.get(at) {
            // A page of nulls alone may end here.
            None => Ok(Values::None),
            Some(&width) if width <= 32 => Ok(Values::Indices(Runs::new(at + 1..bytes.len(), width.into()))),
            Some(_) => Err(Broken("a page has indices of more than 32 bits")),
        },
        _ => Err(Broken("a page is in an encoding that is not read; write it with a dictionary or plain")),
    }
}

/// The value at `at` in plain encoding.
fn plain(bytes: &[u8], at: &mut usize, physical: Physical) -> Result<Entry, Broken> {
    let short = Broken("a page ends within a value");
    let rest = bytes.get(*at..).ok_or(short)?;
    Ok(match physical {
        Physical::Int32 => {
            *at += 4;
            Entry::Int(i32::from_le_bytes(*rest.first_chunk().ok_or(short)?).into())
        }
        Physical::Int64 => {
            *at += 8;
            Entry::Int(i64::from_le_bytes(*rest.first_chunk().ok_or(short)?))
        }
        Physical::Bytes => {
            let len = u32::from_le_bytes(*rest.first_chunk().ok_or(short)?) as usize;
            let start = *at + 4;
            let end = start.checked_add(len).filter(|&end| end <= bytes.len()).ok_or(short)?;
            *at = end;
            Entry::Bytes(start..end)
        }
        Physical::Other => return Err(Broken("a column holds neither text nor whole numbers")),
    })
}

/// Unpacks a page that must come to `len` bytes.
fn unpack(codec: i64, packed: Vec<u8>, len: u64) -> Result<Vec<u8>, Broken> {
    let len = usize::try_from(len).map_err(|_| Broken("a page is larger than memory"))?;
    let damaged = Broken("a page does not unpack");
    let limited = |reader: &mut dyn Read| {
        let mut out = Vec::new();
        reader.take(len as u64 + 1).read_to_end(&mut out).map_err(|_| damaged)?;
        Ok(out)
    };
    let out = match codec {
        0 => packed,
        1 => {
            if snap::raw::decompress_len(&packed).ok() != Some(len) {
                return Err(damaged);
            }
            snap::raw::Decoder::new().decompress_vec(&packed).map_err(|_| damaged)?
        }
        2 => limited(&mut flate2::read::MultiGzDecoder::new(packed.as_slice()))?,
        6 if len == 0 => Vec::new(),
        6 => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(packed.as_slice()).map_err(|_| damaged)?;
            decoder.window_log_max(LARGEST_PAGE.ilog2()).map_err(|_| damaged)?;
            limited(&mut decoder)?
        }
        _ => return Err(Broken("it is packed by a method other than snappy, gzip and zstd")),
    };
    if out.len() == len { Ok(out) } else { Err(Broken("a page unpacks to another size than it says")) }
}

/// Parquet's hybrid of runs and bit-packed groups, read one number at a time.
#[derive(Default)]
struct Runs {
    range: Range<usize>,
    width: u32,
    left: u64,
    run: Run,
    peeked: Option<u32>,
}

#[derive(Default)]
enum Run {
    /// Before the first run; without a width, every number is 0.
    #[default]
    None,
    Same(u32),
    /// The bit where the next number starts.
    Packed(usize),
}

impl Runs {
    fn new(range: Range<usize>, width: u32) -> Self {
        Self { range, width, ..Self::default() }
    }

    fn peek(&mut self, bytes: &[u8]) -> Result<u32, Broken> {
        match self.peeked {
            Some(value) => Ok(value),
            None => {
                let value = self.advance(bytes)?;
                self.peeked = Some(value);
                Ok(value)
            }
        }
    }

    fn next(&mut self, bytes: &[u8]) -> Result<u32, Broken> {
        match self.peeked.take() {
            Some(value) => Ok(value),
            None => self.advance(bytes),
        }
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<u32, Broken> {
        if self.width == 0 {
            return Ok(0);
        }
        while self.left == 0 {
            self.run(bytes)?;
        }
        self.left -= 1;
        match &mut self.run {
            Run::None => Ok(0),
            Run::Same(value) => Ok(*value),
            Run::Packed(bit) => {
                let (start, shift) = (*bit / 8, *bit % 8);
                *bit += self.width as usize;
                let window = &bytes[start..self.range.start.max(start)];
                let value = match window.first_chunk::<8>() {
                    Some(eight) => u64::from_le_bytes(*eight),
                    None if bit.div_ceil(8) <= self.range.start => {
                        window.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
                    }
                    None => return Err(Broken("a page ends within its runs")),
                };
                let mask = (1u64 << self.width) - 1;
                u32::try_from(value >> shift & mask).map_err(|_| Broken("a page ends within its runs"))
            }
        }
    }

    /// Reads the header of the next run.
    fn run(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let short = Broken("a page ends within its runs");
        let mut header = 0u64;
        let mut shift = 0;
        loop {
            if self.range.is_empty() || shift > 56 {
                return Err(short);
            }
            let byte = *bytes.get(self.range.start).ok_or(short)?;
            self.range.start += 1;
            header |= u64::from(byte & 127) << shift;
            shift += 7;
            if byte & 128 == 0 {
                break;
            }
        }
        let count = header >> 1;
        let rest = self.range.len();
        if header & 1 == 1 {
            // `count` groups of eight numbers, `width` bytes a group; writers may cut the last one short.
            let len =
                usize::try_from(count).ok().and_then(|c| c.checked_mul(self.width as usize)).ok_or(short)?;
            self.run = Run::Packed(self.range.start * 8);
            self.range.start += len.min(rest);
            self.left = if len <= rest { count * 8 } else { (rest * 8 / self.width as usize) as u64 };
        } else {
            let len = self.width.div_ceil(8) as usize;
            if len > rest {
                return Err(short);
            }
            let value = bytes[self.range.start..self.range.start + len]
                .iter()
                .rev()
                .fold(0u32, |value, &byte| value << 8 | u32::from(byte));
            self.range.start += len;
            self.run = Run::Same(value);
            self.left = count;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], width: u32, n: usize) -> Result<Vec<u32>, Broken> {
        let mut runs = Runs::new(0..bytes.len(), width);
        (0..n).map(|_| runs.next(bytes)).collect()
    }

    #[test]
    fn runs_and_packed_groups_are_read_as_the_format_says() {
        // Five times 3, then the format's own example: 0 to 7 in three bits each.
        let bytes = [10, 3, 0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(all(&bytes, 3, 13).unwrap(), [3, 3, 3, 3, 3, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(all(&bytes, 3, 14).is_err());
    }

    #[test]
    fn wide_numbers_cross_bytes() {
        let mut bytes = vec![0b11];
        let numbers = [1u64, 1023, 512, 7, 0, 1000, 3, 999];
        let mut bits = 0u128;
        for (i, n) in numbers.iter().enumerate() {
            bits |= u128::from(*n) << (10 * i);
        }
        bytes.extend_from_slice(&bits.to_le_bytes()[..10]);
        let found: Vec<u64> = all(&bytes, 10, 8).unwrap().into_iter().map(u64::from).collect();
        assert_eq!(found, numbers);
    }

    #[test]
    fn a_peek_takes_nothing() {
        let bytes = [4, 1];
        let mut runs = Runs::new(0..2, 1);
        assert_eq!(runs.peek(&bytes).unwrap(), 1);
        assert_eq!(runs.next(&bytes).unwrap(), 1);
        assert_eq!(runs.next(&bytes).unwrap(), 1);
        assert!(runs.next(&bytes).is_err());
    }
}
