//! How a stack is trained: members on inner folds, blends on what they say there, members on everything.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::blend::Answers;
use super::{Member, Stack, StackRecipe, Trained, Voter};
use crate::folds;
use crate::model::{Kind, Seen};
use crate::neighbours::Likeness;
use crate::probability::Temperature;
use crate::recipe::{FitError, Ground, Site, Step};

impl StackRecipe {
    /// Trains the members and the blends on all rows of the ground; the site of the members comes with them.
    pub(crate) fn fit<'a>(
        &self,
        ground: &'a Ground<'a>,
        likenesses: &'a [Likeness],
        seed: u64,
        progress: &(dyn Fn(Step<'_>) + Sync),
    ) -> Result<(Kind, Site<'a>), FitError> {
        if self.folds < 2 || self.members.is_empty() {
            return Err(FitError::Recipe("a stack has members, and at least two inner folds"));
        }
        let data = ground.data;
        let folds = usize::from(self.folds);
        let (done, all) = (AtomicUsize::new(0), (folds + 1) * self.members.len());
        let step = |what: &str| {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(Step { what, done, all });
        };
        // Normal is a class of its own only if there are attacks to tell it from.
        let is_normal = |label: &u16| Some(*label) == data.normal;
        let normal = data.normal.filter(|_| {
            data.labels.iter().any(is_normal) && data.labels.iter().any(|label| !is_normal(label))
        });
        if normal.is_some() && self.members.iter().all(|m| m.detection <= 0.0) {
            return Err(FitError::Recipe("no member of the stack detects"));
        }

        let rows: Vec<u32> = (0..data.len() as u32).collect();
        let fold_of = folds::deal(&data.labels, &data.groups, folds, seed);
        let by_fold: Vec<Vec<(u32, Vec<f32>)>> = (0..folds)
            .into_par_iter()
            .map(|fold| {
                let (own, judged) = folds::sides(&fold_of, fold);
                if own.is_empty() || judged.is_empty() {
                    return Ok(Vec::new());
                }
                let site = Site::new(ground, own, likenesses);
                let kinds = self.fit_members(&site, normal, seed, &|| step("inner folds"))?;
                Ok(judged.into_par_iter().map(|row| (row, margins(&kinds, &site, row))).collect())
            })
            .collect::<Result<_, FitError>>()?;

        let size = self.members.len() * data.classes;
        let mut margins = vec![0.0; data.len() * size];
        let mut labels = Vec::new();
        let mut next = 0;
        for (row, of_row) in by_fold.into_iter().flatten() {
            margins[next..][..size].copy_from_slice(&of_row);
            labels.push(data.labels[row as usize]);
            next += size;
        }
        margins.truncate(next);

        let site = Site::new(ground, rows, likenesses);
        let kinds = self.fit_members(&site, normal, seed, &|| step("all traces"))?;
        let answers = Answers {
            normal,
            classes: data.classes,
            members: kinds.len(),
            labels: &labels,
            margins: &margins,
        };
        let families = answers.families(&self.members.iter().map(|m| m.families).collect::<Vec<_>>());
        let temperatures: Vec<Temperature> =
            kinds.iter().enumerate().map(|(member, kind)| answers.temperature(member, kind)).collect();
        let sum: f64 = self.members.iter().map(|m| m.detection.max(0.0)).sum();
        let detection: Vec<f32> =
            self.members.iter().map(|m| (m.detection.max(0.0) / sum.max(f64::MIN_POSITIVE)) as f32).collect();
        let offset = answers.lean(&detection, &temperatures, &families);
        let members = kinds.into_iter().enumerate().map(|(number, kind)| Voter {
            kind,
            detection: detection[number],
            temperature: temperatures[number],
            families: families.weights[number] as f32,
        });
        let stack = Stack {
            normal,
            members: members.collect(),
            offset: offset as f32,
            biases: families.biases.iter().map(|b| *b as f32).collect(),
        };
        Ok((Kind::Stack(stack), site))
    }

    fn fit_members(
        &self,
        site: &Site<'_>,
        normal: Option<u16>,
        seed: u64,
        step: &(dyn Fn() + Sync),
    ) -> Result<Vec<Kind>, FitError> {
        let labels = site.ground.labels(&site.rows);
        let all: Vec<u32> = (0..site.rows.len() as u32).collect();
        let attacks: Vec<u32> =
            all.iter().copied().filter(|&place| Some(labels[place as usize]) != normal).collect();
        let fit = |(number, member): (usize, &Member)| {
            let places = match member.trained {
                Trained::OnAttacks if !attacks.is_empty() => &attacks,
                _ => &all,
            };
            let kind = member.recipe.fit_kind(site, places, seed.wrapping_add(number as u64), false);
            step();
            kind
        };
        self.members.par_iter().enumerate().map(fit).collect()
    }
}

/// What members say of a row that is none of their site's, one after the other.
fn margins(kinds: &[Kind], site: &Site<'_>, row: u32) -> Vec<f32> {
    let (columns, counts) = site.ground.corpus.counts().row(row as usize);
    let near = site.near_to(row);
    let seen = Seen { columns, counts, near: &near };
    let classes = site.ground.data.classes;
    let mut margins = vec![0.0; kinds.len() * classes];
    for (kind, into) in kinds.iter().zip(margins.chunks_exact_mut(classes)) {
        kind.margins_into(&seen, into);
    }
    margins
}
