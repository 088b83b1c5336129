//! How sure a figure is: what it would be on other attack runs and other normals.
//!
//! Traces of one attack run are alike, so what is drawn is never a trace but a *unit*: a group, or a trace
//! without one. Units are drawn with replacement within each class, so that every draw has every family
//! (stratified cluster bootstrap; Davison & Hinkley 1997, sections 3.2 and 3.8), and a figure's interval is
//! from the 2.5th to the 97.5th percentile of the draws. Where there are several seeds, they are drawn too.

use std::collections::HashMap;

use traceward_run::evaluation::quantile;
use traceward_trace::Dataset;
use traceward_trace::rng::Rng;

/// Draws, if the data is not so large that fewer do.
pub(crate) const RESAMPLES: usize = 1000;
/// Units drawn over all draws: bounds the time on large data.
const DRAWS: usize = 20_000_000;

/// What is drawn whole, by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// The unit of each trace of the data set; `None` for one that is not judged.
    of_trace: Vec<Option<u32>>,
    /// The units of each class.
    strata: Vec<Vec<u32>>,
    count: usize,
}

impl Units {
    /// The units of the traces `judged`, given as indices into the data set, repeats allowed. A group with
    /// several classes counts for the class of its first trace.
    pub fn of(data: &Dataset, judged: impl IntoIterator<Item = u32>) -> Self {
        let mut units = Self {
            of_trace: vec![None; data.traces.len()],
            strata: vec![Vec::new(); data.classes.len()],
            count: 0,
        };
        let mut rows: Vec<u32> = judged.into_iter().collect();
        rows.sort_unstable();
        rows.dedup();
        let mut of_group: HashMap<&str, u32> = HashMap::new();
        for row in rows {
            let trace = &data.traces[row as usize];
            let fresh = units.count as u32;
            let unit = match trace.group.as_deref() {
                Some(group) => *of_group.entry(group).or_insert(fresh),
                None => fresh,
            };
            if unit == fresh {
                units.count += 1;
                if let Some(class) = trace.class {
                    units.strata[usize::from(class)].push(unit);
                }
            }
            units.of_trace[row as usize] = Some(unit);
        }
        units
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The unit of a trace; 0 for one that is not judged.
    pub(crate) fn of_trace(&self, trace: u32) -> u32 {
        self.of_trace.get(trace as usize).copied().flatten().unwrap_or(0)
    }

    /// How often each unit is drawn.
    pub(crate) fn draw(&self, random: &mut Rng) -> Vec<u32> {
        let mut times = vec![0; self.count];
        for stratum in &self.strata {
            for _ in stratum {
                times[stratum[random.below(stratum.len() as u64) as usize] as usize] += 1;
            }
        }
        times
    }

    /// How many draws are worth their time.
    pub(crate) fn resamples(&self) -> usize {
        (DRAWS / self.count.max(1)).clamp(200, RESAMPLES)
    }
}

/// The 95 % interval of draws: their 2.5th and 97.5th percentile, between neighbours as NumPy's default.
/// `None` without a draw.
pub fn interval(mut draws: Vec<f64>) -> Option<[f64; 2]> {
    draws.retain(|draw| draw.is_finite());
    draws.sort_by(f64::total_cmp);
    (!draws.is_empty()).then(|| [quantile(&draws, 0.025), quantile(&draws, 0.975)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dataset;

    #[test]
    fn a_draw_keeps_groups_whole_and_classes_as_many() {
        let data = dataset(&[
            ("a", "normal", "", ""),
            ("b", "normal", "", ""),
            ("c", "web", "web_1", ""),
            ("d", "web", "web_1", ""),
            ("e", "web", "web_2", ""),
            ("f", "web", "web_3", ""),
        ]);
        let units = Units::of(&data, [0, 1, 2, 3, 4, 4]);
        assert_eq!(units.len(), 4);
        assert_eq!(units.of_trace(2), units.of_trace(3));
        assert_ne!(units.of_trace(3), units.of_trace(4));
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let times = units.draw(&mut Rng::new(seed));
            let of = |trace| times[units.of_trace(trace) as usize];
            assert_eq!((of(0) + of(1), of(2) + of(4)), (2, 2));
            seen.insert(times);
        }
        assert_eq!(seen.len(), 9, "three draws of two units, twice");
    }

    /// `numpy.percentile(range(11), [2.5, 97.5])`
    #[test]
    fn the_interval_is_numpys() {
        assert_eq!(interval((0..=10).rev().map(f64::from).collect()), Some([0.25, 9.75]));
        assert_eq!(interval(vec![f64::NAN]), None);
    }
}
