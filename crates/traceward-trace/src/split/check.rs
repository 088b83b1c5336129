//! Whether a split keeps the promises of its method, verified from the data and the split alone.
//!
//! The property tests call this on arbitrary data sets, and so may anyone who reads a split from a file.
//! It shares with the cutting only the definition of a quota; all else is looked at afresh, trace by
//! trace, so that a mistake in the cutting cannot hide here.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::Dataset;

use super::given::Role;
use super::{Method, Split, SplitConfig, all, quota, tail_start};

/// The first promise that a split was found to break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokenPromise {
    /// A trace must be listed once: in training, in validation, or among the dropped.
    #[error("trace {trace} is listed {times} times instead of once")]
    NotOnce {
        /// The index, which may lie outside the data set.
        trace: u32,
        /// How often it is listed.
        times: usize,
    },
    /// Both sides hold something.
    #[error("the {0} side is empty")]
    Empty(&'static str),
    /// The rows stand in file order, unless the method shuffled them.
    #[error("the {0} side is not in file order")]
    Order(&'static str),
    /// Only labelled traces train and validate.
    #[error("trace {0} has no label, and is not dropped")]
    Unlabelled(u32),
    /// Nothing is dropped for no reason that the method has.
    #[error("trace {0} is dropped for no reason")]
    Dropped(u32),
    /// A given split follows the parts.
    #[error("trace {0} does not stand on the side of its part")]
    Part(u32),
    /// The tail begins where Keras lets it begin.
    #[error("{validating} rows of {rows} validate instead of the last {expected}")]
    Tail {
        /// How many validate.
        validating: usize,
        /// How many should.
        expected: usize,
        /// How many there are.
        rows: usize,
    },
    /// Each class keeps its share.
    #[error("{validating} of {of} traces or groups of class {class:?} validate")]
    Share {
        /// The class.
        class: String,
        /// How many validate.
        validating: usize,
        /// How many there are.
        of: usize,
    },
    /// No group stands on both sides.
    #[error("group {0:?} stands on both sides")]
    Straddles(String),
    /// No trace validates that was trained on, whatever its label.
    #[error("trace {validation} validates and is equal to trace {train}, which trains")]
    BothSides {
        /// The one that validates.
        validation: u32,
        /// The one that trains.
        train: u32,
    },
    /// Of equal traces in a class, the first stays, and only it.
    #[error("trace {kept} is kept, a copy of trace {first} in its class")]
    Copy {
        /// The copy.
        kept: u32,
        /// The first of them.
        first: u32,
    },
    /// Each group validates in one fold.
    #[error("trace {trace} validates in {times} folds")]
    Folds {
        /// The trace.
        trace: u32,
        /// In how many.
        times: usize,
    },
}

impl Split {
    /// Verifies all that the method of `config` promises of a split of `data`.
    ///
    /// # Errors
    /// The first promise found broken.
    pub fn check(&self, data: &Dataset, config: &SplitConfig) -> Result<(), BrokenPromise> {
        self.check_partition(data)?;
        if !(config.method == Method::Tail && config.shuffle_first) {
            self.check_order()?;
        }
        match config.method {
            Method::Given => self.check_given(data),
            Method::Random => self.check_random(data, config.validation_share),
            Method::Grouped => {
                let sides = self.check_grouped(data)?;
                sides.check_quotas(data, |n, v| v == quota(n, config.validation_share))
            }
            Method::Tail => self.check_tail(data, config),
        }
    }

    /// Every trace once, unlabelled ones dropped, no side empty.
    fn check_partition(&self, data: &Dataset) -> Result<(), BrokenPromise> {
        let mut times = vec![0; data.traces.len()];
        for &trace in self.train.iter().chain(&self.validation).chain(&self.dropped) {
            match times.get_mut(trace as usize) {
                Some(n) => *n += 1,
                None => return Err(BrokenPromise::NotOnce { trace, times: 1 }),
            }
        }
        if let Some((trace, &times)) = (0u32..).zip(&times).find(|&(_, &n)| n != 1) {
            return Err(BrokenPromise::NotOnce { trace, times });
        }
        for &trace in self.train.iter().chain(&self.validation) {
            if data.traces[trace as usize].class.is_none() {
                return Err(BrokenPromise::Unlabelled(trace));
            }
        }
        match (self.train.is_empty(), self.validation.is_empty()) {
            (true, _) => Err(BrokenPromise::Empty("training")),
            (_, true) => Err(BrokenPromise::Empty("validation")),
            _ => Ok(()),
        }
    }

    fn check_order(&self) -> Result<(), BrokenPromise> {
        for (name, rows) in
            [("training", &self.train), ("validation", &self.validation), ("dropped", &self.dropped)]
        {
            if !rows.is_sorted() {
                return Err(BrokenPromise::Order(name));
            }
        }
        Ok(())
    }

    fn check_given(&self, data: &Dataset) -> Result<(), BrokenPromise> {
        let role = |row: u32| data.traces[row as usize].part.as_deref().and_then(Role::of);
        let has_validation = all(data).any(|row| role(row) == Some(Role::Validation));
        let validates = if has_validation { Role::Validation } else { Role::Test };
        for (rows, expected) in [(&self.train, Role::Training), (&self.validation, validates)] {
            if let Some(&row) = rows.iter().find(|&&row| role(row) != Some(expected)) {
                return Err(BrokenPromise::Part(row));
            }
        }
        self.check_dropped(data, |row| has_validation && role(row) == Some(Role::Test))
    }

    fn check_random(&self, data: &Dataset, share: f64) -> Result<(), BrokenPromise> {
        self.check_dropped(data, |_| false)?;
        let count = |rows: &[u32], class| {
            rows.iter().filter(|&&row| data.traces[row as usize].class == Some(class)).count()
        };
        for (class, name) in (0u16..).zip(&data.classes) {
            let validating = count(&self.validation, class);
            let of = validating + count(&self.train, class);
            if validating != quota(of, share) {
                return Err(BrokenPromise::Share { class: name.clone(), validating, of });
            }
        }
        Ok(())
    }

    fn check_tail(&self, data: &Dataset, config: &SplitConfig) -> Result<(), BrokenPromise> {
        self.check_dropped(data, |_| false)?;
        let rows = self.train.len() + self.validation.len();
        let expected = rows - tail_start(rows, config.validation_share);
        let is_tail = config.shuffle_first || self.train.last() < self.validation.first();
        if self.validation.len() != expected || !is_tail {
            return Err(BrokenPromise::Tail { validating: self.validation.len(), expected, rows });
        }
        Ok(())
    }

    /// Labelled traces are dropped only where `may_be` says so.
    fn check_dropped(&self, data: &Dataset, may_be: impl Fn(u32) -> bool) -> Result<(), BrokenPromise> {
        let labelled = |row: u32| data.traces[row as usize].class.is_some();
        match self.dropped.iter().find(|&&row| labelled(row) && !may_be(row)) {
            Some(&row) => Err(BrokenPromise::Dropped(row)),
            None => Ok(()),
        }
    }

    /// All promises of the grouped split but the quotas.
    fn check_grouped<'d>(&self, data: &'d Dataset) -> Result<UnitSides<'d>, BrokenPromise> {
        let calls = |row: u32| data.traces[row as usize].calls.as_slice();
        let mut first_in_class: HashMap<(&[u16], u16), u32> = HashMap::new();
        for row in all(data) {
            if let Some(class) = data.traces[row as usize].class {
                first_in_class.entry((calls(row), class)).or_insert(row);
            }
        }
        for &kept in self.train.iter().chain(&self.validation) {
            let class = data.traces[kept as usize].class.ok_or(BrokenPromise::Unlabelled(kept))?;
            let first = first_in_class[&(calls(kept), class)];
            if first != kept {
                return Err(BrokenPromise::Copy { kept, first });
            }
        }
        let trained: HashMap<&[u16], u32> = self.train.iter().map(|&row| (calls(row), row)).collect();
        for &validation in &self.validation {
            if let Some(&train) = trained.get(calls(validation)) {
                return Err(BrokenPromise::BothSides { validation, train });
            }
        }
        self.check_dropped(data, |row| {
            let class = data.traces[row as usize].class;
            let is_copy = class.is_some_and(|class| first_in_class[&(calls(row), class)] != row);
            is_copy || trained.contains_key(calls(row))
        })?;

        // A first copy that was dropped stood on the validation side: nothing else drops one.
        let trains: HashSet<u32> = self.train.iter().copied().collect();
        let mut sides = UnitSides::default();
        for &row in first_in_class.values() {
            let trace = &data.traces[row as usize];
            let unit = match trace.group.as_deref() {
                Some(group) => Unit::Group(group),
                None => Unit::Single(row),
            };
            let (classes, validates) =
                sides.units.entry(unit).or_insert_with(|| (HashSet::new(), !trains.contains(&row)));
            if *validates == trains.contains(&row) {
                return Err(BrokenPromise::Straddles(trace.group.as_deref().unwrap_or_default().into()));
            }
            classes.extend(trace.class);
        }
        Ok(sides)
    }
}

/// Verifies what [`folds`](super::folds) promises: each fold is a grouped split, each group validates in
/// one fold, and the groups of a class are spread evenly.
///
/// # Errors
/// The first promise found broken.
pub fn check_folds(data: &Dataset, folds: &[Split]) -> Result<(), BrokenPromise> {
    let mut validating: BTreeMap<Unit<'_>, usize> = BTreeMap::new();
    for fold in folds {
        fold.check_partition(data)?;
        fold.check_order()?;
        let sides = fold.check_grouped(data)?;
        sides.check_quotas(data, |n, v| (n / folds.len()..=n.div_ceil(folds.len())).contains(&v))?;
        for (unit, (_, validates)) in sides.units {
            *validating.entry(unit).or_default() += usize::from(validates);
        }
    }
    for (unit, times) in validating {
        if times != 1 {
            let trace = match unit {
                Unit::Single(row) => row,
                Unit::Group(name) => {
                    all(data).find(|&i| data.traces[i as usize].group.as_deref() == Some(name)).unwrap_or(0)
                }
            };
            return Err(BrokenPromise::Folds { trace, times });
        }
    }
    Ok(())
}

/// What may not be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Unit<'d> {
    Group(&'d str),
    Single(u32),
}

/// The classes of each unit, and whether it validates.
#[derive(Default)]
struct UnitSides<'d> {
    units: BTreeMap<Unit<'d>, (HashSet<u16>, bool)>,
}

impl UnitSides<'_> {
    /// Quotas are promised for the classes that share no unit with another.
    fn check_quotas(&self, data: &Dataset, fits: impl Fn(usize, usize) -> bool) -> Result<(), BrokenPromise> {
        for (class, name) in (0u16..).zip(&data.classes) {
            let mine = || self.units.values().filter(|(classes, _)| classes.contains(&class));
            let (of, validating) = (mine().count(), mine().filter(|(_, validates)| *validates).count());
            if mine().all(|(classes, _)| classes.len() == 1) && !fits(of, validating) {
                return Err(BrokenPromise::Share { class: name.clone(), validating, of });
            }
        }
        Ok(())
    }
}
