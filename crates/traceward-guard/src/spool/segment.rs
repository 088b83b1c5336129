//! One file of a spool.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::record::{self, Record};

/// A file of lines, written at its end only.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    path: PathBuf,
    /// Left open: what is pending can be read even if somebody removes the file.
    pub(super) file: File,
    /// How long it is, as far as it is good.
    pub(super) length: u64,
    /// The number of its last alert; 0 if it has none.
    pub(super) last: u64,
}

/// Where an alert's line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) segment: u64,
    offset: u64,
    pub(super) length: u32,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) places: Vec<Place>,
    /// The highest number acknowledged in it.
    pub(super) through: u64,
    /// Lines that were damaged.
    pub(super) damaged: u64,
    /// Whether the end was torn off, and cut.
    pub(super) torn: bool,
}

/// The name of a file; names sort as the files follow each other.
fn name(number: u64) -> String {
    format!("{number:010}.spool")
}

/// The number in a file's name, if it is a spool's.
pub(super) fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".spool")?.parse().ok()
}

impl Segment {
    /// A new file, and the folder knows of it. One of that name was left by a try that failed.
    pub(super) fn create(folder: &Path, number: u64) -> io::Result<Self> {
        let path = folder.join(name(number));
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        File::open(folder)?.sync_all()?;
        Ok(Self { number, path, file, length: 0, last: 0 })
    }

    /// Opens a file and reads what it holds. A last line without its end was being written when the writer
    /// died: nobody was told that it is kept, and it is cut off.
    pub(super) fn open(path: &Path, number: u64) -> io::Result<(Self, Contents)> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut contents = Contents::default();
        let (mut length, mut last) = (0, 0);
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let Some(text) = line.strip_suffix(b"\n") else {
                contents.torn = true;
                break;
            };
            match (record::read(text), u32::try_from(text.len())) {
                (Some(Record::Alert { number: alert, .. }), Ok(bytes)) => {
                    contents.places.push(Place {
                        number: alert,
                        segment: number,
                        offset: length,
                        length: bytes,
                    });
                    last = last.max(alert);
                }
                (Some(Record::Acknowledged { through }), _) => {
                    contents.through = contents.through.max(through);
                }
                _ => contents.damaged += 1,
            }
            length += line.len() as u64;
        }
        if contents.torn {
            file.set_len(length)?;
        }
        Ok((Self { number, path: path.into(), file, length, last }, contents))
    }

    /// Writes a line at the end. If that fails, the end is where it was: what is there of the line is cut off,
    /// or written over by the next.
    pub(super) fn append(&mut self, line: &str, sync: bool) -> io::Result<()> {
        let written = self.file.write_all_at(line.as_bytes(), self.length);
        let written = written.and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        match written {
            Ok(()) => self.length += line.len() as u64,
            Err(_) => drop(self.file.set_len(self.length)),
        }
        written
    }

    /// Where the next line goes.
    pub(super) fn place(&self, number: u64, line: &str) -> Option<Place> {
        let length = u32::try_from(line.len().checked_sub(1)?).ok()?;
        Some(Place { number, segment: self.number, offset: self.length, length })
    }

    /// Reads the line at a place.
    pub(super) fn read(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut line = vec![0; place.length as usize];
        self.file.read_exact_at(&mut line, place.offset)?;
        Ok(line)
    }

    /// Throws away all that it holds.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        (self.length, self.last) = (0, 0);
        Ok(())
    }

    /// Removes the file.
    pub(super) fn remove(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}
