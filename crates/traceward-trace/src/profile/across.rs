//! What a cut does to a data set: what stands on both sides, and which classes a side lacks.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::Dataset;
use crate::copies::Copies;
use crate::split::Split;

use super::numerals::{count, counted, percent};
use super::share;

/// A split, looked at together with its data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitProfile {
    /// How many traces train.
    pub train: usize,
    /// How many validate.
    pub validation: usize,
    /// How many do neither.
    pub dropped: usize,
    /// How many of each class stand on each side.
    pub classes: Vec<ClassSides>,
    /// How many validation traces equal a training trace, whatever the labels.
    pub copies_across: usize,
    /// How many of these have a twin in training under another label.
    pub conflicts_across: usize,
    /// How many groups stand on both sides.
    pub groups_across: usize,
    /// Half the sum over classes of the differences between its shares on both sides (total variation
    /// distance): 0 if the sides have the same mixture, 1 if they have no class in common.
    pub label_shift: f64,
    /// What is wrong with the split, as sentences with numbers, the gravest first.
    pub flaws: Vec<String>,
}

/// One class on both sides of a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassSides {
    /// Its name.
    pub name: String,
    /// How many of its traces train.
    pub train: usize,
    /// How many validate.
    pub validation: usize,
}

impl SplitProfile {
    /// The label shift from which the sides count as different mixtures.
    pub const GRAVE_SHIFT: f64 = 0.2;

    /// Looks at `split` of `data`.
    ///
    /// # Panics
    /// If the split holds an index outside the data set; [`Split::check`] finds out.
    pub fn of(data: &Dataset, split: &Split) -> Self {
        let copies = Copies::of(data);
        let trace = |row: u32| &data.traces[row as usize];
        let in_class =
            |rows: &[u32], class| rows.iter().filter(|&&row| trace(row).class == Some(class)).count();
        let classes: Vec<ClassSides> = (0u16..)
            .zip(&data.classes)
            .map(|(class, name)| ClassSides {
                name: name.clone(),
                train: in_class(&split.train, class),
                validation: in_class(&split.validation, class),
            })
            .collect();

        let mut trained: HashMap<u32, HashSet<Option<u16>>> = HashMap::new();
        for &row in &split.train {
            trained.entry(copies.first(row)).or_default().insert(trace(row).class);
        }
        let twins = |row: u32| trained.get(&copies.first(row));
        let copied = || split.validation.iter().filter(|&&row| twins(row).is_some());
        let conflicting =
            |row: u32| twins(row).is_some_and(|labels| labels.iter().any(|&l| l != trace(row).class));

        let groups = |rows: &[u32]| -> HashSet<&str> {
            rows.iter().filter_map(|&row| trace(row).group.as_deref()).collect()
        };
        let of_side = |rows: &[u32]| rows.iter().filter(|&&row| trace(row).class.is_some()).count();
        let (train, validation) = (of_side(&split.train), of_side(&split.validation));
        let shift = classes
            .iter()
            .map(|c| (share(c.train, train) - share(c.validation, validation)).abs())
            .sum::<f64>()
            / 2.0;
        let mut profile = Self {
            train: split.train.len(),
            validation: split.validation.len(),
            dropped: split.dropped.len(),
            copies_across: copied().count(),
            conflicts_across: copied().filter(|&&row| conflicting(row)).count(),
            groups_across: groups(&split.train).intersection(&groups(&split.validation)).count(),
            label_shift: shift,
            classes,
            flaws: Vec::new(),
        };
        profile.flaws = profile.sentences();
        profile
    }

    fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        let named = |lacks: &dyn Fn(&ClassSides) -> bool| -> Vec<&str> {
            self.classes.iter().filter(|c| lacks(c)).map(|c| c.name.as_str()).collect()
        };
        let untrained = named(&|c| c.train == 0 && c.validation > 0);
        if !untrained.is_empty() {
            said.push(format!(
                "No trace of {} trains: the model cannot know what it is asked.",
                untrained.join(" or ")
            ));
        }
        let unchecked = named(&|c| c.validation == 0 && c.train > 0);
        if !unchecked.is_empty() {
            said.push(format!(
                "No trace of {} validates: nothing is measured there.",
                unchecked.join(" or ")
            ));
        }
        if self.label_shift > Self::GRAVE_SHIFT {
            said.push(format!(
                "The sides mix the classes differently: {} of the validation traces would have to change class \
                 to match training.",
                percent(self.label_shift)
            ));
        }
        if self.copies_across > 0 {
            said.push(format!(
                "{} of {} validation traces ({}) equal a training trace.",
                count(self.copies_across),
                count(self.validation),
                percent(share(self.copies_across, self.validation))
            ));
        }
        if self.groups_across > 0 {
            said.push(format!(
                "{} {} on both sides.",
                counted(self.groups_across, "group"),
                if self.groups_across == 1 { "stands" } else { "stand" }
            ));
        }
        said
    }
}
