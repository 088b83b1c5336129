//! Where all readers put what they find: one row after the other, good or bad.
//!
//! The collector decides everything that must not depend on the format: what a label may look like,
//! which ABI the set has, how limits and `strict` are kept, and how numbers become names in the end.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::calls::{Mapping, RawCall, RawCalls, Reason, outside, outside_number};
use super::{Format, ReadOptions};
use crate::abi::{AbiGuess, guess, guess_by_name};
use crate::trace::is_normal;
use crate::{Abi, CallTable, Dataset, Error, ReadReport, Source, Trace};

/// With more classes than this, something else was taken for the label.
const MOST_CLASSES: u16 = 10_000;

/// Labels longer than this are no labels.
const LONGEST_LABEL: usize = 256;

/// Why a row does not become a trace.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The row is bad; the next may be good.
    Bad(Reason),
    /// Nothing more can be read.
    Fatal(Error),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::Bad(reason)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

/// Marks the I/O error of a reader that unpacked more than it may.
#[derive(Debug, thiserror::Error)]
#[error("unpacks to more than {0} bytes")]
pub(super) struct OverBudget(pub(super) u64);

impl Refusal {
    /// What a failed read at `at` means: an exhausted budget ends everything, damage spoils one row.
    pub(super) fn reading(at: &Source) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.get_ref().and_then(|e| e.downcast_ref::<OverBudget>()) {
            Some(OverBudget(limit)) => Self::Fatal(Error::TooLarge {
                source_at: at.clone(),
                what: "what the archive unpacks to".into(),
                limit: format!("{limit} bytes"),
            }),
            None => Self::Bad(format!("It cannot be read: {error}.").into()),
        }
    }
}

/// What a row says about its trace besides the calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels<'a> {
    pub(super) class: Option<Cow<'a, str>>,
    pub(super) group: Option<Cow<'a, str>>,
    pub(super) part: Option<Cow<'a, str>>,
    pub(super) abi: Option<Cow<'a, str>>,
    /// Where the trace came from before it was put into this file.
    pub(super) source: Option<Source>,
    /// Calls that the capture says it lost.
    pub(super) lost: u64,
}

/// The calls of the row in hand.
pub(super) struct Row<'c> {
    pub(super) calls: &'c mut RawCalls,
    ids: &'c mut Vec<u16>,
    limit: usize,
}

impl Row<'_> {
    /// Adds a call by what the file says of it.
    pub(super) fn token(&mut self, token: &[u8]) -> Result<(), Reason> {
        let id = self.calls.token(token)?;
        self.push(id)
    }

    /// Adds a call by number.
    pub(super) fn number(&mut self, number: u32) -> Result<(), Reason> {
        let id = self.calls.number(number)?;
        self.push(id)
    }

    /// Adds a call by its index.
    pub(super) fn push(&mut self, id: u16) -> Result<(), Reason> {
        if self.ids.len() >= self.limit {
            return Err(too_long(self.limit));
        }
        self.ids.push(id);
        Ok(())
    }

    /// Adds the calls of a text: tokens between blanks, commas, semicolons, quotes or brackets, so that
    /// `3 5 6`, `[3, 5, 6]` and `["read", "open"]` all read.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<(), Reason> {
        let tokens = text.split(|b| b.is_ascii_whitespace() || b",;|[]()\"'".contains(b));
        for token in tokens.filter(|t| !t.is_empty()) {
            self.token(token)?;
        }
        Ok(())
    }
}

fn too_long(limit: usize) -> Reason {
    format!("The trace has more than {limit} calls.").into()
}

/// Collects the rows of a data set.
pub(super) struct Collector<'o> {
    pub(super) options: &'o ReadOptions,
    pub(super) report: ReadReport,
    pub(super) calls: RawCalls,
    path: PathBuf,
    traces: Vec<Trace>,
    classes: Vec<String>,
    class_ids: HashMap<String, u16>,
    words: HashSet<Arc<str>>,
    /// Calls kept, plus one for each row that was seen: what bounds memory and time alike.
    weight: usize,
    abi: Option<Abi>,
    /// What the layout says about the ABI, if it says anything.
    layout_abi: Option<(Abi, &'static str)>,
    spare: Vec<u16>,
}

impl<'o> Collector<'o> {
    pub(super) fn new(path: &Path, options: &'o ReadOptions) -> Self {
        Self {
            options,
            report: ReadReport::default(),
            calls: RawCalls::new(),
            path: path.into(),
            traces: Vec::new(),
            classes: Vec::new(),
            class_ids: HashMap::new(),
            words: HashSet::new(),
            weight: 0,
            abi: options.abi.clone(),
            layout_abi: None,
            spare: Vec::new(),
        }
    }

    pub(super) fn set_format(&mut self, format: Format) {
        self.report.format.get_or_insert(format);
    }

    /// Numbers of this layout are known to be `abi`'s, unless the user says otherwise.
    pub(super) fn layout_means(&mut self, abi: Abi, reason: &'static str) {
        self.layout_abi = Some((abi, reason));
    }

    /// Numbers of the whole data set are what `mapping` says; unless an ABI was named, it is `abi`.
    pub(super) fn set_mapping(&mut self, mapping: Arc<Mapping>, abi: Abi) {
        self.calls.set_mapping(Some(mapping));
        self.abi.get_or_insert(abi);
    }

    /// Whether a mapping was named for the whole data set.
    pub(super) fn has_mapping(&self) -> bool {
        self.options.mapping.is_some()
    }

    /// The data set is `abi`'s, unless another was named or read before.
    pub(super) fn settle_abi(&mut self, abi: &str) -> Result<(), Error> {
        if self.abi.is_none() {
            self.abi = Some(abi.parse()?);
        }
        Ok(())
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.report.notes.push(note.into());
    }

    /// Takes one row: `fill` reads its calls and says the rest. A bad one is counted and forgotten.
    pub(super) fn row<'a>(
        &mut self,
        at: &Source,
        fill: impl FnOnce(&mut Row<'_>) -> Result<Labels<'a>, Refusal>,
    ) -> Result<(), Error> {
        let mark = self.calls.len();
        let mut ids = std::mem::take(&mut self.spare);
        ids.clear();
        let mut row = Row { calls: &mut self.calls, ids: &mut ids, limit: self.options.limits.trace_calls };
        let outcome = match fill(&mut row) {
            Ok(labels) => self.keep(&ids, labels, at),
            Err(refusal) => Err(refusal),
        };
        self.spare = ids;
        self.settle(outcome, at, Some(mark))
    }

    /// Takes a trace whose calls were collected outside [`Collector::row`].
    pub(super) fn trace(&mut self, ids: &[u16], labels: Labels<'_>, at: &Source) -> Result<(), Error> {
        let outcome = self.keep(ids, labels, at);
        self.settle(outcome, at, None)
    }

    fn settle(
        &mut self,
        outcome: Result<(), Refusal>,
        at: &Source,
        mark: Option<usize>,
    ) -> Result<(), Error> {
        match outcome {
            Ok(()) => Ok(()),
            Err(Refusal::Fatal(error)) => Err(error),
            Err(Refusal::Bad(reason)) => {
                if let Some(mark) = mark {
                    self.calls.truncate(mark);
                }
                self.bad(at, reason)
            }
        }
    }

    /// Counts a row that cannot become a trace, or ends if the user wants that.
    pub(super) fn bad(&mut self, at: &Source, reason: impl Into<String>) -> Result<(), Error> {
        let reason = reason.into();
        if self.options.strict {
            return Err(Error::Bad { source_at: at.clone(), reason });
        }
        self.report.skip(at.clone(), reason);
        self.weigh(1, at)
    }

    fn weigh(&mut self, weight: usize, at: &Source) -> Result<(), Error> {
        self.weight = self.weight.saturating_add(weight);
        let limit = self.options.limits.total_calls;
        if self.weight <= limit {
            return Ok(());
        }
        Err(Error::TooLarge {
            source_at: at.clone(),
            what: "the data set".into(),
            limit: format!("{limit} calls and rows"),
        })
    }

    fn keep(&mut self, ids: &[u16], labels: Labels<'_>, at: &Source) -> Result<(), Refusal> {
        if ids.is_empty() {
            return Err(Refusal::Bad("The trace is empty.".into()));
        }
        if ids.len() > self.options.limits.trace_calls {
            return Err(Refusal::Bad(too_long(self.options.limits.trace_calls)));
        }
        self.weigh(ids.len() + 1, at)?;
        let (class, group, part) = (
            clean(labels.class, "class")?.filter(|c| !c.is_empty()),
            clean(labels.group, "group")?.filter(|g| !g.is_empty()),
            clean(labels.part, "part")?.filter(|p| !p.is_empty()),
        );
        self.same_abi(clean(labels.abi, "ABI")?)?;
        let class = class.map(|c| self.class_id(&c)).transpose()?;
        let trace = Trace {
            calls: ids.to_vec(),
            class,
            group: group.map(|g| self.word(&g)),
            part: part.map(|p| self.word(&p)),
            source: match labels.source {
                Some(source) => Source { file: self.word(&source.file), line: source.line },
                None => at.clone(),
            },
            lost: labels.lost,
        };
        self.traces.push(trace);
        Ok(())
    }

    /// One data set has one ABI: the one that was asked for, or the first row's.
    fn same_abi(&mut self, declared: Option<Cow<'_, str>>) -> Result<(), Refusal> {
        let Some(declared) = declared.filter(|d| !d.is_empty()) else { return Ok(()) };
        let declared: Abi = declared.parse().map_err(Refusal::Fatal)?;
        match &self.abi {
            Some(abi) if *abi == declared => Ok(()),
            Some(abi) => Err(Refusal::Bad(
                format!(
                    "The trace is {declared}, the data set {abi}; one data set has one ABI. Read with \
                     --abi {declared} to keep these traces instead, and convert each ABI apart."
                )
                .into(),
            )),
            None => {
                self.abi = Some(declared);
                Ok(())
            }
        }
    }

    fn class_id(&mut self, class: &str) -> Result<u16, Reason> {
        if let Some(&id) = self.class_ids.get(class) {
            return Ok(id);
        }
        let id = u16::try_from(self.classes.len())
            .ok()
            .filter(|&id| id < MOST_CLASSES)
            .ok_or_else(|| format!("It would be class number {MOST_CLASSES}; is this the label?"))?;
        self.classes.push(class.to_owned());
        self.class_ids.insert(class.to_owned(), id);
        Ok(id)
    }

    /// One shared copy of a word that many traces carry.
    pub(super) fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let new: Arc<str> = word.into();
        self.words.insert(Arc::clone(&new));
        new
    }

    /// Names the calls, orders the classes, and hands over the data set.
    pub(super) fn finish(mut self, name: String) -> Result<Dataset, Error> {
        if self.traces.is_empty() {
            let skipped = self.report.skipped.first();
            let first = skipped.map(|s| format!("; the first: {}: {}", s.source, s.reason));
            let first = first.or_else(|| self.report.notes.last().map(|note| format!("; {note}")));
            return Err(Error::Empty {
                path: self.path,
                skipped: self.report.skipped_count,
                first: first.unwrap_or_default(),
            });
        }
        let mut counts = vec![0u64; self.calls.len()];
        for id in self.traces.iter().flat_map(|t| &t.calls) {
            counts[usize::from(*id)] += 1;
        }
        let abi = self.decide_abi(&counts);
        let calls = self.name_calls(&abi, &counts);
        let classes = self.order_classes();
        Ok(Dataset { name, abi, calls, classes, traces: self.traces, report: self.report })
    }

    /// The ABI that was named, or a guess that stands in the report.
    fn decide_abi(&mut self, counts: &[u64]) -> Abi {
        let mut numbers = Vec::new();
        let mut names: Vec<(&str, u64)> = Vec::new();
        for (call, &count) in self.calls.list().iter().zip(counts).filter(|(_, count)| **count > 0) {
            match call {
                RawCall::Number(number) => numbers.push((*number, count)),
                RawCall::Name(name) => names.push((name, count)),
            }
        }
        if let Some(abi) = &self.abi {
            return abi.clone();
        }
        let mut found: AbiGuess =
            if numbers.is_empty() { guess_by_name(names) } else { guess(numbers.iter().copied()) };
        if let Some((abi, reason)) = &self.layout_abi {
            found = found.because(abi.clone(), reason);
        }
        if !numbers.is_empty() {
            // All of the evidence stays with the guess.
            let reasons: Vec<&str> = found.evidence.iter().take(2).map(String::as_str).collect();
            self.report.notes.push(format!(
                "The numbers were read as {}'s. {}",
                found.abi,
                reasons.join(" ")
            ));
        }
        let abi = found.abi.clone();
        self.report.abi_guess = Some(found);
        abi
    }

    /// Turns raw indices into indices of the table of names, in order of first appearance.
    fn name_calls(&mut self, abi: &Abi, counts: &[u64]) -> CallTable {
        let mut table = CallTable::default();
        let mut outside_table: HashMap<u32, u64> = HashMap::new();
        let mut unknown_names = 0u64;
        let mut named: Vec<Option<u16>> = vec![None; self.calls.len()];
        let list = self.calls.list();
        for trace in &mut self.traces {
            for id in &mut trace.calls {
                let raw = usize::from(*id);
                *id = match named[raw] {
                    Some(id) => id,
                    None => {
                        let name: Cow<'_, str> = match &list[raw] {
                            RawCall::Number(number) => {
                                abi.name_of(*number).map_or_else(|| outside(*number).into(), Cow::from)
                            }
                            RawCall::Name(name) => Cow::from(&**name),
                        };
                        if let Some(number) = outside_number(&name) {
                            *outside_table.entry(number).or_default() += counts[raw];
                        } else if !matches!(abi, Abi::Custom(_)) && abi.number_of(&name).is_none() {
                            unknown_names += counts[raw];
                        }
                        // There are at most as many names as raw calls, and those fit.
                        let id = table.intern(&name).unwrap_or_default();
                        named[raw] = Some(id);
                        id
                    }
                };
            }
        }
        self.report.outside_table = outside_table.into_iter().collect();
        self.report.outside_table.sort_unstable();
        if unknown_names > 0 {
            self.report
                .notes
                .push(format!("{unknown_names} calls have names that the table of {abi} does not have."));
        }
        table
    }

    /// Normal classes first, the others by first appearance; traces are relabelled to match.
    fn order_classes(&mut self) -> Vec<String> {
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        order.sort_by_key(|&i| !is_normal(&self.classes[i]));
        let mut place = vec![0u16; order.len()];
        for (new, &old) in (0u16..).zip(&order) {
            place[old] = new;
        }
        for class in self.traces.iter_mut().filter_map(|t| t.class.as_mut()) {
            *class = place[usize::from(*class)];
        }
        order.iter().map(|&i| std::mem::take(&mut self.classes[i])).collect()
    }
}

/// A label as people can read it: no blanks around it, no control characters in it, not too long.
fn clean<'a>(label: Option<Cow<'a, str>>, what: &str) -> Result<Option<Cow<'a, str>>, Reason> {
    let Some(label) = label else { return Ok(None) };
    let trimmed = match label {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    if trimmed.len() > LONGEST_LABEL {
        return Err(format!("The {what} is longer than {LONGEST_LABEL} bytes.").into());
    }
    if trimmed.chars().any(char::is_control) {
        return Err(format!("The {what} holds control characters.").into());
    }
    Ok(Some(trimmed))
}
