//! What is in a data set, and what is wrong with it.
//!
//! A [`Profile`] is facts only: counts, shares, lengths, each computed once over the whole set, in time
//! proportional to its calls. What deserves a word of warning is said in [`Profile::flaws`], as full
//! sentences with their numbers, so that text, JSON and the doctor say the same. [`SplitProfile`] asks
//! the same questions of a cut: what stands on both sides, and which classes a side lacks.
//!
//! Serialised, a profile is the JSON of `data inspect`: fields are only ever added.

mod across;
mod classes;
mod copies;
mod flaws;
mod lengths;
mod neighbours;
pub mod numerals;

use serde::{Serialize, Serializer};

use crate::copies::Copies;
use crate::{Abi, Dataset, Fingerprint, Skipped, abi};

pub use across::{ClassSides, SplitProfile};
pub use classes::{ClassProfile, Imbalance, PartProfile};
pub use copies::{BiggestSet, Conflicts, CopyProfile, PartOverlap};
pub use lengths::Lengths;
pub use neighbours::Neighbours;

/// What is in a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// The data set's name.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// How many traces there are.
    pub traces: usize,
    /// How many calls they hold together.
    pub calls: usize,
    /// How many different calls occur.
    pub distinct_calls: usize,
    /// How many traces remain if each is kept once, whatever its label.
    pub distinct_traces: usize,
    /// Whose calls these are.
    pub abi: Abi,
    /// Why one may believe so: how the calls would look under each table, best first. Empty for a table
    /// of the data set's own.
    pub abi_evidence: Vec<String>,
    /// The table that the calls look most like, where it clearly is another than [`Profile::abi`].
    pub abi_doubt: Option<Abi>,
    /// The lowest and highest call number under that ABI; `None` if no call has one.
    pub numbers: Option<Numbers>,
    /// How many traces each class has, in the order of [`Dataset::classes`].
    pub classes: Counts,
    /// How many traces have no label.
    pub unlabelled: usize,
    /// How many calls the traces hold.
    pub lengths: Lengths,
    /// How many sets of equal traces carry more than one label.
    pub conflicting_groups: usize,
    /// How many different groups (attack runs, recordings, hosts) there are.
    pub groups: usize,
    /// Each class more closely.
    pub per_class: Vec<ClassProfile>,
    /// The parts that the data set names; training parts first, then validation, then others.
    pub parts: Vec<PartProfile>,
    /// Traces that equal others.
    pub copies: CopyProfile,
    /// Equal traces under different labels.
    pub conflicts: Conflicts,
    /// Whether rows of one class stand together.
    pub neighbours: Neighbours,
    /// How unequal the classes are; `None` with fewer than two.
    pub imbalance: Option<Imbalance>,
    /// The most frequent calls, at most [`Profile::NAMED_CALLS`].
    pub frequent_calls: Vec<CallCount>,
    /// Calls that the ABI's table does not have, by frequency, at most [`Profile::NAMED_CALLS`].
    pub outside_table: Vec<CallCount>,
    /// How many calls the table does not have, all together.
    pub outside_table_calls: usize,
    /// How many rows or files reading skipped.
    pub skipped: u64,
    /// The first of them, with reasons.
    pub skipped_first: Vec<SkippedRow>,
    /// What else reading had to say.
    pub notes: Vec<String>,
    /// What is wrong with the data, as sentences with numbers, the gravest first.
    pub flaws: Vec<String>,
}

/// A call and how often it occurs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallCount {
    /// The call's name.
    pub name: String,
    /// How often it occurs.
    pub count: usize,
    /// Its share of all calls, 0 to 1.
    pub share: f64,
}

/// The range of call numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Numbers {
    /// The lowest.
    pub min: u32,
    /// The highest.
    pub max: u32,
}

/// A row or file that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedRow {
    /// Where it stands: `file`, `file:line` or `archive!member`.
    pub source: String,
    /// What is wrong with it.
    pub reason: String,
}

impl From<&Skipped> for SkippedRow {
    fn from(skipped: &Skipped) -> Self {
        Self { source: skipped.source.to_string(), reason: skipped.reason.clone() }
    }
}

/// Names with their counts; in JSON an object, in the order given here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub Vec<(String, usize)>);

impl Counts {
    /// The count of `name`, if it is there.
    pub fn get(&self, name: &str) -> Option<usize> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, count)| *count)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

impl Profile {
    /// The most calls that a profile names.
    pub const NAMED_CALLS: usize = 10;

    /// Looks at all of `data`.
    pub fn of(data: &Dataset) -> Self {
        let copies = Copies::of(data);
        let mut per_call = vec![0usize; data.calls.len()];
        for &call in data.traces.iter().flat_map(|t| &t.calls) {
            per_call[usize::from(call)] += 1;
        }
        let calls = per_call.iter().sum();
        let (outside_table, outside_table_calls) = outside(data, &per_call, calls);
        let (abi_evidence, abi_doubt) = evidence(data, &per_call);
        let classes = classes::counts(data);
        let conflicts = Conflicts::of(data, &copies);
        let mut profile = Self {
            name: data.name.clone(),
            fingerprint: data.fingerprint(),
            traces: data.traces.len(),
            calls,
            distinct_calls: per_call.iter().filter(|&&n| n > 0).count(),
            distinct_traces: copies.distinct(),
            abi: data.abi.clone(),
            abi_evidence,
            abi_doubt,
            numbers: numbers(data, &per_call),
            unlabelled: data.traces.iter().filter(|t| t.class.is_none()).count(),
            lengths: Lengths::of(data.traces.iter().map(|t| t.calls.len())),
            conflicting_groups: conflicts.sets,
            groups: classes::groups(data),
            per_class: ClassProfile::all(data, &copies),
            parts: PartProfile::all(data),
            copies: CopyProfile::of(data, &copies),
            conflicts,
            neighbours: Neighbours::of(data),
            imbalance: Imbalance::of(&classes),
            classes,
            frequent_calls: most_frequent(data, &per_call, calls, |_| true),
            outside_table,
            outside_table_calls,
            skipped: data.report.skipped_count,
            skipped_first: data.report.skipped.iter().map(SkippedRow::from).collect(),
            notes: data.report.notes.clone(),
            flaws: Vec::new(),
        };
        profile.flaws = flaws::of(&profile);
        profile
    }
}

/// `part` of `whole`, 0 to 1; 0 of nothing.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The most frequent of the calls that `chosen` says yes to, by their index.
fn most_frequent(
    data: &Dataset,
    per_call: &[usize],
    calls: usize,
    chosen: impl Fn(usize) -> bool,
) -> Vec<CallCount> {
    let mut found: Vec<CallCount> = (data.calls.names().iter().zip(per_call).enumerate())
        .filter(|&(call, (_, &count))| count > 0 && chosen(call))
        .map(|(_, (name, &count))| CallCount { name: name.to_string(), count, share: share(count, calls) })
        .collect();
    found.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    found.truncate(Profile::NAMED_CALLS);
    found
}

/// The number of a call as it stood in the input: by its name, or written as `#412` for one without.
fn number(abi: &Abi, name: &str) -> Option<u32> {
    abi.number_of(name).or_else(|| name.strip_prefix('#')?.parse().ok())
}

fn numbers(data: &Dataset, per_call: &[usize]) -> Option<Numbers> {
    let used = data.calls.names().iter().zip(per_call).filter(|(_, count)| **count > 0);
    let numbers = used.filter_map(|(name, _)| number(&data.abi, name));
    numbers.fold(None, |range: Option<Numbers>, n| {
        Some(range.map_or(Numbers { min: n, max: n }, |r| Numbers { min: r.min.min(n), max: r.max.max(n) }))
    })
}

/// The calls that the table lacks, and how many calls that is. A custom ABI has no table, so only calls
/// without a name lie outside it.
fn outside(data: &Dataset, per_call: &[usize], calls: usize) -> (Vec<CallCount>, usize) {
    let lacks: Vec<bool> = (data.calls.names().iter())
        .map(|name| match data.abi {
            Abi::Custom(_) => name.starts_with('#'),
            _ => data.abi.number_of(name).is_none(),
        })
        .collect();
    let all = lacks.iter().zip(per_call).filter(|(lacks, _)| **lacks).map(|(_, count)| count).sum();
    (most_frequent(data, per_call, calls, |call| lacks[call]), all)
}

/// How the calls look under each table, whoever chose this one, and the table that they look more like.
fn evidence(data: &Dataset, per_call: &[usize]) -> (Vec<String>, Option<Abi>) {
    /// By how much another table must fit better before the choice is doubted.
    const MARGIN: f64 = 0.2;
    if matches!(data.abi, Abi::Custom(_)) {
        return (Vec::new(), None);
    }
    let counts = data.calls.names().iter().zip(per_call).filter(|(_, count)| **count > 0);
    let guess =
        abi::guess(counts.filter_map(|(name, &count)| Some((number(&data.abi, name)?, count as u64))));
    let doubt = (guess.abi != data.abi && guess.margin() > MARGIN).then(|| guess.abi.clone());
    (guess.evidence, doubt)
}

#[cfg(test)]
mod tests;
