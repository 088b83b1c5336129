//! From normal traces to a novelty model.

use std::collections::HashSet;

use rayon::prelude::*;
use traceward_run::Labelled;

use super::reading::Usual;
use super::scale::Scale;
use super::{Novelty, NoveltyConfig, NoveltyError};
use crate::folds;

impl Novelty {
    /// Trains on the normal traces among these, or on all of them if no class means normal. The seed deals
    /// the parts that are held out.
    ///
    /// # Errors
    /// If there is no such trace, traces and labels do not fit together, or the configuration asks for what
    /// cannot be.
    pub fn fit(data: &Labelled<'_>, config: &NoveltyConfig, seed: u64) -> Result<Self, NoveltyError> {
        config.check()?;
        check(data)?;
        let mut known = HashSet::new();
        let is_normal = |&trace: &usize| data.normal.is_none_or(|normal| data.labels[trace] == normal);
        let normals: Vec<usize> =
            (0..data.len()).filter(is_normal).filter(|&trace| known.insert(data.traces[trace])).collect();
        if normals.is_empty() {
            return Err(NoveltyError::NoNormals);
        }
        let of = |places: &[u32]| -> Vec<&[u32]> {
            places.iter().map(|&place| data.traces[normals[place as usize]]).collect()
        };
        let groups: Vec<u32> = normals.iter().map(|&trace| data.groups[trace]).collect();
        let parts = usize::from(config.folds);
        let part_of = folds::deal(&vec![0; normals.len()], &groups, parts, seed);
        let held_out = (0..parts).into_par_iter().map(|part| {
            let (own, judged) = folds::sides(&part_of, part);
            if own.is_empty() || judged.is_empty() {
                return Ok(Vec::new());
            }
            let usual = Usual::new(&of(&own), data.vocabulary, config)?;
            Ok(of(&judged).into_iter().map(|trace| usual.figures(config, trace)).collect())
        });
        let held_out: Vec<Vec<Vec<f32>>> = held_out.collect::<Result<_, NoveltyError>>()?;
        let scale = Scale::new(&held_out.concat(), config.figures.len());
        let all: Vec<u32> = (0..normals.len() as u32).collect();
        let mut usual = Usual::new(&of(&all), data.vocabulary, config)?;
        usual.sets.rename(|place| normals[place as usize] as u32);
        Ok(Self { config: config.clone(), classes: data.classes, normal: data.normal, usual, scale })
    }
}

fn check(data: &Labelled<'_>) -> Result<(), NoveltyError> {
    let traces = data.len();
    if data.labels.len() != traces || data.groups.len() != traces {
        return Err(NoveltyError::Trace { trace: traces.min(data.labels.len()).min(data.groups.len()) });
    }
    let sound = |trace: usize| {
        let calls = data.traces[trace];
        let label = usize::from(data.labels[trace]);
        !calls.is_empty() && label < data.classes && calls.iter().all(|&c| (c as usize) < data.vocabulary)
    };
    match (0..traces).find(|&trace| !sound(trace)) {
        Some(trace) => Err(NoveltyError::Trace { trace }),
        None => Ok(()),
    }
}
