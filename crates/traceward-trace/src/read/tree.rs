//! A folder, a zip archive or a tar archive, seen alike: members with names, read one at a time.
//!
//! Readers of layouts (ADFA-LD's folders, class folders, UNM's) work on a [`Tree`], so that a data set
//! reads the same whether it was unpacked or not. Nothing is ever unpacked to disk.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::budget::{Budget, Metered};
use super::collect::OverBudget;
use super::tar;
use crate::{Error, Source};

/// More members than this are not listed.
const MOST_MEMBERS: usize = 1 << 22;

/// The most that is unpacked into memory at once, in bytes: what is packed and must be jumped about in.
const IN_MEMORY: u64 = 256 << 20;

/// How deep folders may lie in one another.
const DEEPEST: usize = 32;

/// What archives are read from.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Members below one root, sorted by path.
pub(super) struct Tree<'a> {
    root: String,
    members: Vec<Member>,
    store: Store<'a>,
    budget: Budget,
    unread: Vec<String>,
}

struct Member {
    /// The path below the root, with `/` between its parts.
    path: String,
    at: Place,
}

enum Place {
    File(PathBuf),
    Zip(usize),
    Tar { offset: u64, len: u64 },
}

enum Store<'a> {
    Folder,
    Zip(Box<ZipArchive<Box<dyn ReadSeek + 'a>>>),
    Tar(Box<dyn ReadSeek + 'a>),
}

impl<'a> Tree<'a> {
    /// The regular files below a folder. Links to files count as files; links to folders are not
    /// followed, so that a loop of them cannot hold us.
    pub(super) fn folder(root: &Path, budget: Budget) -> Result<Self, Error> {
        let (mut members, mut unread) = (Vec::new(), Vec::new());
        let mut open = vec![(root.to_path_buf(), String::new(), 0)];
        while let Some((folder, prefix, depth)) = open.pop() {
            let listing = match fs::read_dir(&folder) {
                Ok(listing) => listing,
                Err(error) if depth == 0 => return Err(Error::io("list", &folder)(error)),
                Err(error) => {
                    unread.push(format!("{}: {error}", folder.display()));
                    continue;
                }
            };
            for entry in listing.flatten() {
                let Ok(name) = entry.file_name().into_string() else {
                    unread.push(format!("{}: its name is not UTF-8", entry.path().display()));
                    continue;
                };
                let path = format!("{prefix}{name}");
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    if depth < DEEPEST {
                        open.push((entry.path(), format!("{path}/"), depth + 1));
                    } else {
                        unread.push(format!(
                            "{}: it lies deeper than {DEEPEST} folders",
                            entry.path().display()
                        ));
                    }
                } else if kind.is_file() || (kind.is_symlink() && entry.path().is_file()) {
                    members.push(Member { path, at: Place::File(entry.path()) });
                    bounded(&members, root)?;
                }
            }
        }
        let tree = Self::new(root.display().to_string(), members, Store::Folder, budget);
        Ok(Self { unread, ..tree })
    }

    /// The files in a zip archive.
    pub(super) fn zip(name: &str, input: Box<dyn ReadSeek + 'a>, budget: Budget) -> Result<Self, Error> {
        let broken = |error: &dyn std::fmt::Display| Error::Bad {
            source_at: Source { file: name.into(), line: None },
            reason: format!("It begins like a zip archive, and cannot be read as one: {error}."),
        };
        let archive = ZipArchive::new(input).map_err(|e| broken(&e))?;
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        for index in 0..archive.len() {
            let Some(Ok(path)) = archive.name_for_index(index) else { continue };
            if !path.ends_with('/') && seen.insert(path.to_string()) {
                members.push(Member { path: path.into_owned(), at: Place::Zip(index) });
                bounded(&members, Path::new(name))?;
            }
        }
        Ok(Self::new(name.to_owned(), members, Store::Zip(Box::new(archive)), budget))
    }

    /// The files in a tar archive.
    pub(super) fn tar(name: &str, mut input: Box<dyn ReadSeek + 'a>, budget: Budget) -> Result<Self, Error> {
        let entries = tar::entries(&mut input, MOST_MEMBERS).map_err(Error::io("read", name))?;
        let members = entries
            .into_iter()
            .map(|e| Member { path: e.path, at: Place::Tar { offset: e.offset, len: e.len } })
            .collect();
        Ok(Self::new(name.to_owned(), members, Store::Tar(input), budget))
    }

    fn new(root: String, mut members: Vec<Member>, store: Store<'a>, budget: Budget) -> Self {
        members.retain(|m| !hidden(&m.path));
        members.sort_by(|a, b| a.path.cmp(&b.path));
        Self { root, members, store, budget, unread: Vec::new() }
    }

    /// The folder or archive as the user named it.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The last part of the root's name.
    pub(super) fn root_name(&self) -> &str {
        self.root.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// Folders and files that could not be listed, each with the reason.
    pub(super) fn unread(&self) -> &[String] {
        &self.unread
    }

    /// Whether this is an archive rather than a folder.
    pub(super) fn is_archive(&self) -> bool {
        !matches!(self.store, Store::Folder)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The path of member `index` below the root.
    pub(super) fn path(&self, index: usize) -> &str {
        &self.members[index].path
    }

    /// All paths, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|m| m.path.as_str())
    }

    /// The member with this path below the root.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.members.binary_search_by(|member| member.path.as_str().cmp(path)).ok()
    }

    /// What stands in messages for member `index`.
    pub(super) fn source(&self, index: usize) -> Source {
        let path = &self.members[index].path;
        let file: Arc<str> = match self.store {
            Store::Folder => Path::new(&self.root).join(path).display().to_string().into(),
            _ => format!("{}!{path}", self.root).into(),
        };
        Source { file, line: None }
    }

    /// Opens member `index`; what is gzipped comes out unpacked.
    pub(super) fn open(&mut self, index: usize) -> io::Result<Box<dyn BufRead + '_>> {
        let budget = self.budget.clone();
        let raw: Box<dyn BufRead + '_> = match (&self.members[index].at, &mut self.store) {
            (Place::File(path), _) => Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)),
            (Place::Zip(index), Store::Zip(archive)) => {
                let file = archive.by_index(*index).map_err(io::Error::other)?;
                Box::new(BufReader::with_capacity(1 << 15, Metered::new(file, budget.clone())))
            }
            (Place::Tar { offset, len }, Store::Tar(input)) => {
                input.seek(SeekFrom::Start(*offset))?;
                Box::new(BufReader::with_capacity(1 << 15, Metered::new(input.take(*len), budget.clone())))
            }
            _ => return Err(io::Error::other("the member is not in this archive")),
        };
        ungzipped(raw, &budget)
    }

    /// Opens member `index` for jumping about in it: in place in a folder, else in memory.
    pub(super) fn open_seekable(&mut self, index: usize) -> io::Result<Box<dyn ReadSeek + '_>> {
        if let Place::File(path) = &self.members[index].at {
            return Ok(Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)));
        }
        Ok(Box::new(slurp(&mut self.open(index)?)?))
    }

    /// The first bytes of member `index`, at most `most`, and whether that is all of it.
    pub(super) fn head(&mut self, index: usize, most: usize) -> io::Result<(Vec<u8>, bool)> {
        head(&mut self.open(index)?, most)
    }
}

/// `raw`, or what is in it if it is gzipped.
pub(super) fn ungzipped<'r>(
    mut raw: Box<dyn BufRead + 'r>,
    budget: &Budget,
) -> io::Result<Box<dyn BufRead + 'r>> {
    if !raw.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        return Ok(raw);
    }
    let unpacked = Metered::new(MultiGzDecoder::new(raw), budget.clone());
    Ok(Box::new(BufReader::with_capacity(1 << 16, unpacked)))
}

/// The first bytes of `input`, at most `most`, and whether that is all of it.
pub(super) fn head(input: &mut dyn Read, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    input.take(most as u64 + 1).read_to_end(&mut head)?;
    let all = head.len() <= most;
    head.truncate(most);
    Ok((head, all))
}

/// All of `input` in memory, for formats that need to jump about in it.
pub(super) fn slurp(input: &mut dyn Read) -> io::Result<Cursor<Vec<u8>>> {
    let mut all = Vec::new();
    input.take(IN_MEMORY + 1).read_to_end(&mut all)?;
    if all.len() as u64 > IN_MEMORY {
        return Err(io::Error::other(OverBudget(IN_MEMORY)));
    }
    Ok(Cursor::new(all))
}

fn bounded(members: &[Member], root: &Path) -> Result<(), Error> {
    if members.len() <= MOST_MEMBERS {
        return Ok(());
    }
    Err(Error::TooLarge {
        source_at: Source { file: root.display().to_string().into(), line: None },
        what: "the number of files in it".into(),
        limit: MOST_MEMBERS.to_string(),
    })
}

/// Files that systems leave behind: `.DS_Store`, `__MACOSX/`, `Thumbs.db`.
fn hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') || part == "__MACOSX") || path.ends_with("Thumbs.db")
}
