use proptest::prelude::*;

use super::*;

fn matrix(rows: &[Vec<u32>]) -> Sparse {
    let mut matrix = Sparse::new(6);
    for row in rows {
        matrix.push(row.iter().enumerate().map(|(column, &count)| (column as u32, count as f32)));
    }
    matrix
}

fn cosine(a: &[u32], b: &[u32]) -> f64 {
    let damped = |row: &[u32]| row.iter().map(|&n| f64::from(n).ln_1p()).collect::<Vec<f64>>();
    let (a, b) = (damped(a), damped(b));
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let lengths = (dot(&a, &a) * dot(&b, &b)).sqrt();
    if lengths > 0.0 { dot(&a, &b) / lengths } else { 0.0 }
}

proptest! {
    #[test]
    fn the_index_finds_the_cosines(
        rows in proptest::collection::vec(proptest::collection::vec(0u32..4, 6), 1..12),
        asked in proptest::collection::vec(0u32..4, 6),
    ) {
        let counts = matrix(&rows);
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let bank = Bank::new(Damping::Log, Columns((0..6).collect()), &counts, &all);
        let asked_counts = matrix(std::slice::from_ref(&asked));
        let (columns, values) = asked_counts.row(0);
        let mut found = Vec::new();
        bank.similarities(columns, values, &mut found);
        for (row, similarity) in rows.iter().zip(&found) {
            prop_assert!((f64::from(*similarity) - cosine(row, &asked)).abs() < 1e-5);
        }

        let labels: Vec<u16> = (0..rows.len()).map(|row| (row % 2) as u16).collect();
        let groups: Vec<u32> = (0..rows.len()).map(|row| (row / 3) as u32).collect();
        let near = by_class(&found, &labels, 2, Some((&groups, 0)));
        for class in 0..2u16 {
            let mut own: Vec<f32> = (0..rows.len())
                .filter(|&row| labels[row] == class && groups[row] != 0)
                .map(|row| found[row])
                .collect();
            own.sort_by(|a, b| b.total_cmp(a));
            own.resize(DEPTH, 0.0);
            prop_assert_eq!(&near[usize::from(class) * DEPTH..][..DEPTH], &own[..]);
        }
        let nearest = nearest(&found, &labels, 3);
        prop_assert_eq!(nearest.len(), 3.min(rows.len()));
        let greatest = found.iter().copied().fold(0.0, f32::max);
        prop_assert_eq!(nearest[0].similarity, greatest.min(1.0));
    }
}

#[test]
fn only_the_columns_of_a_bank_count() {
    let counts = matrix(&[vec![1, 0, 5, 0, 0, 0], vec![0, 1, 5, 0, 0, 0]]);
    let bank = Bank::new(Damping::Presence, Columns(vec![0, 1]), &counts, &[0, 1]);
    let mut found = Vec::new();
    let (columns, values) = counts.row(0);
    bank.similarities(columns, values, &mut found);
    assert_eq!(found, [1.0, 0.0]);
}

#[test]
fn a_copy_says_far_more_than_a_likeness() {
    let mut near = vec![0.0; 3 * DEPTH];
    near[0] = 1.0;
    near[DEPTH] = 0.9;
    let mut of_one = [0.0; 3];
    margins(&near, 1, &mut of_one);
    assert!(of_one[0] - of_one[1] > 1.5 && of_one[1] - of_one[2] > 1.5, "{of_one:?}");
    assert!((mean_of(&near, 0, 2) - 0.5).abs() < 1e-6);
}
