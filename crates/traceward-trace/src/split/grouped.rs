//! The honest cut: copies removed, groups whole, no trace on both sides.
//!
//! What is dealt is a *unit*: a group, or a single trace where it has no group. Each class has a quota
//! of its units for each side; units are shuffled and dealt class by class, the class with the fewest
//! units first, each unit to the side that lacks most of that class (iterative stratification: Sechidis,
//! Tsoumakas & Vlahavas 2011). Where every group holds one class, as attack runs do, the quotas come out
//! exactly; where groups hold several, as hosts and recordings may, they come out as near as whole groups
//! allow.

use std::collections::{HashMap, HashSet};

use crate::copies::Copies;
use crate::rng::Rng;
use crate::{Dataset, Error};

use super::{Method, Side, Split, SplitConfig, labelled, quota};

/// Cuts `data` in two. A side may be empty.
pub(super) fn split(data: &Dataset, rows: &[u32], config: &SplitConfig) -> Split {
    let copies = Copies::of(data);
    let units = Units::of(data, rows, &copies);
    let per_class = units.per_class(data.classes.len());
    let validating: Vec<i64> = per_class.iter().map(|&n| quota(n, config.validation_share) as i64).collect();
    let training = per_class.iter().zip(&validating).map(|(&n, v)| n as i64 - v).collect();
    let sides = units.deal(vec![training, validating], config.seed);
    units.cut(data, &copies, |unit| sides[unit] == 1)
}

/// Cuts `data` into `k` folds by the rules of [`Method::Grouped`]: each unit (a group, or a trace without
/// one) validates in exactly one fold and trains in the others.
///
/// A class with fewer than `k` groups has no validation trace in some folds.
///
/// # Errors
/// If `k` is under 2, if no trace has a label, or if there are too few groups for `k` folds.
pub fn folds(data: &Dataset, k: usize, seed: u64) -> Result<Vec<Split>, Error> {
    if k < 2 {
        return Err(Error::Split(format!("cross-validation takes two folds or more, not {k}")));
    }
    let copies = Copies::of(data);
    let units = Units::of(data, &labelled(data)?, &copies);
    let mut quotas = vec![vec![0i64; data.classes.len()]; k];
    // The remainders of the classes go to different folds, so that fold sizes stay even.
    let mut next = 0;
    for (class, &n) in units.per_class(data.classes.len()).iter().enumerate() {
        for _ in 0..n {
            quotas[next][class] += 1;
            next = (next + 1) % k;
        }
    }
    let fold = units.deal(quotas, seed);
    (0..k)
        .map(|f| units.cut(data, &copies, |unit| fold[unit] == f).with_two_sides(data, Method::Grouped))
        .collect()
}

/// Whether some class has two units and some trace a group: whether [`Method::Grouped`] means anything.
pub(super) fn has_groups_to_part(data: &Dataset) -> bool {
    let Ok(rows) = labelled(data) else { return false };
    let units = Units::of(data, &rows, &Copies::of(data));
    data.traces.iter().any(|t| t.group.is_some())
        && units.per_class(data.classes.len()).iter().any(|&n| n > 1)
}

/// What is dealt whole: the traces of a group, or one trace without a group; copies are left out.
struct Units {
    /// The traces of each unit.
    members: Vec<Vec<u32>>,
    /// The distinct classes of each unit.
    classes: Vec<Vec<u16>>,
}

impl Units {
    /// The units of the labelled `rows`, in order of first appearance, of each trace the first copy in
    /// its class.
    fn of(data: &Dataset, rows: &[u32], copies: &Copies) -> Self {
        let mut units = Self { members: Vec::new(), classes: Vec::new() };
        let mut kept: HashSet<(u32, u16)> = HashSet::new();
        let mut of_group: HashMap<&str, usize> = HashMap::new();
        for &row in rows {
            let trace = &data.traces[row as usize];
            let Some(class) = trace.class else { continue };
            if !kept.insert((copies.first(row), class)) {
                continue;
            }
            let fresh = units.members.len();
            let unit = match trace.group.as_deref() {
                Some(group) => *of_group.entry(group).or_insert(fresh),
                None => fresh,
            };
            if unit == fresh {
                units.members.push(Vec::new());
                units.classes.push(Vec::new());
            }
            units.members[unit].push(row);
            if !units.classes[unit].contains(&class) {
                units.classes[unit].push(class);
            }
        }
        units
    }

    /// How many units hold each class.
    fn per_class(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &class in self.classes.iter().flatten() {
            counts[usize::from(class)] += 1;
        }
        counts
    }

    /// The side of each unit, by quotas `wanted[side][class]`.
    fn deal(&self, mut wanted: Vec<Vec<i64>>, seed: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        Rng::new(seed).shuffle(&mut order);
        let classes = wanted.first().map_or(0, Vec::len);
        let mut left = self.per_class(classes);
        let mut side: Vec<Option<usize>> = vec![None; self.members.len()];
        while let Some(scarcest) = (0..classes).filter(|&c| left[c] > 0).min_by_key(|&c| left[c]) {
            for &unit in &order {
                if side[unit].is_some() || !self.classes[unit].iter().any(|&c| usize::from(c) == scarcest) {
                    continue;
                }
                let mut best = 0;
                for candidate in 1..wanted.len() {
                    if wanted[candidate][scarcest] > wanted[best][scarcest] {
                        best = candidate;
                    }
                }
                side[unit] = Some(best);
                for &class in &self.classes[unit] {
                    wanted[best][usize::from(class)] -= 1;
                    left[usize::from(class)] -= 1;
                }
            }
        }
        // Every unit holds a class, so every unit was dealt.
        side.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// The split in which the units that `validates` names validate, less their traces that also train
    /// under another label.
    fn cut(&self, data: &Dataset, copies: &Copies, validates: impl Fn(usize) -> bool) -> Split {
        let mut sides = vec![Side::Neither; data.traces.len()];
        let mut trained: HashSet<u32> = HashSet::new();
        for (unit, members) in self.members.iter().enumerate() {
            for &row in members {
                if validates(unit) {
                    sides[row as usize] = Side::Validation;
                } else {
                    sides[row as usize] = Side::Train;
                    trained.insert(copies.first(row));
                }
            }
        }
        Split::by(data, |row| match sides[row as usize] {
            Side::Validation if trained.contains(&copies.first(row)) => Side::Neither,
            side => side,
        })
    }
}
