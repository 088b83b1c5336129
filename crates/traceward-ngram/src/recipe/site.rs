//! Where a model is trained: some of the traces, their counts, and what is most like them.

use rayon::prelude::*;
use traceward_run::Labelled;

use crate::features::Corpus;
use crate::neighbours::{Bank, Likeness, by_class};

/// Training traces, counted.
pub(crate) struct Ground<'a> {
    pub(crate) corpus: Corpus,
    pub(crate) data: &'a Labelled<'a>,
}

impl Ground<'_> {
    pub(crate) fn labels(&self, rows: &[u32]) -> Vec<u16> {
        rows.iter().map(|&row| self.data.labels[row as usize]).collect()
    }

    pub(crate) fn groups(&self, rows: &[u32]) -> Vec<u32> {
        rows.iter().map(|&row| self.data.groups[row as usize]).collect()
    }
}

/// Some rows of the ground, on which models are trained together.
pub(crate) struct Site<'a> {
    pub(crate) ground: &'a Ground<'a>,
    /// The rows.
    pub(crate) rows: Vec<u32>,
    labels: Vec<u16>,
    likenesses: &'a [Likeness],
    pub(crate) banks: Vec<Bank>,
    /// `near[place][bank]`: how near the nearest traces of each class are to the row at that place, its own
    /// group left out.
    pub(crate) near: Vec<Vec<Vec<f32>>>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(ground: &'a Ground<'a>, rows: Vec<u32>, likenesses: &'a [Likeness]) -> Self {
        let counts = ground.corpus.counts();
        let banks: Vec<Bank> = likenesses
            .iter()
            .map(|likeness| {
                let columns = ground.corpus.columns(&likeness.features, &rows);
                Bank::new(likeness.damping, columns, counts, &rows)
            })
            .collect();
        let (labels, groups) = (ground.labels(&rows), ground.groups(&rows));
        let near = rows
            .par_iter()
            .zip(&groups)
            .map(|(&row, &group)| {
                let (columns, counts) = counts.row(row as usize);
                let mut similarities = Vec::new();
                let near = |bank: &Bank| {
                    bank.similarities(columns, counts, &mut similarities);
                    by_class(&similarities, &labels, ground.data.classes, Some((&groups, group)))
                };
                banks.iter().map(near).collect()
            })
            .collect();
        Self { ground, rows, labels, likenesses, banks, near }
    }

    /// How near the traces of this site are to a row of the ground that is none of them.
    pub(crate) fn near_to(&self, row: u32) -> Vec<Vec<f32>> {
        let (columns, counts) = self.ground.corpus.counts().row(row as usize);
        let mut similarities = Vec::new();
        let near = |bank: &Bank| {
            bank.similarities(columns, counts, &mut similarities);
            by_class(&similarities, &self.labels, self.ground.data.classes, None)
        };
        self.banks.iter().map(near).collect()
    }

    /// Which bank compares traces in this.
    ///
    /// # Panics
    /// If none does: a site is made with the likenesses of its recipe.
    pub(crate) fn bank(&self, likeness: &Likeness) -> usize {
        self.likenesses.iter().position(|known| known == likeness).expect("a site has its recipe's banks")
    }

    /// The rows at some places.
    pub(crate) fn rows_at(&self, places: &[u32]) -> Vec<u32> {
        places.iter().map(|&place| self.rows[place as usize]).collect()
    }
}
