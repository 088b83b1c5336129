//! Inner folds: what a model may learn about itself without looking at anything but its training traces.

use traceward_trace::rng::Rng;

/// Deals traces into `folds` folds, groups whole: the groups of each class are shuffled and dealt one to
/// each fold in turn, as the honest protocol deals its outer folds. A group belongs to the class of its first
/// trace. Returns the fold of each trace.
pub(crate) fn deal(labels: &[u16], groups: &[u32], folds: usize, seed: u64) -> Vec<u8> {
    debug_assert!(folds <= 256 && labels.len() == groups.len());
    let mut first_of: Vec<(u32, u32)> = groups.iter().enumerate().map(|(i, &g)| (g, i as u32)).collect();
    first_of.sort_unstable();
    first_of.dedup_by_key(|(group, _)| *group);
    // In the order of the traces, so that how groups are numbered does not matter.
    first_of.sort_unstable_by_key(|(_, first)| *first);
    let classes = labels.iter().map(|&l| usize::from(l) + 1).max().unwrap_or(0);
    let mut fold_of: Vec<(u32, u8)> = Vec::with_capacity(first_of.len());
    for class in 0..classes {
        let mut own: Vec<u32> = first_of
            .iter()
            .filter(|(_, first)| usize::from(labels[*first as usize]) == class)
            .map(|(group, _)| *group)
            .collect();
        Rng::stream(seed, class as u64).shuffle(&mut own);
        fold_of.extend(own.iter().enumerate().map(|(i, &group)| (group, (i % folds) as u8)));
    }
    fold_of.sort_unstable();
    let of = |group: &u32| fold_of.binary_search_by_key(group, |(g, _)| *g).map(|at| fold_of[at].1);
    groups.iter().map(|group| of(group).unwrap_or(0)).collect()
}

/// The rows of a fold and the others, both ascending: (to train on, to judge by).
pub(crate) fn sides(fold_of: &[u8], fold: usize) -> (Vec<u32>, Vec<u32>) {
    (0..fold_of.len() as u32).partition(|&row| usize::from(fold_of[row as usize]) != fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stay_whole_and_classes_are_spread() {
        let labels: Vec<u16> = (0..200).map(|i| u16::from(i >= 100)).collect();
        // A hundred traces by themselves, ten groups of ten.
        let groups: Vec<u32> = (0..200).map(|i| if i < 100 { i } else { 1000 + i / 10 }).collect();
        let fold_of = deal(&labels, &groups, 5, 3);
        for group in 1010..1020 {
            let of: Vec<u8> = (0..200).filter(|&i| groups[i] == group).map(|i| fold_of[i]).collect();
            assert!(of.len() == 10 && of.iter().all(|f| *f == of[0]));
        }
        for fold in 0..5 {
            let (train, judge) = sides(&fold_of, fold);
            assert_eq!((train.len(), judge.len()), (160, 40));
            assert_eq!(judge.iter().filter(|&&i| labels[i as usize] == 0).count(), 20);
        }
        assert_ne!(fold_of, deal(&labels, &groups, 5, 4));
        let renumbered: Vec<u32> = groups.iter().map(|g| 5000 - g).collect();
        assert_eq!(fold_of, deal(&labels, &renumbered, 5, 3));
    }
}
