//! What stands at the end of a Parquet file: the schema, and where each column's pages lie.

use std::io::{Read, SeekFrom};

use super::Broken;
use super::thrift::Thrift;
use crate::Source;
use crate::read::collect::Refusal;
use crate::read::tree::ReadSeek;

/// The four bytes at both ends of a file.
pub(in crate::read) const MAGIC: &[u8; 4] = b"PAR1";

/// The longest footer that is read; ours are under a kilobyte.
const LONGEST: u64 = 8 << 20;

/// More columns than this are not looked at.
const MOST_COLUMNS: usize = 4096;

/// More row groups than Parquet's own ordinals can number.
const MOST_GROUPS: usize = 1 << 15;

/// How values lie in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Int32,
    Int64,
    Bytes,
    Other,
}

/// A column: the path in the schema, and how often its values may be missing or repeated.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The name at the top: `calls` of `calls.list.element`.
    pub(super) root: String,
    pub(super) physical: Physical,
    pub(super) max_definition: u32,
    pub(super) max_repetition: u32,
}

/// The pages of one column in one row group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chunk {
    /// Which leaf of the schema.
    pub(super) leaf: usize,
    pub(super) codec: i64,
    pub(super) start: u64,
    /// In bytes, headers included.
    pub(super) len: u64,
}

/// Rows that stand together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rows: u64,
    pub(super) chunks: Vec<Chunk>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) leaves: Vec<Leaf>,
    pub(super) groups: Vec<Group>,
}

/// Reads the footer; `wanted` says which columns' chunks to keep.
pub(super) fn read(
    input: &mut dyn ReadSeek,
    at: &Source,
    wanted: impl Fn(&str) -> bool,
) -> Result<Footer, Refusal> {
    let io = |error| Refusal::reading(at)(error);
    let end = input.seek(SeekFrom::End(0)).map_err(io)?;
    let mut tail = [0u8; 8];
    if end < 12 {
        return Err(Broken("it is too short").into());
    }
    input.seek(SeekFrom::Start(end - 8)).map_err(io)?;
    input.read_exact(&mut tail).map_err(io)?;
    if &tail[4..] != MAGIC {
        return Err(Broken("it does not end as Parquet files do; was it cut off?").into());
    }
    let len = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if len > LONGEST || len > end - 12 {
        return Err(Broken("its footer is longer than it may be").into());
    }
    input.seek(SeekFrom::Start(end - 8 - len)).map_err(io)?;
    let mut bytes = Vec::new();
    input.take(len).read_to_end(&mut bytes).map_err(io)?;
    Ok(parse(&bytes, end, wanted)?)
}

fn parse(bytes: &[u8], file_len: u64, wanted: impl Fn(&str) -> bool) -> Result<Footer, Broken> {
    let mut elements: Vec<Element> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    // Row groups may be named before the schema in theory only; which leaves are wanted is decided after.
    Thrift::new(bytes).structure(|thrift, id, kind| match id {
        2 => thrift.list(kind, |thrift, _| {
            if elements.len() >= MOST_COLUMNS {
                return Err(Broken("it has too many columns"));
            }
            elements.push(Element::read(thrift)?);
            Ok(())
        }),
        4 => {
            let leaves = leaves(&elements)?;
            thrift.list(kind, |thrift, _| {
                if groups.len() >= MOST_GROUPS {
                    return Err(Broken("it has too many row groups"));
                }
                groups.push(Group::read(thrift, file_len, |leaf| {
                    leaves.get(leaf).is_some_and(|l| wanted(&l.root))
                })?);
                Ok(())
            })
        }
        _ => thrift.skip(kind),
    })?;
    Ok(Footer { leaves: leaves(&elements)?, groups })
}

/// A node of the schema's tree, in depth-first order.
#[derive(Default)]
struct Element {
    name: String,
    physical: Option<i64>,
    repetition: i64,
    children: u64,
}

impl Element {
    fn read(thrift: &mut Thrift<'_>) -> Result<Self, Broken> {
        let mut element = Self::default();
        thrift.structure(|thrift, id, kind| {
            match id {
                1 => element.physical = Some(thrift.int(kind)?),
                3 => element.repetition = thrift.int(kind)?,
                4 => element.name = String::from_utf8_lossy(thrift.binary(kind)?).into_owned(),
                5 => element.children = u64::try_from(thrift.int(kind)?).unwrap_or(0),
                _ => thrift.skip(kind)?,
            }
            Ok(())
        })?;
        Ok(element)
    }
}

/// The leaves of the schema, in the order of the column chunks.
fn leaves(elements: &[Element]) -> Result<Vec<Leaf>, Broken> {
    struct Open {
        children: u64,
        definition: u32,
        repetition: u32,
    }
    let Some((root, below)) = elements.split_first() else { return Ok(Vec::new()) };
    let mut open = vec![Open { children: root.children, definition: 0, repetition: 0 }];
    let mut top = String::new();
    let mut leaves = Vec::new();
    for element in below {
        while open.last().is_some_and(|o| o.children == 0) {
            open.pop();
        }
        let Some(parent) = open.last_mut() else { return Err(Broken("its schema is no tree")) };
        parent.children -= 1;
        // 0 required, 1 optional, 2 repeated.
        let definition = parent.definition + u32::from(element.repetition != 0);
        let repetition = parent.repetition + u32::from(element.repetition == 2);
        if open.len() == 1 {
            top.clone_from(&element.name);
        }
        if element.children > 0 {
            open.push(Open { children: element.children, definition, repetition });
        } else {
            leaves.push(Leaf {
                root: top.clone(),
                physical: match element.physical {
                    Some(1) => Physical::Int32,
                    Some(2) => Physical::Int64,
                    Some(6) => Physical::Bytes,
                    _ => Physical::Other,
                },
                max_definition: definition,
                max_repetition: repetition,
            });
        }
    }
    Ok(leaves)
}

impl Group {
    fn read(thrift: &mut Thrift<'_>, file_len: u64, wanted: impl Fn(usize) -> bool) -> Result<Self, Broken> {
        let mut group = Self { rows: 0, chunks: Vec::new() };
        let mut leaf = 0;
        thrift.structure(|thrift, id, kind| match id {
            1 => thrift.list(kind, |thrift, kind| {
                if wanted(leaf) && group.chunks.len() < MOST_COLUMNS {
                    group.chunks.push(Chunk { leaf, ..Chunk::read(thrift, file_len)? });
                } else {
                    thrift.skip(kind)?;
                }
                leaf += 1;
                Ok(())
            }),
            3 => {
                group.rows = u64::try_from(thrift.int(kind)?)
                    .map_err(|_| Broken("a row group has less than no rows"))?;
                Ok(())
            }
            _ => thrift.skip(kind),
        })?;
        Ok(group)
    }
}

impl Chunk {
    fn read(thrift: &mut Thrift<'_>, file_len: u64) -> Result<Self, Broken> {
        let mut chunk = Self::default();
        let (mut data, mut dictionary) = (None, None);
        let offset = |value: i64| u64::try_from(value).map_err(|_| Broken("a column lies before the file"));
        thrift.structure(|thrift, id, kind| match id {
            1 => Err(Broken("a column lies in another file")),
            3 => thrift.structure(|thrift, id, kind| {
                match id {
                    4 => chunk.codec = thrift.int(kind)?,
                    7 => chunk.len = offset(thrift.int(kind)?)?,
                    9 => data = Some(offset(thrift.int(kind)?)?),
                    11 => dictionary = Some(offset(thrift.int(kind)?)?),
                    _ => thrift.skip(kind)?,
                }
                Ok(())
            }),
            _ => thrift.skip(kind),
        })?;
        let data = data.ok_or(Broken("a column has no pages"))?;
        // Some writers leave the dictionary's offset at 0 to say that there is none.
        chunk.start = dictionary.filter(|&d| d > 0 && d < data).unwrap_or(data);
        match chunk.start.checked_add(chunk.len) {
            Some(end) if end <= file_len => Ok(chunk),
            _ => Err(Broken("a column lies beyond the end of the file")),
        }
    }
}
