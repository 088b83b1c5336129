//! What a set of traces says by itself, before anything is trained: [`Data`] of a
//! [`Dataset`](traceward_trace::Dataset).
//!
//! Counting is done by `traceward_trace::profile`, so `data inspect` and the doctor tell the same numbers.
//! Three questions need more than counting, and are asked here: whether labels have to do with their
//! inputs (`labels`), whether both sides of a split look alike (`shift`), and whether one call gives a
//! class away (`telling`). Labels are asked about with whole traces, so that a cut does not pass for wrong
//! labels. All take time proportional to the calls.

mod labels;
mod shift;
mod telling;

use std::collections::{BTreeMap, HashMap};

use traceward_run::config::Input;
use traceward_trace::profile::{Profile, SplitProfile};
use traceward_trace::split::{Method, Split, SplitConfig};
use traceward_trace::{Dataset, Vocabulary};

use crate::facts::{Conflicts, Data, LabelOrder, MissingClass, SequenceFacts, SplitFacts};

impl Data {
    /// What is known of `dataset`, of how it is split, of what the network reads of each trace and of the
    /// vocabulary that it is read with. What is left out is not asked about: without a split nothing is said
    /// of sides, without an input nothing is cut.
    ///
    /// Classes are counted over both sides of the split, since what it drops teaches nothing; all else that
    /// has no side is said of the whole set.
    ///
    /// # Panics
    /// If the split holds an index outside the data set; [`Split::check`] finds out.
    pub fn of(
        dataset: &Dataset,
        split: Option<(&SplitConfig, &Split)>,
        input: Option<&Input>,
        vocabulary: Option<&Vocabulary>,
    ) -> Self {
        let profile = Profile::of(dataset);
        let sides = split.map(|(config, split)| (config, split, SplitProfile::of(dataset, split)));
        let whole = Input::default();
        let read = Reads { dataset, input: input.unwrap_or(&whole) };
        let rows = used(dataset, split.map(|(_, split)| split));
        let classes = match &sides {
            Some((_, _, sides)) => sides
                .classes
                .iter()
                .map(|class| (class.name.clone(), class.train + class.validation))
                .collect(),
            None => profile.classes.0.clone(),
        };
        let order = label_order(dataset.traces.iter().filter_map(|trace| trace.class));
        let conflicts = conflicts(&read);
        let labels = labels::check(&Reads { dataset, input: &whole }, &rows);
        let lengths = sequences(&profile, &read, &conflicts, vocabulary);
        Self {
            name: dataset.name.clone(),
            items: dataset.traces.len(),
            training_items: sides.as_ref().map(|(_, split, _)| split.train.len()),
            validation_items: sides.as_ref().map(|(_, split, _)| split.validation.len()),
            classes,
            unlabelled: profile.unlabelled,
            order,
            split: sides
                .as_ref()
                .map(|(config, split, sides)| split_facts(&read, config, split, sides, vocabulary)),
            copies: Some(profile.copies.traces),
            conflicts: Some(conflicts.facts),
            lengths: Some(lengths),
            bad_rows: profile
                .skipped_first
                .iter()
                .map(|row| format!("{}: {}", row.source, row.reason))
                .collect(),
            bad_row_count: profile.skipped,
            labels,
            telling: telling::find(&read, &rows),
            ..Self::default()
        }
    }
}

/// A data set as the network reads it.
struct Reads<'a> {
    dataset: &'a Dataset,
    input: &'a Input,
}

impl Reads<'_> {
    /// The calls of a trace that the network reads.
    fn calls(&self, row: u32) -> &[u16] {
        self.input.cut(&self.dataset.traces[row as usize].calls)
    }

    /// The class of a trace.
    fn class(&self, row: u32) -> Option<u16> {
        self.dataset.traces[row as usize].class
    }
}

/// The labelled rows that train or validate, in file order.
fn used(dataset: &Dataset, split: Option<&Split>) -> Vec<u32> {
    let mut rows: Vec<u32> = match split {
        Some(split) => split.train.iter().chain(&split.validation).copied().collect(),
        None => (0u32..).take(dataset.traces.len()).collect(),
    };
    rows.retain(|&row| dataset.traces[row as usize].class.is_some());
    rows.sort_unstable();
    rows
}

/// Equal inputs with different labels, and how many of them cutting made equal.
struct Contradictions {
    facts: Conflicts,
    by_cutting: usize,
}

fn conflicts(read: &Reads<'_>) -> Contradictions {
    let count = |calls: &dyn Fn(u32) -> Vec<u16>| -> (Conflicts, Vec<bool>) {
        let mut sets: HashMap<Vec<u16>, BTreeMap<u16, Vec<u32>>> = HashMap::new();
        let mut labelled = 0usize;
        for row in (0u32..).take(read.dataset.traces.len()) {
            if let Some(class) = read.class(row) {
                labelled += 1;
                sets.entry(calls(row)).or_default().entry(class).or_default().push(row);
            }
        }
        let mut concerned = vec![false; read.dataset.traces.len()];
        let (mut items, mut lost, mut twins) = (0, 0, 0);
        for labels in sets.values() {
            let all: usize = labels.values().map(Vec::len).sum();
            twins += if all > 1 { all } else { 0 };
            if labels.len() < 2 {
                continue;
            }
            items += all;
            lost += all - labels.values().map(Vec::len).max().unwrap_or(0);
            for &row in labels.values().flatten() {
                concerned[row as usize] = true;
            }
        }
        let accuracy_ceiling = if labelled == 0 { 1.0 } else { (labelled - lost) as f64 / labelled as f64 };
        (Conflicts { items, accuracy_ceiling, twins, outvoted: lost }, concerned)
    };
    let (mut facts, cut) = count(&|row| read.calls(row).to_vec());
    let mut by_cutting = 0;
    if read.input.max_len.is_some() {
        let (before, whole) = count(&|row| read.dataset.traces[row as usize].calls.clone());
        by_cutting = cut.iter().zip(&whole).filter(|(cut, whole)| **cut && !**whole).count();
        // Twins that differ in what was cut off are no witnesses against a label.
        facts = Conflicts { twins: before.twins, outvoted: before.outvoted, ..facts };
    }
    Contradictions { facts, by_cutting }
}

fn sequences(
    profile: &Profile,
    read: &Reads<'_>,
    conflicts: &Contradictions,
    vocabulary: Option<&Vocabulary>,
) -> SequenceFacts {
    let (mut cut, mut lost) = (0usize, 0usize);
    for (row, trace) in (0u32..).zip(&read.dataset.traces) {
        let missing = trace.calls.len() - read.calls(row).len();
        cut += usize::from(missing > 0);
        lost += missing;
    }
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    SequenceFacts {
        median: profile.lengths.median,
        p95: profile.lengths.p95,
        max: profile.lengths.max,
        max_len: read.input.max_len,
        truncated: share(cut, profile.traces),
        tokens_lost: share(lost, profile.calls),
        conflicts_by_cutting: conflicts.by_cutting,
        // Traces are read by their true lengths.
        padding: 0.0,
        vocabulary: vocabulary.map(Vocabulary::size),
        max_token: vocabulary
            .and_then(|words| words.encode(read.dataset).tokens.iter().max().map(|&t| t as usize)),
    }
}

fn split_facts(
    read: &Reads<'_>,
    config: &SplitConfig,
    split: &Split,
    sides: &SplitProfile,
    vocabulary: Option<&Vocabulary>,
) -> SplitFacts {
    let missing = sides
        .classes
        .iter()
        .filter(|class| (class.train == 0) != (class.validation == 0))
        .filter(|_| !split.validation.is_empty())
        .map(|class| MissingClass { name: class.name.clone(), from_training: class.train == 0 })
        .collect();
    let method = match config.method {
        Method::Tail if config.shuffle_first => "random".to_owned(),
        method => method.to_string(),
    };
    SplitFacts {
        method,
        label_shift: if split.validation.is_empty() { 0.0 } else { sides.label_shift },
        missing,
        copies_across: sides.copies_across,
        groups_across: sides.groups_across,
        unknown_tokens: vocabulary.and_then(|words| unknown_tokens(read, split, words)),
        shift: shift::between(read, split),
        training_order: label_order(split.train.iter().filter_map(|&row| read.class(row))),
    }
}

/// How labels follow each other; `None` for fewer than two. As `traceward_trace::profile::Neighbours`, of any
/// rows in any order.
fn label_order(labels: impl Iterator<Item = u16>) -> Option<LabelOrder> {
    let labels: Vec<u16> = labels.collect();
    let n = labels.len() as f64;
    let mut sizes: BTreeMap<u16, f64> = BTreeMap::new();
    for &label in &labels {
        *sizes.entry(label).or_default() += 1.0;
    }
    if labels.len() < 2 {
        return None;
    }
    let equal = labels.windows(2).filter(|pair| pair[0] == pair[1]).count() as f64 / (n - 1.0);
    let expected = sizes.values().map(|size| size * (size - 1.0)).sum::<f64>() / (n * (n - 1.0));
    let deviation = (expected * (1.0 - expected) / (n - 1.0)).sqrt();
    let z = if deviation > 0.0 { (equal - expected) / deviation } else { 0.0 };
    Some(LabelOrder { equal, expected, z })
}

/// The share of the validation calls that the vocabulary does not know.
fn unknown_tokens(read: &Reads<'_>, split: &Split, vocabulary: &Vocabulary) -> Option<f64> {
    let tokens = vocabulary.encode(read.dataset).tokens;
    let (mut unknown, mut all) = (0usize, 0usize);
    for &call in split.validation.iter().flat_map(|&row| read.calls(row)) {
        all += 1;
        unknown += usize::from(tokens[usize::from(call)] == Vocabulary::UNKNOWN);
    }
    (all > 0).then(|| unknown as f64 / all as f64)
}
