//! Whether the rows of a class stand together.
//!
//! Files made by concatenating one class after the other are the commonest trap of all: a split by
//! position then validates on classes that training never saw. The share of neighbouring rows with equal
//! labels tells, against the share that a random order of the same labels would have.

use serde::Serialize;

use crate::Dataset;

use super::share;

/// Neighbouring rows, among the rows that have a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Neighbours {
    /// The share of pairs of neighbours with equal labels.
    pub equal_share: f64,
    /// The share expected if the same rows stood in random order.
    pub expected_share: f64,
    /// How many standard deviations of a random order lie between the two.
    pub z: f64,
    /// How many unbroken blocks of one class there are; as many as classes if each stands in one piece.
    pub blocks: usize,
}

impl Neighbours {
    /// The excess over chance from which rows count as sorted.
    pub const SORTED_EXCESS: f64 = 0.2;
    /// How far from chance it must be at least, so that a few rows cannot look sorted.
    pub const SORTED_Z: f64 = 4.0;

    /// Looks at the rows of `data` in file order.
    pub(super) fn of(data: &Dataset) -> Self {
        let labels: Vec<u16> = data.traces.iter().filter_map(|t| t.class).collect();
        let n = labels.len();
        if n < 2 {
            return Self { blocks: n, ..Self::default() };
        }
        let equal = labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let mut of_class = vec![0usize; data.classes.len()];
        for &label in &labels {
            of_class[usize::from(label)] += 1;
        }
        // Of all ordered pairs of rows, those with equal labels: exact for a random permutation.
        let pairs: f64 = of_class.iter().map(|&c| c as f64 * c.saturating_sub(1) as f64).sum();
        let expected_share = pairs / (n as f64 * (n - 1) as f64);
        let equal_share = share(equal, n - 1);
        let deviation = (expected_share * (1.0 - expected_share) / (n - 1) as f64).sqrt();
        let z = if deviation > 0.0 { (equal_share - expected_share) / deviation } else { 0.0 };
        Self { equal_share, expected_share, z, blocks: n - equal }
    }

    /// Whether rows of one class stand together far more than chance would have it.
    pub fn is_sorted(&self) -> bool {
        self.equal_share - self.expected_share > Self::SORTED_EXCESS && self.z > Self::SORTED_Z
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::sample::dataset;

    #[test]
    fn sorted_rows_are_told_from_shuffled_ones() {
        let mut labels = [["normal"; 60], ["web"; 60], ["ssh"; 60]].concat();
        let of = |labels: &[&'static str]| {
            Neighbours::of(&dataset(&labels.iter().map(|l| ("open", *l, "", "")).collect::<Vec<_>>()))
        };
        let sorted = of(&labels);
        assert_eq!((sorted.equal_share, sorted.blocks), (177.0 / 179.0, 3));
        assert!((sorted.expected_share - 3.0 * 60.0 * 59.0 / (180.0 * 179.0)).abs() < 1e-12);
        assert!(sorted.is_sorted());
        Rng::new(1).shuffle(&mut labels);
        assert!(!of(&labels).is_sorted());
        assert!(!of(&["normal", "normal", "web", "web"]).is_sorted(), "four rows prove nothing");
        assert!(!of(&["normal"; 50]).is_sorted(), "one class has no order");
        assert_eq!(of(&[]).blocks, 0);
    }
}
