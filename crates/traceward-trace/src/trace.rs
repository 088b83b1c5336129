//! The types that everything else passes around: a trace, and the data set it belongs to.
//!
//! Calls are stored as `u16` indices into one table of names per data set: two bytes a call, and the
//! names are compared once, when the set is read, instead of in every loop.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::Abi;
use crate::abi::AbiGuess;
use crate::read::Format;

/// The distinct calls of a data set, numbered in order of first appearance.
///
/// A name is the kernel's (`openat`), or `#412` for a number that the set's ABI does not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallTable {
    names: Vec<Arc<str>>,
    index: HashMap<Arc<str>, u16>,
}

impl CallTable {
    /// The most distinct calls a data set may hold.
    pub const MAX: usize = u16::MAX as usize;

    /// The index of `name`, adding it if it is new; `None` once the table is full.
    pub fn intern(&mut self, name: &str) -> Option<u16> {
        if let Some(&id) = self.index.get(name) {
            return Some(id);
        }
        if self.names.len() >= Self::MAX {
            return None;
        }
        let id = u16::try_from(self.names.len()).ok()?;
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.index.insert(name, id);
        Some(id)
    }

    /// The index of `name`, if the table has it.
    pub fn get(&self, name: &str) -> Option<u16> {
        self.index.get(name).copied()
    }

    /// The name of call `id`.
    ///
    /// # Panics
    /// If `id` did not come from this table.
    pub fn name(&self, id: u16) -> &str {
        &self.names[usize::from(id)]
    }

    /// All names, by index.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// How many distinct calls there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no call at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Where a trace was read: a file, or a member of an archive (`ADFA-LD.zip!ADFA-LD/…/UAD-1.txt`), and
/// a line of it where a file holds several traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as the user named it, plus `!member` inside an archive.
    pub file: Arc<str>,
    /// The line, counted from 1, where the trace starts; `None` if the whole file is one trace.
    pub line: Option<u64>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// The system calls of one thread or process, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The calls, as indices into the data set's [`CallTable`]. Never empty.
    pub calls: Vec<u16>,
    /// The class, as an index into [`Dataset::classes`]; `None` where the input has no labels.
    pub class: Option<u16>,
    /// What must not straddle a split: an attack run (`Adduser_3`), a recording, a host.
    pub group: Option<Arc<str>>,
    /// The part of the data set that the trace stands in, as the data set names it: ADFA-LD's
    /// `training`, `validation`, `attack`; `train` and `validation` of two CSV files.
    pub part: Option<Arc<str>>,
    /// Where it was read.
    pub source: Source,
    /// Calls that a live capture lost at its beginning or at its end: a model's word on what is left may be
    /// about a hole. 0 for what was recorded whole, or by who cannot say.
    pub lost: u64,
}

/// Traces with one ABI and one list of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// A short name for people: `ADFA-LD.zip`, `built-in corpus`.
    pub name: String,
    /// Whose calls these are.
    pub abi: Abi,
    /// The distinct calls.
    pub calls: CallTable,
    /// Class names; `normal` comes first where there is one, the others in order of first appearance.
    pub classes: Vec<String>,
    /// The traces, in file order.
    pub traces: Vec<Trace>,
    /// What reading left out or wondered about.
    pub report: ReadReport,
}

impl Dataset {
    /// How many calls all traces hold together.
    pub fn call_count(&self) -> usize {
        self.traces.iter().map(|t| t.calls.len()).sum()
    }

    /// The index of the class that means "no attack": `normal` or `benign`, whatever the case.
    pub fn normal_class(&self) -> Option<u16> {
        normal_class(&self.classes)
    }

    /// The traces `indices`, in that order, as a data set of their own.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub fn subset(&self, indices: &[u32]) -> Self {
        Self {
            name: self.name.clone(),
            abi: self.abi.clone(),
            calls: self.calls.clone(),
            classes: self.classes.clone(),
            traces: indices.iter().map(|&i| self.traces[i as usize].clone()).collect(),
            report: ReadReport::default(),
        }
    }

    /// Keeps only the traces of the named parts (`training`, `attack`, …).
    ///
    /// # Errors
    /// Names the parts there are if one of `parts` is not among them.
    pub fn keep_parts(&mut self, parts: &[String]) -> Result<(), crate::Error> {
        for part in parts {
            if !self.traces.iter().any(|t| t.part.as_deref() == Some(part)) {
                let mut known: Vec<String> =
                    self.traces.iter().filter_map(|t| t.part.as_deref().map(str::to_owned)).collect();
                known.sort();
                known.dedup();
                return Err(crate::Error::NoSuchPart { part: part.clone(), known });
            }
        }
        self.traces.retain(|t| t.part.as_deref().is_some_and(|p| parts.iter().any(|q| q == p)));
        Ok(())
    }
}

/// The index of the class that means "no attack" among `classes`.
pub fn normal_class(classes: &[String]) -> Option<u16> {
    u16::try_from(classes.iter().position(|class| is_normal(class))?).ok()
}

/// Whether a class name means "no attack".
pub(crate) fn is_normal(class: &str) -> bool {
    class.eq_ignore_ascii_case("normal") || class.eq_ignore_ascii_case("benign")
}

/// A row or file that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands.
    pub source: Source,
    /// A full sentence: what is wrong with it.
    pub reason: String,
}

/// What reading a data set left out or wondered about.
///
/// Only the first [`ReadReport::KEPT`] skipped rows are kept with their reasons; all are counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadReport {
    /// What the data set was written in; `None` for one that was made in memory.
    pub format: Option<Format>,
    /// How many rows or files were skipped.
    pub skipped_count: u64,
    /// The first of them.
    pub skipped: Vec<Skipped>,
    /// Numbers that the ABI does not have, and how often each came.
    pub outside_table: Vec<(u32, u64)>,
    /// How the ABI was found, where nobody named it.
    pub abi_guess: Option<AbiGuess>,
    /// Things worth a word to the user, as full sentences: how the ABI was guessed, a file ignored.
    pub notes: Vec<String>,
}

impl ReadReport {
    /// How many skipped rows are kept with their reasons.
    pub const KEPT: usize = 20;

    /// Counts a skipped row, keeping its reason if it is among the first.
    pub fn skip(&mut self, source: Source, reason: impl Into<String>) {
        self.skipped_count += 1;
        if self.skipped.len() < Self::KEPT {
            self.skipped.push(Skipped { source, reason: reason.into() });
        }
    }
}
