use proptest::prelude::*;
use traceward_run::tensors::Tensor;
use traceward_trace::rng::Rng;

use super::*;

fn matrix(rows: &[Vec<(u32, f32)>], columns: usize) -> Sparse {
    let mut matrix = Sparse::new(columns);
    rows.iter().for_each(|row| matrix.push(row.iter().copied()));
    matrix
}

fn small(trees: u32) -> ForestConfig {
    ForestConfig { n_estimators: trees, ..ForestConfig::default() }
}

/// Rows that columns 1 and 3 of six tell apart, and the others do not.
fn two_classes() -> (Sparse, Vec<u16>) {
    let mut rng = Rng::new(3);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for row in 0..40u16 {
        let label = row % 2;
        let mut values: Vec<(u32, f32)> = (0..6).map(|c| (c, rng.below(3) as f32)).collect();
        values[1].1 += f32::from(label) * 3.0;
        values[3].1 -= f32::from(label) * 2.5;
        rows.push(values);
        labels.push(label);
    }
    (matrix(&rows, 6), labels)
}

fn probabilities(forest: &Forest, matrix: &Sparse) -> Vec<f32> {
    let mut all = Vec::new();
    let mut row = vec![0.0; forest.classes()];
    for at in 0..matrix.rows() {
        let (columns, values) = matrix.row(at);
        forest.predict_into(columns, values, &mut row);
        all.extend(&row);
    }
    all
}

fn parts(forest: &Forest) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    forest.write(&mut Writer::new(&mut tensors));
    tensors
}

/// One column, 0 for the one class and 10 for the other: every tree cuts once, anywhere between.
#[test]
fn one_column_is_cut_between_its_values() {
    let rows = matrix(&[vec![], vec![], vec![(0, 10.0)], vec![(0, 10.0)]], 1);
    let forest = Forest::fit(&rows, &[0, 0, 1, 1], 2, None, &small(400), 1).unwrap();
    assert_eq!(probabilities(&forest, &rows), [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
    for (value, expected) in [(2.5, 0.25), (5.0, 0.5), (8.0, 0.8)] {
        let mut out = [0.0; 2];
        forest.predict_into(&[0], &[value], &mut out);
        assert!((out[1] - expected).abs() < 0.08, "{value} {out:?}");
    }
    assert_eq!(forest.importance(), [(0, 1.0)]);
    let shares = forest.contributions(&[0], &[10.0], 1);
    assert!((shares.bias - 0.5).abs() < 1e-5 && (shares.columns[0].1 - 0.5).abs() < 1e-5, "{shares:?}");
}

#[test]
fn rows_alike_with_different_classes_share_a_leaf() {
    let rows = matrix(&[vec![(1, 2.0)], vec![(1, 2.0)], vec![(1, 2.0)], vec![]], 3);
    let forest = Forest::fit(&rows, &[0, 0, 1, 1], 2, None, &small(5), 1).unwrap();
    let found = probabilities(&forest, &rows);
    assert!((found[0] - 2.0 / 3.0).abs() < 1e-6 && found[7] == 1.0, "{found:?}");
    let balanced = Some(&[1.0, 1.0, 2.0, 0.0][..]);
    let forest = Forest::fit(&rows, &[0, 0, 1, 1], 2, balanced, &small(5), 1).unwrap();
    assert!(probabilities(&forest, &rows).iter().all(|p| (p - 0.5).abs() < 1e-6));
}

#[test]
fn the_columns_that_tell_matter_most() {
    let (rows, labels) = two_classes();
    let forest = Forest::fit(&rows, &labels, 2, None, &small(60), 1).unwrap();
    let mut first: Vec<u32> = forest.importance().iter().take(2).map(|&(column, _)| column).collect();
    first.sort_unstable();
    assert_eq!(first, [1, 3]);
    let total: f64 = forest.importance().iter().map(|&(_, share)| share).sum();
    assert!((total - 1.0).abs() < 1e-9);
}

#[test]
fn contributions_add_up_to_the_probability() {
    let (rows, labels) = two_classes();
    let forest = Forest::fit(&rows, &labels, 2, None, &small(20), 1).unwrap();
    let found = probabilities(&forest, &rows);
    for at in 0..rows.rows() {
        for class in 0..2 {
            let shares = forest.contributions(rows.row(at).0, rows.row(at).1, class);
            let sum = shares.bias + shares.columns.iter().map(|c| c.1).sum::<f32>();
            assert!((sum - found[at * 2 + class]).abs() < 1e-4);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_trees() {
    let (rows, labels) = two_classes();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Forest::fit(&rows, &labels, 2, None, &small(9), 4).unwrap())
    };
    assert_eq!(with(1), with(3));
    assert_ne!(with(1), Forest::fit(&rows, &labels, 2, None, &small(9), 5).unwrap());
}

#[test]
fn leaves_are_as_large_as_they_must_be() {
    let (rows, labels) = two_classes();
    let config = ForestConfig { min_samples_leaf: 7, ..small(10) };
    let forest = Forest::fit(&rows, &labels, 2, None, &config, 1).unwrap();
    for tree in 0..forest.trees() {
        let leaves = forest.trees.tree(tree).iter().filter(|node| node.is_leaf());
        assert!(leaves.clone().all(|leaf| leaf.threshold >= 7.0) && leaves.count() > 1);
    }
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let (rows, labels) = two_classes();
    assert!(matches!(Forest::fit(&rows, &labels, 2, None, &small(0), 1), Err(TreesError::Config(_))));
    assert!(matches!(
        Forest::fit(&rows, &labels, 1, None, &small(1), 1),
        Err(TreesError::Label { row: 1, .. })
    ));
    let none = vec![0.0; 40];
    assert!(matches!(
        Forest::fit(&rows, &labels, 2, Some(&none), &small(1), 1),
        Err(TreesError::Value { .. })
    ));
}

/// scikit-learn grows other trees from other random numbers, but so many of them say the same.
#[test]
fn probabilities_agree_with_scikit_learn() {
    let known: Rows = serde_json::from_str(include_str!("../boost/tests/lightgbm.json")).unwrap();
    let expected: Known = serde_json::from_str(include_str!("tests/sklearn.json")).unwrap();
    let (learn, rest) = known.rows.split_at(known.learnt);
    let (learn, rest) = (matrix(learn, known.columns), matrix(rest, known.columns));
    let balanced = ForestConfig { balanced: true, min_samples_leaf: 3, ..small(500) };
    for (config, expected) in [(small(500), expected.plain), (balanced, expected.balanced)] {
        let forest = Forest::fit(&learn, &known.labels[..known.learnt], 3, None, &config, 2).unwrap();
        let apart: Vec<f32> =
            probabilities(&forest, &rest).iter().zip(&expected).map(|(a, b)| (a - b).abs()).collect();
        let mean = apart.iter().sum::<f32>() / apart.len() as f32;
        // 500 draws of a share near 1/2 are off by 0.022 at one standard deviation, on average by less.
        assert!(mean < 0.015 && apart.iter().all(|&apart| apart < 0.1), "{mean}");
    }
}

#[derive(Deserialize)]
struct Rows {
    columns: usize,
    learnt: usize,
    rows: Vec<Vec<(u32, f32)>>,
    labels: Vec<u16>,
}

#[derive(Deserialize)]
struct Known {
    plain: Vec<f32>,
    balanced: Vec<f32>,
}

#[test]
fn what_is_written_comes_back() {
    let (rows, labels) = two_classes();
    let forest = Forest::fit(&rows, &labels, 2, None, &small(7), 1).unwrap();
    let tensors = parts(&forest);
    let read = |columns, classes| Forest::read(&Reader::new(&tensors), columns, classes);
    assert_eq!(read(6, 2).unwrap(), forest);
    assert!(read(2, 2).is_err() && read(6, 3).is_err() && read(6, 0).is_err());
    let narrow = forest.clone().narrowed();
    assert_eq!(narrow.columns().len(), forest.columns().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever one number of the arrays becomes, reading ends in an error or in trees that can be asked.
    #[test]
    fn damaged_arrays_do_not_panic(array in 0usize..5, at in any::<prop::sample::Index>(), bits in any::<u32>()) {
        let (rows, labels) = two_classes();
        let forest = Forest::fit(&rows, &labels, 2, None, &small(3), 1).unwrap();
        let mut tensors = parts(&forest);
        let at = at.index(tensors[array].2.len());
        for value in [f32::from_bits(bits), (bits % 9) as f32] {
            tensors[array].2[at] = value;
            if let Ok(forest) = Forest::read(&Reader::new(&tensors), 6, 2) {
                prop_assert!(probabilities(&forest, &rows).iter().all(|p| p.is_finite()));
                forest.contributions(rows.row(0).0, rows.row(0).1, 1);
                forest.importance();
            }
        }
    }

    /// A forest that may grow to the end knows the class of every row that it has seen, unless another
    /// class has the same row.
    #[test]
    fn any_small_matrix_is_learnt_by_heart(
        rows in prop::collection::btree_map(prop::collection::vec(-3i8..4, 3), 0u16..3, 1..24),
    ) {
        let values = |row: &[i8]| row.iter().enumerate().map(|(c, &v)| (c as u32, f32::from(v) / 2.0)).collect();
        let cells: Vec<Vec<(u32, f32)>> = rows.keys().map(|row| values(row)).collect();
        let labels: Vec<u16> = rows.values().copied().collect();
        let matrix = matrix(&cells, 3);
        let forest = Forest::fit(&matrix, &labels, 3, None, &small(4), 1).unwrap();
        for (row, label) in probabilities(&forest, &matrix).chunks(3).zip(labels) {
            prop_assert!((row[usize::from(label)] - 1.0).abs() < 1e-6, "{row:?} {label}");
        }
    }
}
