//! What is usual among normals that were not trained on: the yardstick of every figure.

use crate::parts::{PartsError, Reader, Writer};

/// Share of its mean that every figure may stray by without standing out, and the least it may in all: with
/// few normals the spread is hardly known, and must not make a small difference enormous.
const FLOOR: [f32; 2] = [0.05, 1e-3];

/// Mean and spread of each figure, and the sums of the standardised ones, over held-out normals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    /// Mean and spread of each figure.
    figures: Vec<[f32; 2]>,
    /// The scores of the held-out normals, ascending.
    scores: Vec<f32>,
}

impl Scale {
    /// From the figures of held-out normals, `width` each.
    pub(crate) fn new(rows: &[Vec<f32>], width: usize) -> Self {
        let count = rows.len().max(1) as f64;
        let figures = (0..width)
            .map(|column| {
                let values = rows.iter().map(|row| f64::from(row[column]));
                let mean = values.clone().sum::<f64>() / count;
                let spread = (values.map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
                let (mean, spread) = (mean as f32, spread as f32);
                [mean, spread + FLOOR[0] * mean.abs() + FLOOR[1]]
            })
            .collect();
        let mut scale = Self { figures, scores: Vec::new() };
        let mut scores: Vec<f32> = rows.iter().map(|row| scale.score(row)).collect();
        scores.sort_by(f32::total_cmp);
        scale.scores = scores;
        scale
    }

    /// The sum of the figures, each in spreads above its mean.
    pub(crate) fn score(&self, figures: &[f32]) -> f32 {
        figures.iter().zip(&self.figures).map(|(value, [mean, spread])| (value - mean) / spread).sum()
    }

    /// The conformal p-value of a score, (1 + normals at least as novel) / (1 + normals) (Vovk, Gammerman &
    /// Shafer 2005), made continuous so that it keeps the order of scores: between two normals it falls in
    /// a straight line, and beyond the most novel of them from two shares of one normal towards one. It is
    /// nowhere less than the p-value by definition. One half if there are no normals to compare with.
    pub(crate) fn p_value(&self, score: f32) -> f32 {
        let count = self.scores.len();
        let (Some(&least), Some(&most)) = (self.scores.first(), self.scores.last()) else { return 0.5 };
        let less = |than: f32| self.scores.partition_point(|s| *s < than);
        let shares = |shares: f32| shares / (count + 1) as f32;
        let exact = |score: f32| shares((count - less(score) + 1) as f32);
        if score > most {
            return shares(1.0 + 1.0 / (1.0 + (score - most) / self.figures.len() as f32));
        }
        if score <= least {
            return 1.0;
        }
        let (low, high) = (self.scores[less(score) - 1], self.scores[less(score)]);
        exact(low) + (exact(high) - exact(low)) * (score - low) / (high - low)
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) {
        into.tensor("figures", &[self.figures.len(), 2], self.figures.concat());
        into.tensor("scores", &[self.scores.len()], self.scores.clone());
    }

    pub(crate) fn read(from: &Reader<'_>, width: usize) -> Result<Self, PartsError> {
        let figures: Vec<[f32; 2]> = from.matrix("figures", Some(width), 2)?.as_chunks::<2>().0.to_vec();
        let scores = from.vector("scores", None)?.to_vec();
        if figures.iter().any(|[_, spread]| *spread <= 0.0) || !scores.is_sorted() {
            return Err(from.damaged("a spread that is none, or scores out of order"));
        }
        Ok(Self { figures, scores })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scores: &[f32]) -> Scale {
        Scale { figures: vec![[0.0, 1.0]], scores: scores.to_vec() }
    }

    #[test]
    fn p_values_of_held_out_normals_are_their_ranks() {
        let scale = of(&[1.0, 2.0, 4.0]);
        assert_eq!([0.0, 1.0, 2.0, 3.0, 4.0].map(|s| scale.p_value(s)), [1.0, 1.0, 0.75, 0.625, 0.5]);
        assert_eq!(scale.p_value(5.0), 0.375);
        assert_eq!(of(&[]).p_value(3.0), 0.5);
        assert_eq!(of(&[2.0, 2.0, 2.0]).p_value(2.0), 1.0);
        assert_eq!(of(&[1.0, 2.0, 2.0]).p_value(2.0), 0.75);
    }

    #[test]
    fn p_values_fall_with_every_step_above_the_least() {
        let scale = of(&[-1.0, 0.0, 0.0, 3.0, 8.0]);
        let scores: Vec<f32> = (-10..=2000).map(|i| i as f32 / 10.0).collect();
        let p: Vec<f32> = scores.iter().map(|&s| scale.p_value(s)).collect();
        assert!(p.is_sorted_by(|a, b| a > b) && p.iter().all(|p| *p > 1.0 / 6.0 && *p <= 1.0), "{p:?}");
    }

    #[test]
    fn figures_are_standardised_with_a_floor() {
        let scale = Scale::new(&[vec![1.0, 2.0], vec![3.0, 2.0]], 2);
        assert_eq!(scale.figures, [[2.0, 1.0 + 0.1 + 1e-3], [2.0, 0.1 + 1e-3]]);
        assert!((scale.score(&[2.0, 2.101]) - 1.0).abs() < 1e-3);
    }
}
