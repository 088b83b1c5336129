//! The list of files in a tar archive: enough of the format for data sets of the 1990s.
//!
//! UNM's archives are plain V7 and ustar; GNU's long names and pax headers are understood as far as a
//! name goes. A header is recognised by its checksum, which V7 archives, that lack any magic, have too.

use std::io::{self, Read, Seek, SeekFrom};

/// The unit of the format, in bytes.
const BLOCK: usize = 512;

/// Longer names are cut out of no archive.
const LONGEST_NAME: u64 = 4096;

/// A regular file in the archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// Whether `head` begins with a tar header.
pub(super) fn looks_like(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(|block: &[u8; BLOCK]| block[0] != 0 && checksum_fits(block))
}

/// The regular files of an archive, in its order; it ends at the first block that is no header.
pub(super) fn entries(input: &mut (impl Read + Seek + ?Sized), most: usize) -> io::Result<Vec<Entry>> {
    let end = input.seek(SeekFrom::End(0))?;
    let mut found = Vec::new();
    let mut long_name: Option<String> = None;
    let mut offset = 0u64;
    let mut block = [0u8; BLOCK];
    while offset + BLOCK as u64 <= end && found.len() < most {
        input.seek(SeekFrom::Start(offset))?;
        input.read_exact(&mut block)?;
        if !checksum_fits(&block) {
            break;
        }
        let Some(len) = octal(&block[124..136]) else { break };
        let body = offset + BLOCK as u64;
        let Some(next) = len.checked_next_multiple_of(BLOCK as u64).and_then(|l| body.checked_add(l)) else {
            break;
        };
        let len = len.min(end.saturating_sub(body));
        match block[156] {
            b'L' | b'x' if len <= LONGEST_NAME => {
                let mut text = vec![0; usize::try_from(len).unwrap_or(0)];
                input.read_exact(&mut text)?;
                long_name = if block[156] == b'L' { Some(text_field(&text)) } else { pax_path(&text) };
            }
            b'0' | 0 => {
                let path = long_name.take().unwrap_or_else(|| short_name(&block));
                if !path.is_empty() && !path.ends_with('/') {
                    found.push(Entry { path, offset: body, len });
                }
            }
            _ => long_name = None,
        }
        offset = next;
    }
    Ok(found)
}

/// Every header carries the sum of its bytes, its own field counted as blanks.
fn checksum_fits(block: &[u8; BLOCK]) -> bool {
    let sum: u64 =
        block.iter().enumerate().map(|(i, &b)| if (148..156).contains(&i) { 32 } else { u64::from(b) }).sum();
    octal(&block[148..156]) == Some(sum)
}

/// A number in octal digits, with blanks before and a blank or NUL after.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_start_matches(' ').split([' ', '\0']).next()?;
    if digits.is_empty() { None } else { u64::from_str_radix(digits, 8).ok() }
}

fn text_field(field: &[u8]) -> String {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn short_name(block: &[u8; BLOCK]) -> String {
    let name = text_field(&block[..100]);
    let prefix = if &block[257..262] == b"ustar" && &block[257..265] != b"ustar  \0" {
        text_field(&block[345..500])
    } else {
        String::new()
    };
    let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    path.strip_prefix("./").map(str::to_owned).unwrap_or(path)
}

/// The path in a pax header: records of `LEN key=value\n`.
fn pax_path(text: &[u8]) -> Option<String> {
    String::from_utf8_lossy(text)
        .lines()
        .find_map(|line| line.split_once(' ')?.1.strip_prefix("path=").map(str::to_owned))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// A V7 archive of small files.
    pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, data) in files {
            let mut block = [0u8; BLOCK];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
            block[156] = b'0';
            block[148..156].fill(b' ');
            let sum: u64 = block.iter().map(|&b| u64::from(b)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            out.extend_from_slice(&block);
            out.extend_from_slice(data);
            out.resize(out.len().next_multiple_of(BLOCK), 0);
        }
        out.resize(out.len() + 2 * BLOCK, 0);
        out
    }

    #[test]
    fn files_are_found_where_they_lie() {
        let tar = archive(&[("a/b.int", b"1 2\n"), ("c.int", &[b'x'; 600])]);
        assert!(looks_like(&tar));
        let found = entries(&mut Cursor::new(&tar), 10).unwrap();
        assert_eq!(found[0], Entry { path: "a/b.int".into(), offset: 512, len: 4 });
        assert_eq!(found[1], Entry { path: "c.int".into(), offset: 1536, len: 600 });
        assert_eq!(entries(&mut Cursor::new(&tar), 1).unwrap().len(), 1);
    }

    #[test]
    fn text_is_no_archive() {
        assert!(!looks_like(&[b'7'; 1024]));
        assert!(!looks_like(&[0; 1024]));
        assert!(!looks_like(b"short"));
    }

    proptest! {
        #[test]
        fn damage_is_survived(at in 0usize..3000, byte: u8, cut in 0usize..3000) {
            let mut tar = archive(&[("a", b"1 2\n"), ("b", b"3 4\n"), ("c", b"")]);
            if let Some(b) = tar.get_mut(at) { *b = byte; }
            tar.truncate(cut);
            let found = entries(&mut Cursor::new(&tar), 100).unwrap();
            for entry in found {
                prop_assert!(entry.offset + entry.len <= tar.len() as u64);
            }
        }
    }
}
