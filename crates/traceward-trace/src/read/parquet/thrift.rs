//! Thrift's compact protocol, as far as Parquet's headers use it.
//!
//! A pull reader: the caller says which fields it wants and everything else is passed over, so memory is
//! what the caller keeps, whatever sizes the bytes promise.

use super::Broken;

/// How deep structures may lie in one another; Parquet's own reach six.
const DEEPEST: u32 = 24;

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    True,
    False,
    Byte,
    Int,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of(code: u8) -> Result<Self, Broken> {
        Ok(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Int,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(Broken("a header holds a value of no known kind")),
        })
    }
}

/// Reads values one after the other.
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Reads a structure; `field` gets each field's number and kind, and reads or [`Thrift::skip`]s it.
    pub(super) fn structure(
        &mut self,
        mut field: impl FnMut(&mut Self, i64, Kind) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        self.deeper()?;
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            if head & 15 == 0 {
                break;
            }
            let kind = Kind::of(head & 15)?;
            id = match head >> 4 {
                0 => self.zigzag()?,
                step => id.saturating_add(i64::from(step)),
            };
            field(self, id, kind)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a list; `element` gets each element's kind.
    pub(super) fn list(
        &mut self,
        kind: Kind,
        mut element: impl FnMut(&mut Self, Kind) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        if kind != Kind::List {
            return Err(Broken("a header holds no list where one must be"));
        }
        self.deeper()?;
        let head = self.byte()?;
        let len = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        let kind = if len == 0 { Kind::Byte } else { Kind::of(head & 15)? };
        for _ in 0..len {
            element(self, kind)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a whole number.
    pub(super) fn int(&mut self, kind: Kind) -> Result<i64, Broken> {
        if kind == Kind::Int {
            self.zigzag()
        } else {
            Err(Broken("a header holds no number where one must be"))
        }
    }

    /// Reads a string of bytes.
    pub(super) fn binary(&mut self, kind: Kind) -> Result<&'a [u8], Broken> {
        if kind != Kind::Binary {
            return Err(Broken("a header holds no string where one must be"));
        }
        let len = self.varint()?;
        self.take(len)
    }

    /// Passes over a value. An element of a list of booleans takes a byte, a field none.
    pub(super) fn skip(&mut self, kind: Kind) -> Result<(), Broken> {
        self.skip_value(kind, false)
    }

    fn skip_value(&mut self, kind: Kind, in_list: bool) -> Result<(), Broken> {
        match kind {
            Kind::True | Kind::False if !in_list => Ok(()),
            Kind::True | Kind::False | Kind::Byte => self.byte().map(drop),
            Kind::Int => self.varint().map(drop),
            Kind::Double => self.take(8).map(drop),
            Kind::Uuid => self.take(16).map(drop),
            Kind::Binary => self.binary(kind).map(drop),
            Kind::List => self.list(kind, |thrift, kind| thrift.skip_value(kind, true)),
            Kind::Struct => self.structure(|thrift, _, kind| thrift.skip(kind)),
            Kind::Map => {
                self.deeper()?;
                let len = self.varint()?;
                if len > 0 {
                    let kinds = self.byte()?;
                    let (key, value) = (Kind::of(kinds >> 4)?, Kind::of(kinds & 15)?);
                    for _ in 0..len {
                        self.skip_value(key, true)?;
                        self.skip_value(value, true)?;
                    }
                }
                self.depth -= 1;
                Ok(())
            }
        }
    }

    fn deeper(&mut self) -> Result<(), Broken> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(Broken("a header is nested too deep")) } else { Ok(()) }
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let byte = *self.bytes.get(self.at).ok_or(Broken("a header ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Broken> {
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        let part =
            end.and_then(|end| self.bytes.get(self.at..end)).ok_or(Broken("a header ends too early"))?;
        self.at += part.len();
        Ok(part)
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte & 128 == 0 {
                return Ok(value);
            }
        }
        Err(Broken("a header holds a number that does not end"))
    }

    fn zigzag(&mut self) -> Result<i64, Broken> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}
